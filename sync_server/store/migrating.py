"""`migrate`: a database of an older Boxgate becomes one of this version, in one transaction."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from sync_server.store.database import describe, sound_version
from sync_server.store.errors import StoreError, StoreInUse
from sync_server.store.schema import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was done; the same version twice says that there was nothing to do.

    `copy` is the file as it was before, on SQLite.
    """

    since: int
    to: int
    copy: Path | None


def migrate(engine: Engine, at: datetime) -> Migrated:
    """Bring the schema up to this program's version, or change nothing at all.

    A SQLite file is copied beside itself first. Raises StoreError: of a database that is missing,
    damaged or newer, that others are connected to, or whose rows do not fit.
    """
    # Alembic takes a fifth of a program's start, and only a migration needs it.
    from sync_server.store.migrations import upgrade  # noqa: PLC0415
    from sync_server.store.migrations.rebuilding import RowsLost  # noqa: PLC0415

    sound_version(engine)
    copy = None
    try:
        with engine.begin() as connection:
            since = _locked_version(connection)
            if since < SCHEMA_VERSION:
                _refuse_company(engine, connection)
                copy = _copy_beside(connection, since, at)
                upgrade(connection, since, SCHEMA_VERSION)
        return Migrated(since, SCHEMA_VERSION, copy)
    except BaseException as error:
        if copy is not None:
            copy.unlink()
        if isinstance(error, RowsLost):
            raise StoreError(f"{describe(engine)}: {error}; nothing was changed") from error
        raise


def _locked_version(connection: Connection) -> int:
    """Two at once take turns: SQLite's transaction has the only lock, PostgreSQL's gets the row's."""
    locking = "" if connection.dialect.name == "sqlite" else " FOR UPDATE"
    statement = f"SELECT v FROM meta WHERE k = 'schema_version'{locking}"  # noqa: S608
    return int(connection.execute(text(statement)).scalar_one())


def _refuse_company(engine: Engine, connection: Connection) -> None:
    """A server of the old version, on whatever machine, must not find new tables under its feet."""
    if connection.dialect.name == "sqlite":
        return  # whoever writes has this machine's lock
    others = connection.execute(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
    ).scalar_one()
    if others:
        raise StoreInUse(
            f"{describe(engine)} has {others} other connections: stop every server and tool that "
            "uses it, then run 'boxgate-server migrate' again; nothing was changed"
        )


def _copy_beside(connection: Connection, since: int, at: datetime) -> Path | None:
    """The file as it is now: the transaction has the write lock, so nobody changes it meanwhile."""
    if connection.dialect.name != "sqlite":
        return None
    file = Path(str(connection.engine.url.database))
    copy = file.with_name(f"{file.stem}-schema-{since}-{at:%Y%m%dT%H%M%SZ}{file.suffix}")
    copy.touch(mode=0o600, exist_ok=False)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        copy.unlink()
        raise StoreError(f"{file.name} cannot be copied: {error}; nothing was changed") from error
    return copy
