"""What happens at a lane's barrier is recorded, and decides who may show a ticket again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from edge.errors import ReplicaFull
from gate_agent.admit import LetIn
from gate_agent.barrier import ANSWER_TIMEOUT_S
from gate_agent.barrier_state import HOLD_MS, WAIT_S
from gate_agent.lane import UNDO_S, Shown
from gate_agent.lane_book import WALKED_EVERY_S
from gate_agent.supervision import PartState
from tests.fakes.hall import ROW
from tests.integration.gate_agent.door_stage import LiveLane, WoodenBarrier, until
from tests.integration.gate_agent.lane_stage import LANE, Stage, yes
from ticketing.admission import ByHand, NotByHand, Reason
from ticketing.journal import OpKind
from ticketing.operations import (
    GateCause,
    Passed,
    decode_gate_opened,
    decode_gate_shut,
    decode_passage,
    decode_walked,
)


@pytest.fixture
def lane(gate: Stage) -> Iterator[LiveLane]:
    gate.lend()
    with LiveLane(gate, WoodenBarrier()) as live:
        yield live


def ends(lane: LiveLane) -> list[Passed]:
    found = [decode_passage(body) for body in lane.bodies(OpKind.PASSAGE)]
    return [one.phase for one in found if one is not None]


# --- grants and passages


def test_a_barrier_is_shut_at_the_start(lane: LiveLane) -> None:
    assert (lane.wood.shut_count, lane.wood.opened) == (1, [])


def test_who_walks_through_has_passed(lane: LiveLane) -> None:
    code = lane.gate.code()
    line = lane.show(code)
    assert (line["decision"], line["barrier"]) == ("admit", "opened")
    assert lane.wood.opened == [700]
    lane.passes()
    assert ends(lane) == [Passed.PASSED]
    assert lane.events() == ["passed"]
    assert lane.show(code)["reason"] == "already_used"


def test_who_does_not_walk_through_may_show_the_ticket_again(lane: LiveLane) -> None:
    code = lane.gate.code()
    first = lane.show(code)
    lane.pass_s(WAIT_S)
    assert (ends(lane), lane.events()) == ([Passed.RETURNED], ["returned"])
    second = lane.show(code)
    assert (second["decision"], second["again"]) == ("admit", False)
    assert second["op"] != first["op"]
    lane.passes()
    assert ends(lane) == [Passed.RETURNED, Passed.PASSED]
    assert lane.show(code)["reason"] == "already_used"


def test_without_a_contact_the_grant_counts(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    with LiveLane(gate, WoodenBarrier(has_passage_contact=False, passage=None)) as lane:
        lane.show(code)
        lane.pass_s(WAIT_S * 2)
        assert (ends(lane), lane.events()) == ([], [])
        assert lane.show(code)["reason"] == "already_used"


def test_a_double_tap_is_one_entry_and_opens_again(lane: LiveLane) -> None:
    code = lane.gate.code()
    first, second = lane.show(code), lane.show(code)
    assert (second["decision"], second["again"], second["op"]) == ("admit", True, first["op"])
    assert len(lane.gate.entries()) == 1
    lane.passes()
    lane.passes()
    assert (ends(lane), lane.events()) == ([Passed.PASSED], ["passed", "tailgate"])


def test_a_grant_while_somebody_is_on_the_way_is_the_second_persons(lane: LiveLane) -> None:
    ops = [lane.show(lane.gate.code(unit=unit))["op"] for unit in ROW[:2]]
    lane.passes()
    lane.passes()
    told = [decode_passage(body) for body in lane.bodies(OpKind.PASSAGE)]
    assert [one.entry for one in told if one is not None] == ops


def test_nobody_is_returned_whom_nobody_could_see(lane: LiveLane) -> None:
    code = lane.gate.code()
    lane.show(code)
    lane.wood.gone = True
    lane.looked()
    lane.wood.gone = False
    lane.pass_s(WAIT_S)
    assert ends(lane) == []
    assert lane.show(code)["reason"] == "already_used"


def test_nobody_is_returned_by_a_gate_that_looked_too_seldom(lane: LiveLane) -> None:
    lane.show(lane.gate.code())
    lane.wood.answered_s = lane.wood.asked_s = 10.0  # since 0.0
    lane.looked()
    lane.pass_s(WAIT_S)
    assert ends(lane) == []


def test_a_ticket_is_not_taken_twice_while_nobody_can_see_who_passes(lane: LiveLane) -> None:
    code = lane.gate.code()
    lane.show(code)
    lane.wood.passage = None
    lane.looked()
    lane.wood.passage = False
    assert lane.show(code)["reason"] == "already_used"


def test_a_board_that_fails_offers_the_same_entry_again(lane: LiveLane) -> None:
    code = lane.gate.code()
    lane.wood.gone = True
    first = lane.show(code)
    assert (first["decision"], first["barrier"]) == ("admit", "failed")
    until(lambda: lane.barrier.fault == "the board does not answer")
    lane.wood.gone = False
    second = lane.show(code)
    assert (second["barrier"], second["again"], second["op"]) == ("opened", True, first["op"])
    lane.passes()
    assert (ends(lane), lane.barrier.fault) == ([Passed.PASSED], "")


@pytest.mark.expected_errors("barrier_does_not_answer")
def test_a_barrier_that_opens_too_late_is_shut_again(
    lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_agent.barrier.ANSWER_TIMEOUT_S", 0.02)
    assert ANSWER_TIMEOUT_S > 1
    late = threading.Event()
    lane.wood.before_opening = lambda: None if late.wait(30) else pytest.fail("never late")
    code = lane.gate.code()
    assert lane.show(code)["barrier"] == "failed"
    late.set()
    until(lambda: lane.wood.shut_count == 2)
    monkeypatch.undo()
    assert lane.show(code)["again"] is True
    lane.passes()
    assert ends(lane) == [Passed.PASSED]


@pytest.mark.expected_errors("part_crashed")
def test_a_bug_in_the_barriers_part_begins_it_anew_and_the_lane_goes_on(lane: LiveLane) -> None:
    lane.wood.bug = ZeroDivisionError
    until(lambda: lane.part.crashes_count == 1)
    until(lambda: lane.wood.shut_count == 2)
    assert lane.show(lane.gate.code())["barrier"] == "opened"
    assert lane.part.state is PartState.RUNNING


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_clock_that_is_set_while_somebody_is_on_the_way_returns_nobody(
    lane: LiveLane, hours: int
) -> None:
    code = lane.gate.code()
    lane.show(code)
    lane.gate.env.set_clock(timedelta(hours=hours))
    lane.pass_s(WAIT_S - 1)
    assert ends(lane) == []
    lane.passes()
    assert ends(lane) == [Passed.PASSED]


# --- people without a grant


def test_a_tailgate_is_an_alarm_at_once_and_on_record_soon(lane: LiveLane) -> None:
    lane.passes()
    assert lane.events() == ["tailgate"]
    assert lane.book.tally.tailgates_count == 1
    lane.passes()
    lane.pass_s(WALKED_EVERY_S)
    until(lambda: lane.bodies(OpKind.WALKED))
    [walked] = map(decode_walked, lane.bodies(OpKind.WALKED))
    assert walked is not None
    assert (walked.cause, walked.count, walked.lane) == (GateCause.TAILGATE, 2, LANE)


def test_people_without_a_grant_are_counted_on_after_a_restart(gate: Stage) -> None:
    for evening_count in (1, 2):
        with LiveLane(gate, WoodenBarrier()) as lane:
            lane.passes()
            assert lane.book.tally.walked == {GateCause.TAILGATE: evening_count}


# --- out


def test_people_go_out_with_a_ticket_or_without_and_nobody_is_sent_back(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    gate.let_in(code)
    with LiveLane(gate, WoodenBarrier(), "Out", leads_out=True) as lane:
        line = lane.show(code)
        assert (line["decision"], line["barrier"], line["was_inside"]) == ("leave", "opened", True)
        lane.passes()
        lane.passes()
        assert lane.events() == []
        assert lane.book.tally.walked == {GateCause.OUT: 1}
        lane.show(code)
        lane.pass_s(WAIT_S)
        assert ends(lane) == []
    [walked] = map(decode_walked, lane.bodies(OpKind.WALKED))
    assert walked is not None
    assert (walked.cause, walked.leads_out) == (GateCause.OUT, True)


# --- standing open


def periods(lane: LiveLane) -> list[tuple[str, str]]:
    """Cause and person of the periods that began, and "shut" of those that ended."""
    with lane.gate.replica.reading() as connection:
        rows = connection.execute(
            "SELECT kind, body FROM op WHERE kind LIKE 'gate_%' ORDER BY seq"
        ).fetchall()
    found: list[tuple[str, str]] = []
    for row in rows:
        opened = decode_gate_opened(row["body"])
        if opened is not None:
            found.append((opened.cause.value, opened.by))
        else:
            assert decode_gate_shut(row["body"]) is not None
            found.append(("shut", ""))
    return found


def test_fire_opens_the_gate_for_everybody_and_nobody_is_asked_for_a_ticket(
    lane: LiveLane,
) -> None:
    lane.wood.fire = True
    until(lambda: lane.wood.opened == [HOLD_MS])
    lane.runner.hear(Shown(lane.gate.code(), "test"))
    assert lane.decisions() == []
    lane.passes()
    assert lane.wood.shut_count == 1, "only that of the start"
    lane.wood.fire = False
    until(lambda: lane.events() == ["gate_opened", "gate_shut"])
    assert periods(lane) == [("fire", ""), ("shut", "")]
    assert lane.book.tally.walked == {GateCause.FIRE: 1}


def test_a_gate_opened_by_hand_is_on_record_with_who_and_why(lane: LiveLane) -> None:
    assert lane.runner.open_gate("person-1", "three coaches at once", 60)
    lane.passes()
    assert lane.show(lane.gate.code())["barrier"] == "opened"
    assert lane.wood.opened[-1] == HOLD_MS, "a ticket does not shut it sooner"
    assert lane.runner.shut_gate()
    assert periods(lane) == [("hand", "person-1"), ("shut", "")]
    [walked] = map(decode_walked, lane.bodies(OpKind.WALKED))
    assert walked is not None
    assert (walked.cause, walked.count) == (GateCause.HAND, 1)
    assert lane.wood.shut_count == 2


def test_a_gate_is_not_opened_for_ever(lane: LiveLane) -> None:
    with pytest.raises(ValueError, match="opened for up to"):
        lane.runner.open_gate("person-1", "", 24 * 3600)
    assert lane.runner.open_gate("person-1", "", 60)
    lane.pass_s(60)
    until(lambda: periods(lane) == [("hand", "person-1"), ("shut", "")])


def test_a_program_that_dies_with_its_gate_open_says_afterwards_that_it_is_shut(
    gate: Stage,
) -> None:
    lane = LiveLane(gate, WoodenBarrier())
    with lane:
        lane.runner.open_gate("person-1", "", 600)
    with LiveLane(gate, WoodenBarrier()) as lane:
        assert periods(lane) == [("hand", "person-1"), ("shut", "")]
        assert lane.wood.opened == []


# --- by people at the gate


def test_an_entry_that_was_a_mistake_is_taken_back_in_time(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    with LiveLane(gate, WoodenBarrier(has_passage_contact=False)) as lane:
        op_id = str(lane.show(code)["op"])
        assert lane.runner.take_back(op_id)
        assert not lane.runner.take_back(op_id), "once is enough"
        assert ends(lane) == [Passed.RETURNED]
        late = str(lane.show(code)["op"])
        lane.pass_s(UNDO_S + 1)
        assert not lane.runner.take_back(late)


def test_two_people_let_somebody_in_through_the_barrier(lane: LiveLane) -> None:
    gate = lane.gate
    gate.feed.person("person-1", "", role="supervisor")
    gate.feed.person("person-2", "")
    code = gate.code()
    lane.show(code)
    lane.passes()
    wanted = ByHand(Reason.ALREADY_USED, "person-2", "person-1", "went out to smoke")
    line = lane.runner.admit_by_hand(code, wanted)
    assert isinstance(line, dict)
    assert (line["decision"], line["barrier"], line["decoder"]) == ("admit", "opened", "by_hand")
    alone = ByHand(Reason.ALREADY_USED, "person-2", "person-2", "myself")
    assert lane.runner.admit_by_hand(code, alone) is NotByHand.TWO_PEOPLE


# --- disks


@pytest.mark.expected_errors("passage_not_recorded")
def test_what_a_full_disk_does_not_take_is_written_when_there_is_room(
    lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = lane.gate.code()
    lane.show(code)

    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("gate_agent.records.append", full)
        lane.passes()
        until(lambda: lane.book.unwritten_count == 1)
        assert ends(lane) == []
    lane.pass_s(2)
    until(lambda: ends(lane) == [Passed.PASSED])
    assert lane.book.unwritten_count == 0


@pytest.mark.expected_errors("command_not_recorded")
def test_a_barrier_that_opened_lets_nobody_else_in_although_the_disk_does_not_know(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.lend()
    code = gate.code()
    transact = gate.replica.transact
    left = [True, False]

    def fills_up(work: object) -> object:
        if left and left.pop(0):
            return transact(work)  # type: ignore[arg-type]
        if not left:
            monkeypatch.undo()
        raise ReplicaFull("no space left")

    with LiveLane(gate, WoodenBarrier(has_passage_contact=False)) as lane:
        monkeypatch.setattr(gate.replica, "transact", fills_up)
        op_id = str(lane.show(code)["op"])
        assert gate.row(op_id)["commanded_ms"] == 0
        assert lane.show(code)["reason"] == "already_used"


@pytest.mark.expected_errors("entry_not_recorded", "entry_unrecorded")
def test_who_went_in_unrecorded_is_known_at_every_lane_of_the_gate(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.lend()
    gate.rule(unrecorded="allow")
    code = gate.code()
    other = replace(gate.doorman_at("Lane 2"), memory=gate.doorman.memory)

    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("no space left")

    monkeypatch.setattr("gate_agent.records.append", full)
    assert isinstance(gate.scan(code), LetIn), "and its barrier has not even moved yet"
    refused = other.scan(code, gate.env.wall_ms())
    assert getattr(refused, "reason", None) is Reason.ALREADY_USED
    with LiveLane(gate, WoodenBarrier(has_passage_contact=False)) as lane:
        line = lane.show(gate.code(unit=ROW[1]))
        assert (line["decision"], line["recorded"]) == ("admit", False)
    assert gate.doorman.memory.unrecorded_count == 2


def test_two_lanes_that_are_shown_one_ticket_at_once_let_in_one(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off, each by itself would see it unused: they decide one after the other."""
    gate.lend()
    memory = gate.doorman.memory
    doormen = [
        replace(gate.doorman_at(name), memory=memory) for name in ("Lane 1", "Lane 2", "Lane 3")
    ]
    facts = type(gate.doorman.knowledge).facts

    def slowly(*given: object, **named: object) -> object:
        told = facts(*given, **named)  # type: ignore[arg-type]
        time.sleep(0.01)
        return told

    monkeypatch.setattr("gate_agent.facts.GateKnowledge.facts", slowly)
    code = gate.code()
    outcomes: list[object] = []
    threads = [
        threading.Thread(target=lambda one=one: outcomes.append(one.scan(code, gate.env.wall_ms())))
        for one in doormen
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(getattr(one, "reason", "in") for one in outcomes) == [
        "already_used",
        "already_used",
        "in",
    ]
    assert len(gate.entries()) == 1


def test_an_entry_that_the_arbiter_granted_may_be_returned_too(gate: Stage) -> None:
    gate.lend()
    gate.arbiter.says = yes
    code = gate.code()
    with LiveLane(gate, WoodenBarrier()) as lane:
        lane.show(code)
        lane.pass_s(WAIT_S)
        assert ends(lane) == [Passed.RETURNED]
        assert lane.show(code)["decision"] == "admit"
