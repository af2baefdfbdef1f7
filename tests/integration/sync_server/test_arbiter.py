"""The arbiter: one answer for every scan, recorded before it is given, and never lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from sync_server.heart.arbiter import Accepted, Admit, AdmitRequest, Denied, NotArbiter
from sync_server.services.catalogue import store_catalogue
from tests.integration.sync_server.stage import EVENT, NOW, Gate, Stage, Till
from tests.unit.ticketing.house import document
from ticketing.admission import Reason
from ticketing.catalogue import parse_catalogue
from ticketing.code import Flag, make_code
from ticketing.ids import AllotmentId, KeyId, OpId
from ticketing.journal import OpKind
from ticketing.operations import Sale, SaleLine, encode_entry


@dataclass
class Door:
    """A sold ticket on its way in."""

    stage: Stage
    till: Till
    gate: Gate
    sale: Sale

    @property
    def line(self) -> SaleLine:
        return self.sale.lines[0]

    def ask(
        self,
        code: str = "",
        *,
        op: int = 1,
        lane: str = "lane 1",
        seen: tuple[int, ...] = (),
        gate: Gate | None = None,
    ) -> Accepted | Denied:
        node_id = (gate or self.gate).node_id
        asked = AdmitRequest(
            OpId(f"{op:032x}"),
            code or self.line.code,
            lane,
            tuple(OpId(f"{n:032x}") for n in seen),
        )
        answer = self.stage.take(Admit(EVENT, node_id, asked))
        assert not isinstance(answer, NotArbiter)
        return answer

    def entries(self) -> list[str]:
        return [row.op_id for row in self.stage.rows("SELECT op_id FROM entry ORDER BY op_id")]

    def times(self) -> list[tuple[int, int]]:
        """By the gate's clock or ours, and by ours."""
        return [tuple(row) for row in self.stage.rows("SELECT at_ms, corrected_ms FROM entry")]


@pytest.fixture
def door(stage: Stage) -> Door:
    till = stage.till()
    grant = till.borrow(1, 2, 3)
    sale = till.sell(grant, 1, 2)
    till.push()
    return Door(stage, till, stage.gate(), sale)


def accepted(op: int, *, unconfirmed: bool = False) -> Accepted:
    return Accepted(OpId(f"{op:032x}"), unconfirmed)


# --- what it answers


def test_a_sound_ticket_is_let_in_and_recorded(door: Door) -> None:
    assert door.ask() == accepted(1)
    (entry,) = door.stage.rows("SELECT * FROM entry")
    assert (entry.ticket_id, entry.node_id, entry.lane) == (
        door.line.ticket_id,
        door.gate.node_id,
        "lane 1",
    )
    assert (entry.phase, entry.offline, entry.journalled) == ("granted", 0, 0)
    assert entry.at_ms == door.stage.now_ms


def test_a_sale_not_heard_of_is_let_in_unconfirmed(door: Door) -> None:
    grant = door.till.borrow(4)
    line = door.till.line(4, grant.id)
    assert door.ask(line.code) == accepted(1, unconfirmed=True)
    door.till.say_sale(door.till.sale(line))
    assert door.till.push() == ["ok"]
    assert door.stage.entries().balanced
    assert door.stage.case_kinds() == []


def forged(door: Door) -> str:
    return make_code(door.till.facts(door.line), bytes(32))


def void(door: Door) -> str:
    door.stage.do(lambda tx: tx.run("UPDATE ticket SET state = 'void'"))
    return door.line.code


def disputed(door: Door) -> str:
    line = door.till.line(9, door.line.allotment)
    door.till.say_sale(door.till.sale(line))
    assert door.till.push() == ["disputed not_held"]
    return line.code


def revoked(door: Door) -> str:
    door.stage.do(lambda tx: tx.run("UPDATE node SET state = 'revoked' WHERE role = 'till'"))
    return door.till.line(3, door.line.allotment).code


def written_off(door: Door) -> str:
    door.stage.do(lambda tx: tx.run("UPDATE allot SET state = 'written_off'"))
    return door.till.line(3, door.line.allotment).code


