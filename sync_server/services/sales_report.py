"""What was sold and given back, by one thing or another: read from the summary tables alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, text

from sync_server.heart.stock import SERVER
from sync_server.services.sale_sums import EVERY_DAY, EVERY_PERFORMANCE, SumBy

PERFORMANCES_MAX = 5_000
CURRENT = -1
"""Instead of a time: everything is counted."""
_FIRST_DAY, _LAST_DAY = "0", "9"
LINES_MAX = 20_000
"""Of one report: there are that many tills, tiers and days in no house."""


class ReportBy(StrEnum):
    """What a line of the report is of. Sent, never renamed."""

    PERFORMANCE = "performance"
    TIER = "tier"
    TYPE = "type"
    CHANNEL = "channel"
    DAY = "day"
    HOUR = "hour"
    TILL = "till"


class Channel(StrEnum):
    """By what way tickets were sold. Sent, never renamed."""

    WINDOW = "window"
    AGENCY = "agency"
    HUB = "hub"  # windows below a hub
    ONLINE = "online"
    FREE = "free"  # tickets that cost nothing, wherever


@dataclass(frozen=True, slots=True)
class SalesAsked:
    """What a report is of; an empty text is all. Days are ISO dates, both included.

    `agency`: only what its windows sold; None: the whole house.
    """

    event_id: str = ""
    performance: int = 0
    first_day: str = ""
    last_day: str = ""
    agency: str | None = None


@dataclass(frozen=True, slots=True)
class SalesLine:
    """Tickets and money in minor units. `event_id` where what it is of belongs to an event."""

    by: ReportBy
    event_id: str
    of: str
    currency: str
    sold_count: int
    sold_minor: int
    back_count: int
    back_minor: int

    @property
    def net_count(self) -> int:
        """Tickets sold, less those given back."""
        return self.sold_count - self.back_count

    @property
    def net_minor(self) -> int:
        """What was sold, less what went back."""
        return self.sold_minor - self.back_minor


@dataclass(frozen=True, slots=True)
class SalesReport:
    """All lines. `counted_ms`: when the event that waits longest for being counted anew was counted
    last; CURRENT where none waits, 0 where one was never counted.

    `performances`: what there are sales of, by event, to choose from.
    """

    lines: tuple[SalesLine, ...]
    performances: Mapping[str, tuple[int, ...]]
    counted_ms: int

    def by(self, what: ReportBy) -> list[SalesLine]:
        """The lines of one kind."""
        return [line for line in self.lines if line.by is what]

    def totals(self) -> list[SalesLine]:
        """All of it, by currency."""
        return _added(
            SalesLine(line.by, "", "", line.currency, *_figures(line))
            for line in self.by(ReportBy.PERFORMANCE)
        )


_SUMS = "sum(s.sold_count), sum(s.sold_minor), sum(s.back_count), sum(s.back_minor)"
# CROSS: SQLite joins in this order, and so finds the few cells by their key.
_FROM = (
    "FROM report_mark m CROSS JOIN sale_sum s "
    "WHERE s.event_id = m.event_id AND s.build = m.build AND "
)
_PARTS = (
    "SELECT s.by_what, CASE WHEN s.by_what IN ('tier','type') THEN s.event_id ELSE '' END, "
    f"s.of_what, s.currency, {_SUMS} {_FROM}"
    "s.by_what IN ('tier','type','till','free','hour') AND "
)
_OF_ALL = f"{_FROM}s.by_what = 'all' AND "
_PERFORMANCES = f"SELECT s.event_id, s.perf_id, s.currency, {_SUMS} {_OF_ALL}"
_DAYS = f"SELECT s.on_day, s.currency, {_SUMS} {_OF_ALL}"


def read_sales(connection: Connection, asked: SalesAsked) -> SalesReport:
    """The report, as far as the events are counted."""
    where, values = _condition(asked, performance=asked.performance or EVERY_PERFORMANCE)
    each_performance, their_values = _condition(asked, performance=asked.performance or None)
    each_day, day_values = _condition(
        replace(asked, first_day=asked.first_day or _FIRST_DAY),
        performance=asked.performance or EVERY_PERFORMANCE,
    )
    parts: list[SalesLine] = []
    free: list[SalesLine] = []
    for row in connection.execute(text(f"{_PARTS}{where} GROUP BY 1, 2, 3, 4"), values):
        by = _BY.get(row[0])
        line = SalesLine(by or ReportBy.CHANNEL, row[1], row[2], row[3], *_whole(row[4:]))
        (parts if by else free).append(line)
    performances = connection.execute(
        text(f"{_PERFORMANCES}{each_performance} GROUP BY s.event_id, s.perf_id, s.currency"),
        their_values,
    )
    days = connection.execute(text(f"{_DAYS}{each_day} GROUP BY s.on_day, s.currency"), day_values)
    lines = [
        *(
            SalesLine(ReportBy.PERFORMANCE, row[0], str(row[1]), row[2], *_whole(row[3:]))
            for row in performances
        ),
        *(SalesLine(ReportBy.DAY, "", row[0], row[1], *_whole(row[2:])) for row in days),
        *parts,
        *_channels(connection, [each for each in parts if each.by is ReportBy.TILL], free),
    ]
    return SalesReport(
        tuple(lines[:LINES_MAX]), _choices(connection, asked.agency), _counted_ms(connection)
    )


_BY = {
    SumBy.TIER: ReportBy.TIER,
    SumBy.TYPE: ReportBy.TYPE,
    SumBy.TILL: ReportBy.TILL,
    SumBy.HOUR: ReportBy.HOUR,
}


def _condition(asked: SalesAsked, *, performance: int | None) -> tuple[str, dict[str, object]]:
    """Which cells: each figure once. `performance` None: each of them by itself."""
    conditions, values = [], dict[str, object]()

    def ask(condition: str, name: str, value: object) -> None:
        conditions.append(condition)
        values[name] = value

    if asked.event_id:
        ask("s.event_id = :event", "event", asked.event_id)
    if performance is None:
        ask("s.perf_id <> :every", "every", EVERY_PERFORMANCE)
    else:
        ask("s.perf_id = :performance", "performance", performance)
    if asked.first_day or asked.last_day:
        ask("s.on_day >= :first", "first", asked.first_day or _FIRST_DAY)
        ask("s.on_day <= :last", "last", asked.last_day or _LAST_DAY)
    else:
        ask("s.on_day = :day", "day", EVERY_DAY)
    if asked.agency is not None:
        ask("s.agency = :agency", "agency", asked.agency)
    return " AND ".join(conditions), values


def _channels(
    connection: Connection, tills: Iterable[SalesLine], free: Iterable[SalesLine]
) -> list[SalesLine]:
    """Of each till's line the free tickets are taken out."""
    nodes = {
        row[0]: (row[1], row[2])
        for row in connection.execute(text("SELECT id, agency, hub FROM node"))
    }

    def channel_of(node_id: str) -> Channel:
        if node_id == SERVER:
            return Channel.ONLINE
        agency, hub = nodes.get(node_id, ("", ""))
        if agency:
            return Channel.AGENCY
        return Channel.HUB if hub else Channel.WINDOW

    found = []
    for line in tills:
        channel = channel_of(line.of)
        found.append(SalesLine(ReportBy.CHANNEL, "", channel, line.currency, *_figures(line)))
    for line in free:
        less = (-figure for figure in _figures(line))
        channel = channel_of(line.of)
        found.append(SalesLine(ReportBy.CHANNEL, "", channel, line.currency, *less))
        found.append(SalesLine(ReportBy.CHANNEL, "", Channel.FREE, line.currency, *_figures(line)))
    return [line for line in _added(found) if any(_figures(line))]


