"""The price engine: which rule makes a line's price, what is refused, and what it says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.ticketing.pricing_house import (
    FAMILY,
    GOODWILL,
    NOW,
    OTHER_LOT,
    PRESS,
    SEASON,
    TILL_LOT,
    at_till,
    goodwill,
    kind,
    line_of,
    named,
    package,
    price_list,
    priced,
    rate,
    several,
    wanted,
)
from ticketing.pricing import (
    AmountOff,
    Approval,
    ApprovalNeeded,
    AsHouse,
    Context,
    Discounted,
    FixedPrice,
    HouseRate,
    Over,
    PercentOff,
    Period,
    PriceRules,
    Refusal,
    Refused,
    Role,
    Rounding,
    RoundingMode,
    Step,
    StepKind,
    quote,
)
from ticketing.pricing.package_price import split_price
from ticketing.pricing.rules import reduced

NOTHING = PriceRules()
EARLY = rate("early", PercentOff(1_000), period=Period(until_at=NOW + timedelta(hours=1)))
FIRST = rate("first", FixedPrice(7_000), tiers="a", types="adult", pool="first-100")
BOSS = Approval("boss", Role.MANAGER)


# --------------------------------------------------------------------------------- the list itself


def test_without_rules_every_line_pays_the_list() -> None:
    answer = priced(NOTHING, wanted("x"), wanted("y", "b", "child"))
    assert [(line.key, line.price_minor, line.rule_id) for line in answer.lines] == [
        ("x", 10_000, "list"),
        ("y", 3_000, "list"),
    ]
    assert (answer.total_minor, answer.list_minor, answer.saving_minor) == (13_000, 13_000, 0)
    assert answer.version == 7
    assert answer.is_settled
    assert answer.exact


def test_a_performance_may_have_its_own_price_and_nothing_may_be_sold_there() -> None:
    answer = priced(NOTHING, wanted("x", "b", "adult", 2), wanted("y", "b", "child", 3))
    assert line_of(answer, "x").list_minor == 5_000
    assert [line.key for line in answer.lines] == ["x"]
    assert answer.refused == (Refused("y", Refusal.NOT_SOLD),)
    assert not answer.is_settled


def test_an_empty_basket_costs_nothing() -> None:
    answer = priced(PriceRules(rates=(EARLY,), packages=(FAMILY,)))
    assert (answer.lines, answer.total_minor, answer.exact) == ((), 0, True)


def test_two_lines_with_one_key_or_too_many_lines_are_a_bug() -> None:
    with pytest.raises(ValueError, match="same key"):
        priced(NOTHING, wanted("x"), wanted("x"))
    with pytest.raises(ValueError, match="more than a sale"):
        priced(NOTHING, *several(101))
    with pytest.raises(ValueError, match="aware"):
        Context(datetime(2026, 11, 22))  # noqa: DTZ001 - this is the fault


# ------------------------------------------------------------------------------- dated and counted


@pytest.mark.parametrize(
    ("at", "price_minor"),
    [
        pytest.param(timedelta(minutes=-1), 10_000, id="before it begins"),
        pytest.param(timedelta(0), 9_000, id="at its first instant"),
        pytest.param(timedelta(minutes=59), 9_000, id="its last minute"),
        pytest.param(timedelta(hours=1), 10_000, id="at its end"),
    ],
)
def test_a_dated_step_holds_from_its_first_instant_to_before_its_last(
    at: timedelta, price_minor: int
) -> None:
    early = replace(EARLY, period=Period(NOW, NOW + timedelta(hours=1)))
    answer = priced(PriceRules(rates=(early,)), wanted("x"), context=at_till(now=NOW + at))
    assert answer.total_minor == price_minor


def test_of_several_rates_the_lowest_price_counts_and_of_equal_ones_the_first() -> None:
    rates = (
        rate("ten", PercentOff(1_000)),
        rate("fifteen", AmountOff(1_500)),
        rate("also", FixedPrice(8_500)),
    )
    line = line_of(priced(PriceRules(rates=rates), wanted("x")), "x")
    assert (line.price_minor, line.rule_id) == (8_500, "fifteen")


def test_a_rate_never_raises_a_price() -> None:
    dear = rate("dear", FixedPrice(20_000))
    assert line_of(priced(PriceRules(rates=(dear,)), wanted("x")), "x").rule_id == "list"


def test_a_rate_is_for_its_tiers_types_and_performances_only() -> None:
    narrow = rate("narrow", PercentOff(5_000), tiers="a", types="child", performances=(2,))
    answer = priced(
        PriceRules(rates=(narrow,)),
        wanted("right", "a", "child", 2),
        wanted("type", "a", "adult", 2),
        wanted("tier", "b", "child", 2),
        wanted("performance", "a", "child", 1),
    )
    assert [line.key for line in answer.lines if line.rule_id == "narrow"] == ["right"]


def test_a_quantity_step_lasts_as_long_as_the_share_and_each_line_names_its_pool() -> None:
    answer = priced(
        PriceRules(rates=(FIRST,)),
        *several(3),
        context=at_till(shares={(TILL_LOT, "first-100"): 2}),
    )
    assert [(line.rule_id, line.pool) for line in answer.lines] == [
        ("first", "first-100"),
        ("first", "first-100"),
        ("list", ""),
    ]
    assert answer.total_minor == 24_000


def test_a_line_spends_shares_of_its_own_allotment_only() -> None:
    answer = priced(
        PriceRules(rates=(FIRST,)),
        wanted("ours"),
        wanted("other", lot=OTHER_LOT),
        context=at_till(shares={(OTHER_LOT, "first-100"): 5}),
    )
    assert [line.key for line in answer.lines if line.pool] == ["other"]


def test_a_scarce_share_goes_where_it_saves_most() -> None:
    half = rate("half", PercentOff(5_000), pool="first-100")
    answer = priced(
        PriceRules(rates=(half,)),
        wanted("cheap", "b", "child"),
        wanted("dear", "a", "adult"),
        context=at_till(shares={(TILL_LOT, "first-100"): 1}),
    )
    assert [line.key for line in answer.lines if line.pool] == ["dear"]


# ----------------------------------------------------------------------------------------- packages


def test_a_family_is_found_over_two_tiers_and_its_price_split_by_list_prices() -> None:
    lines = [*several(1), *several(1, "b"), *several(1, "a", "child"), *several(1, "b", "child")]
    answer = priced(PriceRules(packages=(FAMILY,)), *lines)
    (found,) = answer.packages
    assert found.keys == tuple(line.key for line in lines)
    assert (found.list_minor, found.price_minor, found.saving_minor) == (24_000, 19_200, 4_800)
    assert [line.price_minor for line in answer.lines] == [8_000, 4_800, 4_000, 2_400]
    assert {(line.rule_id, line.package_number) for line in answer.lines} == {("family", 1)}


def test_a_package_of_one_performance_does_not_mix_them() -> None:
    lines = [*several(2), *several(1, kind_of="child"), *several(1, "a", "child", 2)]
    assert not priced(PriceRules(packages=(FAMILY,)), *lines).packages


def test_a_package_of_one_tier_does_not_mix_them() -> None:
    alike = replace(FAMILY, one_tier=True)
    mixed = [*several(2), *several(1, kind_of="child"), *several(1, "b", "child")]
    assert not priced(PriceRules(packages=(alike,)), *mixed).packages
    assert priced(PriceRules(packages=(alike,)), *mixed, *several(2, kind_of="child")[1:]).packages


def test_a_season_takes_one_ticket_of_each_of_three_performances() -> None:
    rules = PriceRules(packages=(SEASON,))
    lines = [wanted(f"{n}-{at}", performance=n) for n in (1, 2, 4) for at in range(2)]
    answer = priced(rules, *lines, wanted("more"))
    assert [sorted(key[0] for key in found.keys) for found in answer.packages] == [
        ["1", "2", "4"],
        ["1", "2", "4"],
    ]
    assert line_of(answer, "more").rule_id == "list"
    assert answer.saving_minor == 2 * 4_500
    assert not priced(rules, *lines[:4], wanted("again")).packages


def test_a_package_may_name_its_performances() -> None:
    both = package(
        "both",
        FixedPrice(15_000),
        kind(1, performances=(1,)),
        kind(1, performances=(4,)),
        over=SEASON.over,
    )
    rules = PriceRules(packages=(both,))
    assert priced(rules, wanted("x"), wanted("y", performance=4)).total_minor == 15_000
    assert priced(rules, wanted("x"), wanted("y", performance=2)).total_minor == 20_000


def test_the_best_combination_is_taken_not_the_first() -> None:
    pair = package("pair", FixedPrice(9_000), kind(2, "child adult"), one_tier=True)
    trio = package("trio", PercentOff(3_000), kind(1, "adult"), kind(2, "child"))
    # Two trios save 12,000; the pair that saves most, of two adults, leaves nothing but children.
    lines = [*several(2), *several(4, kind_of="child")]
    alone = priced(PriceRules(packages=(trio,)), *lines)
    answer = priced(PriceRules(packages=(pair, trio)), *lines)
    assert alone.saving_minor == 12_000
    assert answer.saving_minor == 13_000  # adults as a pair, children as two pairs
    assert {found.rule_id for found in answer.packages} == {"pair"}


def test_a_package_is_left_alone_where_rates_save_more() -> None:
    half = rate("half", PercentOff(5_000))
    rules = PriceRules(rates=(half,), packages=(FAMILY,))
    answer = priced(rules, *several(2), *several(2, kind_of="child"))
    assert not answer.packages
    assert answer.saving_minor == 15_000


def test_a_package_that_costs_more_than_its_tickets_is_never_sold() -> None:
    dear = package("dear", FixedPrice(99_999), kind(2))
    assert not priced(PriceRules(packages=(dear,)), *several(2)).packages


def test_a_package_out_of_its_time_is_not_found() -> None:
    over = replace(FAMILY, period=Period(until_at=NOW))
    lines = [*several(2), *several(2, kind_of="child")]
    assert not priced(PriceRules(packages=(over,)), *lines).packages


def test_a_ticket_may_be_of_two_kinds_and_still_counts_once() -> None:
    loose = package("loose", FixedPrice(1), kind(1, "adult child"), kind(1, "child"))
    answer = priced(PriceRules(packages=(loose,)), *several(3, kind_of="child"))
    assert [len(found.keys) for found in answer.packages] == [2]
    assert not priced(PriceRules(packages=(loose,)), *several(2)).packages


def test_what_does_not_divide_is_split_to_the_last_unit_the_earlier_line_first() -> None:
    trio = package("trio", FixedPrice(10_000), kind(3))
    answer = priced(PriceRules(packages=(trio,)), *several(3, kind_of="child"))
    assert [line.price_minor for line in answer.lines] == [3_334, 3_333, 3_333]


def test_the_odd_unit_is_paid_by_the_same_line_in_any_order() -> None:
    pair = package("pair", FixedPrice(15_001), kind(2), over=Over.ANY_PERFORMANCES)
    lines = [wanted("first"), wanted("second", performance=2)]
    for ordered in (lines, lines[::-1]):
        answer = priced(PriceRules(packages=(pair,)), *ordered)
        assert line_of(answer, "first").price_minor == 7_501


def test_above_fifty_lines_the_combination_is_greedy_and_says_so() -> None:
    # Of an odd number, three are best sold as a trio; greed takes one more pair and one is left.
    pair, trio = (
        package("pair", AmountOff(1_000), kind(2)),
        package("trio", AmountOff(1_001), kind(3)),
    )
    rules = PriceRules(packages=(pair, trio))
    fewer, more = priced(rules, *several(49)), priced(rules, *several(51))
    assert (fewer.saving_minor, fewer.exact) == (24_001, True)
    assert (more.saving_minor, more.exact) == (25_000, False)
    assert priced(NOTHING, *several(60)).exact


# ------------------------------------------------------------------------------------------ by hand


def test_a_house_ticket_is_free_within_its_quota_and_names_who_let_it_be() -> None:
    house = AsHouse("press", BOSS)
    answer = priced(
        PriceRules(house_rates=(PRESS,)),
        wanted("x", by_hand=house),
        wanted("y", "b", by_hand=house),
        context=at_till(shares={(TILL_LOT, "press-quota"): 1}),
    )
    free = line_of(answer, "x")
    assert (free.price_minor, free.rule_id, free.pool) == (0, "press", "press-quota")
    assert free.approved_by == "boss"
    assert free.steps == (
        Step(StepKind.LIST, "list", 10_000),
        Step(StepKind.HOUSE, "press", -10_000),
    )
    assert answer.refused == (Refused("y", Refusal.QUOTA_SPENT, "press"),)
    assert line_of(answer, "y").price_minor == 6_000


def test_where_a_quota_does_not_do_for_all_the_dearest_tickets_have_it_in_any_order() -> None:
    dear, cheap = (wanted(tier, tier, by_hand=AsHouse("press", BOSS)) for tier in "ab")
    context = at_till(shares={(TILL_LOT, "press-quota"): 1})
    for lines in ((dear, cheap), (cheap, dear)):
        answer = priced(PriceRules(house_rates=(PRESS,)), *lines, context=context)
        assert line_of(answer, "a").price_minor == 0
        assert [each.key for each in answer.refused] == ["b"]


def test_a_house_ticket_waits_for_a_second_person() -> None:
    rules = PriceRules(house_rates=(PRESS,))
    shares = {(TILL_LOT, "press-quota"): 1}
    asked = wanted("x", by_hand=AsHouse("press"))
    answer = priced(rules, asked, context=at_till(shares=shares))
    assert answer.approvals == (ApprovalNeeded("x", "press", Role.SUPERVISOR),)
    assert answer.needs_approval(Role.CASHIER)
    assert not answer.needs_approval(Role.MANAGER)
    assert not answer.is_settled
    assert answer.total_minor == 10_000
    own = priced(rules, asked, context=at_till(Role.SUPERVISOR, shares=shares))
    assert line_of(own, "x").approved_by == "anna"
    assert own.is_settled


def test_a_waiting_house_ticket_takes_nothing_of_the_quota() -> None:
    answer = priced(
        PriceRules(house_rates=(PRESS,)),
        wanted("waiting", by_hand=AsHouse("press")),
        wanted("approved", "b", by_hand=AsHouse("press", BOSS)),
        context=at_till(shares={(TILL_LOT, "press-quota"): 1}),
    )
    assert line_of(answer, "approved").price_minor == 0


@pytest.mark.parametrize(
    ("approval", "settled"),
    [
        pytest.param(Approval("boss", Role.MANAGER), True, id="somebody above"),
        pytest.param(Approval("carl", Role.SUPERVISOR), True, id="just enough"),
        pytest.param(Approval("carl", Role.CASHIER), False, id="somebody no higher"),
        pytest.param(Approval("anna", Role.MANAGER), False, id="the seller again"),
    ],
)
def test_the_second_person_is_another_one_of_that_role(approval: Approval, settled: bool) -> None:
    line = wanted("x", by_hand=goodwill(PercentOff(1_000), approval))
    answer = priced(PriceRules(discounts=(GOODWILL,)), line)
    assert answer.is_settled is settled
    assert answer.total_minor == (9_000 if settled else 10_000)


@pytest.mark.parametrize(
    ("off", "needed"),
    [
        pytest.param(PercentOff(500), None, id="a cashier's cap"),
        pytest.param(PercentOff(501), Role.SUPERVISOR, id="just above it"),
        pytest.param(AmountOff(500), None, id="the same as an amount"),
        pytest.param(AmountOff(501), Role.SUPERVISOR, id="an amount above it"),
        pytest.param(AmountOff(2_001), Role.MANAGER, id="above a supervisor's"),
        pytest.param(AmountOff(99_999), Role.MANAGER, id="more than the ticket costs"),
    ],
)
def test_above_a_roles_cap_a_discount_waits(
    off: PercentOff | AmountOff, needed: Role | None
) -> None:
    answer = priced(PriceRules(discounts=(GOODWILL,)), wanted("x", by_hand=goodwill(off)))
    asked = [each.role for each in answer.approvals]
    assert asked == ([needed] if needed else [])


def test_what_nobody_may_give_is_refused() -> None:
    meagre = replace(GOODWILL, caps=((Role.MANAGER, 1_000),))
    line = wanted("x", by_hand=goodwill(PercentOff(1_001), BOSS))
    answer = priced(PriceRules(discounts=(meagre,)), line)
    assert answer.refused == (Refused("x", Refusal.OVER_EVERY_CAP, "goodwill"),)
    assert answer.total_minor == 10_000


def test_unknown_reasons_and_tickets_a_reason_is_not_for_are_refused() -> None:
    only_b = HouseRate(
        "press", named("press"), "press-quota", Role.CASHIER, 0, kind(1, "", "b").where
    )
    answer = priced(
        PriceRules(house_rates=(only_b,)),
        wanted("tier", by_hand=AsHouse("press")),
        wanted("house", by_hand=AsHouse("nobody")),
        wanted("discount", by_hand=Discounted("nothing", AmountOff(1))),
    )
    assert [(each.key, each.refusal) for each in answer.refused] == [
        ("tier", Refusal.NOT_FOR_THIS_TICKET),
        ("house", Refusal.UNKNOWN_REASON),
        ("discount", Refusal.UNKNOWN_REASON),
    ]
    assert answer.total_minor == 30_000


def test_a_discount_comes_on_top_of_the_rule_and_every_step_is_told() -> None:
    rules = PriceRules(rates=(EARLY,), discounts=(GOODWILL,))
    line = line_of(priced(rules, wanted("x", by_hand=goodwill(PercentOff(500)))), "x")
    assert line.steps == (
        Step(StepKind.LIST, "list", 10_000),
        Step(StepKind.RATE, "early", -1_000),
        Step(StepKind.DISCOUNT, "goodwill", -450),
    )
    assert (line.rule_id, line.discount_id, line.discount_minor) == ("early", "goodwill", 450)
    assert line.price_minor == 8_550


def test_a_discounted_line_may_be_in_a_package() -> None:
    pair = package("pair", FixedPrice(16_000), kind(2))
    rules = PriceRules(packages=(pair,), discounts=(GOODWILL,))
    answer = priced(rules, wanted("x", by_hand=goodwill(AmountOff(300))), wanted("y"))
    assert [line.price_minor for line in answer.lines] == [7_700, 8_000]
    assert answer.packages[0].price_minor == 16_000


def test_rules_work_where_they_lower_the_total_not_where_a_discount_makes_them_vain() -> None:
    free = goodwill(PercentOff(10_000), BOSS)
    answer = priced(
        PriceRules(rates=(FIRST,), discounts=(GOODWILL,)),
        wanted("free", by_hand=free),
        wanted("paying"),
        context=at_till(shares={(TILL_LOT, "first-100"): 1}),
    )
    assert [line.price_minor for line in answer.lines] == [0, 7_000]


# ----------------------------------------------------------------------------------------- rounding


@pytest.mark.parametrize(
    ("rounding", "price_minor"),
    [
        pytest.param(Rounding(), 8_333, id="fen, or yen: nothing is smaller"),
        pytest.param(Rounding(5), 8_335, id="five rappen"),
        pytest.param(Rounding(100), 8_300, id="whole yuan"),
        pytest.param(Rounding(100, RoundingMode.UP), 8_400, id="up"),
        pytest.param(Rounding(5, RoundingMode.DOWN), 8_330, id="down"),
    ],
)
def test_percentages_are_rounded_as_the_event_says(rounding: Rounding, price_minor: int) -> None:
    odd = rate("odd", PercentOff(1_667))
    assert (
        priced(PriceRules(rates=(odd,), rounding=rounding), wanted("x")).total_minor == price_minor
    )


def test_half_a_step_goes_up_but_never_above_the_list() -> None:
    little = rate("little", PercentOff(1))
    rules = PriceRules(rates=(little,), rounding=Rounding(4_000, RoundingMode.UP))
    assert priced(rules, wanted("x")).total_minor == 10_000
    half = PriceRules(rates=(rate("half", PercentOff(5_000)),), rounding=Rounding(10_000))
    assert priced(half, wanted("x")).total_minor == 10_000


def test_cash_is_asked_to_the_nearest_coin_and_prices_stay() -> None:
    answer = priced(
        PriceRules(rates=(rate("odd", AmountOff(1)),), rounding=Rounding(cash_step_minor=5)),
        *several(3),
    )
    assert (answer.total_minor, answer.cash_minor) == (29_997, 29_995)


def test_a_package_in_whole_steps_is_split_in_whole_steps() -> None:
    trio = package("trio", FixedPrice(10_000), kind(3))
    rules = PriceRules(packages=(trio,), rounding=Rounding(100))
    parts = [line.price_minor for line in priced(rules, *several(3, kind_of="child")).lines]
    assert parts == [3_400, 3_300, 3_300]


def test_a_currency_without_decimals_has_nothing_to_round_finer() -> None:
    rules = PriceRules(rates=(rate("third", PercentOff(3_333)),))
    answer = quote(price_list(rules, "JPY"), [wanted("x", "b", "child")], at_till())
    assert answer.total_minor == 2_000


@pytest.mark.parametrize(
    ("reduction", "left_minor"),
    [
        pytest.param(PercentOff(10_000), 0, id="everything"),
        pytest.param(AmountOff(1_001), 0, id="more than there is"),
        pytest.param(FixedPrice(999), 999, id="a lower price"),
        pytest.param(FixedPrice(1_001), 1_000, id="a higher price"),
    ],
)
def test_what_is_left_is_between_nothing_and_the_whole(
    reduction: PercentOff | AmountOff | FixedPrice, left_minor: int
) -> None:
    assert reduced(1_000, reduction, Rounding()) == left_minor


def test_no_part_is_above_its_ticket_where_the_list_knows_no_steps() -> None:
    assert split_price(200, (150, 51), Rounding(100)) == (149, 51)


@pytest.mark.parametrize("make", [PercentOff, AmountOff, FixedPrice])
def test_a_reduction_that_makes_no_sense_is_a_bug(make: type) -> None:
    with pytest.raises(ValueError, match=r"can't be taken off|no price"):
        make(-1)


def test_instants_are_compared_whatever_zone_they_are_written_in() -> None:
    assert Period(until_at=NOW).holds(datetime(2026, 11, 22, 9, 59, tzinfo=UTC))