def replaced(door: Door) -> str:
    door.stage.do(lambda tx: tx.run("UPDATE claim SET version = 1 WHERE unit = 1"))
    return door.line.code


def at(delta: timedelta) -> Callable[[Door], str]:
    def move(door: Door) -> str:
        door.stage.now = NOW + delta
        return door.line.code

    return move


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(lambda _: "https://example.org", Reason.NOT_A_TICKET, id="another's code"),
        pytest.param(lambda d: d.line.code[:-1], Reason.DAMAGED_CODE, id="cut off"),
        pytest.param(lambda _: "BXG2", Reason.NEWER_FORMAT, id="a later format"),
        pytest.param(
            lambda d: make_code(d.till.facts(d.line, Flag.TRAINING), d.till.private),
            Reason.TRAINING_TICKET,
            id="a training ticket",
        ),
        pytest.param(
            lambda d: make_code(
                replace(d.till.facts(d.line), key_id=KeyId("00000000")), d.till.private
            ),
            Reason.UNKNOWN_ISSUER,
            id="no such till",
        ),
        pytest.param(forged, Reason.FORGED, id="forged"),
        pytest.param(revoked, Reason.ISSUER_REVOKED, id="by a revoked till, sale not heard of"),
        pytest.param(
            lambda d: d.till.line(3, d.line.allotment, performance=77).code,
            Reason.WRONG_PERFORMANCE,
            id="no such performance",
        ),
        pytest.param(void, Reason.VOID, id="void"),
        pytest.param(disputed, Reason.DISPUTED, id="disputed"),
        pytest.param(replaced, Reason.REPLACED, id="replaced"),
        pytest.param(at(timedelta(hours=-2)), Reason.TOO_EARLY, id="too early"),
        pytest.param(at(timedelta(hours=9)), Reason.TOO_LATE, id="too late"),
        pytest.param(
            lambda d: d.till.line(9, d.line.allotment).code,
            Reason.NOT_IN_ALLOTMENT,
            id="a unit the allotment has not",
        ),
        pytest.param(
            lambda d: d.till.line(9, AllotmentId("ffffffff", 1)).code,
            Reason.NOT_IN_ALLOTMENT,
            id="an allotment there never was",
        ),
        pytest.param(written_off, Reason.ALLOTMENT_WRITTEN_OFF, id="written off"),
    ],
)
def test_a_refusal_records_nothing(door: Door, code: Callable[[Door], str], reason: Reason) -> None:
    answer = door.ask(code(door))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.first_entry) == (reason, None)
    assert door.entries() == []


def test_the_second_showing_is_denied_and_told_of_the_first(door: Door) -> None:
    other = door.stage.gate("Gate 2")
    door.ask(op=1)
    door.stage.now += timedelta(minutes=3)
    answer = door.ask(op=2, lane="lane 2", gate=other)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED
    assert answer.first_entry is not None
    assert (answer.first_entry.node_id, answer.first_entry.lane) == (door.gate.node_id, "lane 1")
    assert answer.first_entry.at == NOW
    assert door.entries() == [f"{1:032x}"]


def test_the_other_ticket_of_the_order_goes_in_too(door: Door) -> None:
    door.ask(op=1)
    assert door.ask(door.sale.lines[1].code, op=2) == accepted(2)


def test_a_revoked_till_spoils_no_sale_that_was_heard_of(door: Door) -> None:
    revoked(door)
    assert door.ask() == accepted(1)


def test_a_gates_key_vouches_for_no_ticket(door: Door) -> None:
    """A gate hears every ticket's id: whoever steals one must not be able to print."""
    thief = Till(door.stage, door.gate.node_id, door.gate.role, door.gate.private)
    code = make_code(thief.facts(door.line), thief.private)
    assert door.ask(code) == Denied(Reason.UNKNOWN_ISSUER, None)


def test_a_tills_key_vouches_for_its_own_allotments_only(door: Door) -> None:
    """Whoever steals a till can print tickets for what was lent to it, and for nothing else."""
    thief = door.stage.till("Window 2")
    line = door.till.line(3, door.line.allotment)
    code = make_code(thief.facts(line), thief.private)
    assert door.ask(code) == Denied(Reason.NOT_IN_ALLOTMENT, None)


