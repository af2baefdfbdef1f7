"""The sample theatre: what the till, the demo and the newcomer see first."""

from __future__ import annotations

import json
import runpy
from itertools import combinations
from math import dist
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ticketing.house import NOW
from ticketing.catalogue import Catalogue, event_documents, parse_catalogue, parse_event_document
from ticketing.pricing import Context, Quote, Wanted, quote
from ticketing.seating import SeatAttribute

SAMPLES = Path(__file__).parents[3] / "resources/samples"


@pytest.fixture(scope="module")
def theatre() -> Catalogue:
    written = json.loads((SAMPLES / "theatre.json").read_text(encoding="utf-8"))
    return parse_catalogue(written, source="theatre.json", now=NOW)


def test_the_file_is_what_its_script_makes() -> None:
    script: dict[str, Any] = runpy.run_path(str(SAMPLES / "make_theatre.py"))
    made = script["as_json"](script["theatre"]()) + "\n"
    assert made == (SAMPLES / "theatre.json").read_text(encoding="utf-8")


def test_it_has_1200_seats_on_three_levels_and_60_standing_places(theatre: Catalogue) -> None:
    plan = theatre.plans[0]
    assert len(plan.seats) == 1200
    assert plan.unit_count == 1260
    assert [area.id for area in plan.areas if area.rows] == [
        f"{level}-{side}"
        for level in ("stalls", "balcony-1", "balcony-2")
        for side in ("left", "centre", "right")
    ]
    assert sorted(seat.unit for seat in plan.seats) == list(range(1, 1201))
    assert plan.areas[3].units == range(1201, 1261)


def test_no_seat_is_drawn_over_another(theatre: Catalogue) -> None:
    seats = sorted(theatre.plans[0].seats, key=lambda seat: seat.x)
    for at, seat in enumerate(seats):
        for other in seats[at + 1 :]:
            if other.x - seat.x > 9:
                break
            assert dist((seat.x, seat.y), (other.x, other.y)) > 9


def test_areas_stand_apart(theatre: Catalogue) -> None:
    for one, other in combinations(theatre.plans[0].areas, 2):
        assert all(dist(a, b) > 5 for a in one.shape for b in other.shape), (one.id, other.id)


def test_rows_curve_around_the_stage(theatre: Catalogue) -> None:
    for area in theatre.plans[0].areas:
        if area.id.endswith("centre"):
            for row in area.rows:
                ends = (row.seats[0].y + row.seats[-1].y) / 2
                assert row.seats[len(row.seats) // 2].y > ends + 2


def test_it_has_places_for_wheelchairs_each_beside_a_companion(theatre: Catalogue) -> None:
    seats = theatre.plans[0].seats
    of = {word: [s for s in seats if word in s.attributes] for word in SeatAttribute}
    assert len(of[SeatAttribute.WHEELCHAIR]) == len(of[SeatAttribute.COMPANION]) == 4
    companions = {seat.unit for seat in of[SeatAttribute.COMPANION]}
    assert all({s.unit - 1, s.unit + 1} & companions for s in of[SeatAttribute.WHEELCHAIR])
    assert of[SeatAttribute.RESTRICTED_VIEW]
    assert of[SeatAttribute.AISLE]


def test_its_prices_are_the_ones_it_advertises(theatre: Catalogue) -> None:
    event = theatre.events[0]
    adult = {tier.id: event.price(tier.id, "adult") for tier in event.price_tiers}
    assert adult == {"vip": 88_000, "a": 58_000, "b": 38_000, "c": 18_000, "standing": 8_000}
    assert event.price("a", "child") == 29_000
    assert event.price("a", "senior") == 40_600
    assert event.price("vip", "student") is None
    assert event.price("b", "adult", 2) == 32_000


def test_its_first_performance_is_about_to_begin(theatre: Catalogue) -> None:
    first = theatre.events[0].performances[0]
    assert first.number == 1
    assert first.doors_at <= NOW < first.starts_at
    assert len(theatre.events[0].performances) == 5


def test_its_event_document_gives_it_back(theatre: Catalogue) -> None:
    ((_, made),) = event_documents(theatre)
    read = parse_event_document(json.loads(json.dumps(made)))
    assert read == (theatre.venue, theatre.plans[0], theatre.events[0])


def test_it_shows_a_rule_of_each_kind_that_leaves_the_usual_pair_alone(theatre: Catalogue) -> None:
    event = theatre.events[0]
    rules = event.price_rules
    assert all((rules.rates, rules.packages, rules.house_rates, rules.discounts, rules.pools))
    context = Context(NOW)

    def basket(*tickets: tuple[int, str, str]) -> Quote:
        wanted = [Wanted(str(at), *ticket) for at, ticket in enumerate(tickets)]
        return quote(event.price_list, wanted, context)

    pair = basket((1, "a", "adult"), (1, "a", "adult"))
    assert (pair.total_minor, pair.saving_minor) == (116_000, 0)
    assert basket((4, "a", "adult")).total_minor == 49_300
    family = basket(*[(1, "a", "adult"), (1, "b", "adult")], *[(1, "b", "child")] * 2)
    assert [found.rule_id for found in family.packages] == ["family"]
    assert family.saving_minor == 26_800
    season = basket(*[(number, "c", "adult") for number in (1, 2, 3)])
    assert [line.price_minor for line in season.lines] == [15_300, 12_800, 15_300]
