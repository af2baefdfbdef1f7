"""Money as the operations of a stream moved it, by till, shift and quarter of an hour; and shifts.

Quarters of an hour, since no time zone and no business day begins within one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from ticketing.journal import OpKind
from ticketing.ledger import FEES, ROUNDING, SALES, cash_node_of, tender_of
from ticketing.operations import ShiftClosed, decode_shift_closed, decode_shift_opened
from ticketing.operations.shift_report import JournalSeen

SLOT_MS = 900_000
LATE_MS = 15 * 60_000
"""What arrives this much later than it happened is named as late."""
SHIFTS_MAX = 20_000
"""The newest are kept; a house has a few a day."""
_ROWS_MAX = 2_000_000
_WRITTEN_OFF_MAX = 1_000
CASH = "cash"


@dataclass(frozen=True, slots=True)
class Slice:
    """What happened at one till, in one shift ("" for none told), in one quarter of an hour."""

    node_id: str
    shift: str
    slot: int
    currency: str


@dataclass(slots=True)
class Takings:
    """Sums of money, in minor units. `tenders` has what was taken less what went back, by each."""

    orders_minor: int = 0
    order_count: int = 0
    sold_minor: int = 0
    back_minor: int = 0
    back_count: int = 0
    fees_minor: int = 0
    rounding_minor: int = 0
    tenders: dict[str, int] = field(default_factory=dict)

    def add(self, other: Takings) -> None:
        """Take in another one's sums."""
        self.orders_minor += other.orders_minor
        self.order_count += other.order_count
        self.sold_minor += other.sold_minor
        self.back_minor += other.back_minor
        self.back_count += other.back_count
        self.fees_minor += other.fees_minor
        self.rounding_minor += other.rounding_minor
        for tender, minor in other.tenders.items():
            self.tenders[tender] = self.tenders.get(tender, 0) + minor

    @property
    def taken_minor(self) -> int:
        """All that came in, less all that went back."""
        return sum(self.tenders.values())

    @property
    def due_minor(self) -> int:
        """What should have come in: orders, less what went back, with fees and rounding."""
        return self.orders_minor - self.back_minor + self.fees_minor + self.rounding_minor


@dataclass(frozen=True, slots=True)
class ShiftSeen:
    """A shift as its till's journal told of it; `closed` is None while it is open."""

    id: str
    node_id: str
    currency: str
    opened_ms: int
    opened_by: str
    inc: int
    closed: ShiftClosed | None = None
    closed_ms: int = 0

    @property
    def journals(self) -> tuple[JournalSeen, ...]:
        """What the till had written when the shift was closed."""
        return self.closed.report.journals if self.closed else ()


@dataclass(frozen=True, slots=True)
class LateRecords:
    """Operations that arrived late: of one till and one quarter of an hour."""

    node_id: str
    slot: int
    count: int
    late_ms: int


@dataclass(frozen=True, slots=True)
class JournalKept:
    """How far the server has a journal, and how many operations of it are stored."""

    node_id: str
    inc: int
    seq: int
    count: int
    state: str


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many went in at one lane within one minute."""

    performance: int
    node_id: str
    lane: str
    minute: int
    count: int
    offline: int
    by_hand: int


@dataclass(frozen=True, slots=True)
class TicketCount:
    """Tickets of a performance in one state, and how many of them were let in."""

    performance: int
    state: str
    count: int
    entered: int


@dataclass(frozen=True, slots=True)
class StreamTakings:
    """All of one stream that a reconciliation is made of, beside its books."""

    slices: Mapping[Slice, Takings]
    shifts: tuple[ShiftSeen, ...]
    late: tuple[LateRecords, ...]
    journals: tuple[JournalKept, ...]
    crowds: tuple[Crowd, ...]
    tickets: tuple[TicketCount, ...]
    written_off: Mapping[int, int] = field(default_factory=dict)
    """Places by performance that were written off, and are free since."""


def read_stream_takings(connection: Connection, event_id: str) -> StreamTakings:
    """Count them, with one reading of each of the large tables."""
    return StreamTakings(
        _slices(connection, event_id),
        _shifts(connection, event_id),
        _late(connection, event_id),
        _journals(connection, event_id),
        _crowds(connection, event_id),
        _tickets(connection, event_id),
        _written_off(connection, event_id),
    )


def sum_takings(
    slices: Iterable[tuple[Slice, Takings]],
) -> dict[str, Takings]:
    """All of them together, by currency."""
    sums: dict[str, Takings] = {}
    for key, takings in slices:
        sums.setdefault(key.currency, Takings()).add(takings)
    return sums


def _shift_of(connection: Connection) -> str:
    """An operation's shift, as SQL."""
    body = "p.body" if connection.dialect.name == "sqlite" else "p.body::json"
    return f"coalesce({body} ->> 'shift', '')"


