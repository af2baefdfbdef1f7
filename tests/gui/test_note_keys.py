"""Cash counted out note by note, through real widgets: by finger and by keyboard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication

from pos_app.ui import theme
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill
from tests.gui.conftest import close
from tests.gui.robot import at_sale, click, find, is_shown, open_window, press, settle, text_of
from tests.gui.test_reach_and_fit import SMALL, every_face, what_is_cut, what_is_nameless


@pytest.fixture
def paying(window: TillWindow, till: FakeTill) -> FakeTill:
    """Two seats for ¥130 in the basket, and the page of payments open."""
    event = till.catalogue.events[0]
    prices = tuple(
        replace(line, price_minor=65_00) if line.price_minor else line for line in event.prices
    )
    till.catalogue = replace(till.catalogue, events=(replace(event, prices=prices),))
    at_sale(window)
    click(window, "best_together")
    assert window.sell.state.total_minor == 130_00
    click(window, "pay_more")
    return till


def tap(window: TillWindow, *notes_minor: int) -> None:
    for note_minor in notes_minor:
        click(window, f"note_{note_minor}")


def amount(window: TillWindow) -> str:
    return text_of(window, "pay_panel_amount")


def test_each_tap_lays_a_note_down_and_the_change_is_shown(
    window: TillWindow, paying: FakeTill
) -> None:
    tap(window, 100_00, 20_00)
    assert amount(window) == "¥120.00"
    assert text_of(window, "pay_panel_change") == "then ¥10.00 is left"
    tap(window, 20_00)
    assert amount(window) == "¥140.00"
    assert text_of(window, "pay_panel_change") == "Change ¥10.00"
    assert text_of(window, "note_10000_pieces") == "× 1"
    assert text_of(window, "note_2000_pieces") == "× 2"
    assert find(window, "note_2000").accessibleName() == "One ¥20 more: 2 × ¥20"
    click(window, "pay_panel_cash")
    [sold] = paying.sold
    assert (sold.tendered_minor, sold.change_minor) == (140_00, 10_00)
    assert text_of(window, "change_amount") == "¥10.00"


@pytest.mark.usefixtures("paying")
def test_back_takes_the_last_note_back_and_clear_all_of_them(window: TillWindow) -> None:
    assert not find(window, "pay_clear").isEnabled()
    tap(window, 100_00, 20_00, 50_00)
    click(window, "pay_key_back")
    assert amount(window) == "¥120.00"
    assert text_of(window, "note_5000_pieces") == "B"
    click(window, "pay_clear")
    assert amount(window) == "¥130.00", "what is due stands there again"
    assert text_of(window, "pay_panel_change") == ""
    assert text_of(window, "note_10000_pieces") == "A"
    assert not find(window, "pay_clear").isEnabled()
    assert find(window, "pay_panel").hasFocus(), "the keyboard is not lost with the key"


@pytest.mark.usefixtures("paying")
def test_digits_replace_the_notes_and_a_note_begins_anew(window: TillWindow) -> None:
    tap(window, 100_00, 20_00)
    for digit in "1", "5", "0":
        click(window, f"pay_key_{digit}")
    assert amount(window) == "¥150.00"
    assert text_of(window, "note_10000_pieces") == "A"
    tap(window, 100_00)
    assert amount(window) == "¥100.00"


def test_the_keyboard_does_the_same(window: TillWindow, paying: FakeTill) -> None:
    panel = find(window, "pay_panel")
    QTest.keyClicks(panel, "acC")
    assert amount(window) == "¥140.00"
    press(Qt.Key.Key_Backspace)
    assert amount(window) == "¥120.00"
    press(Qt.Key.Key_Delete)
    assert amount(window) == "¥130.00"
    QTest.keyClicks(panel, "z")
    press(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert amount(window) == "¥130.00", "no note has these keys"
    find(window, "note_10000").setFocus()
    press(Qt.Key.Key_Space)
    press(Qt.Key.Key_Space)
    assert amount(window) == "¥200.00"
    press(Qt.Key.Key_Return)
    assert paying.sold[0].tendered_minor == 200_00, "Enter takes the cash"


@pytest.mark.usefixtures("paying")
def test_the_tab_key_goes_through_the_notes_in_their_order(window: TillWindow) -> None:
    tap(window, 100_00)
    find(window, "pay_clear").setFocus()
    press(Qt.Key.Key_Tab)
    seen = []
    for _stop in range(9):
        focused = QApplication.focusWidget()
        assert isinstance(focused, QAbstractButton)
        seen.append(focused.objectName())
        press(Qt.Key.Key_Tab)
    notes = (100_00, 50_00, 20_00, 10_00, 5_00, 1_00, 50, 10)
    assert seen == [*(f"note_{minor}" for minor in notes), "pay_key_1"]


@pytest.mark.usefixtures("paying")
def test_nothing_stays_on_the_keys_when_the_page_is_left(window: TillWindow) -> None:
    tap(window, 100_00)
    press(Qt.Key.Key_Escape)
    assert not is_shown(window, "pay_panel")
    click(window, "pay_more")
    assert amount(window) == "¥130.00"
    assert text_of(window, "note_10000_pieces") == "A"


@pytest.mark.usefixtures("paying")
def test_a_part_by_card_may_be_what_was_tapped(window: TillWindow) -> None:
    tap(window, 50_00)
    click(window, "pay_by_card")
    assert text_of(window, "part_0_amount") == "¥50.00"
    assert text_of(window, "note_5000_pieces") == "B", "the rest is counted anew"
    assert find(window, "pay_panel").hasFocus(), "whose key is switched off now"


@pytest.mark.parametrize("currency", ["EUR", "JPY"])
def test_the_notes_of_other_currencies_fit(
    application: QApplication, till: FakeTill, currency: str
) -> None:
    event = replace(till.catalogue.events[0], currency=currency)
    till.catalogue = replace(till.catalogue, events=(event,))
    window = open_window(till, SMALL)
    at_sale(window)
    click(window, "best_together")
    click(window, "pay_more")
    assert text_of(window, "note_1000_pieces")
    assert what_is_nameless(window) == []
    try:
        for face, size in every_face(window, ((SMALL, 100), (SMALL, 150))):
            tap(window, 10_00)
            settle(window)
            assert (window.width(), window.height()) == size, f"the window grew: {face}"
            assert what_is_cut(find(window, "pay_panel")) == [], face
    finally:
        theme.set_text_size(application, 100)
        close(window)


@pytest.mark.usefixtures("paying")
def test_the_page_fits_with_a_part_paid_and_large_text(
    application: QApplication, window: TillWindow
) -> None:
    tap(window, 20_00)
    click(window, "pay_by_card")
    tap(window, 100_00, 20_00)
    try:
        for face, size in every_face(window, ((SMALL, 150),)):
            assert (window.width(), window.height()) == size, f"the window grew: {face}"
            assert what_is_cut(find(window, "pay_panel")) == [], face
    finally:
        theme.set_text_size(application, 100)
