"""Hands for tests: find a widget by its name, click it, open the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from pos_app.ui.theme import dressed_at_once
from pos_app.ui.window import TillWindow
from tests.fakes.runner import run_now
from tests.fakes.till import CASHIER, PIN, FakeTill
from tests.gui.measuring import measured_once


def turn_loop() -> None:
    """Do what an event loop would: show what is new in a layout, delete what is gone."""
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def find(window: QWidget, name: str) -> QWidget:
    """The widget of this name that is not on its way out; LookupError without one."""
    turn_loop()
    found = [each for each in window.findChildren(QWidget, name) if not each.isHidden()]
    if not found:
        raise LookupError(f"no widget named {name}")
    return found[-1]


def click(window: QWidget, name: str) -> None:
    """Click in the middle of a widget, as a finger would: it must be in view and enabled."""
    target = find(window, name)
    assert target.isVisible(), f"{name} is not in view"
    assert target.isEnabled(), f"{name} is disabled"
    QTest.mouseClick(target, Qt.MouseButton.LeftButton)


def open_window(till: FakeTill, size: tuple[int, int] = (1920, 1080)) -> TillWindow:
    """The till's window over these services, waiting for somebody to sign in; no threads."""
    with measured_once(f"open {size}"):
        with dressed_at_once():
            window = TillWindow(till, run_now, run_now, till.now)
        till.subscribe(window.on_news)
        window.resize(*size)
        window.show()
        window.activateWindow()
        QTest.qWaitForWindowActive(window)
        window.start()
    return window


def settle(window: TillWindow) -> None:
    """Let layouts and animations come to rest."""
    for _round in range(3):  # a text changes a size hint, which changes a layout
        turn_loop()
    window.sell_view.map.settle()


def is_shown(window: QWidget, name: str) -> bool:
    """Whether a widget of this name is on screen now."""
    turn_loop()
    return any(each.isVisible() for each in window.findChildren(QWidget, name))


def text_of(window: QWidget, name: str) -> str:
    """What a label or button says, without the gap after a button's icon."""
    target = find(window, name)
    assert isinstance(target, (QLabel, QAbstractButton)), f"{name} has no text"
    return target.text().strip()


def press(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the keyboard is."""
    turn_loop()
    focused = QApplication.focusWidget()
    assert focused is not None, "nothing has the keyboard"
    QTest.keyClick(focused, key, modifier)


def tap_unit(window: TillWindow, unit: int) -> None:
    """Tap a seat on the map."""
    settle(window)
    seat_map = window.sell_view.map
    QTest.mouseClick(seat_map, Qt.MouseButton.LeftButton, pos=seat_map.centre_of(unit))


def sign_in(window: TillWindow) -> None:
    """Sign in with the right PIN."""
    with measured_once("sign in"):
        click(window, f"sign_in_{CASHIER.id}")
        for digit in PIN:
            click(window, f"pin_key_{digit}")
        click(window, "sign_in_submit")


def at_sale(window: TillWindow, performance: int = 1) -> None:
    """Sign in and open a performance."""
    sign_in(window)
    with measured_once(f"choose {performance}"):
        click(window, f"performance_{performance}")
        settle(window)
