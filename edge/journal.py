"""journal.db: what this node did. Precious: it is never rebuilt from anywhere else.

A local fact (a sale, an entry, a release) is one transaction here: the operation, chained to the
one before, and the rows it changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NewType

from ticketing.ids import OpId
from ticketing.journal import (
    ROOT_HASH,
    Op,
    OpKind,
    Verdict,
    chain_op,
    op_from_wire,
    op_to_wire,
)

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL);
CREATE TABLE journal (
    stream TEXT PRIMARY KEY, inc INTEGER NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL,
    acked INTEGER NOT NULL, locked INTEGER NOT NULL DEFAULT 0, CHECK (acked <= seq));
CREATE TABLE op (
    stream TEXT NOT NULL, inc INTEGER NOT NULL, seq INTEGER NOT NULL, op_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, version INTEGER NOT NULL, wall_ms INTEGER NOT NULL, body TEXT NOT NULL,
    hash TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '',
    rev INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (stream, inc, seq));
CREATE TABLE allot (
    stream TEXT NOT NULL, id TEXT NOT NULL, performance INTEGER NOT NULL, firm INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'written_off')),
    PRIMARY KEY (stream, id));
CREATE TABLE allot_unit (
    stream TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL,
    allot_id TEXT NOT NULL, version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('free', 'sold', 'released')),
    PRIMARY KEY (stream, performance, unit));
CREATE TABLE orders (
    stream TEXT NOT NULL, id TEXT NOT NULL, receipt_no TEXT NOT NULL UNIQUE,
    sold_ms INTEGER NOT NULL, ticket_count INTEGER NOT NULL, copies INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL, PRIMARY KEY (stream, id));
CREATE INDEX orders_unprinted ON orders (sold_ms) WHERE copies = 0;
CREATE TABLE entry (
    stream TEXT NOT NULL, op_id TEXT NOT NULL, ticket_id TEXT NOT NULL,
    performance INTEGER NOT NULL, unit INTEGER NOT NULL, version INTEGER NOT NULL,
    lane TEXT NOT NULL, at_ms INTEGER NOT NULL, commanded_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, op_id));
CREATE INDEX entry_by_ticket ON entry (stream, ticket_id);
CREATE TABLE pin_failure (
    person_id TEXT PRIMARY KEY, tries INTEGER NOT NULL, last_ms INTEGER NOT NULL)
"""

Unit = NewType("Unit", sqlite3.Connection)
"""A write transaction on journal.db that the writer thread has begun and will commit."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a journal stands: `acked` is how far the server has confirmed it."""

    stream: str
    incarnation: int
    seq: int
    hash: str
    acked: int
    locked: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """The server's verdict on one operation."""

    seq: int
    verdict: str
    code: str
    rev: int


class JournalLocked(Exception):
    """The server fenced a journal of this node: nothing may be added to any of them.

    A fork means that the whole folder was copied or rolled back, so the node stays locked until
    it is enrolled again.
    """


def append(unit: Unit, stream: str, kind: OpKind, body: str, *, op_id: OpId, wall_ms: int) -> Op:
    """Add an operation to a stream's journal, in the caller's transaction.

    Raises JournalLocked. What the server could not even read is a bug and is refused here: stored,
    it would keep everything behind it from ever being taken.
    """
    if is_locked(unit):
        raise JournalLocked(stream)
    head = head_of(unit, stream)
    op = chain_op(
        head.hash,
        stream,
        get_meta(unit, "node_id"),
        head.incarnation,
        head.seq + 1,
        op_id,
        kind,
        1,
        wall_ms,
        body,
    )
    assert op_from_wire(op_to_wire(op)) == op, f"no server would take this {kind}"
    unit.execute(
        "INSERT INTO op (stream, inc, seq, op_id, kind, version, wall_ms, body, hash) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stream,
            head.incarnation,
            op.seq,
            op.op_id,
            op.kind,
            op.version,
            op.wall_ms,
            op.body,
            op.hash,
        ),
    )
    unit.execute(
        "INSERT INTO journal (stream, inc, seq, hash, acked) VALUES (?, ?, ?, ?, 0) "
        "ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        (stream, head.incarnation, op.seq, op.hash),
    )
    return op


