"""Whether journal.db still says what this node recorded: nobody changed a row, nothing is missing.

Every operation is bound to the one before by its hash, so that a body, a number or a time that was
changed behind our back shows; what a sale sold must be in the orders, word for word, and its units
must be sold. An end that is missing shows by the witness (recorder.py), a damaged page by SQLite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.journal import Head, get_meta, hash_at, heads
from ticketing.journal import OpKind, op_hash
from ticketing.operations import Exchange, Sale, SaleLine, decode_exchange, decode_sale

TAIL_OPS_MAX: Final = 2_000
"""Looked at before a node starts: some 60 ms. Everything else is looked at while it runs."""
BATCH_OPS: Final = 100

_SOLD: Final = (OpKind.SALE, OpKind.EXCHANGE)


class Fault(StrEnum):
    """What does not fit. Logged, never renamed."""

    CHAIN = "chain"  # an operation is not the one that was recorded, or one is missing
    HEAD = "head"  # the journal ends somewhere else than it says
    ORDER = "order"  # an order is not as it was sold
    UNIT = "unit"  # a unit that was sold counts as unsold
    PAGE = "page"  # the file itself is damaged


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the file is not as this node recorded it. `where` is for support."""

    fault: Fault
    where: str


@dataclass(frozen=True, slots=True)
class Place:
    """How far a journal was looked at: everything up to `seq`, whose hash is `hash`."""

    stream: str
    incarnation: int
    seq: int
    hash: str


def tails(connection: sqlite3.Connection, ops_max: int = TAIL_OPS_MAX) -> Iterator[Place]:
    """Where to begin so that the ends of all journals, at most so many operations, are seen."""
    known = heads(connection)
    share = max(1, ops_max // max(1, len(known)))
    for head in known:
        yield _place(connection, head, max(0, head.seq - share))


def beginnings(connection: sqlite3.Connection) -> Iterator[Place]:
    """Where to begin so that everything is seen."""
    return (_place(connection, head, 0) for head in heads(connection))


def look_at_tails(connection: sqlite3.Connection, ops_max: int = TAIL_OPS_MAX) -> Damage | None:
    """What is wrong at the journals' ends; None when all is as it was recorded."""
    for begin in tuple(tails(connection, ops_max)):
        place: Place | None = begin
        while place is not None:
            seen = look(connection, place)
            if isinstance(seen, Damage):
                return seen
            place = seen
    return None


def look(connection: sqlite3.Connection, place: Place) -> Place | Damage | None:
    """Look at the next operations of a journal, in one consistent read.

    Gives the place that was reached, None at the journal's end, or what is wrong.
    """
    rows = connection.execute(
        "SELECT * FROM op WHERE stream = ? AND inc = ? AND seq > ? ORDER BY seq LIMIT ?",
        (place.stream, place.incarnation, place.seq, BATCH_OPS),
    ).fetchall()
    node_id = get_meta(connection, "node_id")
    seq, last = place.seq, place.hash
    for row in rows:
        seq += 1
        if row["seq"] != seq or _hash(row, last, node_id) != row["hash"]:
            return Damage(Fault.CHAIN, f"{place.stream}/{place.incarnation}/{seq}")
        last = row["hash"]
    damage = _look_at_orders(connection, place.stream, rows)
    if damage is not None:
        return damage
    if len(rows) == BATCH_OPS:
        return Place(place.stream, place.incarnation, seq, last)
    return _look_at_head(connection, Place(place.stream, place.incarnation, seq, last))


def count_orders(connection: sqlite3.Connection) -> Damage | None:
    """Whether there are as many orders as were sold: none was put in or taken out."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM op WHERE kind IN (?, ?)), "
        "(SELECT count(*) FROM orders WHERE from_node = '')",
        _SOLD,
    ).fetchone()
    return None if row[0] == row[1] else Damage(Fault.ORDER, f"{row[0]} sold, {row[1]} kept")


def _place(connection: sqlite3.Connection, head: Head, seq: int) -> Place:
    return Place(head.stream, head.incarnation, seq, hash_at(connection, head, seq))


def _hash(row: sqlite3.Row, before: str, node_id: str) -> str:
    return op_hash(
        before,
        row["stream"],
        node_id,
        row["inc"],
        row["seq"],
        row["op_id"],
        row["kind"],
        row["version"],
        row["wall_ms"],
        row["body"],
    )


def _look_at_head(connection: sqlite3.Connection, end: Place) -> Damage | None:
    row = connection.execute(
        "SELECT seq, hash FROM journal WHERE stream = ? AND inc = ?", (end.stream, end.incarnation)
    ).fetchone()
    if row is not None and (row["seq"], row["hash"]) == (end.seq, end.hash):
        return None
    return Damage(Fault.HEAD, f"{end.stream}/{end.incarnation}/{end.seq}")


def _look_at_orders(
    connection: sqlite3.Connection, stream: str, rows: Iterable[sqlite3.Row]
) -> Damage | None:
    for row in rows:
        if row["kind"] not in _SOLD:
            continue
        sold = decode_sale(row["body"]) or decode_exchange(row["body"])
        if sold is None:
            continue  # the chain vouches for it: of a program that knew more
        where = f"{stream}/{row['inc']}/{row['seq']}"
        if not _is_kept(connection, stream, sold, row["body"]):
            return Damage(Fault.ORDER, where)
        if not all(_is_sold(connection, stream, line) for line in sold.lines):
            return Damage(Fault.UNIT, where)
    return None


def _is_kept(connection: sqlite3.Connection, stream: str, sold: Sale | Exchange, body: str) -> bool:
    row = connection.execute(
        "SELECT body, receipt_no FROM orders WHERE stream = ? AND id = ?", (stream, sold.order_id)
    ).fetchone()
    return row is not None and (row["body"], row["receipt_no"]) == (body, sold.receipt_no)


def _is_sold(connection: sqlite3.Connection, stream: str, line: SaleLine) -> bool:
    """Whether the unit is sold, went back, or came to us anew since: a higher version."""
    row = connection.execute(
        "SELECT version, state FROM allot_unit WHERE stream = ? AND performance = ? AND unit = ?",
        (stream, line.performance, line.unit),
    ).fetchone()
    if row is None or row["version"] < line.version:
        return False
    return row["version"] > line.version or row["state"] in ("sold", "returned")
