"""The figures of a shift as a report has them, and how they stand in a body.

An X report shows them in the middle of a shift, a Z report at its end; a Z's body is all that a
reprint needs, so it never depends on what a catalogue says later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ticketing.ids import OrderId, is_currency, is_order_id, is_stream_id
from ticketing.journal import is_hash
from ticketing.operations.fields import (
    MINOR_MAX,
    is_count,
    is_instant,
    is_minor,
    is_name,
    is_signed_minor,
)
from ticketing.operations.tender import CASH

ROWS_MAX = 100
"""Lines of one list of a report; what comes behind them is in the sums all the same."""
OTHERS = "…"
"""The line that takes together what a list has no room for."""


@dataclass(frozen=True, slots=True)
class TenderSum:
    """What came in and went out by one means of payment."""

    tender: str
    taken_minor: int
    taken_count: int
    returned_minor: int
    returned_count: int


@dataclass(frozen=True, slots=True)
class TypeSum:
    """Tickets of one ticket type that were sold, also in exchange for others."""

    ticket_type_id: str
    count: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class OperatorSum:
    """One person's work: tickets sold, worth taken back, fees kept of it."""

    person_id: str
    order_count: int
    ticket_count: int
    sold_minor: int
    returned_minor: int
    fees_minor: int


@dataclass(frozen=True, slots=True)
class JournalSeen:
    """Where a journal stood that holds operations of the shift, and how far it was confirmed."""

    stream: str
    incarnation: int
    seq: int
    hash: str
    acked: int