def test_a_code_of_nobody_that_names_a_hold_is_refused(door: Door) -> None:
    """Neither has a node: the one was taken for the other's (found by the simulation, seed 5492)."""
    line = door.till.line(3, door.line.allotment)
    nobodys = replace(door.till.facts(line), key_id=KeyId("00000000"))
    door.stage.do(lambda tx: tx.run("UPDATE allot SET state = 'held', node_id = ''"))
    assert door.ask(make_code(nobodys, bytes(32))) == Denied(Reason.UNKNOWN_ISSUER, None)


# --- entry rules


def with_rules(door: Door, *rules: dict[str, object]) -> None:
    changed = document()
    changed["events"][0]["entry_rules"] = {"rules": list(rules)}
    read = parse_catalogue(changed, source="test", now=NOW)
    door.stage.do(lambda tx: store_catalogue(tx, read))


def test_a_ticket_of_two_entries_goes_in_twice_and_makes_no_case(door: Door) -> None:
    with_rules(door, {"entries": 2})
    for op in (1, 2):
        assert door.ask(op=op, lane=f"lane {op}") == accepted(op)
    answer = door.ask(op=3, lane="lane 3")
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED
    assert door.stage.case_kinds() == []
    assert door.stage.entries().balanced


def test_one_entry_more_than_the_rule_allows_makes_a_case(door: Door) -> None:
    with_rules(door, {"entries": 2})
    for op in (1, 2):
        door.ask(op=op, lane=f"lane {op}")
    other = door.stage.gate("Gate 2")
    other.let_in(door.line, lane="lane 9")
    assert other.push() == ["ok"]
    assert door.stage.cases() == [("double_entry", door.line.ticket_id)]
    assert not door.stage.entries().balanced


def test_the_arbiter_holds_the_gate_against_a_ticket(door: Door) -> None:
    with_rules(door, {"gates": ["own"]})
    asked = AdmitRequest(OpId("1" * 32), door.line.code, "lane 1", (), "Gate 9")
    answer = door.stage.take(Admit(EVENT, door.gate.node_id, asked))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.WRONG_GATE
    assert answer.miss is not None
    assert answer.miss.gate is not None
    home = replace(asked, gate=answer.miss.gate.in_language("zh"))
    assert door.stage.take(Admit(EVENT, door.gate.node_id, home)) == accepted(int("1" * 32, 16))


def test_an_entry_with_a_broken_clock_is_still_an_entry(door: Door) -> None:
    other = door.stage.gate("Gate 2")
    entry = replace(other.entry(door.line, lane="lane 9", minute=0), at_ms=2**53 - 1)
    other.say(OpKind.ENTRY, encode_entry(entry))
    assert other.push() == ["ok"]
    answer = door.ask()
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED


# --- answers that were lost


def test_the_same_operation_gets_the_same_answer(door: Door) -> None:
    assert door.ask(op=1) == door.ask(op=1) == accepted(1)
    assert door.entries() == [f"{1:032x}"]


def test_the_same_operation_is_answered_after_it_was_journalled(door: Door) -> None:
    door.ask(op=1)
    door.gate.let_in(door.line, op_id=f"{1:032x}")
    assert door.gate.push() == ["ok"]
    assert door.ask(op=1, seen=(1,)) == accepted(1)


def test_a_lane_whose_answer_was_lost_gets_its_entry_again(door: Door) -> None:
    """The gate died between our commit and its own: nobody went in, nobody is shut out."""
    door.ask(op=1)
    assert door.ask(op=2) == accepted(1)
    assert door.entries() == [f"{1:032x}"]


def test_an_entry_that_is_given_again_is_of_the_time_when_it_was_given_last(door: Door) -> None:
    """Nobody had gone in before: a double entry's case must not tell of then (seed 11003)."""
    door.ask(op=1)
    door.stage.now += timedelta(minutes=5)
    door.ask(op=2)
    assert door.times() == [(door.stage.now_ms, door.stage.now_ms)]


