"""The difference of an exchange by other means than cash, through real widgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.gui.after_sale_stage import OTHERS, ROW, Desk, desk
from tests.gui.robot import click, find, is_shown, press, text_of
from ticketing.journal import OpKind
from ticketing.operations import Exchange, HandLeg, decode_exchange


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def begin(till: Desk, *instead: int, of: int = 1) -> None:
    """Exchange seats of 880 yuan each that were paid by card."""
    sale = till.sell_by("card", "0042", ROW[:of])
    till.open_orders()
    QTest.keyClicks(find(till.window, "find_order"), sale.receipt_no)
    press(Qt.Key.Key_Return)
    click(till.window, "deed_exchange")
    for unit in instead:
        till.window.sell.tap_unit(unit)


def exchanges(till: Desk) -> list[Exchange]:
    found = [decode_exchange(op.body) for op in till.till.ops(OpKind.EXCHANGE)]
    return [one for one in found if one is not None]


def test_a_tender_key_takes_all_of_it(till: Desk) -> None:
    begin(till, *ROW[4:6])
    assert text_of(till.window, "exchange_difference") == "¥880.00"
    click(till.window, "exchange_tender_0")
    till.server_says()
    [exchange] = exchanges(till)
    assert exchange.legs == (HandLeg("card", 88_000),)
    assert text_of(till.window, "done_word") == "By Card"
    assert text_of(till.window, "done_amount") == "¥880.00"


def test_a_tender_with_a_number_is_recorded_when_it_was_typed(till: Desk) -> None:
    begin(till, *ROW[4:6])
    press(Qt.Key.Key_F12)
    till.server_says()
    assert exchanges(till) == []
    QTest.keyClicks(find(till.window, "swap_number_page"), "4711")
    press(Qt.Key.Key_Return)
    [exchange] = exchanges(till)
    assert exchange.legs == (HandLeg("transfer", 88_000, "4711"),)


def test_a_buyer_who_does_not_pay_leaves_it_among_the_unfinished(till: Desk) -> None:
    begin(till, *ROW[4:6])
    press(Qt.Key.Key_F12)
    till.server_says()
    press(Qt.Key.Key_Escape)
    assert exchanges(till) == []
    click(till.window, "unfinished_0_finish")
    QTest.keyClicks(find(till.window, "deed_number_page"), "4711")
    press(Qt.Key.Key_Return)
    assert [each.legs for each in exchanges(till)] == [(HandLeg("transfer", 88_000, "4711"),)]


def test_what_goes_back_says_by_what_before_it_is_done(till: Desk) -> None:
    begin(till, OTHERS[0], of=2)
    assert not is_shown(till.window, "exchange_tender_0")
    assert text_of(till.window, "exchange_way_back").endswith("Card · no. 0042 ¥880.00")
    click(till.window, "exchange_confirm")
    till.server_says()
    [exchange] = exchanges(till)
    assert exchange.cash_minor == 0
    assert [(leg.tender, leg.reference) for leg in exchange.legs] == [("card", "0042")]
