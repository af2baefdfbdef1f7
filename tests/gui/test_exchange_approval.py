"""An exchange that pays out more than a cashier may: a second person's PIN beside the map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.gui.after_sale_stage import OTHERS, ROW, Desk, desk
from tests.gui.robot import click, find, is_shown, press, settle, text_of
from tests.integration.pos_app.window_stage import PIN, VERIFIER
from ticketing.journal import OpKind
from ticketing.operations import Exchange, decode_exchange

CAPPED = {"steps": [{"minutes_before": 0}], "cashier_cap": 1_000}


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, refund_rules=CAPPED) as made:
        made.till.feed.person("wu", VERIFIER, role="supervisor")
        yield made


def begin(till: Desk, seat: int, *, of: int) -> None:
    """Tickets of 880 yuan go back for a seat of the same price, all the way to the key."""
    sale = till.sell(ROW[:of])
    till.open_orders()
    QTest.keyClicks(find(till.window, "find_order"), sale.receipt_no)
    press(Qt.Key.Key_Return)
    click(till.window, "deed_exchange")
    till.window.sell.tap_unit(seat)
    settle(till.window)
    click(till.window, "exchange_confirm")
    settle(till.window)


def exchanges(till: Desk) -> list[Exchange]:
    found = [decode_exchange(op.body) for op in till.till.ops(OpKind.EXCHANGE)]
    return [one for one in found if one is not None]


def test_a_second_person_lets_it_be_and_it_goes_on_by_itself(till: Desk) -> None:
    begin(till, OTHERS[0], of=2)
    assert text_of(till.window, "swap_approve_title") == "Supervisor's approval"
    assert "Worth more" in text_of(till.window, "swap_approve_why")
    QTest.keyClicks(find(till.window, "swap_approve_page"), "0000")
    press(Qt.Key.Key_Return)
    assert "Wrong PIN" in text_of(till.window, "swap_approve_note")
    QTest.keyClicks(find(till.window, "swap_approve_page"), PIN)
    press(Qt.Key.Key_Return)
    till.server_says()
    [exchange] = exchanges(till)
    assert exchange.approved_by == "wu"
    assert is_shown(till.window, "done_amount")


def test_escape_goes_back_to_both_sides_and_then_to_the_orders(till: Desk) -> None:
    begin(till, OTHERS[0], of=2)
    assert is_shown(till.window, "swap_approve_page")
    press(Qt.Key.Key_Escape)
    assert is_shown(till.window, "exchange_confirm"), "one step back"
    press(Qt.Key.Key_Escape)
    assert not is_shown(till.window, "exchange_confirm")
    assert exchanges(till) == []


def test_within_the_cap_nobody_is_asked(till: Desk) -> None:
    begin(till, OTHERS[0], of=1)
    assert not is_shown(till.window, "swap_approve_page")
    till.server_says()
    assert [each.approved_by for each in exchanges(till)] == [""]
