"""Scenes of what comes after the sale, for `tests.gui.screens`.

The real window over real services and files, at a fixed time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage

from pos_app.ui.app import prepare
from tests.gui.after_sale_stage import OTHERS, ROW, SECOND, Desk, desk
from tests.gui.robot import click, settle
from ticketing.operations import Sale

Scene = Callable[[Desk], None]
RULES = {
    "steps": [
        {"minutes_before": 2880},
        {"minutes_before": 720, "fee_percent": 10},
        {"minutes_before": 60, "fee_percent": 30},
    ],
    "minimum_fee": 1000,
}


def orders(made: Desk) -> None:
    """One order is open; somebody went in on one of its tickets."""
    first = sold(made)
    at_ms = round(made.till.env.now.timestamp() * 1000)
    made.till.feed.entry("ab" * 16, first.lines[2].ticket_id, "gate", "lane", at_ms)
    made.open_orders()
    click(made.window, "order_3")


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


AFTER_SALE_SCENES: dict[str, Scene] = {
    "orders": orders,
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
        settle(made.window)
        return made.window.grab().toImage()
