"""What an agency had to sell, what it sold, and what it owes: of its own windows, and nothing else.

It owes what its windows took, less what they gave back. What a window of the house gives back for
an agency's order is the house's money: it changes nothing of what the agency took.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from sync_server.services.reconciling import House
from sync_server.services.takings import SLOT_MS, Takings

ORDERS_SHOWN_MAX = 100
CASES_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class PlacesOf:
    """A performance's places that the agency has left to sell, and those it sold."""

    event_id: str
    performance: int
    starts_ms: int
    left: int
    sold: int


@dataclass(frozen=True, slots=True)
class DayTakings:
    """What one window took by one tender on one business day, less what it gave back."""

    day: date
    node_id: str
    tender: str
    currency: str
    taken_minor: int


@dataclass(frozen=True, slots=True)
class AgencyAccount:
    """All of it; the newest first. `sums` by currency."""

    places: tuple[PlacesOf, ...]
    days: tuple[DayTakings, ...]
    sums: dict[str, Takings]

    @property
    def left(self) -> int:
        """Places that are still to be sold."""
        return sum(each.left for each in self.places)

    @property
    def sold(self) -> int:
        """Places that are sold."""
        return sum(each.sold for each in self.places)


@dataclass(frozen=True, slots=True)
class AgencyOrder:
    """An order of one of its windows. `sealed`: who bought, '' where nobody said."""

    event_id: str
    id: str
    receipt_no: str
    node_id: str
    sold_ms: int
    total_minor: int
    refunded_minor: int
    currency: str
    key_no: int
    sealed: str


@dataclass(frozen=True, slots=True)
class AgencyCase:
    """An open case about one of its windows or orders."""

    event_id: str
    id: str
    kind: str
    opened_ms: int


def account_of(house: House, windows: Collection[str]) -> AgencyAccount:
    """The account of these windows."""
    sums: dict[str, Takings] = {}
    days: dict[tuple[date, str, str, str], int] = {}
    for node_id in windows:
        for key, takings in house.sold_at(node_id):
            sums.setdefault(key.currency, Takings()).add(takings)
            day = house.day_of(key.slot * SLOT_MS)
            for tender, minor in takings.tenders.items():
                where = (day, node_id, tender, key.currency)
                days[where] = days.get(where, 0) + minor
    taken = (DayTakings(*where, minor) for where, minor in days.items())
    newest_first = sorted(taken, key=lambda each: (each.node_id, each.tender, each.currency))
    newest_first.sort(key=lambda each: each.day, reverse=True)
    return AgencyAccount(_places(house, windows), tuple(newest_first), sums)


def _places(house: House, windows: Collection[str]) -> tuple[PlacesOf, ...]:
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for event_id, places in house.facts.places.items():
        for (performance, node_id), (left, sold) in places.items():
            if node_id in windows:
                known = found.get((event_id, performance), (0, 0))
                found[event_id, performance] = (known[0] + left, known[1] + sold)
    return tuple(
        PlacesOf(
            event_id, number, house.units[event_id, number].starts_ms, *found[event_id, number]
        )
        for event_id, number in house.performances()
        if (event_id, number) in found
    )


def read_orders(connection: Connection, agency_id: str, receipt_no: str = "") -> list[AgencyOrder]:
    """Its newest orders, or those of this receipt number; one more than are shown."""
    rows = connection.execute(
        text(
            "SELECT o.event_id, o.id, o.receipt_no, o.node_id, o.sold_ms, o.total_minor, "
            "o.refunded_minor, o.currency, coalesce(b.key_no, 0), coalesce(b.sealed, '') "
            "FROM orders o LEFT JOIN buyer b ON b.event_id = o.event_id AND b.order_id = o.id "
            "WHERE o.event_id IN (SELECT event_id FROM stream) "
            "AND o.node_id IN (SELECT id FROM node WHERE agency = :a AND agency <> '') "
            "AND (:no = '' OR upper(o.receipt_no) = upper(:no)) "
            "ORDER BY o.sold_ms DESC, o.id LIMIT :most"
        ),
        {"a": agency_id, "no": receipt_no, "most": ORDERS_SHOWN_MAX + 1},
    )
    return [
        AgencyOrder(
            row[0],
            row[1],
            row[2],
            row[3],
            int(row[4]),
            int(row[5]),
            int(row[6]),
            row[7],
            int(row[8]),
            row[9],
        )
        for row in rows
    ]


def read_open_cases(connection: Connection, agency_id: str) -> list[AgencyCase]:
    """Open cases that name one of its windows or orders, the oldest first."""
    body = "c.body" if connection.dialect.name == "sqlite" else "c.body::json"
    rows = connection.execute(
        text(
            "SELECT c.event_id, c.id, c.kind, c.opened_ms FROM case_file c "  # noqa: S608 - ours
            f"WHERE c.state = 'open' AND ({body} ->> 'node' IN "
            "(SELECT id FROM node WHERE agency = :a AND agency <> '') OR EXISTS ("
            "SELECT 1 FROM orders o JOIN node n ON n.id = o.node_id "
            f"WHERE o.event_id = c.event_id AND o.id = {body} ->> 'order' "
            "AND n.agency = :a AND n.agency <> '')) ORDER BY c.opened_ms, c.id LIMIT :most"
        ),
        {"a": agency_id, "most": CASES_SHOWN_MAX},
    )
    return [AgencyCase(row[0], row[1], row[2], int(row[3])) for row in rows]
