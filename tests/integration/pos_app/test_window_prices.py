"""Prices from the till's basket to the centre's books: real files on both sides, no wire between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.allotments import Grant
from edge.giving_back import all_shares_left
from edge.id_mint import IdMint
from edge.journal import heads, unacked
from edge.sync import Wish
from pos_app.services.basket import (
    Basket,
    BasketLine,
    add_unit,
    change_ticket_type,
    empty_basket,
    give_by_hand,
    reprice,
)
from pos_app.services.model import Person, SaleRefusal, SaleRefused, SignInRefused, Sold
from pos_app.services.people import role_of
from pos_app.services.sales import Seller, UnitsGone, sell
from pos_app.services.tender_model import in_cash
from sync_server.heart.intake import Batch, Push, Taken
from sync_server.heart.lending import Acquire, Lend
from sync_server.heart.lending import Grant as Lent
from sync_server.heart.source import NodeRole, Source
from sync_server.services.catalogue import NotStored, store_catalogue
from sync_server.store.database import create_schema, open_engine
from tests.fakes.hall import EVENT_ID, FIRST, GENERATION, ROW, STANDING
from tests.fakes.till import NOW, sample_catalogue
from tests.integration.pos_app.window_stage import CASHIER, PIN, VERIFIER, Stage
from tests.integration.sync_server.stage import Stage as Centre
from ticketing.event import Event
from ticketing.ids import NodeId
from ticketing.operations import Sale, SaleLine, decode_sale
from ticketing.pricing import Approval, AsHouse, Context, Discounted, PercentOff, Role

EARLY = 4
"""The performance of the sample that has an early bird."""
SUPERVISOR = "wang.fang"
OTHER = "00000000000000bb"


@dataclass
class House:
    """A centre, and a window that it lends to."""

    centre: Centre
    till: Stage

    @property
    def event(self) -> Event:
        return self.till.window.house(FIRST).event

    def lend(self, wish: Wish, node_id: str = "", tills: int = 1) -> Lent | str:
        """What the centre answers to a wish."""
        source = Source(NodeId(node_id or self.till.node_id), NodeRole.TILL, 1, EVENT_ID)
        want = Acquire(
            wish.req, wish.performance, wish.units, wish.count, wish.firm, tuple(wish.counts)
        )
        answer = self.centre.take(Lend(source, want, tills=tills))
        return answer if isinstance(answer, Lent) else str(answer)

    def answer_wishes(self, tills: int = 1) -> None:
        """The server answers everything that the window asked for."""
        while self.till.engine.wishes:
            wish = self.till.engine.wishes.pop(0)
            lent = self.lend(wish, tills=tills)
            if isinstance(lent, str):
                self.till.answer(wish, lent)
                continue
            counts = tuple(sorted(lent.counts.items()))
            grant = Grant(lent.id, lent.performance, lent.firm, str(lent.state), lent.units, counts)
            self.till.answer(wish, grant)

    def priced(self, basket: Basket) -> Basket:
        """The basket as the window's presenter prices it."""
        window = self.till.window
        lots: dict[tuple[int, int], str] = {}
        shares: dict[tuple[str, str], int] = {}
        for number in {line.performance for line in basket.lines}:
            seen = window.availability(number)
            lots |= {(number, unit): lot for unit, lot in seen.lots.items()}
            shares |= seen.shares
        lines = tuple(
            replace(line, allotment=lots.get((line.performance, line.unit), ""))
            for line in basket.lines
        )
        person = window.signed_in
        context = Context(window.now(), role_of(person), person.id if person else "", shares)
        return reprice(replace(basket, lines=lines), self.event, context)

    def basket(self, *units: int, performance: int = FIRST) -> Basket:
        basket = empty_basket(self.event)
        for unit in units:
            basket = add_unit(basket, self.event, performance, unit)
        return self.priced(basket)

    def pay(self, basket: Basket) -> Sold | SaleRefused:
        return self.till.window.pay_cash(basket, basket.total_minor)

    def push(self) -> list[str]:
        """The journal goes to the centre; the verdicts."""
        source = Source(NodeId(self.till.node_id), NodeRole.TILL, 1, EVENT_ID)
        with self.till.replica.reading() as connection:
            head = next(each for each in heads(connection) if each.stream == EVENT_ID)
            prev, ops = unacked(connection, head, ops_max=500, bytes_max=10**7)
        taken = self.centre.take(Push(source, Batch(ops[0].seq, prev, tuple(ops))))
        assert isinstance(taken, Taken), taken
        self.till.acknowledge_all()
        return [str(op.verdict) for op in taken.ops]

    def sales(self) -> list[Sale]:
        """What the window's journal has."""
        with self.till.replica.reading() as connection:
            rows = connection.execute("SELECT body FROM op WHERE kind = 'sale' ORDER BY rowid")
            return [sale for row in rows if (sale := decode_sale(row["body"])) is not None]

    def pool(self, pool_id: str) -> tuple[int, int, int]:
        """(free, lent, spent) at the centre."""
        ((free, lent, spent),) = self.centre.rows(
            "SELECT free, lent, spent FROM pool WHERE id = :p", p=pool_id
        )
        return free, lent, spent

    def shares(self, pool_id: str) -> int:
        """What the window has left of a pool."""
        with self.till.replica.reading() as connection:
            left = all_shares_left(connection, EVENT_ID)
        return sum(count for (_lot, pool), count in left.items() if pool == pool_id)


