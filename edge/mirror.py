"""mirror.db: what the server told this node. Written by the puller alone; a cache.

Rows and the cursor that says how far they reach are committed together, so a node that has read
to a revision really holds everything up to it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.allotments import grant_from_wire
from edge.database import create, storage_errors
from edge.errors import ReplicaDamaged, ReplicaError
from edge.readers import Readers

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE cursor (stream TEXT PRIMARY KEY, gen TEXT NOT NULL, rev INTEGER NOT NULL) STRICT;
CREATE TABLE doc (
    stream TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, rev INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (stream, kind, id)) STRICT;
CREATE TABLE claim (
    stream TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL, kind TEXT NOT NULL,
    ref TEXT NOT NULL, node_id TEXT NOT NULL, version INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, performance, unit)) STRICT;
CREATE TABLE allot (
    stream TEXT NOT NULL, id TEXT NOT NULL, node_id TEXT NOT NULL, performance INTEGER NOT NULL,
    state TEXT NOT NULL, units TEXT NOT NULL, rev INTEGER NOT NULL, PRIMARY KEY (stream, id)) STRICT;
CREATE TABLE ticket (
    stream TEXT NOT NULL, id TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL,
    version INTEGER NOT NULL, state TEXT NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, id)) STRICT;
CREATE INDEX ticket_by_unit ON ticket (stream, performance, unit);
CREATE TABLE entry (
    stream TEXT NOT NULL, op_id TEXT NOT NULL, ticket_id TEXT NOT NULL, node_id TEXT NOT NULL,
    lane TEXT NOT NULL, phase TEXT NOT NULL, at_ms INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, op_id)) STRICT;
CREATE INDEX entry_by_ticket ON entry (stream, ticket_id);
CREATE TABLE node (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, key TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE, signature TEXT NOT NULL, state TEXT NOT NULL,
    rev INTEGER NOT NULL) STRICT;
CREATE TABLE person (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, pin TEXT NOT NULL,
    state TEXT NOT NULL, rev INTEGER NOT NULL) STRICT
"""

