"""Shifts as transactions on the journal: each is recorded whole before anything else happens.

What a shift consists of is read from the journal itself: its operations name it, so nothing has to
be kept beside them and nothing can contradict them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.env import Env
from edge.id_mint import IdMint
from edge.journal import Unit, append, get_meta, open_shift, set_meta, set_open_shift
from pos_app.services.shift_model import ShiftRefusal
from ticketing.ids import OpId, OrderId
from ticketing.journal import OpKind
from ticketing.operations import (
    CashAction,
    CashCount,
    CashMoved,
    DrawerOpened,
    ShiftClosed,
    ShiftOpened,
    ShiftReport,
    count_minor,
    decode_cash_moved,
    decode_drawer_opened,
    decode_exchange,
    decode_refund,
    decode_sale,
    decode_shift_closed,
    decode_shift_opened,
    encode_cash_moved,
    encode_drawer_opened,
    encode_shift_closed,
    encode_shift_opened,
)
from ticketing.operations.shift import COUNTS_KEPT_MAX, count_from_json, count_to_json
from ticketing.operations.shift_report import ROWS_MAX, JournalSeen
from ticketing.shift import ShiftOperation, is_over_threshold, make_report, recount_over_minor

LISTED_MAX: Final = 30
"""Z reports in the list of the screen; older ones are in the journal all the same."""
_Z_COUNT, _X_COUNT, _KEPT, _LEFT = "z_count", "x_count", "shift_counts", "drawer_left"
_DECODERS = {
    OpKind.SALE: decode_sale,
    OpKind.EXCHANGE: decode_exchange,
    OpKind.REFUND: decode_refund,
    OpKind.CASH_MOVED: decode_cash_moved,
    OpKind.DRAWER_OPENED: decode_drawer_opened,
}

_CLOSINGS = (
    "SELECT body, wall_ms FROM op INDEXED BY op_closing WHERE kind = 'shift_closed' "
    "ORDER BY rowid DESC"
)
"""The few closings, sorted. Left to itself, SQLite reads all that was sold in order to save the sort."""


class ShiftRefusedHere(Exception):
    """Nothing was recorded: the transaction is undone."""

    def __init__(self, reason: ShiftRefusal) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of a shift as it was recorded."""

    opened: ShiftOpened
    wall_ms: int


