"""Money goes back the way it came: the newest first, never more by a tender than came by it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.property.ticketing.test_operations import TENDERS, exchanges, sales
from ticketing.operations import CASH, Exchange, HandLeg, Refund, RefundAction, Sale
from ticketing.pay_back import Fund, Funds, after, funds_of, spend, way_back

FUNDS = st.lists(
    st.builds(
        Fund,
        st.sampled_from((CASH, *TENDERS)),
        st.integers(1, 10**6),
        st.sampled_from(["", "0017", "0018"]),
    ),
    max_size=5,
).map(tuple)
REFUNDABLE = st.frozensets(st.sampled_from(TENDERS))


def by_tender(funds: Funds) -> Counter[str]:
    sums: Counter[str] = Counter()
    for fund in funds:
        sums[fund.tender] += fund.amount_minor
    return sums


def whole(funds: Funds) -> int:
    return sum(fund.amount_minor for fund in funds)


@given(funds=FUNDS, amount=st.integers(0, 10**7), refundable=REFUNDABLE)
def test_never_more_by_a_tender_than_came_by_it_and_the_parts_add_up(
    funds: Funds, amount: int, refundable: frozenset[str]
) -> None:
    way = way_back(funds, amount, refundable)
    assert sum(leg.amount_minor for leg in way.legs) + way.cash_minor == amount
    came = by_tender(funds)
    went = Counter(dict.fromkeys(TENDERS, 0))
    for leg in way.legs:
        went[leg.tender] += leg.amount_minor
        assert leg.tender in refundable
    assert all(went[tender] <= came[tender] for tender in TENDERS)


@given(funds=FUNDS, amount=st.integers(0, 10**7))
def test_the_newest_payment_goes_back_first(funds: Funds, amount: int) -> None:
    taken, left = spend(funds, amount)
    assert whole(taken) == min(amount, whole(funds))
    assert whole(taken) + whole(left) == whole(funds)
    if left:
        assert funds[-len(left) + 1 :] == left[1:] or len(left) == 1, "the oldest are untouched"


@given(
    sale=sales(),
    parts=st.lists(st.integers(0, 10**9), max_size=4),
    refundable=REFUNDABLE,
)
def test_several_refunds_of_an_order_never_overdraw_what_came(
    sale: Sale, parts: list[int], refundable: frozenset[str]
) -> None:
    funds = funds_of(sale)
    assert whole(funds) == sale.total_minor
    came, went = by_tender(funds), Counter[str]()
    for part in parts:
        amount = min(part, whole(funds))
        way = way_back(funds, amount, refundable)
        refund = Refund(
            sale.order_id, RefundAction.REFUND, (), way.cash_minor, 0, sale.currency, "li", "-",
            legs=way.legs,
        )  # fmt: skip
        before = whole(funds)
        funds, moved = after(funds, refund)
        assert (whole(funds), moved) == (before - amount, ())
        for leg in way.legs:
            went[leg.tender] += leg.amount_minor
    assert all(went[tender] <= came[tender] for tender in TENDERS)


@given(sale=sales(), exchange=exchanges())
def test_an_exchanges_new_order_has_what_it_was_paid_from(sale: Sale, exchange: Exchange) -> None:
    before = funds_of(sale)
    left, moved = after(before, exchange)
    assert whole(left) + whole(moved) <= whole(before)
    came = by_tender(before)
    kept = by_tender((*left, *moved))
    assert all(kept[tender] <= came[tender] for tender in (CASH, *TENDERS))
    new = funds_of(exchange, moved)
    assert whole(new) == whole(moved) + max(0, exchange.paid_minor)


def test_a_card_payment_goes_back_to_the_card_by_its_number_and_the_rest_in_cash() -> None:
    funds = (Fund(CASH, 280_00), Fund("card", 300_00, "0017"))
    way = way_back(funds, 290_00, {"card"})
    assert way.legs == (HandLeg("card", 10_00, "0017"),)
    assert way.cash_minor == 280_00
    assert way_back(funds, 580_00, set()).cash_minor == 580_00, "the house takes no card back"
