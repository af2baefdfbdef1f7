"""What is left of the money that came with an order, read from the operations that moved it.

What goes back by a tender beyond what is left of it is booked all the same, and becomes a case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.rows import OpRow
from sync_server.heart.source import Source
from sync_server.heart.work import Work
from sync_server.store.sql import Sql
from ticketing.ids import OpId, OrderId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    Exchange,
    Refund,
    Sale,
    decode_exchange,
    decode_refund,
    decode_sale,
)
from ticketing.pay_back import Funds, funds_left, overdrawn

_SOLD_BY = (
    "SELECT p.body FROM orders o JOIN op p ON p.event_id = o.event_id AND p.node_id = o.node_id "
    "AND p.inc = o.inc AND p.seq = o.seq WHERE o.event_id = ? AND o.id = ? "
    "AND p.kind IN ('sale', 'exchange') ORDER BY p.branch"
)
GIVEN_BACK = (
    "SELECT p.op_id, p.body FROM ledger l JOIN op p ON p.event_id = l.event_id "
    "AND p.node_id = l.node_id AND p.inc = l.inc AND p.seq = l.seq AND p.branch = l.branch "
    "WHERE l.event_id = ? AND l.order_id = ? AND l.account = 'sales' AND l.amount_minor > 0 "
    "ORDER BY p.wall_ms, p.node_id, p.inc, p.seq, p.branch"
)
"""Op ids and bodies of what was given back of an order: event, order id."""


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """The orders of one event. `pending` are operations of this very batch, not written yet."""

    sql: Sql
    stream: str
    pending: Sequence[OpRow] = ()

    def order(self, order_id: OrderId) -> Sale | Exchange | None:
        """What sold it; None when nobody can read that here."""
        bodies = [row[0] for row in self.sql.rows(_SOLD_BY, self.stream, order_id)]
        sold = (OpKind.SALE, OpKind.EXCHANGE)
        bodies += [each.body for each in self.pending if each.kind in sold]
        found = (_read_order(body) for body in bodies if order_id in body)
        return next((one for one in found if one and one.order_id == order_id), None)

    def given_back(self, order_id: OrderId) -> list[tuple[OpId, Refund | Exchange]]:
        """What was done with its tickets, and by which operations, the oldest first."""
        rows = self.sql.rows(GIVEN_BACK, self.stream, order_id)
        known = [(OpId(op_id), _read_return(body, order_id)) for op_id, body in rows]
        known += [
            (OpId(each.op_id), _read_return(each.body, order_id))
            for each in self.pending
            if each.kind in (OpKind.REFUND, OpKind.EXCHANGE)
            and each.verdict != "deferred"
            and order_id in each.body
        ]
        return [(op_id, told) for op_id, told in known if told is not None]

    def left(self, order: Sale | Exchange) -> Funds:
        """What is left of the money that came with it."""
        return funds_left(
            order, self.order, lambda order_id: [one for _id, one in self.given_back(order_id)]
        )


def check_paid_back(work: Work, source: Source, op: Op, money: Refund | Exchange) -> None:
    """Open a case when more goes back by a tender than ever came in by it for the order.

    Called before the operation is booked. Of an order that is not known nothing can be said.
    """
    paid_with = money.of_order if isinstance(money, Exchange) else money.order_id
    books = OrderMoney(work.sql, work.stream, work.ops)
    order = books.order(paid_with)
    found = overdrawn(books.left(order), money) if order is not None else ()
    if not found:
        return
    body = {
        "order": paid_with,
        "op": op.op_id,
        "node": source.node_id,
        "currency": money.currency,
        "tenders": [
            {"tender": tender, "back": back, "left": max(0, left)} for tender, back, left in found
        ],
    }
    open_case(work, CaseKind.PAID_BACK, op.op_id, body)


def _read_order(body: str) -> Sale | Exchange | None:
    return decode_sale(body) or decode_exchange(body)


def _read_return(body: str, order_id: str) -> Refund | Exchange | None:
    refund = decode_refund(body)
    if refund is not None:
        return refund if refund.order_id == order_id else None
    exchange = decode_exchange(body)
    return exchange if exchange is not None and exchange.of_order == order_id else None
