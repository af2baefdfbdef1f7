"""Which order sold a ticket or a place: a cache beside the journal, so that a scan finds at once.

The journal keeps orders whole. This file names their tickets and places; it is filled from the
journal as that grows, is asked after that, and may be deleted at any time: it is made anew.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from edge.database import create
from edge.errors import ReplicaDamaged
from edge.replica import Replica

SCHEMA_VERSION = 1
_ORDERS_PER_READ = 1_000
_SCHEMA = """
CREATE TABLE sold (
    ticket TEXT PRIMARY KEY, stream TEXT NOT NULL, order_id TEXT NOT NULL,
    performance INTEGER NOT NULL, unit INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX sold_place ON sold (performance, unit);
CREATE TABLE read_to (orders INTEGER NOT NULL);
INSERT INTO read_to VALUES (0)
"""


@dataclass(frozen=True, slots=True)
class SoldHere:
    """A ticket of an order of this window."""

    ticket_id: str
    event_id: str
    order_id: str


class OrderIndex:
    """Asks and fills the cache; one thread at a time, whichever."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._path = replica.folder / "finding.db"
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file. Safe to call twice; asked again, it is opened again."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def refresh(self) -> None:
        """Read what was sold since the last time; the first time it is everything."""
        with self._guard:
            self._fresh()

    def by_ticket(self, ticket_id: str) -> tuple[SoldHere, ...]:
        """Tickets whose ids begin so: a whole id, or the number on the paper."""
        with self._guard:
            rows = self._fresh().execute(
                "SELECT ticket, stream, order_id FROM sold WHERE ticket >= ? AND ticket < ? LIMIT 9",
                (ticket_id, ticket_id + "g"),
            )
            return _found(rows)

    def by_place(self, performance: int, unit: int) -> tuple[SoldHere, ...]:
        """Every ticket that a place of a performance was sold with here."""
        with self._guard:
            rows = self._fresh().execute(
                "SELECT ticket, stream, order_id FROM sold WHERE performance = ? AND unit = ? "
                "LIMIT 50",
                (performance, unit),
            )
            return _found(rows)

    def _fresh(self) -> sqlite3.Connection:
        connection = self._connection = self._connection or self._open()
        while self._read_on(connection) == _ORDERS_PER_READ:
            pass
        return connection

    def _read_on(self, connection: sqlite3.Connection) -> int:
        read_to = connection.execute("SELECT orders FROM read_to").fetchone()[0]
        with self._replica.reading() as journal:
            rows = journal.execute(
                "SELECT rowid, stream, body FROM orders WHERE rowid > ? ORDER BY rowid LIMIT ?",
                (read_to, _ORDERS_PER_READ),
            ).fetchall()
        if not rows:
            return 0
        connection.execute("BEGIN IMMEDIATE")
        for row in rows:
            order = json.loads(row["body"])  # ours, and checked when it was written
            connection.executemany(
                "INSERT OR REPLACE INTO sold VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        line["ticket"],
                        row["stream"],
                        order["order"],
                        line["performance"],
                        line["unit"],
                    )
                    for line in order["lines"]
                ],
            )
        connection.execute("UPDATE read_to SET orders = ?", (rows[-1]["rowid"],))
        connection.execute("COMMIT")
        return len(rows)

    def _open(self) -> sqlite3.Connection:
        """A file that is damaged, of another version, or ahead of the journal is made anew."""
        with suppress(ReplicaDamaged, sqlite3.DatabaseError):
            connection = create(self._path, _SCHEMA, SCHEMA_VERSION, synchronous="OFF")
            if self._is_sound(connection):
                return connection
            connection.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return create(self._path, _SCHEMA, SCHEMA_VERSION, synchronous="OFF")

    def _is_sound(self, connection: sqlite3.Connection) -> bool:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        if version != SCHEMA_VERSION or not sound:
            return False
        read_to = connection.execute("SELECT orders FROM read_to").fetchone()[0]
        with self._replica.reading() as journal:
            newest = journal.execute("SELECT max(rowid) FROM orders").fetchone()[0] or 0
        return bool(read_to <= newest)


def _found(rows: Iterable[sqlite3.Row]) -> tuple[SoldHere, ...]:
    return tuple(SoldHere(row[0], row[1], row[2]) for row in rows)
