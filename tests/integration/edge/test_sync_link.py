"""Wishes, the link's state, and stopping in time."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from edge.allotments import Grant, units_of
from edge.errors import ReplicaError, ReplicaFull, ServerUnreachable
from edge.link import Backoff, LinkState, Part
from edge.replica import Replica
from edge.sync import WISHES_MAX, SyncEngine
from tests.fakes.edge_node import EVENT, VENUE, wait_until, write
from tests.fakes.server import Hang, Reset, Say, problem
from tests.integration.edge.engine_room import Room, wait_greeted, wait_offline, wait_online


def own_units(room: Room) -> dict[int, str]:
    with room.replica.reading() as connection:
        return {n: unit.state for n, unit in units_of(connection, EVENT, 1).items()}


# --- wishes


def test_a_wish_that_is_granted_is_installed_before_anybody_hears(room: Room) -> None:
    room.server.free_units = {5, 6, 7}
    seen: list[dict[int, str]] = []
    with room.running() as engine:
        wait_online(engine)
        wish = room.a_wish(5, 6)
        object.__setattr__(wish, "then", lambda _grant: seen.append(own_units(room)))
        assert engine.wish(wish)
        wait_until(lambda: seen)
    assert seen == [{5: "free", 6: "free"}]
    body = room.server.called("acquire")[0].body
    assert body == {"req": wish.req, "performance": 1, "units": [5, 6], "count": 0, "firm": True}


def test_a_wish_that_is_refused_is_told_its_code(room: Room) -> None:
    with room.running() as engine:
        wait_online(engine)
        assert engine.wish(room.a_wish(5))
        wait_until(lambda: room.told.outcomes == ["taken"])
    assert own_units(room) == {}
    assert engine.link.state is LinkState.ONLINE


def test_a_wish_whose_answer_is_lost_is_not_granted_twice(room: Room) -> None:
    room.server.free_units = {1, 2, 3, 4}
    room.server.script("acquire", Reset(after_work=True))
    with room.running() as engine:
        wait_online(engine)
        engine.wish(room.a_wish(count=2))
        wait_until(lambda: LinkState.OFFLINE in room.told.states())
        assert room.told.outcomes == ["offline"]
        wait_until(lambda: engine.wish(room.a_wish(count=2)))  # the same request, repeated
        wait_until(lambda: len(room.told.outcomes) == 2)
    assert isinstance(room.told.outcomes[1], Grant)
    assert sorted(own_units(room)) == [1, 2]
    assert room.server.free_units == {3, 4}


def test_a_wish_without_a_link_is_hopeless(room: Room) -> None:
    engine = room.new_engine()
    assert not engine.wish(room.a_wish(5))
    room.server.unplugged = True
    with room.running() as engine:
        wait_offline(engine)
        assert not engine.wish(room.a_wish(5))
    assert room.told.outcomes == []


def test_wishes_that_wait_when_the_link_breaks_hear_of_it(room: Room) -> None:
    room.timeout_s = 0.5
    engine, client = room.new_engine(), room.new_client()
    engine._hello(client)
    client.close()
    room.server.script("acquire", Hang())
    for number in range(3):
        assert engine.wish(room.a_wish(number + 1, req=f"{number:032x}"))
    engine.start()
    try:
        wait_until(lambda: room.told.outcomes == ["offline"] * 3)
    finally:
        room.server.release()
        engine.stop()


def test_wishes_beyond_the_limit_are_not_taken(room: Room) -> None:
    engine = room.new_engine()
    engine._keeper.reached(Part.PUSHER)
    taken = [engine.wish(room.a_wish(1)) for _ in range(WISHES_MAX + 1)]
    assert taken == [True] * WISHES_MAX + [False]
    engine.stop()
    assert room.told.outcomes == ["offline"] * WISHES_MAX
    assert not engine.wish(room.a_wish(1))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Say({}), id="nothing"),
        pytest.param(Say({"allotment": {"id": "x"}}), id="no allotment"),
        pytest.param(Say({"allotment": []}), id="a list"),
        pytest.param(problem(401, "token_expired"), id="a token that is not taken"),
        pytest.param(problem(503, "busy"), id="a busy server"),
    ],
)
def test_a_wish_answered_with_nonsense_is_a_wish_not_heard(room: Room, answer: Say) -> None:
    room.server.script("acquire", answer)
    with room.running() as engine:
        wait_online(engine)
        assert engine.wish(room.a_wish(5))
        wait_until(lambda: room.told.outcomes == ["offline"])
        wait_online(engine)


@pytest.mark.expected_errors("replica_failed")
def test_a_grant_that_cannot_be_recorded_is_told_as_no_grant(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.server.free_units = {5}

    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("journal.db cannot grow: the disk is full")

    monkeypatch.setattr("edge.protocol.acquire.install", full)
    with room.running() as engine:
        wait_online(engine)
        engine.wish(room.a_wish(5))
        wait_until(lambda: room.told.outcomes == ["offline"])


@pytest.mark.expected_errors("sync_part_crashed")
def test_even_a_bug_answers_the_wish(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(SyncEngine, "_acquire", buggy)
    with room.running() as engine:
        wait_online(engine)
        engine.wish(room.a_wish(5))
        wait_until(lambda: room.told.outcomes == ["offline"])
        wait_online(engine)


@pytest.mark.expected_errors("journal_fenced")
def test_wishes_of_a_node_that_gets_locked_hear_of_it(room: Room) -> None:
    engine, client = room.new_engine(), room.new_client()
    engine._hello(client)
    write(room.replica)
    room.server.script("push", problem(409, "journal_forked", acked=0))
    assert engine.wish(room.a_wish(5))
    engine._push_turn(client)
    client.close()
    assert room.told.outcomes == ["offline"]
    assert room.server.called("acquire") == []


# --- the link


def test_the_link_goes_from_connecting_to_online_and_says_so(room: Room) -> None:
    assert room.new_engine().link.state is LinkState.CONNECTING
    before_ms = room.env.wall_ms()
    with room.running() as engine:
        wait_online(engine)
        assert engine.link.offline_since_ms is None
        assert engine.link.last_contact_ms is not None
        assert before_ms <= engine.link.last_contact_ms <= room.env.wall_ms()
    assert room.told.states()[0] is LinkState.ONLINE


def test_offline_since_is_when_it_began_and_goes_when_it_ends(room: Room) -> None:
    with room.running() as engine:
        wait_online(engine)
        wait_greeted(engine)
        wait_until(lambda: room.server.called("pull"))
        before_ms = room.env.wall_ms()
        room.server.unplugged = True
        write(room.replica)
        engine.nudge()
        wait_offline(engine)
        since_ms = engine.link.offline_since_ms
        assert since_ms is not None
        assert before_ms <= since_ms <= room.env.wall_ms()
        polls, calls = len(room.server.called("pull")), len(room.server.called("hello"))
        room.server.publish(VENUE, "news", {})  # ends the poll that has been under way since before
        wait_until(lambda: len(room.server.called("pull")) > polls)
        wait_until(lambda: len(room.server.called("hello")) >= calls + 3)
        last_contact_ms = engine.link.last_contact_ms  # now nothing is under way any more
        wait_until(lambda: len(room.server.called("hello")) >= calls + 6)
        assert engine.link.offline_since_ms == since_ms
        assert engine.link.last_contact_ms == last_contact_ms
        assert engine.link.last_error.startswith("no answer from the server")
        room.server.unplugged = False
        wait_online(engine)
        assert _offline_since(engine) is None
        assert engine.link.last_error == ""


def _offline_since(engine: SyncEngine) -> int | None:
    return engine.link.offline_since_ms


def test_a_call_that_always_fails_beside_one_that_works_does_not_blink(room: Room) -> None:
    room.server.script("hello", *[problem(503, "busy")] * 6)
    room.server.follow(EVENT)
    with room.running() as engine:
        wait_until(lambda: len(room.server.called("hello")) >= 5)
        room.server.follow("another")
        wait_until(lambda: room.told.pulled)
        wait_online(engine)
    states = room.told.states()
    assert states.count(LinkState.OFFLINE) == 1
    assert states[-1] is LinkState.ONLINE


def test_the_clock_is_the_one_hello_told(room: Room) -> None:
    room.env.wall_added_ms = -3_600_000
    with room.running() as engine:
        wait_until(lambda: abs(engine.link.server_ahead_ms - 3_600_000) < 10_000)
        room.server.follow(EVENT)
        wait_until(lambda: room.told.pulled)
        # The puller never measured anything: its answers leave the measure alone.
        assert abs(engine.link.server_ahead_ms - 3_600_000) < 10_000


# --- stopping


def test_stop_ends_both_threads(room: Room) -> None:
    with room.running() as engine:
        wait_online(engine)
    assert not any(thread.is_alive() for thread in engine._threads)
    engine.stop()


def test_stop_breaks_off_the_poll_that_waits_for_news(room: Room) -> None:
    engine = room.new_engine()
    engine.start()
    wait_until(lambda: any(float(c.query["wait_s"]) for c in room.server.called("pull")))
    engine.stop(timeout_s=6)  # the poll would wait for eight
    assert not any(thread.is_alive() for thread in engine._threads)
    assert not room.server.released.is_set()


@pytest.mark.parametrize("call", ["hello", "push"])
def test_stop_does_not_wait_for_a_server_that_hangs(
    room: Room, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(room.replica)
    room.server.script(call, Hang())
    room.server.script("pull", Hang())
    engine = room.new_engine()
    engine.start()
    wait_until(lambda: room.server.called(call) and room.server.called("pull"))
    waited: list[float | None] = []
    real = threading.Thread.join

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        waited.append(timeout)
        real(thread, timeout)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", join)
        engine.stop(timeout_s=0.2)
    # Both together wait as long as one was given: not that long each.
    assert waited[0] is not None
    assert waited[1] is not None
    assert waited[0] <= 0.2
    assert waited[1] <= 0.01
    assert any(thread.is_alive() for thread in engine._threads)
    # What such a thread meets when it wakes up after the replica has been closed.
    room.replica.close()
    room.server.release()
    wait_until(lambda: not any(thread.is_alive() for thread in engine._threads))


def test_the_default_wait_of_stop_is_three_seconds() -> None:
    assert SyncEngine.stop.__defaults__ == (3.0,)


def test_an_engine_starts_once(room: Room) -> None:
    with room.running() as engine, pytest.raises(AssertionError, match="started already"):
        engine.start()


def test_a_closed_replica_refuses_the_engine_with_our_own_error(room: Room) -> None:
    room.replica.close()
    engine, client = room.new_engine(), room.new_client()
    with pytest.raises(ReplicaError, match="closed"):
        engine._hello(client)
    with pytest.raises(ReplicaError, match="closed"):
        engine.pull_round(client, 0)
    client.close()


def test_a_till_restarted_in_the_middle_of_an_outage_pushes_what_it_sold(room: Room) -> None:
    room.server.unplugged = True
    ops = write(room.replica, count=2)
    with room.running() as engine:
        wait_offline(engine)
    folder = room.replica._journal_path.parent
    room.replica.close()
    room.server.unplugged = False
    room.server.released.clear()
    with closing(Replica(folder)) as replica:
        room.replica = replica
        with room.running():
            room.wait_for_all_synced()
    assert room.server.op_ids(EVENT) == [op.op_id for op in ops]


def test_nobody_is_kept_waiting_by_the_network(room: Room) -> None:
    """Selling goes on while the server hangs in the middle of a push."""
    room.timeout_s = 60
    room.server.script("push", Hang())
    write(room.replica)
    with room.running():
        wait_until(lambda: room.server.called("push"))
        write(room.replica, count=5)
        assert room.backlog().count == 6
        room.server.release()
        room.wait_for_all_synced()


def test_a_pull_reply_of_a_stopped_engine_is_an_error_not_a_crash(room: Room) -> None:
    engine = room.new_engine()
    engine._stop.set()
    engine._lost(Part.PULLER, ServerUnreachable("late"), Backoff(room.env))
    assert engine.link.state is LinkState.CONNECTING


def test_the_node_is_online_again_without_waiting_for_news(room: Room) -> None:
    """After a failure the first poll asks for no wait, or the banner would stay for seconds."""
    with room.running() as engine:
        wait_until(lambda: len(room.server.called("pull")) == 2)
        wait_greeted(engine)
        room.server.script("pull", Reset())
        room.server.publish(VENUE, "news", {})  # ends the poll that waits; the next one breaks
        wait_until(lambda: LinkState.OFFLINE in room.told.states())
        wait_online(engine)
    waits = [float(call.query["wait_s"]) for call in room.server.called("pull")]
    assert waits[:2] == [0, 8]
    assert waits[3] == 0
