"""What the buyer's screen says: the same as the cashier's, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pos_app.presenters import language
from pos_app.presenters.customer import LINES_SHOWN_MAX, WORDS, Showing, buyer_screen, said
from pos_app.presenters.sell import SellPresenter
from tests.fakes.runner import run_now
from tests.fakes.till import CASHIER, FakeTill, stocked_till


@pytest.fixture
def till() -> FakeTill:
    made = stocked_till()
    made.signed_in = CASHIER
    return made


@pytest.fixture
def sell(till: FakeTill) -> Iterator[SellPresenter]:
    language.set_language("zh_CN")
    made = SellPresenter(till, run_now, run_now)
    till.subscribe(made.on_news)
    made.open(1)
    yield made
    language.set_language("en")


def test_an_idle_screen_welcomes_in_both_languages(sell: SellPresenter) -> None:
    screen = buyer_screen(sell.state)
    assert screen.showing is Showing.WELCOME
    assert (screen.title.first, screen.title.second) == ("欢迎光临", "Welcome")
    assert (screen.under.first, screen.under.second) == ("海韵大剧院", "Seaview Grand Theatre")
    assert screen.total == ""


def test_the_basket_is_shown_as_the_cashier_has_it(sell: SellPresenter) -> None:
    sell.best_together()
    screen = buyer_screen(sell.state)
    basket = sell.state.basket
    assert basket is not None
    assert screen.showing is Showing.BASKET
    assert len(screen.lines) == len(basket.lines) == 2
    assert screen.total == language.money(basket.total_minor, basket.currency)
    assert screen.title.second == "Swan Lake — National Ballet"
    assert (screen.received, screen.change, screen.more.first) == ("", "", "")


def test_a_long_basket_tells_how_many_more_there_are(sell: SellPresenter) -> None:
    sell.set_quantity(LINES_SHOWN_MAX + 3)
    sell.best_together()
    screen = buyer_screen(sell.state)
    assert len(screen.lines) == LINES_SHOWN_MAX
    assert "3" in screen.more.first
    assert screen.more.second == "and 3 more"


def test_a_payment_shows_what_was_received_and_what_goes_back(sell: SellPresenter) -> None:
    sell.best_together()
    basket = sell.state.basket
    assert basket is not None
    sell.pay_cash(basket.total_minor + 4000)
    screen = buyer_screen(sell.state)
    assert screen.showing is Showing.PAID
    assert screen.change == language.money(4000, basket.currency)
    assert screen.received == language.money(basket.total_minor + 4000, basket.currency)
    sell.dismiss()
    assert buyer_screen(sell.state).showing is Showing.WELCOME


def test_while_tickets_are_exchanged_the_difference_is_due(sell: SellPresenter) -> None:
    sell.best_together()
    assert buyer_screen(sell.state, 1200).total == language.money(1200, "CNY")


def test_before_anything_is_open_it_welcomes(sell: SellPresenter) -> None:
    assert buyer_screen(replace(sell.state, house=None)).showing is Showing.WELCOME


def test_every_word_of_it_is_in_both_languages() -> None:
    language.set_language("en")
    for word in WORDS:
        assert said(word).second != said(word).first