def _slices(connection: Connection, event_id: str) -> dict[Slice, Takings]:
    found: dict[Slice, Takings] = {}
    shift = _shift_of(connection)
    rows = connection.execute(
        text(
            f"SELECT o.node_id, {shift}, o.sold_ms / {SLOT_MS}, o.currency, "  # noqa: S608 - ours
            "sum(o.total_minor), count(*) FROM orders o LEFT JOIN op p "
            "ON p.event_id = o.event_id AND p.node_id = o.node_id AND p.inc = o.inc "
            "AND p.seq = o.seq AND p.branch = '' WHERE o.event_id = :e GROUP BY 1, 2, 3, 4"
        ),
        {"e": event_id},
    )
    for node_id, shift_id, slot, currency, minor, count in rows:
        sums = found.setdefault(Slice(node_id, shift_id, int(slot), currency), Takings())
        sums.orders_minor += int(minor)
        sums.order_count += int(count)
    rows = connection.execute(
        text(
            f"SELECT l.node_id, {shift}, p.wall_ms / {SLOT_MS}, "  # noqa: S608 - our own
            "l.currency, l.account, CASE WHEN l.amount_minor > 0 THEN 1 ELSE 0 END, "
            "sum(l.amount_minor), count(*) FROM ledger l JOIN op p ON p.event_id = l.event_id "
            "AND p.node_id = l.node_id AND p.inc = l.inc AND p.seq = l.seq "
            "AND p.branch = l.branch WHERE l.event_id = :e "
            "AND p.kind IN ('sale','refund','exchange') GROUP BY 1, 2, 3, 4, 5, 6"
        ),
        {"e": event_id},
    )
    for node_id, shift_id, slot, currency, account, is_plus, minor, count in rows:
        sums = found.setdefault(Slice(node_id, shift_id, int(slot), currency), Takings())
        _book(sums, account, is_plus=bool(is_plus), minor=int(minor), count=int(count))
    return found


def _book(sums: Takings, account: str, *, is_plus: bool, minor: int, count: int) -> None:
    tender = tender_of(account)
    if account == SALES and is_plus:
        sums.back_minor += minor
        sums.back_count += count
    elif account == SALES:
        sums.sold_minor -= minor
    elif account == FEES:
        sums.fees_minor -= minor
    elif account == ROUNDING:
        sums.rounding_minor -= minor
    elif cash_node_of(account) is not None:
        sums.tenders[CASH] = sums.tenders.get(CASH, 0) + minor
    elif tender is not None:
        sums.tenders[tender[0]] = sums.tenders.get(tender[0], 0) + minor


def _shifts(connection: Connection, event_id: str) -> tuple[ShiftSeen, ...]:
    """The house's; an event's journal has none."""
    rows = connection.execute(
        text(
            "SELECT node_id, inc, kind, wall_ms, body FROM op WHERE event_id = :e "
            "AND kind IN ('shift_opened','shift_closed') AND verdict <> 'rejected' "
            "ORDER BY wall_ms DESC, node_id, inc, seq DESC LIMIT :most"
        ),
        {"e": event_id, "most": 2 * SHIFTS_MAX},
    )
    found: dict[str, ShiftSeen] = {}
    for node_id, inc, kind, wall_ms, body in reversed(rows.all()):
        if kind == OpKind.SHIFT_OPENED:
            opened = decode_shift_opened(body)
            if opened is not None:
                found[opened.shift_id] = ShiftSeen(
                    opened.shift_id, node_id, opened.currency, int(wall_ms), opened.by, int(inc)
                )
            continue
        closed = decode_shift_closed(body)
        if closed is not None:
            report = closed.report
            found[report.shift_id] = ShiftSeen(
                report.shift_id,
                node_id,
                report.currency,
                report.opened_ms,
                report.opened_by,
                int(inc),
                closed,
                int(wall_ms),
            )
    return tuple(found.values())


