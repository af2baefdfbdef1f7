"""Killed, cut off or full in the middle of a scan: nobody shut out, nobody in twice."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from edge.errors import ReplicaFull
from edge.journal import JournalLocked, LockReason, lock
from gate_agent.admit import LetIn
from gate_agent.memory import OFFER_AGAIN_S, LaneMemory, Unwritten
from gate_agent.passages import Passages
from gate_agent.records import granted, write_entry
from tests.fakes.edge_node import new_op_id, wait_until
from tests.fakes.hall import EVENT_ID, FIRST, ROW, SetEnv
from tests.fakes.tickets import forge_like
from tests.fakes.till import NOW
from tests.integration.gate_agent.lane_stage import (
    GATE,
    LANE,
    OTHER_GATE,
    STRANGER_KEY,
    TILL_KEY,
    Stage,
    no,
    yes,
)
from ticketing.admission import Entry, Reason
from ticketing.code import TicketCode, parse_code
from ticketing.ids import OpId, TicketId

TICKET = "00000000000000f0"


def offered(gate: Stage, text: str) -> LetIn:
    """Hold up a code whose barrier then does not move."""
    outcome = gate.scan(text)
    assert isinstance(outcome, LetIn), outcome
    gate.doorman.not_commanded(outcome)
    return outcome


# --- granted, and the barrier never moved


def test_an_entry_whose_barrier_did_not_move_is_offered_again_and_counted_once(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    first = offered(gate, code)
    again = offered(gate, code)
    assert (first.again, again.again) == (False, True)
    assert again.op_id == first.op_id
    gate.doorman.commanded(again)
    assert gate.refused(code).reason is Reason.ALREADY_USED
    assert len(gate.entries()) == 1
    assert gate.row(first.op_id)["commanded_ms"] == gate.env.wall_ms()


def test_an_entry_is_offered_again_for_a_minute(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    gate.env.pass_s(600)  # the minute begins with the grant, not with the program
    offered(gate, code)
    gate.env.pass_s(OFFER_AGAIN_S)
    assert offered(gate, code).again
    gate.env.pass_s(1)
    assert gate.refused(code).reason is Reason.ALREADY_USED


@pytest.mark.parametrize("after_s", [1, 600, 100_000], ids=lambda s: f"{s} s later")
def test_an_entry_is_offered_again_for_a_minute_after_a_restart(
    gate: Stage, after_s: float
) -> None:
    gate.lend()
    code = gate.code(valid_minutes=60_000)
    first = offered(gate, code)
    gate.restart(after_s=after_s)
    gate.doorman = gate.doorman_at(LANE, FIRST)
    gate.env.pass_s(OFFER_AGAIN_S)
    assert offered(gate, code).op_id == first.op_id
    gate.env.pass_s(1)
    assert gate.refused(code).reason is Reason.ALREADY_USED
    assert len(gate.entries()) == 1


@pytest.mark.parametrize("hours", [-30, 30])
def test_setting_the_clock_changes_nothing_about_that_minute(gate: Stage, hours: int) -> None:
    gate.lend()
    gate.doorman = gate.doorman_at(LANE, FIRST)
    code = gate.code(valid_from=NOW.replace(second=0) - timedelta(days=2), valid_minutes=9_999)
    offered(gate, code)
    gate.env.set_clock(timedelta(hours=hours))
    assert offered(gate, code).again
    gate.env.pass_s(OFFER_AGAIN_S + 1)
    assert gate.refused(code).reason is Reason.ALREADY_USED


def test_an_entry_is_offered_again_at_its_own_lane_only(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    offered(gate, code)
    gate.doorman = gate.doorman_at("Lane 2")
    assert gate.refused(code).reason is Reason.ALREADY_USED


def test_an_entry_is_offered_again_to_a_genuine_code_only(gate: Stage) -> None:
    gate.lend()
    code = gate.code(ticket_id=TICKET)
    offered(gate, code)
    forged = gate.code(ticket_id=TICKET, key=STRANGER_KEY, claims_key=TILL_KEY)
    assert gate.refused(forged).reason is Reason.FORGED
    assert gate.refused(forge_like(code)).reason is Reason.FORGED
    assert offered(gate, code).again


def test_an_entry_that_is_offered_again_is_decided_anew(gate: Stage) -> None:
    gate.lend()
    code = gate.code(ticket_id=TICKET)
    offered(gate, code)
    gate.feed.ticket(TICKET, FIRST, ROW[0], state="void")
    assert gate.refused(code).reason is Reason.VOID, "refunded at the desk meanwhile"
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    gate.feed.entry(new_op_id(), TICKET, OTHER_GATE, "Lane 9", gate.env.wall_ms())
    assert gate.refused(code).reason is Reason.ALREADY_USED, "went in by another door meanwhile"


def test_an_entry_granted_alone_is_asked_about_before_it_is_offered_again(gate: Stage) -> None:
    """The arbiter has let somebody in elsewhere, or voided the ticket, and we have not read of it."""
    gate.lend()
    code = gate.code()
    first = offered(gate, code)
    assert first.offline
    gate.arbiter.says = no(Reason.ALREADY_USED)
    assert gate.refused(code).reason is Reason.ALREADY_USED
    assert gate.arbiter.asked[-1].op_id == first.op_id
    gate.arbiter.says = yes
    again = offered(gate, code)
    assert (again.op_id, again.again) == (first.op_id, True)


def test_an_entry_that_the_arbiter_counts_is_offered_again_without_asking(gate: Stage) -> None:
    gate.lend()
    gate.arbiter.says = yes
    code = gate.code()
    first = offered(gate, code)
    asked = len(gate.arbiter.asked)
    again = offered(gate, code)
    assert (again.op_id, again.again, len(gate.arbiter.asked)) == (first.op_id, True, asked)


def test_yesterdays_unfinished_entry_opens_nothing_today(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    offered(gate, code)
    gate.restart(after_s=86_400)
    assert gate.refused(code).reason is Reason.WRONG_PERFORMANCE


def test_an_unfinished_entry_of_an_unknown_till_is_asked_about_by_its_name(gate: Stage) -> None:
    gate.arbiter.says = yes
    code = gate.code(key=STRANGER_KEY)
    first = offered(gate, code)
    again = offered(gate, code)
    assert (again.op_id, again.again) == (first.op_id, True)
    assert (gate.arbiter.asked[-1].op_id, gate.arbiter.asked[-1].seen) == (first.op_id, [])
    gate.doorman.commanded(again)
    gate.arbiter.says = no(Reason.ALREADY_USED)
    assert gate.refused(code).reason is Reason.ALREADY_USED
    assert gate.arbiter.asked[-1].seen == [first.op_id]
    assert len(gate.entries()) == 1


def test_the_barriers_command_is_remembered_over_a_restart(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    gate.doorman.commanded(offered(gate, code))
    gate.restart()
    assert gate.refused(code).reason is Reason.ALREADY_USED


# --- the arbiter has an entry that this gate never heard of


def _arbiter_alone_has(gate: Stage, *, node: str = GATE, lane: str = LANE) -> str:
    """Killed between the arbiter's commit and our own; then the feed brings the entry back."""
    op_id = new_op_id()
    gate.feed.entry(op_id, TICKET, node, lane, gate.env.wall_ms())
    return op_id


