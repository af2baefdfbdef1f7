"""What gates tell of entries and exits: recorded once, counted by the rule, in any order."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from sync_server.services.catalogue import store_catalogue
from tests.integration.sync_server.stage import NOW, Gate, Stage
from tests.unit.ticketing.house import document
from ticketing.admission import ByHand, Reason
from ticketing.catalogue import parse_catalogue
from ticketing.ids import OpId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    EntryPassage,
    Passed,
    SaleLine,
    TicketLeft,
    encode_entry,
    encode_left,
    encode_passage,
)


@pytest.fixture
def line(stage: Stage) -> SaleLine:
    till = stage.till()
    sale = till.sell(till.borrow(1), 1)
    till.push()
    line: SaleLine = sale.lines[0]
    return line


def with_rule(stage: Stage, **rule: object) -> None:
    changed = document()
    changed["events"][0]["entry_rules"] = {"rules": [rule]}
    read = parse_catalogue(changed, source="test", now=NOW)
    stage.do(lambda tx: store_catalogue(tx, read))


def end(gate: Gate, line: SaleLine, entry: Op, phase: Passed) -> None:
    passage = EntryPassage(entry.op_id, line.ticket_id, phase, entry.wall_ms)
    gate.say(OpKind.PASSAGE, encode_passage(passage))


def leave(gate: Gate, line: SaleLine, *, minute: int) -> None:
    at_ms = gate.entry(line, lane="out", minute=minute).at_ms
    left = TicketLeft(line.ticket_id, line.performance, line.unit, line.version, 1, "out", at_ms)
    gate.say(OpKind.EXIT, encode_left(left), wall_ms=at_ms)


def phases(stage: Stage) -> list[str]:
    return [row.phase for row in stage.rows("SELECT phase FROM entry ORDER BY at_ms")]


@pytest.mark.parametrize("phase", Passed)
def test_an_entry_ends_as_its_gate_says(stage: Stage, line: SaleLine, phase: Passed) -> None:
    gate = stage.gate()
    entry = gate.let_in(line)
    end(gate, line, entry, phase)
    assert gate.push() == ["ok", "ok"]
    assert phases(stage) == [phase]
    assert stage.entries().entries == (phase is Passed.PASSED)


def test_the_first_word_on_an_entrys_end_stands(stage: Stage, line: SaleLine) -> None:
    gate = stage.gate()
    entry = gate.let_in(line)
    end(gate, line, entry, Passed.PASSED)
    end(gate, line, entry, Passed.PASSED)
    end(gate, line, entry, Passed.RETURNED)
    assert gate.push() == ["ok", "ok", "ok", "rejected contradiction"]
    assert phases(stage) == ["passed"]


def test_a_gate_ends_its_own_entries_only(stage: Stage, line: SaleLine) -> None:
    gate, other = stage.gate(), stage.gate("Gate 2")
    entry = gate.let_in(line)
    assert gate.push() == ["ok"]
    end(other, line, entry, Passed.RETURNED)
    assert other.push() == ["rejected contradiction"]
    end(other, line, Op(1, OpId("f" * 32), "entry", 1, 0, "", ""), Passed.RETURNED)
    assert other.push() == ["rejected unknown_entry"]
    assert phases(stage) == ["granted"]


def test_a_returned_entry_makes_room_and_settles_the_case(stage: Stage, line: SaleLine) -> None:
    gate, other = stage.gate(), stage.gate("Gate 2")
    entry = gate.let_in(line, lane="lane 1")
    other.let_in(line, lane="lane 2", minute=1)
    gate.push()
    other.push()
    assert stage.cases() == [("double_entry", line.ticket_id)]
    assert not stage.entries().balanced
    end(gate, line, entry, Passed.RETURNED)
    assert gate.push() == ["ok"]
    (case,) = stage.rows("SELECT state FROM case_file")
    assert case.state == "closed"
    assert stage.entries().balanced


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_coming_back_in_time_is_no_second_entry_in_whatever_order_it_is_told(
    stage: Stage, line: SaleLine, order: tuple[int, ...]
) -> None:
    with_rule(stage, reentry_minutes=30)
    gates = [stage.gate(f"Gate {n}") for n in range(3)]
    gates[0].let_in(line, lane="lane 1", minute=0)
    leave(gates[1], line, minute=10)
    gates[2].let_in(line, lane="lane 3", minute=20)
    for place in order:
        assert gates[place].push() == ["ok"]
    assert sorted(phases(stage)) == ["granted", "granted", "left"]
    states = [row.state for row in stage.rows("SELECT state FROM case_file")]
    assert states in ([], ["closed"])
    account = stage.entries()
    assert (account.entries, account.repeats, account.balanced) == (2, 1, True)


def test_coming_back_too_late_is_one_entry_too_many(stage: Stage, line: SaleLine) -> None:
    with_rule(stage, reentry_minutes=5)
    gate = stage.gate()
    gate.let_in(line, minute=0)
    leave(gate, line, minute=10)
    gate.let_in(line, minute=20)
    gate.push()
    assert stage.cases() == [("double_entry", line.ticket_id)]


def test_what_two_people_let_in_is_no_case(stage: Stage, line: SaleLine) -> None:
    gate, other = stage.gate(), stage.gate("Gate 2")
    gate.let_in(line)
    gate.push()
    entry = other.entry(line, lane="lane 9", minute=5)
    by_hand = ByHand(Reason.ALREADY_USED, "p1", "p2", "ticket found on the floor")
    other.say(OpKind.ENTRY, encode_entry(replace(entry, by_hand=by_hand)))
    assert other.push() == ["ok"]
    assert stage.case_kinds() == []
    assert stage.entries().balanced
    assert stage.one("SELECT sum(by_hand) FROM entry") == 1


def test_an_exit_told_twice_is_one_and_no_entrys_id_serves_it(stage: Stage, line: SaleLine) -> None:
    gate = stage.gate()
    entry = gate.let_in(line)
    left = TicketLeft(line.ticket_id, line.performance, line.unit, line.version, 1, "out", 5)
    gate.push()
    other = stage.gate("Gate 2")
    other.say(OpKind.EXIT, encode_left(left), op_id=entry.op_id)
    assert other.push() == ["rejected contradiction"]
    assert phases(stage) == ["granted"]


def test_a_till_tells_of_no_exits(stage: Stage, line: SaleLine) -> None:
    till = stage.till("Window 2")
    left = TicketLeft(line.ticket_id, line.performance, line.unit, line.version, 1, "out", 5)
    till.say(OpKind.EXIT, encode_left(left))
    assert till.push() == ["rejected forbidden_kind"]
