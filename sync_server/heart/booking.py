"""Ledger lines: what an operation that moves money is booked as, every tender under its name."""

from __future__ import annotations

from typing import assert_never

from sync_server.heart.rows import LedgerLine
from sync_server.heart.source import Source
from sync_server.heart.work import Work
from ticketing.journal import Op
from ticketing.ledger import SALES, Booked, postings
from ticketing.operations import CashMoved, Exchange, Refund, Sale, ShiftClosed, ShiftOpened


def book(work: Work, source: Source, op: Op, money: Booked) -> None:
    """Ledger lines of the operation; they sum to nothing.

    What an exchange gives credit for was sold with an order before, and is booked there. What
    happens at the drawer stands under its shift's id.
    """
    owner, credited, currency = _where(money)
    for number, (account, amount) in enumerate(postings(money, source.node_id)):
        is_credit = account == SALES and amount > 0
        line = LedgerLine(
            work.stream,
            source.node_id,
            source.incarnation,
            op.seq,
            source.branch,
            number,
            credited if is_credit else owner,
            account,
            amount,
            currency,
        )
        work.ledger.append(line)


def _where(money: Booked) -> tuple[str, str, str]:
    """What owns the lines, what a credit belongs to, and the currency."""
    match money:
        case Sale() | Refund():
            return money.order_id, money.order_id, money.currency
        case Exchange():
            return money.order_id, money.of_order, money.currency
        case ShiftOpened() | CashMoved():
            return money.shift_id, money.shift_id, money.currency
        case ShiftClosed():
            return money.report.shift_id, money.report.shift_id, money.report.currency
        case _:
            assert_never(money)
