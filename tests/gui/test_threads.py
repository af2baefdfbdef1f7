"""Work on threads comes home, and a till that ends leaves nothing running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import shiboken6
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from pos_app.services.model import News, NewsKind
from pos_app.ui.app import Till, run_till, utc_now
from pos_app.ui.tasks import WAITING_MAX, Bridge, Tasks
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill, stocked_till
from tests.gui.robot import click, settle, sign_in

PATIENCE_MS = 30_000
"""A busy machine may keep a thread from running for seconds."""


def wait_for(qtbot: QtBot, is_so: Callable[[], bool]) -> None:
    """Turn the loop until it is so."""
    qtbot.waitUntil(is_so, timeout=PATIENCE_MS)


def unexpected(what: object) -> None:
    pytest.fail(f"this should not have come home: {what}")


def collect(found: list[object]) -> Callable[[object], None]:
    return found.append


def test_results_come_home_in_order_on_the_windows_thread(qtbot: QtBot) -> None:
    tasks = Tasks("test-tasks")
    home: list[tuple[int, bool, bool]] = []
    here = threading.get_ident()

    def then(result: tuple[int, int]) -> None:
        number, worker = result
        home.append((number, worker != here, threading.get_ident() == here))

    def work(number: int) -> tuple[int, int]:
        return number, threading.get_ident()

    for number in range(20):
        tasks.run(partial(work, number), then, unexpected)
    wait_for(qtbot, lambda: len(home) == 20)
    assert home == [(number, True, True) for number in range(20)]
    assert tasks.close()


@pytest.mark.expected_errors("task_failed")
def test_work_that_fails_is_logged_and_told(qtbot: QtBot) -> None:
    tasks = Tasks("test-tasks")
    told: list[Exception] = []

    def work() -> object:
        raise OSError("no disk")

    tasks.run(work, unexpected, told.append)
    wait_for(qtbot, lambda: bool(told))
    assert str(told[0]) == "no disk"
    assert tasks.close()


@pytest.mark.expected_errors("tasks_full")
def test_too_much_waiting_work_is_refused(qtbot: QtBot) -> None:
    tasks = Tasks("test-tasks")
    go, refused, done = threading.Event(), list[Exception](), list[object]()
    for _piece in range(WAITING_MAX + 2):
        tasks.run(lambda: go.wait(10), collect(done), refused.append)
    go.set()
    wait_for(qtbot, lambda: len(done) + len(refused) == WAITING_MAX + 2)
    assert 1 <= len(refused) <= 2
    assert tasks.close()


def test_nothing_comes_home_after_closing(qtbot: QtBot) -> None:
    tasks = Tasks("test-tasks")
    started, home = threading.Event(), list[object]()
    tasks.run(started.set, collect(home), unexpected)
    assert started.wait(PATIENCE_MS / 1000)
    assert tasks.close()
    tasks.run(lambda: 1, collect(home), unexpected)
    qtbot.wait(20)
    assert home == []


def test_a_thread_that_hangs_is_said(qtbot: QtBot) -> None:
    tasks = Tasks("test-hanging")
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(10)

    tasks.run(work, lambda _done: None, unexpected)
    assert begun.wait(PATIENCE_MS / 1000)
    assert not tasks.close(deadline_s=0.05)
    shiboken6.delete(tasks)
    go.set()  # it must not speak to what is gone: pytest fails on exceptions in threads
    wait_for(qtbot, lambda: "test-hanging" not in {each.name for each in threading.enumerate()})


def test_news_of_the_same_kind_are_told_once_in_a_while(qtbot: QtBot) -> None:
    told: list[News] = []
    bridge = Bridge(told.append)

    def flood() -> None:
        for number in (1, 2):
            for _change in range(500):
                bridge.deliver(News(NewsKind.AVAILABILITY, number))
        bridge.deliver(News(NewsKind.GRANTED, 1, (7,)))

    thread = threading.Thread(target=flood)
    thread.start()
    thread.join()
    wait_for(qtbot, lambda: len(told) >= 3)
    kinds = [news.kind for news in told]
    assert kinds[0] is NewsKind.GRANTED  # an answer is never kept waiting
    assert len(told) < 20
    bridge.close()
    bridge.deliver(News(NewsKind.STATUS))
    qtbot.wait(20)
    assert told[-1].kind is NewsKind.AVAILABILITY


def alive() -> set[str]:
    return {each.name for each in threading.enumerate() if each.name.startswith("till-")}


@pytest.fixture
def running() -> Iterator[tuple[Till, FakeTill]]:
    """A till with its threads; they are joined whatever the test does."""
    services = stocked_till()
    till = Till(services, utc_now)
    till.window.resize(1366, 768)
    till.window.show()
    till.window.activateWindow()
    QTest.qWaitForWindowActive(till.window)
    yield till, services
    assert till.close()
    assert alive() == set()
    services.tell(News(NewsKind.STATUS))  # nobody listens any more, and nothing breaks


def test_a_sale_on_real_threads(qtbot: QtBot, running: tuple[Till, FakeTill]) -> None:
    till, services = running
    window = till.window
    wait_for(qtbot, lambda: bool(window.sign_in.state.people))
    sign_in(window)
    wait_for(qtbot, lambda: window.pages.currentWidget() is window.picker_view)
    wait_for(qtbot, lambda: bool(window.picker.state.days))
    click(window, "performance_1")
    wait_for(qtbot, lambda: window.sell.state.house is not None)
    click(window, "best_together")
    wait_for(qtbot, lambda: window.sell.state.can_pay)
    settle(window)
    for _press in range(2):  # the second before the first is home
        QTest.keyClick(window.focusWidget(), Qt.Key.Key_F9)
    wait_for(qtbot, lambda: bool(services.printed))
    assert services.payments_count == 1


@pytest.mark.parametrize("by_event", [True, False], ids=["the stop event", "the window's cross"])
def test_the_till_ends_clean(by_event: bool, qtbot: QtBot) -> None:
    stop = threading.Event()
    seen: list[TillWindow] = []

    def started(window: TillWindow) -> None:
        seen.append(window)
        QTimer.singleShot(50, stop.set if by_event else window.close)

    code = run_till(
        FakeTill(),
        language="zh_CN",
        theme="dark",
        window_size=(1366, 768),
        stop=stop,
        started=started,
    )
    assert code == 0
    assert len(seen) == 1
    assert alive() == set()
    assert qtbot is not None
