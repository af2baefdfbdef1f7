"""Prices: never above the list, the same in any order, exact to the last unit, and the lowest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.fakes.examples import examples
from tests.unit.ticketing.pricing_house import (
    GOODWILL,
    NOW,
    OTHER_LOT,
    PRESS,
    TILL_LOT,
    named,
    price_list,
)
from ticketing.pricing import (
    AmountOff,
    Approval,
    AsHouse,
    Context,
    Discounted,
    FixedPrice,
    Over,
    Package,
    PackageTickets,
    PercentOff,
    PriceList,
    PriceRules,
    Quote,
    Rate,
    Role,
    Rounding,
    RoundingMode,
    SoldLine,
    Wanted,
    Where,
    check_prices,
    quote,
)
from ticketing.pricing.package_price import makes_package, package_price, split_price
from ticketing.pricing.rules import Reduction, reduced

POOLS = ("pool-1", "pool-2")
PERCENT = st.builds(PercentOff, st.integers(1, 10_000))
AMOUNT = st.builds(AmountOff, st.integers(1, 12_000))
REDUCTIONS: st.SearchStrategy[Reduction] = (
    PERCENT | AMOUNT | st.builds(FixedPrice, st.integers(0, 30_000))
)


def _subset(*words: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sampled_from([(), *((word,) for word in words)])


WHERES = st.builds(
    Where,
    _subset("a", "b"),
    _subset("adult", "child"),
    st.sampled_from([(), (), (1,), (1, 2)]),
)
KINDS = st.lists(st.builds(PackageTickets, st.integers(1, 2), WHERES), min_size=1, max_size=2)


@st.composite
def rules(draw: st.DrawFn) -> PriceRules:
    rates = [
        Rate(f"rate-{at}", named("rate"), draw(REDUCTIONS), draw(WHERES), pool=pool)
        for at, pool in enumerate(draw(st.lists(st.sampled_from(["", *POOLS]), max_size=3)))
    ]
    packages = [
        Package(
            f"package-{at}",
            named("package"),
            draw(REDUCTIONS),
            tuple(kinds),
            draw(st.sampled_from(Over)),
            draw(st.booleans()),
        )
        for at, kinds in enumerate(draw(st.lists(KINDS, max_size=3)))
    ]
    steps = Rounding(draw(st.sampled_from([1, 5, 100])), draw(st.sampled_from(RoundingMode)))
    return PriceRules((), tuple(rates), tuple(packages), (PRESS,), (GOODWILL,), steps)


BY_HAND = st.one_of(
    st.none(),
    st.none(),
    st.builds(
        Discounted,
        st.just("goodwill"),
        st.builds(PercentOff, st.sampled_from([300, 5_000, 10_000])) | AMOUNT,
        st.sampled_from([None, Approval("boss", Role.MANAGER)]),
    ),
    st.builds(AsHouse, st.just("press"), st.sampled_from([None, Approval("boss", Role.MANAGER)])),
)
LINES = st.builds(
    Wanted,
    st.just(""),
    st.sampled_from([1, 1, 2, 3]),
    st.sampled_from(["a", "a", "b"]),
    st.sampled_from(["adult", "child"]),
    st.sampled_from([TILL_LOT, OTHER_LOT]),
    BY_HAND,
)


def _keyed(lines: list[Wanted]) -> list[Wanted]:
    return [
        Wanted(
            f"{at:03}",
            line.performance,
            line.tier_id,
            line.ticket_type_id,
            line.allotment,
            line.by_hand,
        )
        for at, line in enumerate(lines)
    ]


def _baskets(at_most: int) -> st.SearchStrategy[list[Wanted]]:
    return st.lists(LINES, max_size=at_most).map(_keyed)


SHARES = st.dictionaries(
    st.tuples(st.sampled_from([TILL_LOT, OTHER_LOT]), st.sampled_from([*POOLS, PRESS.pool])),
    st.integers(0, 3),
)
CONTEXTS = st.builds(Context, st.just(NOW), st.sampled_from(Role), st.just("anna"), SHARES)


@given(rules(), _baskets(14), CONTEXTS)
def test_prices_are_never_negative_and_never_above_the_list(
    rules: PriceRules, lines: list[Wanted], context: Context
) -> None:
    for line in quote(price_list(rules), lines, context).lines:
        assert 0 <= line.price_minor <= line.list_minor
        assert line.discount_minor >= 0


@given(rules(), _baskets(14), CONTEXTS)
def test_parts_and_steps_add_up_to_the_whole(
    rules: PriceRules, lines: list[Wanted], context: Context
) -> None:
    answer = quote(price_list(rules), lines, context)
    assert sum(line.price_minor for line in answer.lines) == answer.total_minor
    assert sum(line.list_minor for line in answer.lines) == answer.list_minor
    assert answer.saving_minor >= 0
    of_key = {line.key: line for line in answer.lines}
    for line in answer.lines:
        assert sum(step.amount_minor for step in line.steps) == line.price_minor
        assert all(step.amount_minor <= 0 for step in line.steps[1:])
    for found in answer.packages:
        members = [of_key[key] for key in found.keys]
        assert {line.package_number for line in members} == {found.number}
        assert sum(line.price_minor + line.discount_minor for line in members) == found.price_minor
        assert found.saving_minor >= 0
    in_packages = sum(len(found.keys) for found in answer.packages)
    assert in_packages == sum(line.package_number > 0 for line in answer.lines)


def _parts(answer: Quote, lines: list[Wanted]) -> Counter[tuple[object, ...]]:
    """What was paid by which rule for which ticket, whichever of equal lines it was."""
    of_key = {line.key: line for line in lines}
    return Counter(
        (
            of_key[line.key].performance,
            of_key[line.key].tier_id,
            of_key[line.key].ticket_type_id,
            line.price_minor,
            line.rule_id,
            line.pool,
            line.discount_minor,
        )
        for line in answer.lines
    )


@given(rules(), _baskets(12), CONTEXTS, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_nothing_but_which_of_equal_lines(
    rules: PriceRules, lines: list[Wanted], context: Context, chance: Random
) -> None:
    shuffled = list(lines)
    chance.shuffle(shuffled)
    first = quote(price_list(rules), lines, context)
    second = quote(price_list(rules), shuffled, context)
    assert second.total_minor == first.total_minor
    assert _parts(second, lines) == _parts(first, lines)
    kinds = [Counter(found.rule_id for found in answer.packages) for answer in (first, second)]
    assert kinds[0] == kinds[1]


@given(rules(), _baskets(14), CONTEXTS)
def test_no_share_and_no_quota_is_overspent(
    rules: PriceRules, lines: list[Wanted], context: Context
) -> None:
    answer = quote(price_list(rules), lines, context)
    lot_of = {line.key: line.allotment for line in lines}
    spent = Counter((lot_of[line.key], line.pool) for line in answer.lines if line.pool)
    assert all(count <= context.shares.get(share, 0) for share, count in spent.items())
    pool_of = {rate.id: rate.pool for rate in rules.rates} | {PRESS.id: PRESS.pool}
    assert all(line.pool == pool_of.get(line.rule_id, "") for line in answer.lines)


@given(rules(), _baskets(9), CONTEXTS, LINES)
def test_one_more_line_never_makes_the_basket_save_less(
    rules: PriceRules, lines: list[Wanted], context: Context, more: Wanted
) -> None:
    """What the others could have without it they may still have. Only a house ticket may take a
    dearer one's place of the quota, so there is none in the new line.
    """
    if isinstance(more.by_hand, AsHouse):
        more = Wanted("", more.performance, more.tier_id, more.ticket_type_id, more.allotment)
    before = quote(price_list(rules), lines, context)
    after = quote(price_list(rules), _keyed([*lines, more]), context)
    assume(before.exact and after.exact)  # every line unlike the others may be too many ways
    assert after.saving_minor >= before.saving_minor


# -------------------------------------------------------------------------- the best of all the ways


def _all_ways(
    prices: PriceList, left: tuple[Wanted, ...], shares: Counter[tuple[str, str]]
) -> Iterator[int]:
    """The total of every way to put these lines under rules, one line after the other."""
    if not left:
        yield 0
        return
    line, rest = left[0], left[1:]
    rounding = prices.rules.rounding
    listed = prices.list_minor(line.performance, line.tier_id, line.ticket_type_id)
    assert listed is not None
    alone = [(listed, "")] + [
        (reduced(listed, rate.reduction, rounding), rate.pool)
        for rate in prices.rules.rates
        if rate.where.covers(line.performance, line.tier_id, line.ticket_type_id)
    ]
    for minor, pool in alone:
        share = (line.allotment, pool)
        if not pool or shares[share] > 0:
            shares[share] -= 1
            yield from (
                _off(line, minor, rounding) + more for more in _all_ways(prices, rest, shares)
            )
            shares[share] += 1
    for package in prices.rules.packages:
        for others in combinations(rest, package.ticket_count - 1):
            whole = _as_package(prices, package, (line, *others))
            if whole is not None:
                kept = tuple(each for each in rest if each not in others)
                yield from (whole + more for more in _all_ways(prices, kept, shares))


def _off(line: Wanted, minor: int, rounding: Rounding) -> int:
    given = line.by_hand
    return reduced(minor, given.off, rounding) if isinstance(given, Discounted) else minor


def _off_place(line: Wanted) -> tuple[int, int]:
    """The engine's order of equal tickets that have not the same taken off."""
    match line.by_hand:
        case Discounted(_, PercentOff(hundredths)):
            return hundredths, 0
        case Discounted(_, AmountOff(minor)):
            return 0, minor
        case _:
            return 0, 0


