"""The replica's writer thread and its readers."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from edge.database import CACHE_KIB
from edge.errors import ReplicaError
from edge.journal import Unit, append, get_meta, head_of, set_meta
from edge.replica import QUEUE_MAX, Replica
from tests.fakes.edge_node import EVENT, enrolled_folder, new_op_id, wait_until, write
from ticketing.journal import OpKind


def note(unit: Unit) -> None:
    set_meta(unit, "noted", "1")


def noted(replica: Replica) -> str:
    with replica.reading() as connection:
        return get_meta(connection, "noted")


def test_a_transaction_gives_its_result_once_others_can_see_it(replica: Replica) -> None:
    def note_and_count(unit: Unit) -> int:
        note(unit)
        return 7

    assert replica.transact(note_and_count) == 7
    assert noted(replica) == "1"


def test_a_transaction_that_raises_leaves_nothing(replica: Replica) -> None:
    def half(unit: Unit) -> None:
        note(unit)
        write_in(unit)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replica.transact(half)
    assert noted(replica) == ""
    with replica.reading() as connection:
        assert head_of(connection, EVENT).seq == 0
    replica.transact(note)
    assert noted(replica) == "1"


def write_in(unit: Unit) -> None:
    append(unit, EVENT, OpKind.PRINT, "{}", op_id=new_op_id(), wall_ms=1)


def test_a_bug_in_sql_is_raised_as_itself(replica: Replica) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        replica.transact(lambda unit: unit.execute("SELECT * FROM nonsense"))
    replica.transact(note)


def test_the_journal_is_written_through_to_the_disk(replica: Replica) -> None:
    def settings(unit: Unit) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [unit.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    full = 2
    assert replica.transact(settings) == ["wal", full, 1]


def test_one_thread_writes_and_it_is_none_of_ours(replica: Replica) -> None:
    names: set[str] = set()

    def here(_unit: Unit) -> None:
        names.add(threading.current_thread().name)

    threads = [threading.Thread(target=replica.transact, args=(here,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == {"journal-writer"}


def test_a_transaction_inside_a_transaction_is_a_bug_and_not_a_deadlock(replica: Replica) -> None:
    with pytest.raises(AssertionError, match="wait for itself"):
        replica.transact(lambda _unit: replica.transact(note))
    assert noted(replica) == ""


def test_a_reader_sees_one_moment(replica: Replica) -> None:
    with replica.reading() as connection:
        before = get_meta(connection, "noted")
        replica.transact(note)
        assert get_meta(connection, "noted") == before == ""
    assert noted(replica) == "1"


def test_readers_may_be_nested(replica: Replica) -> None:
    with replica.reading() as outer:
        assert get_meta(outer, "noted") == ""
        replica.transact(note)
        with replica.reading() as inner:
            assert get_meta(inner, "noted") == "1"
        assert get_meta(outer, "noted") == ""


def test_a_reader_cannot_write(replica: Replica) -> None:
    with pytest.raises(ReplicaError, match="readonly"), replica.reading() as connection:
        connection.execute("DELETE FROM meta")
    assert noted(replica) == ""


def test_a_read_that_fails_leaves_the_reader_usable(replica: Replica) -> None:
    with pytest.raises(ZeroDivisionError), replica.reading():
        raise ZeroDivisionError
    with pytest.raises(sqlite3.OperationalError), replica.reading() as connection:
        connection.execute("SELECT * FROM nonsense")
    assert noted(replica) == ""


def test_readers_are_as_many_as_read_at_once_and_few_stay_open(replica: Replica) -> None:
    for _ in range(3):
        noted(replica)
    assert len(replica._readers._idle) == 1
    gate = threading.Barrier(12)

    def read() -> None:
        with replica.reading() as connection:
            get_meta(connection, "noted")
            gate.wait()

    threads = [threading.Thread(target=read) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replica._readers._idle) == 4


def test_closing_closes_readers_too(folder: Path) -> None:
    enrolled_folder(folder)
    with closing(Replica(folder)) as replica:
        noted(replica)
        idle = replica._readers._idle[0]
        with replica.reading() as busy:
            get_meta(busy, "noted")
            replica.close()
            assert get_meta(busy, "noted") == ""
    for connection in (idle, busy):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    with pytest.raises(ReplicaError, match="is closed"), replica.reading():
        pass
    with pytest.raises(ReplicaError, match="is closed"), replica.mirror.reading():
        pass
    with pytest.raises(ReplicaError, match="is closed"):
        replica.mirror.forget()
    with pytest.raises(ReplicaError, match="is closed"):
        replica.transact(note)


def test_a_folder_with_odd_characters_is_as_good_as_any(tmp_path: Path) -> None:
    folder = tmp_path / "Kasse 1 % #2?x=y 票"
    enrolled_folder(folder)
    with closing(Replica(folder)) as replica:
        replica.transact(note)
        assert noted(replica) == "1"
        assert replica.mirror.cursors() == {}
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["identity.json", "journal.db", "lock", "mirror.db", "node.key"]
    )


class _Busy:
    """Keeps the writer thread in a transaction until it is told to go on."""

    def __init__(self, replica: Replica) -> None:
        self.inside, self.go_on = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=replica.transact, args=(self._wait,))
        self.thread.start()
        assert self.inside.wait(10)

    def _wait(self, _unit: Unit) -> None:
        self.inside.set()
        assert self.go_on.wait(10)

    def end(self) -> None:
        self.go_on.set()
        self.thread.join()


def test_closing_finishes_what_is_queued(folder: Path) -> None:
    enrolled_folder(folder)
    replica = Replica(folder)
    busy = _Busy(replica)
    writers = [threading.Thread(target=write, args=(replica,)) for _ in range(3)]
    for thread in writers:
        thread.start()
    wait_until(lambda: replica._queue.qsize() == 3)
    closer = threading.Thread(target=replica.close)
    closer.start()
    wait_until(replica._closed.is_set)
    busy.end()
    for thread in (closer, *writers):
        thread.join()
    with closing(Replica(folder)) as again, again.reading() as connection:
        assert head_of(connection, EVENT).seq == 3


def test_a_transaction_that_comes_while_closing_is_refused_and_never_left_waiting(
    folder: Path,
) -> None:
    enrolled_folder(folder)
    replica = Replica(folder)

    class ClosedMeanwhile:
        """The check before the queue saw it open; then, before the item is in, all is over."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            if self.asked == 1:
                replica._closed = flag
                replica.close()
                replica._closed = self  # type: ignore[assignment]
                return False
            return True

    flag = replica._closed
    replica._closed = ClosedMeanwhile()  # type: ignore[assignment]
    with pytest.raises(ReplicaError, match="closed"):
        replica.transact(note)


