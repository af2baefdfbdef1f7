"""The barrier as a dialogue: what happens, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gate_agent.barrier_state import (
    EDGE_GAP_S,
    HOLD_AGAIN_S,
    HOLD_MS,
    STUCK_S,
    WAIT_S,
    WAITING_MAX,
    BarrierRules,
    BarrierState,
    CameBack,
    Effect,
    Event,
    Failed,
    Granted,
    Lost,
    OpenFor,
    PeriodBegan,
    PeriodEnded,
    Pulse,
    Shut,
    ShutNow,
    Told,
    Uncertain,
    Ungranted,
    Went,
    step,
)
from ticketing.operations import GateCause as Cause

CONTACT = BarrierRules(700, has_contact=True)
CLOSED, OPENED = Told(passage=True), Told(passage=False)


@dataclass
class Gate:
    """A barrier and its clock."""

    rules: BarrierRules = CONTACT
    state: BarrierState = field(default_factory=BarrierState)
    now_s: float = 100.0

    def on(self, event: Event, after_s: float = 0.05) -> list[Effect]:
        self.now_s += after_s
        self.state, effects = step(self.state, event, self.rules, self.now_s)
        return list(effects)

    def passes(self) -> list[Effect]:
        """Somebody walks through."""
        effects = self.on(CLOSED, 0.5)
        return effects + self.on(OPENED, 0.2)


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    assert gate.on(OPENED) == []
    return gate


def test_who_was_granted_and_passes_went(gate: Gate) -> None:
    assert gate.on(Granted("a")) == [Pulse(700, "a")]
    assert gate.passes() == [Went("a")]
    assert gate.on(OPENED, WAIT_S + 1) == []


def test_who_was_granted_and_does_not_pass_in_time_came_back(gate: Gate) -> None:
    gate.on(Granted("a"))
    assert gate.on(OPENED, WAIT_S - 0.1) == []
    assert gate.on(OPENED, 0.1) == [CameBack("a")]
    assert gate.passes() == [Ungranted(Cause.TAILGATE)]


def test_without_a_contact_the_grant_counts() -> None:
    gate = Gate(BarrierRules(700))
    assert gate.on(Granted("a")) == [Pulse(700, "a"), Uncertain("a")]
    assert gate.on(Told(), WAIT_S * 2) == []


def test_a_passage_without_a_grant_is_a_tailgate(gate: Gate) -> None:
    assert gate.passes() == [Ungranted(Cause.TAILGATE)]


def test_two_passages_for_one_grant_are_one_too_many(gate: Gate) -> None:
    gate.on(Granted("a"))
    assert gate.passes() + gate.passes() == [Went("a"), Ungranted(Cause.TAILGATE)]


def test_a_contact_that_bounces_is_one_passage(gate: Gate) -> None:
    gate.on(Granted("a"))
    bounces = [gate.on(CLOSED, 0.5), gate.on(OPENED, 0.02), gate.on(CLOSED, 0.02)]
    assert bounces == [[Went("a")], [], []]
    assert gate.on(OPENED) == []
    assert gate.on(CLOSED, EDGE_GAP_S) == [Ungranted(Cause.TAILGATE)]


def test_somebody_who_may_have_gone_in_at_the_heels_of_another_is_never_said_to_have_returned(
    gate: Gate,
) -> None:
    gate.on(Granted("a"))
    assert gate.passes() == [Went("a")]
    gate.on(Granted("b"), 0.0)
    assert gate.on(CLOSED, 0.05) == []
    gate.on(OPENED, 0.1)
    assert gate.on(OPENED, WAIT_S) == [Uncertain("b")]


def test_a_grant_while_somebody_is_on_the_way_lets_both_pass_one_after_the_other(
    gate: Gate,
) -> None:
    gate.on(Granted("a"))
    assert gate.on(Granted("b")) == [Pulse(700, "b")]
    assert gate.passes() == [Went("a"), Pulse(700)]
    assert gate.passes() == [Went("b")]
    assert gate.passes() == [Ungranted(Cause.TAILGATE)]


def test_who_comes_behind_somebody_who_stayed_has_the_whole_time(gate: Gate) -> None:
    gate.on(Granted("a"))
    gate.on(Granted("b"), WAIT_S - 0.1)
    assert gate.on(OPENED, 0.2) == [CameBack("a")]
    assert gate.passes() == [Went("b")]


def test_a_double_tap_opens_again_and_counts_once(gate: Gate) -> None:
    gate.on(Granted("a"))
    assert gate.on(Granted("a"), 3) == [Pulse(700, "a")]
    assert gate.on(OPENED, WAIT_S - 0.1) == [], "its time began anew"
    assert gate.passes() == [Went("a")]
    assert gate.passes() == [Ungranted(Cause.TAILGATE)]


def test_a_barrier_that_did_not_open_waits_for_nobody(gate: Gate) -> None:
    gate.on(Granted("a"))
    gate.on(Failed("a"))
    assert gate.on(OPENED, WAIT_S) == []
    assert gate.passes() == [Ungranted(Cause.TAILGATE)]


@pytest.mark.parametrize(
    "gap",
    [
        pytest.param(Told(), id="one answer lost"),
        pytest.param(Told(passage=False, has_gap=True), id="one answer too late"),
        pytest.param(Lost(), id="board lost"),
    ],
)
def test_what_nobody_could_see_counts(gate: Gate, gap: Event) -> None:
    gate.on(Granted("a"))
    gate.on(gap)
    gate.on(OPENED)
    assert gate.on(OPENED, WAIT_S) == [Uncertain("a")]


def test_who_may_have_passed_unseen_sends_nobody_back_who_came_behind(gate: Gate) -> None:
    """The passage that is seen may be the next one's: then the last in the queue has passed too."""
    gate.on(Granted("a"))
    gate.on(Told(passage=False, has_gap=True))
    gate.on(Granted("b"))
    assert gate.passes() == [Went("a"), Pulse(700)]
    assert gate.on(OPENED, WAIT_S) == [Uncertain("b")]


