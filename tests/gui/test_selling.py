"""The sale through real widgets: by mouse, by keyboard, and when something is in the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from pos_app.services.model import SaleRefusal, UnitState
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, PIN, FakeTill
from tests.gui.robot import (
    at_sale,
    click,
    find,
    is_shown,
    press,
    settle,
    sign_in,
    tap_unit,
    text_of,
)


def first(till: FakeTill, state: UnitState) -> int:
    return next(unit for unit, each in till.states[1].items() if each is state)


def basket_units(window: TillWindow) -> tuple[int, ...]:
    basket = window.sell.state.basket
    return basket.units if basket else ()


class TestTheUsualSale:
    def test_takes_two_taps(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        click(window, "best_together")
        click(window, "quick_cash_1")
        assert len(till.sold) == 1
        assert till.sold[0].ticket_count == 2
        assert till.sold[0].change_minor > 0
        assert text_of(window, "change_amount") == "¥40.00"
        assert till.printed == [till.sold[0].order_id]

    def test_works_by_keyboard_alone(self, window: TillWindow, till: FakeTill) -> None:
        press(Qt.Key.Key_Down)
        QTest.keyClicks(window.sign_in_view, PIN)
        press(Qt.Key.Key_Return)
        press(Qt.Key.Key_Return)  # the soonest performance has the keyboard
        settle(window)
        press(Qt.Key.Key_Plus)
        press(Qt.Key.Key_F6)
        assert len(basket_units(window)) == 3
        press(Qt.Key.Key_Left)  # the cursor waits beside them
        press(Qt.Key.Key_Space)
        assert len(basket_units(window)) == 2
        press(Qt.Key.Key_Space)
        press(Qt.Key.Key_F9)
        assert till.sold[0].ticket_count == 3
        assert till.sold[0].change_minor == 0
        assert is_shown(window, "change_panel")
        press(Qt.Key.Key_Escape)
        assert not is_shown(window, "change_panel")
        assert window.sell_view.map.hasFocus()

    def test_picks_a_seat_by_hand(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        unit = till.unit("stalls-centre", "7", "8")
        tap_unit(window, unit)
        assert basket_units(window) == (unit,)
        assert text_of(window, "line_0_title") == "Row 7 Seat 8"
        tap_unit(window, unit)
        assert basket_units(window) == ()

    def test_the_keyboard_goes_along_to_the_change_and_back_to_the_map(
        self, window: TillWindow
    ) -> None:
        at_sale(window)
        click(window, "best_together")
        click(window, "quick_cash_1")
        assert find(window, "next_sale").hasFocus()
        press(Qt.Key.Key_Space)
        assert window.sell_view.map.hasFocus()

    def test_goes_on_with_the_next_tap(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        for count in (1, 2, 3):
            click(window, "best_together")
            click(window, "quick_cash_0")
            assert len(till.sold) == count
        assert "A-1044" in text_of(window, "last_sale")

    def test_adds_standing_places_by_quantity(self, window: TillWindow) -> None:
        at_sale(window)
        click(window, "quantity_plus")
        click(window, "add_standing_standing")
        assert len(basket_units(window)) == 3
        beside = window.sell_view.map.centre_of(basket_units(window)[0]) + QPoint(130, -6)
        QTest.mouseClick(window.sell_view.map, Qt.MouseButton.LeftButton, pos=beside)
        assert len(basket_units(window)) == 6  # the shape does what the button does

    def test_changes_a_ticket_type_and_takes_a_line_out(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        click(window, "best_together")
        total = window.sell.state.total_minor
        click(window, "line_1_type")
        assert not find(window, "ticket_type_student").isEnabled()  # no such price for VIP
        click(window, "ticket_type_child")
        assert not is_shown(window, "ticket_types")
        assert window.sell.state.total_minor == total * 3 // 4
        assert "Child" in text_of(window, "line_1_type")
        click(window, "line_0_remove")
        assert len(basket_units(window)) == 1
        assert len(till.given_back) == 1

    def test_changes_a_ticket_type_by_keyboard_or_not_at_all(self, window: TillWindow) -> None:
        at_sale(window)
        click(window, "best_together")
        find(window, "line_0_type").setFocus()
        press(Qt.Key.Key_Space)
        press(Qt.Key.Key_Escape)
        assert not is_shown(window, "ticket_types")
        assert find(window, "line_0_type").hasFocus()
        press(Qt.Key.Key_Space)
        press(Qt.Key.Key_Down)
        press(Qt.Key.Key_Return)
        assert "Child" in text_of(window, "line_0_type")
        assert find(window, "line_0_type").hasFocus()

    def test_takes_an_amount_typed_by_hand(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        click(window, "best_together")
        click(window, "pay_more")
        for key in ("1", "8", "back", "7"):
            click(window, f"pay_key_{key}")
        assert "is left" in text_of(window, "pay_panel_change")
        window.sell_view.cart.pay_panel.setFocus()
        press(Qt.Key.Key_Backspace)
        QTest.keyClicks(find(window, "pay_panel"), "800")
        assert text_of(window, "pay_panel_amount") == "¥1,800.00"
        press(Qt.Key.Key_Return)
        assert till.sold[0].tendered_minor == 1800_00

    def test_escape_leaves_the_payment_panel_and_keeps_the_basket(self, window: TillWindow) -> None:
        at_sale(window)
        click(window, "best_together")
        click(window, "pay_more")
        press(Qt.Key.Key_Escape)
        assert not is_shown(window, "pay_panel")
        assert find(window, "pay_more").hasFocus()
        assert len(basket_units(window)) == 2


class TestPayingTwice:
    def test_f9_twice_is_one_sale(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        click(window, "best_together")
        press(Qt.Key.Key_F9)
        press(Qt.Key.Key_F9)
        assert till.payments_count == 1
        assert not is_shown(window, "notice")

    def test_a_double_tap_on_an_amount_is_one_sale(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        click(window, "best_together")
        button = find(window, "quick_cash_0")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert len(till.sold) == 1


class TestSeatsThatAreNotOurs:
    def test_a_seat_lent_elsewhere_is_explained_and_not_added(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        tap_unit(window, first(till, UnitState.LENT))
        assert basket_units(window) == ()
        assert "held by another window" in text_of(window, "notice_text")
        window.switch_language()
        assert "座位由其他窗口持有" in text_of(window, "notice_text")
        click(window, "take_offer")
        assert len(basket_units(window)) == 1
        assert not is_shown(window, "notice")

    def test_a_seat_of_the_venue_is_asked_for_and_comes(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        till.answers = None
        unit = till.unit("stalls-right", "5", "7")
        tap_unit(window, unit)
        assert "asking for 1" in text_of(window, "cart_summary")
        till.answer(1, (unit,))
        assert basket_units(window) == (unit,)

    def test_offline_it_is_not_asked_for(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        till.go_offline(NOW)
        tap_unit(window, till.unit("stalls-right", "5", "7"))
        assert till.asked_for == []
        assert "cannot be asked for offline" in text_of(window, "notice_text")
        click(window, "dismiss_notice")
        assert not is_shown(window, "notice")


class TestOffline:
    def test_the_banner_says_since_when_and_goes_by_itself(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        assert not is_shown(window, "offline_banner")
        till.go_offline(NOW - timedelta(minutes=3), unsynced_count=12)
        assert is_shown(window, "offline_banner")
        assert "since 14:02" in text_of(window, "offline_text")
        assert "12 unsynced" in text_of(window, "offline_queue")
        assert "allotted" in text_of(window, "event_left")
        till.go_online()
        assert not is_shown(window, "offline_banner")
        assert "12 records were sent" in text_of(window, "notice_text")

    def test_selling_goes_on_and_the_count_of_unsynced_records_rises(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        till.go_offline(NOW)
        click(window, "best_together")
        press(Qt.Key.Key_F9)
        assert len(till.sold) == 1
        assert text_of(window, "unsynced_count") == "1 unsynced"

    def test_the_unsynced_count_is_always_on_screen(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        till.unsynced_count = 7
        window.sell.refresh()
        assert is_shown(window, "unsynced_count")
        sign_in(window)
        assert is_shown(window, "unsynced_count")
        click(window, "performance_1")
        assert is_shown(window, "unsynced_count")
        assert text_of(window, "unsynced_count") == "7 unsynced"


class TestRefusedSales:
    @pytest.mark.parametrize("reason", [SaleRefusal.DISK_FULL, SaleRefusal.SELLING_LOCKED])
    def test_are_said_beside_the_basket(
        self, window: TillWindow, till: FakeTill, reason: SaleRefusal
    ) -> None:
        at_sale(window)
        click(window, "best_together")
        till.sale_refusal = reason
        click(window, "pay_cash")
        assert "return the money" in text_of(window, "notice_text")
        assert len(basket_units(window)) == 2

    def test_paper_that_does_not_come_waits_to_be_printed(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        till.paper = False
        click(window, "best_together")
        press(Qt.Key.Key_F9)
        assert text_of(window, "change_printing") == "Not printed"
        click(window, "next_sale")
        click(window, "next_sale")
        assert text_of(window, "unprinted_text") == "2 tickets sold, not printed"
        till.paper = True
        click(window, "reprint")
        assert not is_shown(window, "unprinted")


class TestSigningIn:
    def test_a_wrong_pin_is_said_and_the_till_stays_shut(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        click(window, "sign_in_lina")
        for _digit in range(4):
            click(window, "pin_key_1")
        click(window, "sign_in_submit")
        assert "4 more tries" in text_of(window, "sign_in_message")
        assert window.pages.currentWidget() is window.sign_in_view
        assert till.signed_in is None

    def test_the_keypad_types_clears_and_goes_back(self, window: TillWindow) -> None:
        click(window, "sign_in_lina")
        for key in ("1", "2", "3", "back"):
            click(window, f"pin_key_{key}")
        assert window.sign_in.state.digit_count == 2
        click(window, "pin_key_clear")
        assert window.sign_in.state.digit_count == 0

    def test_locking_keeps_the_basket(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        click(window, "best_together")
        press(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
        assert till.signed_in is None
        press(Qt.Key.Key_F9)
        press(Qt.Key.Key_F2)
        assert window.pages.currentWidget() is window.sign_in_view
        assert till.sold == []
        sign_in(window)
        assert window.pages.currentWidget() is window.sell_view
        assert len(basket_units(window)) == 2

    def test_no_pin_is_ever_on_screen(self, window: TillWindow) -> None:
        click(window, "sign_in_lina")
        QTest.keyClicks(window.sign_in_view, PIN)
        assert not any(PIN in each.text() for each in window.findChildren(QLabel))


class TestLanguage:
    def test_switching_keeps_the_basket(self, window: TillWindow) -> None:
        at_sale(window)
        click(window, "best_together")
        units = basket_units(window)
        click(window, "language")
        assert basket_units(window) == units
        assert text_of(window, "line_0_title") == "1排 7座"
        assert text_of(window, "cart_title") == "当前订单"
        click(window, "language")
        assert text_of(window, "cart_title") == "Current order"

    def test_a_language_event_translates_the_window(self, window: TillWindow) -> None:
        from PySide6.QtCore import QEvent

        from pos_app.presenters import language

        language.set_language("zh_CN")
        QApplication.sendEvent(window, QEvent(QEvent.Type.LanguageChange))
        assert text_of(window, "sign_in_title") == "登录"


class TestPicker:
    def test_f2_chooses_another_performance(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        press(Qt.Key.Key_F2)
        assert window.pages.currentWidget() is window.picker_view
        press(Qt.Key.Key_Down)
        press(Qt.Key.Key_Return)
        assert window.sell.state.number == 2
        assert till.stocked == [1, 2]
        assert "Tomorrow 14:00" in text_of(window, "event_when")

    def test_escape_goes_back_to_the_sale(self, window: TillWindow) -> None:
        at_sale(window)
        click(window, "event_chip")
        press(Qt.Key.Key_Escape)
        assert window.pages.currentWidget() is window.sell_view


class TestTheMap:
    def test_walks_by_arrow_keys_and_picks_with_space(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        tap_unit(window, till.unit("stalls-centre", "7", "8"))
        press(Qt.Key.Key_Right)
        assert seat_map.cursor_unit == till.unit("stalls-centre", "7", "9")
        press(Qt.Key.Key_Space)
        assert len(basket_units(window)) == 2

    def test_the_cursor_waits_beside_the_seats_found(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        click(window, "tier_a")
        click(window, "best_together")
        last = till.plan().seat_by_unit(basket_units(window)[-1])
        beside = till.plan().seat_by_unit(window.sell_view.map.cursor_unit or 0)
        assert last is not None
        assert beside is not None
        assert (beside.row, beside.seat_index) == (last.row, last.seat_index + 1)

    def test_a_drag_pans_and_picks_nothing(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        unit = till.unit("stalls-centre", "7", "8")
        start = seat_map.centre_of(unit)
        QTest.mousePress(seat_map, Qt.MouseButton.LeftButton, pos=start)
        _move(window, start + QPoint(40, 20), Qt.MouseButton.LeftButton)
        _move(window, start + QPoint(80, 40), Qt.MouseButton.LeftButton)
        QTest.mouseRelease(seat_map, Qt.MouseButton.LeftButton, pos=start + QPoint(80, 40))
        assert basket_units(window) == ()
        assert seat_map.centre_of(unit) == start + QPoint(80, 40)

    def test_zooms_by_buttons_and_keys_and_comes_back(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        left, right = till.unit("stalls-centre", "7", "7"), till.unit("stalls-centre", "7", "10")

        def width() -> int:
            settle(window)
            return seat_map.centre_of(right).x() - seat_map.centre_of(left).x()

        whole = width()
        click(window, "zoom_in")
        assert width() > whole
        click(window, "zoom_out")
        assert abs(width() - whole) <= 2
        press(Qt.Key.Key_PageUp)
        assert width() > whole
        press(Qt.Key.Key_PageDown)
        press(Qt.Key.Key_PageDown)
        assert width() < whole
        press(Qt.Key.Key_Home)
        assert width() == whole

    def test_the_wheel_zooms_around_the_mouse(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        here, beside = till.unit("stalls-centre", "7", "7"), till.unit("stalls-centre", "7", "8")
        before, apart = seat_map.centre_of(here), _apart(window, here, beside)
        for _notch in range(2):  # two steps of the square root of two, though the first still runs
            _turn_wheel(window, before, 120)
        drift = seat_map.centre_of(here) - before
        assert drift.manhattanLength() <= 2  # a pixel's rounding, doubled
        assert abs(_apart(window, here, beside) - 2 * apart) <= 2

    def test_a_double_tap_beside_the_seats_comes_closer(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        here, beside = till.unit("stalls-centre", "7", "7"), till.unit("stalls-centre", "7", "8")
        apart = _apart(window, here, beside)
        QTest.mouseDClick(seat_map, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
        assert _apart(window, here, beside) > apart
        assert basket_units(window) == ()

    def test_a_bouncing_tap_does_not_undo_itself(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        unit = till.unit("stalls-centre", "7", "8")
        at = seat_map.centre_of(unit)
        QTest.mouseClick(seat_map, Qt.MouseButton.LeftButton, pos=at)
        QTest.mouseDClick(seat_map, Qt.MouseButton.LeftButton, pos=at)
        assert basket_units(window) == (unit,)

    def test_brings_a_seat_into_view_before_it_is_clicked(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        for _step in range(4):
            seat_map.zoom_by(2.0)
            seat_map.settle()
        unit = till.unit("balcony-2-centre", "4", "2")
        tap_unit(window, unit)
        assert basket_units(window) == (unit,)

    def test_the_card_beside_the_seat_follows_the_mouse(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        seat_map = window.sell_view.map
        before = seat_map.grab().toImage()
        _move(window, seat_map.centre_of(till.unit("stalls-left", "5", "5")))
        assert seat_map.grab().toImage() != before

    def test_filtering_a_tier_changes_the_map_and_alt_and_a_number_do_the_same(
        self, window: TillWindow
    ) -> None:
        at_sale(window)
        press(Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
        assert window.sell.state.tier_id == "a"
        click(window, "tier_a")
        assert window.sell.state.tier_id is None


def _move(window: TillWindow, to: QPoint, held: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    """Move the mouse over the map; QTest.mouseMove tells no buttons."""
    seat_map = window.sell_view.map
    at = QPointF(to)
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove,
        at,
        QPointF(seat_map.mapToGlobal(to)),
        Qt.MouseButton.NoButton,
        held,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(seat_map, event)


def _apart(window: TillWindow, one: int, other: int) -> int:
    """Pixels between two seats of a row."""
    settle(window)
    seat_map = window.sell_view.map
    return abs(seat_map.centre_of(other).x() - seat_map.centre_of(one).x())


def _turn_wheel(window: TillWindow, at: QPoint, by: int) -> None:
    seat_map = window.sell_view.map
    event = QWheelEvent(
        QPointF(at),
        QPointF(seat_map.mapToGlobal(at)),
        QPoint(),
        QPoint(0, by),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(seat_map, event)


def test_keys_that_are_off_say_why(window: TillWindow) -> None:
    at_sale(window)
    assert find(window, "pay_cash").toolTip() == "Pick seats first."
    click(window, "best_together")
    assert find(window, "pay_cash").toolTip() == ""