@pytest.fixture
def house(till: Stage, tmp_path: Path) -> Iterator[House]:
    till.feed.person(SUPERVISOR, VERIFIER, role="supervisor")
    till.go_online()
    engine = open_engine(f"sqlite:///{tmp_path / 'centre.sqlite3'}")
    create_schema(engine)
    centre = Centre(engine, now=NOW)

    def found(tx: Any) -> None:
        stored = store_catalogue(tx, sample_catalogue())
        assert not isinstance(stored, NotStored), stored
        tx.run(
            "INSERT INTO generation (id, short, started_ms, reason) VALUES ('g', :s, 1, 'init')",
            s=GENERATION,
        )

    centre.do(found)
    with closing(_Disposing(engine)):
        yield House(centre, till)


@dataclass
class _Disposing:
    engine: Any

    def close(self) -> None:
        self.engine.dispose()


def reasons(line: SaleLine) -> tuple[str, int, int, int]:
    return line.rule, line.price_minor, line.list_minor, line.package


def test_the_early_bird_is_sold_and_the_centre_agrees(house: House) -> None:
    house.till.window.ask_for(EARLY, ROW[:1])
    house.answer_wishes()
    basket = house.basket(ROW[0], performance=EARLY)
    assert basket.total_minor == 74_800
    assert isinstance(house.pay(basket), Sold)
    [sale] = house.sales()
    assert reasons(sale.lines[0]) == ("early-bird", 74_800, 88_000, 0)
    assert house.push() == ["ok"]
    assert house.centre.cases() == []


def test_a_rule_that_ends_between_basket_and_payment_is_noticed(house: House) -> None:
    house.till.window.ask_for(EARLY, ROW[:1])
    house.answer_wishes()
    basket = house.basket(ROW[0], performance=EARLY)
    house.till.env.pass_s(timedelta(days=2).total_seconds())
    assert house.pay(basket) == SaleRefused(SaleRefusal.PRICE_CHANGED, (ROW[0],))
    assert house.sales() == []
    again = house.priced(basket)
    assert again.total_minor == 88_000
    assert isinstance(house.pay(again), Sold)


