"""The till as its own process, with a hand that clicks its real widgets.

    python -m tests.demo.till_robot SETTINGS.toml

reads one JSON request a line and answers each with one JSON line:

    {"do": "click", "name": "pay_cash"}          click the widget, if it is there and enabled
    {"do": "tap_unit", "unit": 8}                tap a seat of the map
    {"do": "pin", "digits": "123456"}            tap a PIN on the keypad
    {"do": "exists", "name": "..."}              is there such a widget, visible
    {"do": "text", "name": "..."}                what it says
    {"do": "texts"}                              every visible text of the window
    {"do": "free", "performance": 1}             units this window may sell, from its services
    {"do": "status"}                             link and queue, from its services
    {"do": "grab", "file": "..."}                a picture of the window
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QPoint, Qt, Signal, Slot
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from pos_app.__main__ import run_window
from pos_app.opening import open_window as really_open_window
from pos_app.services.model import UnitState
from pos_app.services.window import Window
from pos_app.settings import TillSettings
from program.settings import load_settings

Reply = dict[str, Any]


class Hand(QObject):
    """Lives on the Qt thread and does there what the reading thread asks for."""

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked.connect(self._work, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def _work(self, task: tuple[Callable[[], Reply], list[Reply], threading.Event]) -> None:
        work, answer, done = task
        try:
            answer.append(work())
        except Exception as error:  # noqa: BLE001 - told to the demo, which ends with it
            traceback.print_exc()
            answer.append({"error": f"{type(error).__name__}: {error}"})
        done.set()


def main() -> int:
    """Run the till with the robot's hand on it."""
    settings = load_settings(TillSettings, Path(sys.argv[1]))
    settings.log.apply()
    opened: list[Window] = []

    import pos_app.opening

    def open_and_remember(settings: TillSettings) -> Window:
        window = really_open_window(settings)
        opened.append(window)
        return window

    pos_app.opening.open_window = open_and_remember
    threading.Thread(target=_serve, args=(opened,), name="robot", daemon=True).start()
    return run_window(settings)


def _serve(opened: list[Window]) -> None:
    hand: Hand | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if hand is None:
            hand = _hand_on_qt_thread()
        answer: list[Reply] = []
        done = threading.Event()
        work = _task(request, opened[0])
        hand.asked.emit((work, answer, done))
        done.wait(15)
        reply = answer[0] if answer else {"error": "the window did not answer"}
        sys.stdout.write(json.dumps(reply, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _hand_on_qt_thread() -> Hand:
    app = None
    while app is None or not [w for w in QApplication.topLevelWidgets() if w.isVisible()]:
        threading.Event().wait(0.05)
        app = QApplication.instance()
    hand = Hand()
    hand.moveToThread(app.thread())
    return hand


def _task(request: Reply, window: Window) -> Callable[[], Reply]:
    match request:
        case {"do": "click", "name": str(name)}:
            return lambda: _click(name)
        case {"do": "tap_unit", "unit": int(unit)}:
            return lambda: _tap_unit(unit)
        case {"do": "pin", "digits": str(digits)}:
            return lambda: _pin(digits)
        case {"do": "exists", "name": str(name)}:
            return lambda: {"exists": _find(name) is not None}
        case {"do": "text", "name": str(name)}:
            return lambda: {"text": _text_of(_require(name))}
        case {"do": "texts"}:
            return _texts
        case {"do": "free", "performance": int(performance)}:
            return lambda: _free(window, performance)
        case {"do": "status"}:
            return lambda: _status(window)
        case {"do": "grab", "file": str(file)}:
            return lambda: _grab(file)
    raise ValueError(f"no such request: {request}")


def _main_window() -> QWidget:
    visible = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    return max(visible, key=lambda w: w.width() * w.height())


def _find(name: str) -> QWidget | None:
    found = [w for w in _main_window().findChildren(QWidget, name) if w.isVisible()]
    return found[0] if found else None


def _require(name: str) -> QWidget:
    widget = _find(name)
    if widget is None:
        raise LookupError(f"no visible widget is called {name!r}")
    return widget


def _click(name: str) -> Reply:
    widget = _find(name)
    if widget is None or not widget.isEnabled():
        return {"clicked": False}
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    return {"clicked": True}


def _tap_unit(unit: int) -> Reply:
    seat_map = _require("seat_map")
    point: QPoint = seat_map.centre_of(unit)  # type: ignore[attr-defined]
    QTest.mouseClick(seat_map, Qt.MouseButton.LeftButton, pos=point)
    return {"tapped": unit}


def _pin(digits: str) -> Reply:
    for digit in digits:
        _click(f"pin_key_{digit}")
    return {"typed": len(digits)}


def _text_of(widget: QWidget) -> str:
    own = widget.text() if isinstance(widget, (QLabel, QAbstractButton)) else ""
    parts = [own, *(child.text() for child in widget.findChildren(QLabel) if child.isVisible())]
    return " ".join(part for part in parts if part)


def _texts() -> Reply:
    widgets = _main_window().findChildren(QWidget)
    shown = [
        w.text()
        for w in widgets
        if isinstance(w, (QLabel, QAbstractButton)) and w.isVisible() and w.text()
    ]
    return {"texts": shown}


def _free(window: Window, performance: int) -> Reply:
    states = window.availability(performance).states
    return {"units": sorted(u for u, state in states.items() if state is UnitState.FREE)}


def _status(window: Window) -> Reply:
    status = window.status()
    return {
        "link": status.link,
        "unsynced": status.unsynced_count,
        "unprinted": len(window.unprinted()),
        "performances": [choice.number for choice in window.performances()],
    }


def _grab(file: str) -> Reply:
    picture = _main_window().grab()
    if not picture.save(file):
        raise OSError(f"cannot write {file}")
    return {"file": file}


if __name__ == "__main__":
    sys.exit(main())
