"""The puller: the mirror follows the feed, and grants are in the journal before the cursor moves."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from edge.allotments import units_of
from edge.errors import ReplicaFull, ServerRefused, ServerUnreachable
from edge.link import LinkState
from edge.mirror import Mirror
from edge.protocol.pull import EVENTS_PER_PULL
from edge.sync import SyncEngine
from tests.fakes.edge_node import EVENT, NODE, VENUE, wait_until, write
from tests.fakes.server import GENERATION, Hang, Raw, Reset, Say, problem
from tests.integration.edge.engine_room import Room, wait_online

CLAIM = {"p": 1, "u": 5, "kind": "sold", "ref": "x", "node": NODE, "v": 0}


def a_grant(*units: int, number: int = 1, state: str = "open", node: str = NODE) -> dict[str, Any]:
    return {
        "id": f"{GENERATION}-{number}",
        "node": node,
        "p": 1,
        "firm": False,
        "state": state,
        "units": [[unit, 0] for unit in units],
    }


def one_round(room: Room, engine: SyncEngine | None = None) -> bool:
    """One poll without waiting; True when it brought something."""
    client = room.new_client()
    try:
        return (engine or room.new_engine()).pull_round(client, 0)
    finally:
        client.close()


def claims(mirror: Mirror) -> list[tuple[int, str, int]]:
    with mirror.reading() as connection:
        rows = connection.execute("SELECT unit, kind, rev FROM claim ORDER BY unit").fetchall()
    return [tuple(row) for row in rows]


def own_units(room: Room) -> dict[int, str]:
    with room.replica.reading() as connection:
        return {n: unit.state for n, unit in units_of(connection, EVENT, 1).items()}


def test_an_event_in_the_list_is_followed_from_then_on(room: Room) -> None:
    room.server.follow(EVENT)
    room.server.publish(EVENT, "claim", CLAIM)
    with room.running():
        wait_until(lambda: claims(room.replica.mirror) == [(5, "sold", 1)])
        room.server.publish(EVENT, "claim", {**CLAIM, "u": 6})
        wait_until(lambda: claims(room.replica.mirror) == [(5, "sold", 1), (6, "sold", 2)])
    assert room.replica.mirror.cursors() == {VENUE: 1, EVENT: 2}
    assert room.told.pulled[:2] == [(VENUE, frozenset({"doc"})), (EVENT, frozenset({"claim"}))]


def test_a_name_that_is_no_stream_is_not_asked_for(room: Room) -> None:
    room.server.follow("a,b:1", EVENT)
    engine = room.new_engine()
    one_round(room, engine)
    one_round(room, engine)
    assert room.server.called("pull")[-1].query["after"] == f"{EVENT}:0,{VENUE}:2"


def test_a_house_with_many_events_has_them_polled_in_turn(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.protocol.pull.EVENTS_PER_PULL", 2)
    names = [f"event-{n}" for n in range(5)]
    room.server.follow(*names)
    engine = room.new_engine()
    for _round in range(8):
        one_round(room, engine)
    asked = [set(re.findall(r"[a-z]+(?:-[0-9])?(?=:)", c.query["after"])) for c in _pulls(room)]
    assert all(VENUE in streams and len(streams) <= 3 for streams in asked)
    assert set().union(*asked[-3:]) == {VENUE, *names}, "all have their turn in three polls"


def _pulls(room: Room) -> list[Any]:
    return list(room.server.called("pull"))


def test_many_events_are_polled_in_turn_with_the_house_in_every_poll(room: Room) -> None:
    events = [f"event-{number:03}" for number in range(EVENTS_PER_PULL + 30)]
    room.server.follow(*events)
    room.server.publish(events[0], "claim", CLAIM)
    room.server.publish(events[-1], "claim", {**CLAIM, "u": 6})
    engine = room.new_engine()
    for _ in range(3):
        one_round(room, engine)
    assert claims(room.replica.mirror) == [(5, "sold", 1), (6, "sold", 1)]
    asked = [call.query["after"].split(",") for call in room.server.called("pull")]
    assert [len(streams) for streams in asked] == [1, 31, 101]
    assert all(f"{VENUE}:" in streams[-1] for streams in asked)
    assert engine._follower.followed == {VENUE, *events}


def test_a_quiet_stream_is_waited_for_and_not_hammered(room: Room) -> None:
    room.server.follow("empty")  # nothing will ever come for it, its cursor stays at 0
    with room.running() as engine:
        wait_until(lambda: engine._follower.followed == {VENUE, "empty"})
        wait_until(lambda: float(room.server.called("pull")[-1].query["wait_s"]) > 0)
        asked = len(room.server.called("pull"))
        room.server.follow("another")
        wait_until(lambda: "another" in engine._follower.followed)
    assert asked <= 4


def test_answers_that_come_at_once_without_news_are_not_asked_for_in_a_loop(room: Room) -> None:
    room.server.release()  # every long poll is answered at once
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            return False

    engine = room.new_engine()
    engine._stop = Stop()
    client = room.new_client()
    engine._pull_turn(client)
    engine._pull_turn(client)
    client.close()
    assert waits == [0.25, 0.25]


def test_a_grant_is_in_the_journal_before_the_cursor_moves(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.server.follow(EVENT)
    engine = room.new_engine()
    one_round(room, engine)
    room.server.publish(EVENT, "allot", a_grant(7, 8))

    def killed(*_: object) -> None:
        raise ReplicaFull("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "apply", killed)
        with pytest.raises(ReplicaFull):
            one_round(room, engine)
    assert own_units(room) == {7: "free", 8: "free"}
    assert EVENT not in room.replica.mirror.cursors()
    one_round(room, engine)
    assert own_units(room) == {7: "free", 8: "free"}
    assert room.replica.mirror.cursors()[EVENT] == 1


def test_a_grant_that_cannot_be_recorded_comes_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.server.follow(EVENT)
    engine = room.new_engine()
    one_round(room, engine)
    room.server.publish(EVENT, "allot", a_grant(7))

    def full(*_: object) -> None:
        raise ReplicaFull("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("edge.protocol.pull.install", full)
        with pytest.raises(ReplicaFull):
            one_round(room, engine)
    assert EVENT not in room.replica.mirror.cursors()
    one_round(room, engine)
    assert own_units(room) == {7: "free"}


def test_somebody_elses_grant_is_not_ours(room: Room) -> None:
    room.server.follow(EVENT)
    room.server.publish(EVENT, "allot", a_grant(7, node="00000000000000bb"))
    engine = room.new_engine()
    one_round(room, engine)
    one_round(room, engine)
    assert own_units(room) == {}
    assert room.replica.mirror.cursors()[EVENT] == 1


def test_a_write_off_in_the_feed_takes_what_is_left(room: Room) -> None:
    room.server.follow(EVENT)
    room.server.publish(EVENT, "allot", a_grant(7))
    engine = room.new_engine()
    one_round(room, engine)
    one_round(room, engine)
    assert own_units(room) == {7: "free"}
    room.server.publish(EVENT, "allot", a_grant(7, state="written_off"))
    one_round(room, engine)
    assert own_units(room) == {7: "released"}


def test_another_generation_drops_the_mirror_and_keeps_the_journal(room: Room) -> None:
    room.server.follow(EVENT)
    room.server.publish(EVENT, "claim", CLAIM)
    ops = write(room.replica, count=3)
    with room.running() as engine:
        room.wait_for_all_synced()
        wait_until(lambda: claims(room.replica.mirror))
        room.server.restart_history("11111111")
        room.server.follow(EVENT)
        room.server.publish(EVENT, "claim", {**CLAIM, "u": 9})
        wait_until(lambda: claims(room.replica.mirror) == [(9, "sold", 1)])
        wait_until(lambda: len(room.server.op_ids(EVENT)) == 3)
        wait_online(engine)
    assert room.server.op_ids(EVENT) == [op.op_id for op in ops]
    assert room.replica.mirror.generation() == "11111111"


def test_a_node_that_was_off_during_the_failover_drops_its_mirror_too(room: Room) -> None:
    """Its hello comes first and tells the new generation: the mirror's own must still be asked."""
    room.server.follow(EVENT)
    room.server.publish(EVENT, "claim", CLAIM)
    with room.running():
        wait_until(lambda: claims(room.replica.mirror))
    room.server.restart_history("11111111")
    room.server.follow(EVENT)
    engine, client = room.new_engine(), room.new_client()
    engine._hello(client)
    engine.pull_round(client, 0)
    assert claims(room.replica.mirror) == []
    assert room.replica.mirror.cursors() == {}
    engine.pull_round(client, 0)
    assert room.replica.mirror.generation() == "11111111"
    client.close()