def test_an_entry_that_only_the_arbiter_has_shuts_nobody_out(gate: Stage) -> None:
    gate.lend()
    op_id = _arbiter_alone_has(gate)
    gate.arbiter.says = yes
    code = gate.code(ticket_id=TICKET)
    assert gate.let_in(code).op_id == op_id
    [asked] = gate.arbiter.asked
    assert (asked.op_id, asked.seen) == (op_id, []), "asked for by its name"
    assert gate.refused(code).reason is Reason.ALREADY_USED
    assert [op for op, _entry in gate.entries()] == [op_id]


def test_cut_off_it_is_the_same_entry_and_no_second_one(gate: Stage) -> None:
    gate.lend()
    op_id = _arbiter_alone_has(gate)
    code = gate.code(ticket_id=TICKET)
    assert gate.let_in(code).op_id == op_id
    gate.restart()
    assert gate.refused(code).reason is Reason.ALREADY_USED
    assert [op for op, _entry in gate.entries()] == [op_id]


def test_the_arbiter_may_still_say_no(gate: Stage) -> None:
    gate.lend()
    _arbiter_alone_has(gate)
    gate.arbiter.says = no(Reason.VOID)
    assert gate.refused(gate.code(ticket_id=TICKET)).reason is Reason.VOID
    assert gate.entries() == []


