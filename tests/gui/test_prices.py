"""Prices through real widgets: a package found by itself, a discount with a second person's PIN."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pos_app.ui.window import TillWindow
from tests.fakes.till import CASHIER, LOT, MANAGER, PIN, SUPERVISOR, FakeTill
from tests.gui.robot import at_sale, click, find, is_shown, press, settle, text_of
from ticketing.pricing import LIST_RULE


@pytest.fixture(autouse=True)
def basket_of_four(window: TillWindow, till: FakeTill) -> None:
    """Four seats of tier A in the basket, two of them for children."""
    till.staff = (CASHIER, SUPERVISOR, MANAGER)
    at_sale(window)
    click(window, "tier_a")
    for _more in range(2):
        click(window, "quantity_plus")
    click(window, "best_together")
    basket = window.sell.state.basket
    assert basket is not None
    assert len(basket.lines) == 4


def make_children(window: TillWindow, *places: int) -> None:
    for at in places:
        click(window, f"line_{at}_type")
        click(window, "ticket_type_child")


def give(window: TillWindow, at: int, reason: str, percent: str) -> None:
    choose(window, at, reason, percent)
    click(window, "give_do")


def choose(window: TillWindow, at: int, reason: str, percent: str) -> None:
    click(window, f"line_{at}_type")
    click(window, "give_by_hand")
    click(window, f"give_{reason}")
    for digit in percent:
        click(window, f"give_key_{digit}")


class TestAPackage:
    def test_is_found_and_shown_with_what_it_saves(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        assert not is_shown(window, "package_0")
        assert not is_shown(window, "line_0_list")
        make_children(window, 2, 3)
        assert text_of(window, "package_0_name") == "Family, 20 % off · 4 tickets"
        assert text_of(window, "package_0_saving") == "saves ¥348"
        assert text_of(window, "line_0_list") == "¥580"
        assert text_of(window, "line_0_price") == "¥464"
        assert text_of(window, "line_0_rule") == "Family, 20 % off"
        assert "saves ¥348" in text_of(window, "cart_summary")
        assert text_of(window, "sum_0") == "List price, 4 tickets"
        assert text_of(window, "sum_0_amount") == "¥1,740.00"
        assert text_of(window, "sum_1") == "Saved"
        assert text_of(window, "sum_1_amount") == "\N{MINUS SIGN}¥348.00"
        banner, lines = find(window, "package_0"), find(window, "cart_lines")
        assert not lines.isAncestorOf(banner), "it does not scroll away with the lines"
        assert find(window, "line_0_list").font().strikeOut()
        assert text_of(window, "total") == "¥1,392.00"
        click(window, "pay_cash")
        settle(window)
        (sold,) = till.sold_baskets
        assert sold.total_minor == 139_200
        assert {line.rule for line in sold.lines} == {"family"}
        assert {line.priced.package_number for line in sold.lines if line.priced} == {1}

    def test_falls_apart_with_a_seat_that_goes(self, window: TillWindow) -> None:
        make_children(window, 2, 3)
        click(window, "line_3_remove")
        assert not is_shown(window, "package_0")
        basket = window.sell.state.basket
        assert basket is not None
        assert {line.rule for line in basket.lines} == {LIST_RULE}


class TestADiscount:
    def test_within_the_cap_is_given_at_once(self, window: TillWindow) -> None:
        give(window, 0, "poor-view", "15")
        assert not is_shown(window, "give_page")
        assert text_of(window, "line_0_price") == "¥493"
        assert text_of(window, "line_0_list") == "¥580"
        assert text_of(window, "line_0_rule") == "Poor view"

    def test_above_it_a_second_person_types_a_pin(self, window: TillWindow, till: FakeTill) -> None:
        give(window, 0, "goodwill", "20")
        assert text_of(window, "give_title") == "Supervisor's approval"
        assert text_of(window, "line_0_price") == "¥580"
        assert not is_shown(window, f"approver_{CASHIER.id}")
        click(window, f"approver_{SUPERVISOR.id}")
        QTest.keyClicks(find(window, "give_page"), "0000")
        press(Qt.Key.Key_Return)
        assert "Wrong PIN" in text_of(window, "give_note")
        QTest.keyClicks(find(window, "give_page"), PIN)
        press(Qt.Key.Key_Return)
        assert text_of(window, "line_0_price") == "¥464"
        click(window, "pay_cash")
        settle(window)
        (sold,) = till.sold_baskets
        priced = sold.lines[0].priced
        assert priced is not None
        assert (priced.discount_id, priced.discount_minor) == ("goodwill", 11_600)
        assert priced.approved_by == SUPERVISOR.id
        assert till.signed_in == CASHIER

    def test_above_every_cap_is_not_given(self, window: TillWindow) -> None:
        choose(window, 0, "poor-view", "51")
        assert not find(window, "give_do").isEnabled()
        assert "more than 50 %" in text_of(window, "give_note")
        press(Qt.Key.Key_Escape)
        assert text_of(window, "line_0_price") == "¥580"

    def test_is_taken_back(self, window: TillWindow) -> None:
        give(window, 0, "poor-view", "15")
        click(window, "line_0_type")
        click(window, "give_by_hand")
        click(window, "give_take_back")
        assert text_of(window, "line_0_price") == "¥580"


class TestAHouseTicket:
    def test_is_not_to_be_had_without_a_share_of_its_quota(self, window: TillWindow) -> None:
        click(window, "line_0_type")
        click(window, "give_by_hand")
        click(window, "give_press")
        click(window, "give_do")
        assert "None of these tickets is left" in text_of(window, "give_note")

    def test_is_free_when_a_manager_lets_it_be(self, window: TillWindow, till: FakeTill) -> None:
        till.shares[str(LOT), "press-seats"] = 1
        window.sell.refresh()
        settle(window)
        click(window, "line_0_type")
        click(window, "give_by_hand")
        click(window, "give_press")
        click(window, "give_do")
        click(window, f"approver_{MANAGER.id}")
        QTest.keyClicks(find(window, "give_page"), PIN)
        press(Qt.Key.Key_Return)
        assert text_of(window, "line_0_price") == "¥0"
        basket = window.sell.state.basket
        assert basket is not None
        priced = basket.lines[0].priced
        assert priced is not None
        assert (priced.pool, priced.approved_by) == ("press-seats", MANAGER.id)


class TestAnAmount:
    def test_is_taken_off_in_money(self, window: TillWindow, till: FakeTill) -> None:
        click(window, "line_0_type")
        click(window, "give_by_hand")
        click(window, "give_poor-view")
        click(window, "give_unit_money")
        QTest.keyClicks(window.sell_view.cart.give, "80")
        assert text_of(window, "give_percent") == "¥80"
        click(window, "give_do")
        assert text_of(window, "line_0_price") == "¥500"
        click(window, "pay_cash")
        (sold,) = till.sold_baskets
        assert [line.price_minor for line in sold.lines] == [50_000, *[58_000] * 3]

    def test_over_the_cap_needs_somebody_and_over_every_cap_cannot_be(
        self, window: TillWindow
    ) -> None:
        click(window, "line_0_type")
        click(window, "give_by_hand")
        click(window, "give_poor-view")  # 20 % alone, 50 % with a manager, of 580
        QTest.keyClicks(window.sell_view.cart.give, "*117")
        assert "somebody else approves" in text_of(window, "give_note")
        QTest.keyClicks(window.sell_view.cart.give, "\b\b\b300")
        assert "more than ¥290" in text_of(window, "give_note")
        assert not find(window, "give_do").isEnabled()
        QTest.keyClicks(window.sell_view.cart.give, "%20")
        assert text_of(window, "give_percent") == "20 %"
        assert find(window, "give_do").isEnabled()
