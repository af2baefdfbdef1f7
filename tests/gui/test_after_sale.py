"""After the sale through real widgets, over real services: found, previewed, paid back, swapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from edge.link import LinkState
from edge.sync import RevokeWish
from pos_app.ui.controls import Button
from tests.fakes.hall import ROW, SECOND
from tests.gui.after_sale_stage import OTHERS, Desk, desk, open_on, take_down
from tests.gui.robot import click, find, is_shown, press, settle, text_of
from ticketing.journal import OpKind
from ticketing.operations import Sale


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


@pytest.fixture
def unheard(till: Desk) -> Sale:
    """Three tickets sold, another order after it, and the orders on screen."""
    sold = till.sell(ROW[:3])
    till.sell(ROW[3:4])
    till.open_orders()
    return sold


@pytest.fixture
def sale(till: Desk, unheard: Sale) -> Sale:
    """The same, and the server has heard of it."""
    till.till.acknowledge_all()
    return unheard


def type_in(till: Desk, text: str) -> None:
    """What a hand or a scanner types, with its Enter."""
    QTest.keyClicks(find(till.window, "find_order"), text)
    press(Qt.Key.Key_Return)


def refunds(till: Desk) -> int:
    return len(till.till.ops(OpKind.REFUND))


def test_a_ticket_is_refunded_in_three_steps_and_the_money_comes_last(
    till: Desk, sale: Sale
) -> None:
    type_in(till, sale.lines[1].code)
    assert text_of(till.window, "order_title") == sale.receipt_no
    assert text_of(till.window, "chosen_count") == "1 ticket chosen"
    click(till.window, "deed_refund")
    assert text_of(till.window, "refund_total") == "¥880.00"
    assert refunds(till) == 0
    click(till.window, "confirm_deed")
    assert is_shown(till.window, "wait_no_longer")
    assert not is_shown(till.window, "done_amount")
    assert refunds(till) == 0, "nothing before the server's yes"
    till.server_says()
    assert text_of(till.window, "done_amount") == "¥880.00"
    assert refunds(till) == 1
    assert text_of(till.window, "ticket_1_standing") == "Void"
    assert text_of(till.window, "order_standing") == "Partly refunded"
    click(till.window, "next_order")
    assert is_shown(till.window, "deed_refund")


def test_the_same_by_the_keyboard_alone(till: Desk) -> None:
    sale = till.sell(ROW[:2])
    till.window.sell_view.map.setFocus()
    press(Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Space)
    assert text_of(till.window, "order_title") == sale.receipt_no
    press(Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    focused = QApplication.focusWidget()
    assert focused is find(till.window, "confirm_deed"), focused
    press(Qt.Key.Key_Space)
    till.server_says()
    assert text_of(till.window, "done_amount") == "¥1,760.00"
    press(Qt.Key.Key_Escape)
    assert not is_shown(till.window, "done_amount")
    press(Qt.Key.Key_Escape)
    assert till.window.pages.currentWidget() is till.window.sell_view


def test_a_scan_beside_the_field_finds_too_and_presses_no_key(till: Desk, sale: Sale) -> None:
    click(till.window, "order_0")
    button = find(till.window, "reprint_order")
    button.setFocus()
    for letter in sale.lines[0].code:
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyClicks(focused, letter)
    press(Qt.Key.Key_Return)
    assert text_of(till.window, "order_title") == sale.receipt_no
    assert till.till.ops(OpKind.PRINT) == []


def test_the_servers_no_is_told_and_nothing_is_paid(till: Desk, sale: Sale) -> None:
    type_in(till, sale.receipt_no)
    click(till.window, "deed_refund")
    click(till.window, "confirm_deed")
    till.server_says("entered")
    said = text_of(till.window, "after_sale_refused")
    assert "Somebody went in on it." in said
    assert "pay nothing out" in said
    assert refunds(till) == 0
    click(till.window, "dismiss_refused")
    assert not is_shown(till.window, "after_sale_refused")


def test_what_cannot_be_done_says_why_and_is_switched_off(till: Desk, sale: Sale) -> None:
    at_ms = round(till.till.env.now.timestamp() * 1000)
    till.till.feed.entry("ab" * 16, sale.lines[2].ticket_id, "gate", "lane", at_ms)
    type_in(till, sale.receipt_no)
    assert text_of(till.window, "chosen_count") == "2 tickets chosen"
    assert not find(till.window, "ticket_2").isEnabled()
    assert text_of(till.window, "ticket_2_standing") == "Entered 14:05"
    assert find(till.window, "deed_refund").isEnabled()
    click(till.window, "choose_all")
    assert not find(till.window, "deed_refund").isEnabled()
    assert text_of(till.window, "deed_refund_why") == "Choose a ticket first."


def test_offline_the_papers_must_be_scanned_and_then_it_is_done_here(
    till: Desk, unheard: Sale
) -> None:
    sale = unheard
    till.till.engine.become(LinkState.OFFLINE)
    type_in(till, sale.receipt_no)
    assert "scan the paper tickets" in text_of(till.window, "deed_void_why")
    assert not find(till.window, "deed_void").isEnabled()
    for line in sale.lines[:2]:
        find(till.window, "find_order").setFocus()
        find(till.window, "find_order").clear()  # type: ignore[attr-defined]
        type_in(till, line.code)
    assert text_of(till.window, "chosen_count") == "2 tickets chosen"
    click(till.window, "deed_void")
    click(till.window, "confirm_deed")
    assert text_of(till.window, "done_amount") == "¥1,760.00"
    assert refunds(till) == 1


def test_killed_after_the_servers_yes_it_stands_there_and_is_finished_once(
    till: Desk, sale: Sale
) -> None:
    type_in(till, sale.receipt_no)
    click(till.window, "deed_refund")
    click(till.window, "confirm_deed")
    till.window.after_sale.wait_no_longer()
    till.server_says()
    take_down(till.window)
    till.till.restart()
    till.till.go_online()
    till.window = open_on(till.till)
    assert "1 is unfinished" in find(till.window, "rail_orders").accessibleName()
    till.open_orders()
    assert "is still to be paid" in text_of(till.window, "unfinished_0_text")
    click(till.window, "unfinished_0_finish")
    assert text_of(till.window, "done_amount") == "¥2,640.00"
    assert refunds(till) == 1
    assert not is_shown(till.window, "unfinished_0_text")


def test_dropped_it_is_never_paid(till: Desk, sale: Sale) -> None:
    type_in(till, sale.receipt_no)
    click(till.window, "deed_refund")
    click(till.window, "confirm_deed")
    click(till.window, "wait_no_longer")
    assert "Pay nothing yet" in text_of(till.window, "unfinished_0_text")
    assert not is_shown(till.window, "unfinished_0_drop")
    till.server_says()
    click(till.window, "unfinished_0_drop")
    assert "Nothing is paid then" in text_of(till.window, "unfinished_0_text")
    press(Qt.Key.Key_Escape)
    assert "is still to be paid" in text_of(till.window, "unfinished_0_text")
    click(till.window, "unfinished_0_drop")
    click(till.window, "unfinished_0_drop")
    assert not is_shown(till.window, "unfinished_0_text")
    assert refunds(till) == 0


def test_tickets_are_swapped_on_the_map_for_one_difference(till: Desk, sale: Sale) -> None:
    type_in(till, sale.lines[0].code)
    click(till.window, "deed_exchange")
    assert is_shown(till.window, "exchange_difference")
    assert not is_shown(till.window, "pay_cash"), "nobody can pay the whole of it by mistake"
    assert not find(till.window, "exchange_confirm").isEnabled()
    for unit in OTHERS[:2]:
        till.window.sell.tap_unit(unit)
    assert text_of(till.window, "exchange_difference") == "¥880.00"
    click(till.window, "exchange_cash_0")
    assert till.till.ops(OpKind.EXCHANGE) == []
    till.server_says()
    assert len(till.till.ops(OpKind.EXCHANGE)) == 1
    assert text_of(till.window, "done_amount") == "¥20.00", "change of ¥900"
    basket = till.window.sell.state.basket
    assert basket is None or not basket.lines
    assert till.till.ops(OpKind.RELEASE) == []


def test_esc_leaves_an_exchange_and_nothing_has_changed(till: Desk, sale: Sale) -> None:
    type_in(till, sale.lines[0].code)
    click(till.window, "deed_exchange")
    till.window.sell.tap_unit(OTHERS[0])
    press(Qt.Key.Key_Escape)
    assert till.window.pages.currentWidget() is till.window.after_sale_view
    assert not is_shown(till.window, "exchange_difference")
    assert not any(isinstance(wish, RevokeWish) for wish in till.till.engine.wishes)
    click(till.window, "orders_rail_sell")
    assert is_shown(till.window, "pay_cash")


def test_f9_settles_the_exchange_and_not_the_basket(till: Desk, sale: Sale) -> None:
    type_in(till, sale.lines[0].code)
    click(till.window, "deed_exchange")
    till.window.sell.tap_unit(OTHERS[0])
    press(Qt.Key.Key_F9)
    till.server_says()
    assert len(till.till.ops(OpKind.EXCHANGE)) == 1
    assert len(till.till.ops(OpKind.SALE)) == 2


def test_a_copy_is_printed_and_counted(till: Desk, sale: Sale) -> None:
    type_in(till, sale.receipt_no)
    click(till.window, "reprint_order")
    assert text_of(till.window, "reprint_state") == "Printed 1 time"
    press(Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert text_of(till.window, "reprint_state") == "Printed 2 times"


def test_another_windows_order_shows_what_is_known_and_offers_nothing(till: Desk) -> None:
    till.till.feed.claims(SECOND, "sold", [300], ref="00000000000000c1")
    till.open_orders()
    plan = till.till.window.house(SECOND).plan
    seat = plan.seat_by_unit(300)
    assert seat is not None
    type_in(till, f"{plan.area_of(300).id} {seat.row}-{seat.label}")
    assert "Sold at another window" in text_of(till.window, "find_note")
    assert not is_shown(till.window, "deed_refund")
    type_in(till, "no such thing")
    assert "Nothing found" in text_of(till.window, "find_note")


def test_the_language_is_switched_in_the_middle_of_a_preview(till: Desk, sale: Sale) -> None:
    type_in(till, sale.receipt_no)
    click(till.window, "deed_refund")
    till.window.switch_language()
    assert text_of(till.window, "confirm_deed") == "退款 ¥2,640.00"
    till.window.switch_language()
    assert text_of(till.window, "confirm_deed") == "Pay back ¥2,640.00"


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)], ids=["small", "large"])
def test_every_key_is_large_enough_named_and_on_screen(
    till: Desk, sale: Sale, size: tuple[int, int]
) -> None:
    till.window.resize(*size)
    type_in(till, sale.receipt_no)
    steps: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: click(till.window, "deed_refund"),
        lambda: click(till.window, "confirm_deed"),
        till.server_says,
    )
    for step in steps:
        step()
        settle(till.window)
        shown = [one for one in till.window.after_sale_view.findChildren(Button) if one.isVisible()]
        assert len(shown) > 5
        for button in shown:
            assert button.accessibleName(), button.objectName()
            assert button.height() >= 40, button.objectName()
            corner = button.mapTo(till.window, button.rect().bottomRight())
            assert corner.x() < size[0], button.objectName()
            assert corner.y() < size[1], button.objectName()


def test_the_open_order_and_the_chosen_tickets_are_marked(till: Desk, sale: Sale) -> None:
    click(till.window, "order_1")
    marked = [find(till.window, f"order_{at}").isChecked() for at in range(2)]  # type: ignore[attr-defined]
    assert marked == [False, True]
    click(till.window, "ticket_0")
    chosen = [find(till.window, f"ticket_{at}").isChecked() for at in range(3)]  # type: ignore[attr-defined]
    assert chosen == [False, True, True]
    assert sale.lines


def test_what_was_paid_by_card_goes_back_to_the_card(till: Desk) -> None:
    sale = till.sell_by("card", "0042", ROW[:2])
    till.open_orders()
    type_in(till, sale.receipt_no)
    click(till.window, "deed_refund")
    assert text_of(till.window, "way_back") == "Card · no. 0042 ¥1,760.00"
    click(till.window, "confirm_deed")
    till.server_says()
    assert text_of(till.window, "done_amount") == "¥1,760.00"
    shown = [each.text() for each in till.window.after_sale_view.deeds.findChildren(QLabel)]
    assert "Back by Card · no. 0042" in shown


def test_cash_goes_back_as_cash_and_needs_no_words(till: Desk, sale: Sale) -> None:
    type_in(till, sale.receipt_no)
    click(till.window, "deed_refund")
    assert not is_shown(till.window, "way_back")
