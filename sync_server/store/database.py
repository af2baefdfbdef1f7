"""Opening the database: SQLite by default, PostgreSQL by URL. The only place with dialects in it.

The writer's transactions are serial: `BEGIN IMMEDIATE` on SQLite, one connection on both. Durable:
`synchronous=FULL` on SQLite, the server's default on PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from sync_server.store.errors import (
    StoreDamaged,
    StoreError,
    StoreFromNewerVersion,
    StoreFromOlderVersion,
    StoreMissing,
)
from sync_server.store.schema import SCHEMA_VERSION, metadata
from sync_server.store.sql import STATEMENTS_KEPT

READERS_MAX = 4
_BUSY_TIMEOUT_S = 10
IDLE_TRANSACTION_MS = 5_000
"""PostgreSQL ends a transaction of ours that nothing was heard of for so long, and frees its rows:
a server that froze in the middle, or whose machine is gone, must not hold an event for ever."""
CONNECTION_SETTINGS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A PostgreSQL whose machine is gone is noticed within so long, and not after a quarter of an hour."""

UNFINISHED = "unfinished_restore"
"""A table that is there while a backup is being put in: such a database is still of the history
that the backup was taken in, and must not be served."""

T = TypeVar("T")


def open_engine(url: str) -> Engine:
    """An engine with Boxgate's durability settings; nothing is connected yet."""
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(
            _psycopg_url(url),
            connect_args=dict(CONNECTION_SETTINGS),
            pool_size=READERS_MAX + 1,
            max_overflow=0,
            pool_pre_ping=True,
        )
        event.listen(engine, "connect", _configure_postgresql)
        return engine
    engine = create_engine(
        url,
        connect_args={
            "timeout": _BUSY_TIMEOUT_S,
            "check_same_thread": False,
            "cached_statements": STATEMENTS_KEPT,
        },
        pool_size=READERS_MAX + 1,
        max_overflow=0,
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def create_schema(engine: Engine) -> None:
    """Make all tables in an empty database and note the schema's version."""
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(
            text("INSERT INTO meta (k, v) VALUES ('schema_version', :v)"),
            {"v": str(SCHEMA_VERSION)},
        )


def is_initialised(engine: Engine) -> bool:
    """Whether `init` has run on this database. Raises StoreError when it cannot be read."""
    return (
        _guarded(engine, lambda connection: _meta_value(connection, "schema_version")) is not None
    )


def sound_version(engine: Engine) -> int:
    """The schema's version of a sound database that this program knows; see `check_schema`."""
    found = _guarded(engine, lambda connection: _meta_value(connection, "schema_version"))
    if found is None:
        raise StoreMissing(
            f"{describe(engine)} holds no Boxgate database; run 'boxgate-server init' first"
        )
    if int(found) > SCHEMA_VERSION:
        raise StoreFromNewerVersion(
            f"{describe(engine)} was written by a newer Boxgate (schema {found}, this program "
            f"knows {SCHEMA_VERSION}); install the newer program, nothing was changed"
        )
    if engine.dialect.name == "sqlite":
        verdict = _guarded(engine, lambda c: c.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        if verdict != "ok":
            raise StoreDamaged(_damage_sentence(engine, str(verdict)))
    return int(found)


def check_schema(engine: Engine) -> None:
    """Raise a StoreError with what to do unless this database is ours, sound and of our version."""
    found = sound_version(engine)
    if _guarded(engine, lambda c: c.dialect.has_table(c, UNFINISHED)):
        raise StoreError(
            f"a restore of {describe(engine)} was cut off; make a new, empty database, set "
            "'database_url' to it and run 'boxgate-server restore' again"
        )
    if found < SCHEMA_VERSION:
        raise StoreFromOlderVersion(
            f"{describe(engine)} was written by an older Boxgate (schema {found}, this program "
            f"needs {SCHEMA_VERSION}); stop every server that uses it, then run "
            "'boxgate-server migrate'; nothing was changed"
        )


def read_only(engine: Engine) -> Engine:
    """The engine for readers: one snapshot a transaction, and no write lock of SQLite's."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(boxgate_read_only=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _guarded(engine: Engine, work: Callable[[Connection], T]) -> T:
    try:
        with read_only(engine).connect() as connection:
            return work(connection)
    except OperationalError as error:
        raise StoreError(f"cannot open {describe(engine)}: {error.orig}") from error
    except DatabaseError as error:
        raise StoreDamaged(_damage_sentence(engine, str(error.orig))) from error


def _meta_value(connection: Connection, key: str) -> str | None:
    if not connection.dialect.has_table(connection, "meta"):
        return None
    value = connection.execute(text("SELECT v FROM meta WHERE k = :k"), {"k": key}).scalar()
    return None if value is None else str(value)


def _damage_sentence(engine: Engine, detail: str) -> str:
    return (
        f"{describe(engine)} is damaged ({detail}); nothing was changed: keep the file, and restore "
        "the last backup in a new folder"
    )


def describe(engine: Engine) -> str:
    """The database as people know it, without its password."""
    if engine.dialect.name == "sqlite":
        return f"database {Path(str(engine.url.database)).name}"
    return f"database {engine.url.database} on {engine.url.host or 'the local socket'}"


def _psycopg_url(url: str) -> str:
    return str(make_url(url).set(drivername="postgresql+psycopg").render_as_string(False))


_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    # A statement of many rows keeps what it may have to undo: in memory, not in a new file each.
    "temp_store=MEMORY",
    "cache_size=-65536",  # KiB: the pages that sales of many tills are spread over
    "wal_autocheckpoint=2000",  # pages: most are written anew many times between two checkpoints
)


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event starts transactions, not sqlite3
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgresql(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.execute(
        f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_MS}"  # our own number
    )
    connection.commit()


def _begin(connection: Connection) -> None:
    read = connection.get_execution_options().get("boxgate_read_only")
    connection.exec_driver_sql("BEGIN" if read else "BEGIN IMMEDIATE")
