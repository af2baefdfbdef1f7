"""Backup and restore of the database; the keys are never part of it.

A backup is taken while the server runs. A restore begins a new history: what happened after the
backup was taken is with the nodes, and they are asked for it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, make_url, text

from sync_server.services.generations import Reason, mint
from sync_server.services.house import Generation
from sync_server.store.database import UNFINISHED, describe, open_engine, sound_version
from sync_server.store.errors import StoreError
from sync_server.store.migrating import migrate
from sync_server.store.schema import SCHEMA_VERSION
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction

_TOOL_TIMEOUT_S = 3_600


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was taken and looked at."""

    file: Path
    bytes: int


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was put in. `aside` is where the one before is kept; None: there was none.

    `waiting` counts the tills that must report before anything is lent again.
    """

    generation: Generation
    aside: Path | None
    waiting: int


def back_up(engine: Engine, file: Path) -> Backup:
    """Write a whole, checked copy to a file that is not there yet. Raises StoreError."""
    if file.exists():
        raise StoreError(f"{file} exists already; nothing was written")
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if engine.dialect.name == "sqlite":
            _copy_sqlite(Path(str(engine.url.database)), part)
        else:
            _run_tool("pg_dump", engine, ["--format=custom", f"--file={part}"])
            _run_tool("pg_restore", None, ["--list", str(part)])
        _sync(part)
        os.link(part, file)  # not over a file that came meanwhile
    except FileExistsError:
        raise StoreError(f"{file} exists already; it was left as it is") from None
    finally:
        part.unlink(missing_ok=True)
    _sync(file.parent)
    return Backup(file, file.stat().st_size)


def restore(
    engine: Engine,
    file: Path,
    at: datetime,
    check_keys: Callable[[Engine], None],
    lost: tuple[str, ...],
) -> Restored:
    """Put a backup in the database's place. The caller has seen to it that no server runs.

    `check_keys` raises when the backup is of another house; `lost` are generations known from
    elsewhere. Raises StoreError.
    """
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
    if engine.dialect.name == "sqlite":
        return _restore_sqlite(engine, file, at, check_keys, lost)
    return _restore_postgres(engine, file, at, check_keys, lost)


def known_generations(engine: Engine) -> tuple[str, ...]:
    """The histories that a database has seen; none when it can't be read."""
    try:
        sound_version(engine)
        with engine.connect() as connection:
            return tuple(str(row[0]) for row in connection.execute(_GENERATIONS))
    except StoreError:
        return ()


_GENERATIONS = text("SELECT short FROM generation")


def _restore_sqlite(
    engine: Engine,
    file: Path,
    at: datetime,
    check_keys: Callable[[Engine], None],
    lost: tuple[str, ...],
) -> Restored:
    """All that can fail happens to a copy; then it takes the database's name in one step."""
    present = Path(str(engine.url.database))
    lost = (*known_generations(engine), *lost)
    engine.dispose()
    coming = present.with_name(present.name + ".restoring")
    _remove_sqlite(coming)
    try:
        _copy_sqlite(file, coming)
        made, waiting = _prepare(open_engine(f"sqlite:///{coming}"), at, check_keys, lost)
        _sync(coming)
        aside = _put_aside(present, at)
        coming.replace(present)
    finally:
        _remove_sqlite(coming)
    _sync(present.parent)
    return Restored(made, aside, waiting)


def _restore_postgres(
    engine: Engine,
    file: Path,
    at: datetime,
    check_keys: Callable[[Engine], None],
    lost: tuple[str, ...],
) -> Restored:
    """Only into an empty database: the present one is kept by not being touched."""
    with engine.connect() as connection:
        count = connection.execute(
            text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")
        ).scalar_one()
    if count:
        raise StoreError(
            f"{describe(engine)} is not empty. Make a new, empty database, set 'database_url' to "
            "it and run this command again; the present one stays as it is"
        )
    with engine.begin() as connection:  # gone together with the old history, and not before
        connection.execute(text(f"CREATE TABLE {UNFINISHED} (at text)"))
    arguments = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run_tool("pg_restore", engine, [*arguments, str(file)])
    made, waiting = _prepare(engine, at, check_keys, lost)
    return Restored(made, None, waiting)


def _prepare(
    engine: Engine, at: datetime, check_keys: Callable[[Engine], None], lost: tuple[str, ...]
) -> tuple[Generation, int]:
    """A backup's database becomes one that may be served: checked, of this schema, a new history."""

    def begin(tx: Transaction) -> Generation:
        tx.run(f"DROP TABLE IF EXISTS {UNFINISHED}")
        return mint(tx, Reason.RESTORE, lost)

    try:
        if sound_version(engine) < SCHEMA_VERSION:
            done = migrate(engine, at)
            if done.copy is not None:
                done.copy.unlink()  # the backup is still there
        check_keys(engine)
        made = transact(engine, begin)
        with engine.connect() as connection:
            waiting = connection.execute(
                text("SELECT count(DISTINCT node_id) FROM quarantine WHERE state = 'waiting'")
            ).scalar_one()
        return made, int(waiting)
    finally:
        engine.dispose()  # SQLite's last connection writes the log back into the file


def _put_aside(present: Path, at: datetime) -> Path | None:
    """The present file under another name, whatever its state, with its log; None: there is none.

    The log goes first: beside the new file it would be taken for that one's.
    """
    if not present.exists():
        for suffix in ("-wal", "-shm"):
            present.with_name(present.name + suffix).unlink(missing_ok=True)
        return None
    aside = present.with_name(f"{present.stem}-aside-{at:%Y%m%dT%H%M%SZ}{present.suffix}")
    os.link(present, aside)
    for suffix in ("-wal", "-shm"):
        log = present.with_name(present.name + suffix)
        if log.exists():
            log.replace(aside.with_name(aside.name + suffix))
    return aside


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy in one file, also of a database that is being written. StoreError."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader,
            closing(sqlite3.connect(target)) as writer,
        ):
            reader.backup(writer)  # in one step, so that writers do not make it start over
            writer.execute("PRAGMA journal_mode=DELETE")
            verdict = writer.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied: {error}") from error
    if verdict != "ok":
        raise StoreError(f"the copy of {source} is damaged ({verdict})")


def _remove_sqlite(file: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _run_tool(tool: str, engine: Engine | None, arguments: list[str]) -> None:
    """One of PostgreSQL's own programs; the password goes by the environment, where nobody looks."""
    program = shutil.which(tool)
    if program is None:
        shown = " ".join([tool, *arguments])
        raise StoreError(
            f"this machine has no {tool}: install PostgreSQL's client programs, or run on the "
            f"database's machine: {shown}"
        )
    environment = dict(os.environ)
    options: list[str] = []
    if engine is not None:
        url = engine.url
        options = [f"--dbname={_without_password(url.render_as_string(False))}"]
        if url.password:
            environment["PGPASSWORD"] = str(url.password)
    done = subprocess.run(  # noqa: S603 - a program by its full path, no shell
        [program, *options, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TOOL_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise StoreError(f"{tool} failed: {reason}")


def _without_password(url: str) -> str:
    parts = make_url(url)
    plain = parts.set(drivername="postgresql")._replace(password=None)
    return plain.render_as_string(False)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
