from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.ticketing.house import NOW, catalogue, document
from ticketing.best_seats import GROUP_MAX, SeatIndex, best_seats, nearest_free
from ticketing.catalogue import parse_catalogue
from ticketing.seating import SeatAttribute

CATALOGUE = catalogue()
PLAN, EVENT = CATALOGUE.plans[0], CATALOGUE.events[0]
ALL = frozenset(unit for area in PLAN.areas for unit in area.units)
WHEELCHAIR, COMPANION = SeatAttribute.WHEELCHAIR, SeatAttribute.COMPANION


@pytest.mark.parametrize(
    ("free", "count", "best"),
    [
        pytest.param(ALL, 2, (3, 4), id="front and centre of the dearest tier"),
        pytest.param(ALL - {3, 4}, 2, (9, 10), id="the next row rather than the far end"),
        pytest.param(ALL, 6, tuple(range(7, 13)), id="a full row, without the restricted view"),
        pytest.param(ALL - {3, 9}, 5, None, id="no row has five together"),
        pytest.param(
            ALL - {3, 9}, 4, (13, 14, 15, 16), id="the next tier when the dearest is full"
        ),
        pytest.param(
            frozenset({1, 2, 6, 7, 8}), 2, (7, 8), id="the end of a row is not its next row"
        ),
        pytest.param(frozenset({12, 13}), 2, None, id="nor is the next unit number beside it"),
        pytest.param(range(101, 106), 1, None, id="standing places are no seats"),
        pytest.param([], 1, None, id="nothing is free"),
        pytest.param(ALL, 0, None, id="nobody"),
        pytest.param(ALL, GROUP_MAX + 1, None, id="more than any row"),
    ],
)
def test_the_best_block_is_found(
    free: frozenset[int], count: int, best: tuple[int, ...] | None
) -> None:
    assert best_seats(PLAN, EVENT, free, count) == best
    assert best_seats(PLAN, EVENT, free, count, index=SeatIndex(PLAN)) == best


def test_no_single_seat_is_left_over_where_that_costs_little() -> None:
    row = frozenset(range(7, 13))
    # 8 to 11 are nearer to the middle, but would leave one seat alone at each end.
    assert best_seats(PLAN, EVENT, row, 4) == (7, 8, 9, 10)
    # 9 and 10 would leave 11 alone, 8 and 9 would leave 7.
    assert best_seats(PLAN, EVENT, frozenset(range(7, 12)), 2) == (10, 11)
    # Where nothing else is left, a single seat is left over rather than a group sent away.
    assert best_seats(PLAN, EVENT, frozenset({8, 9, 10}), 2) == (9, 10)


def test_an_aisle_inside_a_row_splits_no_group() -> None:
    written = document()
    for seat in written["plans"][0]["areas"][0]["rows"][0]["seats"][3:]:
        seat["x"] += 9  # 19 from seat 3 to seat 4, where 18 is the most
    plan = parse_catalogue(written, source="house.json", now=NOW).plans[0]
    row = frozenset(range(1, 7))
    assert best_seats(plan, EVENT, row, 4) is None
    assert best_seats(plan, EVENT, row, 3) == (4, 5, 6)
    assert best_seats(PLAN, EVENT, row, 4) is not None


def test_only_the_tier_asked_for_is_searched() -> None:
    assert best_seats(PLAN, EVENT, ALL, 2, tier_id="b") == (15, 16)
    assert best_seats(PLAN, EVENT, ALL - set(range(13, 35)), 2, tier_id="b") is None
    assert best_seats(PLAN, EVENT, ALL, 2, tier_id="no-such") is None


def test_a_group_over_two_tiers_is_the_last_resort() -> None:
    spans = EVENT.tier_spans
    split = replace(
        EVENT,
        tier_spans=(
            replace(spans[0], last_unit=3),
            replace(spans[0], first_unit=4, tier_id="b"),
            *spans[1:],
        ),
    )
    assert best_seats(PLAN, split, frozenset({2, 3, 4, 5}), 4) == (2, 3, 4, 5)
    assert best_seats(PLAN, split, frozenset({2, 3, 4, 5}), 4, tier_id="a") is None


def test_a_focus_draws_the_block_to_itself_in_any_tier() -> None:
    assert best_seats(PLAN, EVENT, ALL, 2, focus=(0, 60)) == (31, 32)
    assert best_seats(PLAN, EVENT, ALL, 1, focus=(50, 11), tier_id="a") == (12,)


@pytest.mark.parametrize(
    ("asked", "count", "best"),
    [
        pytest.param((), 2, None, id="kept back unless asked for"),
        pytest.param((WHEELCHAIR,), 1, (18,), id="a place for a wheelchair"),
        pytest.param((COMPANION,), 1, (17,), id="the companion alone"),
        pytest.param((WHEELCHAIR, COMPANION), 2, (17, 18), id="both together"),
        pytest.param((WHEELCHAIR,), 2, None, id="not with the companion's place unasked"),
        pytest.param((SeatAttribute.RESTRICTED_VIEW,), 1, None, id="nothing such is free"),
    ],
)
def test_places_for_wheelchairs_and_companions_are_given_when_asked(
    asked: tuple[SeatAttribute, ...], count: int, best: tuple[int, ...] | None
) -> None:
    free = frozenset({17, 18})
    assert best_seats(PLAN, EVENT, free, count, asking_for=asked) == best


def test_an_aisle_seat_can_be_asked_for() -> None:
    assert best_seats(PLAN, EVENT, ALL, 2, asking_for=[SeatAttribute.AISLE]) == (1, 2)


def test_a_plan_without_a_stage_is_seen_from_its_front_edge() -> None:
    bare = replace(PLAN, stage=())
    assert SeatIndex(bare).focus == (25.0, -10.0)
    assert best_seats(bare, EVENT, ALL, 2) == (3, 4)


@pytest.mark.parametrize(
    ("unit", "free", "nearest"),
    [
        pytest.param(9, ALL, (8, 10, 3), id="its neighbours, then the row in front"),
        pytest.param(9, {1, 9, 31}, (1, 31), id="never the seat itself; its own area first"),
        pytest.param(16, {15, 17, 18}, (15,), id="reserved places are not offered"),
        pytest.param(18, {17, 18, 12}, (12,), id="a companion's is not a wheelchair's"),
        pytest.param(103, {101, 103, 105, 9}, (101, 105), id="standing stays standing"),
        pytest.param(999, ALL, (), id="no such unit"),
    ],
)
def test_the_nearest_free_places_are_offered(
    unit: int, free: frozenset[int], nearest: tuple[int, ...]
) -> None:
    assert nearest_free(PLAN, free, unit, 3) == nearest


def test_no_offer_is_made_to_nobody() -> None:
    assert nearest_free(PLAN, ALL, 9, 0) == ()