def _as_package(prices: PriceList, package: Package, lines: tuple[Wanted, ...]) -> int | None:
    tickets = [(line.performance, line.tier_id, line.ticket_type_id) for line in lines]
    if not makes_package(package, tickets):
        return None
    order = sorted(range(len(lines)), key=lambda at: (tickets[at], _off_place(lines[at])))
    lists = [prices.list_minor(*tickets[at]) or 0 for at in order]
    rounding = prices.rules.rounding
    parts = split_price(package_price(package, lists, rounding), lists, rounding)
    return sum(_off(lines[at], part, rounding) for at, part in zip(order, parts, strict=True))


APPROVED = st.builds(
    Discounted,
    st.just("goodwill"),
    st.sampled_from([PercentOff(5_000), AmountOff(2_000)]),
    st.just(Approval("boss", Role.MANAGER)),
)
PLAIN_LINES = st.builds(
    Wanted,
    st.just(""),
    st.sampled_from([1, 1, 2]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["adult", "child"]),
    st.sampled_from([TILL_LOT, TILL_LOT, OTHER_LOT]),
    st.none() | APPROVED,
)


@settings(max_examples=examples(300))
@given(rules(), st.lists(PLAIN_LINES, max_size=6).map(_keyed), SHARES)
def test_no_way_to_put_a_small_basket_under_the_rules_is_cheaper(
    rules: PriceRules, lines: list[Wanted], shares: dict[tuple[str, str], int]
) -> None:
    prices = price_list(rules)
    answer = quote(prices, lines, Context(NOW, shares=shares))
    assert answer.exact
    assert answer.total_minor == min(_all_ways(prices, tuple(lines), Counter(shares)))


