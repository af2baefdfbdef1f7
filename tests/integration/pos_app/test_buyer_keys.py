"""The house's keys for what is known of buyers: asked for again while the link stays up."""

from __future__ import annotations

from edge.sync import NoAnswer
from pos_app.services.buyers import KEYS_PERIOD_S
from tests.integration.pos_app.window_stage import Stage
from ticketing.personal import data_key

KEYS = (data_key(bytes(32), 1),)


def test_a_question_without_an_answer_is_asked_again_at_the_next_greeting(till: Stage) -> None:
    till.go_online()
    [asked] = till.engine.calls
    till.engine.listeners.greeted()
    assert till.engine.calls == [asked], "it is under way"
    asked.then(NoAnswer("busy"))
    assert not till.window.buyers.can_note()
    till.engine.listeners.greeted()
    [_first, again] = till.engine.calls
    again.then(KEYS)
    assert till.window.buyers.can_note()


def test_a_new_key_reaches_a_window_whose_link_never_goes(till: Stage) -> None:
    till.go_online()
    till.engine.calls[0].then(KEYS)
    till.engine.listeners.greeted()
    assert len(till.engine.calls) == 1
    till.env.pass_s(KEYS_PERIOD_S)
    till.engine.listeners.greeted()
    assert len(till.engine.calls) == 2
