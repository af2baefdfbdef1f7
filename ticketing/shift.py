"""A cashier's shift, worked out of its operations: what the drawer must hold, and the reports.

Sums only: the order of the operations never matters, and each is counted once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ticketing.operations.after_sale import Exchange, Refund, RefundAction
from ticketing.operations.sale import Sale
from ticketing.operations.shift import CashAction, CashMoved, DrawerOpened, ShiftOpened
from ticketing.operations.shift_report import (
    OTHERS,
    ROWS_MAX,
    Counts,
    JournalSeen,
    Movements,
    OperatorSum,
    ShiftReport,
    TenderSum,
    TypeSum,
)
from ticketing.operations.tender import CASH, HandLeg

ShiftOperation = Sale | Refund | Exchange | CashMoved | DrawerOpened
"""What a shift is made of, beside its opening and its end."""

_RECOUNT_OVER_MINOR = {"JPY": 1_000, "KRW": 10_000}
_RECOUNT_OVER_MINOR_ELSE = 10_00


def recount_over_minor(currency: str) -> int:
    """The largest difference of a close, in either direction, that nobody need look at."""
    return _RECOUNT_OVER_MINOR.get(currency, _RECOUNT_OVER_MINOR_ELSE)


def is_over_threshold(difference_minor: int, currency: str) -> bool:
    """Whether a difference wants a second count, and then a manager."""
    return abs(difference_minor) > recount_over_minor(currency)


def is_next_z(number: int, incarnation: int, last: tuple[int, int] | None) -> bool:
    """Whether a Z follows the till's last one, given as (number, incarnation).

    A till that was enrolled anew on an empty folder begins again with 1.
    """
    if last is None:
        return number == 1
    last_number, last_incarnation = last
    return number == last_number + 1 or (number == 1 and incarnation > last_incarnation)


@dataclass(slots=True)
class _Sums:
    """Figures while they are being added up."""

    tenders: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    rounding_minor: int = 0
    moved: dict[CashAction, tuple[int, int]] = field(default_factory=dict)
    types: dict[str, tuple[int, int]] = field(default_factory=dict)
    operators: dict[str, tuple[int, int, int, int, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    receipts: list[str] = field(default_factory=list)


def make_report(
    opened: ShiftOpened,
    opened_ms: int,
    operations: Iterable[ShiftOperation],
    made_ms: int,
    journals: Iterable[JournalSeen] = (),
    unsynced_count: int = 0,
    unsynced_receipts: Iterable[str] = (),
) -> ShiftReport:
    """All figures of a shift as of `made_ms`. The operations are those of this shift, each once."""
    sums = _Sums()
    for operation in operations:
        _add(sums, operation)
    receipts = sorted(sums.receipts, key=lambda one: (len(one), one))
    return ShiftReport(
        opened.shift_id,
        opened.currency,
        opened_ms,
        opened.by,
        made_ms,
        opened.float_minor,
        _movements(sums),
        _tender_sums(sums),
        _type_sums(sums),
        _operator_sums(sums),
        Counts(**sums.counts),
        receipts[0] if receipts else "",
        receipts[-1] if receipts else "",
        tuple(journals)[:ROWS_MAX],
        unsynced_count,
        tuple(unsynced_receipts)[:ROWS_MAX],
        sums.rounding_minor,
    )


def _add(sums: _Sums, operation: ShiftOperation) -> None:
    match operation:
        case Sale():
            _tell(sums, "sales")
            _sell(sums, operation)
            _money(sums, operation.cash.amount_minor, operation.legs, 1)
            sums.rounding_minor += operation.rounding_minor
        case Exchange():
            _tell(sums, "exchanges")
            _sell(sums, operation)
            _work(
                sums,
                operation.sold_by,
                returned=operation.credit_minor,
                fees=operation.fee_minor,
            )
            sign = 1 if operation.paid_minor > 0 else -1
            _money(sums, operation.cash_minor, operation.legs, sign)
            sums.rounding_minor += operation.rounding_minor
        case Refund():
            is_void = operation.action is RefundAction.VOID
            _tell(sums, "voids" if is_void else "refunds")
            worth = operation.worth_minor
            _work(sums, operation.by, returned=worth, fees=operation.fee_minor)
            _money(sums, -operation.cash_minor, operation.legs, -1)
            sums.rounding_minor += operation.rounding_minor
        case CashMoved():
            amount, count = sums.moved.get(operation.action, (0, 0))
            sums.moved[operation.action] = (amount + operation.amount_minor, count + 1)
        case DrawerOpened():
            _tell(sums, "drawer")


def _sell(sums: _Sums, order: Sale | Exchange) -> None:
    sums.receipts.append(order.receipt_no)
    for line in order.lines:
        count, total = sums.types.get(line.ticket_type_id, (0, 0))
        sums.types[line.ticket_type_id] = (count + 1, total + line.price_minor)
    sold = sum(line.price_minor for line in order.lines)
    _work(sums, order.sold_by, orders=1, tickets=len(order.lines), sold=sold)


def _work(
    sums: _Sums,
    person_id: str,
    *,
    orders: int = 0,
    tickets: int = 0,
    sold: int = 0,
    returned: int = 0,
    fees: int = 0,
) -> None:
    known = sums.operators.get(person_id, (0, 0, 0, 0, 0))
    sums.operators[person_id] = (
        known[0] + orders,
        known[1] + tickets,
        known[2] + sold,
        known[3] + returned,
        known[4] + fees,
    )


def _money(sums: _Sums, cash_minor: int, legs: tuple[HandLeg, ...], sign: int) -> None:
    """Cash and what was recorded by hand: from the buyer, or to the buyer when below zero."""
    for tender, amount in (
        (CASH, cash_minor),
        *((leg.tender, sign * leg.amount_minor) for leg in legs),
    ):
        if not amount:
            continue
        taken, taken_count, returned, returned_count = sums.tenders.get(tender, (0, 0, 0, 0))
        if amount > 0:
            taken, taken_count = taken + amount, taken_count + 1
        else:
            returned, returned_count = returned - amount, returned_count + 1
        sums.tenders[tender] = (taken, taken_count, returned, returned_count)


def _tender_sums(sums: _Sums) -> tuple[TenderSum, ...]:
    """Cash first, also where there was none; then the others by their ids."""
    others = sorted(each for each in sums.tenders if each != CASH)
    rows = [TenderSum(each, *sums.tenders.get(each, (0, 0, 0, 0))) for each in (CASH, *others)]
    if len(rows) <= ROWS_MAX:
        return tuple(rows)
    shown, rest = rows[: ROWS_MAX - 1], rows[ROWS_MAX - 1 :]
    figures = (
        (one.taken_minor, one.taken_count, one.returned_minor, one.returned_count) for one in rest
    )
    return (*shown, TenderSum(OTHERS, *(sum(column) for column in zip(*figures, strict=True))))


def _tell(sums: _Sums, what: str) -> None:
    sums.counts[what] = sums.counts.get(what, 0) + 1


def _movements(sums: _Sums) -> Movements:
    pairs = (sums.moved.get(action, (0, 0)) for action in CashAction)
    return Movements(*(number for pair in pairs for number in pair))


def _type_sums(sums: _Sums) -> tuple[TypeSum, ...]:
    rows = [TypeSum(one, *sums.types[one]) for one in sorted(sums.types)]
    if len(rows) <= ROWS_MAX:
        return tuple(rows)
    shown, rest = rows[: ROWS_MAX - 1], rows[ROWS_MAX - 1 :]
    count, total = sum(one.count for one in rest), sum(one.total_minor for one in rest)
    return (*shown, TypeSum(OTHERS, count, total))


def _operator_sums(sums: _Sums) -> tuple[OperatorSum, ...]:
    rows = [(one, *sums.operators[one]) for one in sorted(sums.operators)]
    if len(rows) > ROWS_MAX:
        shown, rest = rows[: ROWS_MAX - 1], rows[ROWS_MAX - 1 :]
        orders, tickets, sold, returned, fees = (
            sum(c) for c in zip(*(r[1:] for r in rest), strict=True)
        )
        rows = [*shown, (OTHERS, orders, tickets, sold, returned, fees)]
    return tuple(OperatorSum(*one) for one in rows)
