"""The one writer: a thread with one connection that makes every change, many in one commit.

Natural group commit: what arrived while the last commit was on its way to the disk is the next
batch. Two kinds of work come to it: jobs, each in a savepoint of its own, and steps, all those of
one stream together as one piece of work. A batch that fails is done again one by one, so that a
failing one takes nobody with it. Nobody gets an answer before the commit that makes it true.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from program.logs import get_logger
from sync_server.store.errors import StoreBusy, StreamRefused
from sync_server.store.sql import Sql

if TYPE_CHECKING:
    import asyncio

QUEUE_MAX = 4_096
BATCH_MAX = 512
STAND_BACK_S = 0.03
"""So long at most the event loop stands back for one batch, see `Writer.stand_back`."""
TRIES_MAX = 3
"""So often a batch is begun again that was in the way of another server's."""
UNAVAILABLE = (
    sqlite3.OperationalError,
    psycopg.OperationalError,
    psycopg.InterfaceError,  # a connection that was found closed
    OperationalError,
    InterfaceError,
)
"""The database's fault and not a request's: nothing is gained by doing requests one by one."""
_ARRIVED = "boxgate_arrived"
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


class StreamTask(Protocol):
    """A step as the writer sees it: on which stream. What it does, only the runner knows."""

    @property
    def stream(self) -> str:
        """The stream it changes."""


Run = Callable[[Sql, Sequence[Any], int], tuple[list[Any], bool]]
"""Runs steps of one stream at a time in Unix ms: their answers, and whether the feed has news."""


Arrive = Callable[[Transaction], Callable[[], None] | None]
"""Looks around on a connection that is new, before anything is written by it. What it gives is
called after the commit, and before the answer to anybody who was waiting."""


@dataclass(frozen=True, slots=True)
class Runner:
    """How steps are run: many together, or one alone after the many have failed."""

    together: Run
    alone: Run
    arrive: Arrive | None = None


