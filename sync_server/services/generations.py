"""New histories: when one begins, and who may cause it.

A node that speaks of a history this database has no trace of, or of revisions it has not reached,
is the last witness of what was lost. It could also lie, and every new history stops all lending
until every till has reported: so a node's word counts once a day, all nodes' together once an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from program.logs import get_logger
from sync_server.heart.history import NewGeneration, begin_generation
from sync_server.services.house import Generation, new_generation
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction

BY_NODES_PERIOD_MS = 3_600_000
BY_ONE_NODE_PERIOD_MS = 24 * 3_600_000
_BY_NODE = "node:"
_log = get_logger(__name__)


class Reason(StrEnum):
    """Why a history began. Stored, never renamed; a node's is `node:` and its id."""

    INIT = "init"
    RESTORE = "restore"  # an administrator put a backup in
    WITNESS = "witness"  # the database ends before what its server had committed
    TIMELINE = "timeline"  # PostgreSQL went on from another place: a failover, or recovery
    CLUSTER = "cluster"  # another PostgreSQL than before


@dataclass(frozen=True, slots=True)
class Told:
    """What a node believes: the generation it follows, and how far it has read each stream."""

    generation: str
    cursors: Mapping[str, int]


def mint(tx: Transaction, reason: str, lost: tuple[str, ...] = ()) -> Generation:
    """Begin a new history. Every event waits for its tills from the commit on."""
    made = new_generation()
    begin_generation(
        Sql.of(tx.connection),
        NewGeneration(made.id, made.short, tx.now_ms, reason, timeline(tx.connection), lost),
    )
    for row in tx.rows("SELECT event_id FROM stream"):
        tx.touched.add(row.event_id)
    tell = _log.warning if reason == Reason.RESTORE else _log.error  # nobody asked for the others
    tell("generation_began", generation=made.short, reason=reason)
    return made


def contradicts(connection: Connection, told: Told) -> bool:
    """Whether a node has seen what this database can't have shown it."""
    if not told.generation:
        return False
    present = present_generation(connection)
    if told.generation != present:
        known = connection.execute(
            text("SELECT 1 FROM generation WHERE short = :g"), {"g": told.generation}
        )
        return known.first() is None
    heads = {
        str(row[0]): int(row[1])
        for row in connection.execute(text("SELECT event_id, head FROM stream"))
    }
    return any(heads.get(stream, 0) < rev for stream, rev in told.cursors.items())


def mint_for_node(tx: Transaction, node_id: str, told: Told) -> Generation | None:
    """Begin a new history on a node's word; None when it proves nothing, or comes too often.

    Looked at again here: many nodes tell of the same loss at once, and one new history is enough.
    """
    if not contradicts(tx.connection, told):
        return None
    since = tx.rows(
        "SELECT reason FROM generation WHERE reason LIKE 'node:%' AND started_ms > :hour "
        "OR reason = :ours AND started_ms > :day",
        hour=tx.now_ms - BY_NODES_PERIOD_MS,
        ours=_BY_NODE + node_id,
        day=tx.now_ms - BY_ONE_NODE_PERIOD_MS,
    )
    if since:
        _log.error("generation_not_begun", node_id=node_id, told=told.generation)
        return None
    lost = () if told.generation == present_generation(tx.connection) else (told.generation,)
    return mint(tx, _BY_NODE + node_id, lost)


def present_generation(connection: Connection) -> str:
    """The short id of the history that this database lives in."""
    return str(
        connection.execute(
            text("SELECT short FROM generation ORDER BY started_ms DESC, id DESC LIMIT 1")
        ).scalar_one()
    )


def timeline(connection: Connection) -> int:
    """PostgreSQL's timeline that is written now, 0 on SQLite.

    From the name of the log file that is written: the control file tells the old timeline until
    the first checkpoint after a promotion.
    """
    if connection.dialect.name == "sqlite":
        return 0
    name = connection.execute(text("SELECT pg_walfile_name(pg_current_wal_lsn())")).scalar_one()
    return int(str(name)[:8], 16)


def cluster(connection: Connection) -> str:
    """Which PostgreSQL this is, '' on SQLite: a dump that is loaded elsewhere has another."""
    if connection.dialect.name == "sqlite":
        return ""
    found = connection.execute(text("SELECT system_identifier FROM pg_control_system()"))
    return str(found.scalar_one())
