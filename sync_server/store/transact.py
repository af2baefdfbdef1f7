"""One change by a command, in its own transaction, without the writer's thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

from sync_server.store.writer import Transaction

T = TypeVar("T")


def transact(engine: Engine, job: Callable[[Transaction], T]) -> T:
    """Run a job and commit; nothing of it happened when it raises.

    Beside a running server this is safe: SQLite admits one writer at a time, PostgreSQL locks
    the stream's row, and the server notices the new revisions.
    """
    with engine.begin() as connection:
        return job(Transaction(connection, time.time_ns() // 1_000_000))
