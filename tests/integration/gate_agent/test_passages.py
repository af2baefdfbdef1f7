"""At the barrier, after the decision: passed, returned, gone out, and let in by two people."""

from __future__ import annotations

import pytest

from edge.errors import ReplicaFull
from gate_agent.admit import LetIn, TurnedAway
from gate_agent.by_hand import let_in_by_hand
from gate_agent.passages import Passages, WentOut
from tests.fakes.edge_node import new_op_id
from tests.fakes.hall import FIRST, ROW
from tests.fakes.tickets import forge_like
from tests.integration.gate_agent.lane_stage import LANE, OTHER_GATE, Stage
from ticketing.admission import ByHand, NotByHand, Note, Reason
from ticketing.code import Flag
from ticketing.journal import OpKind
from ticketing.operations import Passed, decode_left, decode_passage

TICKET = "00000000000000f0"
BOSS, CASHIER = "person-1", "person-2"


def passages(gate: Stage) -> Passages:
    return Passages(gate.doorman)


def bodies(gate: Stage, kind: OpKind) -> list[str]:
    with gate.replica.reading() as connection:
        rows = connection.execute("SELECT body FROM op WHERE kind = ? ORDER BY seq", (kind,))
        return [row["body"] for row in rows]


def leave(gate: Stage, code: str) -> WentOut | TurnedAway:
    return passages(gate).leave(code, gate.env.wall_ms())


# --- what became of an entry


def test_somebody_who_passed_has_used_the_ticket(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    let_in = gate.let_in(code)
    passages(gate).passed(let_in, gate.env.wall_ms())
    [body] = bodies(gate, OpKind.PASSAGE)
    told = decode_passage(body)
    assert told is not None
    assert (told.entry, told.phase) == (let_in.op_id, Passed.PASSED)
    assert gate.refused(code).reason is Reason.ALREADY_USED


def test_somebody_who_did_not_pass_may_show_the_ticket_again(gate: Stage) -> None:
    gate.lend()
    code = gate.code()
    first = gate.let_in(code)
    passages(gate).returned(first, gate.env.wall_ms())
    second = gate.let_in(code)
    assert second.op_id != first.op_id
    assert gate.refused(code).reason is Reason.ALREADY_USED
    gate.restart()
    assert gate.refused(code).reason is Reason.ALREADY_USED


def test_how_an_entry_ended_is_told_once(gate: Stage) -> None:
    gate.lend()
    let_in = gate.let_in(gate.code())
    passages(gate).passed(let_in, gate.env.wall_ms())
    passages(gate).returned(let_in, gate.env.wall_ms())
    assert len(bodies(gate, OpKind.PASSAGE)) == 1
    assert gate.row(let_in.op_id)["phase"] == "passed"


# --- going out


def test_who_went_out_comes_back_in_time(gate: Stage) -> None:
    gate.rule(reentry_minutes=30)
    gate.lend()
    code = gate.code()
    gate.let_in(code)
    gate.env.pass_s(60)
    gone = leave(gate, code)
    assert isinstance(gone, WentOut)
    assert (gone.was_inside, gone.recorded) == (True, True)
    [body] = bodies(gate, OpKind.EXIT)
    told = decode_left(body)
    assert told is not None
    assert (told.performance, told.unit, told.lane) == (FIRST, ROW[0], LANE)
    gate.env.pass_s(30 * 60)
    assert gate.let_in(code).notes == {Note.REENTRY}
    assert gate.refused(code).reason is Reason.ALREADY_USED


def test_who_stays_out_too_long_is_told_until_when(gate: Stage) -> None:
    gate.rule(reentry_minutes=30)
    gate.lend()
    code = gate.code()
    gate.let_in(code)
    gate.env.pass_s(1)
    leave(gate, code)
    gate.env.pass_s(30 * 60 + 1)
    refused = gate.refused(code)
    assert refused.reason is Reason.REENTRY_TOO_LATE
    assert refused.miss is not None
    assert refused.miss.at is not None


def test_an_exit_that_another_gate_told_of_counts_here(gate: Stage) -> None:
    gate.rule(reentry_minutes=30)
    gate.lend()
    code = gate.code(ticket_id=TICKET)
    gate.let_in(code)
    now_ms = gate.env.wall_ms()
    gate.feed.entry(new_op_id(), TICKET, OTHER_GATE, "out", now_ms + 1, phase="left")
    gate.env.pass_s(60)
    gate.let_in(code)


def test_a_ticket_that_nobody_went_in_with_goes_out(gate: Stage) -> None:
    gone = leave(gate, gate.code())
    assert isinstance(gone, WentOut)
    assert not gone.was_inside


def test_a_void_ticket_goes_out_too(gate: Stage) -> None:
    gate.feed.ticket(TICKET, FIRST, ROW[0], state="void")
    assert isinstance(leave(gate, gate.code(ticket_id=TICKET)), WentOut)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(lambda _: "x", Reason.NOT_A_TICKET, id="another code"),
        pytest.param(lambda gate: forge_like(gate.code()), Reason.FORGED, id="forged"),
        pytest.param(
            lambda gate: gate.code(flags=Flag.TRAINING), Reason.TRAINING_TICKET, id="training"
        ),
        pytest.param(
            lambda gate: gate.code(performance=99), Reason.WRONG_PERFORMANCE, id="never heard of"
        ),
    ],
)
def test_what_proves_nothing_is_not_noted_down(gate: Stage, spoil: object, reason: Reason) -> None:
    assert callable(spoil)
    answer = leave(gate, spoil(gate))
    assert isinstance(answer, TurnedAway)
    assert answer.reason is reason
    assert bodies(gate, OpKind.EXIT) == []


