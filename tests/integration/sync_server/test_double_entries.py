"""What a double entry's case says: lanes, people, right times, and what explains it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sync_server.heart.arbiter import Accepted, Admit, AdmitRequest
from sync_server.heart.intake import Forked, Push, Taken
from sync_server.heart.salvage import Kept, Salvage
from sync_server.services.contact import Contact, Greeting, note_contact, take_greeting
from tests.integration.sync_server.failover import begin
from tests.integration.sync_server.stage import EVENT, Gate, Stage
from tests.integration.sync_server.test_entries import leave, with_rule
from ticketing.admission import ByHand, Reason
from ticketing.ids import OpId
from ticketing.journal import ROOT_HASH, OpKind
from ticketing.operations import SaleLine, encode_entry

HOUR_MS = 3_600_000


@pytest.fixture
def line(stage: Stage) -> SaleLine:
    till = stage.till()
    sale = till.sell(till.borrow(1), 1)
    till.push()
    line: SaleLine = sale.lines[0]
    return line


def greet(gate: Gate, *, ahead_ms: int) -> None:
    """The gate is in contact again, and its clock is so far ahead."""
    contact = Contact(gate.stage.now_ms, clock_offset_ms=ahead_ms)
    gate.stage.do(lambda tx: note_contact(tx, gate.node_id, contact))


def push_ahead(gate: Gate, *, ahead_ms: int) -> None:
    """The gate pushes, and tells with it that its clock is so far ahead."""
    source = replace(gate.source, clock_ahead_ms=ahead_ms)
    taken = gate.stage.take(Push(source, gate.batch(1, len(gate.ops))))
    assert isinstance(taken, Taken)


def case_of(stage: Stage) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(stage.one("SELECT body FROM case_file"))
    return body


def case_of_kind(stage: Stage, kind: str = "double_entry") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        stage.one("SELECT body FROM case_file WHERE kind = :k", k=kind)
    )
    return body


def let_in_by(gate: Gate, line: SaleLine, *, ahead_ms: int, lane: str, minute: int = 0) -> None:
    """An entry of a gate that believes its own clock, which is so far ahead."""
    right_ms = gate.stage.now_ms + minute * 60_000
    entry = replace(gate.entry(line, lane=lane), at_ms=right_ms + ahead_ms)
    gate.say(OpKind.ENTRY, encode_entry(entry), wall_ms=right_ms + ahead_ms)


def test_it_names_lanes_and_right_times_whatever_the_gates_clocks_showed(
    stage: Stage, line: SaleLine
) -> None:
    gate, other = stage.gate(), stage.gate("Gate 2")
    let_in_by(gate, line, ahead_ms=HOUR_MS, lane="lane 1")
    let_in_by(other, line, ahead_ms=-HOUR_MS, lane="lane 2", minute=5)
    greet(gate, ahead_ms=HOUR_MS)
    greet(other, ahead_ms=-HOUR_MS)
    assert other.push() == ["ok"]
    assert gate.push() == ["ok"]
    case = case_of(stage)
    told = [(e["node_id"], e["lane"], e["at_ms"], e["clock_off_ms"]) for e in case["entries"]]
    assert told == [
        (gate.node_id, "lane 1", stage.now_ms, HOUR_MS),
        (other.node_id, "lane 2", stage.now_ms + 300_000, -HOUR_MS),
    ]
    assert case["causes"] == ["both_offline"]
    assert (case["performance"], case["unit"]) == (line.performance, line.unit)


def test_a_gate_that_pushes_before_it_has_greeted_tells_what_its_clock_shows(
    stage: Stage, line: SaleLine
) -> None:
    """Its greeting was lost with the end of a history, and it did not notice that yet."""
    gate, other = stage.gate(), stage.gate("Gate 2")
    let_in_by(gate, line, ahead_ms=HOUR_MS, lane="lane 1")
    let_in_by(other, line, ahead_ms=0, lane="lane 2", minute=5)
    push_ahead(gate, ahead_ms=HOUR_MS)
    other.push()
    told = [(e["lane"], e["at_ms"], e["clock_off_ms"]) for e in case_of(stage)["entries"]]
    assert told == [("lane 1", stage.now_ms, HOUR_MS), ("lane 2", stage.now_ms + 300_000, 0)]


def test_so_does_a_gate_whose_fenced_journal_is_salvaged(stage: Stage, line: SaleLine) -> None:
    gate, other = stage.gate(), stage.gate("Gate 2")
    gate.let_in(line, lane="lane 3")
    gate.push()
    gate.ops.clear()
    assert isinstance(gate.compare(0, ROOT_HASH), Forked)
    let_in_by(gate, line, ahead_ms=HOUR_MS, lane="lane 1")
    source = replace(gate.source, clock_ahead_ms=HOUR_MS)
    assert stage.take(Salvage(source, gate.batch(1, 1))) == Kept(1)
    other.let_in(line, lane="lane 2", minute=5)
    other.push()
    found = {e["lane"]: e["at_ms"] - stage.now_ms for e in case_of_kind(stage)["entries"]}
    assert (found["lane 1"], found["lane 2"]) == (0, 300_000)


@pytest.mark.parametrize("is_lost", [False, True], ids=["this history's", "a lost history's"])
def test_what_a_push_tells_of_its_clock_outdoes_a_lost_historys_greeting_alone(
    stage: Stage, line: SaleLine, is_lost: bool
) -> None:
    """A push may have been held up on its way, so that its clock seems to be slow."""
    gate, other = stage.gate(), stage.gate("Gate 2")
    stage.do(lambda tx: take_greeting(tx, gate.node_id, Greeting("run 1", 1)))
    greet(gate, ahead_ms=HOUR_MS)
    if is_lost:
        begin(stage, "0000000b")
    let_in_by(gate, line, ahead_ms=0, lane="lane 1")
    other.let_in(line, lane="lane 2")
    push_ahead(gate, ahead_ms=0)
    other.push()
    found = {e["lane"]: e["at_ms"] - stage.now_ms for e in case_of(stage)["entries"]}
    assert found["lane 1"] == (0 if is_lost else -HOUR_MS)


def test_a_copy_shown_at_once_elsewhere_is_told_from_a_clock_that_says_the_same(
    stage: Stage, line: SaleLine
) -> None:
    """By the gates' own clocks the two are an hour apart."""
    gate, other = stage.gate(), stage.gate("Gate 2")
    let_in_by(gate, line, ahead_ms=HOUR_MS, lane="lane 1")
    let_in_by(other, line, ahead_ms=0, lane="lane 2")
    greet(gate, ahead_ms=HOUR_MS)
    gate.push()
    other.push()
    assert case_of(stage)["causes"] == ["copy", "both_offline"]


