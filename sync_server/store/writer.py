"""The one writer: a thread with one connection that makes every change, many in one commit.

Natural group commit: what arrived while the last commit was on its way to the disk is the next
batch. Each job runs in a savepoint, so a failing one takes nobody with it; nobody gets an answer
before the commit that makes it true.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text

from program.logs import get_logger
from sync_server.store.errors import StoreBusy

QUEUE_MAX = 4_096
BATCH_MAX = 256
_STOPPING = "the server is stopping; try again in a moment"
_log = get_logger(__name__)


class Transaction:
    """What a job gets: the connection, the time of the batch, and the feed's counters."""

    def __init__(self, connection: Connection, now_ms: int) -> None:
        self.connection = connection
        self.now_ms = now_ms
        self.touched: set[str] = set()

    def next_rev(self, event_id: str, count: int = 1) -> int:
        """Take `count` feed revisions of a stream and return the first.

        The counter's row stays locked until the commit, so revisions appear in commit order and
        a reader can never step over one that is still on its way.
        """
        head = self.connection.execute(
            text("UPDATE stream SET head = head + :n WHERE event_id = :e RETURNING head"),
            {"n": count, "e": event_id},
        ).scalar()
        if head is None:
            raise LookupError(f"no stream {event_id!r}")
        self.touched.add(event_id)
        return int(head) - count + 1

    def run(self, sql: str, **values: object) -> int:
        """One statement; the number of rows it changed."""
        return self.connection.execute(text(sql), values).rowcount

    def row(self, sql: str, **values: object) -> Any | None:
        """The first row, or None."""
        return self.connection.execute(text(sql), values).first()

    def rows(self, sql: str, **values: object) -> list[Any]:
        """All rows."""
        return list(self.connection.execute(text(sql), values))


T = TypeVar("T")
Job = Callable[[Transaction], T]


class Writer:
    """Runs jobs in order. `on_commit` is called on the writer's thread with the touched streams."""

    def __init__(self, engine: Engine, on_commit: Callable[[frozenset[str]], None]) -> None:
        self._engine = engine
        self._on_commit = on_commit
        self._queue: queue.Queue[tuple[Job[Any], Future[Any]] | None] = queue.Queue(QUEUE_MAX)
        self._thread = threading.Thread(target=self._loop, name="writer")
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is queued, then end. Whoever comes later gets StoreBusy."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()
        self._refuse_late_ones()

    def submit(self, job: Job[T]) -> Future[T]:
        """Queue a job; its result comes after the commit.

        Raises StoreBusy when the queue is full or the writer stops. A future that is cancelled
        before its turn takes its job with it; once the job has begun it can't be cancelled.
        """
        if self._stopping.is_set():
            raise StoreBusy(_STOPPING)
        future: Future[T] = Future()
        try:
            self._queue.put_nowait((job, future))
        except queue.Full:
            raise StoreBusy("the server is busy; try again") from None
        return future

    def _loop(self) -> None:
        running = True
        while running:
            batch = self._next_batch()
            running = batch[-1] is not None
            jobs = [
                item
                for item in batch
                if item is not None and item[1].set_running_or_notify_cancel()
            ]
            if jobs:
                self._commit(jobs)

    def _next_batch(self) -> list[tuple[Job[Any], Future[Any]] | None]:
        batch = [self._queue.get()]
        while batch[-1] is not None and len(batch) < BATCH_MAX:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _commit(self, jobs: list[tuple[Job[Any], Future[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, Exception | None]] = []
        try:
            with self._engine.begin() as connection:
                batch = Transaction(connection, int(time.time() * 1000))
                for job, future in jobs:
                    outcomes.append((future, *_attempt(batch, job)))
        except Exception as error:  # noqa: BLE001 - belongs to those who wait for the batch
            _log.error("commit_failed", error=type(error).__name__, jobs=len(jobs))
            for _job, future in jobs:
                future.set_exception(error)
            return
        try:
            self._on_commit(frozenset(batch.touched))
        except Exception:  # noqa: BLE001 - committed is committed, whatever becomes of the news
            _log.exception("on_commit_failed")
        for future, result, failure in outcomes:
            future.set_exception(failure) if failure else future.set_result(result)

    def _refuse_late_ones(self) -> None:
        """Who slipped in behind the last batch must not wait for ever."""
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if item is not None and item[1].set_running_or_notify_cancel():
                item[1].set_exception(StoreBusy(_STOPPING))


def _attempt(batch: Transaction, job: Job[Any]) -> tuple[Any, Exception | None]:
    savepoint = batch.connection.begin_nested()
    try:
        result = job(batch)
        savepoint.commit()
    except Exception as error:  # noqa: BLE001 - belongs to the one who waits for this job
        savepoint.rollback()
        return None, error
    return result, None
