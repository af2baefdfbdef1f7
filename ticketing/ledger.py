"""What an operation that moves money writes into the ledger: lines that add up to nothing.

Money that comes in is positive in the drawer (`cash:<node>`) and negative where it was earned
(`sales`, `fees`), so the balance of every account and of every operation can be checked alone.
"""

from __future__ import annotations

from ticketing.operations import Exchange, Refund, Sale

SALES = "sales"
FEES = "fees"

Posting = tuple[str, int]
"""An account and an amount in minor units of the operation's currency."""


def cash_account(node_id: str) -> str:
    """The account of a till's drawer."""
    return f"cash:{node_id}"


def postings(operation: Sale | Refund | Exchange, node_id: str) -> tuple[Posting, ...]:
    """The ledger lines of an operation of the node's journal; their sum is zero.

    A fee has its line only where one was kept.
    """
    if isinstance(operation, Sale):
        lines = _sale(operation, cash_account(node_id))
    elif isinstance(operation, Refund):
        lines = _refund(operation, cash_account(node_id))
    else:
        lines = _exchange(operation, cash_account(node_id))
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


def _fee(fee_minor: int) -> tuple[Posting, ...]:
    return ((FEES, -fee_minor),) if fee_minor else ()
