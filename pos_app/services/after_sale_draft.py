"""What was agreed with the buyer before the server was asked, kept beside the question.

It stands in the journal's file under the operation's id until the operation is recorded: a program
that ends in between goes on with the same tickets, places and amounts.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, replace
from typing import Any

from edge.journal import Unit, get_meta, set_meta
from pos_app.services.basket import Basket, BasketLine
from ticketing.ids import OpId, OrderId
from ticketing.pricing import PricedLine, Step, StepKind
from ticketing.refund_rules import Deed

_KEY = "after_sale:"


@dataclass(frozen=True, slots=True)
class Draft:
    """A deed as it was agreed. `back_minor` and `fee_minor` as in Offer."""

    deed: Deed
    event_id: str
    order_id: OrderId
    receipt_no: str
    ticket_count: int
    currency: str
    by: str
    reason: str
    back_minor: int
    fee_minor: int
    basket: Basket | None = None
    tendered_minor: int = 0
    order_body: str = ""  # of another window's order, where its lines are needed again
    approved_by: str = ""
    funds: tuple[tuple[str, int, str], ...] = ()  # what came with another window's order
    tender: str = ""  # pays the whole difference; "" for cash
    asks_number: bool = False  # and is recorded under a number

    @property
    def paid_minor(self) -> int:
        """What the buyer pays; when negative, what is paid out."""
        if self.deed in (Deed.VOID, Deed.REFUND):
            return -self.back_minor
        if self.deed is Deed.REPLACEMENT:
            return self.fee_minor
        total = self.basket.total_minor if self.basket else 0
        return total + self.fee_minor - self.back_minor

    @property
    def units(self) -> frozenset[tuple[str, int, int]]:
        """(event, performance, unit) of the places that are taken instead."""
        lines = self.basket.lines if self.basket else ()
        return frozenset((self.event_id, line.performance, line.unit) for line in lines)


def keep(unit: Unit, op_id: OpId, draft: Draft) -> None:
    """Keep it, in the transaction that plans the question."""
    if draft.basket is not None:  # why the prices are so stays with the lines
        draft = replace(draft, basket=replace(draft.basket, quote=None))
    set_meta(unit, _KEY + op_id, json.dumps(asdict(draft), sort_keys=True))


def forget(unit: Unit, op_id: OpId) -> None:
    """The deed has ended."""
    unit.execute("DELETE FROM meta WHERE k = ?", (_KEY + op_id,))


def kept(connection: sqlite3.Connection, op_id: OpId) -> Draft | None:
    """What was agreed; None for a question that another program asked."""
    text = get_meta(connection, _KEY + op_id)
    return _read(json.loads(text)) if text else None


def _read(raw: dict[str, Any]) -> Draft:
    basket = raw.pop("basket")
    if basket is not None:
        lines = tuple(_line(line) for line in basket.pop("lines"))
        basket = Basket(**basket, lines=lines)
    deed, order_id = Deed(raw.pop("deed")), OrderId(raw.pop("order_id"))
    funds = tuple((tender, amount, said) for tender, amount, said in raw.pop("funds", ()))
    return Draft(deed=deed, order_id=order_id, basket=basket, funds=funds, **raw)


def _line(raw: dict[str, Any]) -> BasketLine:
    """A line with its price. What was given by hand is in that; it is not asked for again."""
    raw["by_hand"] = None
    priced = raw.get("priced")
    if priced is not None:
        steps = tuple(
            Step(StepKind(step["kind"]), step["rule_id"], step["amount_minor"])
            for step in priced.pop("steps")
        )
        raw["priced"] = PricedLine(**priced, steps=steps)
    return BasketLine(**raw)
