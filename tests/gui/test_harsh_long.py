"""A long evening at one window: five hundred sales leave nothing behind that grows."""

from __future__ import annotations

import gc
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from pos_app.services.model import UnitState
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill
from tests.gui.conftest import close
from tests.gui.robot import at_sale, open_window, press, turn_loop

pytestmark = pytest.mark.timeout(600)  # half a minute on a quiet machine; nothing here waits
SALES, HUNDRED = 500, 100
OBJECTS_MAX = SALES // 5
"""Of one kind. What is left behind by each sale, or by each fifth, would be more."""
_KEPT_BY_THE_TEST = {
    *("Basket", "BasketLine", "PricedLine", "Step", "Quote", "Sold", "Sale", "SaleLine", "CashLeg"),
    "tuple",
}
"""What the services in memory remember of each sale: theirs is a list, a till's is a file."""
RSS_MIB_MAX = 12
"""A heap that breathes is no leak, and an RSS of 500 leaked widgets is a multiple of this."""


@dataclass(frozen=True)
class Weight:
    """What a program holds."""

    objects: Counter[str]
    widgets: int
    qt_objects: int
    timers: int
    threads: int
    rss_mib: float


def weigh(window: TillWindow) -> Weight:
    """Everything that could grow, after a sweep."""
    turn_loop()
    gc.collect()
    return Weight(
        Counter(type(each).__qualname__ for each in gc.get_objects()),
        len(window.findChildren(QWidget)),
        len(window.findChildren(QObject)),
        len(window.findChildren(QTimer)),
        threading.active_count(),
        _rss_mib(),
    )


def test_five_hundred_sales_leave_no_more_behind_than_one() -> None:
    till = FakeTill()
    till.set_states(1, UnitState.FREE, [seat.unit for seat in till.plan().seats])
    window = open_window(till, (1366, 768))
    at_sale(window)
    for _warming in range(HUNDRED // 2):  # caches fill, the heap finds its size
        _sell_once(window)
    weigh(window)  # which makes something itself, the first time
    before, took_s = weigh(window), list[float]()
    for _sale in range(SALES):
        began_s = time.perf_counter()
        _sell_once(window)
        took_s.append(time.perf_counter() - began_s)
    after = weigh(window)
    close(window)
    assert len(till.sold) == SALES + HUNDRED // 2
    first, last = (1_000 * statistics.median(part) for part in (took_s[:100], took_s[-100:]))
    sys.stdout.write(f"a sale: {first:.1f} ms in the first hundred, {last:.1f} ms in the last\n")
    assert after.widgets == before.widgets
    assert after.qt_objects == before.qt_objects
    assert after.timers == before.timers
    assert after.threads == before.threads
    grown = {
        kind: count
        for kind, count in (after.objects - before.objects).items()
        if kind not in _KEPT_BY_THE_TEST and count > OBJECTS_MAX
    }
    assert grown == {}
    assert after.rss_mib - before.rss_mib < RSS_MIB_MAX


def _sell_once(window: TillWindow) -> None:
    """One seat, by two taps; the change is left standing, as a cashier leaves it."""
    window.sell.set_quantity(1)
    _tap(window, "best_together")
    _tap(window, "quick_cash_0")
    assert window.sell.state.change is not None
    press(Qt.Key.Key_Escape)  # turns the loop first: everything is painted and taken down


def _tap(window: TillWindow, name: str) -> None:
    """Like `click`, without turning the loop for each: that is half of a sale's time here."""
    button = window.findChild(QWidget, name)
    assert button is not None
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def _rss_mib() -> float:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - no file
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
