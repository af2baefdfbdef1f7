"""journal.db: what this node did. Precious: it is never rebuilt from anywhere else.

A local fact (a sale, an entry, a release) is one transaction here: the operation, chained to the
one before, and the rows it changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
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

_LOCK, _WALL_HIGH, _WITNESS, _MACHINE = "lock", "wall_high", "witness", "machine"
_SHIFT = "shift"
NOT_ACCEPTED = (
    "op INDEXED BY op_not_accepted WHERE op.verdict IN ('deferred', 'disputed', 'rejected')"
)
"""Operations that the server did not take as they stand, by their index: of a season they are few."""

Unit = NewType("Unit", sqlite3.Connection)
"""A write transaction on journal.db that the writer thread has begun and will commit."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a journal stands: `acked` is how far the server has confirmed it.

    `locked`: the server fenced it. It goes there by salvage then, as far as `salvaged` says.
    """

    stream: str
    incarnation: int
    seq: int
    hash: str
    acked: int
    locked: bool
    salvaged: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """The server's verdict on one operation."""

    seq: int
    verdict: str
    code: str
    rev: int


class LockReason(StrEnum):
    """Why nothing may be added to this node's journals. Stored, never renamed."""

    FORKED = "forked"
    WITNESS_AHEAD = "witness_ahead"
    WITNESS_MISSING = "witness_missing"
    OTHER_MACHINE = "other_machine"
    DAMAGED = "damaged"


_WHAT_TO_DO = "enrol this machine again with a new code ('boxgate-server enrol-code')"
_SENTENCES = {
    LockReason.FORKED: "the server has other operations of this node than this folder: it was "
    "copied or set back",
    LockReason.WITNESS_AHEAD: "this folder is older than what this machine has done: it was set "
    "back, by a backup perhaps",
    LockReason.WITNESS_MISSING: "this machine's witness of what it has done is gone: the folder "
    "may be a copy, or the machine was set up anew",
    LockReason.OTHER_MACHINE: "this folder belongs to another machine: it was copied",
    LockReason.DAMAGED: "what this node recorded was changed or damaged on its disk",
}


class JournalLocked(Exception):
    """Nothing may be added to any journal of this node, until it is enrolled again.

    A fork means that the whole folder was copied or rolled back, not one journal.
    """

    def __init__(self, reason: LockReason) -> None:
        super().__init__(f"{_SENTENCES[reason]}; nothing is lost: {_WHAT_TO_DO}")
        self.reason = reason


def append(unit: Unit, stream: str, kind: OpKind, body: str, *, op_id: OpId, wall_ms: int) -> Op:
    """Add an operation to a stream's journal, in the caller's transaction.

    While a shift is open, the operation is that shift's for ever. Raises JournalLocked. What the
    server could not even read is a bug and is refused here: stored, it would keep everything
    behind it from ever being taken.
    """
    reason = lock_reason(unit)
    if reason is not None:
        raise JournalLocked(reason)
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
        "INSERT INTO op (stream, inc, seq, op_id, kind, version, wall_ms, body, hash, shift) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            open_shift(unit),
        ),
    )
    unit.execute(
        "INSERT INTO journal (stream, inc, seq, hash, acked) VALUES (?, ?, ?, ?, 0) "
        "ON CONFLICT (stream, inc) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        (stream, head.incarnation, op.seq, op.hash),
    )
    note_wall(unit, wall_ms)
    return op


def head_of(connection: sqlite3.Connection, stream: str) -> Head:
    """The head of the journal being written; a stream never written to has an empty one."""
    incarnation = incarnation_of(connection)
    found = find_head(connection, stream, incarnation)
    return found or Head(stream, incarnation, 0, ROOT_HASH, 0, locked=False)


def find_head(connection: sqlite3.Connection, stream: str, incarnation: int) -> Head | None:
    """The head of a journal of this or an earlier incarnation; None when there is none."""
    row = connection.execute(
        "SELECT * FROM journal WHERE stream = ? AND inc = ?", (stream, incarnation)
    ).fetchone()
    return _head(row) if row else None


def heads(connection: sqlite3.Connection) -> tuple[Head, ...]:
    """All journals of this node, those of earlier incarnations too."""
    return tuple(map(_head, connection.execute("SELECT * FROM journal ORDER BY stream, inc")))


def incarnation_of(connection: sqlite3.Connection) -> int:
    """Which life of this node is being written down."""
    return int(get_meta(connection, "incarnation"))


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


def note_salvaged(unit: Unit, head: Head, salvaged: int) -> None:
    """Note how far the server has kept a fenced journal; never beyond its head."""
    unit.execute(
        "UPDATE journal SET salvaged = max(0, min(?, seq)) WHERE stream = ? AND inc = ?",
        (salvaged, head.stream, head.incarnation),
    )


