"""Screens of payments, for `tests.gui.screens`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtTest import QTest

from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill
from tests.gui.robot import at_sale, click, find


def in_parts(window: TillWindow, till: FakeTill) -> None:
    """A part is paid by card, and cash is counted out for the rest."""
    _basket(window)
    click(window, "pay_more")
    QTest.keyClicks(find(window, "pay_panel"), "1000")
    click(window, "pay_by_card")
    QTest.keyClicks(find(window, "pay_panel"), "800")
    assert len(till.tenders.open) == 1


def part_paid(window: TillWindow, till: FakeTill) -> None:
    """Back at the basket, with a part that is paid."""
    in_parts(window, till)
    click(window, "pay_panel_back")


def number(window: TillWindow, _till: FakeTill) -> None:
    """The number of a transfer is asked for."""
    _basket(window)
    click(window, "pay_tender_2")
    QTest.keyClicks(find(window, "number_page"), "2026112200417")


def paid_in_parts(window: TillWindow, till: FakeTill) -> None:
    """By transfer, by card and in cash."""
    in_parts(window, till)
    click(window, "pay_panel_cash")


def none_named(window: TillWindow, till: FakeTill) -> None:
    """A house that has named no tender."""
    venue = replace(till.catalogue.venue, tenders=())
    till.catalogue = replace(till.catalogue, venue=venue)
    _basket(window)


def _basket(window: TillWindow) -> None:
    at_sale(window)
    click(window, "best_together")


TENDER_SCENES: dict[str, Callable[[TillWindow, FakeTill], None]] = {
    "pay_in_parts": in_parts,
    "part_paid": part_paid,
    "slip_number": number,
    "paid_in_parts": paid_in_parts,
    "no_tender": none_named,
}
