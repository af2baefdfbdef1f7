"""What an operation that moves money writes into the ledger: lines that add up to nothing.

Money that comes in is positive in the drawer (`cash:<node>`) and negative where it was earned
(`sales`, `fees`) or whence it came (`safe`), so the balance of every account and of every
operation can be checked alone. After a shift was opened or closed, the drawer's account is what
was counted.
"""

from __future__ import annotations

from typing import assert_never

from ticketing.operations import (
    CashAction,
    CashMoved,
    Exchange,
    Refund,
    Sale,
    ShiftClosed,
    ShiftOpened,
)

SALES = "sales"
FEES = "fees"
SAFE = "safe"
PAID_IN = "paid_in"
PAID_OUT = "paid_out"
OVER_SHORT = "over_short"
"""What drawers held more (negative) or less (positive) than they should have."""

Posting = tuple[str, int]
"""An account and an amount in minor units of the operation's currency."""
Booked = Sale | Refund | Exchange | ShiftOpened | CashMoved | ShiftClosed
"""An operation that moves money."""

_MOVED = {
    CashAction.PAY_IN: (PAID_IN, 1),
    CashAction.PAY_OUT: (PAID_OUT, -1),
    CashAction.SAFE_DROP: (SAFE, -1),
}


def cash_account(node_id: str) -> str:
    """The account of a till's drawer."""
    return f"cash:{node_id}"


def postings(operation: Booked, node_id: str) -> tuple[Posting, ...]:
    """The ledger lines of an operation of the node's journal; their sum is zero.

    A fee has its line only where one was kept, and a count only where it changes the drawer.
    """
    cash = cash_account(node_id)
    match operation:
        case Sale():
            lines = _sale(operation, cash)
        case Refund():
            lines = _refund(operation, cash)
        case Exchange():
            lines = _exchange(operation, cash)
        case ShiftOpened():
            lines = _drawer(cash, SAFE, operation.float_minor - operation.carried_minor)
        case CashMoved():
            account, sign = _MOVED[operation.action]
            lines = _drawer(cash, account, sign * operation.amount_minor)
        case ShiftClosed():
            lines = _drawer(cash, OVER_SHORT, operation.difference_minor)
        case _:
            assert_never(operation)
    assert sum(amount for _account, amount in lines) == 0, "the ledger takes what adds up"
    return lines


def _sale(sale: Sale, cash: str) -> tuple[Posting, ...]:
    return ((cash, sale.cash.amount_minor), (SALES, -sale.total_minor))


def _refund(refund: Refund, cash: str) -> tuple[Posting, ...]:
    worth = refund.cash_minor + refund.fee_minor
    return ((cash, -refund.cash_minor), (SALES, worth), *_fee(refund.fee_minor))


def _exchange(exchange: Exchange, cash: str) -> tuple[Posting, ...]:
    """The credit and the new sale are two lines, so that the day's sales show both."""
    return (
        (cash, exchange.paid_minor),
        (SALES, exchange.credit_minor),
        (SALES, -exchange.total_minor),
        *_fee(exchange.fee_minor),
    )


def _drawer(cash: str, other: str, amount_minor: int) -> tuple[Posting, ...]:
    return ((cash, amount_minor), (other, -amount_minor)) if amount_minor else ()


def _fee(fee_minor: int) -> tuple[Posting, ...]:
    return ((FEES, -fee_minor),) if fee_minor else ()
