"""Printer trouble at the window: the sale stands, a person decides, nothing comes twice unasked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from hardware.escpos.interpreter import PrinterModel
from hardware.escpos.simulator import PrinterSimulator
from pos_app.services.device_model import Trial
from pos_app.services.model import News, NewsKind, PrintOutcome
from pos_app.ui.app import Till
from pos_app.ui.customer_display import CustomerDisplay
from pos_app.ui.window import TillWindow
from tests.fakes.hall import FIRST, ROW
from tests.fakes.till import FakeTill
from tests.gui.device_scenes import DOUBT, WAITING
from tests.gui.robot import at_sale, click, is_shown, text_of, turn_loop
from tests.integration.pos_app.test_slip_printer import SlipStage
from tests.integration.pos_app.window_stage import CASHIER, PIN


def test_the_chip_says_what_the_printer_lacks_and_opens_its_page(
    window: TillWindow, till: FakeTill
) -> None:
    assert not is_shown(window, "paper_chip"), "nothing is known of a PDF"
    till.devices.with_printer("paper_out")
    till.tell(News(NewsKind.DEVICES))
    at_sale(window)
    assert text_of(window, "paper_text") == "No paper"
    click(window, "paper_chip")
    assert window.pages.currentWidget() is window.devices.view
    assert "new roll" in text_of(window, "device_printer_help")
    till.devices.with_printer()
    till.tell(News(NewsKind.DEVICES))
    assert text_of(window, "device_printer_status") == "Ready"
    click(window, "devices_back")
    assert window.pages.currentWidget() is window.sell_view


def test_the_page_says_where_tickets_go_beside_a_receipt_printer(
    window: TillWindow, till: FakeTill
) -> None:
    till.devices.with_printer("paper_out")
    printer = replace(till.devices.state.printer, tickets_place="lp -d tickets")
    till.devices.state = replace(till.devices.state, printer=printer)
    at_sale(window)
    click(window, "rail_devices")
    said = text_of(window, "device_printer_help")
    assert "new roll" in said
    assert said.endswith("Tickets go as PDF to: lp -d tickets")


def test_trials_and_choices_are_keys_of_the_page(window: TillWindow, till: FakeTill) -> None:
    till.devices.with_printer()
    at_sale(window)
    click(window, "rail_devices")
    click(window, "try_ticket")
    assert text_of(window, "trial_outcome") == "It came out."
    till.devices.outcome = PrintOutcome.IN_DOUBT
    click(window, "try_receipt")
    assert till.devices.tried == [Trial.TICKET, Trial.RECEIPT]
    assert "look" in text_of(window, "trial_outcome")
    click(window, "receipts_automatic")
    assert till.devices.state.receipts
    assert text_of(window, "receipts_automatic") == "Receipts: always"
    click(window, "device_open_drawer")
    assert "told to open" in text_of(window, "device_drawer_help")


def test_a_buyer_gets_a_receipt_for_the_asking(window: TillWindow, till: FakeTill) -> None:
    at_sale(window)
    click(window, "best_together")
    window.sell.pay_cash()
    click(window, "print_receipt")
    assert till.devices.receipts == [till.sold[0].order_id]
    assert window.sell.state.change is not None, "the change stays on screen"


def test_a_code_from_a_serial_scanner_opens_the_orders(window: TillWindow, till: FakeTill) -> None:
    till.tell(News(NewsKind.SCANNED, reason="BXG1ABCDEFGH"))
    assert window.pages.currentWidget() is window.sign_in_view, "nobody is signed in"
    at_sale(window)
    till.tell(News(NewsKind.SCANNED, reason="BXG1ABCDEFGH"))
    assert window.pages.currentWidget() is window.after_sale_view
    assert window.after_sale.state.query == "BXG1ABCDEFGH"


def test_papers_in_doubt_wait_for_a_word_on_the_page(window: TillWindow, till: FakeTill) -> None:
    till.devices.with_printer()
    till.devices.state = replace(till.devices.state, jobs=(WAITING, DOUBT))
    at_sale(window)
    click(window, "rail_devices")
    click(window, f"there_{DOUBT.id}")
    assert till.devices.settled == [(DOUBT.id, True)]
    click(window, f"withdraw_{WAITING.id}")
    assert till.devices.withdrawn == [WAITING.id]
    assert is_shown(window, "no_papers")


@pytest.fixture
def printer() -> Iterator[PrinterSimulator]:
    with PrinterSimulator(PrinterModel()) as made:
        yield made


@pytest.fixture
def stage(tmp_path: Path, printer: PrinterSimulator) -> Iterator[SlipStage]:
    with closing(SlipStage(tmp_path, printer, receipts=False)) as made:
        yield made


def until(condition: object) -> None:
    """Turn the loop until it holds."""
    assert callable(condition)
    pause = threading.Event()
    for _ in range(800):
        turn_loop()
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("this never came true")


def test_a_printer_that_dies_in_a_sale_leaves_the_sale_and_asks_before_it_prints_again(
    stage: SlipStage,
) -> None:
    """The real window, threads, spool and bytes; only the printer's paper is simulated."""
    till = Till(stage.window, lambda: stage.till.env.now)
    window = till.window
    window.resize(1920, 1080)
    window.show()
    try:
        until(lambda: window.sign_in.state.people)
        click(window, f"sign_in_{CASHIER}")
        for digit in PIN:
            click(window, f"pin_key_{digit}")
        click(window, "sign_in_submit")
        until(lambda: is_shown(window, f"performance_{FIRST}"))
        click(window, f"performance_{FIRST}")
        until(lambda: window.sell.state.house is not None)
        window.sell.tap_unit(ROW[0])
        until(lambda: window.sell.state.can_pay)
        stage.simulator.dies_after_bytes = 700
        window.sell.pay_cash()
        until(lambda: window.sell.state.last_sale is not None)
        sell = window.sell
        until(lambda: any(one.paper is PrintOutcome.IN_DOUBT for one in sell.state.unprinted))
        window.sell.dismiss()
        assert is_shown(window, "paper_is_there")
        assert "may be printed" in text_of(window, "unprinted_text")
        assert not is_shown(window, "reprint")
        before = len(stage.codes())
        stage.simulator.switch_on()
        window.sell.print_waiting()
        window.sell.tap_unit(ROW[1])
        until(lambda: window.sell.state.can_pay)
        window.sell.pay_cash()
        until(lambda: len(stage.codes()) == before + 1)
        window.sell.dismiss()
        assert is_shown(window, "paper_again"), "the doubt stays until a person ends it"
        click(window, "paper_again")
        until(lambda: len(stage.codes()) == before + 2)
        until(lambda: not is_shown(window, "unprinted"))
        until(lambda: sorted(stage.copies()) == [1, 1, 2])
        assert "COPY 1" in stage.words()
    finally:
        assert till.close()


def test_the_buyers_screen_follows_the_sale_and_takes_no_keys(
    window: TillWindow, till: FakeTill
) -> None:
    display = CustomerDisplay(window.sell, window.after_sale)
    display.place()
    try:
        assert text_of(display, "buyer_title") == "Welcome"
        at_sale(window)
        click(window, "best_together")
        assert is_shown(display, "buyer_line_1")
        basket = window.sell.state.basket
        assert basket is not None
        assert text_of(display, "buyer_total") == "¥1,760.00"
        window.sell.pay_cash(basket.total_minor + 4000)
        assert text_of(display, "buyer_change") == "¥40.00"
        assert not is_shown(display, "buyer_line_0")
        assert display.windowFlags() & Qt.WindowType.WindowDoesNotAcceptFocus
        assert till.sold
    finally:
        display.close()
        display.deleteLater()
        turn_loop()
