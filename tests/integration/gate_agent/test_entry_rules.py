"""A lane under an event's entry rules, and what the house wants of it when it is cut off."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gate_agent.arbiter import Accepted, Denied, Lane, question
from tests.fakes.edge_node import new_op_id
from tests.fakes.hall import FIRST, ROW
from tests.fakes.till import NOW
from tests.integration.gate_agent.lane_stage import (
    DOORS,
    LANE,
    OTHER_GATE,
    Stage,
    yes,
)
from ticketing.admission import Miss, MissKind, Note, Reason, Step
from ticketing.ids import AllotmentId, OpId

HOME, OTHER = "1 号门", "Gate 9"
TICKET = "00000000000000f0"
UNHEARD_OF = AllotmentId("ffffffff", 1)


def test_a_ticket_of_three_entries_goes_in_three_times(gate: Stage) -> None:
    gate.rule(entries=3)
    gate.lend()
    code = gate.code()
    for _ in range(3):
        gate.let_in(code)
        gate.env.pass_s(60)
    refused = gate.refused(code)
    assert refused.reason is Reason.ALREADY_USED
    first = refused.first_entry
    assert first is not None
    assert first["at_ms"] == round(NOW.timestamp() * 1000)
    assert len(gate.entries()) == 3


def test_doors_open_early_for_a_rule_that_says_so(gate: Stage) -> None:
    gate.rule(early_minutes=15)
    gate.lend()
    code = gate.code()
    gate.env.set_clock(DOORS - timedelta(minutes=15, milliseconds=1) - NOW)
    refused = gate.refused(code)
    assert (refused.reason, refused.step) == (Reason.WRONG_PERFORMANCE, Step.WAIT)
    assert refused.miss == Miss(MissKind.OPENS_AT, DOORS - timedelta(minutes=15))
    gate.env.now = DOORS - timedelta(minutes=15)
    gate.let_in(code)


def test_the_other_gate_is_told_where_the_ticket_belongs(gate: Stage) -> None:
    gate.rule(gates=["own"])
    gate.lend()
    gate.doorman = gate.doorman_at(LANE, gate=OTHER)
    refused = gate.refused(gate.code())
    assert (refused.reason, refused.step) == (Reason.WRONG_GATE, Step.OTHER_GATE)
    assert refused.miss is not None
    assert refused.miss.gate is not None
    assert refused.miss.gate.in_language("zh") == HOME
    gate.doorman = gate.doorman_at(LANE, gate="Gate 1")
    gate.let_in(gate.code())
    gate.doorman = gate.doorman_at(LANE)
    gate.let_in(gate.code(unit=ROW[1]))


def test_the_arbiter_is_told_the_gate() -> None:
    op_id = OpId(new_op_id())
    asked = question(op_id, "BXG1", Lane(LANE, frozenset(), HOME), [])
    assert asked["gate"] == HOME
    assert "gate" not in question(op_id, "BXG1", Lane(LANE, frozenset()), [])


def test_soft_passback_lets_in_and_says_so(gate: Stage) -> None:
    gate.rule(entries=2, passback="soft")
    gate.lend()
    code = gate.code()
    assert gate.let_in(code).notes == frozenset()
    gate.env.pass_s(60)
    assert gate.let_in(code).notes == {Note.STILL_INSIDE}


@pytest.mark.parametrize(("passback", "reason"), [("hard", Reason.STILL_INSIDE), ("timed", None)])
def test_passback_keeps_a_ticket_from_being_handed_back(
    gate: Stage, passback: str, reason: Reason | None
) -> None:
    gate.rule(entries=2, passback=passback, passback_minutes=10)
    gate.lend()
    code = gate.code()
    gate.let_in(code)
    gate.env.pass_s(9 * 60)
    assert gate.refused(code).reason is (reason or Reason.TOO_SOON)
    gate.env.pass_s(60)
    outcome = gate.scan(code)
    assert getattr(outcome, "reason", None) is reason


def test_the_arbiters_notes_and_misses_are_passed_on(gate: Stage) -> None:
    gate.lend()
    gate.arbiter.says = lambda asked: Accepted(asked.op_id, False, frozenset({Note.REENTRY}))
    assert gate.let_in(gate.code()).notes == {Note.REENTRY}
    miss = Miss(MissKind.BLOCKED_FOR, note="stolen")
    gate.arbiter.says = lambda _asked: Denied(Reason.BLOCKED, None, miss)
    assert gate.refused(gate.code(unit=ROW[1])).miss == miss


# --- cut off


def test_home_gate_only_lets_in_what_belongs_to_the_gate(gate: Stage) -> None:
    gate.rule(when_cut_off="home_gate_only")
    gate.lend()
    gate.doorman = gate.doorman_at(LANE, gate=OTHER)
    code = gate.code()
    refused = gate.refused(code)
    assert (refused.reason, refused.step) == (Reason.CUT_OFF, Step.OTHER_GATE)
    assert gate.entries() == []
    gate.doorman = gate.doorman_at(LANE)
    assert gate.refused(code).reason is Reason.CUT_OFF, "a lane at no gate is nobody's home"
    gate.doorman = gate.doorman_at(LANE, gate=HOME)
    assert gate.let_in(code).offline


def test_deny_lets_nobody_in_without_the_arbiter(gate: Stage) -> None:
    gate.rule(when_cut_off="deny")
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    code = gate.code(ticket_id=TICKET)
    refused = gate.refused(code)
    assert (refused.reason, refused.step) == (Reason.CUT_OFF, Step.BOX_OFFICE)
    gate.arbiter.says = yes
    gate.doorman = gate.doorman_at(LANE)
    assert not gate.let_in(code).offline


def test_unlisted_tickets_go_to_the_desk_where_the_house_wants_it(gate: Stage) -> None:
    gate.rule(unlisted="desk")
    assert gate.refused(gate.code(allotment=UNHEARD_OF)).reason is Reason.NOT_IN_ALLOTMENT
    gate.lend()
    gate.let_in(gate.code())


def test_a_used_ticket_stays_used_whatever_the_policy(gate: Stage) -> None:
    gate.rule(when_cut_off="allow")
    gate.lend()
    gate.feed.entry(new_op_id(), TICKET, OTHER_GATE, "Lane 9", gate.env.wall_ms() - 60_000)
    assert gate.refused(gate.code(ticket_id=TICKET)).reason is Reason.ALREADY_USED