@pytest.mark.parametrize(
    ("node", "lane"),
    [pytest.param(OTHER_GATE, LANE, id="gate"), pytest.param(GATE, "Lane 2", id="lane")],
)
def test_an_entry_of_another_is_an_entry(gate: Stage, node: str, lane: str) -> None:
    gate.lend()
    _arbiter_alone_has(gate, node=node, lane=lane)
    gate.arbiter.says = yes
    assert gate.refused(gate.code(ticket_id=TICKET)).reason is Reason.ALREADY_USED


def test_our_own_entry_that_the_feed_brings_back_stays_an_entry(gate: Stage) -> None:
    gate.lend()
    code = gate.code(ticket_id=TICKET)
    first = gate.let_in(code)
    gate.feed.entry(first.op_id, TICKET, GATE, LANE, gate.env.wall_ms())
    gate.restart(after_s=3_600)
    assert gate.refused(code).reason is Reason.ALREADY_USED


# --- a gate that cannot write


def no_room(*_: object, **__: object) -> None:
    raise ReplicaFull("no room")


@pytest.fixture
def full(gate: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    gate.lend()
    monkeypatch.setattr("gate_agent.records.append", no_room)
    return gate


@pytest.mark.expected_errors("entry_not_recorded")
def test_a_gate_that_cannot_write_lets_in_by_the_arbiters_record(full: Stage) -> None:
    full.arbiter.says = yes
    outcome = full.let_in(full.code())
    assert (outcome.recorded, outcome.offline) == (False, False)


@pytest.mark.expected_errors("entry_not_recorded")
def test_without_the_arbiter_it_lets_nobody_in(full: Stage) -> None:
    refused = full.refused(full.code())
    assert (refused.reason, refused.offline) == (Reason.NOT_RECORDED, True)


@pytest.mark.expected_errors("entry_not_recorded", "entry_unrecorded")
def test_where_the_house_wants_it_people_go_in_unrecorded_up_to_a_number(
    full: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_agent.memory.UNRECORDED_MAX", 2)
    full.rule(unrecorded="allow")
    codes = [full.code(unit=unit) for unit in ROW[:3]]
    for code in codes[:2]:
        outcome = full.let_in(code)
        assert (outcome.recorded, outcome.offline) == (False, True)
        assert full.refused(code).reason is Reason.ALREADY_USED
    assert full.refused(codes[2]).reason is Reason.NOT_RECORDED


@pytest.mark.expected_errors("entry_not_recorded")
def test_a_gate_that_cannot_write_remembers_whom_it_let_in(full: Stage) -> None:
    """The arbiter repeats a grant that no journal told of, so the gate must not ask."""
    full.arbiter.says = yes
    code = full.code(ticket_id=TICKET)
    first = full.let_in(code)
    assert full.refused(code).reason is Reason.ALREADY_USED
    full.feed.entry(first.op_id, TICKET, GATE, LANE, full.env.wall_ms())
    assert full.refused(code).reason is Reason.ALREADY_USED, "the feed brought it back"
    full.let_in(full.code(unit=ROW[1]))


@pytest.mark.expected_errors("entry_not_recorded")
def test_it_asks_again_when_the_barrier_did_not_move(full: Stage) -> None:
    full.arbiter.says = yes
    code = full.code()
    offered(full, code)
    full.let_in(code)
    assert len(full.arbiter.asked) == 2
    assert full.refused(code).reason is Reason.ALREADY_USED


@pytest.mark.expected_errors("entry_not_recorded")
@pytest.mark.parametrize("answers", [True, False])
def test_a_fenced_gate_writes_nothing(gate: Stage, *, answers: bool) -> None:
    gate.lend()
    gate.let_in(gate.code())
    gate.replica.transact(lambda unit: lock(unit, EVENT_ID))
    other = gate.code(unit=ROW[1])
    if answers:
        gate.arbiter.says = yes
        assert gate.let_in(other).recorded is False
    else:
        assert gate.refused(other).reason is Reason.NOT_RECORDED
    assert len(gate.entries()) == 1


@pytest.mark.expected_errors("entry_not_recorded")
def test_an_unlisted_entry_that_was_not_written_is_not_counted(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fenced(*_: object, **__: object) -> None:
        raise JournalLocked(LockReason.FORKED)

    monkeypatch.setattr("ticketing.admission.alone.UNLISTED_MAX", 1)
    with monkeypatch.context() as patched:
        patched.setattr("gate_agent.records.append", fenced)
        assert gate.refused(gate.code()).reason is Reason.NOT_RECORDED
    gate.let_in(gate.code())


@pytest.mark.expected_errors("entry_not_recorded", "entry_unrecorded")
def test_who_went_in_unrecorded_is_recorded_when_the_disk_takes_it_again(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a server that is set back, too, would know of nobody who went in by its word alone."""
    gate.lend()
    gate.rule(unrecorded="allow")
    codes = [gate.code(unit=unit) for unit in ROW[:4]]
    memory = gate.doorman.memory
    with monkeypatch.context() as full:
        full.setattr("gate_agent.records.append", no_room)
        by_itself, turned_back = gate.let_in(codes[0]), gate.let_in(codes[1])
        assert memory.unrecorded_count == 2
        Passages(gate.doorman).returned(turned_back, gate.env.wall_ms())
        gate.arbiter.says = yes
        by_arbiter = gate.let_in(codes[2])
        gate.doorman.write_down()
        assert (gate.entries(), memory.unrecorded_count) == ([], 1)
    scanned = gate.let_in(codes[3])
    offline = {op_id: entry.offline for op_id, entry in gate.entries()}
    assert offline == {scanned.op_id: False, by_itself.op_id: True, by_arbiter.op_id: False}
    assert memory.unrecorded_count == 0
    Passages(gate.doorman).returned(by_itself, gate.env.wall_ms())
    gate.restart()
    assert gate.refused(codes[2]).reason is Reason.ALREADY_USED, "the record remembers it"
    gate.let_in(codes[0])


@pytest.mark.expected_errors("entry_not_recorded")
def test_who_turns_back_while_the_entry_is_written_late_has_not_used_the_ticket(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.lend()
    gate.arbiter.says = yes
    code, memory = gate.code(), gate.doorman.memory
    with monkeypatch.context() as full:
        full.setattr("gate_agent.records.append", no_room)
        let_in = gate.let_in(code)
    went_back = threading.Thread(
        target=lambda: Passages(gate.doorman).returned(let_in, gate.env.wall_ms())
    )

    def write_slowly(*told: Any, **more: Any) -> None:
        went_back.start()
        wait_until(lambda: not memory.passed(EVENT_ID, let_in.code.facts.ticket_id))
        write_entry(*told, **more)

    monkeypatch.setattr("gate_agent.admit.write_entry", write_slowly)
    gate.doorman.write_down()
    went_back.join()
    assert gate.row(let_in.op_id)["phase"] == "returned"


# --- the lane's memory


def _entry(number: int) -> Entry:
    return Entry(OpId(f"{number:032x}"), GATE, LANE, NOW)


def _unwritten(gate: Stage, number: int) -> Unwritten:
    code = parse_code(gate.code(ticket_id=f"{number:016x}"))
    assert isinstance(code, TicketCode)
    return Unwritten(EVENT_ID, granted(code, LANE, 1, offline=True), _entry(number))


def test_a_memory_has_bounds(gate: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate_agent.memory.PASSED_MAX", 100)
    env = SetEnv()
    memory = LaneMemory(env)
    for number in range(101):
        memory.note_passed(_unwritten(gate, number))
    assert memory.passed(EVENT_ID, TicketId(f"{0:016x}")) == {}
    last = TicketId(f"{100:016x}")
    assert list(memory.passed(EVENT_ID, last).values()) == [_entry(100)]
    assert memory.passed("another event", last) == {}
    for number in range(100):
        memory.note_granted(OpId(f"{number:032x}"))
        env.pass_s(10)
    assert len(memory._granted_s) <= OFFER_AGAIN_S / 10 + 1