# ------------------------------------------------------------------------------------- and checked


def _sold(answer: Quote, lines: list[Wanted]) -> list[SoldLine]:
    of_key = {line.key: line for line in lines}
    return [
        SoldLine(
            line.key,
            of_key[line.key].performance,
            of_key[line.key].tier_id,
            of_key[line.key].ticket_type_id,
            line.price_minor,
            line.rule_id,
            line.pool,
            line.package_number,
            line.discount_id,
            line.discount_minor,
        )
        for line in answer.lines
    ]


@given(rules(), _baskets(12), CONTEXTS)
def test_whatever_the_engine_quotes_the_check_explains(
    rules: PriceRules, lines: list[Wanted], context: Context
) -> None:
    answer = quote(price_list(rules), lines, context)
    assert check_prices(price_list(rules), _sold(answer, lines), sold_at=NOW) == ()


@given(rules(), _baskets(12).filter(bool), CONTEXTS, st.data())
def test_a_price_that_is_one_unit_off_is_found(
    rules: PriceRules, lines: list[Wanted], context: Context, data: st.DataObject
) -> None:
    sold = _sold(quote(price_list(rules), lines, context), lines)
    if not sold:
        return
    at = data.draw(st.integers(0, len(sold) - 1))
    one = sold[at]
    changed = data.draw(st.sampled_from([one.price_minor + 1, max(0, one.price_minor - 1)]))
    sold[at] = SoldLine(
        one.key,
        one.performance,
        one.tier_id,
        one.ticket_type_id,
        changed,
        one.rule_id,
        one.pool,
        one.package_number,
        one.discount_id,
        one.discount_minor,
    )
    found = check_prices(price_list(rules), sold, sold_at=NOW)
    assert bool(found) == (changed != one.price_minor)
