"""What a node does beyond pushing: after a fork, and in a new history of its server."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from edge.allotments import Grant, install, units_of
from edge.env import MachineEnv
from edge.errors import ServerUnreachable
from edge.journal import (
    Answered,
    JournalLocked,
    Unit,
    acknowledge,
    begin_incarnation,
    heads,
    lock,
    set_meta,
)
from edge.protocol import acquire, declare, hello, push, revoke, salvage
from edge.protocol.hello import HelloRequest, on_hello
from edge.replica import Replica
from edge.sync import SyncEngine
from tests.fakes.edge_node import EVENT, VENUE, write
from tests.fakes.server import Say, problem
from tests.integration.edge.engine_room import Room
from ticketing.ids import AllotmentId, OrderId, TicketId
from ticketing.journal import ROOT_HASH
from ticketing.operations import RefundAction
from ticketing.terms import Anchor

GEN = "0a1b2c3d"
NOW_MS = 1_796_212_800_000


def salvage_calls(replica: Replica, answer: Callable[[list[int]], int]) -> list[list[int]]:
    """Salvage to the end; the numbers of the operations in each call."""
    told: list[list[int]] = []
    while True:
        with replica.reading() as connection:
            request = salvage.next_salvage(connection, NOW_MS)
        if request is None:
            return told
        told.append([op.seq for op in request.ops])
        reply = {"stored": answer(told[-1])}
        replica.transact(partial(salvage.on_salvage, request=request, reply=reply))


def fenced(replica: Replica, count: int = 5, acked: int = 3) -> None:
    write(replica, count=count)

    def fence(unit: Unit) -> None:
        acknowledge(unit, heads(unit)[0], acked, ())
        lock(unit, EVENT)

    replica.transact(fence)


# --- salvage


def test_a_fenced_journal_is_sent_whole_from_its_first_operation(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvage, "OPS_PER_PUSH", 2)
    fenced(replica)
    with replica.reading() as connection:
        first = salvage.next_salvage(connection, NOW_MS)
        assert push.waiting_journals(connection) == ()
    assert first is not None
    assert first.prev == ROOT_HASH
    assert salvage_calls(replica, lambda seqs: seqs[-1]) == [[1, 2], [3, 4], [5]]


def test_a_salvage_goes_on_from_what_the_server_has_kept(replica: Replica) -> None:
    fenced(replica)
    answers = iter([2, 5])
    assert salvage_calls(replica, lambda _: next(answers)) == [[1, 2, 3, 4, 5], [3, 4, 5]]


@pytest.mark.parametrize("stored", [0, 6, None])
def test_a_salvage_that_brings_nothing_is_no_answer(replica: Replica, stored: int) -> None:
    fenced(replica)
    with pytest.raises(ServerUnreachable, match="stored"):
        salvage_calls(replica, lambda _: stored)


def test_journals_of_an_earlier_life_are_salvaged_too_and_lock_nothing(replica: Replica) -> None:
    write(replica, count=2)
    replica.transact(lambda unit: begin_incarnation(unit, 2))
    write(replica, count=1)
    with replica.reading() as connection:
        assert [(h.incarnation, h.seq) for h in push.waiting_journals(connection)] == [
            (1, 2),
            (2, 1),
        ]
        request = push.next_push(connection, EVENT, 1, NOW_MS)
    assert request is not None
    meant = replica.transact(
        lambda unit: push.on_push_refused(unit, request, "journal_forked", {"acked": 1})
    )
    assert meant is push.PushRefused.FENCED
    assert salvage_calls(replica, lambda seqs: seqs[-1]) == [[1, 2]]
    assert write(replica)[0].seq == 2


def test_a_fenced_journal_that_the_folder_does_not_have_locks_the_node_too(
    replica: Replica,
) -> None:
    """The folder was set back to before that journal began, or another copy began it."""
    write(replica, count=1)
    with replica.reading() as connection:
        request = hello.hello_request(
            connection, MachineEnv(), hello.Session("s", 1, "0.1"), ("", {})
        )
    assert (request.body["all"], request.body["inc"]) == (True, 1)
    elsewhere = {"stream": "another-event", "inc": 1, "acked": 3, "forked": True}
    answer = {"gen": "1a2b3c4d", "journals": [elsewhere], "quarantined": []}
    replica.transact(lambda unit: hello.on_hello(unit, request, answer))
    with pytest.raises(JournalLocked):
        write(replica)


@pytest.mark.expected_errors("journal_fenced", "push_refused")
def test_a_server_that_takes_no_salvage_is_asked_again_after_the_next_hello(room: Room) -> None:
    write(room.replica, count=2)
    room.server.forked.add(EVENT)
    room.server.script("salvage", problem(409, "not_now"))
    engine, client = room.new_engine(), room.new_client()
    engine._push_turn(client)
    assert room.server.salvaged[EVENT, 1] == []
    engine._greet.set()
    engine._work.set()
    engine._push_turn(client)
    client.close()
    assert len(room.server.salvaged[EVENT, 1]) == 2


# --- a new history


def lend(replica: Replica, number: int, *units: int, state: str = "open") -> None:
    pairs = tuple((unit, number) for unit in units)
    grant = Grant(AllotmentId(GEN, number), 1, False, state, pairs, (("child", number),))
    replica.transact(lambda unit: install(unit, EVENT, grant, req=f"{number:032x}"))


def greet(replica: Replica, gen: str, *quarantined: str) -> bool:
    with replica.reading() as connection:
        request = HelloRequest(heads(connection), {})
    reply = {"gen": gen, "journals": [], "quarantined": list(quarantined)}
    return replica.transact(lambda unit: on_hello(unit, request, reply)).is_new_history


def declare_calls(replica: Replica) -> list[tuple[list[str], bool, int]]:
    told: list[tuple[list[str], bool, int]] = []
    while True:
        with replica.reading() as connection:
            request = declare.next_declare(connection)
        if request is None:
            return told
        body = request.body()
        assert body["gen"] == "ffffffff"
        told.append(([each["id"] for each in body["allotments"]], body["done"], body["inc"]))
        reply = {"quarantined": not request.done}
        replica.transact(partial(declare.on_declare, request=request, reply=reply))


def test_every_allotment_ever_received_is_declared_once_also_those_that_are_over(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declare, "ALLOTMENTS_PER_CALL", 2)
    greet(replica, GEN)
    lend(replica, 2, 5)
    lend(replica, 1, 6)
    lend(replica, 1, 6, state="closed")
    lend(replica, 3, 7)
    assert greet(replica, "ffffffff", EVENT)
    assert declare_calls(replica) == [
        ([f"{GEN}-2", f"{GEN}-1"], False, 1),
        ([f"{GEN}-3"], True, 1),
    ]
    assert not greet(replica, "ffffffff", EVENT)
    assert declare_calls(replica) == []


def test_what_is_declared_says_all_that_was_granted(replica: Replica) -> None:
    lend(replica, 4, 5, 6)
    greet(replica, "ffffffff", EVENT)
    with replica.reading() as connection:
        request = declare.next_declare(connection)
    assert request is not None
    assert request.allotments == (
        {
            "id": f"{GEN}-4",
            "p": 1,
            "firm": False,
            "units": [[5, 4], [6, 4]],
            "counts": {"child": 4},
            "req": f"{4:032x}",
            "granted_ms": 0,
            "soft_s": 0,
            "hard_s": 0,
        },
    )


def test_only_what_this_life_has_closed_is_declared_to_be_over(replica: Replica) -> None:
    lend(replica, 1, 5)
    replica.transact(lambda unit: begin_incarnation(unit, 2))  # closes it; a copy may not have
    lend(replica, 2, 6)
    lend(replica, 3, 7)
    lend(replica, 3, 7, state="written_off")
    greet(replica, "ffffffff", EVENT)
    over = []
    while True:
        with replica.reading() as connection:
            request = declare.next_declare(connection)
        if request is None:
            break
        over += [(each["id"], each.get("over", False)) for each in request.allotments]
        replica.transact(
            partial(declare.on_declare, request=request, reply={"quarantined": not request.done})
        )
    assert over == [(f"{GEN}-1", False), (f"{GEN}-2", False), (f"{GEN}-3", True)]


def test_a_node_with_nothing_lent_says_so(replica: Replica) -> None:
    greet(replica, "ffffffff", EVENT)
    assert declare_calls(replica) == [([], True, 1)]


def test_nothing_is_declared_before_the_journals_are_there(replica: Replica) -> None:
    lend(replica, 1, 5)
    write(replica, count=2)
    write(replica, VENUE)
    greet(replica, "ffffffff", EVENT)
    assert declare_calls(replica) == []
    replica.transact(lambda unit: acknowledge(unit, heads(unit)[0], 2, ()))
    assert declare_calls(replica) == [([f"{GEN}-1"], True, 1)]


def test_a_declaration_cut_off_goes_on_where_it_was(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declare, "BYTES_PER_CALL", 1)
    for number in (1, 2):
        lend(replica, number, number)
    greet(replica, "ffffffff", EVENT)
    with replica.reading() as connection:
        request = declare.next_declare(connection)
    assert request is not None
    replica.transact(lambda unit: declare.on_declare(unit, request, {"quarantined": True}))
    assert declare_calls(replica) == [([f"{GEN}-2"], True, 1)]


def test_every_life_declares_its_own_and_a_further_history_hears_it_all(replica: Replica) -> None:
    lend(replica, 1, 5)
    replica.transact(lambda unit: begin_incarnation(unit, 2))
    lend(replica, 2, 6)
    greet(replica, "eeeeeeee", EVENT)
    with replica.reading() as connection:
        assert declare.next_declare(connection) is not None
    greet(replica, "ffffffff", EVENT)
    assert declare_calls(replica) == [([f"{GEN}-1"], False, 1), ([f"{GEN}-2"], True, 2)]


def test_a_new_history_hears_fenced_journals_again(replica: Replica) -> None:
    greet(replica, GEN)
    fenced(replica)
    assert len(salvage_calls(replica, lambda seqs: seqs[-1])) == 1
    greet(replica, "ffffffff")
    assert salvage_calls(replica, lambda seqs: seqs[-1]) == [[1, 2, 3, 4, 5]]


def test_after_a_failover_everything_is_pushed_and_then_declared(room: Room) -> None:
    ops = write(room.replica, count=3)
    lend(room.replica, 1, 5, 6)
    with room.running():
        room.wait_for_all_synced()
    room.server.released.clear()
    room.server.restart_history("ffffffff")
    room.server.quarantined = {EVENT}
    engine, client = room.new_engine(), room.new_client()
    engine._push_turn(client)
    assert room.server.op_ids(EVENT) == [op.op_id for op in ops]
    assert [each["id"] for each in room.server.declared[EVENT]] == [f"{GEN}-1"]
    assert room.server.quarantined == set()
    names = [call.name for call in room.server.calls if call.name in ("push", "declare")]
    assert names[-2:] == ["push", "declare"]
    client.close()
    assert isinstance(engine, SyncEngine)


def test_a_declaration_in_another_history_is_made_anew(room: Room) -> None:
    room.replica.transact(lambda unit: set_meta(unit, "generation", GEN))
    room.server.quarantined = {EVENT}
    room.server.script("declare", Say({"quarantined": "perhaps"}))
    engine, client = room.new_engine(), room.new_client()
    with pytest.raises(ServerUnreachable, match="quarantined"):
        engine._push_turn(client)
    engine._greet.set()
    engine._work.set()
    engine._push_turn(client)
    client.close()
    assert len(room.server.called("declare")) == 2


@pytest.mark.expected_errors("push_refused")
def test_a_declaration_that_is_refused_holds_up_no_other_event_and_is_made_at_the_next_hello(
    room: Room,
) -> None:
    room.replica.transact(lambda unit: set_meta(unit, "generation", GEN))
    lend(room.replica, 1, 5, 6)
    room.server.quarantined = {EVENT, "hamlet"}
    room.server.script("declare", problem(409, "not_now"))
    engine, client = room.new_engine(), room.new_client()
    engine._push_turn(client)
    assert room.server.quarantined == {EVENT}, "the other event was declared all the same"
    assert len(room.server.called("declare")) == 2, "what was refused is not asked at once again"
    engine._greet.set()
    engine._work.set()
    engine._push_turn(client)
    client.close()
    assert room.server.quarantined == set()
    assert [each["id"] for each in room.server.declared[EVENT]] == [f"{GEN}-1"]


def put_off(replica: Replica, *seqs: int) -> None:
    """The server had all, and waited with its word on these."""
    answers = [Answered(seq, "deferred", "", 0) for seq in seqs]
    replica.transact(lambda unit: acknowledge(unit, heads(unit)[0], 5, answers))


def pushed_again(replica: Replica) -> list[list[int]]:
    calls: list[list[int]] = []
    while True:
        with replica.reading() as connection:
            request = push.next_push(connection, EVENT, 1, NOW_MS)
        if request is None:
            return calls
        seqs = [op.seq for op in request.ops]
        calls.append(seqs)
        reply = {"acked": 5, "verdicts": [[seq, "ok", "", 9] for seq in seqs]}
        replica.transact(partial(push.on_push, request=request, reply=reply))


def test_what_was_put_off_is_asked_for_when_nobody_is_waited_for_any_more(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "OPS_PER_PUSH", 2)
    write(replica, count=5)
    put_off(replica, 2, 5)
    greet(replica, GEN, EVENT)
    assert pushed_again(replica) == [], "the event still waits"
    greet(replica, GEN)
    assert pushed_again(replica) == [[2, 3], [4, 5]], (
        "every verdict is heard, not the first batch's"
    )
    with replica.reading() as connection:
        assert (
            connection.execute("SELECT count(*) FROM op WHERE verdict = 'deferred'").fetchone()[0]
            == 0
        )
    greet(replica, GEN)
    assert pushed_again(replica) == [], "once"


@pytest.mark.parametrize("says_gen", [True, False], ids=["told", "an older server"])
def test_a_grant_of_the_old_history_that_comes_after_the_declaration_is_not_ours(
    replica: Replica, says_gen: bool
) -> None:
    """It was never declared, so the new history may lend its units to somebody else."""
    greet(replica, GEN)
    lend(replica, 1, 5)
    want = acquire.Want(EVENT, "a" * 32, 1, (6,))
    late: dict[str, object] = {"allotment": {"id": f"{GEN}-2", "p": 1, "units": [[6, 0]]}}
    if says_gen:
        late["gen"] = GEN
    greet(replica, "ffffffff", EVENT)
    assert [ids for ids, _done, _inc in declare_calls(replica)] == [[f"{GEN}-1"]]
    sent = Anchor(0.0, "boot", 0, 0)
    with pytest.raises(ServerUnreachable, match="gen"):
        replica.transact(lambda unit: acquire.on_acquire(unit, want, sent, late))
    with replica.reading() as connection:
        assert 6 not in units_of(connection, EVENT, 1)
    anew = {"gen": "ffffffff", "allotment": {"id": "ffffffff-3", "p": 1, "units": [[6, 0]]}}
    replica.transact(lambda unit: acquire.on_acquire(unit, want, sent, anew))
    with replica.reading() as connection:
        assert units_of(connection, EVENT, 1)[6].state == "free", "asked again, it is"


def test_what_was_asked_to_be_revoked_is_declared_until_the_journal_tells_of_it(
    replica: Replica,
) -> None:
    lend(replica, 1, 5)
    greet(replica, "ffffffff", EVENT)

    def asked() -> list[dict[str, object]]:
        with replica.reading() as connection:
            request = declare.next_declare(connection)
        assert request is not None
        return list(request.body().get("revocations", []))

    assert asked() == []
    order, tickets = OrderId("c0ffee0000000001"), (TicketId("c0ffee0000000002"),)
    plan = partial(
        revoke.plan_revoke, env=MachineEnv(), stream=EVENT, order_id=order, ticket_ids=tickets
    )
    waiting = replica.transact(lambda unit: plan(unit, action=RefundAction.REFUND))
    refused = replica.transact(lambda unit: plan(unit, action=RefundAction.VOID))
    replica.transact(lambda unit: revoke.on_revoke_refused(unit, refused, "entered"))
    assert asked() == [
        {"op": waiting.op_id, "action": "refund", "order": order, "tickets": list(tickets)}
    ]
    replica.transact(lambda unit: revoke.on_revoke(unit, waiting, {"tickets": []}))
    assert len(asked()) == 1  # granted: the money is still owed
    replica.transact(
        lambda unit: unit.execute(
            "UPDATE revocation SET state = 'done' WHERE op_id = ?", (waiting.op_id,)
        )
    )
    assert asked() == []