def _added(lines: Iterable[SalesLine]) -> list[SalesLine]:
    sums: dict[tuple[ReportBy, str, str, str], tuple[int, int, int, int]] = {}
    for line in lines:
        key = (line.by, line.event_id, line.of, line.currency)
        known = sums.get(key, (0, 0, 0, 0))
        a, b, c, d = (x + y for x, y in zip(known, _figures(line), strict=True))
        sums[key] = (a, b, c, d)
    return [SalesLine(*key, *figures) for key, figures in sums.items()]


def _figures(line: SalesLine) -> tuple[int, int, int, int]:
    return line.sold_count, line.sold_minor, line.back_count, line.back_minor


def _whole(figures: Iterable[object]) -> tuple[int, int, int, int]:
    """PostgreSQL's sums of whole numbers are decimals."""
    a, b, c, d = (int(str(figure)) for figure in figures)
    return a, b, c, d


def _choices(connection: Connection, agency: str | None) -> dict[str, tuple[int, ...]]:
    only = "" if agency is None else "AND s.agency = :agency "
    rows = connection.execute(
        text(
            f"SELECT DISTINCT s.event_id, s.perf_id {_OF_ALL}"
            f"s.on_day = '' AND s.perf_id <> {EVERY_PERFORMANCE} {only}"
            "ORDER BY s.event_id, s.perf_id LIMIT :most"
        ),
        {"most": PERFORMANCES_MAX} | ({} if agency is None else {"agency": agency}),
    )
    found: dict[str, tuple[int, ...]] = {}
    for event_id, performance in rows:
        found[event_id] = (*found.get(event_id, ()), int(performance))
    return found


def _counted_ms(connection: Connection) -> int:
    row = connection.execute(
        text(
            "SELECT min(CASE WHEN m.event_id IS NULL OR m.build = 0 THEN 0 ELSE m.counted_ms END) "
            "FROM stream s LEFT JOIN report_mark m ON m.event_id = s.event_id "
            "WHERE s.kind = 'event' AND (m.event_id IS NULL OR m.rev <> s.head)"
        )
    ).scalar()
    return CURRENT if row is None else int(row)
