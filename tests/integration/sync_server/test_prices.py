"""Prices that rules explain, those that nothing explains, and the pools that rules spend."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_server.heart.lending import Acquire, Grant, Lend
from sync_server.services.catalogue import NotStored, Stored, store_catalogue
from tests.integration.sync_server.stage import EVENT, NOW, PERFORMANCE, Stage, Till
from tests.unit.ticketing.house import catalogue
from tests.unit.ticketing.pricing_house import kind, package, rate
from ticketing.operations import SaleLine
from ticketing.pricing import (
    DiscountReason,
    FixedPrice,
    HouseRate,
    PercentOff,
    Period,
    PoolSize,
    PriceRules,
    Role,
)
from ticketing.text import Text

NAME = Text((("zh", "规则"), ("en", "A rule")))
GOODWILL = DiscountReason("goodwill", NAME, ((Role.CASHIER, 500), (Role.SUPERVISOR, 2_000)))
RULES = PriceRules(
    pools=(PoolSize("first", 4), PoolSize("press", 2)),
    rates=(
        replace(
            rate("early", PercentOff(1_000), period=Period(None, NOW + timedelta(hours=1))),
            name=NAME,
        ),
        replace(rate("first", FixedPrice(20_000), pool="first"), name=NAME),
    ),
    packages=(replace(package("pair", PercentOff(2_000), kind(2, "adult")), name=NAME),),
    house_rates=(HouseRate("press", NAME, "press", Role.SUPERVISOR),),
    discounts=(GOODWILL,),
)
LISTED = 50_000


def import_rules(stage: Stage, rules: PriceRules = RULES) -> Stored | NotStored:
    house = catalogue()
    (event,) = house.events
    changed = replace(event, price_rules=rules)
    return stage.do(lambda tx: store_catalogue(tx, replace(house, events=(changed,))))


@pytest.fixture
def till(stage: Stage) -> Till:
    assert isinstance(import_rules(stage), Stored)
    return stage.till()


def borrow(till: Till, *units: int, counts: tuple[tuple[str, int], ...] = ()) -> Grant:
    wish = Acquire(f"{till.stage.mint():032x}", PERFORMANCE, units, counts=counts)
    grant = till.stage.take(Lend(till.source, wish))
    assert isinstance(grant, Grant), grant
    return grant


def line(till: Till, grant: Grant, unit: int, price_minor: int, **changes: Any) -> SaleLine:
    return till.line(unit, grant.id, price_minor=price_minor, list_minor=LISTED, **changes)


def told(stage: Stage) -> list[dict[str, Any]]:
    """The lines of the price cases."""
    found = stage.rows("SELECT body FROM case_file WHERE kind = 'price'")
    return [each for row in found for each in json.loads(row.body)["lines"]]


EXPLAINED = {
    "early bird": [{"price_minor": 45_000, "rule": "early"}],
    "one of the first": [{"price_minor": 20_000, "rule": "first", "pool": "first"}],
    "a package": [
        {"price_minor": 40_000, "rule": "pair", "package": 1},
        {"price_minor": 40_000, "rule": "pair", "package": 1},
    ],
    "a discount": [
        {
            "price_minor": 40_000,
            "discount": "goodwill",
            "off_minor": 10_000,
            "approved_by": "wang.fang",
        }
    ],
    "a press ticket": [
        {"price_minor": 0, "rule": "press", "pool": "press", "approved_by": "wang.fang"}
    ],
}


def sell(till: Till, lines: list[dict[str, Any]], **changes: Any) -> str:
    units = range(1, len(lines) + 1)
    grant = borrow(till, *units, counts=(("first", 1), ("press", 1)))
    made = [line(till, grant, n, **each) for n, each in zip(units, lines, strict=True)]
    sale = till.say_sale(till.sale(*made, **changes))
    assert till.push() == ["ok"]
    return sale.order_id


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_price_that_a_rule_explains_is_no_case(stage: Stage, till: Till, name: str) -> None:
    sell(till, EXPLAINED[name])
    assert stage.cases() == []
    assert [account.balanced for account in stage.books().money] == [True]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        pytest.param([{"price_minor": 44_999, "rule": "early"}], "wrong_price", id="less"),
        pytest.param([{"price_minor": 45_000, "rule": "gone"}], "unknown_rule", id="no such rule"),
        pytest.param([{"price_minor": LISTED, "rule": "gone"}], "unknown_rule", id="at the list's"),
        pytest.param([{"price_minor": 20_000, "rule": "first"}], "wrong_pool", id="no pool spent"),
        pytest.param(
            [{"price_minor": 40_000, "rule": "pair", "package": 1}],
            "broken_package",
            id="half a package",
        ),
        pytest.param(
            [{"price_minor": 30_000, "discount": "goodwill", "off_minor": 20_000}],
            "over_every_cap",
            id="more than anybody may",
        ),
        pytest.param(
            [{"price_minor": 40_000, "discount": "goodwill", "off_minor": 10_000}],
            "not_approved",
            id="nobody approved",
        ),
        pytest.param(
            [{"price_minor": 0, "rule": "press", "pool": "press"}],
            "not_approved",
            id="a press ticket that nobody approved",
        ),
        pytest.param(
            [{"price_minor": 45_000, "rule": "early", "tier_id": "b"}],
            "other_tier",
            id="the place is of another tier",
        ),
    ],
)
def test_a_price_that_nothing_explains_is_a_case_that_says_why(
    stage: Stage, till: Till, lines: list[dict[str, Any]], why: str
) -> None:
    order_id = sell(till, lines)
    assert ("price", order_id) in stage.cases()
    assert [each["why"] for each in told(stage)] == [why]
    assert told(stage)[0]["paid"] == lines[0]["price_minor"]


@pytest.mark.parametrize(
    ("minutes", "kinds"),
    [pytest.param(64, [], id="within the slack"), pytest.param(66, ["price"], id="after it")],
)
def test_a_rate_holds_a_few_minutes_longer_for_clocks_that_are_off(
    stage: Stage, till: Till, minutes: int, kinds: list[str]
) -> None:
    stage.now = NOW + timedelta(minutes=minutes)
    sell(till, EXPLAINED["early bird"])
    assert stage.case_kinds() == kinds


@pytest.mark.parametrize(
    ("price_minor", "kinds"),
    [pytest.param(46_000, [], id="near"), pytest.param(44_000, ["price"], id="too far")],
)
def test_a_price_of_an_older_list_may_differ_a_little(
    stage: Stage, till: Till, price_minor: int, kinds: list[str]
) -> None:
    sell(till, [{"price_minor": price_minor}], price_list_version=6)
    assert stage.case_kinds() == kinds


def pool_row(stage: Stage, pool_id: str = "first") -> tuple[int, int, int, int]:
    ((capacity, free, lent, spent),) = stage.rows(
        "SELECT capacity, free, lent, spent FROM pool WHERE id = :id", id=pool_id
    )
    return capacity, free, lent, spent


def test_importing_prices_makes_their_pools_and_changes_their_sizes(
    stage: Stage, till: Till
) -> None:
    assert pool_row(stage) == (4, 4, 0, 0)
    borrow(till, 1, 2, counts=(("first", 2),))
    larger = replace(RULES, pools=(PoolSize("first", 9), RULES.pools[1]))
    assert isinstance(import_rules(stage, larger), Stored)
    assert pool_row(stage) == (9, 7, 2, 0)
    before = stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    assert isinstance(import_rules(stage, larger), Stored)
    assert stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT) == before


def test_a_pool_is_never_made_smaller_than_what_is_lent_of_it(stage: Stage, till: Till) -> None:
    borrow(till, 1, 2, counts=(("first", 2),))
    smaller = replace(RULES, pools=(PoolSize("first", 1), RULES.pools[1]))
    answer = import_rules(stage, smaller)
    assert isinstance(answer, NotStored)
    assert "'first'" in str(answer.reasons[0])
    assert pool_row(stage) == (4, 2, 2, 0)


def refill(till: Till, *, tills: int, count: int = 4) -> Grant:
    wish = Acquire(
        f"{till.stage.mint():032x}", PERFORMANCE, (), count, counts=(("first", count), ("gone", 1))
    )
    grant = till.stage.take(Lend(till.source, wish, tills=tills))
    assert isinstance(grant, Grant), grant
    return grant


def test_a_refill_brings_a_fair_part_of_each_pool(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    assert refill(till, tills=2).counts == {"first": 2}
    assert refill(other, tills=2).counts == {"first": 1}
    third = stage.till("Window 3")
    assert refill(third, tills=1).counts == {"first": 1}
    assert pool_row(stage) == (4, 0, 4, 0)
    assert refill(stage.till("Window 4"), tills=1).counts == {}
