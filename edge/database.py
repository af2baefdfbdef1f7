"""Opening a node's SQLite files, and telling apart what can be wrong with them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from edge.errors import (
    ReplicaDamaged,
    ReplicaError,
    ReplicaFromNewerVersion,
    ReplicaFull,
    ReplicaMissing,
)

_BUSY_TIMEOUT_S = 5.0
CHECKED_BYTES_MAX = 64 * 1024 * 1024
"""Larger files are looked over while the program runs: 400 MB take two seconds (inspector.py)."""
_STEPS_BETWEEN_LOOKS = 20_000
CACHE_KIB = 512
"""Of each connection, and a program has up to ten. Whatever anybody writes empties a reader's cache,
a writer touches few pages at a time, and the system keeps the files' pages anyway; SQLite's usual
2 MiB each only have the program grow for hours."""
# A full disk shows in three ways: no room for the file, for a write under a size limit or quota,
# and for the next part of the -shm file.
_FULL_CODES = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
)
_DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNUSABLE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
    }
)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into ours; bugs in SQL pass through unchanged."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code in _FULL_CODES:
            raise ReplicaFull(
                f"{path.name} cannot grow: the disk is full; nothing was recorded, free some space"
            ) from error
        if code & 0xFF in _DAMAGE_CODES:
            raise damaged(path, str(error)) from error
        if code & 0xFF in _UNUSABLE_CODES:
            raise ReplicaError(
                f"{path.name} cannot be used: {error}; check the disk, and that no other program "
                "has the file open"
            ) from error
        raise


def create(path: Path, schema: str, version: int, *, synchronous: str) -> sqlite3.Connection:
    """Open for writing, making an empty file's tables first."""
    with storage_errors(path), _closed_if_it_fails(_connect(path)) as connection:
        _prepare(connection, synchronous)
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) == 0:
            _execute_all(connection, schema)
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    return connection


def open_existing(
    path: Path, version: int, *, synchronous: str, migrations: Mapping[int, str] | None = None
) -> sqlite3.Connection:
    """Open for writing a file that must be there, sound and of a version we know.

    An older one is brought up by `migrations`, each from the version that is its key, all in one
    transaction. A file that is refused has not been touched: it is looked at by a reader first.
    """
    if not path.exists():
        raise ReplicaMissing(
            f"{path.name} is gone although this node is enrolled: sales or entries on it may be "
            "lost; do not go on with a new file, call the manager and enrol the node again"
        )
    if path.stat().st_size == 0:  # SQLite would take it for a new database and drop its log
        raise damaged(path, "it is empty")
    with closing(open_reader(path)) as reader, storage_errors(path):
        _check(path, reader, version)
    with storage_errors(path), _closed_if_it_fails(_connect(path)) as connection:
        _prepare(connection, synchronous)
        _migrate(connection, version, migrations or {})
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection. One thread at a time may use it."""
    with storage_errors(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        with _closed_if_it_fails(connection):
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def let_go_of_pages(connection: sqlite3.Connection) -> None:
    """After a table was read from end to end: keep none of its pages, which the next reader of this
    connection has no use for.
    """
    connection.execute("PRAGMA shrink_memory")


def was_checked(path: Path) -> bool:
    """Whether every page of a file of this size is looked at before it is opened."""
    return path.stat().st_size <= CHECKED_BYTES_MAX


def is_sound(path: Path, stop: threading.Event) -> bool:
    """Look at every page and row of a large file; True also when it was told to stop.

    Raises ReplicaDamaged for a page that can't even be read.
    """
    with closing(open_reader(path)) as reader, storage_errors(path):
        reader.set_progress_handler(lambda: int(stop.is_set()), _STEPS_BETWEEN_LOOKS)
        try:
            return bool(reader.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                return True
            raise


def damaged(path: Path, detail: str) -> ReplicaDamaged:
    """The error for a file that is not a sound database."""
    return ReplicaDamaged(
        f"{path.name} is damaged ({detail}); nothing was changed: keep the whole folder, call the "
        "manager, and enrol this node again in a new folder"
    )


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def _prepare(connection: sqlite3.Connection, synchronous: str) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")


def _migrate(connection: sqlite3.Connection, version: int, migrations: Mapping[int, str]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for known in range(_version(connection), version):
        _execute_all(connection, migrations[known])
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    """Statement by statement: `executescript` would commit whatever came before it."""
    for statement in script.split(";\n"):
        connection.execute(statement)


def _check(path: Path, connection: sqlite3.Connection, version: int) -> None:
    found = _version(connection)
    if found > version:
        raise ReplicaFromNewerVersion(
            f"{path.name} was written by a newer Boxgate (version {found}, this program knows "
            f"{version}); install the newer program, nothing was changed"
        )
    if found == 0:
        raise damaged(path, "it has no tables")
    if not was_checked(path):
        return
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise damaged(path, str(verdict).splitlines()[-1])


@contextmanager
def _closed_if_it_fails(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
