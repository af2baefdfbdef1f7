"""The puller keeps the mirror whole: by a file when it is far behind, by digests ever after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge import snapshot
from edge.allotments import units_of
from edge.copies import CHECK_PERIOD_S, FOLDER_NAME, RETRY_S, Copies
from edge.errors import ReplicaError, ReplicaFull
from edge.mirror import Change, Mirror
from edge.sync import SyncEngine
from program import memory
from tests.fakes.edge_node import EVENT, NODE, VENUE, wait_until
from tests.fakes.feed_files import snapshot_file
from tests.fakes.server import GENERATION, Answer, Reset, Say, problem
from tests.integration.edge.engine_room import Room

ROWS = 60


def claim(unit: int) -> dict[str, Any]:
    return {"p": 1, "u": unit, "kind": "sold", "ref": "x", "node": NODE, "v": 0}


def grant(unit: int, granted_ms: int) -> dict[str, Any]:
    return {
        "id": f"{GENERATION}-{unit}",
        "inc": 1,
        "node": NODE,
        "p": 1,
        "firm": False,
        "state": "open",
        "units": [[unit, 0]],
        "soft_s": 3600,
        "hard_s": 7200,
        "granted_ms": granted_ms,
    }


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch, room: Room) -> None:
    """A file is wanted for thirty rows; pages of five rows; pieces of a hundred bytes."""
    monkeypatch.setattr(snapshot, "ROWS_BEHIND_MIN", 30)
    monkeypatch.setattr(snapshot, "PIECE_BYTES", 100)
    room.server.rows_per_page = 5
    room.server.follow(EVENT)
    for unit in range(1, ROWS + 1):
        room.server.publish(EVENT, "claim", claim(unit))
    room.server.publish(EVENT, "allot", grant(99, time.time_ns() // 1_000_000))


@pytest.fixture
def engine(room: Room) -> SyncEngine:
    """It has heard of the event, and read nothing of it."""
    engine = room.new_engine()
    rounds(room, engine, 1)
    return engine


def rounds(room: Room, engine: SyncEngine, count: int) -> None:
    with closing(room.new_client()) as client:
        for _ in range(count):
            engine.pull_round(client, 0)


def claims(mirror: Mirror) -> list[tuple[int, int]]:
    with mirror.reading() as connection:
        rows = connection.execute("SELECT unit, rev FROM claim ORDER BY unit").fetchall()
    return [tuple(row) for row in rows]


ALL = [(unit, unit) for unit in range(1, ROWS + 1)]


def own_units(room: Room) -> dict[int, str]:
    with room.replica.reading() as connection:
        return {n: unit.state for n, unit in units_of(connection, EVENT, 1).items()}


def parts(room: Room) -> list[str]:
    folder = room.replica.folder / FOLDER_NAME
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@contextmanager
def patched(target: object, name: str, value: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, value)
        yield


# --- snapshots


def test_a_node_that_is_far_behind_takes_a_file_in_after_one_page(
    room: Room, engine: SyncEngine
) -> None:
    rounds(room, engine, 1)
    assert claims(room.replica.mirror) == ALL
    assert room.replica.mirror.cursors()[EVENT] == ROWS + 1
    assert own_units(room) == {99: "free"}
    assert len(room.server.called("snapshot")) > 2, "in pieces"
    assert parts(room) == []
    assert room.told.pulled[-1][0] == EVENT
    assert "claim" in room.told.pulled[-1][1]
    room.server.publish(EVENT, "claim", claim(1))
    rounds(room, engine, 1)
    assert claims(room.replica.mirror)[0] == (1, ROWS + 2), "the feed goes on after it"


def test_the_memory_that_an_import_took_is_given_back_once(room: Room, engine: SyncEngine) -> None:
    held_at: list[int] = []
    with patched(memory, "give_back", lambda: held_at.append(len(claims(room.replica.mirror)))):
        rounds(room, engine, 3)
    assert held_at == [ROWS]


def test_what_is_lent_is_in_the_journal_before_the_file_is_taken_in(
    room: Room, engine: SyncEngine
) -> None:
    def killed(*_: object, **__: object) -> None:
        assert own_units(room) == {99: "free"}
        raise KeyboardInterrupt

    with patched(Mirror, "replace", killed), pytest.raises(KeyboardInterrupt):
        rounds(room, engine, 1)
    assert room.replica.mirror.cursors()[EVENT] == 5


def test_a_grant_beside_a_file_counts_from_its_own_time(room: Room, engine: SyncEngine) -> None:
    room.server.now_ms = time.time_ns() // 1_000_000 + 3_000_000
    rounds(room, engine, 1)
    with room.replica.reading() as connection:
        (sent_ms,) = connection.execute("SELECT sent_mono_ms FROM allot").fetchone()
    age_ms = room.env.monotonic_s() * 1000 - sent_ms
    assert age_ms >= 3_000_000, "not from the call that brought it"


def test_a_kill_in_the_middle_of_a_download_loses_nothing_of_it(
    room: Room, engine: SyncEngine
) -> None:
    real, pieces = snapshot.Download.take, 0

    def killed(download: snapshot.Download, reply: snapshot.PieceReply) -> None:
        nonlocal pieces
        pieces += 1
        if pieces == 3:
            raise KeyboardInterrupt
        real(download, reply)

    with patched(snapshot.Download, "take", killed), pytest.raises(KeyboardInterrupt):
        rounds(room, engine, 1)
    assert len(parts(room)) == 1
    asked = len(room.server.called("snapshot"))
    rounds(room, room.new_engine(), 2)
    resumed = room.server.called("snapshot")[asked].headers
    assert resumed["Range"].startswith("bytes=200-")
    assert claims(room.replica.mirror) == ALL
    assert parts(room) == []


def test_a_kill_in_the_middle_of_the_import_leaves_the_mirror_as_it_was(
    room: Room, engine: SyncEngine
) -> None:
    def killed(*_: object) -> Iterator[Any]:
        yield [Change("claim", 1, claim(500))]
        raise KeyboardInterrupt

    with patched(snapshot, "_parts_of", killed), pytest.raises(KeyboardInterrupt):
        rounds(room, engine, 1)
    assert claims(room.replica.mirror) == ALL[:5]
    again = room.new_engine()
    rounds(room, again, 2)
    assert claims(room.replica.mirror) == ALL


def rotten(file: bytes) -> bytes:
    return file[:60] + bytes([file[60] ^ 0xFF]) + file[61:]


def snapshot_bytes(gen: str, stream: str, rev: int = ROWS + 1, count: int = ROWS) -> bytes:
    rows = [["claim", unit, claim(unit)] for unit in range(1, count + 1)]
    return snapshot_file(gen, stream, "till", rows, rev)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(rotten, id="damaged"),
        pytest.param(lambda f: f[:-30], id="cut off"),
        pytest.param(lambda _f: b"", id="empty"),
        pytest.param(lambda _f: b"no gzip at all", id="no gzip"),
        pytest.param(lambda _f: snapshot_bytes(GENERATION, "hamlet"), id="of another stream"),
        pytest.param(lambda _f: snapshot_bytes("22222222", EVENT), id="of another history"),
        pytest.param(lambda _f: snapshot_bytes(GENERATION, EVENT, rev=3), id="older than ours"),
    ],
)
def test_a_file_that_is_of_no_use_is_dropped_and_the_feed_does_it(
    room: Room, engine: SyncEngine, file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = file(room.server.snapshot_of(EVENT))
    monkeypatch.setattr(room.server, "snapshot_of", lambda _stream: wrong)
    rounds(room, engine, 1)
    assert claims(room.replica.mirror) == ALL[:5]
    assert parts(room) == []
    rounds(room, engine, 12)
    assert claims(room.replica.mirror) == ALL
    assert own_units(room) == {99: "free"}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Reset(), id="a reset"),
        pytest.param(problem(503, "no_snapshot"), id="no file"),
        pytest.param(problem(404, "unknown_stream"), id="no such call"),
        pytest.param(Say(b"", 206), id="a piece without a place"),
        pytest.param(Say(b"x", 206, {"ETag": '"a"', "Content-Range": "bytes 0-9/9"}), id="a lie"),
    ],
)
def test_a_file_that_does_not_come_holds_nothing_up_and_is_asked_for_again(
    room: Room, engine: SyncEngine, answer: Answer
) -> None:
    room.server.script("snapshot", answer)
    rounds(room, engine, 2)
    assert claims(room.replica.mirror) == ALL[:10]
    assert len(room.server.called("snapshot")) == 1
    room.env.monotonic_added_s += RETRY_S
    rounds(room, engine, 1)
    assert claims(room.replica.mirror) == ALL


def test_a_disk_without_room_for_the_file_is_used_for_the_feed(
    room: Room, engine: SyncEngine
) -> None:
    def full(*_: object) -> None:
        raise ReplicaFull("the disk is full")

    with patched(snapshot.Download, "take", full):
        rounds(room, engine, 1)
    assert parts(room) == []
    rounds(room, engine, 12)
    assert claims(room.replica.mirror) == ALL


def test_few_rows_are_pulled_and_no_file_is_asked_for_until_there_are_more(
    room: Room, engine: SyncEngine
) -> None:
    room.server.has_few_rows = True
    rounds(room, engine, 3)
    assert len(room.server.called("snapshot")) == 1
    for unit in range(1, 31):
        room.server.publish(EVENT, "claim", claim(unit))
    rounds(room, engine, 1)
    assert len(room.server.called("snapshot")) == 2


def test_what_an_earlier_run_left_of_a_file_goes_once_it_is_not_needed(
    room: Room, engine: SyncEngine
) -> None:
    folder: Path = room.replica.folder / FOLDER_NAME
    folder.mkdir()
    (folder / f"{EVENT}.abc.900.part").write_bytes(b"half")
    room.server.has_few_rows = True
    rounds(room, engine, 13)
    assert parts(room) == []


def test_a_stream_whose_past_is_purged_is_read_again_from_nothing(
    room: Room, engine: SyncEngine
) -> None:
    rounds(room, engine, 1)
    room.server.script("pull", problem(410, "refetch", stream=EVENT))
    rounds(room, engine, 1)
    assert claims(room.replica.mirror) == []
    assert room.replica.mirror.cursors() == {VENUE: 1}
    rounds(room, engine, 1)
    assert claims(room.replica.mirror) == ALL


# --- digests


def turns(room: Room, engine: SyncEngine, count: int = 1) -> None:
    room.server.release()
    with closing(room.new_client()) as client:
        for _ in range(count):
            engine._pull_turn(client)


def spoil(room: Room) -> None:
    with room.replica.mirror._transaction() as connection:
        connection.execute("DELETE FROM claim WHERE unit < 10")
        connection.execute("UPDATE claim SET kind = 'free' WHERE unit > 50")


def kinds(room: Room) -> set[str]:
    with room.replica.mirror.reading() as connection:
        return {row[0] for row in connection.execute("SELECT kind FROM claim")}


@pytest.mark.expected_errors("mirror_diverged")
@pytest.mark.parametrize("how", ["an hour later", "when asked"])
def test_a_mirror_that_differs_is_put_right_and_the_server_hears_of_it(
    room: Room, engine: SyncEngine, how: str
) -> None:
    turns(room, engine)
    spoil(room)
    if how == "when asked":
        engine.check_copies()
    else:
        room.env.monotonic_added_s += CHECK_PERIOD_S
    room.told.pulled.clear()
    turns(room, engine, 2)
    assert (claims(room.replica.mirror), kinds(room)) == (ALL, {"sold"})
    assert len(room.server.called("digest")) == 2, "each stream once"
    assert len(room.server.called("rows")) > 1
    assert [stream for stream, _kinds in room.told.pulled] == [EVENT]
    turns(room, engine, 2)
    assert len(room.server.called("digest")) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(problem(409, "pull_first"), id="pull first"),
        pytest.param(problem(404, "unknown_stream"), id="no such call"),
        pytest.param(Say({"gen": GENERATION}), id="nonsense"),
        pytest.param(Reset(), id="a reset"),
    ],
)
def test_a_digest_that_is_not_answered_holds_nothing_up_and_is_asked_for_again(
    room: Room, engine: SyncEngine, answer: Answer
) -> None:
    turns(room, engine)
    engine.check_copies()
    room.server.script("digest", answer, answer)
    turns(room, engine, 3)
    assert len(room.server.called("digest")) == 2
    room.env.monotonic_added_s += RETRY_S
    turns(room, engine, 2)
    assert len(room.server.called("digest")) == 4


@pytest.mark.expected_errors("mirror_diverged")
def test_a_mirror_that_no_rows_put_right_is_fetched_anew(
    room: Room, engine: SyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns(room, engine)
    spoil(room)
    monkeypatch.setattr("edge.digest.ROUNDS_MAX", 1)
    engine.check_copies()
    turns(room, engine, 2)
    turns(room, engine, 1)
    assert (claims(room.replica.mirror), kinds(room)) == (ALL, {"sold"})


def test_a_replica_that_fails_in_a_check_is_no_passing_trouble(
    room: Room, engine: SyncEngine
) -> None:
    def broken(*_: object) -> None:
        raise ReplicaError("broken")

    engine.check_copies()
    with patched(Copies, "_check", broken), pytest.raises(ReplicaError):
        turns(room, engine)


def test_streams_are_checked_at_different_times(room: Room, engine: SyncEngine) -> None:
    rounds(room, engine, 1)
    client = room.new_client()
    assert engine._copies.check_due(client) is None
    room.env.monotonic_added_s += CHECK_PERIOD_S / 2 - 1
    assert engine._copies.check_due(client) is None, "not before half of the period"
    room.env.monotonic_added_s += CHECK_PERIOD_S / 2 + 1
    found = {engine._copies.check_due(client) for _ in range(3)}
    client.close()
    assert found == {(EVENT, 0), (VENUE, 0), None}


def test_a_running_engine_takes_a_file_in(room: Room) -> None:
    with room.running():
        wait_until(lambda: claims(room.replica.mirror) == ALL)
    assert own_units(room) == {99: "free"}