def lock(unit: Unit, stream: str, incarnation: int | None = None) -> None:
    """The server fenced this journal (without `incarnation`: the one being written).

    Of an earlier incarnation it only goes by salvage from now on; else the node is locked.
    """
    current = incarnation_of(unit)
    incarnation = current if incarnation is None else incarnation
    unit.execute(
        "UPDATE journal SET locked = 1 WHERE stream = ? AND inc = ?", (stream, incarnation)
    )
    if incarnation == current:
        lock_node(unit, LockReason.FORKED)


def lock_node(unit: Unit, reason: LockReason) -> None:
    """Add nothing more to any journal. The first reason stays."""
    if not get_meta(unit, _LOCK):
        set_meta(unit, _LOCK, reason)


def begin_incarnation(unit: Unit, incarnation: int, machine: str = "") -> None:
    """The node was enrolled again, on this machine: begin empty journals. The old ones are kept.

    What was lent to the earlier incarnation is no longer ours to sell: a copy may have sold it.
    """
    assert incarnation > incarnation_of(unit), "an incarnation is never lived twice"
    set_meta(unit, "incarnation", str(incarnation))
    set_meta(unit, _LOCK, "")
    set_meta(unit, _WITNESS, "")
    note_machine(unit, machine)
    unit.execute("UPDATE allot SET state = 'closed' WHERE state = 'open'")
    unit.execute("UPDATE allot_unit SET state = 'released' WHERE state = 'free'")
    # Nor what it had not printed: it may have let another node do that since. The server knows.
    unit.execute(
        "UPDATE orders SET gone_to = ? WHERE copies = 0 AND begun = 0 AND gone_to = ''",
        (get_meta(unit, "node_id"),),
    )


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
        "SELECT count(*), min(op.wall_ms) FROM journal j CROSS JOIN op "  # j first: few are open
        "ON op.stream = j.stream AND op.inc = j.inc AND op.seq > max(j.acked, j.salvaged)"
    ).fetchone()
    refused = connection.execute(
        f"SELECT count(*) FROM {NOT_ACCEPTED} AND verdict IN (?, ?)",  # noqa: S608
        (Verdict.DISPUTED, Verdict.REJECTED),
    ).fetchone()
    return Backlog(row[0], row[1], refused[0], is_locked(connection))


def is_locked(connection: sqlite3.Connection) -> bool:
    """Whether nothing may be added to this node's journals."""
    return lock_reason(connection) is not None


def lock_reason(connection: sqlite3.Connection) -> LockReason | None:
    """Why nothing may be added to this node's journals; None when it may."""
    reason = get_meta(connection, _LOCK)
    if reason:
        return LockReason(reason)
    row = connection.execute(  # fenced by a program that kept no reason
        "SELECT 1 FROM journal WHERE locked = 1 AND inc = ?", (incarnation_of(connection),)
    ).fetchone()
    return LockReason.FORKED if row else None


def has_witness(connection: sqlite3.Connection) -> bool:
    """Whether a witness of this incarnation was ever written."""
    return get_meta(connection, _WITNESS) != ""


def note_witness(unit: Unit) -> None:
    """A witness of this incarnation was written: from now on there must be one."""
    set_meta(unit, _WITNESS, "1")


def enrolled_on(connection: sqlite3.Connection) -> str:
    """The machine on which this incarnation was enrolled; '' when nobody noted it."""
    return get_meta(connection, _MACHINE)


def note_machine(unit: Unit, machine: str) -> None:
    """Say where this incarnation was enrolled: without a witness it lives on no other machine."""
    set_meta(unit, _MACHINE, machine)


def open_shift(connection: sqlite3.Connection) -> str:
    """The id of the shift that is open at this till; '' when none is."""
    return get_meta(connection, _SHIFT)


def set_open_shift(unit: Unit, shift_id: str) -> None:
    """From now on what is recorded belongs to this shift; to none when it is ''."""
    set_meta(unit, _SHIFT, shift_id)


def note_wall(unit: Unit, wall_ms: int) -> None:
    """Keep the highest wall time: after a restart, an earlier one shows a clock set back."""
    unit.execute(
        "INSERT INTO meta (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v "
        "WHERE CAST(v AS INTEGER) < CAST(excluded.v AS INTEGER)",
        (_WALL_HIGH, str(wall_ms)),
    )


def wall_high_ms(connection: sqlite3.Connection) -> int:
    """The highest wall time that this node has ever stored; 0 when none."""
    return int(get_meta(connection, _WALL_HIGH) or 0)


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
        row["stream"],
        row["inc"],
        row["seq"],
        row["hash"],
        row["acked"],
        bool(row["locked"]),
        row["salvaged"],
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
