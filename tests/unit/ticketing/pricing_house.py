"""Price lists for the tests: two tiers, two ticket types, and rules that are short to write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ticketing.pricing import (
    AmountOff,
    Approval,
    AsHouse,
    Context,
    Discounted,
    DiscountReason,
    HouseRate,
    Over,
    Package,
    PackageTickets,
    PercentOff,
    Period,
    PricedLine,
    PriceList,
    PriceRules,
    Quote,
    Rate,
    Reduction,
    Role,
    Wanted,
    Where,
    quote,
)
from ticketing.text import Text

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TILL_LOT = "1a2b3c4d-1"
OTHER_LOT = "1a2b3c4d-2"

PRICES: Mapping[tuple[str, str, int | None], int | None] = {
    ("a", "adult", None): 10_000,
    ("a", "child", None): 5_000,
    ("b", "adult", None): 6_000,
    ("b", "child", None): 3_000,
    ("b", "child", 3): None,
    ("b", "adult", 2): 5_000,
}


def named(word: str) -> Text:
    return Text((("en", word),))


def price_list(rules: PriceRules, currency: str = "CNY") -> PriceList:
    return PriceList(7, currency, PRICES, rules)


def rate(
    rule_id: str,
    reduction: Reduction,
    *,
    tiers: str = "",
    types: str = "",
    performances: tuple[int, ...] = (),
    period: Period | None = None,
    pool: str = "",
) -> Rate:
    where = Where(tuple(tiers.split()), tuple(types.split()), performances)
    return Rate(rule_id, named(rule_id), reduction, where, period or Period(), pool)


def kind(
    count: int, types: str = "", tiers: str = "", performances: tuple[int, ...] = ()
) -> PackageTickets:
    return PackageTickets(count, Where(tuple(tiers.split()), tuple(types.split()), performances))


def package(
    rule_id: str,
    reduction: Reduction,
    *kinds: PackageTickets,
    over: Over = Over.ONE_PERFORMANCE,
    one_tier: bool = False,
    period: Period | None = None,
) -> Package:
    return Package(rule_id, named(rule_id), reduction, kinds, over, one_tier, period or Period())


FAMILY = package("family", PercentOff(2_000), kind(2, "adult"), kind(2, "child"))
SEASON = package("season", PercentOff(1_500), kind(3, "adult"), over=Over.DIFFERENT_PERFORMANCES)
PRESS = HouseRate("press", named("press"), "press-quota", Role.SUPERVISOR)
GOODWILL = DiscountReason(
    "goodwill",
    named("goodwill"),
    ((Role.CASHIER, 500), (Role.SUPERVISOR, 2_000), (Role.MANAGER, 10_000)),
)


def wanted(
    key: str,
    tier: str = "a",
    kind_of: str = "adult",
    performance: int = 1,
    *,
    lot: str = TILL_LOT,
    by_hand: Discounted | AsHouse | None = None,
) -> Wanted:
    return Wanted(key, performance, tier, kind_of, lot, by_hand)


def several(
    count: int, tier: str = "a", kind_of: str = "adult", performance: int = 1
) -> list[Wanted]:
    """Equal lines."""
    first = f"{performance}-{tier}-{kind_of}"
    return [wanted(f"{first}-{at}", tier, kind_of, performance) for at in range(count)]


def at_till(
    role: Role = Role.CASHIER,
    *,
    now: datetime = NOW,
    shares: Mapping[tuple[str, str], int] | None = None,
) -> Context:
    return Context(now, role, "anna", shares or {})


def priced(rules: PriceRules, *lines: Wanted, context: Context | None = None) -> Quote:
    return quote(price_list(rules), lines, context or at_till())


def line_of(answer: Quote, key: str) -> PricedLine:
    (found,) = [line for line in answer.lines if line.key == key]
    return found


def goodwill(off: PercentOff | AmountOff, approval: Approval | None = None) -> Discounted:
    return Discounted("goodwill", off, approval)