def test_a_clock_that_made_a_good_ticket_bad_is_said_first(stage: Stage, line: SaleLine) -> None:
    """Somebody came back on the next day, at a gate that thought it was still today."""
    with_rule(stage, each_day=True)
    gate, other = stage.gate(), stage.gate("Gate 2")
    gate.let_in(line, lane="lane 1")
    let_in_by(other, line, ahead_ms=-24 * HOUR_MS, lane="lane 2", minute=24 * 60)
    greet(other, ahead_ms=-24 * HOUR_MS)
    gate.push()
    other.push()
    assert case_of(stage)["causes"] == ["clock", "both_offline"]


def test_a_clock_does_not_hide_a_double_entry(stage: Stage, line: SaleLine) -> None:
    """By the gates' own clocks it was let in once a day, as its rule says."""
    with_rule(stage, each_day=True)
    gate, other = stage.gate(), stage.gate("Gate 2")
    gate.let_in(line, lane="lane 1")
    let_in_by(other, line, ahead_ms=24 * HOUR_MS, lane="lane 2", minute=5)
    greet(other, ahead_ms=24 * HOUR_MS)
    gate.push()
    other.push()
    assert case_of(stage)["causes"] == ["both_offline"]


def test_a_second_on_the_clock_turns_no_coming_and_going_around(
    stage: Stage, line: SaleLine
) -> None:
    """Out at one gate and in at another in the same minute; measured, the second was before."""
    with_rule(stage, reentry_minutes=30)
    gate, other = stage.gate(), stage.gate("Gate 2")
    gate.let_in(line, lane="lane 1")
    leave(gate, line, minute=10)
    other.let_in(line, lane="lane 2", minute=10)
    greet(other, ahead_ms=2_000)
    gate.push()
    assert other.push() == ["ok"]
    assert stage.cases() == []


def test_an_answer_that_its_gate_never_told_of_explains_it_until_it_is_told(
    stage: Stage, line: SaleLine
) -> None:
    gate, other = stage.gate(), stage.gate("Gate 2")
    request = AdmitRequest(OpId("a" * 32), line.code, "lane 1", ())
    assert isinstance(stage.take(Admit(EVENT, gate.node_id, request)), Accepted)
    other.let_in(line, lane="lane 2", minute=9)
    other.push()
    case = case_of(stage)
    assert case["causes"] == ["answer_lost", "one_offline"]
    assert [entry["heard"] for entry in case["entries"]] == [0, 1]
    gate.let_in(line, lane="lane 1", op_id="a" * 32)
    gate.push()
    assert case_of(stage)["causes"] == ["one_offline"]


def test_it_names_who_let_somebody_in_by_hand(stage: Stage, line: SaleLine) -> None:
    gate, other, third = (stage.gate(f"Gate {number}") for number in range(1, 4))
    gate.let_in(line, lane="lane 1")
    third.let_in(line, lane="lane 3", minute=9)
    by_hand = ByHand(Reason.ALREADY_USED, "p1", "p2", "ticket found on the floor")
    entry = replace(other.entry(line, lane="lane 2", minute=5), by_hand=by_hand)
    other.say(OpKind.ENTRY, encode_entry(entry), wall_ms=entry.at_ms)
    for each in (other, gate, third):
        assert each.push() == ["ok"]
    case = case_of(stage)
    assert [(each["lane"], each.get("by")) for each in case["entries"]] == [
        ("lane 1", None),
        ("lane 2", ["p1", "p2"]),
        ("lane 3", None),
    ]


def test_both_gates_are_told_and_so_is_every_other(stage: Stage, line: SaleLine) -> None:
    gates = [stage.gate(f"Gate {number}") for number in range(3)]
    for number, gate in enumerate(gates[:2]):
        gate.let_in(line, lane=f"lane {number}", minute=number)
        gate.push()
    for gate in gates:
        page = stage.pull(gate, EVENT)
        assert page is not None
        rows: list[Any] = [body for kind, _rev, body in page.rows if kind == "case"]
        (row,) = rows
        assert {entry["node_id"] for entry in row["body"]["entries"]} == {
            each.node_id for each in gates[:2]
        }
