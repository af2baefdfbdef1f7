"""The handheld's desk over a real replica: found, looked at, let in by hand, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edge.errors import ReplicaFull
from edge.journal import Answered, Head, acknowledge, heads
from edge.pins import Account, PinRefusal, PinRefused
from gate_agent.admit import LetIn
from gate_agent.case_desk import CaseDesk
from gate_agent.double_entries import RECENT_MS, DoubleEntryWatch
from gate_agent.hand_desk import UNDO_DECIDING_S, HandDesk, NoBlock, NotNow, NoUndo
from gate_agent.lane import UNDO_S, LaneRunner, Shown
from gate_agent.lane_book import LaneBook
from gate_agent.lane_desk import LaneDesk, NotOpened
from gate_agent.lane_lines import LaneLines
from gate_agent.passages import Passages
from tests.fakes.hall import EVENT_ID, FIRST, ROW, SECOND
from tests.integration.gate_agent.lane_stage import (
    GATE,
    LANE,
    OTHER_GATE,
    FakeBarrier,
    FakeRelay,
    Stage,
    yes,
)
from tests.integration.pos_app.window_stage import _HASHER
from ticketing.admission import Admit, ByHand, Miss, MissKind, NotByHand, Reason, Refuse
from ticketing.journal import OpKind
from ticketing.operations import decode_blocked, decode_entry, decode_passage

TICKET = "00000000000000f0"
BOSS = Account("boss", "王芳", "supervisor", "")
GUARD = Account("guard", "赵强", "security", "")


def no_room(*_: object, **__: object) -> None:
    raise ReplicaFull("no room")


class Desk:
    """A gate with one lane, its people, and a handheld."""

    def __init__(self, gate: Stage) -> None:
        self.gate, self.relay = gate, FakeRelay()
        self.lines: list[dict[str, object]] = []
        doorman, wall_ms = gate.doorman, gate.env.wall_ms
        book = LaneBook(Passages(doorman), False, self.lines.append, wall_ms, lambda: None)
        lines = LaneLines(LANE, doorman.knowledge, "en", self.lines.append)
        self.barrier = FakeBarrier(self.relay)
        self.runner = LaneRunner(doorman, self.barrier, book, lines, wall_ms, lambda: None)
        self.desk = HandDesk([self.runner])
        gate.feed.person("boss", _HASHER.hash("2580"), role="supervisor")
        gate.feed.person("guard", _HASHER.hash("1470"), role="security")
        gate.feed.person("gone", _HASHER.hash("1470"), role="security", state="left")
        gate.feed.person("till", "", role="cashier")

    def found(self, ticket: str = TICKET) -> Any:
        found = self.desk.ticket(ticket)
        assert found is not None
        return found

    def let_in(self, by: Account = GUARD, note: str = "phone is flat") -> Mapping[str, object]:
        line = self.desk.let_in(self.found(), LANE, by, note)
        assert not isinstance(line, NotByHand | NotNow)
        return line

    def against(self, reason: Reason, by: str = "guard", second: str = "boss") -> Any:
        wanted = ByHand(reason, by, second, "the boss knows them")
        return self.desk.let_in_against(self.found(), LANE, wanted)

    def heads(self) -> tuple[Head, ...]:
        with self.gate.replica.reading() as connection:
            return heads(connection)

    def bodies(self, kind: OpKind) -> list[str]:
        with self.gate.replica.reading() as connection:
            rows = connection.execute("SELECT body FROM op WHERE kind = ? ORDER BY seq", (kind,))
            return [row["body"] for row in rows]


@pytest.fixture
def desk(gate: Stage) -> Desk:
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    return Desk(gate)


# --- people


def test_only_those_of_the_gates_roles_who_are_still_there_may_sign_in(desk: Desk) -> None:
    assert [one.id for one in desk.desk.people()] == ["boss", "guard"]
    signed_in = desk.desk.sign_in("guard", "1470")
    assert isinstance(signed_in, Account)
    for nobody in ("gone", "till", "unknown"):
        assert desk.desk.sign_in(nobody, "1470") == PinRefused(PinRefusal.NOT_ALLOWED)


def test_wrong_pins_are_counted_and_lock_out(desk: Desk) -> None:
    tries = [desk.desk.sign_in("guard", "0000") for _ in range(5)]
    assert all(isinstance(one, PinRefused) for one in tries)
    locked = desk.desk.sign_in("guard", "1470")
    assert isinstance(locked, PinRefused)
    assert locked.reason is PinRefusal.LOCKED_OUT


# --- found


@pytest.mark.parametrize(
    "wanted", [TICKET, TICKET.upper(), TICKET[:8], "1-1", "1排1座", "stalls 1 1", "池座中 1 1"]
)
def test_a_ticket_is_found_by_number_and_seat(desk: Desk, wanted: str) -> None:
    found = desk.desk.find(wanted)
    assert TICKET in [one.facts.ticket_id for one in found], found


def test_all_tickets_of_an_order_are_found_by_its_number(desk: Desk) -> None:
    for at, unit in enumerate(ROW[:3]):
        desk.gate.feed.ticket(f"{0xE0 + at:016x}", FIRST, unit, order="00000000000000e9")
    desk.gate.feed.order_no("00000000000000e9", "W1-000123")
    found = desk.desk.find("w1-000123")
    assert {one.facts.unit for one in found} == set(ROW[:3])
    assert desk.desk.find("W1-000124") == ()


@pytest.mark.parametrize("wanted", ["", "ffffffffffff", "99-99", "zz", "' OR 1=1", "李娜"])
def test_what_is_not_there_is_not_found(desk: Desk, wanted: str) -> None:
    assert desk.desk.find(wanted) == ()


def test_a_seat_is_looked_for_at_what_is_let_in_now_first(desk: Desk) -> None:
    desk.gate.feed.ticket("00000000000000f1", SECOND, ROW[0])
    assert [one.facts.performance for one in desk.desk.find("stalls centre 1 1")] == [FIRST]


def test_a_ticket_that_was_turned_away_is_known_by_its_code(desk: Desk) -> None:
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0], blocked="stolen")
    desk.gate.refused(desk.gate.code(ticket_id=TICKET))
    found = desk.found()
    assert found.is_read
    assert found.code.text


# --- looked at


def test_what_the_gate_would_say_is_what_it_says(desk: Desk) -> None:
    looked = desk.desk.look(desk.found(), LANE, GUARD)
    assert (looked.decision, looked.history, looked.against) == (Admit(False), (), None)
    desk.gate.let_in(desk.gate.code(ticket_id=TICKET))
    looked = desk.desk.look(desk.found(), LANE, GUARD)
    assert isinstance(looked.decision, Refuse)
    assert (looked.decision.reason, looked.against) == (Reason.ALREADY_USED, Reason.ALREADY_USED)
    [visit] = looked.history
    assert (visit.lane, visit.phase, visit.gate, visit.can_undo) == (LANE, "granted", "", True)


@pytest.mark.parametrize(
    ("row", "reason", "may"),
    [
        pytest.param({"state": "void"}, Reason.VOID, False, id="refunded"),
        pytest.param({"state": "disputed"}, Reason.DISPUTED, True, id="disputed"),
        pytest.param({"blocked": "stolen"}, Reason.BLOCKED, True, id="blocked"),
        pytest.param({"performance": SECOND}, Reason.WRONG_PERFORMANCE, True, id="another day"),
    ],
)
def test_only_some_refusals_may_be_set_aside(
    desk: Desk, row: dict[str, Any], reason: Reason, may: bool
) -> None:
    performance = row.pop("performance", FIRST)
    desk.gate.feed.ticket(TICKET, performance, ROW[0], **row)
    looked = desk.desk.look(desk.found(), LANE, GUARD)
    assert isinstance(looked.decision, Refuse)
    assert looked.decision.reason is reason
    assert looked.against == (reason if may else None)


def test_entries_of_other_gates_are_shown_and_not_taken_back_here(desk: Desk) -> None:
    now_ms = desk.gate.env.wall_ms()
    desk.gate.feed.entry("ab" * 16, TICKET, OTHER_GATE, "Lane 9", now_ms)
    [visit] = desk.desk.look(desk.found(), LANE, BOSS).history
    assert (visit.lane, visit.can_undo) == ("Lane 9", False)
    assert desk.desk.undo(desk.found(), "ab" * 16, BOSS) is NoUndo.NOT_OURS


# --- let in


def test_one_person_lets_a_good_ticket_in_whose_code_is_not_readable(desk: Desk) -> None:
    line = desk.let_in()
    assert (line["decision"], line["barrier"]) == ("admit", "opened")
    assert len(desk.relay.pulses) == 1
    [body] = desk.bodies(OpKind.ENTRY)
    entry = decode_entry(body)
    assert entry is not None
    assert (entry.ticket_id, entry.unit, entry.key_id, entry.allotment) == (
        TICKET,
        ROW[0],
        None,
        None,
    )
    assert entry.unread is not None
    assert (entry.unread.by, entry.unread.note, entry.by_hand) == ("guard", "phone is flat", None)
    code = desk.gate.code(ticket_id=TICKET)
    assert desk.gate.refused(code).reason is Reason.ALREADY_USED
    again = desk.let_in()
    assert (again["decision"], again["reason"]) == ("refuse", "already_used")


def test_nobody_is_let_in_without_a_reason(desk: Desk) -> None:
    for note in ("", "  ", "x" * 201):
        assert desk.desk.let_in(desk.found(), LANE, GUARD, note) is NotByHand.NO_NOTE
    assert desk.bodies(OpKind.ENTRY) == []


def test_a_house_that_wants_the_arbiter_asked_lets_nobody_in_without_a_code(desk: Desk) -> None:
    desk.gate.rule(when_cut_off="deny")
    line = desk.let_in()
    assert (line["decision"], line["reason"]) == ("refuse", "cut_off")
    assert desk.against(Reason.CUT_OFF)["decision"] == "admit"


def test_two_people_let_in_against_the_rules(desk: Desk) -> None:
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0], blocked="stolen")
    line = desk.against(Reason.BLOCKED)
    assert (line["decision"], line["barrier"]) == ("admit", "opened")
    [body] = desk.bodies(OpKind.ENTRY)
    entry = decode_entry(body)
    assert entry is not None
    assert entry.by_hand == ByHand(Reason.BLOCKED, "guard", "boss", "the boss knows them")


@pytest.mark.parametrize(
    ("by", "second", "why"),
    [
        ("guard", "guard", NotByHand.TWO_PEOPLE),
        ("guard", "", NotByHand.TWO_PEOPLE),
        ("guard", "gone", NotByHand.UNKNOWN_PERSON),
        ("guard", "till", NotByHand.NO_SUPERVISOR),
    ],
)
def test_not_any_two_will_do(desk: Desk, by: str, second: str, why: NotByHand) -> None:
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0], blocked="stolen")
    assert desk.against(Reason.BLOCKED, by, second) is why
    assert desk.bodies(OpKind.ENTRY) == []


def test_another_reason_than_the_one_that_was_set_aside_stands(desk: Desk) -> None:
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0], state="void")
    line = desk.against(Reason.BLOCKED)
    assert (line["decision"], line["reason"]) == ("refuse", "void")


# --- taken back


def test_an_entry_taken_back_does_not_count_and_says_who_did_it(desk: Desk) -> None:
    op = str(desk.let_in()["op"])
    assert desk.desk.undo(desk.found(), op, GUARD) is None
    [body] = desk.bodies(OpKind.PASSAGE)
    told = decode_passage(body)
    assert told is not None
    assert (told.entry, told.phase.value, told.by) == (op, "returned", "guard")
    assert desk.desk.undo(desk.found(), op, GUARD) is NoUndo.ENDED
    assert desk.let_in()["decision"] == "admit"


def test_after_a_while_only_a_supervisor_takes_it_back_and_then_nobody(desk: Desk) -> None:
    op = str(desk.let_in()["op"])
    desk.gate.env.pass_s(UNDO_S + 1)
    assert desk.desk.undo(desk.found(), op, GUARD) is NoUndo.TOO_LATE
    desk.gate.env.pass_s(UNDO_DECIDING_S - UNDO_S)
    assert desk.desk.undo(desk.found(), op, BOSS) is NoUndo.TOO_LATE
    desk.gate.env.set_clock(timedelta(seconds=-30))
    assert desk.desk.undo(desk.found(), op, BOSS) is None


def test_an_entry_whose_visitor_was_seen_passing_stands(desk: Desk) -> None:
    let_in = desk.gate.let_in(desk.gate.code(ticket_id=TICKET))
    Passages(desk.gate.doorman).passed(let_in, desk.gate.env.wall_ms())
    assert desk.desk.undo(desk.found(), let_in.op_id, BOSS) is NoUndo.ENDED


def test_it_works_while_nothing_can_be_reached(desk: Desk) -> None:
    assert desk.gate.arbiter.asked == []
    desk.let_in()
    assert desk.gate.arbiter.asked == []
    assert desk.found().stream == EVENT_ID


# --- as the lane would decide


def test_a_ticket_whose_barrier_never_moved_is_offered_again_by_hand_as_one_entry(
    desk: Desk,
) -> None:
    desk.relay.gone = True
    op = desk.let_in()["op"]
    assert desk.desk.look(desk.found(), LANE, GUARD).decision == Admit(False)
    desk.relay.gone = False
    line = desk.let_in()
    assert (line["op"], line["again"], line["barrier"]) == (op, True, "opened")
    assert len(desk.bodies(OpKind.ENTRY)) == 1
    assert desk.let_in()["reason"] == "already_used"


def test_an_entry_that_only_the_arbiter_knows_of_is_the_one_that_is_recorded_by_hand(
    desk: Desk,
) -> None:
    granted = "cd" * 16
    desk.gate.feed.entry(granted, TICKET, GATE, LANE, desk.gate.env.wall_ms())
    assert desk.desk.look(desk.found(), LANE, GUARD).decision == Admit(False)
    assert desk.let_in()["op"] == granted


@pytest.mark.expected_errors("entry_not_recorded")
def test_who_went_in_while_the_disk_was_full_does_not_go_in_again_by_hand(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.gate.arbiter.says = yes
    with monkeypatch.context() as full:
        full.setattr("gate_agent.records.append", no_room)
        desk.runner.answer(Shown(desk.gate.code(ticket_id=TICKET), "test"))
    assert desk.lines[-1]["recorded"] is False
    looked = desk.desk.look(desk.found(), LANE, GUARD)
    assert isinstance(looked.decision, Refuse)
    assert looked.decision.reason is Reason.ALREADY_USED
    assert desk.let_in()["reason"] == "already_used"


def test_what_a_cut_off_gate_would_refuse_is_said_before(desk: Desk) -> None:
    desk.gate.rule(when_cut_off="deny")
    looked = desk.desk.look(desk.found(), LANE, GUARD)
    assert (looked.decision, looked.against) == (Refuse(Reason.CUT_OFF), Reason.CUT_OFF)


def test_a_code_that_was_read_is_for_the_server_unless_that_is_away(desk: Desk) -> None:
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0], blocked="stolen")
    desk.gate.refused(desk.gate.code(ticket_id=TICKET))
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0])
    desk.gate.rule(when_cut_off="deny")
    assert desk.desk.look(desk.found(), LANE, GUARD).decision == Admit(False)
    alone = replace(desk.desk, is_alone=lambda: True)
    assert alone.look(desk.found(), LANE, GUARD).decision == Refuse(Reason.CUT_OFF)


def test_while_it_burns_nobody_is_let_in_by_hand(desk: Desk) -> None:
    desk.barrier.burns = True
    assert desk.desk.look(desk.found(), LANE, GUARD).burns
    assert desk.desk.let_in(desk.found(), LANE, GUARD, "phone is flat") is NotNow.FIRE
    assert desk.against(Reason.ALREADY_USED) is NotNow.FIRE
    assert desk.bodies(OpKind.ENTRY) == []


# --- blocked


def test_a_ticket_blocked_here_is_refused_at_once_with_the_reason(desk: Desk) -> None:
    code = desk.gate.code(ticket_id=TICKET)
    assert desk.desk.block(desk.found(), GUARD, " reported stolen ", lift=False) is None
    refused = desk.gate.refused(code)
    assert (refused.reason, refused.miss) == (
        Reason.BLOCKED,
        Miss(MissKind.BLOCKED_FOR, note="reported stolen"),
    )
    [body] = desk.bodies(OpKind.BLOCK)
    told = decode_blocked(body)
    assert told is not None
    assert (told.ticket_id, told.by, told.reason, told.lifted) == (
        TICKET,
        "guard",
        "reported stolen",
        False,
    )
    desk.gate.restart()
    assert desk.gate.refused(code).reason is Reason.BLOCKED


def test_only_a_supervisor_lifts_a_block_and_then_it_lets_in_again(desk: Desk) -> None:
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0], blocked="stolen")
    assert desk.desk.block(desk.found(), GUARD, "found", lift=True) is NoBlock.NOT_ALLOWED
    assert desk.desk.look(desk.found(), LANE, GUARD).against is Reason.BLOCKED
    assert desk.desk.block(desk.found(), BOSS, "found", lift=True) is None
    assert desk.let_in()["decision"] == "admit"


@pytest.mark.parametrize(
    ("reason", "lift", "why"),
    [
        pytest.param(" ", False, NoBlock.NO_REASON, id="no reason"),
        pytest.param("x" * 121, False, NoBlock.NO_REASON, id="a novel"),
        pytest.param("found", True, NoBlock.AS_IT_WAS, id="it was not blocked"),
    ],
)
def test_a_block_that_cannot_be_is_said(desk: Desk, reason: str, lift: bool, why: NoBlock) -> None:
    assert desk.desk.block(desk.found(), BOSS, reason, lift=lift) is why
    assert desk.bodies(OpKind.BLOCK) == []


def test_our_own_block_counts_until_the_feed_has_it_and_the_houses_word_after_that(
    desk: Desk,
) -> None:
    desk.desk.block(desk.found(), GUARD, "stolen", lift=False)
    code, mirror = desk.gate.code(ticket_id=TICKET), desk.gate.replica.mirror
    rev = mirror.cursors()[EVENT_ID] + 1
    [head] = [one for one in desk.heads() if one.stream == EVENT_ID]
    answer = Answered(head.seq, "ok", "", rev)
    desk.gate.replica.transact(lambda unit: acknowledge(unit, head, head.seq, [answer]))
    assert desk.gate.refused(code).reason is Reason.BLOCKED, "the feed has not brought it"
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0], blocked="stolen")
    assert desk.gate.refused(code).reason is Reason.BLOCKED
    desk.gate.feed.ticket(TICKET, FIRST, ROW[0])
    assert isinstance(desk.gate.scan(code), LetIn), "the manager has lifted it"


def test_a_server_that_lost_the_block_does_not_lift_it_here(desk: Desk) -> None:
    desk.desk.block(desk.found(), GUARD, "stolen", lift=False)
    [head] = [one for one in desk.heads() if one.stream == EVENT_ID]
    answer = Answered(head.seq, "ok", "", 1)
    desk.gate.replica.transact(lambda unit: acknowledge(unit, head, head.seq, [answer]))
    desk.gate.replica.transact(lambda unit: acknowledge(unit, head, 0, []))
    code = desk.gate.code(ticket_id=TICKET)
    assert desk.gate.refused(code).reason is Reason.BLOCKED


# --- lanes


def test_a_supervisor_opens_a_lane_for_a_while_and_anybody_shuts_it(desk: Desk) -> None:
    lanes = LaneDesk([desk.runner])
    assert lanes.open(LANE, BOSS, "a coach with 50 people", 30) is None
    now = lanes.now(LANE, {"state": "ready"})
    until_ms = desk.gate.env.wall_ms() + 30 * 60_000
    assert (now["state"], now["open_until_ms"]) == ("open", until_ms)
    assert desk.runner.book.opened_by == ("boss", "a coach with 50 people")
    assert lanes.shut(LANE, GUARD) is None
    assert lanes.now(LANE, {"state": "open"})["state"] == "ready"


@pytest.mark.parametrize(
    ("lane", "by", "note", "minutes", "why"),
    [
        pytest.param(LANE, GUARD, "why not", 30, NotOpened.NOT_ALLOWED, id="a guard alone"),
        pytest.param(LANE, BOSS, " ", 30, NotOpened.NO_NOTE, id="no reason"),
        pytest.param(LANE, BOSS, "why not", 31, NotOpened.NO_TIME, id="no time that is offered"),
        pytest.param("Lane 9", BOSS, "why not", 5, NotOpened.UNKNOWN_LANE, id="no such lane"),
    ],
)
def test_a_lane_is_not_opened_just_so(
    desk: Desk, lane: str, by: Account, note: str, minutes: int, why: NotOpened
) -> None:
    assert LaneDesk([desk.runner]).open(lane, by, note, minutes) is why
    assert desk.barrier.stands_open_s == 0.0


# --- double entries


def test_staff_see_open_double_entries_of_this_gate_with_names(desk: Desk) -> None:
    feed, at_ms = desk.gate.feed, desk.gate.env.wall_ms()
    feed.person("p-boss", "", role="supervisor", name="王芳")
    feed.double_entry(TICKET, at_ms, (GATE, OTHER_GATE))
    feed.double_entry("00000000000000f7", at_ms, (OTHER_GATE, "00000000000000ac"))
    feed.double_entry("00000000000000f8", at_ms, (GATE, OTHER_GATE), is_open=False)
    cases = CaseDesk(desk.gate.replica.mirror, GATE)
    [case] = cases.open_double_entries()
    assert case.ticket_id == TICKET
    assert [entry.people for entry in case.entries] == [(), ("王芳", "p-guard")]
    assert [entry.is_ours for entry in case.entries] == [True, False]


def test_the_status_counts_double_entries_of_this_evening(desk: Desk) -> None:
    feed, at_ms, said = desk.gate.feed, desk.gate.env.wall_ms(), list[dict[str, object]]()
    watch = DoubleEntryWatch(
        desk.gate.replica.mirror, GATE, lambda _performance, _unit: "", "en", said.append
    )
    feed.double_entry(TICKET, at_ms, (GATE, OTHER_GATE))
    feed.double_entry("00000000000000f7", at_ms - 2 * RECENT_MS, (GATE, OTHER_GATE))
    watch.on_pulled(frozenset({"case"}))
    watch.on_pulled(frozenset({"case"}))
    assert (watch.open_count(at_ms), len(said)) == (1, 2)
    feed.double_entry(TICKET, at_ms, (GATE, OTHER_GATE), is_open=False)
    watch.on_pulled(frozenset({"case"}))
    assert (watch.open_count(at_ms), said[-1]["state"]) == (0, "closed")
