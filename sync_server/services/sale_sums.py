"""Tickets and money summed up for reports, from the rows that a stream's revisions changed.

A ticket counts where and when its operation sold it, once, at the price it was sold for. What goes
back counts where and when it went back, by the operation that says so; so both add up to the
account of orders (`services.accounts.MoneyAccount.orders_minor`) and, by day and till, to the
reconciliation's. Whether a ticket is valid changes nothing: disputes and blocks move no money.

An operation is never changed once it has had its effect, and its `rev` says from where on the feed
shows it. So what is new since a revision is told by operations, and counting from 0 gives the same
as counting again and again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, text

from sync_server.services.takings import SLOT_MS
from ticketing.event import Venue
from ticketing.operations import decode_exchange, decode_refund

ROWS_AT_ONCE = 1_000
REST_FACTOR = 3
"""After so many rows the counting rests that many times as long as they took: sales need the
interpreter.
"""
_SLOT_MAX = 4_102_444_800_000 // SLOT_MS
"""The year 2100: what a clock says that is further off counts as then."""
_FREE = 1

T = TypeVar("T")
Rest = Callable[[float], None]
"""Waits so many seconds; what it raises ends the counting."""


class SumBy(StrEnum):
    """What a sum is of, beside performance and day. Stored, never renamed."""

    ALL = "all"
    TIER = "tier"
    TYPE = "type"
    TILL = "till"
    FREE = "free"  # tickets that cost nothing, by till; they are among the till's, too
    HOUR = "hour"


EVERY_PERFORMANCE, EVERY_DAY = -1, ""


class SaleCell(NamedTuple):
    """Which sum. `on_day` is an ISO date; `of` a tier, type, node or hour ("09").

    Each figure ends in four cells (`with_totals`): of its performance or every one, on its day or
    every one. So a report reads few of them, whatever it is of.
    """

    by: SumBy
    performance: int
    on_day: str
    of: str
    agency: str
    currency: str


class SaleSum:
    """Tickets sold and given back, and what they cost, in minor units."""

    __slots__ = ("back_count", "back_minor", "sold_count", "sold_minor")

    def __init__(self) -> None:
        self.sold_count = self.sold_minor = self.back_count = self.back_minor = 0

    def add(self, other: SaleSum) -> None:
        """Take in another one's figures."""
        self.sold_count += other.sold_count
        self.sold_minor += other.sold_minor
        self.back_count += other.back_count
        self.back_minor += other.back_minor

    def values(self) -> tuple[int, int, int, int]:
        """In the order of the table's columns."""
        return self.sold_count, self.sold_minor, self.back_count, self.back_minor


SaleSums = dict[SaleCell, SaleSum]


def day_rule_of(venue: Venue) -> str:
    """By what days and hours are told apart; another rule makes all sums void."""
    return f"{venue.timezone} {venue.day_starts:%H:%M}"


class VenueClock:
    """Business days and hours of a venue, by quarters of an hour."""

    def __init__(self, venue: Venue) -> None:
        self._venue, self._zone = venue, venue.zone
        self._known: dict[int, tuple[str, str]] = {}

    def day_and_hour(self, slot: int) -> tuple[str, str]:
        """The business day, and the hour that the venue's clocks show ("09")."""
        found = self._known.get(slot)
        if found is None:
            at = datetime.fromtimestamp(min(max(slot, 0), _SLOT_MAX) * SLOT_MS / 1000, UTC)
            day = self._venue.business_day(at)
            found = self._known[slot] = (day.isoformat(), f"{at.astimezone(self._zone):%H}")
        return found


def count_sales(
    connection: Connection, event_id: str, since: int, clock: VenueClock, rest: Rest = time.sleep
) -> SaleSums:
    """What operations with an effect after revision `since` sold and took back, of one event."""
    counting = _Counting(_agencies(connection), clock)
    values = {"e": event_id, "since": since}
    for rows in _parts(connection, _SOLD if since == 0 else _SOLD_SINCE, values, rest):
        for row in rows:
            counting.add_sold(row)
    for rows in _parts(connection, _RETURNS, values, rest):
        counting.add_returned(connection, event_id, rows)
    return counting.sums


def with_totals(sums: SaleSums, rest: Rest = time.sleep) -> Iterator[SaleSums]:
    """All four cells of each figure, in the order of the table's key, a part at a time."""
    parts: dict[tuple[SumBy, int], SaleSums] = {}
    for cell, each in _patiently(sums.items(), rest):
        for performance in (cell.performance, EVERY_PERFORMANCE):
            part = parts.setdefault((cell.by, performance), {})
            for day in (cell.on_day, EVERY_DAY):
                where = SaleCell(cell.by, performance, day, cell.of, cell.agency, cell.currency)
                part.setdefault(where, SaleSum()).add(each)
    for key in sorted(parts):
        part = parts.pop(key)
        yield {cell: part[cell] for cell in sorted(part)}


def _patiently(things: Iterable[T], rest: Rest) -> Iterator[T]:
    began_s = time.monotonic()
    for number, each in enumerate(things, 1):
        yield each
        if number % ROWS_AT_ONCE == 0:
            rest(REST_FACTOR * (time.monotonic() - began_s))
            began_s = time.monotonic()


