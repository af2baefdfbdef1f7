"""The basket's life at the window: undone, put aside, taken out, counted down, written on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit

from pos_app.services.model import UnitState
from pos_app.services.parking_model import HOLD_S, PARK_S
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill, stocked_till
from tests.gui.conftest import close
from tests.gui.robot import (
    at_sale,
    click,
    find,
    is_shown,
    open_window,
    press,
    tap_unit,
    text_of,
)

CTRL = Qt.KeyboardModifier.ControlModifier


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
    return till


@pytest.fixture
def window(till: FakeTill) -> Iterator[TillWindow]:
    made = open_window(till)
    at_sale(made)
    yield made
    close(made)


def units(window: TillWindow) -> tuple[int, ...]:
    basket = window.sell.state.basket
    return basket.units if basket else ()


def pass_s(window: TillWindow, clock: Clock, seconds: float) -> None:
    """So much later, the window's own second ticks."""
    clock.now += timedelta(seconds=seconds)
    window._tick()  # what its timer does each second


def test_a_line_taken_out_is_offered_back_and_comes_back(window: TillWindow) -> None:
    click(window, "best_together")
    first, _second = units(window)
    click(window, "line_0_remove")
    assert "removed" in text_of(window, "toast_text")
    click(window, "toast_undo")
    assert units(window)[0] == first
    assert not is_shown(window, "toast")


def test_what_was_offered_back_goes_by_itself(window: TillWindow, clock: Clock) -> None:
    click(window, "best_together")
    click(window, "clear")
    assert text_of(window, "toast_text") == "Basket cleared: 2 tickets."
    for _second in range(8):
        pass_s(window, clock, 1)
    assert not is_shown(window, "toast")
    press(Qt.Key.Key_Z, CTRL)
    assert len(units(window)) == 2


def test_keys_undo_and_redo(window: TillWindow) -> None:
    click(window, "best_together")
    press(Qt.Key.Key_Z, CTRL)
    assert units(window) == ()
    press(Qt.Key.Key_Y, CTRL)
    assert len(units(window)) == 2


def test_f4_changes_the_last_lines_type_and_delete_takes_the_focused_one_out(
    window: TillWindow,
) -> None:
    click(window, "best_together")
    press(Qt.Key.Key_F4)
    click(window, "ticket_type_child")
    basket = window.sell.state.basket
    assert basket is not None
    assert [line.ticket_type_id for line in basket.lines] == ["adult", "child"]
    first, second = units(window)
    find(window, "line_0_type").setFocus()
    press(Qt.Key.Key_Delete)
    assert units(window) == (second,)
    window.sell_view.map.setFocus()
    press(Qt.Key.Key_Delete)
    assert units(window) == (second,), "on the map it takes nothing out"
    press(Qt.Key.Key_Z, CTRL)
    assert set(units(window)) == {first, second}


def test_f8_puts_aside_and_takes_out(window: TillWindow, till: FakeTill) -> None:
    click(window, "best_together")
    picked = units(window)
    press(Qt.Key.Key_F8)
    assert units(window) == ()
    assert text_of(window, "parked_text") == "1 order parked"
    assert text_of(window, "toast_text") == "Order parked as no. 1."
    assert [till.states[1][unit] for unit in picked] == [UnitState.PARKED] * 2
    tap_unit(window, picked[0])
    assert units(window) == ()
    assert "parked" in text_of(window, "notice_text")
    press(Qt.Key.Key_F8)
    assert units(window) == picked
    assert not is_shown(window, "parked_strip")


def test_the_list_recalls_extends_and_gives_back(window: TillWindow, till: FakeTill) -> None:
    for _buyer in range(3):
        click(window, "best_together")
        press(Qt.Key.Key_F8)
    click(window, "park")
    assert is_shown(window, "parked_page")
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused.objectName() == "parked_1_recall", "the keyboard is for the first of them"
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Return)
    assert [each.number for each in till.parking.parked] == [1, 3]
    assert len(units(window)) == 2
    click(window, "clear")
    click(window, "show_parked")
    click(window, "parked_1_drop")
    assert len(till.parking.parked) == 2, "asked for twice"
    click(window, "parked_1_sure")
    assert [each.number for each in till.parking.parked] == [3]
    press(Qt.Key.Key_Escape)
    assert not is_shown(window, "parked_page")


def test_a_parked_order_warns_before_it_goes(
    window: TillWindow, till: FakeTill, clock: Clock
) -> None:
    click(window, "best_together")
    press(Qt.Key.Key_F8)
    strip = find(window, "parked_strip")
    assert not is_shown(window, "extend_parked")
    pass_s(window, clock, PARK_S - 120)
    assert text_of(window, "parked_left") == "02:00"
    assert strip.property("tone") == "warn"
    pass_s(window, clock, 90)
    assert strip.property("tone") == "danger"
    click(window, "extend_parked")
    assert till.parking.parked[0].until == clock() + timedelta(seconds=PARK_S)
    pass_s(window, clock, PARK_S)
    assert not is_shown(window, "parked_strip")
    assert "parked too long" in text_of(window, "notice_text")