@pytest.mark.expected_errors("exit_not_recorded")
def test_a_full_disk_keeps_nobody_in(gate: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("no space left")

    monkeypatch.setattr("gate_agent.records.append", full)
    gone = leave(gate, gate.code())
    assert isinstance(gone, WentOut)
    assert not gone.recorded


# --- by two people's hands


@pytest.fixture
def used(gate: Stage) -> str:
    """The code of a ticket that was used an hour ago, in a house with two people."""
    gate.lend()
    gate.feed.person(BOSS, "", role="supervisor")
    gate.feed.person(CASHIER, "")
    gate.feed.entry(new_op_id(), TICKET, OTHER_GATE, "Lane 9", gate.env.wall_ms() - 60_000)
    return gate.code(ticket_id=TICKET)


def by_hand(
    gate: Stage,
    code: str,
    *,
    against: Reason = Reason.ALREADY_USED,
    by: str = CASHIER,
    second: str = BOSS,
    note: str = "let in by mistake before",
) -> LetIn | TurnedAway | NotByHand:
    wanted = ByHand(against, by, second, note)
    return let_in_by_hand(gate.doorman, code, wanted, gate.env.wall_ms())


def test_two_people_let_in_and_both_are_on_record(gate: Stage, used: str) -> None:
    outcome = by_hand(gate, used)
    assert isinstance(outcome, LetIn)
    assert gate.arbiter.asked == []
    [(op_id, entry)] = gate.entries()
    assert op_id == outcome.op_id
    assert entry.by_hand == ByHand(Reason.ALREADY_USED, CASHIER, BOSS, "let in by mistake before")
    gate.doorman.commanded(outcome)
    assert gate.refused(used).reason is Reason.ALREADY_USED


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        pytest.param({"second": CASHIER}, NotByHand.TWO_PEOPLE, id="the same person twice"),
        pytest.param({"by": ""}, NotByHand.TWO_PEOPLE, id="nobody"),
        pytest.param({"by": "stranger"}, NotByHand.UNKNOWN_PERSON, id="a stranger"),
        pytest.param({"second": "person-3"}, NotByHand.NO_SUPERVISOR, id="nobody who may decide"),
        pytest.param({"note": "  "}, NotByHand.NO_NOTE, id="no reason"),
        pytest.param({"note": "x" * 201}, NotByHand.NO_NOTE, id="a novel"),
        pytest.param({"against": Reason.FORGED}, NotByHand.NOT_THIS, id="a forgery"),
        pytest.param({"against": Reason.VOID}, NotByHand.NOT_THIS, id="a refunded ticket"),
    ],
)
def test_what_may_not_be_done_by_hand_is_not(
    gate: Stage, used: str, changes: dict[str, object], obstacle: NotByHand
) -> None:
    gate.feed.person("person-3", "")
    assert by_hand(gate, used, **changes) is obstacle  # type: ignore[arg-type]
    assert gate.entries() == []


def test_another_reason_than_the_one_set_aside_still_refuses(gate: Stage, used: str) -> None:
    outcome = by_hand(gate, forge_like(used))
    assert isinstance(outcome, TurnedAway)
    assert outcome.reason is Reason.FORGED
    outcome = by_hand(gate, used, against=Reason.TOO_EARLY)
    assert isinstance(outcome, TurnedAway)
    assert outcome.reason is Reason.ALREADY_USED
    assert gate.entries() == []


def test_a_ticket_that_needs_no_hand_goes_the_usual_way(gate: Stage, used: str) -> None:
    assert isinstance(by_hand(gate, gate.code(unit=ROW[1])), LetIn)
    [(_op_id, entry)] = gate.entries()
    assert entry.by_hand is None
    assert used


def test_a_gate_that_is_cut_off_may_be_overruled(gate: Stage, used: str) -> None:
    gate.rule(when_cut_off="deny")
    code = gate.code(unit=ROW[1])
    assert gate.refused(code).reason is Reason.CUT_OFF
    assert isinstance(by_hand(gate, code, against=Reason.CUT_OFF), LetIn)
    outcome = by_hand(gate, used, against=Reason.CUT_OFF)
    assert isinstance(outcome, TurnedAway)
    assert outcome.reason is Reason.ALREADY_USED