@dataclass(slots=True)
class _Item:
    """One thing to do, and what became of it."""

    task: Job[Any] | StreamTask
    future: Future[Any] | asyncio.Future[Any]
    result: Any = None
    failure: Exception | None = None

    @property
    def is_job(self) -> bool:
        return callable(self.task)

    def begin(self) -> bool:
        """False when nobody waits for it any more."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()

    def settle(self) -> None:
        if self.future.done():  # whoever waited on the event loop went away meanwhile
            return
        if self.failure is not None:
            self.future.set_exception(self.failure)
        else:
            self.future.set_result(self.result)


class Writer:
    """Does what it is given, in order.

    `on_commit` is called on the writer's thread with the touched streams, before anybody is
    answered. `hand_over` is given the answering of each batch, to call it where the waiting is
    done; without it answers are given on the writer's thread.
    """

    def __init__(
        self,
        engine: Engine,
        on_commit: Callable[[frozenset[str]], None],
        runner: Runner,
        hand_over: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._engine = engine
        self._on_commit = on_commit
        self._runner = runner
        self._hand_over = hand_over or _at_once
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="writer")
        self._stopping = threading.Event()
        self._deciding = threading.Lock()
        self._batches = 0
        self._long_batch = 0
        self._computes_here = engine.dialect.name == "sqlite"

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
        future: Future[T] = Future()
        self.submit_for(job, future)
        return future

    def submit_for(
        self, task: Job[Any] | StreamTask, future: Future[Any] | asyncio.Future[Any]
    ) -> None:
        """Queue a job or a step for whoever waits for this future. Raises StoreBusy."""
        if self._stopping.is_set():
            raise StoreBusy(_STOPPING)
        if self._queue.qsize() >= QUEUE_MAX:
            raise StoreBusy("the server is busy; try again")
        self._queue.put(_Item(task, future))

    def stand_back(self) -> None:
        """Called on the event loop before it prepares a step: waits while a batch is decided.

        Two threads that both compute have one interpreter between them, and the writer, for which
        everybody waits, would have to ask for it back after each of a batch's some forty calls of
        SQLite. So the loop does its part while the writer commits. A batch that takes longer than
        STAND_BACK_S is waited for once; PostgreSQL computes elsewhere, and is not waited for.
        """
        if not self._computes_here or self._long_batch == self._batches:
            return
        if self._deciding.acquire(timeout=STAND_BACK_S):
            self._deciding.release()
        else:
            self._long_batch = self._batches

    def _loop(self) -> None:
        running = True
        while running:
            batch = self._next_batch()
            running = batch[-1] is not None
            items = [item for item in batch if item is not None and item.begin()]
            if items:
                self._do(items)

    def _next_batch(self) -> list[_Item | None]:
        batch = [self._queue.get()]
        while batch[-1] is not None and len(batch) < BATCH_MAX:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _do(self, items: list[_Item]) -> None:
        """All in one commit; one by one when that fails and it may be the fault of one of them."""
        failure = self._commit(items, self._runner.together)
        for _ in range(TRIES_MAX - 1):
            if failure is None or not _is_in_the_way(failure):
                break
            _log.warning("batch_in_the_way", error=type(failure).__name__, jobs=len(items))
            failure = self._commit(items, self._runner.together)
        if failure is None:
            return
        if isinstance(failure, UNAVAILABLE) or all(item.is_job for item in items):
            self._fail(items, failure)
            return
        _log.warning("batch_failed", error=type(failure).__name__, jobs=len(items))
        for item in items:
            error = self._commit([item], self._runner.alone)
            if error is not None:
                self._fail([item], error)

    def _fail(self, items: list[_Item], failure: Exception) -> None:
        _log.error("commit_failed", error=type(failure).__name__, jobs=len(items))
        for item in items:
            item.failure = failure
        self._settle(items)

    def _commit(self, items: list[_Item], run: Run) -> Exception | None:
        """Do them and commit. Whoever asked is answered, unless this gives the failure of all."""
        try:
            with self._begin() as connection:
                batch = Transaction(connection, _now_ms())
                self._batches += 1
                with self._deciding:
                    _run_steps(batch, [item for item in items if not item.is_job], run)
                for item in items:
                    if item.is_job:
                        _attempt(batch, item)
        except Exception as error:  # noqa: BLE001 - belongs to those who wait for the batch
            return error
        try:
            self._on_commit(frozenset(batch.touched))
        except Exception:  # noqa: BLE001 - committed is committed, whatever becomes of the news
            _log.exception("on_commit_failed")
        self._settle(items)
        return None

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction, on a connection that has been looked around on."""
        if self._runner.arrive is None:
            with self._engine.begin() as connection:
                yield connection
            return
        with self._engine.connect() as connection:
            if _ARRIVED not in connection.info:
                self._arrive(connection, self._runner.arrive)
            with connection.begin():
                yield connection

    def _arrive(self, connection: Connection, arrive: Arrive) -> None:
        with connection.begin():
            first = Transaction(connection, _now_ms())
            tell = arrive(first)
        connection.info[_ARRIVED] = True  # the pool forgets it together with the connection
        if tell is not None:
            tell()
            self._on_commit(frozenset(first.touched))

    def _settle(self, items: list[_Item]) -> None:
        def settle() -> None:
            for item in items:
                item.settle()

        self._hand_over(settle)

    def _refuse_late_ones(self) -> None:
        """Who slipped in behind the last batch must not wait for ever."""
        late: list[_Item] = []
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is not None and item.begin():
                item.failure = StoreBusy(_STOPPING)
                late.append(item)
        self._settle(late)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _at_once(settle: Callable[[], None]) -> None:
    settle()


def _run_steps(batch: Transaction, items: list[_Item], run: Run) -> None:
    by_stream: dict[str, list[_Item]] = {}
    for item in items:
        assert not callable(item.task)
        by_stream.setdefault(item.task.stream, []).append(item)
    for stream, ours in sorted(
        by_stream.items()
    ):  # one order, so that no two servers lock crosswise
        try:
            answers, has_news = run(
                Sql.of(batch.connection), [item.task for item in ours], batch.now_ms
            )
        except StreamRefused as refusal:
            for item in ours:
                item.failure = refusal
            continue
        for item, answer in zip(ours, answers, strict=True):
            item.result, item.failure = answer, None
        if has_news:
            batch.touched.add(stream)


def _attempt(batch: Transaction, item: _Item) -> None:
    assert callable(item.task)
    savepoint = batch.connection.begin_nested()
    try:
        item.result, item.failure = item.task(batch), None
        savepoint.commit()
    except Exception as error:
        savepoint.rollback()
        if _is_in_the_way(error):
            raise
        item.failure = error


def _is_in_the_way(error: Exception) -> bool:
    """Whether two servers waited for each other's rows, and this one was told to begin again."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure))