def test_seats_that_were_asked_for_are_counted_down(
    window: TillWindow, till: FakeTill, clock: Clock
) -> None:
    assert not is_shown(window, "hold")
    asked = till.unit("stalls-right", "5", "6")
    tap_unit(window, asked)
    assert units(window) == (asked,)
    assert text_of(window, "hold_left") == "10:00"
    pass_s(window, clock, HOLD_S - 20)
    assert find(window, "hold").property("tone") == "danger"
    click(window, "extend_hold")
    assert text_of(window, "hold_left") == "10:00"
    pass_s(window, clock, HOLD_S)
    assert units(window) == ()
    assert not is_shown(window, "hold")
    assert "Time is up" in text_of(window, "notice_text")


def test_a_server_that_takes_its_time_is_told_of_and_the_nearest_seat_offered(
    window: TillWindow, till: FakeTill, clock: Clock
) -> None:
    till.answers = None
    slow, other = (till.unit("stalls-right", "5", label) for label in ("7", "8"))
    tap_unit(window, slow)
    assert not is_shown(window, "notice")
    pass_s(window, clock, 1)
    assert "has not answered yet" in text_of(window, "notice_text")
    click(window, "take_offer")
    (taken,) = units(window)
    assert till.states[1][taken] is UnitState.FREE, "one of ours, at once"
    till.answer(1, (slow,))
    assert units(window) == (taken,), "the other goes back, it was given up for this one"
    assert (1, (slow,)) in till.given_back
    tap_unit(window, other)
    pass_s(window, clock, 1)
    assert is_shown(window, "notice")
    till.answer(1, (other,))
    assert not is_shown(window, "notice")
    assert set(units(window)) == {taken, other}


def test_a_note_is_written_shown_and_sold(window: TillWindow, till: FakeTill) -> None:
    assert not find(window, "write_note").isEnabled()
    click(window, "best_together")
    click(window, "write_note")
    edit = find(window, "note_text")
    assert isinstance(edit, QPlainTextEdit)
    QTest.keyClicks(edit, "aisle 2-4, + stairs" + "x" * 300)
    assert len(edit.toPlainText()) == 200
    edit.setPlainText("aisle 2-4")
    press(Qt.Key.Key_Return)
    assert text_of(window, "cart_note") == "aisle 2-4"
    assert window.sell.state.quantity == 2, "what is typed works no keys"
    click(window, "write_note")
    press(Qt.Key.Key_Escape)
    assert text_of(window, "cart_note") == "aisle 2-4"
    press(Qt.Key.Key_F9)
    assert till.sold_baskets[0].note == "aisle 2-4"


def test_another_event_is_offered_with_the_basket_put_aside(till: FakeTill) -> None:
    till.add_event("nutcracker", 11)
    window = open_window(till)
    at_sale(window)
    click(window, "best_together")
    press(Qt.Key.Key_F2)
    click(window, "performance_11")
    assert window.sell.state.number == 1
    click(window, "park_and_open")
    assert window.sell.state.number == 11
    assert len(till.parking.parked) == 1
    close(window)


@pytest.mark.usefixtures("window")
def test_f5_sends_at_once(till: FakeTill) -> None:
    press(Qt.Key.Key_F5)
    assert till.nudged == 1


def test_an_exchange_begins_with_the_basket_put_aside(window: TillWindow, till: FakeTill) -> None:
    click(window, "best_together")
    window.sell.set_aside()
    assert units(window) == ()
    assert len(till.parking.parked) == 1
    press(Qt.Key.Key_Z, CTRL)
    assert units(window) == (), "what another deed picks is not mixed with it"


def seek(window: TillWindow) -> QLineEdit:
    edit = find(window, "seek_seat")
    assert isinstance(edit, QLineEdit)
    return edit


def test_typing_a_seat_takes_the_cursor_there_and_enter_picks_it(
    window: TillWindow, till: FakeTill
) -> None:
    wanted = till.unit("stalls-centre", "8", "12")
    till.set_states(1, UnitState.FREE, [wanted])
    window.sell.refresh()
    press(Qt.Key.Key_F3)
    QTest.keyClicks(seek(window), "stalls centre 8-12")
    assert window.sell_view.map.cursor_unit == wanted
    assert units(window) == ()
    assert window.sell.state.quantity == 2, "what is typed works no keys"
    press(Qt.Key.Key_Return)
    assert units(window) == (wanted,)
    press(Qt.Key.Key_Return)
    assert units(window) == (wanted,)


def test_a_seat_that_is_nowhere_gets_a_sentence(window: TillWindow) -> None:
    press(Qt.Key.Key_F3)
    QTest.keyClicks(seek(window), "99-99")
    press(Qt.Key.Key_Return)
    assert "99-99" in text_of(window, "notice_text")
    assert units(window) == ()


def test_a_number_of_an_order_is_looked_for_among_the_orders(window: TillWindow) -> None:
    press(Qt.Key.Key_F3)
    QTest.keyClicks(seek(window), "3F2A-000012")
    press(Qt.Key.Key_Return)
    assert window.pages.currentWidget() is window.after_sale_view
    assert window.after_sale.state.query == "3F2A-000012"


def test_the_tab_key_goes_round_as_the_screen_is_read(window: TillWindow) -> None:
    click(window, "best_together")
    seek(window).setFocus()
    seen = []
    for _stop in range(60):
        focused = QApplication.focusWidget()
        assert focused is not None
        seen.append(focused.objectName())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    wanted = ["seek_seat", "quantity_minus", "best_together", "tier_vip", "seat_map"]
    wanted += ["line_0_type", "pay_cash", "clear", "write_note", "park", "rail_sell"]
    at = [seen.index(name) for name in wanted]
    assert at == sorted(at), seen
