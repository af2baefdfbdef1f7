"""A shift through real widgets: the float, a sale, a blind close with a difference, the Z."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pos_app.presenters.shift_state import Page
from pos_app.services.shift_model import ShiftRefusal
from pos_app.ui.window import TillWindow
from tests.fakes.till import MANAGER, PIN, FakeTill
from tests.gui.robot import at_sale, click, find, is_shown, press, settle, sign_in, text_of
from tests.gui.shift_scenes import count, shift_count, shift_difference, shift_menu
from ticketing.operations import CashMoved, DrawerOpened, ShiftOpened

EXACT = ((100_00, "57"), (50_00, "1"), (10_00, "3"))  # the float of 500 and three sales of 1,760


def begun(till: FakeTill) -> ShiftOpened:
    """The shift that is open."""
    opened = till.shifts.opened
    assert opened is not None
    return opened


def names_on(window: TillWindow, prefix: str) -> set[str]:
    """Which widgets of a family are on screen."""
    every = (*Page, "change", "check", "other")
    return {each for each in every if is_shown(window, f"{prefix}{each}")}


class TestOpening:
    def test_a_shift_is_offered_at_sign_in_and_the_sale_goes_on(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        till.shifts.opened = None
        sign_in(window)
        assert is_shown(window, "shift_view")
        count(window, ((100_00, "3"), (1_00, "20")))
        click(window, "more_5000")
        click(window, "less_100")
        assert text_of(window, "shift_amount") == "¥369.00"
        click(window, "shift_submit")
        assert begun(till).count == ((100_00, 3), (50_00, 1), (1_00, 19))
        assert is_shown(window, "picker_view")

    def test_who_goes_on_without_one_is_told_at_the_payment_and_keeps_the_basket(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        till.shifts.opened = None
        sign_in(window)
        press(Qt.Key.Key_Escape)  # back to the menu
        press(Qt.Key.Key_Escape)  # and on to the sale
        click(window, "performance_1")
        click(window, "best_together")
        click(window, "quick_cash_0")
        assert till.sold == []
        assert "No shift is open" in text_of(window, "notice_text")
        click(window, "open_shift")
        click(window, "more_10000")
        click(window, "shift_submit")
        click(window, "quick_cash_0")
        assert len(till.sold) == 1

    def test_it_is_counted_by_keyboard_alone(self, window: TillWindow, till: FakeTill) -> None:
        till.shifts.opened = None
        sign_in(window)
        QTest.keyClicks(window.shift_view, "12")
        press(Qt.Key.Key_Backspace)
        press(Qt.Key.Key_Down)
        QTest.keyClicks(window.shift_view, "4")
        press(Qt.Key.Key_Return)
        assert begun(till).count == ((100_00, 1), (50_00, 4))


class TestInBetween:
    def test_cash_moves_for_a_reason_and_is_recorded_before_the_drawer_opens(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        shift_menu(window, till)
        click(window, "shift_pay_out")
        for digit in "1250":
            click(window, f"shift_key_{digit}")
        assert text_of(window, "shift_amount") == "¥12.50"
        assert not find(window, "shift_submit").isEnabled(), "a reason is missing"
        click(window, "reason_expense")
        click(window, "shift_submit")
        moved = till.shifts.operations[-1]
        assert isinstance(moved, CashMoved)
        assert (moved.amount_minor, moved.reason, moved.by) == (12_50, "expense", "lina")
        assert till.shifts.events == ["pay_out 1250 expense", "kick"]
        assert "Recorded" in text_of(window, "shift_message")

    def test_the_drawer_opens_without_a_sale_for_a_reason(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        shift_menu(window, till)
        click(window, "shift_drawer")
        assert names_on(window, "reason_") == {"change", "check", "other"}
        click(window, "reason_check")
        click(window, "shift_submit")
        assert isinstance(till.shifts.operations[-1], DrawerOpened)

    def test_the_figures_are_for_a_manager(self, window: TillWindow, till: FakeTill) -> None:
        shift_menu(window, till)
        click(window, "shift_x")
        assert "Only a manager" in text_of(window, "shift_message")
        till.signed_in = MANAGER
        click(window, "shift_x")
        assert is_shown(window, "shift_report")
        click(window, "print_report")
        assert till.shifts.printed == ["X 1"]

    def test_a_refusal_stays_until_the_next_thing_is_done(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        shift_count(window, till)
        till.shifts.refusal = ShiftRefusal.DISK_FULL
        click(window, "shift_submit")
        assert "disk is full" in text_of(window, "shift_message")
        assert text_of(window, "pieces_10000") == "18", "what was counted stands"
        till.shifts.refusal = None
        click(window, "more_10000")
        assert not is_shown(window, "shift_message")


class TestClosing:
    def test_a_count_that_agrees_closes_at_once_and_prints(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        shift_menu(window, till)
        click(window, "shift_count")
        count(window, EXACT)
        click(window, "shift_submit")
        assert till.shifts.printed == ["Z 3"]
        assert is_shown(window, "shift_report")
        assert till.shifts.reports[-1].closed.difference_minor == 0
        click(window, "print_report")
        assert till.shifts.printed == ["Z 3", "Z 3 copy"]
        assert is_shown(window, "shift_float"), "the next shift may begin"

    def test_a_difference_is_counted_again_and_then_taken_by_a_manager(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        shift_count(window, till)
        assert not is_shown(window, "shift_difference")
        click(window, "shift_submit")
        assert text_of(window, "shift_title") == "Count again"
        assert not is_shown(window, "shift_difference"), "the second count is blind too"
        assert text_of(window, "pieces_10000") == "0"
        count(window, ((100_00, "57"),))
        click(window, "shift_submit")
        assert text_of(window, "shift_difference") == "\N{MINUS SIGN}¥80.00"
        click(window, "reason_not_found")
        for digit in "0000":
            click(window, f"shift_key_{digit}")
        click(window, "shift_submit")
        assert "Wrong PIN" in text_of(window, "shift_message")
        for digit in PIN:
            click(window, f"shift_key_{digit}")
        click(window, "shift_submit")
        closed = till.shifts.reports[-1].closed
        assert (closed.difference_minor, closed.approver) == (-80_00, "chen")
        assert closed.reason == "not_found"
        assert len(closed.counts) == 2
        assert is_shown(window, "shift_report")

    def test_leaving_a_close_and_coming_back_goes_on_where_it_was(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        shift_difference(window, till)
        click(window, "shift_back")
        click(window, "shift_back")
        click(window, "rail_shift")
        click(window, "shift_count")
        assert is_shown(window, "shift_difference")
        click(window, "shift_recount")
        count(window, EXACT)
        click(window, "shift_submit")
        assert till.shifts.reports[-1].closed.difference_minor == 0

    def test_a_report_without_paper_is_kept_and_printed_later(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        till.shifts.paper = False
        shift_menu(window, till)
        click(window, "shift_count")
        count(window, EXACT)
        click(window, "shift_submit")
        assert "Not printed" in text_of(window, "report_paper")
        till.shifts.paper = True
        click(window, "print_report")
        assert till.shifts.printed == ["Z 3"], "the first that came out is no copy"
        click(window, "z_report_1")
        click(window, "print_report")
        assert till.shifts.printed[-1] == "Z 1 copy"

    def test_parked_orders_block_it(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        click(window, "best_together")
        press(Qt.Key.Key_F8)
        till.shifts.parked_count = 1
        press(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        click(window, "shift_count")
        click(window, "shift_submit")
        assert "1 parked order" in text_of(window, "shift_message")
        click(window, "shift_lead")
        assert is_shown(window, "parked_page")

    def test_half_a_payment_blocks_it_and_a_key_leads_there(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        click(window, "best_together")
        click(window, "pay_more")
        QTest.keyClicks(window.sell_view.cart.pay_panel, "100")
        click(window, "pay_by_card")
        press(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        click(window, "shift_count")
        click(window, "shift_submit")
        assert "1 part of a payment" in text_of(window, "shift_message")
        assert till.shifts.reports == []
        click(window, "shift_lead")
        assert is_shown(window, "pay_panel")
        click(window, "part_0_back")
        press(Qt.Key.Key_Escape)
        press(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        click(window, "shift_count")
        click(window, "shift_submit")
        assert not is_shown(window, "shift_lead")


@pytest.mark.parametrize("scene", [shift_menu, shift_count, shift_difference])
def test_the_page_speaks_the_other_language_at_once(
    window: TillWindow, till: FakeTill, scene: object
) -> None:
    scene(window, till)  # type: ignore[operator]
    before = text_of(window, "shift_title")
    window.switch_language()
    settle(window)
    assert text_of(window, "shift_title") != before
    assert text_of(window, "shift_title") in ("班次", "结班", "经理核准")


def test_the_shift_is_a_key_away_and_esc_leads_back(window: TillWindow) -> None:
    at_sale(window)
    press(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert is_shown(window, "shift_view")
    press(Qt.Key.Key_Escape)
    assert is_shown(window, "sell_view")
