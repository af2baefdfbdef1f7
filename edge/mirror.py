"""mirror.db: what the server told this node. Written by the puller alone; a cache.

Rows and the cursor that says how far they reach are committed together, so a node that has read
to a revision really holds everything up to it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.database import create, open_reader, storage_errors
from edge.errors import ReplicaDamaged

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE cursor (stream TEXT PRIMARY KEY, gen TEXT NOT NULL, rev INTEGER NOT NULL);
CREATE TABLE doc (
    stream TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, rev INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (stream, kind, id));
CREATE TABLE claim (
    stream TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL, kind TEXT NOT NULL,
    ref TEXT NOT NULL, node_id TEXT NOT NULL, version INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, performance, unit));
CREATE TABLE allot (
    stream TEXT NOT NULL, id TEXT NOT NULL, node_id TEXT NOT NULL, performance INTEGER NOT NULL,
    state TEXT NOT NULL, units TEXT NOT NULL, rev INTEGER NOT NULL, PRIMARY KEY (stream, id));
CREATE TABLE ticket (
    stream TEXT NOT NULL, id TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL,
    version INTEGER NOT NULL, state TEXT NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, id));
CREATE INDEX ticket_by_unit ON ticket (stream, performance, unit);
CREATE TABLE entry (
    stream TEXT NOT NULL, op_id TEXT NOT NULL, ticket_id TEXT NOT NULL, node_id TEXT NOT NULL,
    lane TEXT NOT NULL, phase TEXT NOT NULL, at_ms INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, op_id));
CREATE INDEX entry_by_ticket ON entry (stream, ticket_id);
CREATE TABLE node (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, key TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE, signature TEXT NOT NULL, state TEXT NOT NULL,
    rev INTEGER NOT NULL);
CREATE TABLE person (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, pin TEXT NOT NULL,
    state TEXT NOT NULL, rev INTEGER NOT NULL)
"""

_TABLES = ("cursor", "doc", "claim", "allot", "ticket", "entry", "node", "person")


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the feed: its kind, its revision and what it says."""

    kind: str
    rev: int
    body: Mapping[str, Any]


class Mirror:
    """The cache's file. A damaged one, or one of another version, is made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._local = threading.local()
        self._connection = _open_or_remake(path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent read for the calling thread."""
        connection: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if connection is None:
            connection = self._local.reader = open_reader(self._path)
        with storage_errors(self._path):
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")

    def cursors(self) -> dict[str, int]:
        """How far each stream has been read."""
        with self.reading() as connection:
            rows = connection.execute("SELECT stream, rev FROM cursor").fetchall()
        return {row["stream"]: row["rev"] for row in rows}

    def apply(self, stream: str, generation: str, changes: Iterable[Change], read_to: int) -> None:
        """Take in a page of the feed and move the cursor, in one transaction."""
        with self._writing, storage_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for change in changes:
                    _put(self._connection, stream, change)
                self._connection.execute(
                    "INSERT INTO cursor (stream, gen, rev) VALUES (?, ?, ?) ON CONFLICT (stream) "
                    "DO UPDATE SET gen = excluded.gen, rev = excluded.rev",
                    (stream, generation, read_to),
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def forget(self) -> None:
        """Drop everything: another generation of the server's history begins."""
        with self._writing, storage_errors(self._path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def close(self) -> None:
        """Close the writing connection; readers close with their threads."""
        self._connection.close()


def _open_or_remake(path: Path) -> sqlite3.Connection:
    try:
        connection = create(path, _SCHEMA, SCHEMA_VERSION, synchronous="NORMAL")
        with storage_errors(path):
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        if found == SCHEMA_VERSION and sound:
            return connection
        connection.close()
    except ReplicaDamaged:
        pass
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return create(path, _SCHEMA, SCHEMA_VERSION, synchronous="NORMAL")


def _put(connection: sqlite3.Connection, stream: str, change: Change) -> None:
    """Store a row's latest state. A kind we do not know is left out: a newer server's business."""
    writer = _WRITERS.get(change.kind)
    if writer is None:
        return
    table, columns, values = writer(stream, change.rev, change.body)
    marks = ", ".join("?" * len(columns))
    connection.execute(
        f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608
        values,
    )


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
    units = json.dumps([unit for unit, _version in body["units"]])
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
