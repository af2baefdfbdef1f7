"""Pictures of the devices: their page, the paper chip, and tickets that may be on paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from hardware.escpos import load_painter, render
from hardware.escpos.interpreter import PrinterModel
from hardware.escpos.page import to_image
from hardware.escpos.profile import PROFILES
from pos_app.presenters import language as words
from pos_app.services.device_model import PaperJob, ScannerNow
from pos_app.services.model import News, NewsKind, PrintOutcome
from pos_app.services.slips import ticket_slips
from pos_app.ui.window import TillWindow
from tests.fakes.till import CASHIER, NOW, PIN, FakeTill
from tests.gui.robot import click
from tests.unit.pos_app.test_slips import FACES, LABELS

DOUBT = PaperJob("order-1-1", "A-1042 (1)", True, True, (), NOW - timedelta(minutes=2))
WAITING = PaperJob("order-2-1", "A-1043 (1)", False, False, ("paper_out",), NOW)


def at_sale(window: TillWindow) -> None:
    """Signed in, a performance open."""
    click(window, f"sign_in_{CASHIER.id}")
    QTest.keyClicks(window.sign_in_view, PIN)
    QTest.keyClick(window.sign_in_view, Qt.Key.Key_Return)
    click(window, "performance_1")


def devices(window: TillWindow, till: FakeTill) -> None:
    """No paper, a ticket in doubt, a scanner that was tried."""
    till.devices.with_printer("paper_out")
    till.devices.state = replace(
        till.devices.state,
        jobs=(WAITING, DOUBT),
        scanners=(ScannerNow("serial:/dev/serial/by-id/usb-Honeywell", True),),
    )
    till.devices.pictures = (a_picture(),)
    at_sale(window)
    click(window, "rail_devices")
    window.devices.presenter.scanned("BXG1" + "A7K2M9QZ" * 10, is_whole=True)


def may_be_printed(window: TillWindow, till: FakeTill) -> None:
    """The printer died in the middle of a sale's tickets."""
    till.devices.with_printer("unreachable")
    till.paper_outcome = PrintOutcome.IN_DOUBT
    at_sale(window)
    click(window, "tier_a")
    click(window, "best_together")
    click(window, "quick_cash_1")
    till.devices.state = replace(till.devices.state, jobs=(DOUBT,))
    till.tell(News(NewsKind.DEVICES))
    window.sell.dismiss()
    click(window, "best_together")


def a_picture(columns: int = 48) -> bytes:
    """A ticket as it comes out of a receipt printer, as PNG."""
    face = FACES[words.language()]
    profile = PROFILES["chinese-80" if columns == 48 else "chinese-58"]
    painter = load_painter()
    model = PrinterModel(width_dots=profile.width_dots)
    document = ticket_slips([face], LABELS[words.language()], columns=columns)
    model.receive(render(document, profile, painter))
    model.work()
    file = BytesIO()
    to_image(model.paper[0], profile.width_dots, painter).save(file, "PNG")
    return file.getvalue()


DEVICE_SCENES: dict[str, Callable[[TillWindow, FakeTill], None]] = {
    "devices": devices,
    "may_be_printed": may_be_printed,
}
