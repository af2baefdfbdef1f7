"""The house's keys for what is known of buyers: asked for again while the link stays up."""

from __future__ import annotations

from edge.asking import FIRST_WAIT_S
from edge.sync import OFFLINE, NoAnswer
from pos_app.services.buyers import KEYS_PERIOD_S
from tests.integration.pos_app.window_stage import Stage
from ticketing.personal import data_key

KEYS = (data_key(bytes(32), 1),)


def test_a_question_without_an_answer_is_asked_again_at_a_later_greeting(till: Stage) -> None:
    till.go_online()
    [asked] = till.engine.calls
    till.engine.listeners.greeted()
    assert till.engine.calls == [asked], "it is under way"
    asked.then(NoAnswer("busy"))
    assert not till.window.buyers.can_note()
    till.engine.listeners.greeted()
    assert till.engine.calls == [asked], "the server is given a moment"
    till.env.pass_s(FIRST_WAIT_S)
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


def test_a_question_that_never_got_there_is_asked_with_the_next_contact(till: Stage) -> None:
    till.go_online()
    [asked] = till.engine.calls
    asked.then(NoAnswer(OFFLINE))
    till.engine.listeners.greeted()
    assert len(till.engine.calls) == 2


def test_a_window_waits_longer_after_each_failure_and_an_hour_at_the_most(till: Stage) -> None:
    till.go_online()
    waited_s = FIRST_WAIT_S
    while waited_s < KEYS_PERIOD_S * 2:
        asked = till.engine.calls[-1]
        asked.then(NoAnswer("busy"))
        till.env.pass_s(min(waited_s, KEYS_PERIOD_S) - 1)
        till.engine.listeners.greeted()
        assert till.engine.calls[-1] is asked
        till.env.pass_s(1)
        till.engine.listeners.greeted()
        assert till.engine.calls[-1] is not asked
        waited_s *= 2
    till.engine.calls[-1].then(KEYS)
    assert till.window.buyers.can_note()