def test_a_board_that_stays_lost_does_not_return_anybody(gate: Gate) -> None:
    gate.on(Granted("a"))
    assert gate.on(Lost()) == []
    assert gate.on(Lost(), WAIT_S) == [Uncertain("a")]


def test_a_passage_seen_late_is_still_a_passage(gate: Gate) -> None:
    gate.on(Granted("a"))
    assert gate.on(Told(passage=True, has_gap=True)) == [Went("a")]


def test_a_passage_seen_after_a_lost_answer_is_still_a_passage(gate: Gate) -> None:
    gate.on(Granted("a"))
    gate.on(Told())
    assert gate.on(CLOSED) == [Went("a")]


def test_a_contact_found_closed_is_nobodys_passage() -> None:
    gate = Gate()
    assert gate.on(CLOSED) == []
    assert gate.on(Lost()) == []
    assert gate.on(CLOSED) == []


def test_a_contact_that_never_opens_returns_nobody_and_is_found_stuck() -> None:
    gate = Gate()
    gate.on(CLOSED)
    gate.on(Granted("a"))
    assert gate.on(CLOSED, WAIT_S) == [Uncertain("a")]
    assert not gate.state.is_stuck(gate.now_s)
    assert gate.state.is_stuck(gate.now_s + STUCK_S)


def test_somebody_close_behind_the_one_before_is_watched_once_the_contact_opens(gate: Gate) -> None:
    gate.on(Granted("a"))
    assert gate.on(CLOSED, 0.5) == [Went("a")]
    gate.on(Granted("b"))
    gate.on(OPENED)
    assert gate.on(OPENED, WAIT_S) == [CameBack("b")]


def test_so_many_that_nobody_can_tell_them_apart_are_not_kept(gate: Gate) -> None:
    for number in range(WAITING_MAX):
        assert gate.on(Granted(str(number)), 0.001) == [Pulse(700, str(number))]
    assert gate.on(Granted("last"), 0.001) == [Pulse(700, "last"), Uncertain("0")]
    assert len(gate.state.waiting) == WAITING_MAX


