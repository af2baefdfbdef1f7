"""A window hears that a performance was moved, or that it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from pos_app.services.after_sale_model import Chosen, Offer
from pos_app.services.model import PerformanceChoice, SaleRefusal, SaleRefused, Sold
from tests.fakes.hall import EVENT_ID, FIRST, ROW
from tests.fakes.till import sample_catalogue
from tests.integration.pos_app.window_stage import Stage
from ticketing.catalogue import event_document
from ticketing.code import TicketCode, parse_code
from ticketing.event import Performance
from ticketing.ids import OrderId
from ticketing.journal import OpKind
from ticketing.operations import decode_sale
from ticketing.refund_rules import Bar, Deed

A_DAY = timedelta(days=1)


def tell(till: Stage, change: Callable[[Performance], Performance]) -> None:
    """The feed brings the event's document with its first performance changed."""
    catalogue = sample_catalogue()
    event = catalogue.events[0]
    performances = tuple(
        change(each) if each.number == FIRST else each for each in event.performances
    )
    changed = replace(event, performances=performances)
    till.feed.open_house(event_document(catalogue.venue, catalogue.plans[0], changed))


def a_day_later(performance: Performance) -> Performance:
    return replace(
        performance,
        doors_at=performance.doors_at + A_DAY,
        starts_at=performance.starts_at + A_DAY,
        ends_at=performance.ends_at + A_DAY,
    )


def choice(till: Stage) -> PerformanceChoice:
    [found] = [each for each in till.window.performances() if each.number == FIRST]
    return found


def printed_codes(till: Stage) -> list[TicketCode]:
    sales = [decode_sale(op.body) for op in till.ops(OpKind.SALE)]
    codes = [parse_code(line.code) for sale in sales if sale for line in sale.lines]
    return [code for code in codes if isinstance(code, TicketCode)]


def refund(till: Stage, sold: Sold) -> Offer:
    sales = [decode_sale(op.body) for op in till.ops(OpKind.SALE)]
    [ids] = [
        tuple(line.ticket_id for line in sale.lines)
        for sale in sales
        if sale is not None and sale.order_id == sold.order_id
    ]
    offer = till.window.after_sale.offer(Deed.REFUND, Chosen(EVENT_ID, OrderId(sold.order_id), ids))
    assert offer is not None
    return offer


def test_a_moved_performance_is_shown_sold_and_printed_at_its_new_time(till: Stage) -> None:
    till.lend(ROW)
    till.sell([ROW[0]])
    before = choice(till)
    tell(till, a_day_later)
    after = choice(till)
    assert after.starts_at == before.starts_at + A_DAY
    assert after.doors_at == before.doors_at + A_DAY
    till.sell([ROW[1]])
    first, second = printed_codes(till)
    assert second.facts.valid_from == first.facts.valid_from + A_DAY
    assert second.facts.performance == first.facts.performance


def cancelled(performance: Performance) -> Performance:
    return replace(performance, is_cancelled=True, on_sale=False)


def test_a_cancelled_performance_is_not_offered_and_not_sold_from_a_basket(till: Stage) -> None:
    till.lend(ROW)
    basket = till.basket(ROW[:2])
    tell(till, cancelled)
    assert FIRST not in {each.number for each in till.window.performances()}
    answer = till.window.pay_cash(basket, basket.total_minor)
    assert answer == SaleRefused(SaleRefusal.SALE_ENDED)
    assert printed_codes(till) == []


def test_tickets_of_a_cancelled_performance_go_back_whole_when_it_is_too_late_for_others(
    till: Stage,
) -> None:
    till.lend(ROW)
    sold = till.sell(ROW[:2])
    till.acknowledge_all()
    till.env.pass_s(A_DAY.total_seconds())
    assert Bar.TOO_LATE in refund(till, sold).bars
    tell(till, cancelled)
    offer = refund(till, sold)
    assert (offer.back_minor, offer.fee_minor) == (sold.total_minor, 0)
    assert Bar.TOO_LATE not in offer.bars
