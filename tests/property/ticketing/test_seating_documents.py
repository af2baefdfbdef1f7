"""Any JSON is answered; what is accepted comes back whole; the best seats are what they claim."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ticketing.house import NOW, catalogue, document, row, text
from ticketing.best_seats import SeatIndex, best_seats
from ticketing.catalogue import (
    CatalogueError,
    event_documents,
    parse_catalogue,
    parse_event_document,
    parse_venue_document,
)
from ticketing.document_reader import Node, Problems
from ticketing.seating_document import _explained_seat, _plain_seat

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters(), max_size=12)
    | st.sampled_from(
        ["seated", "standing", "+45m", "D+1T19:30", "2026-11-28T19:30", "UTC", 10**400]
    )
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def spoiled(draw: st.DrawFn, whole: Any) -> Any:
    """A good document with one value anywhere in it replaced, removed or added to."""
    place = whole
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        if (
            not isinstance(place[key], dict | list)
            or not place[key]
            or draw(st.integers(0, 3)) == 0
        ):
            if draw(st.booleans()):
                place[key] = draw(ANY_JSON)
            else:
                del place[key]
            break
        place = place[key]
    return whole


def refusal(read: Callable[[object], object], document: object) -> CatalogueError | None:
    try:
        read(document)
    except CatalogueError as refused:
        return refused
    return None


def answers(document: object) -> None:
    parse = partial(parse_catalogue, source="any.json", now=NOW)
    for read in (parse, parse_event_document, parse_venue_document):
        refused = refusal(read, document)
        if refused:
            assert 1 <= len(refused.problems) <= 20
            assert all(problem.path.startswith("$") for problem in refused.problems)
            assert str(refused).encode()  # can be printed


@given(ANY_JSON)
def test_any_json_is_a_catalogue_or_a_clear_refusal(written: object) -> None:
    answers(written)


@given(st.builds(document).flatmap(spoiled))
def test_a_spoiled_catalogue_is_read_or_refused(written: object) -> None:
    answers(written)


@given(st.builds(lambda: event_documents(catalogue())[0][1]).flatmap(spoiled))
def test_a_spoiled_event_document_is_read_or_refused(written: object) -> None:
    answers(written)


@given(
    st.fixed_dictionaries(
        {"label": st.text(max_size=9) | SCALARS, "x": SCALARS, "y": SCALARS},
        optional={"attributes": ANY_JSON, "z": SCALARS},
    )
    | ANY_JSON
)
def test_the_quick_look_at_a_seat_agrees_with_the_close_one(value: object) -> None:
    plain = _plain_seat(value)
    if plain is not None:
        problems = Problems("any.json")
        assert _explained_seat(Node(value, problems)) == plain
        assert problems.count == 0


@st.composite
def houses(draw: st.DrawFn) -> dict[str, Any]:
    """A catalogue with rows of any length, in any order of units, and two tiers cut anywhere."""
    counts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    order = draw(st.permutations(range(len(counts))))
    written = document()
    firsts, unit = {}, draw(st.integers(1, 50))
    for at in order:
        firsts[at] = unit
        unit += counts[at] + draw(st.integers(0, 2))
    rows = [row(str(at), firsts[at], 11 * at, count) for at, count in enumerate(counts)]
    for seat in (seat for one in rows for seat in one["seats"]):
        seat["x"] += draw(st.sampled_from([0, 0, 0, 0.25]))
    written["plans"][0]["areas"] = [
        {"id": "stalls", "name": text("池座", "Stalls"), "kind": "seated", "rows": rows}
    ]
    labels = [one["label"] for one in rows]
    in_a = draw(st.lists(st.sampled_from(labels), unique=True, min_size=1))
    in_b = [label for label in labels if label not in in_a]
    tiers = written["events"][0]["price_tiers"]
    tiers[0]["places"] = [{"area": "stalls", "rows": in_a}]
    tiers[1]["places"] = [{"area": "stalls", "rows": in_b}]
    if not in_b:
        del tiers[1]
        del written["events"][0]["price_list"]["prices_minor"]["b"]
    return written


INSTANTS = st.datetimes(
    datetime(2001, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2099, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(houses(), INSTANTS)
def test_an_event_document_gives_back_what_it_was_made_of(
    written: dict[str, Any], now: datetime
) -> None:
    read = parse_catalogue(written, source="house.json", now=now)
    for (_, made), event in zip(event_documents(read), read.events, strict=True):
        again = parse_event_document(json.loads(json.dumps(made)))
        assert again == (read.venue, read.plans[0], event)


@given(houses(), st.integers(1, 5), st.data())
def test_the_best_seats_are_free_together_and_missed_only_when_there_are_none(
    written: dict[str, Any], count: int, data: st.DataObject
) -> None:
    read = parse_catalogue(written, source="house.json", now=NOW)
    plan, event = read.plans[0], read.events[0]
    units = [seat.unit for seat in plan.seats]
    free = data.draw(st.frozensets(st.sampled_from(units)))
    tier_id = data.draw(st.none() | st.sampled_from([tier.id for tier in event.price_tiers]))
    block = best_seats(plan, event, free, count, tier_id=tier_id, index=SeatIndex(plan))
    fitting = {
        tuple(seat.unit for seat in one.seats[at : at + count])
        for one in plan.areas[0].rows
        for at in range(len(one.seats) - count + 1)
    }
    fitting = {
        units
        for units in fitting
        if set(units) <= free and all(tier_id in (None, event.tier_of(unit)) for unit in units)
    }
    assert (block in fitting) if fitting else (block is None)