def test_a_family_is_found_split_and_booked_as_one_package(house: House) -> None:
    house.till.window.ask_for(FIRST, ROW[:4])
    house.answer_wishes()
    basket = house.basket(*ROW[:4])
    for unit in ROW[2:4]:
        basket = change_ticket_type(basket, house.event, FIRST, unit, "child")
    basket = house.priced(basket)
    assert basket.saving_minor == 52_800
    sold = house.pay(basket)
    assert isinstance(sold, Sold)
    assert sold.total_minor == 211_200
    [sale] = house.sales()
    assert [reasons(line) for line in sale.lines] == [
        ("family", 70_400, 88_000, 1),
        ("family", 70_400, 88_000, 1),
        ("family", 35_200, 44_000, 1),
        ("family", 35_200, 44_000, 1),
    ]
    assert house.push() == ["ok"]
    assert house.centre.cases() == []


def test_a_refill_brings_shares_and_each_ticket_at_the_step_spends_one(house: House) -> None:
    house.till.window.stock(FIRST)
    house.answer_wishes(tills=2)
    assert house.pool("first-standing") == (10, 10, 0)
    assert house.pool("press-seats") == (6, 6, 0)
    mine = [unit for unit in house.till.window.availability(FIRST).lots if unit >= STANDING]
    basket = house.basket(*mine[:12])
    rules = [line.rule for line in basket.lines]
    assert (rules.count("first-standing"), rules.count("list")) == (10, 2)
    assert isinstance(house.pay(basket), Sold)
    assert house.shares("first-standing") == 0
    assert house.push() == ["ok"]
    assert house.pool("first-standing") == (10, 0, 10)
    assert house.centre.cases() == []


def test_a_step_that_another_till_used_up_leaves_the_list_price(house: House) -> None:
    other = Wish(EVENT_ID, "b" * 32, FIRST, print, (STANDING,), counts=(("first-standing", 20),))
    assert isinstance(house.lend(other, OTHER), Lent)
    house.till.window.ask_for(FIRST, [STANDING + 1])
    house.answer_wishes()
    basket = house.basket(STANDING + 1)
    assert [line.rule for line in basket.lines] == ["list"]
    assert isinstance(house.pay(basket), Sold)
    assert house.push() == ["ok"]
    assert house.centre.cases() == []
    assert house.pool("first-standing") == (0, 20, 0)


def test_a_share_that_was_spent_meanwhile_sells_nothing(house: House) -> None:
    house.till.window.ask_for(FIRST, [STANDING, STANDING + 1])
    house.answer_wishes()
    one, two = house.basket(STANDING), house.basket(STANDING + 1)
    with_both = house.basket(STANDING, STANDING + 1)
    assert [line.rule for line in with_both.lines] == ["first-standing"] * 2
    house.till.replica.transact(
        lambda unit: unit.execute("UPDATE allot_count SET spent = granted - 1")
    )
    assert isinstance(house.pay(one), Sold)
    assert house.pay(two) == SaleRefused(SaleRefusal.PRICE_CHANGED, (STANDING + 1,))
    assert len(house.sales()) == 1
    assert isinstance(house.pay(house.priced(two)), Sold)


@pytest.mark.parametrize("changed", ["the share was spent", "the unit was lent anew"])
def test_what_changes_after_the_last_look_rolls_the_sale_back(house: House, changed: str) -> None:
    house.till.window.ask_for(FIRST, [STANDING])
    house.answer_wishes()
    basket = house.basket(STANDING)
    if changed == "the share was spent":
        spent = "UPDATE allot_count SET spent = granted"
        house.till.replica.transact(lambda unit: unit.execute(spent))
    else:
        line = replace(basket.lines[0], allotment=f"{GENERATION}-99")
        basket = replace(basket, lines=(line,))
    with pytest.raises(UnitsGone) as gone:
        house.till.replica.transact(lambda unit: _sell(unit, house, basket))
    assert gone.value.reason is SaleRefusal.PRICE_CHANGED
    assert house.sales() == []
    assert STANDING in house.till.window.availability(FIRST).lots


