"""The ledger: whatever moves money writes lines that add up to nothing."""

from __future__ import annotations

from hypothesis import given

from tests.property.ticketing.test_operations import exchanges, refunds, sales
from ticketing.ledger import FEES, SALES, cash_account, postings
from ticketing.operations import Exchange, Refund, Sale

NODE = "00000000000000aa"
DRAWER = cash_account(NODE)


@given(sale=sales(), refund=refunds(), exchange=exchanges())
def test_the_lines_of_every_operation_add_up_to_nothing(
    sale: Sale, refund: Refund, exchange: Exchange
) -> None:
    for operation in (sale, refund, exchange):
        lines = postings(operation, NODE)
        assert sum(amount for _account, amount in lines) == 0
        assert {account for account, _amount in lines} <= {DRAWER, SALES, FEES}


@given(sale=sales(), refund=refunds(), exchange=exchanges())
def test_the_drawer_has_what_was_paid_in_less_what_was_paid_out(
    sale: Sale, refund: Refund, exchange: Exchange
) -> None:
    drawn = [dict(postings(one, NODE))[DRAWER] for one in (sale, refund, exchange)]
    assert drawn == [sale.total_minor, -refund.cash_minor, exchange.paid_minor]


@given(refund=refunds(), exchange=exchanges())
def test_a_fee_that_is_kept_is_earned(refund: Refund, exchange: Exchange) -> None:
    for operation in (refund, exchange):
        earned = -dict(postings(operation, NODE)).get(FEES, 0)
        assert earned == operation.fee_minor
