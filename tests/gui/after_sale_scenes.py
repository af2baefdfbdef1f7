"""Scenes of what comes after the sale, for `tests.gui.screens`.

The real window over real services and files, at a fixed time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtGui import QImage

from edge.handing import ToldOrder
from pos_app.ui.app import prepare
from tests.gui.after_sale_stage import EVENT_ID, OTHERS, ROW, SECOND, Desk, desk
from tests.gui.robot import click, settle
from tests.integration.pos_app.window_stage import PIN, VERIFIER
from ticketing.credential import chip_keys
from ticketing.ids import OrderId
from ticketing.operations import Sale
from ticketing.personal import Buyer, data_key, index_tokens, seal
from ticketing.ticket import TicketState

Scene = Callable[[Desk], None]
RULES = {
    "steps": [
        {"minutes_before": 2880},
        {"minutes_before": 720, "fee_percent": 10},
        {"minutes_before": 60, "fee_percent": 30},
    ],
    "minimum_fee": 1000,
    "cashier_cap": 300_000,
}
KEY = data_key(bytes(32), 1)
OTHER = "0000000000000bbb"


def orders(made: Desk) -> None:
    """One order is open; somebody went in on one of its tickets."""
    first = sold(made)
    at_ms = round(made.till.env.now.timestamp() * 1000)
    made.till.feed.entry("ab" * 16, first.lines[2].ticket_id, "gate", "lane", at_ms)
    made.open_orders()
    click(made.window, "order_3")


def at_gate(made: Desk) -> None:
    """The doors are open, and the buyer of three tickets is sent back: one of them went in."""
    performance = made.till.window.house(SECOND).event.performance(SECOND)
    assert performance is not None
    ahead = performance.doors_at - made.till.env.now
    made.till.env.pass_s(ahead.total_seconds() + 1_500)
    first = sold(made)
    made.open_orders()
    made.window.after_sale.search(first.lines[2].code, SECOND)
    settle(made.window)
    made.server_tells_of(first, {2: 1_200})


def refund(made: Desk) -> None:
    """Two tickets are about to go back, with the ladder's fee."""
    orders(made)
    click(made.window, "deed_refund")


def refunded(made: Desk) -> None:
    """The server has said yes: the amount to give out."""
    refund(made)
    click(made.window, "confirm_deed")
    made.server_says()


def refund_refused(made: Desk) -> None:
    """Somebody went in meanwhile; and an older refund was left unfinished."""
    orders(made)
    click(made.window, "deed_refund")
    click(made.window, "confirm_deed")
    click(made.window, "wait_no_longer")
    made.server_says()
    made.window.after_sale.search(made.sales[1].receipt_no, SECOND)
    click(made.window, "deed_refund")
    click(made.window, "confirm_deed")
    made.server_says("entered")


def exchange(made: Desk) -> None:
    """One ticket goes back, two come for it."""
    sold(made)
    made.open_orders()
    made.window.after_sale.search(made.sales[1].receipt_no, SECOND)
    click(made.window, "deed_exchange")
    for unit in OTHERS[:2]:
        made.window.sell.tap_unit(unit)


def approval(made: Desk) -> None:
    """A refund above the cashier's cap: a manager is about to type the PIN."""
    made.till.feed.person("陈经理", VERIFIER, role="manager")
    made.till.feed.person("吴主管", VERIFIER, role="supervisor")
    made.sell(ROW[:4])
    made.till.acknowledge_all()
    made.open_orders()
    click(made.window, "order_0")
    click(made.window, "deed_void")
    click(made.window, "confirm_deed")
    for digit in PIN[:4]:
        click(made.window, f"approve_key_{digit}")


def elsewhere(made: Desk) -> None:
    """An order of another window, found by its buyer's name: its tickets are to be handed out."""
    first = sold(made)
    have_keys(made)
    order_id = OrderId("00000000000000c0")
    nodes = {"id": OTHER, "name": "2 号窗口", "role": "till", "key": "", "key_id": "0bbb"}
    made.till.feed.tell("house", ("node", {**nodes, "signature": "", "state": "active"}))
    head = {"id": order_id, "node": OTHER, "no": "0BBB-000017", "state": "paid", "total": 264_000}
    more = {"refunded": 0, "currency": "CNY", "by": "王芳", "at_ms": made.till.env.wall_ms()}
    buyer = Buyer("张三", "13800138000")
    sealed = seal(buyer, KEY, EVENT_ID, order_id, bytes(12))
    tokens = list(index_tokens(buyer, KEY))
    row = {"order": order_id, "key": 1, "sealed": sealed, "tokens": tokens, "at_ms": 1}
    made.till.feed.tell(EVENT_ID, ("order", head | more), ("buyer", row))
    made.open_orders()
    made.window.after_sale.search("8000", SECOND)
    settle(made.window)
    told = ToldOrder(
        EVENT_ID,
        OTHER,
        made.till.env.wall_ms(),
        replace(first, order_id=order_id),
        {line.ticket_id: TicketState.VALID for line in first.lines},
        {},
        0,
    )
    made.till.engine.calls[-1].then(told)
    settle(made.window)
    click(made.window, "hand_out")


def buyer_card(made: Desk) -> None:
    """A customer's name and number, beside the basket."""
    have_keys(made)
    made.window.sell.tap_unit(ROW[0])
    settle(made.window)
    click(made.window, "customer")
    made.window.buyers.panel.name.setText("张三")
    made.window.buyers.panel.phone.setText("138 0013 8000")


def chip_card(made: Desk) -> None:
    """A wristband was bound to the first ticket of an order."""
    orders(made)
    made.till.go_online()
    made.till.engine.chip_calls[-1].then(replace(chip_keys(bytes(32)), file_master=None))
    click(made.window, "order_chip")
    made.window.find_code("04E10CDA993C80")


def have_keys(made: Desk) -> None:
    """The server has told the house's keys."""
    for call in made.till.engine.calls:
        call.then((KEY,))


AFTER_SALE_SCENES: dict[str, Scene] = {
    "deed_approval": approval,
    "elsewhere": elsewhere,
    "chips": chip_card,
    "customer": buyer_card,
    "orders": orders,
    "at_gate": at_gate,
    "refund": refund,
    "refunded": refunded,
    "refund_refused": refund_refused,
    "exchange": exchange,
}


def sold(made: Desk) -> Sale:
    """Four orders of this window, all told to the server."""
    first = made.sell(ROW[:3])
    for units in (ROW[3:4], OTHERS[2:3], OTHERS[3:4]):
        made.till.env.pass_s(240)
        made.sell(units)
    made.till.acknowledge_all()
    return first


def take_at_desk(scene: Scene, size: tuple[int, int], language: str, theme: str) -> QImage:
    """One picture: the window after the scene, on files of its own."""
    prepare(language, theme)
    with tempfile.TemporaryDirectory() as folder, desk(Path(folder), size, RULES) as made:
        scene(made)
        made.window.retranslate()  # time has passed, and no loop ran to show it
        settle(made.window)
        return made.window.grab().toImage()
