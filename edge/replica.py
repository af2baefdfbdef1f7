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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from edge.database import create, open_existing, storage_errors
from edge.env import Env, MachineEnv, machine_id
from edge.errors import ReplicaError, ReplicaInUse
from edge.journal import (
    LockReason,
    Unit,
    get_meta,
    lock_node,
    lock_reason,
    note_machine,
    set_meta,
)
from edge.journal_schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION
from edge.mirror import Mirror
from edge.readers import Readers
from edge.recorder import Recorder, Witness
from program.logs import get_logger

T = TypeVar("T")
QUEUE_MAX = 1_024
_STOP = None
_log = get_logger(__name__)


def create_journal(
    path: Path, *, node_id: str, venue_id: str, incarnation: int, machine: str = ""
) -> None:
    """Make the journal of a node freshly enrolled on this machine; one that is there is kept.

    Raises ReplicaError when the file cannot be made, or is another node's: its operations would
    never fit this node's chain.
    """
    connection = create(path, SCHEMA, SCHEMA_VERSION, synchronous="FULL")
    try:
        owner = get_meta(connection, "node_id")
        if owner not in ("", node_id):
            raise ReplicaError(
                f"{path.name} in this folder belongs to another node ({owner}); keep it, and "
                "enrol this node in a new folder"
            )
        with storage_errors(path), connection:
            connection.execute("BEGIN IMMEDIATE")
            for key, value in (
                ("node_id", node_id),
                ("venue_id", venue_id),
                ("incarnation", str(incarnation)),
            ):
                set_meta(Unit(connection), key, value)
            note_machine(Unit(connection), machine)
    finally:
        connection.close()


class Replica:
    """Opens both files and owns the journal's writer thread."""

    def __init__(
        self, folder: Path, env: Env | None = None, witness: Witness | None = None
    ) -> None:
        """Raises a ReplicaError with what to do when a file cannot be used.

        Without a `witness` nobody vouches for the folder: for tools and tests alone.
        """
        self._journal_path = folder / "journal.db"
        with ExitStack() as opened:
            self._lock = _hold(folder)
            opened.callback(os.close, self._lock)
            self._journal = open_existing(
                self._journal_path, SCHEMA_VERSION, synchronous="FULL", migrations=MIGRATIONS
            )
            opened.callback(self._journal.close)
            self._recorder = Recorder(self._journal, env or MachineEnv(), witness, machine_id())
            with storage_errors(self._journal_path):
                reason = self._recorder.open()
            self.mirror = Mirror(folder / "mirror.db")
            opened.pop_all()  # all is well: `close` will do it
        if reason is not None and witness is not None:
            _log.error("journal_locked", reason=str(reason))
        if self._recorder.trouble is not None:
            _log.error("witness_not_written", error=str(self._recorder.trouble))
        self._readers = Readers(self._journal_path)
        self._queue: queue.Queue[tuple[Callable[[Unit], Any], Future[Any]] | None] = queue.Queue(
            QUEUE_MAX
        )
        self._closed = threading.Event()
        # A daemon: a program that fails before `close` ends, as a kill would end it, and does not
        # wait for ever.
        self._thread = threading.Thread(target=self._loop, name="journal-writer", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path:
        """Where the node's files are."""
        return self._journal_path.parent

    def transact(self, work: Callable[[Unit], T]) -> T:
        """Run `work` on the writer thread; returns its result once it is on stable storage.

        What `work` raises is raised here and nothing of it is kept. Raises ReplicaError when the
        file cannot take it, and then nothing was recorded. Not for use inside `work`.
        """
        assert threading.current_thread() is not self._thread, "the writer would wait for itself"
        if self._closed.is_set():
            raise ReplicaError("the journal is closed: the program is stopping")
        future: Future[T] = Future()
        try:
            self._queue.put((work, future), timeout=5)
        except queue.Full:
            raise ReplicaError("the journal does not keep up with the work") from None
        if self._closed.is_set():  # closed in between: the writer may have left before it came
            self._thread.join()
            self._refuse_queued()
        return future.result()

    def condemn(self, reason: LockReason) -> None:
        """Record nothing more from now on: what was recorded is not sound. On any thread.

        It holds as long as the program runs even where the file does not take it.
        """
        self._recorder.condemned = reason
        try:
            self.transact(lambda unit: lock_node(unit, reason))
        except ReplicaError as error:
            _log.error("lock_not_stored", reason=str(reason), error=str(error))

    def lock_reason(self) -> LockReason | None:
        """Why nothing is recorded here any more; None when it is."""
        if self._recorder.condemned is not None:
            return self._recorder.condemned
        with self.reading() as connection:
            return lock_reason(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent read of journal.db, on any thread."""
        with self._readers.reading() as connection:
            yield connection

    def close(self) -> None:
        """Finish what is queued, then close both files. Safe to call twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._queue.put(_STOP)
        self._thread.join()
        self._refuse_queued()
        self._readers.close()
        self._journal.close()
        self.mirror.close()
        os.close(self._lock)

    def _loop(self) -> None:
        while (item := self._queue.get()) is not _STOP:
            self._run(*item)

    def _refuse_queued(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if item is not _STOP:
                item[1].set_exception(ReplicaError("the journal is closed"))

    def _run(self, work: Callable[[Unit], Any], future: Future[Any]) -> None:
        known = self._recorder.trouble
        try:
            with storage_errors(self._journal_path):
                result = self._recorder.transact(work)
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller who waits for it
            future.set_exception(error)
        else:
            future.set_result(result)
        trouble = self._recorder.trouble
        if trouble is not None and known is None:
            _log.error("witness_not_written", error=str(trouble))


def _hold(folder: Path) -> int:
    """Hold the folder for this process; the system lets go of it when the process ends."""
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ReplicaError(
            f"the data folder {folder.name} cannot be used: {error.strerror}"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise ReplicaInUse(
            f"{folder.name} is in use by another process: a node runs once; stop the other first"
        ) from error
    return handle
