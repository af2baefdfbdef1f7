"""Past the soft term, through real widgets: a second person's PIN lets one sale be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pos_app.services.model import LateLeft
from pos_app.ui.window import TillWindow
from tests.fakes.till import CASHIER, MANAGER, NOW, PIN, SUPERVISOR, FakeTill
from tests.gui.robot import at_sale, click, find, is_shown, press, settle, text_of

LEFT = LateLeft(NOW + timedelta(hours=19, minutes=12, seconds=30), 38, 1_230_000)


@pytest.fixture(autouse=True)
def two_seats_past_their_term(window: TillWindow, till: FakeTill) -> None:
    """A basket of two, five hours after the network went."""
    till.staff = (CASHIER, SUPERVISOR, MANAGER)
    at_sale(window)
    click(window, "best_together")
    till.go_offline(NOW - timedelta(hours=5), unsynced_count=12)
    till.outlive_softly(LEFT)
    settle(window)


def type_pin(window: TillWindow, pin: str) -> None:
    QTest.keyClicks(find(window, "late_page"), pin)
    press(Qt.Key.Key_Return)


def test_the_banner_says_who_approves_how_much_is_left_and_for_how_long(
    window: TillWindow,
) -> None:
    banner = find(window, "offline_banner")
    assert banner.property("tone") == "warn"
    said = text_of(window, "offline_text")
    for part in ("since 09:05", "supervisor", "38 tickets", "¥12,300", "19 h 12 min"):
        assert part in said


def test_the_banner_counts_down_and_is_red_when_nothing_more_may_be_sold(
    window: TillWindow, till: FakeTill
) -> None:
    banner = find(window, "offline_banner")
    till.outlive_softly(replace(LEFT, until=NOW + timedelta(minutes=7)))
    assert "7 min" in text_of(window, "offline_text")
    till.outlive_softly(replace(LEFT, ticket_count=0))
    assert banner.property("tone") == "danger"
    assert "as much as it may" in text_of(window, "offline_text")
    till.late = None
    till.outlive()
    assert banner.property("tone") == "danger"
    assert "printing and the shift still work" in text_of(window, "offline_text")


def test_a_sale_waits_for_a_second_persons_pin_and_names_them(
    window: TillWindow, till: FakeTill
) -> None:
    click(window, "pay_cash")
    assert text_of(window, "late_title") == "Supervisor's approval"
    assert "38 tickets up to ¥12,300" in text_of(window, "late_why")
    assert not is_shown(window, f"late_by_{CASHIER.id}")
    click(window, f"late_by_{SUPERVISOR.id}")
    type_pin(window, "0000")
    assert "Wrong PIN" in text_of(window, "late_note")
    assert till.sold == []
    type_pin(window, PIN)
    assert is_shown(window, "change_amount")
    (sold,) = till.sold
    assert sold.ticket_count == 2
    assert till.late_approvers == [SUPERVISOR.id]
    assert till.signed_in == CASHIER
    click(window, "best_together")
    click(window, "pay_cash")
    assert is_shown(window, "late_page"), "each sale is approved anew"


def test_a_payment_by_another_tender_is_kept_for_the_approval(
    window: TillWindow, till: FakeTill
) -> None:
    tender = till.catalogue.venue.tenders[0]
    press(Qt.Key.Key_F10)
    if is_shown(window, "number_page"):
        press(Qt.Key.Key_Return)
    click(window, f"late_by_{SUPERVISOR.id}")
    type_pin(window, PIN)
    (sold,) = till.sold
    assert [(leg.tender, leg.amount_minor) for leg in sold.legs] == [(tender.id, sold.total_minor)]


def test_going_back_or_on_sells_nothing_and_keeps_the_basket(
    window: TillWindow, till: FakeTill
) -> None:
    click(window, "pay_cash")
    press(Qt.Key.Key_Escape)
    assert not is_shown(window, "late_page")
    assert len(window.sell.state.selected) == 2
    click(window, "pay_cash")
    window.sell.best_together()  # another basket than the one that was to be approved
    assert not is_shown(window, "late_page")
    assert len(window.sell.state.selected) == 4
    assert till.sold == []


def test_beyond_the_cap_nobody_is_asked(window: TillWindow, till: FakeTill) -> None:
    till.outlive_softly(replace(LEFT, ticket_count=1))
    click(window, "pay_cash")
    assert not is_shown(window, "late_page")
    assert "as much as it may" in text_of(window, "notice_text")
