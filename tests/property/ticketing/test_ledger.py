"""The ledger: whatever moves money writes lines that add up to nothing."""

from __future__ import annotations

from hypothesis import given

from tests.property.ticketing.test_operations import TENDERS, exchanges, refunds, sales
from ticketing.ledger import (
    FEES,
    ROUNDING,
    SALES,
    cash_account,
    postings,
    tender_account,
    tender_of,
)
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
        known = {DRAWER, SALES, FEES, ROUNDING, *(tender_account(each, NODE) for each in TENDERS)}
        assert {account for account, _amount in lines} <= known


@given(sale=sales(), refund=refunds(), exchange=exchanges())
def test_the_drawer_has_what_was_paid_in_less_what_was_paid_out(
    sale: Sale, refund: Refund, exchange: Exchange
) -> None:
    drawn = [dict(postings(one, NODE)).get(DRAWER, 0) for one in (sale, refund, exchange)]
    assert drawn == [sale.cash.amount_minor, -refund.cash_minor, exchange.cash_minor]


@given(sale=sales(), refund=refunds())
def test_every_tender_stands_under_its_name(sale: Sale, refund: Refund) -> None:
    for tender in TENDERS:
        account = tender_account(tender, NODE)
        assert tender_of(account) == (tender, NODE)
        booked = [
            sum(amount for name, amount in postings(one, NODE) if name == account)
            for one in (sale, refund)
        ]
        told = [
            sum(leg.amount_minor for leg in one.legs if leg.tender == tender)
            for one in (sale, refund)
        ]
        assert booked == [told[0], -told[1]]
    assert tender_of(DRAWER) is None


@given(refund=refunds(), exchange=exchanges())
def test_a_fee_that_is_kept_is_earned(refund: Refund, exchange: Exchange) -> None:
    for operation in (refund, exchange):
        earned = -dict(postings(operation, NODE)).get(FEES, 0)
        assert earned == operation.fee_minor