_TABLES = ("cursor", "doc", "claim", "allot", "ticket", "entry", "node", "person")


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the feed: its kind, its revision and what it says."""

    kind: str
    rev: int
    body: Mapping[str, Any]


class BadChange(ValueError):
    """A row of the feed that lacks a member, or has one of another type than it must have."""


# What JSON can bring that a column will not take: a member that is missing, null, a list, of
# another type (the tables are STRICT), a number beyond 64 bits, half a surrogate pair.
_NONSENSE = (
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class Mirror:
    """The cache's file. A damaged one, or one of another version, is made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._closed = False
        self._connection = _open_or_remake(path)
        self._readers = Readers(path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent read, on any thread."""
        with _cache_errors(self._path), self._readers.reading() as connection:
            yield connection

    def cursors(self) -> dict[str, int]:
        """How far each stream has been read."""
        with self.reading() as connection:
            rows = connection.execute("SELECT stream, rev FROM cursor").fetchall()
        return {row["stream"]: row["rev"] for row in rows}

    def generation(self) -> str:
        """The server's history that everything here is from; '' when there is nothing here."""
        with self.reading() as connection:
            row = connection.execute("SELECT gen FROM cursor LIMIT 1").fetchone()
        return str(row["gen"]) if row else ""

    def apply(self, stream: str, generation: str, changes: Iterable[Change], read_to: int) -> None:
        """Take in a page of the feed and move the cursor, in one transaction.

        Raises BadChange for a row that makes no sense, and then nothing of the page is kept.
        """
        with self._transaction() as connection:
            for change in changes:
                _put(connection, stream, change)
            connection.execute(
                "INSERT INTO cursor (stream, gen, rev) VALUES (?, ?, ?) ON CONFLICT (stream) "
                "DO UPDATE SET gen = excluded.gen, rev = excluded.rev",
                (stream, generation, read_to),
            )

    def forget(self) -> None:
        """Drop everything: another generation of the server's history begins."""
        with self._transaction() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._readers.close()
        with self._writing:
            self._closed = True
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, _cache_errors(self._path), storage_errors(self._path):
            if self._closed:
                raise ReplicaError(f"{self._path.name} is closed: the program is stopping")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def _cache_errors(path: Path) -> Iterator[None]:
    """What to do about a damaged cache is less than about a damaged journal."""
    try:
        yield
    except ReplicaDamaged as error:
        raise ReplicaDamaged(
            f"{path.name} is damaged ({error.__cause__}); it is a cache: start the program again "
            "and it is fetched anew, nothing is lost"
        ) from error


def _open_or_remake(path: Path) -> sqlite3.Connection:
    with suppress(ReplicaDamaged), ExitStack() as opened:
        connection = create(path, _SCHEMA, SCHEMA_VERSION, synchronous="NORMAL")
        opened.callback(connection.close)
        with storage_errors(path):
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found == SCHEMA_VERSION and verdict == "ok":
            opened.pop_all()
            return connection
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return create(path, _SCHEMA, SCHEMA_VERSION, synchronous="NORMAL")


def _put(connection: sqlite3.Connection, stream: str, change: Change) -> None:
    """Store a row's latest state. A kind we do not know is left out: a newer server's business."""
    writer = _WRITERS.get(change.kind)
    if writer is None:
        return
    try:
        table, columns, values = writer(stream, change.rev, change.body)
        marks = ", ".join("?" * len(columns))
        connection.execute(
            f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608
            values,
        )
    except _NONSENSE as error:
        raise BadChange(f"a row of kind {change.kind} at {change.rev} makes no sense") from error


_Written = tuple[str, tuple[str, ...], tuple[object, ...]]


def _doc(stream: str, rev: int, body: Mapping[str, Any]) -> _Written:
    text = json.dumps(body["body"], ensure_ascii=False)
    columns = ("stream", "kind", "id", "rev", "body")
    return "doc", columns, (stream, body["kind"], body["id"], rev, text)


def _claim(stream: str, rev: int, body: Mapping[str, Any]) -> _Written:
    columns = ("stream", "performance", "unit", "kind", "ref", "node_id", "version", "rev")
    values = (body["p"], body["u"], body["kind"], body["ref"], body["node"], body["v"])
    return "claim", columns, (stream, *values, rev)


def _allot(stream: str, rev: int, body: Mapping[str, Any]) -> _Written:
    columns = ("stream", "id", "node_id", "performance", "state", "units", "rev")
    grant = grant_from_wire(body)
    if grant is None:
        raise ValueError("not an allotment")
    units = json.dumps([unit for unit, _version in grant.units])
    return (
        "allot",
        columns,
        (stream, body["id"], body["node"], body["p"], body["state"], units, rev),
    )


def _ticket(stream: str, rev: int, body: Mapping[str, Any]) -> _Written:
    columns = ("stream", "id", "performance", "unit", "version", "state", "rev")
    return (
        "ticket",
        columns,
        (stream, body["id"], body["p"], body["u"], body["v"], body["state"], rev),
    )


def _entry(stream: str, rev: int, body: Mapping[str, Any]) -> _Written:
    columns = ("stream", "op_id", "ticket_id", "node_id", "lane", "phase", "at_ms", "rev")
    values = (body["op"], body["ticket"], body["node"], body["lane"], body["phase"], body["at_ms"])
    return "entry", columns, (stream, *values, rev)


def _node(_stream: str, rev: int, body: Mapping[str, Any]) -> _Written:
    columns = ("id", "name", "role", "key", "key_id", "signature", "state", "rev")
    return "node", columns, (*(body[k] for k in columns[:-1]), rev)


def _person(_stream: str, rev: int, body: Mapping[str, Any]) -> _Written:
    columns = ("id", "name", "role", "pin", "state", "rev")
    return "person", columns, (*(body[k] for k in columns[:-1]), rev)


_WRITERS = {
    "doc": _doc,
    "claim": _claim,
    "allot": _allot,
    "ticket": _ticket,
    "entry": _entry,
    "node": _node,
    "person": _person,
}
