"""The writer: nobody is answered before the commit, and nobody pays for another's mistake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError

from sync_server.store import writer as writer_module
from sync_server.store.database import open_engine, read_only
from sync_server.store.errors import StoreBusy
from sync_server.store.transact import transact
from sync_server.store.writer import BATCH_MAX, STAND_BACK_S, Runner, Transaction, Writer, _Item
from tests.fakes.databases import fresh_database

WAIT_S = 20
STREAM = "swan-lake"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with a counter and a table whose rule is only checked at the commit."""
    with fresh_database(tmp_path) as url:
        engine = open_engine(url)
        with engine.begin() as connection:
            for sql in (
                "CREATE TABLE stream (event_id TEXT PRIMARY KEY, head BIGINT NOT NULL)",
                "INSERT INTO stream VALUES ('swan-lake', 0)",
                "CREATE TABLE note (n INTEGER PRIMARY KEY)",
                "CREATE TABLE late (n INTEGER PRIMARY KEY REFERENCES note (n) "
                "DEFERRABLE INITIALLY DEFERRED)",
            ):
                connection.execute(text(sql))
        yield engine
        engine.dispose()


def notes(engine: Engine) -> list[int]:
    with read_only(engine).connect() as connection:
        return [row[0] for row in connection.execute(text("SELECT n FROM note ORDER BY n"))]


def note(n: int) -> Callable[[Transaction], int]:
    def job(tx: Transaction) -> int:
        tx.run("INSERT INTO note VALUES (:n)", n=n)
        return n

    return job


def breaks_the_commit(tx: Transaction) -> None:
    tx.run("INSERT INTO late VALUES (-1)")


NO_STEPS = Runner(lambda *_a: ([], False), lambda *_a: ([], False))


class Gated:
    """A writer held back by its first job, so that a test knows what is one batch."""

    def __init__(
        self, engine: Engine, on_commit: Callable[[frozenset[str]], None] = lambda _streams: None
    ) -> None:
        self.writer = Writer(engine, on_commit, NO_STEPS)
        self._entered, self._go = threading.Event(), threading.Event()
        self.writer.start()
        self.first = self.writer.submit(self._hold)
        assert self._entered.wait(WAIT_S)

    def _hold(self, _tx: Transaction) -> str:
        self._entered.set()
        assert self._go.wait(WAIT_S)
        return "first"

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def gated(engine: Engine) -> Iterator[Gated]:
    gated = Gated(engine)
    yield gated
    gated.let_go()
    gated.writer.stop()


def test_jobs_run_in_order_and_return_their_results(engine: Engine, gated: Gated) -> None:
    futures = [gated.writer.submit(note(n)) for n in range(1, 6)]
    gated.let_go()
    assert [future.result(WAIT_S) for future in futures] == [1, 2, 3, 4, 5]
    assert gated.first.result(WAIT_S) == "first"
    assert notes(engine) == [1, 2, 3, 4, 5]


def test_what_waited_is_one_commit(engine: Engine, gated: Gated) -> None:
    commits: list[int] = []
    event.listen(engine, "commit", lambda _connection: commits.append(1))
    futures = [gated.writer.submit(note(n)) for n in range(50)]
    gated.let_go()
    for future in futures:
        future.result(WAIT_S)
    assert len(commits) == 2  # the first job's, and one for all that waited


def test_a_batch_has_a_limit(engine: Engine, gated: Gated) -> None:
    commits: list[int] = []
    event.listen(engine, "commit", lambda _connection: commits.append(1))
    futures = [gated.writer.submit(note(n)) for n in range(BATCH_MAX + 1)]
    gated.let_go()
    for future in futures:
        future.result(WAIT_S)
    assert len(commits) == 3


def test_nobody_is_answered_before_the_commit(engine: Engine) -> None:
    """At the commit itself no future is done; in each callback the row is there for a reader."""
    pending: list[Future[int]] = []
    done_at_commit: list[list[bool]] = []
    seen: list[list[int]] = []
    gated = Gated(engine)
    event.listen(
        engine, "commit", lambda _c: done_at_commit.append([future.done() for future in pending])
    )
    for n in (1, 2, 3):
        future = gated.writer.submit(note(n))
        future.add_done_callback(lambda _future: seen.append(notes(engine)))
        pending.append(future)
    gated.let_go()
    gated.writer.stop()
    assert done_at_commit == [[False] * 3] * 2
    assert seen == [[1, 2, 3]] * 3


