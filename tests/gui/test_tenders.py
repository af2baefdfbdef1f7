"""Other means of payment through real widgets: one tap, a number, parts, and what is given back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pos_app.services.model import SaleRefusal
from pos_app.services.tender_model import AbandonedPayment
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill
from tests.gui.robot import at_sale, click, find, is_shown, press, text_of
from ticketing.operations import HandLeg

TOTAL = 1_760_00


@pytest.fixture
def basket(window: TillWindow, till: FakeTill) -> FakeTill:
    """Two seats for 1,760 yuan in the basket."""
    at_sale(window)
    click(window, "best_together")
    assert window.sell.state.total_minor == TOTAL
    return till


class TestOneTap:
    def test_f10_sells_the_whole_by_the_first_tender(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        press(Qt.Key.Key_F10)
        [sold] = basket.sold
        assert (sold.legs, sold.cash_minor) == ((HandLeg("card", TOTAL),), 0)
        assert text_of(window, "change_title") == "Paid by Card"
        assert not is_shown(window, "change_amount"), "there is no change"

    def test_so_does_a_finger_on_its_key(self, window: TillWindow, basket: FakeTill) -> None:
        click(window, "pay_tender_1")
        assert basket.sold[0].legs == (HandLeg("wallet", TOTAL),)

    def test_twice_is_one_sale(self, window: TillWindow, basket: FakeTill) -> None:
        press(Qt.Key.Key_F10)
        press(Qt.Key.Key_F10)
        assert len(basket.sold) == 1
        assert is_shown(window, "change_panel")

    def test_a_tender_with_a_number_asks_for_it(self, window: TillWindow, basket: FakeTill) -> None:
        press(Qt.Key.Key_F12)
        assert basket.sold == []
        for digit in "4", "2":
            click(window, f"number_key_{digit}")
        QTest.keyClicks(find(window, "number_page"), "A7")
        press(Qt.Key.Key_Return)
        assert basket.sold[0].legs == (HandLeg("transfer", TOTAL, "42A7"),)

    def test_escape_from_the_number_goes_back_to_the_basket(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        press(Qt.Key.Key_F12)
        press(Qt.Key.Key_Escape)
        assert (basket.sold, is_shown(window, "number_page")) == ([], False)
        assert is_shown(window, "pay_cash")

    def test_a_refused_sale_says_why_and_keeps_the_basket(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        basket.sale_refusal = SaleRefusal.UNKNOWN_TENDER
        press(Qt.Key.Key_F10)
        assert "does not take" in text_of(window, "notice_text")
        assert window.sell.state.total_minor == TOTAL

    def test_an_empty_basket_is_not_sold(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        press(Qt.Key.Key_F10)
        assert till.payments_count == 0
        assert "empty" in text_of(window, "notice_text")


class TestNoneNamed:
    def test_more_stands_alone(self, window: TillWindow, till: FakeTill) -> None:
        till.catalogue = replace(till.catalogue, venue=replace(till.catalogue.venue, tenders=()))
        at_sale(window)
        click(window, "best_together")
        assert is_shown(window, "pay_more")
        assert not is_shown(window, "pay_tender_0")
        press(Qt.Key.Key_F10)
        assert till.payments_count == 0
        click(window, "pay_more")
        click(window, "pay_panel_cash")
        assert till.sold[0].cash_minor == TOTAL


class TestParts:
    def test_a_part_by_card_and_the_rest_in_cash(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        click(window, "pay_more")
        for digit in "1", "0", "00":
            click(window, f"pay_key_{digit}")
        click(window, "pay_by_card")
        assert text_of(window, "pay_panel_rest") == "¥760.00"
        assert text_of(window, "part_0_amount") == "¥1,000.00"
        assert [one.amount_minor for one in basket.tenders.open.values()] == [1_000_00]
        QTest.keyClicks(find(window, "pay_panel"), "800")
        click(window, "pay_panel_cash")
        [sold] = basket.sold
        assert sold.legs == (HandLeg("card", 1_000_00),)
        assert (sold.cash_minor, sold.tendered_minor, sold.change_minor) == (760_00, 800_00, 40_00)
        assert basket.tenders.open == {}
        assert text_of(window, "change_amount") == "¥40.00"

    def test_cash_first_then_f10_for_the_rest(self, window: TillWindow, basket: FakeTill) -> None:
        click(window, "pay_more")
        QTest.keyClicks(find(window, "pay_panel"), "500")
        click(window, "pay_panel_cash")
        press(Qt.Key.Key_F10)
        [sold] = basket.sold
        assert (sold.cash_minor, sold.legs) == (500_00, (HandLeg("card", 1_260_00),))

    def test_the_basket_shows_what_is_paid_and_f9_takes_the_rest(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        click(window, "pay_more")
        QTest.keyClicks(find(window, "pay_panel"), "1000.5")
        click(window, "pay_by_card")
        press(Qt.Key.Key_Escape)
        assert text_of(window, "pay_amount") == "¥759.50"
        press(Qt.Key.Key_F9)
        assert basket.sold[0].legs == (HandLeg("card", 1_000_50),)

    def test_no_more_than_the_rest_is_taken_by_card(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        click(window, "pay_more")
        QTest.keyClicks(find(window, "pay_panel"), "1761")
        assert not find(window, "pay_by_card").isEnabled()
        assert find(window, "pay_panel_cash").isEnabled(), "cash gives change"
        assert basket.sold == []

    def test_a_part_is_given_back(self, window: TillWindow, basket: FakeTill) -> None:
        click(window, "pay_more")
        QTest.keyClicks(find(window, "pay_panel"), "1000")
        click(window, "pay_by_card")
        click(window, "part_0_back")
        assert basket.tenders.taken_back == ["leg-1"]
        assert text_of(window, "pay_panel_rest") == "¥1,760.00"

    def test_a_basket_that_is_given_up_gives_its_parts_back(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        click(window, "pay_more")
        QTest.keyClicks(find(window, "pay_panel"), "1000")
        click(window, "pay_by_card")
        press(Qt.Key.Key_Escape)
        click(window, "clear")
        assert basket.tenders.taken_back == ["leg-1"]
        assert "¥1,000.00" in text_of(window, "notice_text")
        assert window.sell.state.payment.recorded == ()

    def test_with_too_much_recorded_nothing_can_be_sold(
        self, window: TillWindow, basket: FakeTill
    ) -> None:
        click(window, "pay_more")
        QTest.keyClicks(find(window, "pay_panel"), "1000")
        click(window, "pay_by_card")
        press(Qt.Key.Key_Escape)
        click(window, "line_0_remove")
        assert not find(window, "pay_cash").isEnabled()
        click(window, "pay_more")
        assert "¥120.00 too much" in text_of(window, "pay_panel_change")
        assert basket.sold == []


class TestRounding:
    def test_cash_is_asked_for_in_coins_and_a_card_to_the_last_minor_unit(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        event = till.catalogue.events[0]
        prices = tuple(
            replace(line, price_minor=line.price_minor - 3) if line.price_minor else line
            for line in event.prices
        )
        till.catalogue = replace(till.catalogue, events=(replace(event, prices=prices),))
        at_sale(window)
        click(window, "best_together")
        assert text_of(window, "total") == "¥1,759.94"
        assert text_of(window, "pay_amount") == "¥1,759.90"
        assert "0.04" in text_of(window, "quick_hint")
        press(Qt.Key.Key_F9)
        assert (till.sold[0].cash_minor, till.sold[0].rounding_minor) == (1_759_90, -4)
        click(window, "best_together")
        press(Qt.Key.Key_F10)
        assert (till.sold[1].legs[0].amount_minor, till.sold[1].rounding_minor) == (1_759_94, 0)


def test_what_was_left_behind_is_told_until_it_is_read(window: TillWindow, till: FakeTill) -> None:
    begun = NOW - timedelta(minutes=5)
    till.tenders.untold = (AbandonedPayment("card", 300_00, "CNY", "", begun),)
    at_sale(window)
    assert "¥300.00" in text_of(window, "notice_text")
    assert till.tenders.untold
    press(Qt.Key.Key_Escape)
    assert len(till.tenders.untold) == 0
