"""How much is lent to whom, in figures."""

from __future__ import annotations

import pytest

from tests.unit.ticketing.house import catalogue
from ticketing.sizing import (
    GRANT_UNITS_MAX,
    TARGET_MIN,
    Holder,
    Pace,
    TierRows,
    is_nearly_sold_out,
    recalls,
    refill_units,
    share,
    target_units,
    tier_rows,
)

MINUTE_MS = 60_000
CATALOGUE = catalogue()
TIERS = tier_rows(CATALOGUE.plans[0], CATALOGUE.events[0])
ALL = frozenset(unit for tier in TIERS for row in tier.rows for unit in row)
LONG = TierRows("a", (tuple(range(1, 101)),))


def test_a_steady_seller_has_its_own_pace() -> None:
    pace = Pace(0, 0)
    for minute in range(1, 241):
        pace = pace.after(3, minute * MINUTE_MS)
    assert pace.per_minute(240 * MINUTE_MS) == pytest.approx(3, rel=0.05)


def test_a_pace_is_known_soon_and_forgotten_slowly() -> None:
    pace = Pace(0, 0)
    for minute in range(1, 11):
        pace = pace.after(2, minute * MINUTE_MS)
    assert pace.per_minute(10 * MINUTE_MS) == pytest.approx(2, rel=0.05)
    assert pace.per_minute(40 * MINUTE_MS) < 1
    assert pace.per_minute(40 * MINUTE_MS) > 0.1


def test_the_first_sale_is_no_rush() -> None:
    assert Pace(0, 0).after(2, 0).per_minute(0) == pytest.approx(0.4, rel=0.1)
    assert Pace(0, 0).per_minute(0) == 0


def test_a_clock_set_back_changes_no_pace() -> None:
    pace = Pace(0, 0).after(10, 9 * MINUTE_MS)
    assert pace.after(5, 0) == pace.after(5, 9 * MINUTE_MS)
    assert pace.per_minute(0) == pace.per_minute(9 * MINUTE_MS)


@pytest.mark.parametrize(
    ("per_minute", "target"),
    [
        pytest.param(0.0, TARGET_MIN, id="nothing sold yet"),
        pytest.param(1.5, 180, id="two hours of sales"),
        pytest.param(0.3335, 41, id="rounded up"),
        pytest.param(1_000.0, GRANT_UNITS_MAX, id="never more than a grant"),
    ],
)
def test_a_node_should_hold_what_it_sells_in_two_hours(per_minute: float, target: int) -> None:
    assert target_units(per_minute) == target


@pytest.mark.parametrize(("unsold", "asked"), [(0, 100), (49, 51), (50, 0), (200, 0)])
def test_a_refill_comes_under_half(unsold: int, asked: int) -> None:
    assert refill_units(100, unsold) == asked


def test_rows_come_from_the_front_of_every_area_by_tier() -> None:
    a, b = TIERS
    assert (a.tier_id, b.tier_id) == ("a", "b")
    assert a.rows == (tuple(range(1, 7)), tuple(range(7, 13)))
    assert b.rows == ((31, 32, 33, 34), (101, 102, 103, 104, 105), tuple(range(13, 19)))
    assert (a.capacity, b.capacity) == (12, 15)


def test_a_share_is_whole_rows_of_every_tier() -> None:
    # Of 27 free: a has 12, so 6 of 12 wanted, at most 6; b has 15, so 7, at most 7.
    assert share(TIERS, ALL, 12, 1) == (*range(1, 7), 31, 32, 33, 34)
    assert share(TIERS, ALL, 2, 1) == (1, 31, 32)
    assert share(TIERS, ALL, 0, 1) == ()
    assert share(TIERS, frozenset(), 12, 1) == ()


def test_more_nodes_get_less_each() -> None:
    assert len(share([LONG], frozenset(range(1, 101)), 100, 1)) == 50
    assert len(share([LONG], frozenset(range(1, 101)), 100, 10)) == 5
    assert len(share([LONG], frozenset(range(1, 101)), 100, 1_000)) == 1
    assert len(share([LONG], frozenset(range(1, 101)), 100, 0)) == 50


def test_the_last_two_percent_are_not_shared_out() -> None:
    assert share([LONG], frozenset({5, 6}), 100, 1) == ()
    assert share([LONG], frozenset({5, 6, 7}), 100, 1) == (5,)
    assert is_nearly_sold_out(100, 2)
    assert not is_nearly_sold_out(100, 3)
    assert is_nearly_sold_out(10, 0)
    assert not is_nearly_sold_out(10, 1)


ASKER = Holder("n0", unsold=0, target=10, connected=True)


@pytest.mark.parametrize(
    ("others", "wanted", "asked"),
    [
        pytest.param([Holder("n1", 30, 10, True)], 5, (("n1", 5),), id="one has plenty"),
        pytest.param([Holder("n1", 10, 10, True)], 9, (("n1", 5),), id="never below the asker"),
        pytest.param([Holder("n1", 30, 10, False)], 5, (), id="not connected"),
        pytest.param([], 5, (), id="nobody else"),
        pytest.param([ASKER], 5, (), id="not from itself"),
        pytest.param([Holder("n1", 1, 10, True)], 5, (), id="a last one stays where it is"),
        pytest.param(
            [Holder("n2", 12, 10, True), Holder("n1", 12, 10, True)],
            3,
            (("n1", 2), ("n2", 1)),
            id="evenly, the odd one by id",
        ),
        pytest.param(
            [Holder("n1", 40, 40, True), Holder("n2", 40, 10, True)],
            20,
            (("n2", 20),),
            id="from who sells slowly first",
        ),
    ],
)
def test_units_come_back_from_those_who_last_longest(
    others: list[Holder], wanted: int, asked: tuple[tuple[str, int], ...]
) -> None:
    assert recalls(ASKER, others, wanted) == asked
