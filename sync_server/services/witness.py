"""The server's witness: a small file that says how far the database had come.

It lies outside the data folder, so that it is not copied or restored with the database. A database
that ends before its witness has lost something: an old copy was put in its place, or a disk lied.
The file follows the database by up to a second and is written whole or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from program.logs import get_logger
from sync_server.services.generations import (
    Reason,
    cluster,
    mint,
    present_generation,
    timeline,
)
from sync_server.services.house import Generation, put_meta
from sync_server.store.writer import Transaction

_CLUSTER_KEY = "pg_cluster"
_BYTES_MAX = 4_000_000
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Witness:
    """Of which house, in which generation, how far each stream had come."""

    house: str
    generation: str
    heads: Mapping[str, int]


def witness_of(connection: Connection, house: str) -> Witness:
    """What the database says now."""
    rows = connection.execute(text("SELECT event_id, head FROM stream"))
    heads = {str(row[0]): int(row[1]) for row in rows}
    return Witness(house, present_generation(connection), heads)


def read_witness(path: Path) -> Witness | None:
    """The witness; None when there is none or it cannot be understood."""
    try:
        with path.open("rb") as file:
            raw = json.loads(file.read(_BYTES_MAX))
        heads = {str(stream): int(head) for stream, head in raw["heads"].items()}
        return Witness(str(raw["house"]), str(raw["generation"]), heads)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _log.error("witness_not_read", path=str(path), error=type(error).__name__)
        return None


def write_witness(path: Path, witness: Witness) -> None:
    """Replace the file, durably. Raises OSError."""
    body = {
        "house": witness.house,
        "generation": witness.generation,
        "heads": dict(witness.heads),
    }
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(body, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def check_history(tx: Transaction, house: str, witness: Witness | None) -> Generation | None:
    """Begin a new history when the database is not the one that was served last; None: it is."""
    _one_at_a_time(tx)
    reason, lost = _lost_something(tx, house, witness)
    _note_place(tx)
    return None if reason is None else mint(tx, reason, lost)


def check_place(tx: Transaction) -> Generation | None:
    """The same in the middle of a run, for a connection that is new: a failover breaks them all.

    Begins a new history when the connection leads to another PostgreSQL, or to a standby that was
    promoted; None: all is as it was. Raises while a standby is not promoted yet.
    """
    if not cluster(tx.connection) or _moved(tx) is None:
        return None
    _one_at_a_time(tx)
    reason = _moved(tx)
    if reason is None:  # another server was quicker
        return None
    _note_place(tx)
    return mint(tx, reason)


def _one_at_a_time(tx: Transaction) -> None:
    """Servers that notice the same loss begin one new history, and not one each."""
    if tx.connection.dialect.name != "sqlite":
        tx.row("SELECT 1 FROM meta WHERE k = 'schema_version' FOR UPDATE")


def _lost_something(
    tx: Transaction, house: str, witness: Witness | None
) -> tuple[Reason | None, tuple[str, ...]]:
    present = present_generation(tx.connection)
    known = {row.short for row in tx.rows("SELECT short FROM generation")}
    if witness is not None and witness.house == house:
        if witness.generation not in known:
            return Reason.WITNESS, (witness.generation,)
        heads = witness_of(tx.connection, house).heads
        ends_early = any(heads.get(stream, -1) < head for stream, head in witness.heads.items())
        if witness.generation == present and ends_early:
            return Reason.WITNESS, ()
    return _moved(tx), ()


def _moved(tx: Transaction) -> Reason | None:
    """Whether this is another PostgreSQL than the present history's, or went on elsewhere."""
    place = tx.row("SELECT v FROM meta WHERE k = :k", k=_CLUSTER_KEY)
    if place is not None and place.v != cluster(tx.connection):
        return Reason.CLUSTER
    present = present_generation(tx.connection)
    noted = tx.row("SELECT timeline FROM generation WHERE short = :g", g=present)
    if noted is not None and noted.timeline not in (0, timeline(tx.connection)):
        return Reason.TIMELINE
    return None


def _note_place(tx: Transaction) -> None:
    """Which PostgreSQL this is, and its timeline when the history began without one."""
    here = cluster(tx.connection)
    if not here:
        return
    if not tx.run("UPDATE meta SET v = :v WHERE k = :k", v=here, k=_CLUSTER_KEY):
        put_meta(tx, _CLUSTER_KEY, here)
    tx.run(
        "UPDATE generation SET timeline = :t WHERE short = :g AND timeline = 0",
        t=timeline(tx.connection),
        g=present_generation(tx.connection),
    )
