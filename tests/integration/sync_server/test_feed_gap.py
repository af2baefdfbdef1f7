"""Why revisions come from a counter row that stays locked until the commit, and no sequence.

A sequence hands out numbers in one order and transactions commit in another. A reader that has
seen a later number moves its cursor past the earlier one, and never asks for it again.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
import pytest

WRITERS = 16
BY_SEQUENCE = "SELECT nextval('revision')"
BY_COUNTER = "UPDATE stream SET head = head + 1 RETURNING head"

Connect = Callable[[], psycopg.Connection]


@pytest.fixture
def connect(postgres_url: str) -> Iterator[Connect]:
    """Connections to a feed of the test's own."""
    schema = f"gap_{secrets.token_hex(8)}"
    with ExitStack() as opened:
        admin = opened.enter_context(psycopg.connect(postgres_url, autocommit=True))
        admin.execute(f"CREATE SCHEMA {schema}")
        opened.callback(admin.execute, f"DROP SCHEMA {schema} CASCADE")

        def make() -> psycopg.Connection:
            return opened.enter_context(
                psycopg.connect(postgres_url, options=f"-csearch_path={schema}")
            )

        with make() as founder:
            founder.execute("CREATE SEQUENCE revision")
            founder.execute("CREATE TABLE stream (head bigint NOT NULL)")
            founder.execute("INSERT INTO stream VALUES (0)")
            founder.execute("CREATE TABLE feed (rev bigint PRIMARY KEY)")
        yield make


def write(connection: psycopg.Connection, numbering: str) -> int:
    """Number a row and insert it; the caller commits."""
    row = connection.execute(numbering).fetchone()
    assert row is not None
    connection.execute("INSERT INTO feed VALUES (%s)", row)
    return int(row[0])


@dataclass
class Poller:
    """Reads what is new behind its cursor, as nodes do."""

    connection: psycopg.Connection
    cursor: int = 0
    seen: list[int] = field(default_factory=list)

    def poll(self) -> None:
        rows = self.connection.execute(
            "SELECT rev FROM feed WHERE rev > %s ORDER BY rev", (self.cursor,)
        ).fetchall()
        self.connection.rollback()
        self.seen += [row[0] for row in rows]
        self.cursor = self.seen[-1] if self.seen else 0


def test_a_sequence_lets_a_reader_step_over_what_commits_late(connect: Connect) -> None:
    writers, poller = [connect() for _ in range(WRITERS)], Poller(connect())
    assert [write(each, BY_SEQUENCE) for each in writers] == list(range(1, WRITERS + 1))
    writers[-1].commit()
    poller.poll()
    for each in writers[:-1]:
        each.commit()
    poller.poll()
    stored = poller.connection.execute("SELECT count(*) FROM feed").fetchone()
    assert stored == (WRITERS,)
    assert poller.seen == [WRITERS], "fifteen of sixteen rows are never heard of"


def test_the_counter_row_makes_the_second_wait_for_the_firsts_commit(connect: Connect) -> None:
    first, second, poller = connect(), connect(), Poller(connect())
    write(first, BY_COUNTER)

    def write_and_commit() -> None:
        write(second, BY_COUNTER)
        second.commit()

    waiting = threading.Thread(target=write_and_commit)
    waiting.start()
    until_blocked_by(poller.connection, second, first)
    poller.poll()
    assert poller.seen == []
    first.commit()
    waiting.join()
    poller.poll()
    assert poller.seen == [1, 2]


def until_blocked_by(
    witness: psycopg.Connection, blocked: psycopg.Connection, by: psycopg.Connection
) -> None:
    """Wait until the database says that one waits for the other."""
    until_s = time.monotonic() + 30
    question = "SELECT %s = ANY (pg_blocking_pids(%s))"
    while time.monotonic() < until_s:
        row = witness.execute(question, (by.info.backend_pid, blocked.info.backend_pid)).fetchone()
        witness.rollback()
        if row == (True,):
            return
        time.sleep(0.01)
    pytest.fail("the second writer never waited")


def test_sixteen_writers_and_a_reader_miss_nothing_with_the_counter_row(connect: Connect) -> None:
    each_writes = 40
    poller = Poller(connect())

    def write_all(connection: psycopg.Connection) -> None:
        for _ in range(each_writes):
            write(connection, BY_COUNTER)
            connection.commit()

    threads = [threading.Thread(target=write_all, args=(connect(),)) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        poller.poll()
    poller.poll()
    assert poller.seen == list(range(1, WRITERS * each_writes + 1))