def test_an_entry_whose_grant_was_lost_is_of_the_time_when_its_lane_let_it_in(door: Door) -> None:
    door.ask(op=1)
    went_in = door.gate.let_in(door.line, minute=20, op_id=f"{1:032x}")
    assert door.gate.push() == ["ok"]
    door.stage.now += timedelta(minutes=90)
    door.ask(op=1)  # its barrier is open already
    assert door.times() == [(went_in.wall_ms, went_in.wall_ms)]


def test_an_entry_that_the_lane_knows_of_is_not_given_again(door: Door) -> None:
    door.ask(op=1)
    answer = door.ask(op=2, seen=(1,))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED


def test_an_entry_that_was_journalled_is_not_given_again(door: Door) -> None:
    """What the gate's journal told, it knows; without `seen` it would still be no lost answer."""
    door.ask(op=1)
    door.gate.let_in(door.line, op_id=f"{1:032x}")
    door.gate.push()
    answer = door.ask(op=2)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED


def test_another_lane_does_not_get_a_lost_entry(door: Door) -> None:
    door.ask(op=1)
    answer = door.ask(op=2, lane="lane 2")
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED


def test_another_gates_lane_of_the_same_name_does_not_get_it(door: Door) -> None:
    door.ask(op=1)
    answer = door.ask(op=2, gate=door.stage.gate("Gate 2"))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED


def test_a_void_ticket_is_still_told_the_answer_it_was_given(door: Door) -> None:
    """Idempotency comes before the checks: the barrier may be open already."""
    door.ask(op=1)
    void(door)
    assert door.ask(op=1) == accepted(1)
    assert door.ask(op=2, seen=(1,)) == Denied(Reason.VOID, None)


def test_an_entry_that_a_lane_granted_alone_is_decided_when_it_asks_again(door: Door) -> None:
    """Its barrier never moved; the arbiter had not been asked, so nothing stands yet."""
    door.gate.let_in(door.line, lane="lane 1", op_id=f"{1:032x}")
    assert door.gate.push() == ["ok"]
    assert door.ask(op=1) == accepted(1)
    assert door.entries() == [f"{1:032x}"]
    void(door)
    assert door.ask(op=1) == Denied(Reason.VOID, None)


def test_an_entry_granted_alone_gives_way_to_one_that_the_arbiter_let_in(door: Door) -> None:
    other = door.stage.gate("Gate 2")
    door.ask(op=2, lane="lane 9", gate=other)
    door.gate.let_in(door.line, lane="lane 1", op_id=f"{1:032x}")
    assert door.gate.push() == ["ok"]
    answer = door.ask(op=1)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ALREADY_USED
    assert answer.first_entry is not None
    assert answer.first_entry.op_id == f"{2:032x}"


def test_a_forgery_is_not_given_the_entry_of_the_ticket_it_names(door: Door) -> None:
    """Whoever knows a ticket's id must not get in on an answer that was lost."""
    door.ask(op=1)
    assert door.ask(forged(door), op=2) == Denied(Reason.FORGED, None)
    assert door.ask(forged(door), op=1) == Denied(Reason.FORGED, None)


def test_an_operation_id_that_names_another_entry_lets_nobody_in(door: Door) -> None:
    door.ask(op=1)
    other = door.sale.lines[1].code
    assert door.ask(other, op=1) == Denied(Reason.NOT_RECORDED, None)
    assert door.entries() == [f"{1:032x}"]


def test_what_the_arbiter_let_in_and_the_journal_told_is_one_entry(door: Door) -> None:
    answer = door.ask(op=7)
    assert isinstance(answer, Accepted)
    door.gate.let_in(door.line, op_id=answer.op_id)
    assert door.gate.push() == ["ok"]
    assert door.stage.case_kinds() == []
    assert door.stage.entries().entries == 1


def test_a_gate_that_decided_alone_and_an_arbiter_that_let_in_make_a_case(door: Door) -> None:
    other = door.stage.gate("Gate 2")
    other.let_in(door.line, lane="lane 9")
    door.ask(op=1)
    assert other.push() == ["ok"]
    assert door.stage.cases() == [("double_entry", door.line.ticket_id)]
