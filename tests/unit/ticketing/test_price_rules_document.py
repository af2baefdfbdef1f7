"""The price rules of a catalogue: what is read, what is refused, and that they come back."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.ticketing.house import NOW, document, text
from ticketing.catalogue import (
    Catalogue,
    CatalogueError,
    event_documents,
    parse_catalogue,
    parse_event_document,
)
from ticketing.pricing import (
    NO_RULES,
    AmountOff,
    DiscountReason,
    FixedPrice,
    HouseRate,
    Over,
    Package,
    PackageTickets,
    PercentOff,
    Period,
    PoolSize,
    Rate,
    Role,
    Rounding,
    RoundingMode,
    Where,
)
from ticketing.text import Text

NAME = text("名", "Name")
READ_NAME = Text((("en", "Name"), ("zh", "名")))
RULES: dict[str, Any] = {
    "pools": [{"id": "first-100", "capacity": 100}, {"id": "press-seats", "capacity": 12}],
    "rates": [
        {
            "id": "early",
            "name": NAME,
            "percent_off": 12.5,
            "from": "2026-11-20T10:00",
            "until": "2026-11-25T00:00+08:00",
            "performances": [2, 1],
        },
        {"id": "first", "name": NAME, "price_minor": 30_000, "pool": "first-100"},
        {
            "id": "child",
            "name": NAME,
            "amount_off_minor": 500,
            "price_tiers": ["b", "a"],
            "ticket_types": ["child"],
        },
    ],
    "packages": [
        {
            "id": "family",
            "name": NAME,
            "percent_off": 20,
            "tickets": [
                {"count": 2, "ticket_types": ["adult"]},
                {"count": 2, "ticket_types": ["child"], "price_tiers": ["a"]},
            ],
            "one_price_tier": True,
            "until": "D+7T23:00",
        },
        {
            "id": "season",
            "name": NAME,
            "price_minor": 90_000,
            "tickets": [{"count": 2}],
            "over": "different_performances",
        },
    ],
    "house_tickets": [
        {"id": "press", "name": NAME, "pool": "press-seats", "approver": "supervisor"},
    ],
    "discounts": [{"id": "goodwill", "name": NAME, "caps_percent": {"cashier": 5, "manager": 100}}],
    "rounding": {"step_minor": 100, "mode": "down", "cash_step_minor": 10},
}


def written(rules: object) -> dict[str, Any]:
    catalogue = document()
    catalogue["events"][0]["price_rules"] = rules
    return catalogue


def house(rules: object) -> Catalogue:
    return parse_catalogue(written(rules), source="house.json", now=NOW)


def test_every_kind_of_rule_is_read() -> None:
    event = house(RULES).events[0]
    rules = event.price_rules
    assert rules.pools == (PoolSize("first-100", 100), PoolSize("press-seats", 12))
    assert rules.rates == (
        Rate(
            "early",
            READ_NAME,
            PercentOff(1_250),
            Where(performances=(1, 2)),
            Period(
                datetime(2026, 11, 20, 2, 0, tzinfo=UTC), datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
            ),
        ),
        Rate("first", READ_NAME, FixedPrice(30_000), pool="first-100"),
        Rate("child", READ_NAME, AmountOff(500), Where(("a", "b"), ("child",))),
    )
    assert rules.packages == (
        Package(
            "family",
            READ_NAME,
            PercentOff(2_000),
            (
                PackageTickets(2, Where((), ("adult",))),
                PackageTickets(2, Where(("a",), ("child",))),
            ),
            Over.ONE_PERFORMANCE,
            True,
            Period(until_at=datetime(2026, 11, 29, 15, 0, tzinfo=UTC)),
        ),
        Package(
            "season",
            READ_NAME,
            FixedPrice(90_000),
            (PackageTickets(2, Where()),),
            Over.DIFFERENT_PERFORMANCES,
        ),
    )
    assert rules.house_rates == (HouseRate("press", READ_NAME, "press-seats", Role.SUPERVISOR),)
    assert rules.discounts == (
        DiscountReason("goodwill", READ_NAME, ((Role.CASHIER, 500), (Role.MANAGER, 10_000))),
    )
    assert rules.rounding == Rounding(100, RoundingMode.DOWN, 10)
    assert event.price_list.rules == rules
    assert event.price_list.version == event.price_list_version


def test_a_document_without_rules_reads_and_writes_as_it_always_did() -> None:
    plain = parse_catalogue(document(), source="house.json", now=NOW)
    assert plain.events[0].price_rules == NO_RULES
    ((_, stored),) = event_documents(plain)
    assert "price_rules" not in stored["event"]
    assert house({}).events[0] == plain.events[0]


def test_stored_rules_give_back_what_was_written_with_instants_in_utc() -> None:
    catalogue = house(RULES)
    ((_, stored),) = event_documents(catalogue)
    early = stored["event"]["price_rules"]["rates"][0]
    assert early["from_at"] == "2026-11-20T02:00:00Z"
    assert early["percent_off"] == 12.5
    _venue, _plan, event = parse_event_document(json.loads(json.dumps(stored)))
    assert event == catalogue.events[0]


def problems_of(rules: object) -> list[tuple[str, str]]:
    with pytest.raises(CatalogueError) as caught:
        house(rules)
    return [(problem.path, problem.rule) for problem in caught.value.problems]


def changed(path: str, value: object) -> dict[str, Any]:
    rules = deepcopy(RULES)
    *way, last = (int(step) if step.isdigit() else step for step in path.split())
    place: Any = rules
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return rules


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        ("discount", [], ".discount", 'did you mean "discounts"?'),
        ("pools 1 id", "first-100", ".pools[1].id", "each may be used once"),
        ("pools 0 capacity", -1, ".pools[0].capacity", "a whole number from 0"),
        ("rates 1 id", "early", ".rates[1].id", 'rule "early" is already at'),
        ("packages 0 id", "early", ".packages[0].id", 'rule "early" is already at'),
        ("discounts 0 id", "press", ".discounts[0].id", 'rule "press" is already at'),
        ("rates 0 id", "list", ".rates[0].id", "which is the price list itself"),
        ("rates 0 percent_off", None, ".rates[0]", "must have exactly one of percent_off"),
        ("rates 1 percent_off", 5, ".rates[1]", "must have exactly one of percent_off"),
        ("rates 0 percent_off", 0, ".rates[0].percent_off", "a number from 0.01 to 100"),
        ("rates 0 percent_off", 12.345, ".rates[0].percent_off", "at most two decimals"),
        ("rates 1 price_minor", -1, ".rates[1].price_minor", "a whole number from 0"),
        ("rates 2 amount_off_minor", 0, ".rates[2].amount_off_minor", "a whole number from 1"),
        ("rates 0 until", "soon", ".rates[0].until", "a time such as"),
        ("rates 0 until", "2026-11-01T10:00", ".rates[0]", 'must have "from" before "until"'),
        ("rates 0 until", "2026-11-20T10:00", ".rates[0]", 'must have "from" before "until"'),
        ("rates 0 until_at", "2026-11-25T00:00:00Z", ".rates[0].until_at", 'mean "until"?'),
        ("rates 0 performances", [3], ".rates[0].performances[0]", "a performance of this event"),
        ("rates 0 performances", ["1"], ".rates[0].performances[0]", "a performance of this"),
        ("rates 2 price_tiers", ["c"], ".rates[2].price_tiers[0]", "the id of a price tier (a, b)"),
        ("rates 2 ticket_types", [], ".rates[2].ticket_types", "1 to 2 ids of ticket types"),
        ("rates 1 pool", "first", ".rates[1].pool", 'did you mean "first-100"?'),
        ("rates 1 pool", "press-seats", ".house_tickets[0].pool", "of the rates; take another"),
        ("packages 1 tickets", [{"count": 1}], ".packages[1].tickets", "2 to 20 tickets in all"),
        ("packages 1 tickets", [{"count": 20}] * 2, ".packages[1].tickets", "2 to 20 tickets"),
        ("packages 1 over", "all", ".packages[1].over", "over which performances it goes"),
        ("packages 0 one_price_tier", 1, ".packages[0].one_price_tier", "true or false"),
        ("house_tickets 0 approver", "boss", ".house_tickets[0].approver", "(cashier, supervisor"),
        ("house_tickets 0 pool", None, ".house_tickets[0]", 'has no "pool"'),
        ("discounts 0 caps_percent", {}, ".discounts[0].caps_percent", "at least one role"),
        (
            "discounts 0 caps_percent",
            {"cashier": 10, "manager": 10},
            ".discounts[0].caps_percent",
            "every higher role a higher cap",
        ),
        ("discounts 0 caps_percent", {"clerk": 1}, ".discounts[0].caps_percent.clerk", "not a key"),
        ("rounding step_minor", 0, ".rounding.step_minor", "a whole number from 1"),
        ("rounding mode", "sideways", ".rounding.mode", "(nearest, down, up)"),
    ],
)
def test_a_faulty_rule_is_refused_with_its_place(
    path: str, value: object, where: str, words: str
) -> None:
    found_path, rule = problems_of(changed(path, value))[0]
    assert found_path == f"$.events[0].price_rules{where}"
    assert words in rule


@pytest.mark.parametrize("rules", [None, [], 1, "x", {"rates": {}}, {"packages": [None]}], ids=repr)
def test_what_are_no_rules_at_all_is_refused(rules: object) -> None:
    assert problems_of(rules)


@pytest.mark.parametrize("instant", ["2026-13-01T00:00:00Z", "2026-11-25T00:00", 5], ids=str)
def test_a_stored_instant_is_a_minute_in_utc(instant: object) -> None:
    ((_, stored),) = event_documents(house(RULES))
    stored["event"]["price_rules"]["rates"][0]["until_at"] = instant
    with pytest.raises(CatalogueError, match="an instant in UTC"):
        parse_event_document(stored)


def test_a_rule_may_not_hold_on_a_day_that_clocks_skip() -> None:
    catalogue = written(changed("rates 0 until", "2026-03-29T02:30"))
    catalogue["venue"]["timezone"] = "Europe/Berlin"
    with pytest.raises(CatalogueError, match="does not exist in Europe/Berlin"):
        parse_catalogue(catalogue, source="house.json", now=NOW)
