"""What was agreed is kept with its prices: what is read is what was written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

from edge.journal import Unit
from pos_app.services.after_sale_draft import Draft, keep, kept
from pos_app.services.basket import add_unit, empty_basket, give_by_hand, reprice
from tests.fakes.till import NOW, sample_catalogue
from ticketing.ids import OpId, OrderId
from ticketing.pricing import Approval, Context, Discounted, PercentOff, Role
from ticketing.refund_rules import Deed

EVENT = sample_catalogue().events[0]


def test_a_draft_keeps_how_its_prices_came_about() -> None:
    basket = add_unit(add_unit(empty_basket(EVENT), EVENT, 4, 152), EVENT, 4, 153)
    given = Discounted("goodwill", PercentOff(1_500), Approval("wang.fang", Role.SUPERVISOR))
    basket = reprice(give_by_hand(basket, 4, 152, given), EVENT, Context(NOW, person_id="li.na"))
    assert [line.rule for line in basket.lines] == ["early-bird"] * 2
    draft = Draft(
        Deed.EXCHANGE, EVENT.id, OrderId("00000000000000ff"), "A-1", 1, "CNY", "li.na", "", 0, 0,
        basket,
    )  # fmt: skip
    op_id = OpId("0" * 32)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT)")
        keep(Unit(connection), op_id, draft)
        read = kept(connection, op_id)
    lines = tuple(replace(line, by_hand=None) for line in basket.lines)
    assert read == replace(draft, basket=replace(basket, lines=lines, quote=None))
