"""Prices at the sell screen without a window: when they are made anew, and what is given by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pos_app.presenters.giving import Denied
from pos_app.presenters.notice import Topic
from pos_app.presenters.price_words import basket_sums, package_lines
from pos_app.presenters.sell import SellPresenter
from pos_app.services.basket import Basket, BasketLine
from pos_app.services.model import SaleRefusal, SignInRefused, UnitState
from tests.fakes.runner import run_now
from tests.fakes.till import CASHIER, LOT, MANAGER, NOW, PIN, SUPERVISOR, FakeTill, stocked_till
from ticketing.pricing import LIST_RULE, AsHouse, Discounted, FoundPackage, PercentOff

EARLY = 4
STANDING = 1_201
POOL = (str(LOT), "first-standing")


class Clock:
    def __init__(self) -> None:
        self.now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def till(clock: Clock) -> FakeTill:
    till = stocked_till()
    till.now = clock
    till.staff = (CASHIER, SUPERVISOR, MANAGER)
    till.sign_in(CASHIER.id, PIN)
    for number in (1, EARLY):
        till.set_states(number, UnitState.FREE, [152])
    return till


def opened(till: FakeTill, performance: int = 1) -> SellPresenter:
    presenter = SellPresenter(till, run_now, run_now)
    till.subscribe(presenter.on_news)
    presenter.open(performance)
    presenter.refresh()
    return presenter


def lines(sell: SellPresenter) -> tuple[BasketLine, ...]:
    assert sell.state.basket is not None
    assert sell.state.basket.quote is not None
    return sell.state.basket.lines


def topic(sell: SellPresenter) -> Topic | None:
    return sell.state.notice.topic if sell.state.notice else None


def rules(sell: SellPresenter) -> list[str]:
    return [line.rule for line in lines(sell)]


def test_a_rule_that_ends_while_the_basket_waits_is_said(till: FakeTill, clock: Clock) -> None:
    sell = opened(till, EARLY)
    sell.tap_unit(152)
    assert rules(sell) == ["early-bird"]
    clock.now += timedelta(seconds=30)
    sell.tick()
    assert topic(sell) is None
    clock.now += timedelta(days=2)
    sell.tick()
    assert rules(sell) == ["list"]
    assert topic(sell) is Topic.PRICES_RENEWED


def test_a_limited_price_is_taken_while_the_share_lasts(till: FakeTill) -> None:
    till.shares[POOL] = 1
    sell = opened(till)
    sell.tap_unit(STANDING)
    sell.tap_unit(STANDING + 1)
    assert sorted(rules(sell)) == ["first-standing", "list"]
    till.shares[POOL] = 0
    sell.refresh()
    assert rules(sell) == ["list", "list"]


def test_prices_that_changed_at_payment_are_shown_anew(till: FakeTill) -> None:
    sell = opened(till)
    sell.tap_unit(152)
    till.sale_refusal = SaleRefusal.PRICE_CHANGED
    till.change_prices(10)
    sell.pay_cash()
    assert lines(sell)[0].price_minor == 96_800
    assert sell.state.basket is not None
    assert sell.state.basket.price_list_version == 2
    till.sale_refusal = None
    sell.pay_cash()
    assert [sold.total_minor for sold in till.sold] == [96_800]


GOODWILL = Discounted("goodwill", PercentOff(2_000))


def giving(till: FakeTill) -> SellPresenter:
    sell = opened(till)
    sell.tap_unit(152)
    sell.begin_giving(1, 152)
    return sell


def test_what_is_offered_depends_on_who_sells(till: FakeTill) -> None:
    state = giving(till).state.giving
    assert state is not None
    offered = {offer.id: (offer.own_percent, offer.most_percent) for offer in state.offers}
    assert offered == {"goodwill": (5, 100), "poor-view": (20, 50), "press": (0, 0)}
    till.sign_in(MANAGER.id, PIN)
    state = giving(till).state.giving
    assert state is not None
    assert state.offers[0].own_percent == 100


@pytest.mark.parametrize(
    ("person_id", "pin", "refused"),
    [
        pytest.param(CASHIER.id, PIN, Denied.SAME_PERSON, id="the seller"),
        pytest.param("nina", PIN, Denied.ROLE, id="another cashier"),
    ],
)
def test_not_everybody_may_approve(
    till: FakeTill, person_id: str, pin: str, refused: Denied
) -> None:
    till.staff = (*till.staff, replace(CASHIER, id="nina"))
    sell = giving(till)
    sell.give(GOODWILL)
    assert sell.state.giving is not None
    waiting = sell.state.giving.waiting
    assert waiting is not None
    assert [person.id for person in waiting.people] == [SUPERVISOR.id, MANAGER.id]
    sell.approve(person_id, pin)
    assert sell.state.giving.waiting is not None
    assert sell.state.giving.waiting.refused is refused
    assert lines(sell)[0].price_minor == 88_000


def test_a_wrong_pin_approves_nothing_and_the_right_one_does(till: FakeTill) -> None:
    sell = giving(till)
    sell.give(GOODWILL)
    sell.approve(SUPERVISOR.id, "0")
    assert sell.state.giving is not None
    assert sell.state.giving.waiting is not None
    assert isinstance(sell.state.giving.waiting.refused, SignInRefused)
    sell.approve(SUPERVISOR.id, PIN)
    assert not sell.stop_giving(), "the page has closed by itself"
    assert lines(sell)[0].price_minor == 70_400


def test_what_a_manager_gave_does_not_pass_to_the_next_cashier(till: FakeTill) -> None:
    till.sign_in(MANAGER.id, PIN)
    sell = giving(till)
    sell.give(GOODWILL)
    assert lines(sell)[0].price_minor == 70_400
    till.sign_in(CASHIER.id, PIN)
    sell.refresh()
    assert lines(sell)[0].price_minor == 88_000
    assert topic(sell) is Topic.GIVEN_DROPPED
    assert sell.state.can_pay


def test_a_change_of_the_ticket_type_keeps_what_was_given(till: FakeTill) -> None:
    sell = giving(till)
    sell.give(Discounted("poor-view", PercentOff(1_000)))
    sell.change_type(1, 152, "child")
    assert lines(sell)[0].price_minor == 39_600
    sell.begin_giving(1, 152)
    sell.take_back()
    assert lines(sell)[0].price_minor == 44_000


def test_a_quota_that_is_not_here_is_said_and_nothing_changes(till: FakeTill) -> None:
    sell = giving(till)
    sell.give(AsHouse("press"))
    assert sell.state.notice is not None
    assert (sell.state.notice.topic, sell.state.notice.code) == (Topic.NOT_GIVEN, "quota_spent")
    assert lines(sell)[0].price_minor == 88_000
    assert sell.stop_giving()
    assert not sell.stop_giving()


def test_packages_beyond_the_last_banner_share_it(till: FakeTill) -> None:
    event = till.house(1).event
    found = [
        FoundPackage(number, "family", ("a", "b"), 10_000 * number, 8_000 * number)
        for number in (1, 2, 3)
    ]
    assert package_lines(event, found[:2], 2) == [
        ("Family, 20 % off · 2 tickets", "saves ¥20"),
        ("Family, 20 % off · 2 tickets", "saves ¥40"),
    ]
    assert package_lines(event, found, 2) == [
        ("Family, 20 % off · 2 tickets", "saves ¥20"),
        ("2 more packages", "saves ¥100"),
    ]


def test_the_sums_above_the_total_add_up_to_it(till: FakeTill) -> None:
    event = till.house(1).event
    kinds = ("adult", "child", "adult", "of no kind known", "of another")
    sold = tuple(
        BasketLine(1, at, "a", kind, 10_000 + at, LIST_RULE) for at, kind in enumerate(kinds)
    )
    basket = Basket(event.id, event.currency, 1, sold)
    assert basket_sums(basket, event, 4) == [
        ("Adult × 2", "¥200.02"),
        ("Child × 1", "¥100.01"),
        ("Others × 1", "¥100.03"),
        ("Others × 1", "¥100.04"),
    ]
    assert basket_sums(basket, event, 3) == [
        ("Adult × 2", "¥200.02"),
        ("Child × 1", "¥100.01"),
        ("Others × 2", "¥200.07"),
    ]
