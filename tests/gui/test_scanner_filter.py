"""A scanner that types into the window: its keys reach no widget, a person's all do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pos_app.presenters.notice import Topic
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill, stocked_till
from tests.gui.conftest import close
from tests.gui.robot import at_sale, click, find, open_window, sign_in, text_of, turn_loop

CODE = "BXG1 PAY+12-34 56.78"


@pytest.fixture
def till() -> FakeTill:
    return stocked_till()


@pytest.fixture
def window(till: FakeTill) -> Iterator[TillWindow]:
    made = open_window(till)
    yield made
    close(made)


def burst(window: TillWindow, text: str, end: str = "\r") -> None:
    """Keys as a scanner sends them: by the window, as fast as it takes them, with real times."""
    _begin_clock(window)
    for char in text + end:
        _press(window, char)
    turn_loop()


def typed(window: TillWindow, text: str) -> None:
    """Keys as a person types them."""
    _begin_clock(window)
    for char in text:
        _press(window, char)
        wait(130)


def _press(window: TillWindow, char: str) -> None:
    """One key by the window, as the system sends it: shortcuts are looked at first."""
    QTest.keyClick(window.windowHandle(), char)  # type: ignore[call-overload] # the stubs forget it


def wait(ms: int) -> None:
    """Let the window live for so long."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _begin_clock(window: TillWindow) -> None:
    """The first key of a process may come at time 0, which is no time."""
    assert window.windowHandle() is not None
    wait(5)


def test_a_burst_presses_no_button_that_has_the_keyboard(
    window: TillWindow, till: FakeTill
) -> None:
    at_sale(window)
    click(window, "best_together")
    find(window, "pay_cash").setFocus()
    burst(window, CODE)
    wait(150)
    assert till.payments_count == 0
    assert window.sell.state.quantity == 2, "neither + nor - was pressed"
    assert window.pages.currentWidget() is window.after_sale_view
    assert window.after_sale.state.query == CODE


def test_a_burst_types_nothing_into_a_field_that_has_the_keyboard(window: TillWindow) -> None:
    at_sale(window)
    window.show_orders()
    field = window.after_sale_view.field.edit
    field.setText("7")
    field.setFocus()
    seen: list[str] = []
    field.textEdited.connect(seen.append)
    burst(window, "ABCDEFGH12345678", "\t")
    wait(150)
    assert seen == []
    assert window.after_sale.state.query == "ABCDEFGH12345678"


def test_what_a_person_types_arrives_whole_and_in_order(window: TillWindow) -> None:
    at_sale(window)
    window.show_orders()
    field = window.after_sale_view.field.edit
    field.clear()
    field.setFocus()
    typed(window, "ab 12")
    wait(150)
    assert field.text() == "ab 12"


def test_a_shortcut_of_one_character_still_works(window: TillWindow) -> None:
    at_sale(window)
    window.sell_view.map.setFocus()
    typed(window, "+")
    wait(150)
    assert window.sell.state.quantity == 3


def test_a_key_with_enter_is_pressed_at_once(window: TillWindow, till: FakeTill) -> None:
    at_sale(window)
    click(window, "best_together")
    find(window, "pay_cash").setFocus()
    typed(window, " ")
    wait(150)
    assert till.payments_count == 1, "a space presses the button that has the keyboard"


def test_a_code_that_is_cut_short_does_nothing_and_is_told(
    window: TillWindow, till: FakeTill
) -> None:
    at_sale(window)
    click(window, "best_together")
    find(window, "pay_cash").setFocus()
    burst(window, CODE, "")
    wait(250)
    assert till.payments_count == 0
    notice = window.sell.state.notice
    assert notice is not None
    assert notice.topic is Topic.SCAN_CUT_SHORT


def test_a_burst_signs_nobody_in_and_shows_no_order(window: TillWindow) -> None:
    click(window, "sign_in_lina")
    burst(window, "471147114711")
    wait(150)
    assert window.pages.currentWidget() is window.sign_in_view
    assert window.sign_in.state.digit_count == 0


def test_on_the_device_page_a_code_is_shown_and_opens_nothing(window: TillWindow) -> None:
    at_sale(window)
    click(window, "rail_devices")
    burst(window, "BXG1" + "A7K2M9QZ" * 4)
    assert window.pages.currentWidget() is window.devices.view
    shown = text_of(window, "last_scan")
    assert "BXG1A7K2M9QZA7K2…" in shown
    assert "36" in shown


def test_a_scan_while_tickets_are_exchanged_is_put_off(window: TillWindow) -> None:
    at_sale(window)
    window.after_sale._become(type(window.after_sale.state)(is_working=True))
    burst(window, CODE)
    notice = window.sell.state.notice
    assert notice is not None
    assert notice.topic is Topic.SCAN_NOT_NOW


def test_a_window_that_is_gone_judges_no_keys(till: FakeTill) -> None:
    first = open_window(till)
    close(first)
    second = open_window(till)
    sign_in(second)
    burst(second, CODE)
    assert QApplication.focusWidget() is not None
    close(second)
