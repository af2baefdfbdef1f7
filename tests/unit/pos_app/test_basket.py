"""The basket: pure values, and prices from the event's own list."""

from __future__ import annotations

from dataclasses import replace

from pos_app.services.basket import (
    LINES_MAX,
    BasketLine,
    add_unit,
    change_ticket_type,
    empty_basket,
    priced_line,
)
from tests.fakes.till import sample_catalogue
from ticketing.event import Price

EVENT = sample_catalogue().events[0]
VIP, TIER_B, STANDING = 152, 97, 1_201
FIRST, SECOND = 1, 2


def test_a_new_basket_has_the_events_currency_and_price_list() -> None:
    basket = empty_basket(EVENT)
    assert (basket.event_id, basket.currency, basket.price_list_version) == ("swan-lake", "CNY", 1)
    assert (basket.lines, basket.units, basket.total_minor) == ((), (), 0)


def test_units_come_in_the_order_they_were_picked() -> None:
    basket = empty_basket(EVENT)
    for unit in (STANDING, VIP, TIER_B):
        basket = add_unit(basket, EVENT, FIRST, unit)
    assert basket.units == (STANDING, VIP, TIER_B)
    assert basket.total_minor == 8_000 + 88_000 + 38_000


def test_the_first_ticket_type_with_a_price_is_taken() -> None:
    assert priced_line(EVENT, FIRST, VIP) == BasketLine(FIRST, VIP, "vip", "adult", 88_000, "list")
    children_only = replace(EVENT, prices=(Price("vip", "child", 100),))
    line = priced_line(children_only, FIRST, VIP)
    assert line is not None
    assert (line.ticket_type_id, line.price_minor) == ("child", 100)


def test_a_performances_own_price_goes_before_the_usual_one() -> None:
    usual, own = priced_line(EVENT, FIRST, TIER_B), priced_line(EVENT, SECOND, TIER_B)
    assert usual is not None
    assert own is not None
    assert (usual.price_minor, own.price_minor) == (38_000, 32_000)


def test_what_is_not_sold_has_no_line() -> None:
    assert priced_line(EVENT, FIRST, VIP, "student") is None
    assert priced_line(EVENT, FIRST, VIP, "nobody") is None
    assert priced_line(EVENT, FIRST, 1_000_000) is None
    assert priced_line(replace(EVENT, prices=()), FIRST, VIP) is None
    not_here = replace(EVENT, prices=(*EVENT.prices, Price("vip", "adult", None, FIRST)))
    line = priced_line(not_here, FIRST, VIP)
    assert line is not None
    assert line.ticket_type_id == "child"


def test_adding_what_cannot_be_added_gives_the_very_same_basket() -> None:
    basket = add_unit(empty_basket(EVENT), EVENT, FIRST, VIP)
    assert add_unit(basket, EVENT, FIRST, VIP) is basket
    assert add_unit(basket, EVENT, FIRST, VIP + 1, "student") is basket
    assert add_unit(basket, EVENT, FIRST, 1_000_000) is basket


def test_a_basket_takes_fifty_lines() -> None:
    basket = empty_basket(EVENT)
    for unit in range(1, LINES_MAX + 2):
        basket = add_unit(basket, EVENT, FIRST, unit)
    assert basket.units == tuple(range(1, LINES_MAX + 1))


def test_the_same_seat_of_another_performance_is_another_line() -> None:
    basket = add_unit(add_unit(empty_basket(EVENT), EVENT, FIRST, VIP), EVENT, SECOND, VIP)
    assert len(basket.lines) == 2
    assert basket.without(FIRST, VIP).lines == basket.lines[1:]
    changed = change_ticket_type(basket, EVENT, SECOND, VIP, "child")
    assert [line.ticket_type_id for line in changed.lines] == ["adult", "child"]


def test_taking_out_what_is_not_in_changes_nothing() -> None:
    basket = add_unit(empty_basket(EVENT), EVENT, FIRST, VIP)
    assert basket.without(SECOND, VIP) == basket
    assert basket.has(FIRST, VIP)
    assert not basket.has(SECOND, VIP)


def test_a_lines_ticket_type_changes_its_price_and_keeps_its_place() -> None:
    basket = empty_basket(EVENT)
    for unit in (VIP, TIER_B):
        basket = add_unit(basket, EVENT, FIRST, unit)
    changed = change_ticket_type(basket, EVENT, FIRST, VIP, "child")
    assert changed.units == basket.units
    assert changed.lines[0] == BasketLine(FIRST, VIP, "vip", "child", 44_000, "list")
    assert changed.lines[1] is basket.lines[1]


def test_a_ticket_type_that_is_not_sold_there_changes_nothing() -> None:
    basket = add_unit(empty_basket(EVENT), EVENT, FIRST, VIP)
    assert change_ticket_type(basket, EVENT, FIRST, VIP, "student") is basket
