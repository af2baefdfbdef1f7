"""The replica: a node's two files, one writer thread for the journal, readers wherever needed.

`journal.db` holds what this node did (durable before anybody is told), `mirror.db` what the
server told it (a cache that may be deleted at any time).
"""

from __future__ import annotations

import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from edge.database import create, open_existing, open_reader, storage_errors
from edge.errors import ReplicaError, ReplicaInUse
from edge.journal import SCHEMA, SCHEMA_VERSION, Unit, set_meta
from edge.mirror import Mirror

T = TypeVar("T")
QUEUE_MAX = 1_024
_STOP = None


def create_journal(path: Path, *, node_id: str, venue_id: str, incarnation: int) -> None:
    """Make the journal of a freshly enrolled node; an existing one of the same node is kept."""
    connection = create(path, SCHEMA, SCHEMA_VERSION, synchronous="FULL")
    try:
        with storage_errors(path), connection:
            connection.execute("BEGIN IMMEDIATE")
            for key, value in (
                ("node_id", node_id),
                ("venue_id", venue_id),
                ("incarnation", str(incarnation)),
            ):
                set_meta(Unit(connection), key, value)
    finally:
        connection.close()


class Replica:
    """Opens both files and owns the journal's writer thread."""

    def __init__(self, folder: Path) -> None:
        """Raises a ReplicaError with what to do when a file cannot be used."""
        self._lock = _hold(folder)
        self._journal_path = folder / "journal.db"
        try:
            self._journal = open_existing(self._journal_path, SCHEMA_VERSION, synchronous="FULL")
            self.mirror = Mirror(folder / "mirror.db")
        except BaseException:
            os.close(self._lock)
            raise
        self._queue: queue.Queue[tuple[Callable[[Unit], Any], Future[Any]] | None] = queue.Queue(
            QUEUE_MAX
        )
        self._local = threading.local()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="journal-writer")
        self._thread.start()

    def transact(self, work: Callable[[Unit], T]) -> T:
        """Run `work` on the writer thread; returns its result once it is on stable storage.

        What `work` raises is raised here and nothing of it is kept. Raises ReplicaError when the
        file cannot take it, and then nothing was recorded.
        """
        if self._closed.is_set():
            raise ReplicaError("the journal is closed: the program is stopping")
        future: Future[T] = Future()
        try:
            self._queue.put((work, future), timeout=5)
        except queue.Full:
            raise ReplicaError("the journal does not keep up with the work") from None
        return future.result()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent read of journal.db for the calling thread."""
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            connection = open_reader(self._journal_path)
            self._local.reader = connection
        with storage_errors(self._journal_path):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    def close(self) -> None:
        """Finish what is queued, then close both files. Safe to call twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._queue.put(_STOP)
        self._thread.join()
        self._journal.close()
        self.mirror.close()
        os.close(self._lock)

    def _loop(self) -> None:
        while (item := self._queue.get()) is not _STOP:
            self._run(*item)
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if item is not _STOP:
                item[1].set_exception(ReplicaError("the journal is closed"))

    def _run(self, work: Callable[[Unit], Any], future: Future[Any]) -> None:
        try:
            with storage_errors(self._journal_path):
                result = self._in_transaction(work)
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller who waits for it
            future.set_exception(error)
        else:
            future.set_result(result)

    def _in_transaction(self, work: Callable[[Unit], Any]) -> Any:
        self._journal.execute("BEGIN IMMEDIATE")
        try:
            result = work(Unit(self._journal))
            self._journal.execute("COMMIT")
        except BaseException:
            if self._journal.in_transaction:
                self._journal.execute("ROLLBACK")
            raise
        return result


def _hold(folder: Path) -> int:
    """Hold the folder for this process; the system lets go of it when the process ends."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise ReplicaInUse(
            f"{folder.name} is in use by another process: a node runs once; stop the other first"
        ) from error
    return handle
