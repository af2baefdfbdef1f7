"""Keys beside the basket that lead elsewhere: by hand for a line, the last order again, refunds."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from pos_app.services.model import PrintOutcome
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill
from tests.gui.robot import at_sale, click, find, is_shown, press, settle, text_of

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(autouse=True)
def selling(window: TillWindow) -> None:
    at_sale(window)


def sell(window: TillWindow) -> None:
    click(window, "best_together")
    click(window, "pay_cash")
    settle(window)


def given_to(window: TillWindow) -> int | None:
    """The unit of the line that something may be given for."""
    giving = window.sell.state.giving
    return giving.unit if giving is not None else None


def test_f7_asks_what_may_be_given_for_the_line_with_the_keyboard(window: TillWindow) -> None:
    press(Qt.Key.Key_F7)
    assert given_to(window) is None, "there is no line yet"
    click(window, "best_together")
    basket = window.sell.state.basket
    assert basket is not None
    first, last = basket.units
    press(Qt.Key.Key_F7)
    assert given_to(window) == last
    press(Qt.Key.Key_Escape)
    find(window, "line_0_type").setFocus()
    press(Qt.Key.Key_F7)
    assert given_to(window) == first


def test_ctrl_p_prints_the_last_order_again(window: TillWindow, till: FakeTill) -> None:
    press(Qt.Key.Key_P, CTRL)
    assert "Nothing was sold here" in text_of(window, "notice_text")
    sell(window)
    (order,) = till.printed
    click(window, "next_sale")
    press(Qt.Key.Key_P, CTRL)
    assert till.printed == [order, order]
    assert text_of(window, "notice_text") == "Order A-1042 is printed again, marked as a copy."


def test_ctrl_p_never_prints_what_may_be_on_paper_already(
    window: TillWindow, till: FakeTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.paper_outcome = PrintOutcome.IN_DOUBT
    sell(window)
    asked: list[str] = []
    monkeypatch.setattr(till, "print_order", asked.append)
    press(Qt.Key.Key_P, CTRL)
    assert asked == [], "the strip asks whether it is there"


def test_ctrl_r_leads_to_the_orders(window: TillWindow) -> None:
    click(window, "best_together")
    press(Qt.Key.Key_R, CTRL)
    assert is_shown(window, "find_order")
    press(Qt.Key.Key_Escape)
    assert len(window.sell.state.selected) == 2, "the basket is kept"