def test_work_that_piles_up_is_refused_at_the_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled_folder(folder)
    replica = Replica(folder)
    busy = _Busy(replica)
    for _ in range(QUEUE_MAX):
        replica._queue.put_nowait((lambda _unit: None, Future()))
    # The limit of patience, without the waiting.
    at_once = partial(replica._queue.put, block=False)
    monkeypatch.setattr(replica._queue, "put", lambda item, **_patience: at_once(item))
    with pytest.raises(ReplicaError, match="does not keep up"):
        replica.transact(note)
    monkeypatch.undo()
    busy.end()
    replica.close()


def test_a_program_that_fails_before_closing_ends(folder: Path) -> None:
    enrolled_folder(folder)
    script = (
        f"from edge.replica import Replica; Replica(__import__('pathlib').Path({str(folder)!r}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"{script}; raise SystemExit(3)"],
        cwd=Path(__file__).parents[3],
        check=False,
        timeout=60,
    )
    assert ended.returncode == 3


# --- memory


def _cache_kib(connection: sqlite3.Connection) -> int:
    return -int(connection.execute("PRAGMA cache_size").fetchone()[0])


def test_no_connection_caches_more_than_a_little(replica: Replica) -> None:
    """A program has up to ten: with SQLite's usual 2 MiB each it grew for as long as it ran."""
    mirror = replica.mirror
    mirror.replace(EVENT, "0a1b2c3d", [()], 1)
    with replica.reading() as journal, mirror.reading() as copy:
        connections = (replica._journal, mirror._connection, journal, copy)
        assert [_cache_kib(each) for each in connections] == [CACHE_KIB] * 4


def test_readers_beyond_four_are_closed_once_they_have_read(replica: Replica) -> None:
    with ExitStack() as opened:
        connections = [opened.enter_context(replica.reading()) for _ in range(7)]
    closed = [each for each in connections if not _is_open(each)]
    assert len(closed) == 3


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True
