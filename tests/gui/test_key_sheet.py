"""F1: the keys are shown from the very table that acts on them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from pos_app.ui.shortcuts import Shortcuts
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill
from tests.gui.robot import at_sale, click, find, is_shown, press, settle, text_of


def shown(window: TillWindow) -> set[str]:
    """Every text on the sheet."""
    return {
        each.text() for each in find(window, "key_sheet").findChildren(QLabel) if each.isVisible()
    }


def test_it_lists_the_keys_of_the_page_and_those_of_everywhere(window: TillWindow) -> None:
    at_sale(window)
    press(Qt.Key.Key_F1)
    assert {"F9", "Take cash", "F6", "Best together", "Ctrl+L", "Lock"} <= shown(window)
    assert "Refund" not in shown(window)
    press(Qt.Key.Key_Escape)
    assert not is_shown(window, "key_sheet")
    assert window.sell_view.map.hasFocus()
    click(window, "rail_orders")
    press(Qt.Key.Key_F1)
    assert {"Ctrl+R", "Refund"} <= shown(window)
    assert "Best together" not in shown(window)


def test_it_speaks_the_language_of_the_window(window: TillWindow) -> None:
    at_sale(window)
    window.switch_language()
    press(Qt.Key.Key_F1)
    assert text_of(window, "key_sheet_title") == "按键"
    assert "锁屏" in shown(window)


def test_the_same_key_closes_it_and_nothing_is_done_meanwhile(
    window: TillWindow, till: FakeTill
) -> None:
    at_sale(window)
    click(window, "best_together")
    press(Qt.Key.Key_F1)
    press(Qt.Key.Key_F9)
    assert till.payments_count == 0
    press(Qt.Key.Key_F1)
    assert not is_shown(window, "key_sheet")
    press(Qt.Key.Key_F9)
    assert till.payments_count == 1


def test_it_fits_the_smallest_window(window: TillWindow) -> None:
    window.resize(1366, 768)
    at_sale(window)
    press(Qt.Key.Key_F1)
    settle(window)
    box = find(window, "key_sheet_card")
    assert box.width() <= 1366
    assert box.height() <= 768


def test_a_key_of_two_pages_goes_to_the_one_that_is_shown() -> None:
    window, one, other = QWidget(), QWidget(), QWidget()
    now = [one]
    keys = Shortcuts(window, lambda: now[0], lambda _keys: True)
    done: list[str] = []
    keys.add("F3", lambda: "find", lambda: done.append("one"), one)
    keys.add("F3", lambda: "find", lambda: done.append("other"), other)
    keys.add("F3", lambda: "find", lambda: done.append("everywhere"))
    for page in (one, other, window):
        now[0] = page
        keys._pressed("F3")
    assert done == ["one", "other", "everywhere"]
    now[0] = one
    assert keys.of_page(None) == (), "the page's own use of it comes first"


def test_a_key_that_is_taken_is_refused() -> None:
    window = QWidget()
    keys = Shortcuts(window, lambda: window, lambda _keys: True)
    keys.add("F3", lambda: "find", lambda: None)
    with pytest.raises(AssertionError, match="F3 is taken"):
        keys.add("F3", lambda: "other", lambda: None)
