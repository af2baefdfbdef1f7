"""Scenes of the basket's life: parked, recalled, undone, counted down, with a note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill
from tests.gui.robot import at_sale, click, tap_unit


def _basket(window: TillWindow) -> None:
    """Two seats and a child, with a note."""
    at_sale(window)
    click(window, "tier_a")
    click(window, "quantity_plus")
    click(window, "best_together")
    click(window, "tier_a")
    basket = window.sell.state.basket
    assert basket is not None
    window.sell.change_type(1, basket.lines[-1].unit, "child")
    window.sell.write_note("靠过道，后面还有一位轮椅观众 · aisle, wheelchair behind")
    window.sell_view.map.setFocus()


def _park(window: TillWindow, till: FakeTill) -> None:
    window.sell.park_or_recall()
    assert till.parking.parked


def undo(window: TillWindow, till: FakeTill) -> None:
    """A line was just taken out; one seat had to be asked for and is counted down."""
    _basket(window)
    tap_unit(window, till.unit("stalls-right", "5", "6"))
    click(window, "line_1_remove")


def parked(window: TillWindow, till: FakeTill) -> None:
    """Three orders wait; the first of them is called soon."""
    for number, left_s in enumerate((25, 110, 700), start=1):
        if number == 1:
            _basket(window)
        else:
            click(window, "best_together")
        _park(window, till)
        until = NOW + timedelta(seconds=left_s)
        at = next(i for i, each in enumerate(till.parking.parked) if each.number == number)
        till.parking.parked[at] = replace(till.parking.parked[at], until=until)
    window.sell.refresh()
    window.sell.park_or_recall()
    window.sell_view.tick()


def parked_strip(window: TillWindow, till: FakeTill) -> None:
    """The next buyer is served while an order waits that ends soon."""
    parked(window, till)
    window.sell.close_parked()
    click(window, "best_together")


def note(window: TillWindow, _till: FakeTill) -> None:
    """A note is being written."""
    _basket(window)
    click(window, "write_note")
    QTest.keyClick(window.sell_view.cart.note.edit, Qt.Key.Key_Space)


def last_call(window: TillWindow, till: FakeTill) -> None:
    """Seats that were asked for go back in a moment."""
    now: datetime = NOW
    undo(window, till)
    window.sell.undo()
    clock = now + timedelta(seconds=600 - 25)
    window.sell_view.cart.show_time(clock)


BASKET_SCENES: dict[str, Callable[[TillWindow, FakeTill], None]] = {
    "undo": undo,
    "parked": parked,
    "parked_strip": parked_strip,
    "note": note,
    "last_call": last_call,
}
