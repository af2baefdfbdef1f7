"""What an operation that moves money writes into the ledger: lines that add up to nothing.

Money that comes in is positive in the drawer (`cash:<node>`) and negative where it was earned
(`sales`, `fees`) or whence it came (`safe`), so the balance of every account and of every
operation can be checked alone. A tender that is recorded by hand has an account for each till
(`tender:<id>:<node>`); what rounding cash gains stands in `rounding`. After a shift was opened or closed, the drawer's account is what
was counted.
"""

from __future__ import annotations

from typing import assert_never

from ticketing.operations import (
    CashAction,
    CashMoved,
    Exchange,
    HandLeg,
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
ROUNDING = "rounding"
"""What coins could not make: gained (negative) or lost (positive) by rounding cash."""
OVER_SHORT = "over_short"
"""What drawers held more (negative) or less (positive) than they should have."""

Posting = tuple[str, int]
"""An account and an amount in minor units of the operation's currency."""
Booked = Sale | Refund | Exchange | ShiftOpened | CashMoved | ShiftClosed
"""An operation that moves money."""

_CASH = "cash:"
_TENDERS = "tender:"
_MOVED = {
    CashAction.PAY_IN: (PAID_IN, 1),
    CashAction.PAY_OUT: (PAID_OUT, -1),
    CashAction.SAFE_DROP: (SAFE, -1),
}


def cash_account(node_id: str) -> str:
    """The account of a till's drawer."""
    return f"{_CASH}{node_id}"


def cash_node_of(account: str) -> str | None:
    """The till of a drawer's account; None for any other account."""
    return account[len(_CASH) :] if account.startswith(_CASH) else None


def tender_account(tender: str, node_id: str) -> str:
    """The account of what was recorded by hand at a till for one tender."""
    return f"{_TENDERS}{tender}:{node_id}"


def tender_of(account: str) -> tuple[str, str] | None:
    """Tender and till of such an account; None for any other."""
    if not account.startswith(_TENDERS):
        return None
    tender, _colon, node_id = account[len(_TENDERS) :].rpartition(":")
    return tender, node_id


def postings(operation: Booked, node_id: str) -> tuple[Posting, ...]:
    """The ledger lines of an operation of the node's journal; their sum is zero.

    A fee has its line only where one was kept, and a count only where it changes the drawer.
    """
    cash = cash_account(node_id)
    match operation:
        case Sale():
            lines = _sale(operation, node_id)
        case Refund():
            lines = _refund(operation, node_id)
        case Exchange():
            lines = _exchange(operation, node_id)
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


def _sale(sale: Sale, node_id: str) -> tuple[Posting, ...]:
    return (
        *_tenders(node_id, sale.cash.amount_minor, sale.legs, 1),
        (SALES, -sale.total_minor),
        *_rounding(sale.rounding_minor),
    )


def _refund(refund: Refund, node_id: str) -> tuple[Posting, ...]:
    return (
        *_tenders(node_id, -refund.cash_minor, refund.legs, -1),
        (SALES, refund.worth_minor),
        *_fee(refund.fee_minor),
        *_rounding(refund.rounding_minor),
    )


def _exchange(exchange: Exchange, node_id: str) -> tuple[Posting, ...]:
    """The credit and the new sale are two lines, so that the day's sales show both."""
    sign = 1 if exchange.paid_minor > 0 else -1
    return (
        *_tenders(node_id, exchange.cash_minor, exchange.legs, sign),
        (SALES, exchange.credit_minor),
        (SALES, -exchange.total_minor),
        *_fee(exchange.fee_minor),
        *_rounding(exchange.rounding_minor),
    )


def _tenders(
    node_id: str, cash_minor: int, legs: tuple[HandLeg, ...], sign: int
) -> tuple[Posting, ...]:
    """A line for each tender. Cash has none where other tenders paid it all."""
    cash = ((cash_account(node_id), cash_minor),) if cash_minor or not legs else ()
    by_hand = ((tender_account(leg.tender, node_id), sign * leg.amount_minor) for leg in legs)
    return (*cash, *by_hand)


def _rounding(rounding_minor: int) -> tuple[Posting, ...]:
    return ((ROUNDING, -rounding_minor),) if rounding_minor else ()


def _drawer(cash: str, other: str, amount_minor: int) -> tuple[Posting, ...]:
    return ((cash, amount_minor), (other, -amount_minor)) if amount_minor else ()


def _fee(fee_minor: int) -> tuple[Posting, ...]:
    return ((FEES, -fee_minor),) if fee_minor else ()