@dataclass(frozen=True, slots=True)
class Movements:
    """Cash that came or went beside the sales: sums and how often."""

    pay_in_minor: int = 0
    pay_in_count: int = 0
    pay_out_minor: int = 0
    pay_out_count: int = 0
    safe_drop_minor: int = 0
    safe_drop_count: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How often things happened. `drawer` are openings of the drawer without a sale."""

    sales: int = 0
    exchanges: int = 0
    voids: int = 0
    refunds: int = 0
    drawer: int = 0


@dataclass(frozen=True, slots=True)
class ShiftReport:
    """One shift in figures, as of `made_ms`. Amounts in minor units of `currency`.

    `unsynced_count` operations had not been confirmed by the server then; `unsynced_receipts`
    names the sales among them, as far as there is room. The shift owns every receipt from the
    first to the last, whenever they reach the server. `rounding_minor`: what the drawer gained (or
    lost, below zero) since coins do not make every amount.
    """

    shift_id: OrderId
    currency: str
    opened_ms: int
    opened_by: str
    made_ms: int
    float_minor: int
    movements: Movements
    tenders: tuple[TenderSum, ...]
    ticket_types: tuple[TypeSum, ...]
    operators: tuple[OperatorSum, ...]
    counts: Counts
    first_receipt: str
    last_receipt: str
    journals: tuple[JournalSeen, ...]
    unsynced_count: int
    unsynced_receipts: tuple[str, ...]
    rounding_minor: int = 0

    @property
    def sold_minor(self) -> int:
        """What the tickets cost that were sold, exchanges included."""
        return sum(line.total_minor for line in self.ticket_types)

    @property
    def ticket_count(self) -> int:
        """Tickets sold."""
        return sum(line.count for line in self.ticket_types)

    @property
    def returned_minor(self) -> int:
        """What the tickets had cost that were taken back."""
        return sum(line.returned_minor for line in self.operators)

    @property
    def fees_minor(self) -> int:
        """What was kept of that."""
        return sum(line.fees_minor for line in self.operators)

    @property
    def cash_taken_minor(self) -> int:
        """Cash that buyers paid."""
        return sum(line.taken_minor for line in self.tenders if line.tender == CASH)

    @property
    def cash_returned_minor(self) -> int:
        """Cash that buyers got back."""
        return sum(line.returned_minor for line in self.tenders if line.tender == CASH)

    @property
    def expected_minor(self) -> int:
        """What must lie in the drawer; below zero when more was paid out than there was."""
        moved = self.movements
        return (
            self.float_minor
            + self.cash_taken_minor
            - self.cash_returned_minor
            + moved.pay_in_minor
            - moved.pay_out_minor
            - moved.safe_drop_minor
        )


def report_adds_up(report: ShiftReport) -> bool:
    """Whether the same money comes out by ticket type, by person and by means of payment."""
    taken = sum(line.taken_minor - line.returned_minor for line in report.tenders)
    rounding = report.rounding_minor
    sold_by_person = sum(line.sold_minor for line in report.operators)
    tickets_by_person = sum(line.ticket_count for line in report.operators)
    return (
        taken == report.sold_minor - report.returned_minor + report.fees_minor + rounding
        and sold_by_person == report.sold_minor
        and tickets_by_person == report.ticket_count
    )


def report_to_json(report: ShiftReport) -> dict[str, object]:
    """A report as it stands in a body: lists of rows, each a JSON array."""
    moved, counts = report.movements, report.counts
    raw: dict[str, object] = {
        "shift": report.shift_id,
        "currency": report.currency,
        "opened": report.opened_ms,
        "opened_by": report.opened_by,
        "made": report.made_ms,
        "float": report.float_minor,
        "pay_in": [moved.pay_in_minor, moved.pay_in_count],
        "pay_out": [moved.pay_out_minor, moved.pay_out_count],
        "safe_drop": [moved.safe_drop_minor, moved.safe_drop_count],
        "tenders": [
            [t.tender, t.taken_minor, t.taken_count, t.returned_minor, t.returned_count]
            for t in report.tenders
        ],
        "types": [[t.ticket_type_id, t.count, t.total_minor] for t in report.ticket_types],
        "operators": [
            [
                one.person_id,
                one.order_count,
                one.ticket_count,
                one.sold_minor,
                one.returned_minor,
                one.fees_minor,
            ]
            for one in report.operators
        ],
        "counts": [counts.sales, counts.exchanges, counts.voids, counts.refunds, counts.drawer],
        "receipts": [report.first_receipt, report.last_receipt],
        "journals": [[j.stream, j.incarnation, j.seq, j.hash, j.acked] for j in report.journals],
        "unsynced": report.unsynced_count,
        "unsynced_receipts": list(report.unsynced_receipts),
    }
    return raw | {"rounding": report.rounding_minor} if report.rounding_minor else raw


def report_from_json(raw: object) -> ShiftReport | None:
    """The report, or None when any rule is broken, also when it does not add up."""
    if not isinstance(raw, dict):
        return None
    moved = [_row(raw.get(key), is_minor, is_count) for key in ("pay_in", "pay_out", "safe_drop")]
    tenders = _rows(raw.get("tenders"), is_name, is_minor, is_count, is_minor, is_count)
    types = _rows(raw.get("types"), is_name, is_count, is_minor)
    operators = _rows(
        raw.get("operators"), is_name, is_count, is_count, is_minor, is_minor, is_minor
    )
    journals = _rows(raw.get("journals"), is_stream_id, is_count, is_instant, is_hash, is_instant)
    counts = _row(raw.get("counts"), is_count, is_count, is_count, is_count, is_count)
    receipts = _row(raw.get("receipts"), _is_receipt, _is_receipt)
    unsynced = _rows([[one] for one in _list(raw.get("unsynced_receipts"))], is_name)
    lists = (tenders, types, operators, journals, counts, receipts, unsynced, *moved)
    if any(one is None for one in lists) or not _heads_fit(raw):
        return None
    report = ShiftReport(
        OrderId(raw["shift"]),
        raw["currency"],
        raw["opened"],
        raw["opened_by"],
        raw["made"],
        raw["float"],
        Movements(*(number for pair in moved for number in pair or ())),
        tuple(TenderSum(*one) for one in tenders or ()),
        tuple(TypeSum(*one) for one in types or ()),
        tuple(OperatorSum(*one) for one in operators or ()),
        Counts(*counts or ()),
        raw["receipts"][0],
        raw["receipts"][1],
        tuple(JournalSeen(*one) for one in journals or ()),
        raw["unsynced"],
        tuple(one[0] for one in unsynced or ()),
        raw.get("rounding", 0),
    )
    fits = abs(report.expected_minor) <= MINOR_MAX and report_adds_up(report)
    return report if fits else None


def _heads_fit(raw: dict[str, Any]) -> bool:
    return (
        is_order_id(raw.get("shift"))
        and is_currency(raw.get("currency"))
        and is_instant(raw.get("opened"))
        and is_name(raw.get("opened_by"))
        and is_instant(raw.get("made"))
        and is_minor(raw.get("float"))
        and is_count(raw.get("unsynced"))
        and isinstance(raw.get("unsynced_receipts"), list)
        and is_signed_minor(raw.get("rounding", 0))
    )


def _is_receipt(value: object) -> bool:
    return value == "" or is_name(value)


def _list(raw: object) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _rows(raw: object, *fit: Any) -> list[list[Any]] | None:
    """Up to ROWS_MAX rows, one rule for each place of a row; None when one breaks it."""
    if not isinstance(raw, list) or len(raw) > ROWS_MAX:
        return None
    rows = [_row(one, *fit) for one in raw]
    return None if any(one is None for one in rows) else [one for one in rows if one is not None]


def _row(raw: object, *fit: Any) -> list[Any] | None:
    if not isinstance(raw, list) or len(raw) != len(fit):
        return None
    return raw if all(rule(value) for rule, value in zip(fit, raw, strict=True)) else None
