"""People at the window: it locks when nobody is there, and another takes over without a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pos_app.services.model import News, NewsKind, Person
from pos_app.ui.options import Options
from pos_app.ui.window import TillWindow
from tests.fakes.runner import run_now
from tests.fakes.till import CASHIER, MANAGER, PIN, FakeTill
from tests.gui.conftest import close
from tests.gui.robot import at_sale, click, find, is_shown, press, sign_in, text_of
from ticketing.operations import Sale

T = TypeVar("T")
CTRL = Qt.KeyboardModifier.ControlModifier


@dataclass
class Clock:
    """Seconds that a test turns."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Worker:
    """Work away from the window; while `hangs`, what it is given is not done."""

    hangs: bool = False

    def run(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        if not self.hangs:
            run_now(work, then, failed)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def idle(till: FakeTill, clock: Clock, worker: Worker) -> Iterator[TillWindow]:
    """A window that locks after three minutes, with two seats in the basket."""
    made = TillWindow(till, worker.run, run_now, till.now, Options(180, monotonic=clock))
    till.subscribe(made.on_news)
    made.resize(1920, 1080)
    made.show()
    made.activateWindow()
    QTest.qWaitForWindowActive(made)
    made.start()
    at_sale(made)
    click(made, "best_together")
    yield made
    close(made)


def who(till: FakeTill) -> Person | None:
    """Who is signed in at this moment."""
    return till.signed_in


def wait(window: TillWindow, clock: Clock, seconds: float) -> None:
    """Let time pass in which nobody does anything."""
    clock.now_s += seconds
    window._tick()


class TestIdle:
    def test_after_three_minutes_it_locks_and_the_basket_stays(
        self, idle: TillWindow, till: FakeTill, clock: Clock
    ) -> None:
        wait(idle, clock, 179.0)
        assert till.signed_in == CASHIER
        wait(idle, clock, 1.0)
        assert who(till) is None
        assert is_shown(idle, "sign_in_view")
        sign_in(idle)
        basket = idle.sell.state.basket
        assert basket is not None
        assert len(basket.lines) == 2
        click(idle, "quick_cash_0")
        assert len(till.sold) == 1

    def test_it_says_so_for_twenty_seconds_and_a_key_keeps_it_open(
        self, idle: TillWindow, till: FakeTill, clock: Clock
    ) -> None:
        wait(idle, clock, 159.0)
        assert not is_shown(idle, "idle_bar")
        wait(idle, clock, 2.0)
        assert "19 seconds" in text_of(idle, "idle_text")
        press(Qt.Key.Key_Home)
        assert not is_shown(idle, "idle_bar")
        wait(idle, clock, 100.0)
        assert till.signed_in == CASHIER

    def test_a_tap_and_a_scan_keep_it_open_too(
        self, idle: TillWindow, till: FakeTill, clock: Clock
    ) -> None:
        wait(idle, clock, 170.0)
        click(idle, "quantity_plus")
        wait(idle, clock, 170.0)
        till.tell(News(NewsKind.SCANNED, reason="A-1042"))  # by a scanner that types nothing
        wait(idle, clock, 170.0)
        assert till.signed_in == CASHIER

    def test_a_payment_under_way_is_never_cut(
        self, idle: TillWindow, till: FakeTill, clock: Clock, worker: Worker
    ) -> None:
        worker.hangs = True
        idle.sell.pay_cash()
        assert idle.sell.state.paying
        wait(idle, clock, 500.0)
        assert till.signed_in == CASHIER
        assert not is_shown(idle, "sign_in_view")

    def test_nobody_signed_in_is_not_locked_again(self, idle: TillWindow, clock: Clock) -> None:
        idle.lock()
        wait(idle, clock, 500.0)
        assert not is_shown(idle, "idle_bar")


class TestTakingOver:
    def test_another_person_goes_on_with_the_same_basket(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        click(window, "best_together")
        click(window, "cashier_chip")
        assert not is_shown(window, f"switch_{CASHIER.id}"), "she is signed in already"
        click(window, f"switch_{MANAGER.id}")
        for digit in PIN:
            click(window, f"switch_key_{digit}")
        click(window, "switch_submit")
        assert not is_shown(window, "switch_panel")
        assert text_of(window, "cashier_name") == MANAGER.name
        click(window, "quick_cash_0")
        assert len(till.sold) == 1
        sale = till.shifts.operations[-1]
        assert isinstance(sale, Sale)
        assert sale.sold_by == MANAGER.id

    def test_it_goes_by_keyboard_alone(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        press(Qt.Key.Key_W, CTRL)
        QTest.keyClicks(find(window, "switch_panel"), PIN)
        press(Qt.Key.Key_Return)
        assert till.signed_in == MANAGER
        assert window.sell_view.map.hasFocus()

    def test_a_wrong_pin_or_esc_leaves_everything_as_it_was(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        press(Qt.Key.Key_W, CTRL)
        QTest.keyClicks(find(window, "switch_panel"), "0000")
        press(Qt.Key.Key_Return)
        assert "Wrong PIN" in text_of(window, "switch_message")
        assert till.signed_in == CASHIER
        press(Qt.Key.Key_Escape)
        assert not is_shown(window, "switch_panel")
        assert till.signed_in == CASHIER

    def test_nothing_is_sold_from_under_it(self, window: TillWindow, till: FakeTill) -> None:
        at_sale(window)
        click(window, "best_together")
        press(Qt.Key.Key_W, CTRL)
        press(Qt.Key.Key_F9)
        assert till.payments_count == 0
        press(Qt.Key.Key_L, CTRL)
        assert is_shown(window, "sign_in_view")
        assert not is_shown(window, "switch_panel")

    def test_it_is_not_offered_in_the_middle_of_a_payment(
        self, idle: TillWindow, worker: Worker
    ) -> None:
        worker.hangs = True
        idle.sell.pay_cash()
        click(idle, "cashier_chip")
        assert not is_shown(idle, "switch_panel")