# --- on the way out


def test_out_nobody_is_sent_back_and_nobody_tailgates() -> None:
    gate = Gate(BarrierRules(700, has_contact=True, leads_out=True))
    gate.on(OPENED)
    gate.on(Granted("a"))
    assert gate.passes() == [Went("a")]
    assert gate.passes() == [Ungranted(Cause.OUT)]
    gate.on(Granted("b"))
    assert gate.on(OPENED, WAIT_S) == [Uncertain("b")]


# --- standing open


def test_a_gate_opened_by_hand_is_held_open_and_shut_in_the_end(gate: Gate) -> None:
    assert gate.on(OpenFor(60)) == [PeriodBegan(Cause.HAND), Pulse(HOLD_MS)]
    assert gate.passes() == [Ungranted(Cause.HAND)]
    assert gate.on(OPENED, HOLD_AGAIN_S) == [Pulse(HOLD_MS)]
    assert gate.on(OpenFor(60)) == [Pulse(HOLD_MS)], "longer, and the same period"
    assert gate.on(OPENED, 60) == [PeriodEnded(Cause.HAND), Shut()]
    assert gate.passes() == [Ungranted(Cause.TAILGATE)]


def test_a_gate_opened_by_hand_may_be_shut_at_once(gate: Gate) -> None:
    gate.on(OpenFor(60))
    assert gate.on(ShutNow()) == [PeriodEnded(Cause.HAND), Shut()]
    assert gate.on(ShutNow()) == []


def test_a_ticket_shown_while_the_gate_stands_open_counts_and_does_not_shut_it_sooner(
    gate: Gate,
) -> None:
    gate.on(OpenFor(60))
    assert gate.on(Granted("a")) == [Pulse(HOLD_MS, "a"), Uncertain("a")]
    assert gate.passes() == [Ungranted(Cause.HAND)]


def test_who_was_on_the_way_when_the_gate_was_opened_counts(gate: Gate) -> None:
    gate.on(Granted("a"))
    assert gate.on(OpenFor(60)) == [Uncertain("a"), PeriodBegan(Cause.HAND), Pulse(HOLD_MS)]


# --- fire


def test_a_fire_holds_the_gate_open_and_shuts_nothing_afterwards(gate: Gate) -> None:
    gate.on(Granted("a"))
    burning, quiet = Told(passage=False, fire=True), Told(passage=False, fire=False)
    assert gate.on(burning) == [Uncertain("a"), PeriodBegan(Cause.FIRE), Pulse(HOLD_MS)]
    assert gate.on(burning, HOLD_AGAIN_S) == [Pulse(HOLD_MS)]
    assert gate.on(Told(passage=True, fire=True)) == [Ungranted(Cause.FIRE)]
    assert gate.on(quiet) == [PeriodEnded(Cause.FIRE)]
    assert gate.on(quiet, HOLD_AGAIN_S) == []


def test_a_fire_contact_that_is_lost_ends_no_fire(gate: Gate) -> None:
    gate.on(Told(passage=False, fire=True))
    assert gate.on(Lost()) == []
    assert gate.on(Told(passage=False)) == []
    assert gate.state.stands_open


def test_whoever_shuts_the_gate_by_hand_does_not_shut_it_while_it_burns(gate: Gate) -> None:
    gate.on(OpenFor(60))
    gate.on(Told(passage=False, fire=True))
    assert gate.on(ShutNow()) == [PeriodEnded(Cause.HAND)]
    assert gate.state.stands_open


def test_a_fire_found_at_the_start_is_a_fire() -> None:
    assert Gate(BarrierRules(700)).on(Told(fire=True)) == [PeriodBegan(Cause.FIRE), Pulse(HOLD_MS)]
    assert Gate(BarrierRules(700)).on(Told(fire=False)) == []
