"""Where seats lie: taps, arrow keys, row labels."""

from __future__ import annotations

import pytest

from pos_app.presenters.seat_field import PITCH, SeatField
from tests.fakes.till import FakeTill

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
