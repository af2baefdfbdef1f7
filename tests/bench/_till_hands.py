"""The hands at the till that `tests.bench.till` starts: the real program, tapped by posted events.

Its arguments: SETTINGS.toml STARTED_S PERSON PIN ROUNDS. `STARTED_S` is the monotonic time at which the process was started. Prints one line of JSON; with no
rounds it tells of the start alone.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from pos_app import __main__ as program
from pos_app.services.model import UnitState
from pos_app.ui import app
from pos_app.ui.window import TillWindow

PATIENCE_S = 30.0
PERFORMANCE = 1
_WAITING = QEventLoop.ProcessEventsFlag.AllEvents | QEventLoop.ProcessEventsFlag.WaitForMoreEvents


class TimedWindow(TillWindow):
    """The till's window, with the time of its last paint's end."""

    painted_at = 0.0
    worked_s = 0.0  # of this thread, until then

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.UpdateRequest:
            self.painted_at, self.worked_s = time.perf_counter(), time.thread_time()
        return done


class Mark(QObject):
    """Notes when the loop comes to it, so when all that was posted before is handled."""

    reached_at = 0.0

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.User:
            self.reached_at = time.perf_counter()
            return True
        return super().event(event)


@dataclass
class Found:
    """Milliseconds by what was done."""

    start_s: float = 0.0
    start_cpu_s: float = 0.0
    performances_s: float = 0.0
    rss_mib: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, ms: float) -> None:
        """Keep a measurement."""
        self.times.setdefault(what, []).append(ms)


class Hands:
    """Taps and looks."""

    def __init__(self, window: TimedWindow, found: Found) -> None:
        self._window, self._found, self._mark = window, found, Mark()

    def tap(self, name: str, what: str = "", at: QPoint | None = None) -> None:
        """Tap a widget and wait for the paint that follows."""
        target = self.see(name)
        here = at if at is not None else target.rect().center()
        place = QPointF(target.mapTo(self._window, here))
        handle = self._window.windowHandle()
        posted_at, worked_s = time.perf_counter(), time.thread_time()
        for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
            button = Qt.MouseButton.LeftButton
            held = button if kind == QEvent.Type.MouseButtonPress else Qt.MouseButton.NoButton
            none = Qt.KeyboardModifier.NoModifier
            event = QMouseEvent(kind, place, handle.mapToGlobal(place), button, held, none)
            QApplication.postEvent(handle, event)
        QApplication.postEvent(self._mark, QEvent(QEvent.Type.User))
        self.wait(
            f"the paint after {name}",
            lambda: posted_at < self._mark.reached_at < self._window.painted_at,
        )
        if what:
            self._found.note(what, (self._window.painted_at - posted_at) * 1_000)
            self._found.note(f"{what}_cpu", (self._window.worked_s - worked_s) * 1_000)

    def type(self, text: str) -> None:
        """Type where the keyboard is."""
        from PySide6.QtTest import QTest

        QTest.keyClicks(self._window.focusWidget(), text)

    def until_painted(self, what: str, is_so: Callable[[], object], note: str = "") -> None:
        """Wait for a state, and for the paint after it."""
        began = time.perf_counter()
        self.wait(what, is_so)
        seen_at = time.perf_counter()
        self._window.update()
        self.wait(f"the paint of {what}", lambda: self._window.painted_at > seen_at)
        if note:
            self._found.note(note, (self._window.painted_at - began) * 1_000)

    def see(self, name: str) -> QWidget:
        """The widget of this name, once it is in view and enabled."""
        found: list[QWidget] = []

        def look() -> bool:
            found[:] = [
                each
                for each in self._window.findChildren(QWidget, name)
                if each.isVisible() and each.isEnabled()
            ]
            return bool(found)

        self.wait(name, look)
        return found[-1]

    def sees(self, name: str) -> bool:
        """Whether there is such a widget in view."""
        return any(each.isVisible() for each in self._window.findChildren(QWidget, name))

    @staticmethod
    def wait(what: str, is_so: Callable[[], object]) -> None:
        """Turn the loop until it is so; the workers have the processor meanwhile."""
        until = time.perf_counter() + PATIENCE_S
        while not is_so():
            if time.perf_counter() > until:
                raise TimeoutError(f"waited in vain for {what}")
            QApplication.processEvents(_WAITING)


def main(argv: list[str]) -> int:
    """Run the program, and the hands in it."""
    settings, started, person, pin, rounds = argv
    found, failures = Found(), list[Exception]()

    def ready(window: TillWindow) -> None:
        assert isinstance(window, TimedWindow)
        try:
            _work(window, found, float(started), (person, pin), int(rounds))
        except (AssertionError, LookupError, TimeoutError) as error:
            traceback.print_exc()  # Qt would swallow it
            failures.append(error)
        finally:
            window.close()

    app.TillWindow = TimedWindow  # type: ignore[attr-defined]
    app.run_till = partial(app.run_till, started=ready)
    code = program.main(["run", "--config", settings])
    sys.stdout.write(json.dumps(vars(found)) + "\n")
    return code or len(failures)


def _work(
    window: TimedWindow, found: Found, started: float, person: tuple[str, str], rounds: int
) -> None:
    hands = Hands(window, found)
    hands.until_painted("who may sign in", lambda: hands.sees(f"sign_in_{person[0]}"))
    found.start_s = window.painted_at - started
    found.start_cpu_s = time.process_time()
    hands.wait("the performances", lambda: window.picker.state.loaded)
    found.performances_s = time.monotonic() - started
    if not rounds:
        return
    hands.tap(f"sign_in_{person[0]}")
    hands.type(person[1])
    hands.tap("sign_in_submit")
    hands.tap(f"performance_{PERFORMANCE}")
    hands.wait("the house", lambda: window.sell.state.house)
    hands.wait("the stock", lambda: window.sell.state.states)
    hands.see("tier_one")
    _time_commits(window, found)
    QApplication.processEvents()
    for _round in range(rounds):
        _sell_once(window, hands)
    found.rss_mib = _rss_mib()


def _sell_once(window: TimedWindow, hands: Hands) -> None:
    """One customer: look at a tier, best together, one seat more, cash."""
    sell = window.sell
    for name in ("tier_two", "tier_two", "quantity_plus", "quantity_minus"):
        hands.tap(name, name.split("_")[0])
    hands.tap("best_together", "best")
    hands.until_painted("the best seats", lambda: sell.state.can_pay, "found")
    beside = _free_neighbour(window)
    at = window.sell_view.map.centre_of(beside)
    hands.until_painted("the seats", lambda: window.sell_view.map.is_painted)
    hands.tap("seat_map", "seat", at)
    hands.wait("the seat", lambda: beside in sell.state.selected)
    hands.tap("quick_cash_0", "cash")
    hands.until_painted("the change", lambda: sell.state.change, "paid")
    hands.wait("the paper", lambda: not sell.state.printing)
    _pause(0.3)


def _free_neighbour(window: TimedWindow) -> int:
    """A seat of ours near those in the basket."""
    state = window.sell.state
    last = max(state.selected)
    return next(
        unit
        for away in range(1, 2_000)
        for unit in (last + away, last - away)
        if state.state_of(unit) is UnitState.FREE and unit not in state.selected
    )


def _pause(seconds: float) -> None:
    """What the last sale set off comes to rest."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1_000), loop.quit)
    loop.exec()


def _time_commits(window: TimedWindow, found: Found) -> None:
    """Time the service that makes a sale final, from its call to its answer."""
    services = window.sell._board.services
    pay = services.pay

    def timed(*given: object) -> object:
        began, worked_s = time.perf_counter(), time.process_time()
        answer = pay(*given)  # type: ignore[arg-type]
        found.note("commit", (time.perf_counter() - began) * 1_000)
        found.note("commit_cpu", (time.process_time() - worked_s) * 1_000)
        return answer

    services.pay = timed  # type: ignore[method-assign,assignment]


def _rss_mib() -> float:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - no file
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