_GROUPED = (
    "SELECT k.perf_id, k.tier_id, k.ticket_type_id, o.node_id, "  # noqa: S608 - our own words
    f"o.sold_ms / {SLOT_MS}, o.currency, CASE WHEN k.price_minor = 0 THEN 1 ELSE 0 END, "
    "count(*), sum(k.price_minor) FROM ticket k "
    "JOIN orders o ON o.event_id = k.event_id AND o.id = k.order_id WHERE k.event_id = :e "
)
_SOLD = f"{_GROUPED} GROUP BY 1, 2, 3, 4, 5, 6, 7"
# A ticket that changed since may have been sold before; of a place in a journal with several
# branches, the operation that sold the order names it.
_SOLD_SINCE = (
    f"{_GROUPED} AND k.rev > :since AND EXISTS "  # noqa: S608 - our own words
    "(SELECT 1 FROM op p WHERE p.event_id = o.event_id "
    "AND p.node_id = o.node_id AND p.inc = o.inc AND p.seq = o.seq AND p.rev > :since "
    "AND p.kind IN ('sale','exchange') AND p.body LIKE '%' || o.id || '%') "
    "GROUP BY 1, 2, 3, 4, 5, 6, 7"
)
# Of an order that nobody knows the ledger has the money, and no order is worth less for it.
_RETURNS = (
    f"SELECT node_id, wall_ms / {SLOT_MS}, kind, body "  # noqa: S608 - our own words
    "FROM op WHERE event_id = :e "
    "AND kind IN ('refund','exchange') AND rev > :since AND verdict_code <> 'unknown_order' "
    "ORDER BY rev, node_id, inc, seq, branch"
)


class _Returned(NamedTuple):
    node_id: str
    slot: int
    currency: str
    tickets: tuple[str, ...]
    worth_minor: int


class _Counting:
    def __init__(self, agencies: dict[str, str], clock: VenueClock) -> None:
        self.sums: SaleSums = {}
        self._agencies, self._clock = agencies, clock

    def add_sold(self, row: Sequence[Any]) -> None:
        performance, tier, kind, node_id, slot, currency, is_free, count, minor = row
        where = (int(performance), str(tier), str(kind), str(node_id))
        for cell in self._cells(where, int(slot), str(currency), is_free=is_free == _FREE):
            found = self.sums.setdefault(cell, SaleSum())
            found.sold_count += int(count)
            found.sold_minor += int(minor)

    def add_returned(
        self, connection: Connection, event_id: str, rows: Sequence[Sequence[Any]]
    ) -> None:
        """Each ticket's own price; what an operation's tickets do not explain, its first has."""
        returned = [each for row in rows if (each := _returned(row)) is not None]
        ids = {ticket for each in returned for ticket in each.tickets}
        known = _tickets(connection, event_id, ids)
        for each in returned:
            tickets = [known.get(ticket, (0, "", "", 0)) for ticket in each.tickets]
            unexplained = each.worth_minor - sum(price for *_where, price in tickets)
            for performance, tier, kind, price in tickets:
                worth, unexplained = price + unexplained, 0
                where = (performance, tier, kind, each.node_id)
                for cell in self._cells(where, each.slot, each.currency, is_free=price == 0):
                    found = self.sums.setdefault(cell, SaleSum())
                    found.back_count += 1
                    found.back_minor += worth

    def _cells(
        self, where: tuple[int, str, str, str], slot: int, currency: str, *, is_free: bool
    ) -> Iterator[SaleCell]:
        performance, tier, kind, node_id = where
        day, hour = self._clock.day_and_hour(slot)
        agency = self._agencies.get(node_id, "")
        found = [
            (SumBy.ALL, ""),
            (SumBy.TIER, tier),
            (SumBy.TYPE, kind),
            (SumBy.TILL, node_id),
            (SumBy.HOUR, hour),
        ]
        if is_free:
            found.append((SumBy.FREE, node_id))
        for by, of in found:
            yield SaleCell(by, performance, day, of, agency, currency)


def _returned(row: Sequence[Any]) -> _Returned | None:
    node_id, slot, kind, body = row
    if kind == "refund":
        refund = decode_refund(body)
        if refund is None:
            return None
        return _Returned(node_id, int(slot), refund.currency, refund.ticket_ids, refund.worth_minor)
    exchange = decode_exchange(body)
    if exchange is None:
        return None
    return _Returned(
        node_id, int(slot), exchange.currency, exchange.returned, exchange.credit_minor
    )


def _tickets(
    connection: Connection, event_id: str, ids: set[str]
) -> dict[str, tuple[int, str, str, int]]:
    if connection.dialect.name == "sqlite":
        among = "SELECT value FROM json_each(:ids)"
    else:
        among = "SELECT json_array_elements_text(CAST(:ids AS json))"
    rows = connection.execute(
        text(
            "SELECT id, perf_id, tier_id, ticket_type_id, price_minor FROM ticket "  # noqa: S608
            f"WHERE event_id = :e AND id IN ({among})"
        ),
        {"e": event_id, "ids": json.dumps(sorted(ids))},
    )
    return {row[0]: (int(row[1]), row[2], row[3], int(row[4])) for row in rows}


def _agencies(connection: Connection) -> dict[str, str]:
    """Whose windows are not the house's: a window stays its agency's for ever."""
    rows = connection.execute(text("SELECT id, agency FROM node WHERE agency <> ''"))
    return {row[0]: row[1] for row in rows}


def _parts(
    connection: Connection, sql: str, values: dict[str, object], rest: Rest
) -> Iterator[Sequence[Sequence[Any]]]:
    result = connection.execute(text(sql), values, execution_options={"yield_per": ROWS_AT_ONCE})
    began_s = time.monotonic()
    for rows in result.partitions():
        yield rows
        if len(rows) == ROWS_AT_ONCE:
            rest(REST_FACTOR * (time.monotonic() - began_s))
            began_s = time.monotonic()