def test_news_of_another_generation_than_asked_for_are_not_mixed_in(room: Room) -> None:
    room.server.follow(EVENT)
    engine = room.new_engine()
    one_round(room, engine)
    page = {"rows": [["claim", 9, CLAIM]], "next": 9}
    room.server.script("pull", Say({"gen": "22222222", "streams": {VENUE: page}}))
    one_round(room, engine)
    assert claims(room.replica.mirror) == []
    assert room.replica.mirror.cursors() == {}
    assert engine._greet.is_set()


def test_a_generation_change_asked_for_during_a_hello_is_not_lost(room: Room) -> None:
    engine, client = room.new_engine(), room.new_client()
    real = client.hello

    def meanwhile(body: Any) -> dict[str, Any]:
        reply = real(body)
        engine._forget("0a1b2c3d")
        return reply

    client.hello = meanwhile  # type: ignore[method-assign]
    engine._push_turn(client)
    assert engine._greet.is_set()
    client.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Reset(), id="a reset"),
        pytest.param(Hang(), id="a hang"),
        pytest.param(Raw(b"\r\n\r\n"), id="no HTTP"),
        pytest.param(Say(b"\x1f\x8b not gzip", headers={"Content-Encoding": "gzip"}), id="no gzip"),
        pytest.param(Say(b"{" * 5_000), id="deep brackets"),
        pytest.param(Say(b"[" * 200_000), id="too deep"),
        pytest.param(Say(b'{"gen": 1' + b"0" * 5_000 + b"}"), id="a number of 5000 digits"),
        pytest.param(problem(400, "malformed"), id="a refusal"),
        pytest.param(Say({"gen": GENERATION}), id="no streams"),
        pytest.param(Say({"gen": GENERATION, "streams": {VENUE: 1}}), id="no page"),
        pytest.param(Say({"gen": 1, "streams": {}}), id="no generation"),
    ],
)
def test_the_puller_gets_over(room: Room, answer: Any) -> None:
    room.server.follow(EVENT)
    room.server.publish(EVENT, "claim", CLAIM)
    room.server.script("pull", answer)
    engine = room.new_engine()
    client = room.new_client()
    if isinstance(answer, Hang):  # a poll may wait as long as it asked for: not here
        threading.Timer(0.2, room.server.release).start()
    with pytest.raises((ServerUnreachable, ServerRefused)):
        engine.pull_round(client, 0)
    engine.pull_round(client, 0)
    engine.pull_round(client, 0)
    client.close()
    assert claims(room.replica.mirror) == [(5, "sold", 1)]


