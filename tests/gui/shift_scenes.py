"""The shift page in its steps, for pictures and tests."""

from __future__ import annotations

from collections.abc import Callable

from pos_app.ui.window import TillWindow
from tests.fakes.till import MANAGER, PIN, FakeTill
from tests.gui.robot import at_sale, click, sign_in

NOTES = ((100_00, "18"), (50_00, "2"), (10_00, "7"), (1_00, "3"))


def count(window: TillWindow, pieces: tuple[tuple[int, str], ...] = NOTES) -> None:
    """Type a count by note and coin."""
    for denomination, digits in pieces:
        click(window, f"denomination_{denomination}")
        for digit in digits:
            click(window, f"shift_key_{digit}")


def shift_open(window: TillWindow, till: FakeTill) -> None:
    """Nothing is open yet: the float is being counted."""
    till.shifts.opened = None
    sign_in(window)
    count(window, ((100_00, "3"), (50_00, "4"), (10_00, "12"), (5_00, "6"), (1_00, "20")))


def shift_menu(window: TillWindow, till: FakeTill) -> None:
    """In the middle of a shift, with yesterday's reports."""
    _evening(window, till)
    click(window, "rail_shift")


def shift_drop(window: TillWindow, till: FakeTill) -> None:
    """Cash on its way into the safe."""
    shift_menu(window, till)
    click(window, "shift_safe_drop")
    for digit in "150000":
        click(window, f"shift_key_{digit}")
    click(window, "reason_too_much")


def shift_count(window: TillWindow, till: FakeTill) -> None:
    """The blind count."""
    shift_menu(window, till)
    click(window, "shift_count")
    count(window)


def shift_difference(window: TillWindow, till: FakeTill) -> None:
    """Counted twice, and a manager is about to type the PIN."""
    shift_count(window, till)
    click(window, "shift_submit")
    count(window)
    click(window, "shift_submit")
    click(window, "reason_wrong_change")
    for digit in PIN[:3]:
        click(window, f"shift_key_{digit}")


def shift_z(window: TillWindow, till: FakeTill) -> None:
    """Closed: the Z report."""
    shift_difference(window, till)
    click(window, f"shift_key_{PIN[3]}")
    click(window, "shift_submit")


def _evening(window: TillWindow, till: FakeTill) -> None:
    """Two shifts of before, and three sales of this one."""
    till.signed_in = MANAGER
    for counted in ((((100_00, 5),)), ((100_00, 4), (50_00, 1), (10_00, 4), (1_00, 5))):
        till.shifts.begin()
        till.shifts.close(counted)
    till.signed_in = None
    till.shifts.operations.clear()
    till.shifts.begin()
    at_sale(window)
    for _sale in range(3):
        click(window, "best_together")
        click(window, "quick_cash_0")


SHIFT_SCENES: dict[str, Callable[[TillWindow, FakeTill], None]] = {
    "shift_open": shift_open,
    "shift_menu": shift_menu,
    "shift_drop": shift_drop,
    "shift_count": shift_count,
    "shift_difference": shift_difference,
    "shift_z": shift_z,
}
