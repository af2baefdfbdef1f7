from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.ticketing.house import catalogue
from ticketing.seating import AreaKind, SeatAttribute, SeatingPlan
from ticketing.seating_outline import outline
from ticketing.text import Text

PLAN = catalogue().plans[0]


def test_every_unit_leads_to_its_seat_and_area() -> None:
    seat = PLAN.seat_by_unit(10)
    assert seat is not None
    assert (seat.row, seat.label, seat.row_index, seat.seat_index) == ("2", "4", 1, 3)
    assert (seat.x, seat.y) == (30.0, 11.0)
    assert PLAN.area_of(10).id == "stalls"
    assert PLAN.area_of(34).id == "balcony"
    assert PLAN.area_of(105).id == "standing"


def test_a_standing_place_is_a_unit_but_no_seat() -> None:
    standing = PLAN.area_of(101)
    assert standing.kind is AreaKind.STANDING
    assert standing.units == range(101, 106)
    assert PLAN.seat_by_unit(101) is None


@pytest.mark.parametrize("unit", [0, 19, 30, 35, 100, 106, 2**40, -1])
def test_a_number_that_nothing_has_is_no_unit(unit: int) -> None:
    assert not PLAN.has_unit(unit)
    assert PLAN.seat_by_unit(unit) is None
    assert PLAN.describe(unit, "en") == f"#{unit}"
    with pytest.raises(KeyError, match="has no unit"):
        PLAN.area_of(unit)


@pytest.mark.parametrize(
    ("unit", "language", "words"),
    [
        (10, "zh_CN", "池座中 2排4座"),
        (10, "en", "Stalls Centre · Row 2 Seat 4"),
        (10, "fr", "Stalls Centre · Row 2 Seat 4"),
        (103, "zh", "立席"),
        (103, "en_GB", "Standing"),
    ],
)
def test_a_place_is_called_what_people_call_it(unit: int, language: str, words: str) -> None:
    assert PLAN.describe(unit, language) == words


def test_a_plan_counts_and_bounds_what_it_draws() -> None:
    assert PLAN.unit_count == 18 + 4 + 5
    assert len(PLAN.seats) == 18 + 4
    assert PLAN.bounds == (-8.0, -60.0, 58.0, 90.0)


def test_attributes_are_read() -> None:
    seat = PLAN.seat_by_unit(18)
    assert seat is not None
    assert seat.attributes == {SeatAttribute.WHEELCHAIR, SeatAttribute.AISLE}


def test_areas_are_found_by_id() -> None:
    assert PLAN.area("balcony") is PLAN.areas[1]
    assert PLAN.area("cellar") is None


def test_a_plan_with_a_unit_twice_is_a_bug() -> None:
    moved = replace(PLAN.areas[2], first_unit=18)
    with pytest.raises(ValueError, match="used twice"):
        SeatingPlan("hall", PLAN.name, (PLAN.areas[0], moved))


def test_an_empty_plan_has_no_extent() -> None:
    assert SeatingPlan("none", Text.from_names({"en": "None"}), ()).bounds == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "corners"),
    [
        pytest.param(
            [[(0, 0), (10, 0)], [(0, 10), (10, 10)]],
            {(-5, -5), (15, -5), (15, 15), (-5, 15)},
            id="two rows",
        ),
        pytest.param(
            [[(0, 0), (10, 0)], [(10, 10), (0, 10)]],
            {(-5, -5), (15, -5), (15, 15), (-5, 15)},
            id="numbered from either side",
        ),
        pytest.param([[(3, 4)]], {(-2, 4), (8, 4), (3, -1), (3, 9)}, id="one seat"),
        pytest.param([[(0, 0), (10, 0)]], {(-5, -5), (15, -5), (15, 5), (-5, 5)}, id="one row"),
        pytest.param(
            [[(0, 10), (10, 10)], [(0, 0), (10, 0)]],
            {(-5, -5), (15, -5), (15, 15), (-5, 15)},
            id="a house seen from the other side",
        ),
    ],
)
def test_an_outline_runs_a_margin_outside_the_seats(
    rows: list[list[tuple[float, float]]], corners: set[tuple[float, float]]
) -> None:
    assert corners <= set(outline(rows, 5))


def test_an_outline_follows_the_curve_of_the_front_row() -> None:
    sagging = [[(0, 0), (10, 6), (20, 8), (30, 6), (40, 0)]]
    assert (20, 4) in outline(sagging, 4)  # a hull would put the front edge at y = -4 here


def test_an_outline_of_nothing_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one seat"):
        outline([], 5)
