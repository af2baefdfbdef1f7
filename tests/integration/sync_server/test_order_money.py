"""Money goes back by what it came by: what is left of it, and the case when that is overdrawn."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sync_server.heart.order_money import GIVEN_BACK, OrderMoney
from sync_server.services.orders import read_order
from sync_server.store.sql import Sql
from tests.integration.sync_server.stage import EVENT, Stage, Till
from ticketing.ids import OrderId
from ticketing.journal import OpKind
from ticketing.operations import (
    CASH,
    CashLeg,
    Exchange,
    ExchangeAction,
    HandLeg,
    Refund,
    RefundAction,
    Sale,
    encode_exchange,
    encode_refund,
)

PRICE = 50_000


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


@pytest.fixture
def sale(till: Till) -> Sale:
    """Two tickets of 500: 600 by card, 400 in cash."""
    grant = till.borrow(1, 2, 3, 4)
    lines = tuple(till.line(unit, grant.id, price_minor=PRICE) for unit in (1, 2))
    legs = (HandLeg("card", 60_000, "0042"),)
    return till.say_sale(till.sale(*lines, legs=legs, cash=CashLeg(40_000, 40_000)))


def refund(till: Till, sale: Sale, at: int, *legs: HandLeg, worth: int = PRICE) -> None:
    cash = worth - sum(leg.amount_minor for leg in legs)
    ticket = (sale.lines[at].ticket_id,)
    told = Refund(
        sale.order_id, RefundAction.REFUND, ticket, cash, 0, "CNY", "li.na", "asked", legs=legs
    )
    till.say(OpKind.REFUND, encode_refund(told))


def exchange(till: Till, sale: Sale, unit: int, paid: int, *legs: HandLeg) -> Exchange:
    """The first ticket for another place."""
    line = till.line(unit, sale.lines[0].allotment, price_minor=PRICE + paid)
    number = till.stage.mint()
    order_id, receipt = OrderId(f"{number:016x}"), f"A1-{number:06d}"
    made = Exchange(
        (sale.lines[0].ticket_id,),
        sale.order_id,
        ExchangeAction.EXCHANGE,
        order_id,
        receipt,
        "li.na",
        "CNY",
        7,
        (line,),
        PRICE,
        0,
        paid,
        0,
        legs=legs,
    )
    till.say(OpKind.EXCHANGE, encode_exchange(made))
    return made


def told(stage: Stage) -> list[dict[str, Any]]:
    found = stage.rows("SELECT body FROM case_file WHERE kind = 'paid_back' ORDER BY id")
    return [each for row in found for each in json.loads(row.body)["tenders"]]


def left(stage: Stage, order_id: OrderId) -> list[tuple[str, int]]:
    def read(work: Any) -> list[tuple[str, int]]:
        books = OrderMoney(work.sql, EVENT)
        order = books.order(order_id)
        assert order is not None
        return [(fund.tender, fund.amount_minor) for fund in books.left(order)]

    return stage.work(read)


def ledger(stage: Stage, account: str) -> int:
    like = f"{account}:%"
    found = stage.one("SELECT sum(amount_minor) FROM ledger WHERE account LIKE :like", like=like)
    return int(found)


@pytest.fixture(params=["in one batch", "one by one"])
def each(request: pytest.FixtureRequest, till: Till) -> Any:
    """Called after each operation: they may come together or apart."""
    return till.push if request.param == "one by one" else lambda: None


def test_what_goes_back_by_the_tenders_it_came_by_is_no_case(
    stage: Stage, till: Till, sale: Sale, each: Any
) -> None:
    each()
    refund(till, sale, 0, HandLeg("card", 10_000, "0042"))
    each()
    refund(till, sale, 1, HandLeg("card", 50_000, "0042"))
    till.push()
    assert stage.cases() == []
    assert left(stage, sale.order_id) == []


def test_more_by_a_tender_than_came_by_it_is_booked_and_a_case(
    stage: Stage, till: Till, sale: Sale, each: Any
) -> None:
    each()
    refund(till, sale, 0, HandLeg("card", 50_000))
    each()
    refund(till, sale, 1, HandLeg("card", 50_000))
    till.push()
    assert told(stage) == [{"tender": "card", "back": 50_000, "left": 10_000}]
    assert ledger(stage, "tender:card") == 60_000 - 100_000, "the money is gone all the same"
    [case] = stage.rows("SELECT body FROM case_file WHERE kind = 'paid_back'")
    assert json.loads(case.body)["order"] == sale.order_id


def test_a_tender_that_never_paid_is_a_case(stage: Stage, till: Till, sale: Sale) -> None:
    refund(till, sale, 0, HandLeg("wallet", 1_000))
    till.push()
    assert told(stage) == [{"tender": "wallet", "back": 1_000, "left": 0}]


def test_cash_may_stand_in_for_a_tender_and_not_for_more_than_all_that_came(
    stage: Stage, till: Till, sale: Sale
) -> None:
    refund(till, sale, 0)
    refund(till, sale, 1)
    till.push()
    assert told(stage) == []
    refund(till, sale, 1, worth=1_000)
    till.push()
    assert told(stage) == [{"tender": CASH, "back": 1_000, "left": 0}]


def test_another_tills_refunds_count_too(stage: Stage, till: Till, sale: Sale) -> None:
    till.push()
    other = stage.till("Window 2")
    refund(other, sale, 0, HandLeg("card", 50_000))
    other.push()
    refund(till, sale, 1, HandLeg("card", 50_000))
    till.push()
    assert told(stage) == [{"tender": "card", "back": 50_000, "left": 10_000}]


def test_an_exchange_takes_its_money_along(stage: Stage, till: Till, sale: Sale, each: Any) -> None:
    """Of 600 by card and 400 in cash the newest 500 go over: the cash, and 100 of the card."""
    each()
    made = exchange(till, sale, 3, 20_000, HandLeg("wallet", 20_000))
    each()
    swapped = replace(sale, order_id=made.order_id, lines=made.lines)
    back = HandLeg("wallet", 20_000), HandLeg("card", 10_000, "0042")
    refund(till, swapped, 0, *back, worth=70_000)
    each()
    refund(till, sale, 1, HandLeg("card", 50_000))
    till.push()
    assert told(stage) == []
    refund(till, sale, 1, HandLeg("card", 1))
    till.push()
    assert [each["tender"] for each in told(stage)] == ["card", CASH]


def test_an_exchange_that_pays_out_by_another_tender_is_a_case(
    stage: Stage, till: Till, sale: Sale
) -> None:
    exchange(till, sale, 3, -10_000, HandLeg("wallet", 10_000))
    till.push()
    assert told(stage) == [{"tender": "wallet", "back": 10_000, "left": 0}]


def test_a_till_that_asks_is_told_what_is_left_and_by_which_operations(
    stage: Stage, till: Till, sale: Sale
) -> None:
    refund(till, sale, 0, HandLeg("card", 10_000, "0042"))
    till.push()
    found = stage.do(lambda tx: read_order(tx.connection, EVENT, sale.order_id, ""))
    assert found is not None
    assert [(one.tender, one.amount_minor, one.reference) for one in found.left] == [
        ("card", 50_000, "0042")
    ]
    [op] = stage.rows("SELECT op_id FROM op WHERE kind = 'refund'")
    assert found.counted == (op.op_id,)


def test_of_an_order_that_nobody_knows_nothing_is_said(
    stage: Stage, till: Till, sale: Sale
) -> None:
    unknown = replace(sale, order_id=OrderId("00000000000000ee"))
    refund(till, unknown, 0, HandLeg("card", 50_000))
    till.push()
    assert told(stage) == []


def test_what_was_given_back_is_found_without_reading_the_ledger(
    stage: Stage, till: Till, sale: Sale
) -> None:
    till.push()

    def plan(sql: Sql) -> str:
        if not sql.is_sqlite:
            sql.run("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN " if sql.is_sqlite else "EXPLAIN "
        rows = sql.rows(explain + GIVEN_BACK, EVENT, sale.order_id)
        return " ".join(str(tuple(row)) for row in rows)

    assert "ledger_back" in stage.work(lambda work: plan(work.sql))
