"""What the till says of a gate's answer: never green on half a knowledge, and the gravest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge.admission_looks import says_of
from pos_app.presenters.gate_words import GROUPS_MAX, gate_panel, gate_says, is_for_later
from pos_app.presenters.language import LANGUAGES, language, set_language
from pos_app.services.after_sale_model import AtGate, OrderDetail
from tests.unit.pos_app.test_presenter_after_sale import ONE, TWO, detail
from ticketing.admission import Admit, Entry, Miss, MissKind, Note, Reason, Refuse
from ticketing.ids import OpId
from ticketing.text import Text

NOW = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)  # 14:05 at the house
VENUE = detail().venue
IN = Entry(OpId("ab" * 16), "00000000000000aa", "A1", NOW - timedelta(minutes=5))
FRESH = AtGate(Admit(unconfirmed=False), NOW, told_at=NOW, is_fresh=True)
USED = replace(FRESH, decision=Refuse(Reason.ALREADY_USED, IN))
ALONE = AtGate(Admit(unconfirmed=True), NOW)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    before = language()
    set_language("en")
    yield
    set_language(before)


def order(*says: AtGate | None) -> OrderDetail:
    made = detail()
    tickets = tuple(
        replace(ticket, at_gate=one) for ticket, one in zip(made.tickets, says, strict=True)
    )
    return replace(made, tickets=tickets)


def test_what_the_server_told_a_moment_ago_is_green_and_says_at_which_gates() -> None:
    says = gate_says(FRESH, VENUE)
    assert (says.level, says.icon, says.word) == ("ok", "check", "Would be let in")
    assert says.lines == ("At every gate",)
    at = (Text.from_names({"en": "Gate C", "zh-Hans": "C 门"}), "VIP")
    assert gate_says(replace(FRESH, gates=at), VENUE).lines == ("At Gate C, VIP",)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(ALONE, id="the till alone"),
        pytest.param(replace(FRESH, is_fresh=False), id="told a while ago"),
    ],
)
def test_on_half_a_knowledge_nothing_is_green(known: AtGate) -> None:
    says = gate_says(known, VENUE)
    assert (says.level, says.word) == ("warn", "Would be let in")
    unsent = "Its sale has not reached the server: gates go by its code."
    assert (unsent in says.lines) == (known is ALONE)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_refusal_looks_and_reads_as_on_the_gates_handheld(reason: Reason) -> None:
    decision = Refuse(reason, IN)
    for each in LANGUAGES:
        set_language(each)
        handheld = says_of(decision, at=NOW, zone=VENUE.zone, language=each)
        assert gate_says(replace(FRESH, decision=decision), VENUE) == handheld
        assert gate_says(replace(ALONE, decision=decision), VENUE) == handheld


def test_a_note_for_the_staff_and_the_only_gate_that_is_right_are_said() -> None:
    back = replace(FRESH, decision=Admit(unconfirmed=False, notes=frozenset({Note.REENTRY})))
    assert gate_says(back, VENUE).lines == ("At every gate", "Back again")
    assert gate_says(replace(USED, gates=("VIP",)), VENUE).lines[-1] == "At VIP"


@pytest.mark.parametrize(
    ("ahead", "level", "waits"),
    [
        pytest.param(timedelta(hours=2), "warn", True, id="tonight"),
        pytest.param(timedelta(hours=2, minutes=1), "warn", False, id="another time"),
    ],
)
def test_a_ticket_for_another_day_is_not_wrong_and_nobody_waits(
    ahead: timedelta, level: str, *, waits: bool
) -> None:
    early = replace(
        FRESH, decision=Refuse(Reason.TOO_EARLY, miss=Miss(MissKind.OPENS_AT, NOW + ahead))
    )
    says = gate_says(early, VENUE)
    assert (says.level, says.icon, "Please wait" in says.lines) == (level, "clock", waits)
    assert is_for_later(early) is not waits


class TestPanel:
    def test_one_answer_for_all_names_no_ticket(self) -> None:
        panel = gate_panel(order(FRESH, FRESH), (ONE, TWO))
        assert panel is not None
        assert [(one.says.word, one.about) for one in panel.answers] == [("Would be let in", "")]
        assert panel.source == "As the server told at 14:05."

    def test_different_answers_are_said_each_with_its_ticket_the_gravest_first(self) -> None:
        panel = gate_panel(order(FRESH, USED), (ONE, TWO))
        assert panel is not None
        first, second = panel.answers
        assert (first.says.word, second.says.word) == ("Already used", "Would be let in")
        assert first.about != second.about
        assert first.sentence == (
            "14:00 · A1 · Somebody has gone in with this ticket · To the box office"
        )
        assert len(panel.answers) <= GROUPS_MAX

    def test_only_of_the_tickets_that_are_looked_at(self) -> None:
        panel = gate_panel(order(FRESH, USED), (TWO,))
        assert panel is not None
        assert [one.says.word for one in panel.answers] == ["Already used"]
        assert gate_panel(order(FRESH, USED), ()) is None
        assert gate_panel(order(None, USED), (ONE,)) is None

    @pytest.mark.parametrize(
        ("known", "source"),
        [
            pytest.param(
                ALONE,
                "By what this window knows, 14:05. Whether anybody has gone in, only the server "
                "can tell.",
                id="the till alone",
            ),
            pytest.param(
                replace(FRESH, is_fresh=False, told_at=NOW - timedelta(minutes=9)),
                "As the server told at 13:56. Who has gone in since is not known here.",
                id="told a while ago",
            ),
        ],
    )
    def test_the_least_that_is_known_is_said(self, known: AtGate, source: str) -> None:
        panel = gate_panel(order(FRESH, known), (ONE, TWO))
        assert panel is not None
        assert panel.source == source
