"""Binding a chip on the orders screen, through real widgets and files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from pos_app.services.after_sale_model import FindNote
from pos_app.services.chips import as_held
from pos_app.services.model import News, NewsKind
from tests.gui.after_sale_scenes import chip_card
from tests.gui.after_sale_stage import desk
from tests.gui.robot import click, settle
from ticketing.journal import OpKind


def test_a_chip_is_bound_by_scanner_reader_or_hand_and_undone(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        chip_card(made)
        panel, chips = made.window.chips.panel, made.window.chips.presenter

        def bound() -> int:
            return len(chips.state.chips)

        assert chips.state.made is not None
        assert [each.text() for each in panel.findChildren(type(panel._title), "chip_0")]
        click(made.window, "chip_0_off")
        assert bound() == 0
        made.window.on_news(News(NewsKind.CHIP, reason=as_held("rfid_lf", "", "0A1B2C3D4E")))
        settle(made.window)
        assert bound() == 1
        click(made.window, "chip_next")
        panel.number.setText("04e1 0cda 993c 81")
        QTest.keyClick(panel.number, Qt.Key.Key_Return)
        settle(made.window)
        assert bound() == 1
        assert panel.number.text() == ""
        click(made.window, "chip_0_lost")
        click(made.window, "chip_close")
        assert not panel.isVisible()
        assert len(made.till.ops(OpKind.CREDENTIAL_BOUND)) == 3
        assert len(made.till.ops(OpKind.CREDENTIAL_UNBOUND)) == 2


def test_a_chip_held_up_beside_the_card_binds_nothing(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        chip_card(made)
        click(made.window, "chip_close")
        made.window.on_news(News(NewsKind.CHIP, reason=as_held("nfc_uid", "", "04E10CDA993C82")))
        settle(made.window)
        assert len(made.till.ops(OpKind.CREDENTIAL_BOUND)) == 1
        assert made.window.after_sale.state.note is FindNote.UNKNOWN_CHIP


def test_a_chip_held_up_on_another_page_opens_its_order(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        chip_card(made)
        click(made.window, "chip_close")
        made.window._go_to(made.window.sell_view)
        made.window.on_news(News(NewsKind.CHIP, reason=as_held("nfc_uid", "", "04E10CDA993C80")))
        settle(made.window)
        assert made.window.pages.currentWidget() is made.window.after_sale_view
        detail = made.window.after_sale.state.detail
        assert detail is not None
        assert detail.found.is_own
        assert made.window.after_sale_view.field.edit.text() == ""
