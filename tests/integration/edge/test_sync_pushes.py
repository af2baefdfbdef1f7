"""The pusher against a server on loopback: whatever the network does, the journal gets there."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from edge.buyers import SealedBuyer, note_buyer
from edge.client import exchange, request
from edge.errors import ServerUnreachable
from edge.journal import JournalLocked, Unit, acknowledge, head_of
from edge.link import LinkState
from edge.protocol.push import OPS_PER_PUSH
from edge.sync import Listeners
from tests.fakes.edge_node import EVENT, VENUE, new_op_id, wait_until, write
from tests.fakes.server import GENERATION, Endless, Hang, Raw, Reset, Say, Trickle, problem
from tests.integration.edge.engine_room import Room, wait_greeted, wait_offline, wait_online
from ticketing.ids import OrderId
from ticketing.journal import OpKind

TROUBLES = [
    pytest.param(Reset(), id="a reset"),
    pytest.param(Reset(after_work=True), id="a lost reply"),
    pytest.param(Hang(), id="a hang"),
    pytest.param(Raw(b"\x00\xff not http\r\n\r\n"), id="no HTTP at all"),
    pytest.param(Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"), id="half a body"),
    pytest.param(Raw(b""), id="an empty answer"),
    pytest.param(Say(b"<html>hotel wifi</html>"), id="a captive portal"),
    pytest.param(Say([]), id="JSON that is no object"),
    pytest.param(Say({}), id="JSON without its members"),
    pytest.param(Say({"acked": 10**30, "verdicts": []}), id="a number beyond all bounds"),
    pytest.param(Say({}, status=500), id="a server's defect"),
    pytest.param(problem(503, "busy"), id="a busy server"),
    pytest.param(problem(429, "slow_down"), id="too many calls"),
    pytest.param(problem(401, "token_expired"), id="a token that is not taken"),
    pytest.param(Say(b"", status=302, headers={"Location": "http://127.0.0.1:9"}), id="elsewhere"),
]


@pytest.mark.parametrize(
    ("call", "trouble"),
    [pytest.param("push", *each.values, id=f"push-{each.id}") for each in TROUBLES]
    + [pytest.param("hello", *each.values, id=f"hello-{each.id}") for each in TROUBLES[:3]]
    + [pytest.param("token", *each.values, id=f"token-{each.id}") for each in TROUBLES[:3]],
)
def test_everything_arrives_once_after(room: Room, call: str, trouble: object) -> None:
    room.timeout_s = 0.3
    ops = write(room.replica, count=3)
    room.server.script(call, trouble)  # type: ignore[arg-type]
    with room.running():
        room.wait_for_all_synced()
    assert room.server.op_ids(EVENT) == [op.op_id for op in ops]


@pytest.mark.parametrize("trouble", [Trickle(), Endless()], ids=["one byte at a time", "endless"])
def test_a_reply_without_an_end_is_given_up(
    room: Room, trouble: Trickle | Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asking in (request, exchange):
        monkeypatch.setattr(asking, "__kwdefaults__", {"reply_s_max": 0.2})
    monkeypatch.setattr("edge.client._REPLY_BYTES_MAX", 3_000_000)
    write(room.replica)
    room.server.script("push", trouble)
    with room.running():
        wait_until(lambda: len(room.server.called("push")) >= 2)
        room.wait_for_all_synced()


def test_a_long_outage_ends_with_everything_pushed_in_order(room: Room) -> None:
    with room.running() as engine:
        wait_online(engine)
        room.server.unplugged = True
        ops = write(room.replica, count=40)
        engine.nudge()
        wait_offline(engine)
        house = write(room.replica, VENUE, count=2)
        room.server.unplugged = False
        room.wait_for_all_synced()
        wait_online(engine)
    assert room.server.op_ids(EVENT) == [op.op_id for op in ops]
    assert room.server.op_ids(VENUE) == [op.op_id for op in house]


def test_a_nudge_pushes_at_once(room: Room) -> None:
    with room.running() as engine:
        wait_greeted(engine)
        write(room.replica)
        engine.nudge()
        room.wait_for_all_synced()
        wait_until(lambda: len(room.server.called("hello")) == 2)
    assert room.told.pushed == [1]
    # The second one, at once, is the first that names the server's own history.
    assert [call.body["gen"] for call in room.server.called("hello")] == ["", GENERATION]


def test_a_large_backlog_goes_in_batches_of_at_most_so_many(room: Room) -> None:
    def many(unit: Unit) -> None:
        from edge.journal import append

        for _ in range(OPS_PER_PUSH + 1):
            append(unit, EVENT, OpKind.PRINT, "{}", op_id=new_op_id(), wall_ms=1)

    room.replica.transact(many)
    with room.running():
        room.wait_for_all_synced()
    assert [len(call.body["ops"]) for call in room.server.called("push")] == [OPS_PER_PUSH, 1]
    assert [call.body["unsynced"] for call in room.server.called("push")] == [OPS_PER_PUSH + 1, 1]


def test_a_push_tells_our_clock_as_a_greeting_does(room: Room) -> None:
    write(room.replica)
    before_ms = room.env.wall_ms()
    with room.running():
        room.wait_for_all_synced()
    (told,) = [call.body["now_ms"] for call in room.server.called("push")]
    assert before_ms <= told <= room.env.wall_ms()


def test_verdicts_are_kept_with_their_operations(room: Room) -> None:
    write(room.replica, count=2)
    verdicts = [[1, "ok", "", 7], [2, "rejected", "contradiction", 0]]
    room.server.script("push", Say({"acked": 2, "verdicts": verdicts}, after_work=True))
    with room.running():
        room.wait_for_all_synced()
    with room.replica.reading() as connection:
        rows = connection.execute("SELECT seq, verdict, code, rev FROM op ORDER BY seq").fetchall()
    assert [list(row) for row in rows] == verdicts
    assert room.backlog().refused_count == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param({"acked": 0, "verdicts": []}, id="no progress"),
        pytest.param({"acked": 3, "verdicts": []}, id="more than there is"),
        pytest.param({"acked": True, "verdicts": []}, id="a truth for a number"),
        pytest.param({"acked": 1, "verdicts": [[1, "ok"]]}, id="half a verdict"),
        pytest.param({"acked": 1, "verdicts": [[9, "ok", "", 0]]}, id="of another operation"),
        pytest.param({"acked": 1, "verdicts": [[1, "\ud800", "", 0]]}, id="half a character"),
        pytest.param({"acked": 1, "verdicts": [[1, "ok", "", 2**70]]}, id="a huge revision"),
        pytest.param({"acked": 1, "verdicts": {}}, id="verdicts that are no list"),
    ],
)
def test_a_push_reply_that_makes_no_sense_acknowledges_nothing(
    room: Room, reply: dict[str, object]
) -> None:
    write(room.replica, count=2)
    engine = room.new_engine()
    room.server.script("push", Say(reply))
    client = room.new_client()
    with pytest.raises(ServerUnreachable, match="makes no sense"):
        engine._push_all(client)
    client.close()
    assert room.backlog().count == 2


def test_a_server_that_lost_a_suffix_gets_it_again(room: Room) -> None:
    ops = write(room.replica, count=5)
    with room.running():
        room.wait_for_all_synced()
    del room.server.ops[EVENT][2:]
    room.server.released.clear()
    with room.running():
        wait_until(lambda: len(room.server.op_ids(EVENT)) == 5)
    assert room.server.op_ids(EVENT) == [op.op_id for op in ops]


def test_a_gap_is_filled_from_where_the_server_stands(room: Room) -> None:
    ops = write(room.replica, count=4)

    def believe(unit: Unit) -> None:
        acknowledge(unit, head_of(unit, EVENT), 3, ())

    room.replica.transact(believe)
    engine, client = room.new_engine(), room.new_client()
    engine._push_all(client)
    client.close()
    assert room.server.op_ids(EVENT) == [op.op_id for op in ops]
    assert [call.body["first"] for call in room.server.called("push")] == [4, 1]


@pytest.mark.parametrize("acked", [0, 99, -1, None, 1.5], ids=str)
def test_a_gap_that_is_none_is_not_argued_about(room: Room, acked: object) -> None:
    write(room.replica, count=2)
    engine, client = room.new_engine(), room.new_client()
    room.server.script("push", problem(409, "journal_gap", acked=acked))
    with pytest.raises(ServerUnreachable):
        engine._push_all(client)
    client.close()
    assert len(room.server.called("push")) == 1


@pytest.mark.expected_errors("push_refused")
def test_gaps_that_contradict_each_other_end(room: Room) -> None:
    write(room.replica, count=3)
    engine, client = room.new_engine(), room.new_client()
    room.server.script("push", *(problem(409, "journal_gap", acked=1 + n % 2) for n in range(20)))
    engine._push_all(client)
    client.close()
    assert len(room.server.called("push")) == 4


@pytest.mark.expected_errors("push_refused")
def test_a_journal_that_is_refused_holds_up_no_other(room: Room) -> None:
    write(room.replica, EVENT, count=2)
    house = write(room.replica, VENUE)
    room.server.script("push", problem(404, "unknown_stream"))
    with room.running() as engine:
        wait_until(lambda: room.server.op_ids(VENUE) == [house[0].op_id])
        wait_online(engine)
        engine.nudge()
        room.wait_for_all_synced()
        wait_until(lambda: engine.link.last_error == "")


@pytest.mark.expected_errors("push_refused")
def test_a_refusal_of_buyers_is_over_once_they_are_taken(room: Room) -> None:
    buyer = SealedBuyer(EVENT, OrderId("1" * 16), 1, "ab", ("a" * 24,), 5)
    room.replica.transact(lambda unit: note_buyer(unit, buyer))
    engine, client = room.new_engine(), room.new_client()
    engine._hello(client)
    room.server.script("buyers", problem(404, "unknown_stream"), Say({"gen": GENERATION}))
    engine._tell_buyers(client)
    assert "unknown_stream" in engine.link.last_error
    engine._hello(client)
    engine._tell_buyers(client)
    client.close()
    assert engine.link.last_error == ""


@pytest.mark.expected_errors("push_refused")
def test_a_refusal_is_logged_once_as_long_as_it_stays_the_same(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    write(room.replica)
    engine, client = room.new_engine(), room.new_client()
    room.server.script("push", *[problem(404, "unknown_stream")] * 3)
    for _ in range(3):
        engine._push_all(client)
    client.close()
    assert [record.message for record in caplog.records].count("push_refused") == 1


@pytest.mark.expected_errors("journal_fenced")
@pytest.mark.parametrize("call", ["hello", "push"])
def test_a_forked_journal_locks_the_node_and_selling_stops(room: Room, call: str) -> None:
    write(room.replica, count=2)
    house = write(room.replica, VENUE)
    if call == "hello":
        room.server.forked.add(EVENT)
    else:
        room.server.script("push", problem(409, "journal_forked", acked=0))
    with room.running() as engine:
        wait_until(lambda: engine.link.state is LinkState.LOCKED)
        with pytest.raises(JournalLocked):
            write(room.replica)
        with pytest.raises(JournalLocked):
            write(room.replica, VENUE)
        assert not engine.wish(room.a_wish(7))
        # What is recorded already, and not fenced, still goes to the server.
        wait_until(lambda: room.server.op_ids(VENUE) == [house[0].op_id])
        # And what is fenced goes by salvage, from its first operation on.
        wait_until(lambda: len(room.server.salvaged[EVENT, 1]) == 2)
        wait_until(lambda: room.backlog().count == 0)
        assert room.backlog().locked
    assert LinkState.LOCKED in room.told.states()
    assert engine.link.state is LinkState.LOCKED


@pytest.mark.expected_errors("journal_fenced")
def test_a_locked_node_stays_locked_after_a_restart(room: Room) -> None:
    write(room.replica)
    room.server.forked.add(EVENT)
    with room.running() as engine:
        wait_until(lambda: engine.link.state is LinkState.LOCKED)
    room.server.released.clear()
    hellos = len(room.server.called("hello"))
    with room.running() as engine:
        assert engine.link.state is LinkState.LOCKED
        wait_until(lambda: len(room.server.called("hello")) > hellos)
        assert not engine.wish(room.a_wish(7))


def test_hello_tells_where_every_journal_stands(room: Room) -> None:
    head = write(room.replica, count=2)[-1]
    with room.running() as engine:
        wait_greeted(engine)
    body = room.server.called("hello")[0].body
    assert body["journals"] == [{"stream": EVENT, "inc": 1, "seq": 2, "hash": head.hash}]
    assert body["unsynced"] == 2
    assert body["proto"] == [1]


@pytest.mark.parametrize(
    "journals",
    [
        pytest.param([{"stream": [], "inc": {}}], id="an unhashable name"),
        pytest.param([{"stream": "other", "inc": 1, "acked": 3}], id="somebody else's journal"),
        pytest.param([{"stream": EVENT, "inc": 2, "acked": 1}], id="another incarnation"),
        pytest.param([], id="none"),
    ],
)
def test_hello_ignores_journals_that_are_not_ours(room: Room, journals: object) -> None:
    write(room.replica)
    engine, client = room.new_engine(), room.new_client()
    room.server.script("hello", Say({"gen": "0a1b2c3d", "now_ms": 1, "journals": journals}))
    engine._hello(client)
    client.close()
    assert room.backlog().count == 1


@pytest.mark.parametrize(
    "reply",
    [
        {"gen": 5, "journals": []},
        {"gen": "", "journals": []},
        {"gen": "\ud800", "journals": []},
        {"gen": "0a1b2c3d", "journals": [1]},
        {"gen": "0a1b2c3d", "journals": [{"stream": EVENT, "inc": 1, "acked": 2}]},
        {"gen": "0a1b2c3d", "journals": [{"stream": EVENT, "inc": 1, "acked": -1}]},
        {"gen": "0a1b2c3d", "journals": [{"stream": EVENT, "inc": 1}]},
    ],
    ids=str,
)
def test_a_hello_that_makes_no_sense_changes_nothing(room: Room, reply: object) -> None:
    write(room.replica)
    engine, client = room.new_engine(), room.new_client()
    room.server.script("hello", Say(reply))
    with pytest.raises(ServerUnreachable):
        engine._hello(client)
    client.close()
    assert room.backlog().count == 1


def test_hello_is_said_again_when_its_time_has_come(room: Room) -> None:
    with room.running() as engine:
        # The first two follow each other at once: only the second names the server's history.
        wait_until(lambda: engine._hello_due_s > room.env.monotonic_s())
        hellos = len(room.server.called("hello"))
        room.env.monotonic_added_s += 61
        engine.nudge()
        wait_until(lambda: len(room.server.called("hello")) > hellos)


@pytest.mark.expected_errors("listener_failed")
def test_a_listener_that_fails_holds_up_nothing(room: Room) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    write(room.replica)
    engine = room.new_engine()
    engine.listeners = Listeners(fail, fail, fail)
    room.server.follow(EVENT)
    engine.start()
    try:
        room.wait_for_all_synced()
        wait_until(lambda: room.replica.mirror.cursors().get(VENUE) == 1)
        assert engine.link.state is LinkState.ONLINE
    finally:
        room.server.release()
        engine.stop()


@pytest.mark.expected_errors("sync_part_crashed")
@pytest.mark.parametrize("part", ["_push_turn", "_pull_turn"])
def test_a_bug_in_one_part_is_logged_and_the_part_begins_anew(
    room: Room, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge.sync import SyncEngine

    real, times = getattr(SyncEngine, part), []

    def buggy(engine: SyncEngine, client: object) -> None:
        times.append(engine.link.state)
        if len(times) < 3:
            raise ZeroDivisionError
        real(engine, client)

    monkeypatch.setattr(SyncEngine, part, buggy)
    write(room.replica)
    room.server.follow(EVENT)
    with room.running() as engine:
        room.wait_for_all_synced()
        wait_until(lambda: room.replica.mirror.cursors().get(VENUE) == 1)
        wait_online(engine)
    assert LinkState.OFFLINE in room.told.states()


def test_an_address_that_is_none_keeps_the_node_offline(room: Room) -> None:
    engine = room.new_engine()
    engine.new_client = lambda: replace(room, server=_NoServer()).new_client()  # type: ignore[arg-type]
    engine.start()
    wait_offline(engine)
    engine.stop()
    assert "not the address" in engine.link.last_error


class _NoServer:
    url = "http://house:eighty"


@pytest.mark.expected_errors("replica_failed")
def test_a_replica_that_fails_is_logged_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from edge.errors import ReplicaError

    def broken(_connection: sqlite3.Connection) -> None:
        raise ReplicaError("journal.db cannot be used")

    monkeypatch.setattr("edge.protocol.hello.heads", broken)
    with room.running() as engine:
        wait_offline(engine)
        wait_until(lambda: engine._hello_due_s == 0 and len(room.told.links) >= 1)
        assert engine.link.last_error == "journal.db cannot be used"
    assert [record.message for record in caplog.records].count("replica_failed") == 1


def test_a_server_that_has_more_than_we_knew_hears_at_once_that_nothing_waits(room: Room) -> None:
    """Its answer to the push was lost: what the first hello says of our backlog is too much."""
    write(room.replica, count=2)
    engine, client = room.new_engine(), room.new_client()
    room.server.script("push", Reset(after_work=True))
    with pytest.raises(ServerUnreachable):
        engine._push_all(client)
    engine._work.set()
    engine._push_turn(client)
    engine._push_turn(client)
    client.close()
    assert [call.body["unsynced"] for call in room.server.called("hello")] == [2, 0]
    assert not engine._greet.is_set()
