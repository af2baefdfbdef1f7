"""A till's window over real services and files, with a server that answers when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from PySide6.QtCore import QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from edge.handing import read_told_order
from edge.protocol import revoke
from edge.sync import RevokeWish
from pos_app.services.model import Sold
from pos_app.services.tender_model import Payment
from pos_app.ui.theme import dressed_at_once
from pos_app.ui.window import TillWindow
from tests.fakes.hall import EVENT_ID, ROW, SECOND, SetEnv, event_row
from tests.fakes.runner import run_now
from tests.gui.measuring import measured_once
from tests.gui.robot import click, settle
from tests.integration.pos_app.window_stage import CASHIER, PIN, Stage
from ticketing.journal import OpKind
from ticketing.operations import HandLeg, Sale, decode_sale, encode_sale

GATE = "00000000000000aa"
OTHERS = (200, 201, 202, 203)
"""Seats of a cheaper tier, lent to this window too."""


@dataclass
class Desk:
    """A window with somebody signed in, and hands for the server."""

    till: Stage
    window: TillWindow
    sales: list[Sale] = field(default_factory=list)

    def sell(self, units: Sequence[int], performance: int = SECOND) -> Sale:
        """Sell places that were lent, as the services do it."""
        basket = self.till.basket(units, performance)
        sold = self.till.window.pay_cash(basket, basket.total_minor)
        assert isinstance(sold, Sold), sold
        found = [decode_sale(op.body) for op in self.till.ops(OpKind.SALE)]
        sale = next(one for one in found if one and one.order_id == sold.order_id)
        self.sales.append(sale)
        return sale

    def sell_by(self, tender_id: str, reference: str, units: Sequence[int]) -> Sale:
        """The same, paid by a tender that is recorded by hand."""
        basket = self.till.basket(units, SECOND)
        legs = (HandLeg(tender_id, basket.total_minor, reference),)
        sold = self.till.window.pay(basket, Payment(legs=legs))
        assert isinstance(sold, Sold), sold
        found = [decode_sale(op.body) for op in self.till.ops(OpKind.SALE)]
        sale = next(one for one in found if one and one.order_id == sold.order_id)
        self.sales.append(sale)
        return sale

    def server_says(self, code: str = "") -> None:
        """Answer the last question: yes, or no with a code."""
        replica = self.till.replica
        wishes = list(cast("list[object]", self.till.engine.wishes))
        wish = next(one for one in reversed(wishes) if isinstance(one, RevokeWish))
        with replica.reading() as connection:
            planned = revoke.find_revocation(connection, wish.op_id)
        assert planned is not None
        if code:
            replica.transact(lambda unit: revoke.on_revoke_refused(unit, planned, code))
        else:
            rows = [{"id": ticket, "state": "void"} for ticket in planned.ticket_ids]
            replica.transact(lambda unit: revoke.on_revoke(unit, planned, {"tickets": rows}))
        wish.then(code or "revoked")

    def server_tells_of(self, sale: Sale, entered: Mapping[int, int]) -> None:
        """Answer the question about an order: who went in on which of its tickets, seconds ago."""
        now_ms = self.till.env.wall_ms()
        in_ms = {at: now_ms - ago_s * 1000 for at, ago_s in entered.items()}
        tickets = [
            {
                "id": line.ticket_id, "state": "valid", "p": line.performance, "u": line.unit,
                "v": line.version, "blocked": "", "in_ms": in_ms.get(at, 0),
                "moves": [["ab" * 16, GATE, "A1", "passed", in_ms[at]]] if at in in_ms else [],
            }
            for at, line in enumerate(sale.lines)
        ]  # fmt: skip
        reply = {"node": self.till.node_id, "body": encode_sale(sale), "tickets": tickets}
        told = read_told_order(EVENT_ID, {**reply, "at_ms": now_ms, "turn": 0})
        self.till.engine.calls[-1].then(told)
        settle(self.window)

    def open_orders(self) -> None:
        """Go to the orders by the rail."""
        click(self.window, "rail_orders")
        settle(self.window)


def open_on(till: Stage, size: tuple[int, int] = (1366, 768)) -> TillWindow:
    """The window over a stage's services, signed in, with the second performance open."""
    with measured_once(f"open {size}"):
        with dressed_at_once():
            window = TillWindow(till.window, run_now, run_now, lambda: till.env.now)
        till.window.subscribe(window.on_news)
        window.resize(*size)
        window.show()
        window.activateWindow()
        QTest.qWaitForWindowActive(window)
        window.start()
        click(window, f"sign_in_{CASHIER}")
        for digit in PIN:
            click(window, f"pin_key_{digit}")
        click(window, "sign_in_submit")
        click(window, f"performance_{SECOND}")
        settle(window)
    return window


def take_down(window: TillWindow) -> None:
    """Close a window for good: one that stays open keeps the program from ending."""
    with measured_once("close"):
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@contextmanager
def desk(
    folder: Path,
    size: tuple[int, int] = (1366, 768),
    refund_rules: Mapping[str, object] | None = None,
) -> Iterator[Desk]:
    """A window online, with places lent to sell and to swap for."""
    with measured_once("stage"):
        till = Stage(folder, SetEnv())
    with closing(till):
        with measured_once("stock"):
            if refund_rules is not None:
                document = json.loads(json.dumps(event_row()[1]))
                document["event"]["refund_rules"] = refund_rules
                till.feed.open_house(document)
            till.sign_in()
            till.lend((*ROW, *OTHERS), SECOND)
            till.go_online()
        window = open_on(till, size)
        made = Desk(till, window)
        try:
            yield made
        finally:
            take_down(made.window)


__all__ = ["EVENT_ID", "OTHERS", "ROW", "SECOND", "Desk", "desk", "open_on", "take_down"]