def _late(connection: Connection, event_id: str) -> tuple[LateRecords, ...]:
    rows = connection.execute(
        text(
            f"SELECT node_id, wall_ms / {SLOT_MS}, count(*), max(received_ms - wall_ms) "  # noqa: S608
            "FROM op WHERE event_id = :e AND received_ms - wall_ms > :late GROUP BY 1, 2"
        ),
        {"e": event_id, "late": LATE_MS},
    )
    return tuple(LateRecords(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows)


def _journals(connection: Connection, event_id: str) -> tuple[JournalKept, ...]:
    rows = connection.execute(
        text(
            "SELECT j.node_id, j.inc, j.seq, count(p.seq), j.state FROM journal j "
            "LEFT JOIN op p ON p.event_id = j.event_id AND p.node_id = j.node_id "
            "AND p.inc = j.inc AND p.branch = '' AND p.seq <= j.seq WHERE j.event_id = :e "
            "GROUP BY j.node_id, j.inc, j.seq, j.state ORDER BY j.node_id, j.inc"
        ),
        {"e": event_id},
    )
    return tuple(JournalKept(r[0], int(r[1]), int(r[2]), int(r[3]), r[4]) for r in rows)


def _crowds(connection: Connection, event_id: str) -> tuple[Crowd, ...]:
    """By the server's clock where the gate's was measured."""
    rows = connection.execute(
        text(
            "SELECT perf_id, node_id, lane, "
            "CASE WHEN corrected_ms > 0 THEN corrected_ms ELSE at_ms END / 60000, "
            "count(*), sum(offline), sum(by_hand) FROM entry WHERE event_id = :e "
            "AND phase IN ('granted','passed') GROUP BY 1, 2, 3, 4 ORDER BY 4, 2, 3 LIMIT :most"
        ),
        {"e": event_id, "most": _ROWS_MAX},
    )
    return tuple(
        Crowd(int(r[0]), r[1], r[2], int(r[3]), int(r[4]), int(r[5]), int(r[6])) for r in rows
    )


def _tickets(connection: Connection, event_id: str) -> tuple[TicketCount, ...]:
    rows = connection.execute(
        text(
            "SELECT k.perf_id, k.state, count(*), count(x.ticket_id) FROM ticket k LEFT JOIN "
            "(SELECT DISTINCT ticket_id FROM entry WHERE event_id = :e "
            "AND phase IN ('granted','passed')) x ON x.ticket_id = k.id "
            "WHERE k.event_id = :e GROUP BY k.perf_id, k.state"
        ),
        {"e": event_id},
    )
    return tuple(TicketCount(int(r[0]), r[1], int(r[2]), int(r[3])) for r in rows)


def _written_off(connection: Connection, event_id: str) -> dict[int, int]:
    units = written_off_units(connection, event_id)
    return {performance: len(found) for performance, found in units.items()}


def written_off_units(connection: Connection, event_id: str) -> dict[int, frozenset[int]]:
    """Of the units that the cases name, those that nobody has been lent or sold again."""
    cases = connection.execute(
        text(
            "SELECT body FROM case_file WHERE event_id = :e AND kind = 'written_off' "
            "ORDER BY opened_ms DESC LIMIT :most"
        ),
        {"e": event_id, "most": _WRITTEN_OFF_MAX},
    )
    named: dict[int, set[int]] = {}
    for (body,) in cases:
        told = json.loads(body)
        named.setdefault(int(told["performance"]), set()).update(told["unknown"])
    found = {}
    for performance, units in named.items():
        free = connection.execute(
            text("SELECT unit FROM claim WHERE event_id = :e AND perf_id = :p AND kind = 'free'"),
            {"e": event_id, "p": performance},
        )
        found[performance] = frozenset(int(unit) for (unit,) in free if unit in units)
    return found
