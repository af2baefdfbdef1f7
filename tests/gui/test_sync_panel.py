"""What waits for the server, tapped open at the pill or the banner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pos_app.services.model import LockReason
from pos_app.services.queue import Case, Waits
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill
from tests.gui.robot import at_sale, click, find, is_shown, press, settle, text_of

SINCE = NOW - timedelta(minutes=3)


@pytest.fixture(autouse=True)
def selling(window: TillWindow) -> None:
    at_sale(window)


def test_it_says_since_when_how_much_and_that_nothing_is_to_be_done(
    window: TillWindow, till: FakeTill
) -> None:
    till.last_error = "no answer from the server (ConnectTimeout)"
    till.go_offline(SINCE, unsynced_count=12)
    click(window, "sync_pill")
    assert text_of(window, "sync_link") == "The server has not answered since 14:02."
    assert "safe on this computer's disk" in text_of(window, "sync_meaning")
    assert "The oldest was recorded 3 min ago." in text_of(window, "sync_meaning")
    assert text_of(window, "sync_total") == "12"
    assert text_of(window, "sync_sales") == "12"
    assert not is_shown(window, "sync_shift")
    assert "ConnectTimeout" in text_of(window, "sync_error")
    press(Qt.Key.Key_F9)
    assert till.payments_count == 0, "nothing under the card acts"
    press(Qt.Key.Key_Escape)
    assert not is_shown(window, "sync_panel")


def test_the_banner_opens_it_wherever_it_is_tapped(window: TillWindow, till: FakeTill) -> None:
    till.go_offline(SINCE, unsynced_count=12)
    banner = find(window, "offline_banner")
    assert text_of(window, "offline_more") == "View queue"
    QTest.mouseClick(banner, Qt.MouseButton.LeftButton, pos=QPoint(40, banner.height() // 2))
    assert is_shown(window, "sync_panel")
    click(window, "sync_close")
    assert not is_shown(window, "sync_panel")


def test_send_now_tries_at_once_and_the_card_follows(window: TillWindow, till: FakeTill) -> None:
    till.go_offline(SINCE, unsynced_count=2)
    click(window, "sync_pill")
    click(window, "sync_send")
    assert till.nudged == 1
    till.go_online()
    assert text_of(window, "sync_link") == "The server answers."
    assert text_of(window, "sync_meaning").startswith("Everything that this window recorded")
    assert text_of(window, "sync_total") == "0"
    assert not is_shown(window, "sync_sales")


def test_what_a_manager_looks_at_is_counted_and_listed(window: TillWindow, till: FakeTill) -> None:
    till.cases = (Case(Waits.SALES, SINCE, "A-1040", "unit_sold"),)
    window.sell.refresh()
    assert find(window, "sync_pill").property("alert") == "danger"
    click(window, "sync_pill")
    assert text_of(window, "sync_cases").startswith("1 record is looked at by a manager")
    assert text_of(window, "sync_case_0") == "Sales · A-1040 · Today 14:02"
    assert not is_shown(window, "sync_case_1")


def test_the_details_go_into_the_clipboard(window: TillWindow, till: FakeTill) -> None:
    till.cases = (Case(Waits.SALES, SINCE, "A-1040", "unit_sold"),)
    till.last_error = "no answer from the server (ConnectTimeout)"
    till.go_offline(SINCE, unsynced_count=12)
    click(window, "sync_pill")
    click(window, "sync_copy")
    assert text_of(window, "sync_copy") == "Copied"
    said = QApplication.clipboard().text()
    for part in ("POS-01", "offline", "ConnectTimeout", "waits sales 12", "A-1040 unit_sold"):
        assert part in said


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768)])
def test_it_fits_with_everything_that_it_can_say(
    window: TillWindow, till: FakeTill, size: tuple[int, int]
) -> None:
    window.resize(*size)
    window.switch_text_size()
    window.switch_text_size()
    till.cases = tuple(Case(Waits.AFTER_SALE, SINCE, "", "late") for _at in range(5))
    till.last_error = "the server does not take the journal of the house (fenced)"
    till.go_offline(SINCE, unsynced_count=1_234)
    till.lock_up(LockReason.WITNESS_AHEAD)
    click(window, "sync_pill")
    settle(window)
    box = find(window, "sync_panel_card")
    assert box.height() <= size[1]
    assert window.rect().contains(box.geometry())