def head_of(connection: sqlite3.Connection, stream: str) -> Head:
    """The journal's head; a stream never written to has an empty journal."""
    row = connection.execute("SELECT * FROM journal WHERE stream = ?", (stream,)).fetchone()
    if row is not None:
        return _head(row)
    incarnation = int(get_meta(connection, "incarnation"))
    return Head(stream, incarnation, 0, ROOT_HASH, 0, locked=False)


def heads(connection: sqlite3.Connection) -> tuple[Head, ...]:
    """All journals of this node."""
    return tuple(map(_head, connection.execute("SELECT * FROM journal ORDER BY stream")))


def unacked(
    connection: sqlite3.Connection, head: Head, *, ops_max: int, bytes_max: int
) -> tuple[str, list[Op]]:
    """The next operations to push (at least one when there are any) and the hash before them.

    `bytes_max` limits their size as sent: a Chinese name takes three times its characters, and a
    body's quotation marks are escaped.
    """
    rows = connection.execute(
        "SELECT * FROM op WHERE stream = ? AND inc = ? AND seq > ? ORDER BY seq LIMIT ?",
        (head.stream, head.incarnation, head.acked, ops_max),
    ).fetchall()
    ops: list[Op] = []
    size = 0
    for op in map(_op, rows):
        size += len(json.dumps(op_to_wire(op), ensure_ascii=False).encode())
        if ops and size > bytes_max:
            break
        ops.append(op)
    return hash_at(connection, head, head.acked), ops


def hash_at(connection: sqlite3.Connection, head: Head, seq: int) -> str:
    """The chain's hash after operation `seq`; the root's for 0."""
    if seq == 0:
        return ROOT_HASH
    row = connection.execute(
        "SELECT hash FROM op WHERE stream = ? AND inc = ? AND seq = ?",
        (head.stream, head.incarnation, seq),
    ).fetchone()
    return str(row["hash"]) if row else ""


def acknowledge(unit: Unit, head: Head, acked: int, answers: Iterable[Answered]) -> None:
    """Note how far the server has this journal, and its verdicts.

    Never beyond the head. A lower `acked` than before is believed: a server that lost a suffix
    gets it again.
    """
    unit.executemany(
        "UPDATE op SET verdict = ?, code = ?, rev = ? WHERE stream = ? AND inc = ? AND seq = ?",
        [(a.verdict, a.code, a.rev, head.stream, head.incarnation, a.seq) for a in answers],
    )
    unit.execute(
        "UPDATE journal SET acked = max(0, min(?, seq)) WHERE stream = ? AND inc = ?",
        (acked, head.stream, head.incarnation),
    )


def lock(unit: Unit, stream: str) -> None:
    """The server fenced this journal."""
    unit.execute("UPDATE journal SET locked = 1 WHERE stream = ?", (stream,))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the server has not confirmed yet, over all journals."""

    count: int
    oldest_ms: int | None
    refused_count: int
    locked: bool


def backlog(connection: sqlite3.Connection) -> Backlog:
    """How much waits for the server, and how much it did not accept as it stands."""
    row = connection.execute(
        "SELECT count(*), min(op.wall_ms) FROM journal j JOIN op "
        "ON op.stream = j.stream AND op.inc = j.inc AND op.seq > j.acked"
    ).fetchone()
    refused = connection.execute(
        "SELECT count(*) FROM op WHERE verdict NOT IN ('', ?)", (Verdict.OK,)
    ).fetchone()
    return Backlog(row[0], row[1], refused[0], is_locked(connection))


def is_locked(connection: sqlite3.Connection) -> bool:
    """Whether the server fenced any journal of this node."""
    row = connection.execute("SELECT max(locked) FROM journal").fetchone()
    return bool(row[0])


def get_meta(connection: sqlite3.Connection, key: str) -> str:
    """A value of `meta`; '' when it was never set."""
    row = connection.execute("SELECT v FROM meta WHERE k = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


def set_meta(unit: Unit, key: str, value: str) -> None:
    """Set a value of `meta`."""
    unit.execute(
        "INSERT INTO meta (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
        (key, value),
    )


def _head(row: sqlite3.Row) -> Head:
    return Head(
        row["stream"], row["inc"], row["seq"], row["hash"], row["acked"], bool(row["locked"])
    )


def _op(row: sqlite3.Row) -> Op:
    return Op(
        row["seq"],
        OpId(row["op_id"]),
        row["kind"],
        row["version"],
        row["wall_ms"],
        row["body"],
        row["hash"],
    )
