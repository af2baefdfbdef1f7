"""Prices that were paid: which the rules explain, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.ticketing.pricing_house import (
    FAMILY,
    GOODWILL,
    NOW,
    PRESS,
    kind,
    package,
    price_list,
    rate,
)
from ticketing.pricing import (
    FixedPrice,
    PercentOff,
    Period,
    PriceRules,
    Rate,
    Role,
    Rounding,
    SoldLine,
    Unexplained,
    Unlawful,
    approver_role,
    check_prices,
    within_tolerance,
)

HOUR = timedelta(hours=1)
EARLY = rate("early", PercentOff(1_000), tiers="a", period=Period(NOW - HOUR, NOW + HOUR))
FIRST = rate("first", FixedPrice(7_000), pool="first-100")
TRIO = package("trio", FixedPrice(10_000), kind(3, "child"))
RULES = PriceRules(
    rates=(EARLY, FIRST),
    packages=(FAMILY, TRIO),
    house_rates=(PRESS,),
    discounts=(GOODWILL,),
)
PRICES = price_list(RULES)


def sold(price_minor: int, rule_id: str = "list", **changed: object) -> SoldLine:
    line = SoldLine("x", 1, "a", "adult", price_minor, rule_id)
    return replace(line, **changed)  # type: ignore[arg-type]


def family(*parts: int) -> list[SoldLine]:
    return [
        SoldLine(f"{kind_of}-{at}", 1, "a", kind_of, part, "family", package_number=1)
        for at, (kind_of, part) in enumerate(
            zip(("adult", "adult", "child", "child"), parts, strict=True)
        )
    ]


def reasons(*lines: SoldLine) -> list[str]:
    return [str(each.reason) for each in check_prices(PRICES, lines, sold_at=NOW)]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(sold(10_000), id="the list"),
        pytest.param(sold(9_000, "early"), id="a dated step"),
        pytest.param(sold(7_000, "first", pool="first-100"), id="a quantity step"),
        pytest.param(sold(0, "press", pool="press-quota"), id="a house ticket"),
        pytest.param(
            sold(9_500, discount_id="goodwill", discount_minor=500), id="a discount from the list"
        ),
        pytest.param(
            sold(8_550, "early", discount_id="goodwill", discount_minor=450), id="and from a rate"
        ),
    ],
)
def test_what_a_rule_makes_is_explained(line: SoldLine) -> None:
    assert reasons(line) == []


@pytest.mark.parametrize(
    ("line", "reason", "expected_minor"),
    [
        pytest.param(sold(9_999), "wrong_price", 10_000, id="too little"),
        pytest.param(sold(10_001), "wrong_price", 10_000, id="too much"),
        pytest.param(
            sold(10_000, pool="first-100"), "wrong_pool", 10_000, id="a share for nothing"
        ),
        pytest.param(sold(9_000, "late"), "unknown_rule", 10_000, id="no such rule"),
        pytest.param(sold(8_999, "early"), "wrong_price", 9_000, id="the right rule, wrong price"),
        pytest.param(
            sold(5_400, "early", tier_id="b"), "not_for_this_ticket", 6_000, id="another tier"
        ),
        pytest.param(sold(7_000, "first"), "wrong_pool", 7_000, id="no share taken"),
        pytest.param(sold(7_000, "family"), "broken_package", 10_000, id="no package named"),
        pytest.param(sold(0, "press"), "wrong_pool", 0, id="no quota taken"),
        pytest.param(
            sold(0, "press", pool="press-quota", discount_minor=1),
            "over_every_cap",
            0,
            id="less than free",
        ),
        pytest.param(
            sold(9_500, discount_id="mercy", discount_minor=500),
            "over_every_cap",
            9_500,
            id="no such reason",
        ),
        pytest.param(
            sold(10_500, discount_id="goodwill", discount_minor=-500),
            "over_every_cap",
            10_000,
            id="something put on top",
        ),
        pytest.param(sold(1, tier_id="c"), "not_sold", None, id="no such tier"),
    ],
)
def test_what_no_rule_makes_is_named_with_what_the_rule_asks(
    line: SoldLine, reason: str, expected_minor: int | None
) -> None:
    (found,) = check_prices(PRICES, [line], sold_at=NOW)
    assert found == Unexplained("x", Unlawful(reason), line.price_minor, expected_minor)


@pytest.mark.parametrize(
    ("at", "slack", "explained"),
    [
        pytest.param(-HOUR, timedelta(0), True, id="as it begins"),
        pytest.param(HOUR, timedelta(0), False, id="as it ends"),
        pytest.param(HOUR, timedelta(minutes=1), True, id="within the slack behind it"),
        pytest.param(-HOUR * 2, timedelta(minutes=1), False, id="long before"),
        pytest.param(-HOUR - timedelta(seconds=30), timedelta(minutes=1), True, id="just before"),
    ],
)
def test_a_clock_may_be_off_by_the_slack(at: timedelta, slack: timedelta, explained: bool) -> None:
    found = check_prices(PRICES, [sold(9_000, "early")], sold_at=NOW + at, slack=slack)
    assert [each.reason for each in found] == ([] if explained else [Unlawful.OUT_OF_TIME])


# ----------------------------------------------------------------------------------------- packages


def test_a_package_split_as_the_engine_splits_it_is_explained() -> None:
    assert reasons(*family(8_000, 8_000, 4_000, 4_000)) == []


def test_equal_tickets_of_a_package_may_have_their_odd_unit_either_way() -> None:
    trio = [
        SoldLine(str(at), 1, "a", "child", part, "trio", package_number=1)
        for at, part in enumerate((3_333, 3_334, 3_333))
    ]
    assert reasons(*trio) == []
    assert reasons(*trio[:2], replace(trio[2], price_minor=3_334)) == ["wrong_price"]


def test_a_package_split_otherwise_is_found_even_when_it_adds_up() -> None:
    assert reasons(*family(7_999, 8_001, 4_000, 4_000)) == ["wrong_price", "wrong_price"]


def test_lines_that_are_not_the_package_are_found_all_of_them() -> None:
    lines = family(8_000, 8_000, 4_000, 4_000)
    assert reasons(*lines[:3]) == ["broken_package"] * 3
    other = replace(lines[3], performance=2)
    assert reasons(*lines[:3], other) == ["broken_package"] * 4
    mixed = replace(lines[3], rule_id="trio")
    assert reasons(*lines[:3], mixed) == ["broken_package"] * 4
    pooled = replace(lines[3], pool="first-100")
    assert reasons(*lines[:3], pooled) == ["wrong_pool"] * 4
    unknown = [replace(line, rule_id="none") for line in lines]
    assert reasons(*unknown) == ["unknown_rule"] * 4


def test_a_package_of_what_is_not_sold_or_out_of_its_time_is_found() -> None:
    trio = [SoldLine(str(at), 3, "b", "child", 3_334, "trio", package_number=1) for at in range(3)]
    assert reasons(*trio) == ["not_sold"] * 3
    over = price_list(PriceRules(packages=(replace(FAMILY, period=Period(until_at=NOW)),)))
    found = check_prices(over, family(8_000, 8_000, 4_000, 4_000), sold_at=NOW)
    assert {each.reason for each in found} == {Unlawful.OUT_OF_TIME}


def test_a_ticket_of_two_kinds_makes_room_for_one_that_is_of_one_kind_only() -> None:
    loose = package("loose", FixedPrice(9_000), kind(1, "adult child"), kind(1, "child"))
    prices = price_list(PriceRules(packages=(loose,)))
    child = SoldLine("x", 1, "a", "child", 3_000, "loose", package_number=1)
    adult = replace(child, key="y", ticket_type_id="adult", price_minor=6_000)
    assert check_prices(prices, [child, adult], sold_at=NOW) == ()
    twice = [replace(adult, key=key, price_minor=4_500) for key in "yz"]
    assert len(check_prices(prices, twice, sold_at=NOW)) == 2


def test_two_packages_of_one_rule_are_told_apart_by_their_numbers() -> None:
    first = family(8_000, 8_000, 4_000, 4_000)
    second = [replace(line, key=f"{line.key}+", package_number=2) for line in first]
    assert reasons(*first, *second) == []
    merged = [replace(line, package_number=1) for line in second]
    assert set(reasons(*first, *merged)) == {"broken_package"}


# ---------------------------------------------------------------------------- who had to let it be


@pytest.mark.parametrize(
    ("line", "role"),
    [
        pytest.param(sold(10_000), None, id="nothing to let be"),
        pytest.param(sold(0, "press", pool="press-quota"), Role.SUPERVISOR, id="a house ticket"),
        pytest.param(
            sold(9_500, discount_id="goodwill", discount_minor=500), Role.CASHIER, id="a little"
        ),
        pytest.param(
            sold(9_499, discount_id="goodwill", discount_minor=501), Role.SUPERVISOR, id="more"
        ),
        pytest.param(
            sold(0, discount_id="goodwill", discount_minor=10_000), Role.MANAGER, id="everything"
        ),
    ],
)
def test_the_check_tells_which_role_had_to_let_a_line_be(line: SoldLine, role: Role | None) -> None:
    assert approver_role(PRICES, line) is role


def test_what_rounding_adds_to_a_discount_needs_nobody_higher() -> None:
    odd = price_list(replace(RULES, rounding=Rounding(100)))
    line = sold(3_600, tier_id="b", performance=2, discount_id="goodwill", discount_minor=1_400)
    assert approver_role(PRICES, line) is Role.MANAGER
    near = replace(line, price_minor=4_000, discount_minor=1_050)
    assert approver_role(odd, near) is Role.SUPERVISOR


def test_a_price_of_another_version_may_be_a_little_off() -> None:
    found = Unexplained("x", Unlawful.WRONG_PRICE, 9_500, 10_000)
    assert within_tolerance(found, 500)
    assert not within_tolerance(found, 499)
    assert not within_tolerance(replace(found, expected_minor=None), 10_000)


def test_a_rule_is_asked_by_its_id_whatever_else_is_cheaper() -> None:
    cheap = Rate("cheap", EARLY.name, FixedPrice(1))
    both = price_list(PriceRules(rates=(EARLY, cheap)))
    assert (
        check_prices(both, [sold(9_000, "early"), replace(sold(10_000), key="y")], sold_at=NOW)
        == ()
    )
