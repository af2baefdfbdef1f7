"""Who gets money back for a cancelled performance: its orders, and what went back since.

The list pays nothing: each order goes back at a window, and the list shows that it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from sync_server.services.performance_rows import ChangeKind
from ticketing.ledger import cash_node_of, tender_of

CASH = "cash"
ORDERS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Cancelled:
    """When it was, and by which revision of the event's feed nodes hear of it."""

    at_ms: int
    rev: int


@dataclass(frozen=True, slots=True)
class RefundLine:
    """An order's tickets for the performance: what is still out, and what went back since.

    Amounts are what the tickets cost, in minor units. `taken` is how the whole order was paid.
    """

    order_id: str
    receipt_no: str
    window: str
    sold_ms: int
    currency: str
    open_count: int
    open_minor: int
    back_count: int
    back_minor: int
    is_late: bool  # sold by a window that had not heard of it yet
    taken: Mapping[str, int] = field(default_factory=dict)

    @property
    def tender(self) -> str:
        """The one means of payment; "" where there were several, or none."""
        return next(iter(self.taken)) if len(self.taken) == 1 else ""


@dataclass(frozen=True, slots=True)
class Sums:
    """What a part of the list comes to."""

    order_count: int
    ticket_count: int
    open_minor: int
    back_minor: int


def read_cancelled(connection: Connection, event_id: str, number: int) -> Cancelled | None:
    """When a performance was cancelled; None when it takes place."""
    row = connection.execute(
        text(
            "SELECT p.cancelled_ms, coalesce(c.rev, 0) FROM performance p "
            "LEFT JOIN performance_change c ON c.event_id = p.event_id AND c.perf_id = p.perf_id "
            "AND c.kind = :kind WHERE p.event_id = :e AND p.perf_id = :p AND p.cancelled_ms <> 0"
        ),
        {"e": event_id, "p": number, "kind": ChangeKind.CANCELLED.value},
    ).first()
    return None if row is None else Cancelled(int(row[0]), int(row[1]))


def read_refunds(
    connection: Connection, event_id: str, number: int, cancelled: Cancelled
) -> list[RefundLine]:
    """Its orders, those with something still out first, then by when they were sold.

    Tickets that had gone back before it was cancelled are not in it.
    """
    values = {"e": event_id, "p": number, "rev": cancelled.rev, "most": ORDERS_MAX}
    rows = connection.execute(
        text(
            "SELECT o.id, o.receipt_no, coalesce(n.name, o.node_id), o.sold_ms, o.currency, "
            "x.open_count, x.open_minor, x.back_count, x.back_minor FROM ("
            "SELECT order_id, sum(CASE WHEN state <> 'void' THEN 1 ELSE 0 END) AS open_count, "
            "sum(CASE WHEN state <> 'void' THEN price_minor ELSE 0 END) AS open_minor, "
            "sum(CASE WHEN state = 'void' THEN 1 ELSE 0 END) AS back_count, "
            "sum(CASE WHEN state = 'void' THEN price_minor ELSE 0 END) AS back_minor "
            "FROM ticket WHERE event_id = :e AND perf_id = :p "
            "AND (state <> 'void' OR rev > :rev) GROUP BY order_id) AS x "
            "JOIN orders o ON o.event_id = :e AND o.id = x.order_id "
            "LEFT JOIN node n ON n.id = o.node_id "
            "ORDER BY CASE WHEN x.open_count > 0 THEN 0 ELSE 1 END, o.sold_ms, o.id LIMIT :most"
        ),
        values,
    ).all()
    taken = _taken(connection, event_id, number)
    return [
        RefundLine(
            row[0],
            row[1],
            row[2],
            int(row[3]),
            row[4],
            int(row[5]),
            int(row[6]),
            int(row[7]),
            int(row[8]),
            int(row[3]) > cancelled.at_ms,
            taken.get(row[0], {}),
        )
        for row in rows
    ]


def _taken(connection: Connection, event_id: str, number: int) -> dict[str, dict[str, int]]:
    """How each order with tickets for the performance was paid: by tender, in minor units."""
    rows = connection.execute(
        text(
            "SELECT o.id, l.account, sum(l.amount_minor) FROM ("
            "SELECT DISTINCT order_id FROM ticket WHERE event_id = :e AND perf_id = :p) AS x "
            "JOIN orders o ON o.event_id = :e AND o.id = x.order_id "
            "JOIN ledger l ON l.event_id = o.event_id AND l.node_id = o.node_id "
            "AND l.inc = o.inc AND l.seq = o.seq AND l.branch = '' "
            "WHERE l.account LIKE 'cash:%' OR l.account LIKE 'tender:%' "
            "GROUP BY o.id, l.account"
        ),
        {"e": event_id, "p": number},
    )
    found: dict[str, dict[str, int]] = {}
    for order_id, account, minor in rows:
        known = tender_of(account)
        tender = CASH if cash_node_of(account) is not None else known[0] if known else account
        sums = found.setdefault(order_id, {})
        sums[tender] = sums.get(tender, 0) + int(minor)
    return found


def summed(lines: Iterable[RefundLine]) -> Sums:
    """What these lines come to."""
    orders = tickets = still_out = back = 0
    for line in lines:
        orders += 1
        tickets += line.open_count + line.back_count
        still_out += line.open_minor
        back += line.back_minor
    return Sums(orders, tickets, still_out, back)


def summed_by(lines: Iterable[RefundLine], *, tender: bool) -> dict[str, Sums]:
    """The sums by tender ("": several at once), or else by window."""
    parts: dict[str, list[RefundLine]] = {}
    for line in lines:
        parts.setdefault(line.tender if tender else line.window, []).append(line)
    return {name: summed(found) for name, found in sorted(parts.items())}
