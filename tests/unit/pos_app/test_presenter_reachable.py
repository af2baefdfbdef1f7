"""The price shown at chips, seats and ticket types: what one ticket costs now, alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pos_app.presenters import language
from pos_app.presenters.reachable import Reachable, in_words, reachable, usual
from pos_app.presenters.sell import SellPresenter
from pos_app.presenters.sell_state import SellState
from tests.fakes.runner import run_now
from tests.fakes.till import CASHIER, NOW, PIN, stocked_till

EARLY = 4
"""Its tickets are early birds until noon of the next day."""


def test_a_rate_that_is_on_is_shown_with_what_the_list_asks() -> None:
    till = stocked_till(EARLY)
    event = till.house(EARLY).event
    assert reachable(event, EARLY, "vip", "adult", NOW) == Reachable(748_00, 880_00)
    assert reachable(event, EARLY, "vip", "adult", NOW + timedelta(days=2)) == Reachable(
        880_00, 880_00
    )
    assert reachable(event, 1, "vip", "adult", NOW) == Reachable(880_00, 880_00)
    assert reachable(event, EARLY, "vip", "nobody", NOW) is None


def test_it_is_what_the_basket_asks_for_one_ticket() -> None:
    till = stocked_till(EARLY)
    till.sign_in(CASHIER.id, PIN)
    sell = SellPresenter(till, run_now, run_now)
    sell.open(EARLY)
    sell.set_quantity(1)
    for tier in sell.state.house.event.price_tiers if sell.state.house else ():
        shown = usual(sell.state, tier.id)
        assert shown is not None
        if tier.id == "standing":
            continue
        sell.filter_tier(tier.id)
        sell.best_together()
        assert sell.state.total_minor == shown.price_minor, tier.id
        sell.filter_tier(tier.id)
        sell.clear()


def test_the_minute_moves_the_price_along() -> None:
    till = stocked_till(EARLY)
    now = NOW
    till.now = lambda: now
    sell = SellPresenter(till, run_now, run_now)
    sell.open(EARLY)
    before = usual(sell.state, "vip")
    now = NOW + timedelta(days=2)
    sell.tick()
    after = usual(sell.state, "vip")
    assert before is not None
    assert after is not None
    assert before.is_cheaper
    assert not after.is_cheaper


def test_without_a_clock_or_a_house_it_is_the_list() -> None:
    till = stocked_till(EARLY)
    house = till.house(EARLY)
    assert usual(SellState(), "vip") is None
    assert usual(replace(SellState(), house=house), "vip") == Reachable(880_00, 880_00)


def test_it_is_said_in_both_languages() -> None:
    price = Reachable(748_00, 880_00)
    assert in_words(price, "CNY") == "¥748 instead of ¥880"
    language.set_language("zh_CN")
    assert in_words(price, "CNY") == "¥748（原价 ¥880）"
    language.set_language("en")
    assert in_words(Reachable(880_00, 880_00), "CNY") == "¥880"
    assert in_words(None, "CNY") == ""
