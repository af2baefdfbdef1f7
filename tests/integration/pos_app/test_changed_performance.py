"""A window hears that a performance was moved, or that it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from pos_app.services.model import PerformanceChoice
from tests.fakes.hall import FIRST, ROW
from tests.fakes.till import sample_catalogue
from tests.integration.pos_app.window_stage import Stage
from ticketing.catalogue import event_document
from ticketing.code import TicketCode, parse_code
from ticketing.event import Performance
from ticketing.journal import OpKind
from ticketing.operations import decode_sale

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