def test_shares_go_back_with_the_last_unit_that_could_spend_them(house: House) -> None:
    house.till.window.ask_for(FIRST, [STANDING])
    house.answer_wishes()
    basket = house.basket(STANDING)
    house.till.replica.transact(
        lambda unit: unit.execute("UPDATE allot_count SET granted = 2 WHERE pool <> ''")
    )
    assert isinstance(house.pay(basket), Sold)
    assert house.shares("first-standing") == 0
    with house.till.replica.reading() as connection:
        kinds = [row["kind"] for row in connection.execute("SELECT kind FROM op ORDER BY rowid")]
    assert kinds[-2:] == ["sale", "release"]


def test_a_house_ticket_needs_a_share_of_its_quota(house: House) -> None:
    house.till.window.ask_for(FIRST, ROW[:1])  # for single places no quota is lent
    house.answer_wishes()
    given = AsHouse("press", Approval(SUPERVISOR, Role.SUPERVISOR))
    basket = house.priced(give_by_hand(house.basket(ROW[0]), FIRST, ROW[0], given))
    assert house.pay(basket) == SaleRefused(SaleRefusal.PRICE_OPEN)
    house.till.window.stock(FIRST)
    house.answer_wishes()
    lots = house.till.window.availability(FIRST)
    unit = next(unit for unit, lot in lots.lots.items() if (lot, "press-seats") in lots.shares)
    basket = house.priced(give_by_hand(house.basket(unit), FIRST, unit, given))
    assert basket.total_minor == 0
    assert isinstance(house.pay(basket), Sold)
    assert house.push() == ["ok"]
    assert house.pool("press-seats") == (0, 11, 1)
    assert house.centre.cases() == []


def test_a_discount_needs_its_approval_and_names_who_gave_it(house: House) -> None:
    window = house.till.window
    window.ask_for(FIRST, ROW[:1])
    house.answer_wishes()
    asked = Discounted("goodwill", PercentOff(1_500))
    basket = house.priced(give_by_hand(house.basket(ROW[0]), FIRST, ROW[0], asked))
    assert house.pay(basket) == SaleRefused(SaleRefusal.PRICE_OPEN)
    assert isinstance(window.approve(SUPERVISOR, "000000"), SignInRefused)
    person = window.approve(SUPERVISOR, PIN)
    assert isinstance(person, Person)
    assert window.signed_in is not None
    assert window.signed_in.id == CASHIER
    allowed = replace(asked, approval=Approval(person.id, role_of(person)))
    basket = house.priced(give_by_hand(basket, FIRST, ROW[0], allowed))
    assert isinstance(house.pay(basket), Sold)
    [sale] = house.sales()
    [line] = sale.lines
    assert (line.discount, line.off_minor, line.approved_by) == ("goodwill", 13_200, SUPERVISOR)
    assert house.push() == ["ok"]
    assert house.centre.cases() == []


def test_a_price_that_no_rule_explains_is_a_case_at_the_centre(house: House) -> None:
    house.till.window.ask_for(FIRST, ROW[:1])
    house.answer_wishes()
    [line] = house.basket(ROW[0]).lines
    house.till.replica.transact(
        lambda unit: _sell_as(unit, house, replace(line, price_minor=1, rule="no-such-rule"))
    )
    assert house.push() == ["ok"]
    [row] = house.centre.rows("SELECT kind, body FROM case_file")
    assert row.kind == "price"
    [told] = json.loads(row.body)["lines"]
    assert (told["why"], told["paid"], told["list"]) == ("unknown_rule", 1, 88_000)


def _sell_as(unit: Any, house: House, line: BasketLine) -> None:
    """A till that asks nobody for its prices."""
    _sell(unit, house, Basket(EVENT_ID, "CNY", 1, (replace(line, priced=None),)))


def _sell(unit: Any, house: House, basket: Basket) -> None:
    seller = Seller(house.till.env, IdMint(house.till.env), house.till.key, CASHIER, "AA")
    sell(unit, seller, house.event, basket, in_cash(basket.total_minor))
