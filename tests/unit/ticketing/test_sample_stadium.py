"""The sample stadium: what shows whether 50,000 seats are quick enough."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from itertools import pairwise
from math import dist
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ticketing.house import NOW
from ticketing.catalogue import Catalogue, parse_catalogue
from ticketing.seating import SeatAttribute

MAKER = Path(__file__).parents[3] / "resources/samples/make_stadium.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(MAKER))


@pytest.fixture(scope="module")
def stadium(script: dict[str, Any]) -> Catalogue:
    return parse_catalogue(script["stadium"](), source="stadium", now=NOW)


def test_it_has_50000_seats_numbered_without_a_gap(stadium: Catalogue) -> None:
    plan = stadium.plans[0]
    assert [seat.unit for seat in plan.seats] == list(range(1, 50_001))
    assert plan.unit_count == 50_000


def test_its_areas_are_numbered_by_ring(stadium: Catalogue) -> None:
    names = [area.name.in_language("en") for area in stadium.plans[0].areas]
    assert names == [*map(str, range(101, 135)), *map(str, range(201, 239))]


def test_no_seat_is_drawn_over_another(stadium: Catalogue) -> None:
    cells: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for seat in stadium.plans[0].seats:
        cells.setdefault((int(seat.x // 20), int(seat.y // 20)), []).append((seat.x, seat.y))
    for (across, down), seats in cells.items():
        near = [
            point
            for x in (0, 1)
            for y in (-1, 0, 1)
            for point in cells.get((across + x, down + y), [])
        ]
        assert all(dist(one, other) > 9 for one in seats for other in near if one != other)


def test_seats_of_a_row_stand_side_by_side(stadium: Catalogue) -> None:
    plan = stadium.plans[0]
    for area in plan.areas:
        for row in area.rows:
            gaps = [dist((a.x, a.y), (b.x, b.y)) for a, b in pairwise(row.seats)]
            assert max(gaps) < 1.2 * plan.seat_pitch


def test_every_category_is_sold_and_the_dearest_is_beside_the_stage(stadium: Catalogue) -> None:
    event, plan = stadium.events[0], stadium.plans[0]
    seats = Counter(event.tier_of(seat.unit) for seat in plan.seats)
    assert set(seats) == {"one", "two", "three", "four"}
    prices = [event.price(tier.id, "adult") for tier in event.price_tiers]
    assert prices == sorted(prices, key=lambda price: -(price or 0))


def test_it_has_places_for_wheelchairs_each_beside_a_companion(stadium: Catalogue) -> None:
    of = {
        word: {seat.unit for seat in stadium.plans[0].seats if word in seat.attributes}
        for word in SeatAttribute
    }
    assert len(of[SeatAttribute.WHEELCHAIR]) == 52
    assert {unit + 1 for unit in of[SeatAttribute.WHEELCHAIR]} == of[SeatAttribute.COMPANION]
    assert of[SeatAttribute.RESTRICTED_VIEW]
    assert of[SeatAttribute.AISLE]


def test_the_script_writes_the_file_it_is_told(script: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "stadium.json"
    assert script["main"]([str(file)]) == 0
    assert json.loads(file.read_text("utf-8")) == json.loads(json.dumps(script["stadium"]()))


def test_the_script_asks_for_a_file(
    script: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert script["main"]([]) == 2
    assert "FILE" in capsys.readouterr().err
