"""The rows behind a difference: orders, places and tickets that make two sides unequal.

Those that differ first; where none does, the newest, so that a figure can be traced as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

ROWS_MAX = 200


class Cell(StrEnum):
    """What a column holds: how it is shown, and what it is called."""

    ORDER = "order"
    RECEIPT = "receipt"
    NODE = "node"
    TIME = "time"
    TOTAL = "total"
    BOOKED = "booked"
    TAKEN = "taken"
    BACK = "back"
    UNIT = "unit"
    TICKET = "ticket"
    CLAIM = "claim"
    STATE = "state"
    ENTRIES = "entries"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class RowsBehind:
    """A table. `differing`: these rows make the difference; otherwise they are the newest."""

    columns: tuple[Cell, ...]
    rows: tuple[tuple[object, ...], ...]
    differing: bool
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Which:
    """Which orders: all of an event, of a till, of a time, or of a shift; empty: no matter."""

    event_id: str = ""
    node_id: str = ""
    shift: str = ""
    from_ms: int = 0
    to_ms: int = 0


_ORDER_COLUMNS = (
    Cell.RECEIPT,
    Cell.NODE,
    Cell.TIME,
    Cell.TOTAL,
    Cell.BOOKED,
    Cell.TAKEN,
    Cell.ORDER,
)
_BOOKED = (
    "SELECT coalesce(sum(CASE WHEN l.account = 'sales' AND l.amount_minor < 0 "
    "THEN -l.amount_minor ELSE 0 END), 0) AS booked, "
    "coalesce(sum(CASE WHEN l.account LIKE 'cash:%' OR l.account LIKE 'tender:%' "
    "THEN l.amount_minor ELSE 0 END), 0) AS taken, "
    "coalesce(sum(CASE WHEN l.account IN ('sales','fees','rounding') "
    "THEN -l.amount_minor ELSE 0 END), 0) AS due "
)


def orders_behind(connection: Connection, which: Which) -> RowsBehind:
    """Orders whose total is not what the ledger booked or took for them; else the newest."""
    body = "p.body" if connection.dialect.name == "sqlite" else "p.body::json"
    parts, values = _conditions(which, body)
    inner = (
        f"{_BOOKED}, o.event_id, o.id, o.receipt_no, o.node_id, o.sold_ms, o.total_minor, "
        "o.currency FROM orders o "
        "LEFT JOIN ledger l ON l.event_id = o.event_id AND l.node_id = o.node_id "
        "AND l.inc = o.inc AND l.seq = o.seq AND l.branch = '' "
        + (
            "JOIN op p ON p.event_id = o.event_id AND p.node_id = o.node_id AND p.inc = o.inc "
            "AND p.seq = o.seq AND p.branch = '' "
            if which.shift
            else ""
        )
        + f"WHERE {' AND '.join(parts) or '1 = 1'} GROUP BY o.event_id, o.id, o.receipt_no, "
        "o.node_id, o.sold_ms, o.total_minor, o.currency"
    )
    columns = "receipt_no, node_id, sold_ms, total_minor, booked, taken, id, currency"
    differing = connection.execute(
        text(
            f"SELECT {columns} FROM ({inner}) AS x "  # noqa: S608 - our own words
            "WHERE booked <> total_minor OR taken <> due ORDER BY sold_ms DESC LIMIT :most"
        ),
        values | {"most": ROWS_MAX},
    ).all()
    if differing:
        return _orders(differing, differing=True)
    newest = connection.execute(
        text(f"SELECT {columns} FROM ({inner}) AS x ORDER BY sold_ms DESC LIMIT :most"),  # noqa: S608
        values | {"most": ROWS_MAX},
    ).all()
    return _orders(newest, differing=False)


def _conditions(which: Which, body: str) -> tuple[list[str], dict[str, object]]:
    parts: list[str] = []
    values: dict[str, object] = {}
    if which.event_id:
        parts.append("o.event_id = :event")
        values["event"] = which.event_id
    if which.node_id:
        parts.append("o.node_id = :node")
        values["node"] = which.node_id
    if which.shift:
        parts.append(f"{body} ->> 'shift' = :shift")
        values["shift"] = which.shift
    if which.to_ms:
        parts.append("o.sold_ms >= :begin AND o.sold_ms < :end")
        values |= {"begin": which.from_ms, "end": which.to_ms}
    return parts, values


def _orders(rows: Sequence[Sequence[object]], *, differing: bool) -> RowsBehind:
    currency = str(rows[0][7]) if rows else ""
    return RowsBehind(_ORDER_COLUMNS, tuple(tuple(row[:7]) for row in rows), differing, currency)


def places_behind(connection: Connection, event_id: str, performance: int) -> RowsBehind:
    """Sold places without a valid ticket, and valid tickets without their place; else sold ones."""
    columns = (Cell.UNIT, Cell.CLAIM, Cell.TICKET, Cell.STATE)
    values = {"e": event_id, "p": performance, "most": ROWS_MAX}
    lonely = connection.execute(
        text(
            "SELECT c.unit, c.kind, c.ref, coalesce(k.state, '') FROM claim c "
            "LEFT JOIN ticket k ON k.event_id = c.event_id AND k.id = c.ref "
            "WHERE c.event_id = :e AND c.perf_id = :p AND c.kind = 'sold' "
            "AND (k.id IS NULL OR k.state <> 'valid') ORDER BY c.unit LIMIT :most"
        ),
        values,
    ).all()
    homeless = connection.execute(
        text(
            "SELECT k.unit, coalesce(c.kind, 'free'), k.id, k.state FROM ticket k "
            "LEFT JOIN claim c ON c.event_id = k.event_id AND c.perf_id = k.perf_id "
            "AND c.unit = k.unit WHERE k.event_id = :e AND k.perf_id = :p AND k.state = 'valid' "
            "AND (c.kind IS NULL OR c.kind <> 'sold' OR c.ref <> k.id) "
            "ORDER BY k.unit LIMIT :most"
        ),
        values,
    ).all()
    found = [*lonely, *homeless][:ROWS_MAX]
    if found:
        return RowsBehind(columns, tuple(tuple(row) for row in found), differing=True)
    sold = connection.execute(
        text(
            "SELECT c.unit, c.kind, c.ref, 'valid' FROM claim c WHERE c.event_id = :e "
            "AND c.perf_id = :p AND c.kind = 'sold' ORDER BY c.rev DESC LIMIT :most"
        ),
        values,
    ).all()
    return RowsBehind(columns, tuple(tuple(row) for row in sold), differing=False)


def entries_behind(connection: Connection, event_id: str, performance: int) -> RowsBehind:
    """Tickets that were let in more often than allowed, unsold, or taken back; else the newest."""
    columns = (Cell.TICKET, Cell.UNIT, Cell.STATE, Cell.ENTRIES, Cell.ALLOWED, Cell.TIME)
    inner = (
        "SELECT x.ticket_id, min(x.unit) AS unit, coalesce(min(k.state), '') AS state, "
        "count(*) AS entries, 1 + sum(x.again) AS allowed, max(x.at_ms) AS at_ms "
        "FROM entry x LEFT JOIN ticket k ON k.event_id = x.event_id AND k.id = x.ticket_id "
        "WHERE x.event_id = :e AND x.perf_id = :p AND x.phase IN ('granted','passed') "
        "GROUP BY x.ticket_id"
    )
    values = {"e": event_id, "p": performance, "most": ROWS_MAX}
    select = f"SELECT ticket_id, unit, state, entries, allowed, at_ms FROM ({inner}) AS y "  # noqa: S608
    found = connection.execute(
        text(
            f"{select} WHERE entries > allowed OR state <> 'valid' ORDER BY at_ms DESC LIMIT :most"
        ),
        values,
    ).all()
    if found:
        return RowsBehind(columns, tuple(tuple(row) for row in found), differing=True)
    newest = connection.execute(text(f"{select} ORDER BY at_ms DESC LIMIT :most"), values).all()
    return RowsBehind(columns, tuple(tuple(row) for row in newest), differing=False)