def test_news_come_after_the_commit_and_before_the_answers(engine: Engine) -> None:
    told: list[tuple[frozenset[str], list[int], bool]] = []
    futures: list[Future[Any]] = []

    def on_commit(streams: frozenset[str]) -> None:
        told.append((streams, notes(engine), any(future.done() for future in futures)))

    def job(tx: Transaction) -> int:
        tx.run("INSERT INTO note VALUES (1)")
        return tx.next_rev(STREAM, 3)

    gated = Gated(engine, on_commit)
    futures.append(gated.writer.submit(job))
    gated.let_go()
    assert futures[0].result(WAIT_S) == 1
    gated.writer.stop()
    assert told == [(frozenset(), [], False), (frozenset({STREAM}), [1], False)]


@pytest.mark.expected_errors("on_commit_failed")
def test_news_that_go_wrong_leave_nobody_waiting_and_the_writer_goes_on(engine: Engine) -> None:

    def on_commit(streams: frozenset[str]) -> None:
        if streams:
            raise RuntimeError("nobody listens")

    gated = Gated(engine, on_commit)
    future = gated.writer.submit(lambda tx: tx.next_rev(STREAM))
    gated.let_go()
    assert future.result(WAIT_S) == 1
    assert gated.writer.submit(lambda tx: tx.next_rev(STREAM)).result(WAIT_S) == 2
    gated.writer.stop()


def test_a_failing_job_takes_nobody_with_it(engine: Engine, gated: Gated) -> None:
    def fails(tx: Transaction) -> None:
        tx.run("INSERT INTO note VALUES (7)")
        tx.next_rev(STREAM, 10)
        raise LookupError("lost my way")

    before = gated.writer.submit(note(1))
    failing = gated.writer.submit(fails)
    clashing = gated.writer.submit(note(1))
    malformed = gated.writer.submit(lambda tx: tx.run("SELECT nonsense FROM nowhere"))
    after = gated.writer.submit(note(2))
    gated.let_go()
    assert (before.result(WAIT_S), after.result(WAIT_S)) == (1, 2)
    with pytest.raises(LookupError, match="lost my way"):
        failing.result(WAIT_S)
    with pytest.raises(IntegrityError):
        clashing.result(WAIT_S)
    assert malformed.exception(WAIT_S) is not None
    assert notes(engine) == [1, 2]
    assert transact(engine, lambda tx: tx.next_rev(STREAM)) == 1  # its revisions were given back


@pytest.mark.expected_errors("commit_failed")
def test_a_commit_that_fails_fails_everybody_in_it_and_nobody_after(
    engine: Engine, gated: Gated
) -> None:
    told = [gated.writer.submit(note(n)) for n in (1, 2)]
    culprit = gated.writer.submit(breaks_the_commit)
    gated.let_go()
    outcomes = [*(future.exception(WAIT_S) for future in told), culprit.exception(WAIT_S)]
    assert [type(outcome) for outcome in outcomes] == [IntegrityError] * 3
    assert notes(engine) == []
    assert gated.writer.submit(note(3)).result(WAIT_S) == 3
    assert notes(engine) == [3]


@pytest.mark.expected_errors("commit_failed")
def test_no_news_of_a_commit_that_failed(engine: Engine) -> None:
    told: list[frozenset[str]] = []
    gated = Gated(engine, told.append)

    def job(tx: Transaction) -> None:
        tx.next_rev(STREAM)
        breaks_the_commit(tx)

    future = gated.writer.submit(job)
    gated.let_go()
    assert isinstance(future.exception(WAIT_S), IntegrityError)
    gated.writer.stop()
    assert told == [frozenset()]  # of the first job only


