"""The books of one stream, counted from its own rows: an event's, or the house's drawers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from sync_server.services.accounts import EntryAccount, MoneyAccount, UnitAccount


@dataclass(frozen=True, slots=True)
class LastWords:
    """The newest operation of a node: its kind, and when it was by the node's own clock."""

    received_ms: int = 0
    kind: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a node has and did in a stream."""

    lent: int = 0
    sold: int = 0
    entries: int = 0
    last: LastWords = LastWords()

    def __add__(self, other: Figures) -> Figures:
        """Both together; the later words are the last."""
        last = max(self.last, other.last, key=lambda each: each.received_ms)
        return Figures(
            self.lent + other.lent, self.sold + other.sold, self.entries + other.entries, last
        )


NO_FIGURES = Figures()


@dataclass(frozen=True, slots=True)
class StreamBooks:
    """One stream's part of every account. `balances` is the ledger by account and currency.

    `places`: of each performance and window, how many places it still has and how many it sold.
    """

    units: tuple[UnitAccount, ...]
    money: tuple[MoneyAccount, ...]
    entries: tuple[EntryAccount, ...]
    balances: Mapping[tuple[str, str], int]
    figures: Mapping[str, Figures]
    places: Mapping[tuple[int, str], tuple[int, int]] = field(default_factory=dict)


def read_stream_books(connection: Connection, event_id: str) -> StreamBooks:
    """Count them, with one reading of each of the large tables."""
    claims = _counted(connection, _CLAIMS, event_id)
    balances, sums = _ledger(connection, event_id)
    entries, entered_at = _entries(connection, event_id)
    return StreamBooks(
        units=_units(connection, event_id, claims),
        money=_money(connection, event_id, sums),
        entries=entries,
        balances=balances,
        figures=_figures(connection, event_id, claims, entered_at),
        places=_places(claims),
    )


_CLAIMS = (
    "SELECT perf_id, node_id, kind, count(*) FROM claim WHERE event_id = :e "
    "GROUP BY perf_id, node_id, kind"
)
_VALID = (
    "SELECT perf_id, count(*) FROM ticket WHERE event_id = :e AND state = 'valid' GROUP BY perf_id"
)
_PERFORMANCES = (
    "SELECT perf_id, starts_ms, unit_count FROM performance WHERE event_id = :e "
    "ORDER BY starts_ms, perf_id"
)
_LEDGER = (
    "SELECT account, currency, sum(amount_minor) FROM ledger WHERE event_id = :e "
    "GROUP BY account, currency"
)
_ORDERS = (
    "SELECT currency, sum(total_minor - refunded_minor) FROM orders WHERE event_id = :e "
    "GROUP BY currency ORDER BY currency"
)
_TICKETS = "SELECT sum(price_minor) FROM ticket WHERE event_id = :e AND state <> 'void'"
_TICKETS_BY_CURRENCY = (
    "SELECT s.currency, sum(k.price_minor) FROM ticket k "
    "JOIN orders s ON s.event_id = k.event_id AND s.id = k.order_id "
    "WHERE k.event_id = :e AND k.state <> 'void' GROUP BY s.currency"
)
_ENTERED = (
    "SELECT x.perf_id, count(*), count(DISTINCT x.ticket_id), "
    "sum(CASE WHEN k.id IS NULL THEN 1 ELSE 0 END), sum(x.again) FROM entry x "
    "LEFT JOIN ticket k ON k.event_id = x.event_id AND k.id = x.ticket_id "
    "WHERE x.event_id = :e AND x.phase IN ('granted','passed') GROUP BY x.perf_id"
)
_ENTERED_AT = (
    "SELECT node_id, count(*) FROM entry WHERE event_id = :e AND phase IN ('granted','passed') "
    "GROUP BY node_id"
)
_LAST_WORDS = (
    "SELECT j.node_id, p.received_ms, p.kind, p.wall_ms FROM journal j JOIN op p "
    "ON p.event_id = j.event_id AND p.node_id = j.node_id AND p.inc = j.inc AND p.seq = j.seq "
    "AND p.branch = '' WHERE j.event_id = :e"
)


def _counted(connection: Connection, sql: str, event_id: str) -> list[tuple[int, str, str, int]]:
    return [
        (int(row[0]), row[1], row[2], int(row[3]))
        for row in connection.execute(text(sql), {"e": event_id})
    ]


def _places(claims: list[tuple[int, str, str, int]]) -> dict[tuple[int, str], tuple[int, int]]:
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for perf_id, node_id, kind, count in claims:
        left, sold = found.get((perf_id, node_id), (0, 0))
        if kind == "allot":
            found[perf_id, node_id] = (left + count, sold)
        elif kind == "sold":
            found[perf_id, node_id] = (left, sold + count)
    return found


def _units(
    connection: Connection, event_id: str, claims: list[tuple[int, str, str, int]]
) -> tuple[UnitAccount, ...]:
    by_kind: dict[tuple[int, str], int] = {}
    for perf_id, _node, kind, count in claims:
        by_kind[perf_id, kind] = by_kind.get((perf_id, kind), 0) + count
    tickets = {
        int(row[0]): int(row[1]) for row in connection.execute(text(_VALID), {"e": event_id})
    }
    found = []
    for perf_id, starts_ms, capacity in connection.execute(text(_PERFORMANCES), {"e": event_id}):
        kinds = ("allot", "sold", "blocked", "hold", "returned")
        lent, sold, blocked, held, returned = (by_kind.get((perf_id, kind), 0) for kind in kinds)
        found.append(
            UnitAccount(
                event_id,
                int(perf_id),
                int(starts_ms),
                int(capacity),
                lent,
                sold,
                blocked + held + returned,
                tickets.get(int(perf_id), 0),
                held,
                returned,
            )
        )
    return tuple(found)


def _ledger(
    connection: Connection, event_id: str
) -> tuple[dict[tuple[str, str], int], dict[str, tuple[int, int]]]:
    """The balances; and by currency what was taken for sales, and what all lines sum to."""
    balances: dict[tuple[str, str], int] = {}
    sums: dict[str, tuple[int, int]] = {}
    for account, currency, minor in connection.execute(text(_LEDGER), {"e": event_id}):
        balances[account, currency] = int(minor)
        taken, total = sums.get(currency, (0, 0))
        sums[currency] = (taken + (0 if account == "sales" else int(minor)), total + int(minor))
    return balances, sums


def _money(
    connection: Connection, event_id: str, sums: Mapping[str, tuple[int, int]]
) -> tuple[MoneyAccount, ...]:
    orders = connection.execute(text(_ORDERS), {"e": event_id}).all()
    tickets: dict[str, int] = {}
    if len(orders) == 1:  # nearly always, and then nobody need look up each ticket's order
        worth = connection.execute(text(_TICKETS), {"e": event_id}).scalar()
        tickets = {orders[0][0]: int(worth or 0)}
    elif orders:
        rows = connection.execute(text(_TICKETS_BY_CURRENCY), {"e": event_id})
        tickets = {row[0]: int(row[1]) for row in rows}
    return tuple(
        MoneyAccount(
            event_id,
            currency,
            int(minor),
            tickets.get(currency, 0),
            *sums.get(currency, (0, 0)),
        )
        for currency, minor in orders
    )


def _entries(
    connection: Connection, event_id: str
) -> tuple[tuple[EntryAccount, ...], dict[str, int]]:
    valid = {int(row[0]): int(row[1]) for row in connection.execute(text(_VALID), {"e": event_id})}
    entered = {
        int(row[0]): tuple(int(n or 0) for n in row[1:])
        for row in connection.execute(text(_ENTERED), {"e": event_id})
    }
    accounts = []
    for row in connection.execute(text(_PERFORMANCES), {"e": event_id}):
        perf_id = int(row[0])
        entries, let_in, unknown, repeats = entered.get(perf_id, (0, 0, 0, 0))
        accounts.append(
            EntryAccount(
                event_id, perf_id, valid.get(perf_id, 0), entries, let_in, unknown, repeats
            )
        )
    at = connection.execute(text(_ENTERED_AT), {"e": event_id})
    return tuple(accounts), {row[0]: int(row[1]) for row in at}


def _figures(
    connection: Connection,
    event_id: str,
    claims: list[tuple[int, str, str, int]],
    entered_at: Mapping[str, int],
) -> dict[str, Figures]:
    sums: dict[str, Figures] = {}

    def add(node_id: str, figures: Figures) -> None:
        sums[node_id] = sums.get(node_id, NO_FIGURES) + figures

    for _perf_id, node_id, kind, count in claims:
        if kind == "allot":
            add(node_id, Figures(lent=count))
        elif kind == "sold":
            add(node_id, Figures(sold=count))
    for node_id, count in entered_at.items():
        add(node_id, Figures(entries=count))
    for node_id, received_ms, kind, at_ms in connection.execute(text(_LAST_WORDS), {"e": event_id}):
        add(node_id, Figures(last=LastWords(int(received_ms), kind, int(at_ms))))
    return sums
