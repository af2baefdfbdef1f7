"""The sample park: places without seats, sold by time slot."""

from __future__ import annotations

import json
import runpy
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ticketing.house import NOW
from ticketing.catalogue import Catalogue, event_documents, parse_catalogue, parse_event_document
from ticketing.seating import AreaKind

SAMPLES = Path(__file__).parents[3] / "resources/samples"


@pytest.fixture(scope="module")
def park() -> Catalogue:
    written = json.loads((SAMPLES / "park.json").read_text(encoding="utf-8"))
    return parse_catalogue(written, source="park.json", now=NOW)


def test_the_file_is_what_its_script_makes() -> None:
    script: dict[str, Any] = runpy.run_path(str(SAMPLES / "make_park.py"))
    made = script["as_json"](script["park"]()) + "\n"
    assert made == (SAMPLES / "park.json").read_text(encoding="utf-8")


def test_nothing_in_it_has_a_seat(park: Catalogue) -> None:
    areas = [area for plan in park.plans for area in plan.areas]
    assert {area.kind for area in areas} == {AreaKind.STANDING}
    assert [area.capacity for area in areas] == [400, 30]


@pytest.mark.parametrize(
    ("event_at", "slots_a_day", "minutes"),
    [pytest.param(0, 9, 60, id="the grounds"), pytest.param(1, 27, 20, id="the walk")],
)
def test_slots_follow_each_other_all_day(
    park: Catalogue, event_at: int, slots_a_day: int, minutes: int
) -> None:
    by_number = sorted(park.events[event_at].performances, key=lambda each: each.number)
    about_to_begin, *slots = by_number
    assert NOW < about_to_begin.starts_at <= NOW + timedelta(minutes=30)
    assert len(slots) == 3 * slots_a_day
    first_day = slots[:slots_a_day]
    for before, after in pairwise(first_day):
        assert after.starts_at == before.ends_at == before.starts_at + timedelta(minutes=minutes)


def test_performance_numbers_are_unique_in_the_venue(park: Catalogue) -> None:
    numbers = [each.number for event in park.events for each in event.performances]
    assert len(numbers) == len(set(numbers)) == 28 + 82


def test_children_pay_half(park: Catalogue) -> None:
    event = park.events[0]
    assert (event.price("entry", "adult"), event.price("entry", "child")) == (6_000, 3_000)


def test_its_event_documents_give_it_back(park: Catalogue) -> None:
    for (_, made), event, plan in zip(event_documents(park), park.events, park.plans, strict=True):
        read = parse_event_document(json.loads(json.dumps(made)))
        assert read == (park.venue, plan, event)
