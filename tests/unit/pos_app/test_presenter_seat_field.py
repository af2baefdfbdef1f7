"""Where seats lie: taps, arrow keys, row labels."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pos_app.presenters.seat_field import PITCH, SeatField
from tests.fakes.till import FakeTill
from ticketing.seating import Row, Seat

TILL = FakeTill()
FIELD = SeatField(TILL.plan())


def test_every_seat_is_found_where_it_lies() -> None:
    assert all(FIELD.seat_at(spot.x, spot.y) == unit for unit, spot in FIELD.spots.items())
    assert len(FIELD.spots) == 1_200


def test_a_tap_beside_the_seats_finds_none() -> None:
    left, top, _right, _bottom = FIELD.bounds
    assert FIELD.seat_at(left, top) is None


def test_a_standing_area_is_found_inside_its_shape_only() -> None:
    standing = next(area for area in FIELD.areas if area.standing)
    assert FIELD.standing_at(standing.x, standing.y) == "standing"
    assert FIELD.standing_at(standing.x, standing.y + 10 * PITCH) is None


@pytest.mark.parametrize(
    ("dx", "dy", "row", "seat"),
    [
        pytest.param(1, 0, "7", "9", id="right"),
        pytest.param(-1, 0, "7", "7", id="left"),
        pytest.param(0, -1, "6", "8", id="towards the stage"),
    ],
)
def test_arrow_keys_walk_to_the_neighbour(dx: int, dy: int, row: str, seat: str) -> None:
    start = TILL.unit("stalls-centre", "7", "8")
    assert FIELD.step(start, dx, dy) == TILL.unit("stalls-centre", row, seat)


def test_arrow_keys_cross_the_aisle_and_stop_at_the_wall() -> None:
    across = FIELD.step(TILL.unit("stalls-centre", "1", "14"), 1, 0)
    assert TILL.plan().area_of(across).id == "stalls-right"
    at = across
    for _step in range(100):
        at = FIELD.step(at, 1, 0)
    assert FIELD.step(at, 1, 0) == at


def test_arrow_keys_reach_every_block_of_the_house() -> None:
    seen = {TILL.unit("stalls-centre", "7", "8")}
    edge = list(seen)
    while edge:
        here = edge.pop()
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            there = FIELD.step(here, dx, dy)
            if there not in seen:
                seen.add(there)
                edge.append(there)
    areas = {TILL.plan().area_of(unit).id for unit in seen}
    assert areas == {area.id for area in TILL.plan().areas if area.rows}


def test_row_labels_stand_left_of_their_rows() -> None:
    first = TILL.plan().areas[0].rows[0]
    label = FIELD.row_labels[0]
    assert label.text == "1"
    assert label.x < min(FIELD.spots[seat.unit].x for seat in first.seats)


def test_the_middle_seat_is_one_of_those_asked_about() -> None:
    units = [TILL.unit("stalls-left", "1", "1"), TILL.unit("stalls-centre", "9", "9")]
    assert FIELD.middle_seat(units) == units[1]
    assert FIELD.middle_seat([]) is None


def test_a_finger_beside_a_seat_means_the_nearest_one() -> None:
    unit = TILL.unit("stalls-centre", "1", "7")
    spot = FIELD.spots[unit]
    beside = spot.x + 1.0, spot.y - 1.2 * PITCH  # before the first row
    assert FIELD.seat_at(*beside) is None
    assert FIELD.seat_at(*beside, reach=2 * PITCH) == unit
    assert FIELD.seat_at(spot.x, FIELD.bounds[1] - 100 * PITCH, reach=1_000 * PITCH) is None


def test_areas_are_found_under_a_point_and_walked_by_arrow_keys() -> None:
    centre = FIELD.area_of(TILL.unit("stalls-centre", "7", "8"))
    assert FIELD.area_at(*centre.middle) is centre
    assert FIELD.area_at(FIELD.bounds[0], FIELD.bounds[1]) is None
    assert FIELD.area_step(centre, -1, 0).area_id == "stalls-left"
    assert (
        FIELD.area_step(centre, 0, 1).area_id == "balcony-1-centre"
    )  # no seat to stand on between
    assert FIELD.area_step(centre, 0, -1) is centre
    seat = FIELD.seat_in(centre)
    assert seat is not None
    assert TILL.plan().area_of(seat).id == "stalls-centre"


def test_a_standing_area_has_no_seat_for_the_cursor() -> None:
    standing = next(area for area in FIELD.areas if area.standing)
    assert FIELD.seat_in(standing) is None


def test_the_middle_seat_may_be_asked_for_with_a_condition() -> None:
    wanted = set(TILL.plan().areas[0].units)
    found = FIELD.middle_seat_where(wanted.__contains__)
    assert found == FIELD.middle_seat(sorted(wanted))
    assert FIELD.middle_seat_where(lambda _unit: False) is None


def scattered(seed: int) -> SeatField:
    """Two hundred seats anywhere: gaps, heaps and lone ones, as no house has them."""
    chance = random.Random(seed)
    rows = []
    for at in range(200):
        x, y = chance.uniform(0, 900), chance.uniform(0, 900)
        seat = Seat(at + 1, "a", str(at), "1", x, y, frozenset(), at, 0)
        rows.append(Row(str(at), (seat,)))
    area = replace(TILL.plan().areas[0], id="a", rows=tuple(rows), capacity=200, first_unit=1)
    return SeatField(replace(TILL.plan(), areas=(area,)))


@pytest.mark.parametrize("field", [FIELD, scattered(1), scattered(2)], ids=["theatre", "1", "2"])
def test_a_step_goes_to_the_best_seat_of_the_whole_house(field: SeatField) -> None:
    """What the grids leave out must never have been the answer."""
    for unit in list(field.spots)[:: len(field.spots) // 50]:
        here = field.spots[unit]
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            costs = []
            for spot in field.spots.values():
                along = (spot.x - here.x) * dx + (spot.y - here.y) * dy
                aside = abs((spot.x - here.x) * dy) + abs((spot.y - here.y) * dx)
                if along >= PITCH * 0.25 and aside <= along * 2.0:
                    costs.append((along + 2.2 * aside, spot.unit))
            assert field.step(unit, dx, dy) == min(costs, default=(0.0, unit))[1]


def test_names_stand_beside_their_seats_and_never_among_them() -> None:
    plan = TILL.plan()
    seats = plan.areas[1].rows[3].seats
    among = replace(plan.areas[1], label_at=(seats[3].x, seats[3].y))
    field = SeatField(replace(plan, areas=(among,)))
    (outline,) = field.areas
    assert outline.clearance > PITCH
    assert outline.away[1] < -0.9  # before the front row, which is above
    assert outline.y < min(spot.y for spot in field.spots.values())


def test_the_middle_of_an_area_lies_inside_it_with_room_around() -> None:
    for area in FIELD.areas:
        assert FIELD.area_at(*area.middle) is area
        left, top, right, bottom = area.box
        assert 0 < area.room[0] <= right - left
        assert 0 < area.room[1] <= bottom - top