def test_a_full_queue_is_busy_and_not_a_wait(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_MAX", 2)
    gated = Gated(engine)
    queued = [gated.writer.submit(note(n)) for n in (1, 2)]
    with pytest.raises(StoreBusy, match="try again"):
        gated.writer.submit(note(3))
    gated.let_go()
    assert [future.result(WAIT_S) for future in queued] == [1, 2]
    gated.writer.stop()
    assert notes(engine) == [1, 2]


def test_stopping_finishes_what_is_queued(engine: Engine) -> None:
    gated = Gated(engine)
    futures = [gated.writer.submit(note(n)) for n in (1, 2, 3)]
    gated.let_go()
    gated.writer.stop()
    assert all(future.done() for future in futures)
    assert notes(engine) == [1, 2, 3]


def test_who_comes_after_the_stop_is_told_at_once(engine: Engine) -> None:
    gated = Gated(engine)
    gated.let_go()
    gated.writer.stop()
    with pytest.raises(StoreBusy, match="stopping"):
        gated.writer.submit(note(1))


def test_who_slipped_in_behind_the_stop_does_not_wait_for_ever(engine: Engine) -> None:
    gated = Gated(engine)
    stopping = threading.Thread(target=gated.writer.stop)
    stopping.start()
    assert gated.writer._stopping.wait(WAIT_S)
    late: Future[int] = Future()
    while gated.writer._queue.empty():
        pass  # until the stop mark is in
    gated.writer._queue.put(_Item(note(1), late))
    gated.let_go()
    stopping.join(WAIT_S)
    assert isinstance(late.exception(WAIT_S), StoreBusy)
    assert notes(engine) == []


def test_a_cancelled_job_does_not_run_and_harms_nobody(engine: Engine, gated: Gated) -> None:
    dropped, kept = gated.writer.submit(note(1)), gated.writer.submit(note(2))
    assert dropped.cancel()
    gated.let_go()
    assert kept.result(WAIT_S) == 2
    assert notes(engine) == [2]


def test_a_job_that_has_begun_cannot_be_cancelled(gated: Gated) -> None:
    assert not gated.first.cancel()
    gated.let_go()
    assert gated.first.result(WAIT_S) == "first"


def test_a_revision_is_taken_once(engine: Engine) -> None:
    assert transact(engine, lambda tx: [tx.next_rev(STREAM), tx.next_rev(STREAM, 5)]) == [1, 2]
    assert transact(engine, lambda tx: tx.next_rev(STREAM)) == 7


def test_a_revision_of_no_stream_is_a_bug(engine: Engine) -> None:
    with pytest.raises(LookupError, match="no stream 'nutcracker'"):
        transact(engine, lambda tx: tx.next_rev("nutcracker"))


def test_a_transaction_knows_which_streams_it_touched(engine: Engine) -> None:
    def job(tx: Transaction) -> tuple[set[str], set[str]]:
        before = set(tx.touched)
        tx.next_rev(STREAM)
        return before, set(tx.touched)

    assert transact(engine, job) == (set(), {STREAM})


def test_a_command_that_fails_leaves_nothing(engine: Engine) -> None:
    def job(tx: Transaction) -> None:
        note(1)(tx)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        transact(engine, job)
    assert notes(engine) == []


class Held:
    """A step that is being decided until it is let go."""

    stream = STREAM

    def __init__(self) -> None:
        self.entered, self.go = threading.Event(), threading.Event()

    def decide(self) -> None:
        self.entered.set()
        assert self.go.wait(WAIT_S)


@pytest.mark.parametrize("computes_here", [True, False])
def test_who_brings_steps_stands_back_once_for_a_long_batch_and_only_where_both_compute(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, computes_here: bool
) -> None:
    waits: list[float] = []

    class Turn:
        """A lock that is taken while a batch is decided, and notes who waited for it."""

        def __init__(self) -> None:
            self.lock = threading.Lock()

        def acquire(self, timeout: float) -> bool:
            waits.append(timeout)
            return self.lock.acquire(timeout=0.01)

        def release(self) -> None:
            self.lock.release()

        def __enter__(self) -> None:
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    def run(_sql: object, steps: Sequence[Any], _now_ms: int) -> tuple[list[Any], bool]:
        for step in steps:
            step.decide()
        return [None] * len(steps), False

    writer = Writer(engine, lambda _streams: None, Runner(run, run))
    monkeypatch.setattr(writer, "_deciding", Turn())
    monkeypatch.setattr(writer, "_computes_here", computes_here)
    writer.start()
    for number in (1, 2):
        step, future = Held(), Future[None]()
        writer.submit_for(step, future)
        assert step.entered.wait(WAIT_S)
        writer.stand_back()
        writer.stand_back()  # what takes long is waited for once
        assert waits == [STAND_BACK_S] * number * computes_here
        step.go.set()
        future.result(WAIT_S)
    writer.stop()
