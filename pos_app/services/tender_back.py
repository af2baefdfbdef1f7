"""By which tenders a till pays back: read from what it recorded of the order, and nothing else.

Of another window's order the server tells what is left of its money; without its word, one that
was touched elsewhere goes back in cash.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from edge.env import Env
from edge.handing import ToldOrder
from edge.journal import Unit
from edge.returns import read_order
from pos_app.services import tender_legs
from pos_app.services.after_sale_model import TicketStanding
from ticketing.cash_rounding import round_cash
from ticketing.event import Venue
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import (
    CASH,
    Exchange,
    HandLeg,
    Refund,
    Sale,
    decode_exchange,
    decode_refund,
)
from ticketing.pay_back import Funds, after, funds_left, funds_of, way_back

_DEAD: Final = (TicketStanding.VOID, TicketStanding.ASKED)


class ForeignOrder(Protocol):
    """An order of another window, and how its tickets stand."""

    @property
    def order(self) -> Sale | Exchange:
        """As it was recorded."""

    @property
    def states(self) -> Mapping[TicketId, TicketStanding]:
        """As far as that is known here."""


@dataclass(frozen=True, slots=True)
class PaidBack:
    """How an amount goes back: `legs` by hand, the rest in cash, where coins make it.

    `rounding_minor` is what the drawer gains by that, as in Refund.
    """

    legs: tuple[HandLeg, ...]
    cash_minor: int
    rounding_minor: int


def paid_back(funds: Funds, amount_minor: int, venue: Venue) -> PaidBack:
    """How `amount_minor` goes back to the buyer."""
    refundable = {tender.id for tender in venue.tenders if tender.refunds}
    way = way_back(funds, amount_minor, refundable)
    rounded = round_cash(way.cash_minor, venue.cash_unit_minor)
    return PaidBack(way.legs, rounded.cash_minor, -rounded.rounding_minor)


def funds(connection: sqlite3.Connection, stream: str, order: Sale | Exchange) -> Funds:
    """What is left of the money that came with an order of this window, the newest first."""

    def find(order_id: OrderId) -> Sale | Exchange | None:
        row = connection.execute(
            "SELECT body FROM orders WHERE stream = ? AND id = ?", (stream, order_id)
        ).fetchone()
        return read_order(row["body"]) if row is not None else None

    return funds_left(order, find, partial(_later_of, connection, stream))


def _later_of(
    connection: sqlite3.Connection, stream: str, order_id: OrderId
) -> list[Refund | Exchange]:
    return [operation for _op_id, operation in later(connection, stream, order_id)]


def funds_elsewhere(
    connection: sqlite3.Connection, stream: str, order: ForeignOrder, told: ToldOrder | None
) -> Funds:
    """The same of another window's order: as the server told, and what was done here since.

    Where it told nothing, and a ticket is dead by another window's hand, nobody here knows what is
    left: then all of it goes back in cash.
    """
    done = later(connection, stream, order.order.order_id)
    if told is not None and told.left is not None:
        left = told.left
        for op_id, operation in done:
            if op_id not in told.counted:
                left, _moved = after(left, operation)
        return left
    here = {ticket for _op_id, operation in done for ticket in _returned(operation)}
    dead = {ticket for ticket, standing in order.states.items() if standing in _DEAD}
    if isinstance(order.order, Exchange) or not dead <= here:
        return ()
    left = funds_of(order.order)
    for _op_id, operation in done:
        left, _moved = after(left, operation)
    return left


def _returned(operation: Refund | Exchange) -> tuple[TicketId, ...]:
    return operation.ticket_ids if isinstance(operation, Refund) else operation.returned


def note_paid_back(unit: Unit, env: Env, stream: str, money: Refund | Exchange) -> None:
    """Write the legs down, in the transaction that records the operation.

    What an exchange pays out belongs to the order that it came with.
    """
    order_id, currency = money.order_id, money.currency
    taken = isinstance(money, Exchange) and money.paid_minor > 0
    cash = money.cash_minor if isinstance(money, Refund) or taken else -money.cash_minor
    legs = (*money.legs, *((HandLeg(CASH, cash),) if cash else ()))
    if not taken:
        paid_with = money.of_order if isinstance(money, Exchange) else order_id
        tender_legs.pay_back(unit, env, stream, paid_with, currency, legs)
        return
    made = [tender_legs.begin(unit, env, stream, order_id, currency, leg).id for leg in legs]
    tender_legs.capture(unit, env, made, order_id)


def later(
    connection: sqlite3.Connection, stream: str, order_id: OrderId
) -> list[tuple[OpId, Refund | Exchange]]:
    """What was done with the order's tickets here, the oldest first."""
    rows = connection.execute(
        "SELECT op_id, kind, body FROM op WHERE stream = ? AND kind IN ('refund', 'exchange') "
        "AND instr(body, ?) ORDER BY rowid",
        (stream, order_id),
    )
    found: list[tuple[OpId, Refund | Exchange]] = []
    for row in rows:
        if row["kind"] == OpKind.REFUND:
            refund = decode_refund(row["body"])
            if refund is not None and refund.order_id == order_id:
                found.append((OpId(row["op_id"]), refund))
        else:
            exchange = decode_exchange(row["body"])
            if exchange is not None and exchange.of_order == order_id:
                found.append((OpId(row["op_id"]), exchange))
    return found
