"""Hands for tests: find a widget by its name, click it, run work at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill

T = TypeVar("T")


def run_now(
    work: Callable[[], T], then: Callable[[T], None], failed: Callable[[Exception], None]
) -> None:
    """A runner without threads: the result is home before this returns."""
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - the presenter is told, as a till would
        failed(error)
        return
    then(result)


def find(window: QWidget, name: str) -> QWidget:
    """The widget of this name that is not on its way out; LookupError without one."""
    QApplication.processEvents()  # what was added to a layout is shown by an event
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
    window = TillWindow(till, run_now, run_now, till.now)
    till.subscribe(window.on_news)
    window.resize(*size)
    window.show()
    window.start()
    return window


def settle(window: TillWindow) -> None:
    """Let layouts and animations come to rest."""
    for _round in range(3):  # a text changes a size hint, which changes a layout
        QApplication.processEvents()
    window.sell_view.map.settle()