@dataclass(frozen=True, slots=True)
class KeptCount:
    """A blind count that was too far off, and what there should have been then."""

    count: CashCount
    expected_minor: int

    @property
    def difference_minor(self) -> int:
        """Over or short."""
        return count_minor(self.count) - self.expected_minor


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who does it, at which till: what every record of a shift shares. `venue` is the stream."""

    env: Env
    ids: IdMint
    venue: str
    person_id: str


def opening(connection: sqlite3.Connection) -> Opening | None:
    """The shift that is open; None when none is."""
    shift_id = open_shift(connection)
    if not shift_id:
        return None
    row = connection.execute(
        "SELECT body, wall_ms FROM op WHERE shift = ? AND shift <> '' ORDER BY rowid LIMIT 1",
        (shift_id,),
    ).fetchone()
    opened = decode_shift_opened(row["body"]) if row else None
    assert opened is not None, "a shift is opened by its first operation"
    return Opening(opened, row["wall_ms"])


def shift_for(connection: sqlite3.Connection, currency: str) -> str:
    """The open shift that takes this currency; '' when there is none."""
    found = opening(connection)
    return found.opened.shift_id if found and found.opened.currency == currency else ""


def begin(unit: Unit, clerk: Clerk, currency: str, count: CashCount) -> Opening:
    """Open a shift. Raises ShiftRefusedHere."""
    if open_shift(unit):
        raise ShiftRefusedHere(ShiftRefusal.ALREADY_OPEN)
    carried_currency, carried = _carried(unit)
    shift_id = OrderId(clerk.ids.next())
    opened = ShiftOpened(
        shift_id, clerk.person_id, currency, count, carried if carried_currency == currency else 0
    )
    body = encode_shift_opened(opened)
    assert decode_shift_opened(body) == opened, "no server would take this float"
    set_open_shift(unit, shift_id)
    set_meta(unit, _KEPT, "")
    return Opening(opened, _record(unit, clerk, OpKind.SHIFT_OPENED, body))


def move(unit: Unit, clerk: Clerk, action: CashAction, amount_minor: int, reason: str) -> None:
    """Record that cash comes or goes. Raises ShiftRefusedHere."""
    opened = _must_be_open(unit).opened
    if amount_minor <= 0:
        raise ShiftRefusedHere(ShiftRefusal.NOTHING_TO_MOVE)
    moved = CashMoved(
        opened.shift_id, action, amount_minor, opened.currency, clerk.person_id, reason
    )
    body = encode_cash_moved(moved)
    assert decode_cash_moved(body) == moved, "no server would take this movement"
    _record(unit, clerk, OpKind.CASH_MOVED, body)


def note_drawer(unit: Unit, clerk: Clerk, reason: str) -> None:
    """Record that the drawer opens without a sale. Raises ShiftRefusedHere."""
    opened = _must_be_open(unit).opened
    body = encode_drawer_opened(DrawerOpened(opened.shift_id, clerk.person_id, reason))
    _record(unit, clerk, OpKind.DRAWER_OPENED, body)


def report(connection: sqlite3.Connection, made_ms: int) -> ShiftReport:
    """The figures of the open shift. Raises ShiftRefusedHere."""
    opened = _must_be_open(connection)
    shift_id = opened.opened.shift_id
    unsynced_count, receipts = _unsynced(connection, shift_id)
    return make_report(
        opened.opened,
        opened.wall_ms,
        _operations(connection, shift_id),
        made_ms,
        _journals(connection, shift_id),
        unsynced_count,
        receipts,
    )


def next_x(unit: Unit, made_ms: int) -> tuple[int, ShiftReport]:
    """The figures so far and the number that this look at them gets. Raises ShiftRefusedHere."""
    found = report(unit, made_ms)
    return _next_number(unit, _X_COUNT), found


def kept_counts(connection: sqlite3.Connection) -> tuple[KeptCount, ...]:
    """The blind counts of the open shift that were too far off, in their order."""
    text = get_meta(connection, _KEPT)
    kept = [(count_from_json(raw), expected) for raw, expected in json.loads(text or "[]")]
    return tuple(KeptCount(count, expected) for count, expected in kept if count is not None)


def hand_in(unit: Unit, clerk: Clerk, count: CashCount) -> ShiftClosed | tuple[KeptCount, ...]:
    """Close with a blind count; or keep it when it is too far off. Raises ShiftRefusedHere.

    Kept on disk: pulling the plug gives nobody another first count.
    """
    figures = report(unit, clerk.env.wall_ms())
    before = kept_counts(unit)[: COUNTS_KEPT_MAX - 1]
    kept = (*before, KeptCount(count, figures.expected_minor))
    if is_over_threshold(kept[-1].difference_minor, figures.currency):
        raw = [[count_to_json(one.count), one.expected_minor] for one in kept]
        set_meta(unit, _KEPT, json.dumps(raw))
        return kept
    counts = tuple(one.count for one in kept)
    return _close(unit, clerk, figures, counts)


def close_approved(unit: Unit, clerk: Clerk, approver: str, reason: str) -> ShiftClosed:
    """Close with the difference of the last count. Raises ShiftRefusedHere."""
    figures = report(unit, clerk.env.wall_ms())
    kept = kept_counts(unit)
    if len(kept) < 2 or kept[-1].expected_minor != figures.expected_minor:
        raise ShiftRefusedHere(ShiftRefusal.NOT_COUNTED)
    counts = tuple(one.count for one in kept)
    return _close(unit, clerk, figures, counts, approver, reason)


def closed_shifts(connection: sqlite3.Connection) -> list[tuple[ShiftClosed, int]]:
    """The newest Z reports, the newest first, each with the time of its closing."""
    rows = connection.execute(
        f"{_CLOSINGS} LIMIT ?",
        (LISTED_MAX,),
    )
    return [(_read_closed(row["body"]), row["wall_ms"]) for row in rows]


def closed_shift(connection: sqlite3.Connection, number: int) -> tuple[ShiftClosed, int] | None:
    """One Z report by its number, however old; None when there is none."""
    rows = connection.execute(_CLOSINGS)
    for row in rows:
        closed = _read_closed(row["body"])
        if closed.z_number == number:
            return closed, row["wall_ms"]
    return None


def _close(
    unit: Unit,
    clerk: Clerk,
    figures: ShiftReport,
    counts: tuple[CashCount, ...],
    approver: str = "",
    reason: str = "",
) -> ShiftClosed:
    number = _next_number(unit, _Z_COUNT)
    threshold = recount_over_minor(figures.currency)
    closed = ShiftClosed(number, clerk.person_id, counts, threshold, figures, approver, reason)
    body = encode_shift_closed(closed)
    assert decode_shift_closed(body) == closed, "no server would take this report"
    _record(unit, clerk, OpKind.SHIFT_CLOSED, body)
    set_open_shift(unit, "")
    set_meta(unit, _KEPT, "")
    set_meta(unit, _LEFT, json.dumps([figures.currency, closed.counted_minor]))
    return closed


def _record(unit: Unit, clerk: Clerk, kind: OpKind, body: str) -> int:
    """Add it to the house journal; the time that it got."""
    op_id, wall_ms = OpId(clerk.env.random_bytes(16).hex()), clerk.env.wall_ms()
    append(unit, clerk.venue, kind, body, op_id=op_id, wall_ms=wall_ms)
    return wall_ms


def _must_be_open(connection: sqlite3.Connection) -> Opening:
    found = opening(connection)
    if found is None:
        raise ShiftRefusedHere(ShiftRefusal.NO_SHIFT)
    return found


def _carried(connection: sqlite3.Connection) -> tuple[str, int]:
    """What the last shift left in the drawer by its own count."""
    text = get_meta(connection, _LEFT)
    currency, amount = json.loads(text) if text else ("", 0)
    return str(currency), int(amount)


def _operations(connection: sqlite3.Connection, shift_id: str) -> Iterable[ShiftOperation]:
    marks = ", ".join("?" * len(_DECODERS))
    rows = connection.execute(
        f"SELECT kind, body FROM op WHERE shift = ? AND shift <> '' AND kind IN ({marks})",  # noqa: S608 - our own marks
        (shift_id, *_DECODERS),
    )
    for row in rows:
        operation: ShiftOperation | None = _DECODERS[OpKind(row["kind"])](row["body"])
        assert operation is not None, "we wrote it ourselves"
        yield operation


def _journals(connection: sqlite3.Connection, shift_id: str) -> list[JournalSeen]:
    rows = connection.execute(
        "SELECT j.stream, j.inc, j.seq, j.hash, j.acked FROM journal j WHERE EXISTS ("
        "SELECT 1 FROM op WHERE op.shift = ? AND op.shift <> '' "
        "AND op.stream = j.stream AND op.inc = j.inc) "
        "ORDER BY j.stream, j.inc LIMIT ?",
        (shift_id, ROWS_MAX),
    )
    return [JournalSeen(*row) for row in rows]


def _unsynced(connection: sqlite3.Connection, shift_id: str) -> tuple[int, list[str]]:
    """How many operations of the shift wait for the server, and the sales among them by receipt."""
    rows = connection.execute(
        "SELECT op.kind, op.body FROM op JOIN journal j ON j.stream = op.stream "
        "AND j.inc = op.inc WHERE op.shift = ? AND op.shift <> '' "
        "AND op.seq > max(j.acked, j.salvaged) "
        "ORDER BY op.rowid",
        (shift_id,),
    ).fetchall()
    orders = (decode_sale(row["body"]) for row in rows if row["kind"] == OpKind.SALE)
    return len(rows), [order.receipt_no for order in orders if order is not None][:ROWS_MAX]


def _next_number(unit: Unit, counter: str) -> int:
    """The next report's number; without gaps, since it is counted in the same transaction."""
    number = int(get_meta(unit, counter) or 0) + 1
    set_meta(unit, counter, str(number))
    return number


def _read_closed(body: str) -> ShiftClosed:
    closed = decode_shift_closed(body)
    assert closed is not None, "we wrote it ourselves"
    return closed