@pytest.mark.parametrize(
    "page",
    [
        {"rows": [], "next": -1},
        {"rows": [], "next": 2**70},
        {"rows": [], "next": "1"},
        {"rows": {}, "next": 1},
        {"rows": [["claim", 1]], "next": 1},
        {"rows": [["claim", 1, CLAIM]], "next": 0},
        {"rows": [["claim", -1, CLAIM]], "next": 1},
        {"rows": [["claim", 2**70, CLAIM]], "next": 1},
        {"rows": [["claim", 1, {}]], "next": 1},
        {"rows": [["claim", 1, {**CLAIM, "u": None}]], "next": 1},
        {"rows": [["claim", 1, {**CLAIM, "u": 2**70}]], "next": 1},
        {"rows": [["claim", 1, {**CLAIM, "u": "five"}]], "next": 1},
        {"rows": [["claim", 1, {**CLAIM, "u": [5]}]], "next": 1},
        {"rows": [["claim", 1, {**CLAIM, "kind": "\ud800"}]], "next": 1},
        {"rows": [["claim", 1, CLAIM], ["node", 2, {"id": NODE}]], "next": 2},
        {"rows": [["allot", 1, {"node": NODE, "id": "1"}]], "next": 1},
        {"rows": [["allot", 1, {**a_grant(7), "state": "half"}]], "next": 1},
        {"rows": [["allot", 1, {**a_grant(7), "p": 2**40}]], "next": 1},
        {"rows": [["allot", 1, {**a_grant(7), "units": [[2**70, 0]]}]], "next": 1},
        {"rows": [["allot", 1, {**a_grant(7), "units": [[7, -1]]}]], "next": 1},
        {"rows": [["allot", 1, {**a_grant(7), "units": [7]}]], "next": 1},
        {"rows": [["allot", 1, {**a_grant(7), "units": None}]], "next": 1},
    ],
    ids=str,
)
def test_a_page_that_makes_no_sense_is_not_taken_at_all(room: Room, page: dict[str, Any]) -> None:
    room.server.script("pull", Say({"gen": GENERATION, "streams": {VENUE: page}}))
    with pytest.raises(ServerUnreachable, match="no sense"):
        one_round(room)
    assert claims(room.replica.mirror) == []
    assert room.replica.mirror.cursors() == {}
    assert own_units(room) == {}


def test_a_kind_of_row_that_only_newer_nodes_know_is_passed_over(room: Room) -> None:
    room.server.publish(VENUE, "hologram", {"anything": [1]})
    assert one_round(room)
    assert room.replica.mirror.cursors() == {VENUE: 1}


def test_a_stream_the_server_does_not_answer_for_is_asked_again(room: Room) -> None:
    room.server.follow(EVENT)
    engine = room.new_engine()
    one_round(room, engine)
    answer = {"gen": GENERATION, "streams": {VENUE: {"rows": [], "next": 1}}}
    room.server.script("pull", Say(answer))
    assert not one_round(room, engine)
    room.server.publish(EVENT, "claim", CLAIM)
    assert one_round(room, engine)


def test_the_mirror_full_or_broken_shows_and_mends_itself(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, times = Mirror.apply, []

    def full(*arguments: Any) -> None:
        times.append(1)
        if len(times) < 3:
            raise ReplicaFull("mirror.db cannot grow: the disk is full")
        real(*arguments)

    monkeypatch.setattr(Mirror, "apply", full)
    caplog.set_level("CRITICAL", logger="edge.sync")
    room.server.follow(EVENT)
    with room.running() as engine:
        wait_until(lambda: room.replica.mirror.cursors() == {VENUE: 1})
        wait_online(engine)
    assert LinkState.OFFLINE in room.told.states()


def test_a_refused_pull_takes_the_node_offline_until_it_works(room: Room) -> None:
    room.server.script("pull", *[problem(403, "forbidden")] * 3)
    with room.running() as engine:
        wait_until(lambda: LinkState.OFFLINE in room.told.states())
        wait_online(engine)
