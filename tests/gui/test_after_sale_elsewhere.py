"""On the screen: what needs an approval, whose paper it is, and who bought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from edge.handing import ToldOrder
from edge.sync import Call
from pos_app.presenters.buyer import no_buyer
from pos_app.services.buyers_model import NoBuyer
from tests.gui.after_sale_stage import ROW, SECOND, Desk, desk
from tests.gui.robot import click, find, is_shown, settle, text_of
from tests.integration.pos_app.window_stage import PIN, VERIFIER
from ticketing.ids import OrderId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import decode_refund
from ticketing.personal import data_key
from ticketing.ticket import TicketState

KEY = data_key(bytes(32), 1)
LATE = {"steps": [{"minutes_before": 90_000}]}
OTHER = "0000000000000bbb"
OTHERS_ORDER = {
    "id": "00000000000000c0", "node": OTHER, "no": "0BBB-000001", "state": "paid", "total": 1_000,
    "refunded": 0, "currency": "CNY", "by": "wang", "at_ms": 1_000,
}  # fmt: skip


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, refund_rules=LATE) as made:
        yield made


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def calls(till: Desk) -> list[Call]:
    return till.till.engine.calls


def test_a_manager_approves_on_the_card_and_stays_signed_out(late: Desk) -> None:
    late.till.feed.person("chen", VERIFIER, role="manager")
    late.sell(ROW[:1])
    late.till.acknowledge_all()
    late.open_orders()
    click(late.window, "order_0")
    assert "manager" in text_of(late.window, "deed_refund_why")
    click(late.window, "deed_refund")
    click(late.window, "confirm_deed")
    assert is_shown(late.window, "approve_title")
    QTest.keyClicks(find(late.window, "approve_page"), "000000")
    QTest.keyClick(find(late.window, "approve_page"), Qt.Key.Key_Return)
    settle(late.window)
    assert text_of(late.window, "approve_note")
    QTest.keyClicks(find(late.window, "approve_page"), PIN)
    QTest.keyClick(find(late.window, "approve_page"), Qt.Key.Key_Return)
    late.server_says()
    [op] = late.till.ops(OpKind.REFUND)
    refund = decode_refund(op.body)
    assert refund is not None
    assert (refund.by, refund.approved_by) == ("li.na", "chen")


def test_esc_leaves_the_approval_and_nothing_is_done(late: Desk) -> None:
    late.till.feed.person("chen", VERIFIER, role="manager")
    late.sell(ROW[:1])
    late.open_orders()
    click(late.window, "order_0")
    late.till.acknowledge_all()
    click(late.window, "deed_refund")
    click(late.window, "confirm_deed")
    assert late.window.after_sale.back()
    assert not is_shown(late.window, "approve_title")
    assert late.till.ops(OpKind.REFUND) == []


def told_order(till: Desk) -> ToldOrder:
    """One of another window, as the server would tell of it."""
    sale = till.sell(ROW[:2])
    return ToldOrder(
        "swan-lake",
        OTHER,
        1_000,
        sale,
        {line.ticket_id: TicketState.VALID for line in sale.lines},
        dict[TicketId, int](),
        0,
    )


def test_another_windows_order_shows_its_tickets_once_the_server_told(till: Desk) -> None:
    told = told_order(till)
    order_id = str(OTHERS_ORDER["id"])
    till.till.feed.tell("swan-lake", ("order", OTHERS_ORDER))
    till.open_orders()
    till.window.after_sale.search("0bbb-000001", SECOND)
    settle(till.window)
    assert is_shown(till.window, "hand_out")
    look = calls(till)[-1]
    look.then(replace(told, order=replace(told.order, order_id=OrderId(order_id))))
    settle(till.window)
    assert is_shown(till.window, "ticket_1")
    assert find(till.window, "deed_refund").isEnabled()
    assert not find(till.window, "deed_void").isEnabled() or text_of(till.window, "deed_void_why")
    click(till.window, "hand_out")
    assert not is_shown(till.window, "hand_out"), "asked, and not twice"


def test_picking_up_an_order_takes_its_code_and_one_key(till: Desk) -> None:
    till.till.feed.tell("swan-lake", ("order", OTHERS_ORDER))
    click(till.window, "rail_pick_up")
    assert text_of(till.window, "order_title") == "Pick up"
    assert find(till.window, "find_order").hasFocus()
    till.window.after_sale_view.show_code("0bbb-000001")
    settle(till.window)
    assert find(till.window, "hand_out").hasFocus()
    QTest.keyClick(find(till.window, "hand_out"), Qt.Key.Key_Space)
    assert not is_shown(till.window, "hand_out"), "asked for"


def test_a_buyer_is_typed_beside_the_basket_found_and_shown_masked(till: Desk) -> None:
    window = till.window
    keys = next(call for call in calls(till) if call.ask.__name__ == "_ask")
    keys.then((KEY,))
    window.sell.tap_unit(ROW[0])
    settle(window)
    click(window, "customer")
    name, phone = find(window, "buyer_name"), find(window, "buyer_phone")
    assert isinstance(name, QLineEdit)
    QTest.keyClicks(name, "Zhang San")
    QTest.keyClicks(phone, "12")
    click(window, "buyer_save")
    assert text_of(window, "buyer_refused") == no_buyer(NoBuyer.NOT_A_NAME)
    QTest.keyClicks(phone, "345678")
    QTest.keyClick(phone, Qt.Key.Key_Return)
    settle(window)
    assert not is_shown(window, "buyer_panel")
    assert window.buyers.presenter.state.along.name == "Zhang San"
    assert name.text() == "", "nothing of it stays in the field"
    window.sell.park_or_recall()
    settle(window)
    assert text_of(window, "customer") == "Buyer"
    window.sell.park_or_recall()
    settle(window)
    assert text_of(window, "customer").startswith("Z****")
    click(window, "quick_cash_0")
    window.sell.dismiss()
    till.open_orders()
    window.after_sale.search("zhangsan", SECOND)
    settle(window)
    assert text_of(window, "order_buyer").startswith("Z****")
    click(window, "order_buyer")
    assert name.text() == "Zhang San"
    assert window.buyers.presenter.close()


def test_without_the_houses_keys_the_card_says_so_and_selling_goes_on(till: Desk) -> None:
    till.window.sell.tap_unit(ROW[0])
    settle(till.window)
    click(till.window, "customer")
    assert text_of(till.window, "buyer_refused") == no_buyer(NoBuyer.NO_KEYS)
    assert not find(till.window, "buyer_save").isEnabled()
    till.window.buyers.presenter.close()
    click(till.window, "quick_cash_0")
    assert till.till.ops(OpKind.SALE)
