from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from tests.unit.ticketing.house import NOW, catalogue, document, event, row, text
from ticketing.catalogue import (
    Catalogue,
    CatalogueError,
    Venue,
    event_documents,
    parse_catalogue,
    parse_event_document,
    parse_venue_document,
    venue_document,
)

HOUSE = catalogue()
EVENT = HOUSE.events[0]


def problems_of(written: object, source: str = "house.json") -> list[tuple[str, str]]:
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(written, source=source, now=NOW)
    return [(problem.path, problem.rule) for problem in caught.value.problems]


_GONE = object()


@dataclass(frozen=True)
class Change:
    """Set what stands at `path`, as "plans 0 areas 1 name", or take it out."""

    path: str
    value: object

    def __call__(self, written: dict[str, Any]) -> None:
        *way, last = (int(step) if step.isdigit() else step for step in self.path.split())
        place: Any = written
        for step in way:
            place = place[step]
        if self.value is _GONE:
            del place[last]
        else:
            place[last] = self.value

    def __str__(self) -> str:
        return f"{self.path} = {self.value!a:.40}"


def put(path: str, value: object) -> Change:
    return Change(path, value)


def drop(path: str) -> Change:
    return Change(path, _GONE)


# ------------------------------------------------------------------------------------ what is read


def test_a_venue_is_read() -> None:
    venue = HOUSE.venue
    assert (venue.id, venue.timezone, venue.currency) == ("seaview", "Asia/Shanghai", "CNY")
    assert venue.day_starts == time(4)
    assert venue.languages == ("zh", "en")
    assert venue.zone.key == "Asia/Shanghai"
    assert venue.business_day(NOW) == date(2026, 11, 22)


def test_times_are_instants_in_utc_with_doors_before_and_end_after() -> None:
    soon, later = EVENT.performances
    assert later.starts_at == datetime(2026, 11, 28, 11, 30, tzinfo=UTC)
    assert later.valid_from == datetime(2026, 11, 28, 10, 30, tzinfo=UTC)
    assert later.valid_to == datetime(2026, 11, 28, 14, 30, tzinfo=UTC)
    assert soon.starts_at == datetime(2026, 11, 22, 11, 0, tzinfo=UTC)  # 10:52, up to a quarter
    assert soon.doors_at == datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    assert soon.ends_at == datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def test_performances_are_sorted_by_start_and_found_by_number() -> None:
    assert [one.number for one in EVENT.performances] == [2, 1]
    first = EVENT.performance(1)
    assert first is not None
    assert first.on_sale
    assert first.event_id == "swan-lake"
    assert first.hall == HOUSE.plans[0].name
    second = EVENT.performance(2)
    assert second is not None
    assert second.hall.in_language("en") == "Studio"
    assert not second.on_sale
    assert EVENT.performance(3) is None


@pytest.mark.parametrize(("unit", "tier"), [(1, "a"), (12, "a"), (13, "b"), (34, "b"), (105, "b")])
def test_every_unit_has_its_price_tier(unit: int, tier: str) -> None:
    assert EVENT.tier_of(unit) == tier


@pytest.mark.parametrize("unit", [0, 19, 106])
def test_a_unit_outside_the_plan_has_no_price_tier(unit: int) -> None:
    with pytest.raises(KeyError):
        EVENT.tier_of(unit)


@pytest.mark.parametrize(
    ("asked", "price_minor"),
    [
        pytest.param(("a", "adult"), 58_000, id="the usual price"),
        pytest.param(("a", "adult", 2), 58_000, id="a performance without exceptions"),
        pytest.param(("a", "adult", 1), 50_000, id="an exception"),
        pytest.param(("a", "child", 1), None, id="an exception that says not sold"),
        pytest.param(("b", "adult", 1), 38_000, id="what the exception leaves alone"),
        pytest.param(("b", "child"), None, id="a price nobody gave"),
        pytest.param(("x", "adult"), None, id="an unknown tier"),
    ],
)
def test_prices_are_found(asked: Any, price_minor: int | None) -> None:
    assert EVENT.price(*asked) == price_minor


def test_tiers_and_ticket_types_are_found() -> None:
    tier, kind = EVENT.price_tier("b"), EVENT.ticket_type("child")
    assert tier is not None
    assert (tier.letter, tier.colour_index) == ("B", 3)
    assert kind is not None
    assert EVENT.ticket_type_numbered(2) == kind
    assert EVENT.price_tier("x") is None
    assert EVENT.ticket_type("x") is None
    assert EVENT.ticket_type_numbered(9) is None
    assert [tier.id for tier in EVENT.tiers_dearest_first()] == ["a", "b"]


def test_a_catalogue_finds_its_parts() -> None:
    assert HOUSE.plan("hall") is HOUSE.plans[0]
    assert HOUSE.plan("x") is None
    assert HOUSE.event("swan-lake") is EVENT
    assert HOUSE.event("x") is None


def test_optional_keys_have_their_documented_values() -> None:
    written = document()
    for path in ("venue day_starts", "plans 0 seat_pitch", "plans 0 stage"):
        drop(path)(written)
    read = parse_catalogue(written, source="house.json", now=NOW)
    assert read.venue.day_starts == time(4)
    assert read.plans[0].seat_pitch == 10
    assert read.plans[0].stage == ()
    assert read.events[0].price_tiers[0].colour_index == 0
    assert read.plans[0].areas[1].gate is None
    assert read.plans[0].areas[1].label_at == (15.0, 60.0)


# ------------------------------------------------------------------------------- what nodes are sent


def test_an_event_document_gives_back_what_it_was_made_of() -> None:
    (event_id, made), *_ = event_documents(HOUSE)
    assert event_id == "swan-lake"
    through_json = json.loads(json.dumps(made))
    assert parse_event_document(through_json) == (HOUSE.venue, HOUSE.plans[0], EVENT)


def test_a_cancelled_performance_is_not_on_sale_whatever_else_is_written() -> None:
    written = document()
    written["events"][0]["performances"][0] |= {"cancelled": True, "on_sale": True}
    read = parse_catalogue(written, source="house.json", now=NOW)
    cancelled = [each for each in read.events[0].performances if each.is_cancelled]
    assert [(each.number, each.on_sale) for each in cancelled] == [(1, False)]
    (_event_id, made), *_ = event_documents(read)
    assert parse_event_document(json.loads(json.dumps(made)))[2] == read.events[0]
    told = {each["number"]: each.get("cancelled") for each in made["event"]["performances"]}
    assert told == {1: True, 2: None}


def test_a_venue_document_gives_back_the_venue() -> None:
    assert parse_venue_document(json.loads(json.dumps(venue_document(HOUSE.venue)))) == HOUSE.venue


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        pytest.param(
            put("event performances 0 starts_at", "2026-11-22T11:00:00+00:00"),
            "$.event.performances[0].starts_at",
            "instant in UTC",
            id="another way to write UTC",
        ),
        pytest.param(
            put("event performances 0 starts_at", "2026-13-22T11:00:00Z"),
            "$.event.performances[0].starts_at",
            "no calendar",
            id="month 13",
        ),
        pytest.param(
            put("event performances 0 doors_at", "1970-01-01T00:00:00Z"),
            "$.event.performances[0].doors_at",
            "years 2000 to 2100",
            id="long ago",
        ),
        pytest.param(
            put("event performances 0 doors_at", "2026-11-22T11:01:00Z"),
            "$.event.performances[0]",
            "doors_at not after",
            id="doors after the start",
        ),
        pytest.param(
            put("event performances 0 ends_at", "2027-01-22T11:01:00Z"),
            "$.event.performances[0]",
            "65535 minutes",
            id="longer than a ticket code can say",
        ),
        pytest.param(put("event id", "seaview"), "$.event", "venue's own id", id="the venue's id"),
        pytest.param(
            put("format", "boxgate-catalogue-1"), "$.format", "boxgate-event-1", id="the format"
        ),
    ],
)
def test_a_faulty_event_document_is_refused(change: Change, path: str, words: str) -> None:
    made = event_documents(HOUSE)[0][1]
    change(made)
    with pytest.raises(CatalogueError) as caught:
        parse_event_document(made)
    assert (caught.value.problems[0].path, words in caught.value.problems[0].rule) == (path, True)


def test_a_faulty_venue_document_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"venue document: \$: must be an object"):
        parse_venue_document([])


# ----------------------------------------------------------------------------------- when it starts


def starting(starts: str, *, zone: str = "Asia/Shanghai", now: datetime = NOW) -> Catalogue:
    written = document()
    put("venue timezone", zone)(written)
    put("events 0 performances 0 starts", starts)(written)
    return parse_catalogue(written, source="house.json", now=now)


@pytest.mark.parametrize(
    ("starts", "zone", "now", "instant"),
    [
        pytest.param("2026-11-28T11:30Z", "Asia/Shanghai", NOW, "2026-11-28T11:30", id="UTC"),
        pytest.param(
            "2026-11-28T19:30+05:30", "Asia/Shanghai", NOW, "2026-11-28T14:00", id="an offset"
        ),
        pytest.param("D+0T20:00", "Asia/Shanghai", NOW, "2026-11-22T12:00", id="today"),
        pytest.param("D+2T19:30", "Asia/Shanghai", NOW, "2026-11-24T11:30", id="in two days"),
        pytest.param(
            "D+1T19:30",
            "Asia/Shanghai",
            datetime(2026, 11, 22, 19, 0, tzinfo=UTC),
            "2026-11-23T11:30",
            id="at 03:00 it is still yesterday's business day",
        ),
        pytest.param("+0m", "Asia/Shanghai", NOW, "2026-11-22T10:15", id="the next quarter"),
        pytest.param("+8m", "Asia/Shanghai", NOW, "2026-11-22T10:15", id="a quarter is kept"),
        pytest.param("+9m", "Asia/Shanghai", NOW, "2026-11-22T10:30", id="a minute past it is not"),
        pytest.param(
            "2026-10-25T02:30+01:00",
            "Europe/Berlin",
            NOW,
            "2026-10-25T01:30",
            id="the second of two equal wall times",
        ),
    ],
)
def test_a_start_may_be_written_in_several_forms(
    starts: str, zone: str, now: datetime, instant: str
) -> None:
    read = starting(starts, zone=zone, now=now).events[0].performance(1)
    assert read is not None
    assert read.starts_at == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "zone", "words"),
    [
        pytest.param("tomorrow", "UTC", 'must be a time such as "2026-11-28T19:30"', id="words"),
        pytest.param("2026-02-30T19:30", "UTC", "no time that any calendar has", id="30 February"),
        pytest.param("D+1T25:00", "UTC", "no time that any calendar has", id="25 o'clock"),
        pytest.param("1999-12-31T19:30", "UTC", "years 2000 to 2100", id="last century"),
        pytest.param("0001-01-01T00:00", "Asia/Shanghai", "calendar", id="before all time"),
        pytest.param("9999-12-31T23:30-10:00", "UTC", "calendar", id="after all time"),
        pytest.param("2026-03-29T02:30", "Europe/Berlin", "does not exist", id="skipped"),
        pytest.param(
            "2026-10-25T02:30",
            "Europe/Berlin",
            "comes twice in Europe/Berlin, when clocks go back; write the offset too, "
            '"2026-10-25T02:30+02:00"',
            id="twice",
        ),
    ],
)
def test_a_start_that_is_no_instant_is_refused(starts: str, zone: str, words: str) -> None:
    with pytest.raises(
        CatalogueError, match=r"\$\.events\[0\]\.performances\[0\]\.starts"
    ) as caught:
        starting(starts, zone=zone)
    assert words in str(caught.value)


def test_a_clock_without_a_zone_is_a_bug() -> None:
    with pytest.raises(ValueError, match="aware"):
        starting("+45m", now=datetime(2026, 11, 22))  # noqa: DTZ001


# --------------------------------------------------------------------------------- what is refused

SEAT = "plans 0 areas 0 rows 1 seats 2"
SEAT_PATH = "$.plans[0].areas[0].rows[1].seats[2]"
AREA, AREA_PATH = "plans 0 areas 0", "$.plans[0].areas[0]"
STANDING, STANDING_PATH = "plans 0 areas 2", "$.plans[0].areas[2]"
TIER, TIER_PATH = "events 0 price_tiers 1", "$.events[0].price_tiers[1]"
PRICES, PRICES_PATH = "events 0 price_list", "$.events[0].price_list"
SHOW, SHOW_PATH = "events 0 performances 0", "$.events[0].performances[0]"


FAULTS = [
    # the document and its objects
    (put("format", "boxgate-catalogue-2"), "$.format", 'did you mean "boxgate-catalogue-1"?'),
    (put("venu", {}), "$.venu", 'not a key of this object; did you mean "venue"?'),
    (put("über-uns", 1), '$["über-uns"]', "known here: format, venue, plans, events"),
    (put("plans", {}), "$.plans", "a list of plans; it is an object"),
    (put("plans", []), "$.plans", "1 to 100 plans; it holds 0"),
    (put("events 0", "x"), "$.events[0]", "must be an object with id, name, plan"),
    (drop("events 0 id"), "$.events[0]", 'has no "id"; add it'),
    # the venue
    (put("venue id", "Sea View"), "$.venue.id", "an id (a-z, 0-9 and -, at most 32"),
    (put("venue id", "x" * 33), "$.venue.id", "at most 32 characters"),
    (put("venue name", {"zh": "海"}), "$.venue.name", 'has no "en"; add it'),
    (put("venue name fr", "La mer"), "$.venue.name.fr", "known here: zh, en"),
    (put("venue name en", " Sea"), "$.venue.name.en", "without a space at either end"),
    (put("venue name en", "a\nb"), "$.venue.name.en", "printable"),
    (put("venue name en", "a\u202eb"), "$.venue.name.en", "printable"),
    (put("venue name en", "\ud800"), "$.venue.name.en", "printable"),
    (put("venue name en", "x" * 121), "$.venue.name.en", "1 to 120"),
    (put("venue timezone", "Asia/Shangai"), "$.venue.timezone", 'mean "Asia/Shanghai"?'),
    (put("venue timezone", "localtime"), "$.venue.timezone", "IANA time zone"),
    (put("venue timezone", "America/Indiana"), "$.venue.timezone", "IANA time zone"),
    (put("venue timezone", "right/UTC"), "$.venue.timezone", "IANA time zone"),
    (put("venue timezone", "../../etc/passwd"), "$.venue.timezone", "IANA time zone"),
    (put("venue timezone", 8), "$.venue.timezone", "IANA time zone"),
    (drop("venue timezone"), "$.venue", 'has no "timezone"'),
    (put("venue day_starts", "4:00"), "$.venue.day_starts", '"00:00" to "12:00"'),
    (put("venue day_starts", "16:00"), "$.venue.day_starts", '"00:00" to "12:00"'),
    (put("venue currency", "cny"), "$.venue.currency", "ISO 4217"),
    (put("venue languages", ["zh", "zh"]), "$.venue.languages[1]", "already at $.venue.languages[0]"),
    (put("venue languages", ["zh", "english"]), "$.venue.languages[1]", "language code"),
    # the plan
    (put("plans 0 seat_pitch", 0), "$.plans[0].seat_pitch", "a number from 0.001"),
    (put("plans 0 stage", [[0, 0], [1, 1]]), "$.plans[0].stage", "3 to 2000 points"),
    (put("plans 0 stage 0", [0]), "$.plans[0].stage[0]", "2 to 2 numbers [x, y]"),
    (put(f"{AREA} kind", "seatd"), f"{AREA_PATH}.kind", 'did you mean "seated"?'),
    (drop(f"{AREA} kind"), AREA_PATH, 'has no "kind"'),
    (put(AREA, 7), AREA_PATH, "must be an object"),
    (put(f"{AREA} capacity", 9), f"{AREA_PATH}.capacity", "not a key of this object"),
    (put(f"{AREA} rows", []), f"{AREA_PATH}.rows", "1 to 500 rows"),
    (put(f"{AREA} label_at", [1, "2"]), f"{AREA_PATH}.label_at[1]", "a number from"),
    (put("plans 0 areas 1 id", "stalls"), "$.plans[0].areas[1].id", f"already at {AREA_PATH}.id"),
    (put(f"{AREA} rows 1 label", "1"), f"{AREA_PATH}.rows[1].label", f"already at {AREA_PATH}.rows[0].label"),
    (put(f"{AREA} rows 1 label", "x" * 9), f"{AREA_PATH}.rows[1].label", "1 to 8 printable"),
    (put(f"{AREA} rows 1 first_unit", 6), f"{AREA_PATH}.rows[1]", f"{AREA_PATH}.rows[0] already goes to 6"),
    (put(f"{AREA} rows 1 first_unit", 2**32 - 3), f"{AREA_PATH}.rows[1].first_unit", "the highest is 4294967295"),
    (put(f"{AREA} rows 1 first_unit", 0), f"{AREA_PATH}.rows[1].first_unit", "a whole number from 1 to 4294967295; it is 0"),
    (put(f"{AREA} rows 1 first_unit", 7.0), f"{AREA_PATH}.rows[1].first_unit", "whole number"),
    (put(f"{AREA} rows 1 first_unit", True), f"{AREA_PATH}.rows[1].first_unit", "it is true"),
    (put(f"{SEAT} x", "20"), f"{SEAT_PATH}.x", 'a number from -1e+06 to 1e+06; it is "20"'),
    (put(f"{SEAT} x", None), f"{SEAT_PATH}.x", "it is null"),
    (put(f"{SEAT} x", float("nan")), f"{SEAT_PATH}.x", "it is not a finite number"),
    (put(f"{SEAT} x", 10**400), f"{SEAT_PATH}.x", "it is an enormous number"),
    (put(f"{SEAT} x", 10), SEAT_PATH, "[10.0, 11.0] is already at $.plans[0].areas[0].rows[1].seats[1]"),
    (drop(f"{SEAT} y"), SEAT_PATH, 'has no "y"'),
    (put(f"{SEAT} label", "2"), SEAT_PATH, 'seat "2" is already at'),
    (put(f"{SEAT} label", 3), f"{SEAT_PATH}.label", "printable characters"),
    (put(f"{SEAT} label", "3" * 9), f"{SEAT_PATH}.label", "1 to 8"),
    (put(f"{SEAT} attributes", ["ailse"]), f"{SEAT_PATH}.attributes[0]", 'did you mean "aisle"?'),
    (put(f"{SEAT} attributes", "aisle"), f"{SEAT_PATH}.attributes", "a list of attributes"),
    (put(f"{SEAT} z", 1), f"{SEAT_PATH}.z", "known here: label, x, y, attributes"),
    (put(f"{STANDING} capacity", 0), f"{STANDING_PATH}.capacity", "from 1 to 100000"),
    (put(f"{STANDING} first_unit", 33), STANDING_PATH, "needs its own unit number"),
    (put(f"{STANDING} first_unit", 2**32 - 1), f"{STANDING_PATH}.first_unit", "the highest is"),
    (drop(f"{STANDING} shape"), STANDING_PATH, 'has no "shape"'),
    # events
    (put("events 0 id", "seaview"), "$.events[0]", "already at $.venue"),
    (put("events 0 plan", "hal"), "$.events[0].plan", 'did you mean "hall"?'),
    (put(f"{TIER} letter", "BBB"), f"{TIER_PATH}.letter", "1 to 2 printable"),
    (put(f"{TIER} places 1", {"area": "balcon"}), f"{TIER_PATH}.places[1].area", 'mean "balcony"?'),
    (put(f"{TIER} places 2 rows", ["1"]), f"{TIER_PATH}.places[2].rows", "has no rows"),
    (put(f"{TIER} places 1 rows", ["9"]), f"{TIER_PATH}.places[1].rows[0]", "label of a row"),
    (put(f"{TIER} places 0", {"units": [[12, 18]]}), f"{TIER_PATH}.places[0]", 'holds unit 12, which is in price tier "a" already'),
    (put(f"{TIER} places 0", {"units": [[14, 18]]}), "$.events[0].price_tiers", "leaves out unit 13 (Stalls Centre · Row 3 Seat 1)"),
    (put(f"{TIER} places 0", {"units": [[13, 19]]}), f"{TIER_PATH}.places[0].units[0]", 'holds unit 19, which plan "hall" does not have'),
    (put(f"{TIER} places 0", {"units": [[13, 2**32 - 1]]}), f"{TIER_PATH}.places[0].units[0]", "holds unit 19"),
    (put(f"{TIER} places 0", {"units": [[18, 13]]}), f"{TIER_PATH}.places[0].units[0]", "first not above last"),
    (put(f"{TIER} places 0", {"units": [[13]]}), f"{TIER_PATH}.places[0].units[0]", "2 to 2 unit numbers"),
    (put("events 0 ticket_types 1 number", 1), "$.events[0].ticket_types[1].number", "ticket type number 1 is already at"),
    (put("events 0 ticket_types 1 number", 256), "$.events[0].ticket_types[1].number", "from 1 to 255"),
    (put(f"{PRICES} prices_minor a adult", 580.5), f"{PRICES_PATH}.prices_minor.a.adult", "a whole number"),
    (put(f"{PRICES} prices_minor a adult", -1), f"{PRICES_PATH}.prices_minor.a.adult", "from 0 to"),
    (put(f"{PRICES} prices_minor c", {}), f"{PRICES_PATH}.prices_minor.c", "known here: a, b"),
    (put(f"{PRICES} prices_minor a adults", 1), f"{PRICES_PATH}.prices_minor.a.adults", 'mean "adult"?'),
    (put(f"{PRICES} exceptions 0 performances", [9]), f"{PRICES_PATH}.exceptions[0].performances[0]", "the number of a performance of this event"),
    (put(f"{PRICES} exceptions 0 performances", [1, 1]), f"{PRICES_PATH}.exceptions[0].performances[1]", "a second time"),
    (put(f"{SHOW} starts", 20261128), f"{SHOW_PATH}.starts", "it is 20261128"),
    (put(f"{SHOW} doors_minutes", 1441), f"{SHOW_PATH}.doors_minutes", "from 0 to 1440"),
    (put(f"{SHOW} runs_minutes", 0), f"{SHOW_PATH}.runs_minutes", "from 1 to 60000"),
    (put(f"{SHOW} on_sale", "yes"), f"{SHOW_PATH}.on_sale", 'true or false; it is "yes"'),
    (put(f"{SHOW} doors", 30), f"{SHOW_PATH}.doors", 'did you mean "doors_minutes"?'),
]  # fmt: skip
# Faults that make others true as well: the first problem named is the cause.
FAULTS_WITH_CONSEQUENCES = [
    (put(f"{TIER} id", "a"), f"{TIER_PATH}.id", "already at $.events[0].price_tiers[0].id"),
    (put("events 0 ticket_types 1 id", "adult"), "$.events[0].ticket_types[1].id", "already at"),
    (put(f"{SHOW} number", 2), "$.events[0].performances[1]", f"performance number 2 is already at {SHOW_PATH}"),
]  # fmt: skip


def _named(faults: list[tuple[Change, str, str]]) -> list[Any]:
    return [pytest.param(*fault, id=str(fault[0])) for fault in faults]


@pytest.mark.parametrize(("change", "path", "words"), _named(FAULTS))
def test_a_fault_is_one_problem_with_the_place_and_the_rule(
    change: Change, path: str, words: str
) -> None:
    written = document()
    change(written)
    found = problems_of(written)
    assert len(found) == 1, found
    assert found[0][0] == path
    assert words in found[0][1]


@pytest.mark.parametrize(("change", "path", "words"), _named(FAULTS_WITH_CONSEQUENCES))
def test_a_fault_comes_before_its_consequences(change: Change, path: str, words: str) -> None:
    written = document()
    change(written)
    found = problems_of(written)
    assert found[0][0] == path
    assert words in found[0][1]


def test_events_share_no_id_and_performances_no_number() -> None:
    written = document()
    written["events"].append(event("swan-lake", 2))
    assert problems_of(written) == [
        ("$.events[1]", 'the id "swan-lake" is already at $.events[0]; each may be used once'),
        ("$.events[1]", "performance number 2 is already at $.events[0]; each may be used once"),
    ]


def test_plans_share_no_id() -> None:
    written = document()
    written["plans"].append(written["plans"][0])
    assert [path for path, _ in problems_of(written)] == ["$.plans[1]"]


def test_a_plan_has_a_bounded_number_of_places() -> None:
    written = document()
    for at in range(2):
        more = {**written["plans"][0]["areas"][2], "id": f"field-{at}", "capacity": 100_000}
        written["plans"][0]["areas"].append(more | {"first_unit": 1_000_000 * (at + 1)})
    assert problems_of(written)[0] == (
        "$.plans[0].areas",
        "must not hold more than 200000 places in all",
    )


def test_an_event_of_a_faulty_plan_is_not_blamed_for_it() -> None:
    written = document()
    put(f"{SEAT} x", "20")(written)
    put(f"{SHOW} starts", "soon")(written)
    assert [path for path, _ in problems_of(written)] == [f"{SEAT_PATH}.x", f"{SHOW_PATH}.starts"]


def test_twenty_problems_are_listed_and_the_others_counted() -> None:
    written = document()
    bad_rows = [row("x" * 9, 1000 + 10 * at, 100 + at, 2) for at in range(25)]
    written["plans"][0]["areas"][1]["rows"] = bad_rows
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(written, source="house.json", now=NOW)
    assert len(caught.value.problems) == 20
    assert caught.value.problem_count == 25
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(
        "house.json: $.plans[0].areas[1].rows[0].label: must be a row's label"
    )
    assert lines[-1] == "... and 5 more"


@pytest.mark.parametrize("written", [None, [], "x", 1, {}, {"venue": None}], ids=repr)
def test_what_is_no_catalogue_at_all_is_refused(written: object) -> None:
    assert problems_of(written)


def test_a_long_value_is_shown_cut_short() -> None:
    written = document()
    put("venue id", "y" * 500)(written)
    ((_, rule),) = problems_of(written)
    assert rule.endswith("y...")
    assert len(rule) < 150


def test_names_may_be_in_any_script() -> None:
    written = document()
    put("venue name", text("海韵 🎭", "Théâtre 'Ελλάς'"))(written)
    read = parse_catalogue(written, source="house.json", now=NOW)
    assert isinstance(read.venue, Venue)
    assert read.venue.name.in_language("zh") == "海韵 🎭"


TENDERS: list[dict[str, Any]] = [
    {"id": "card", "name": {"zh": "刷卡机", "en": "Card reader"}, "icon": "card"},
    {
        "id": "bank",
        "name": {"zh": "转账", "en": "Bank transfer"},
        "asks_reference": True,
        "refunds": False,
    },
]


def test_a_house_names_tenders_and_its_smallest_coin() -> None:
    written = document()
    written["venue"] |= {"tenders": TENDERS, "cash_unit": 10}
    venue = parse_catalogue(written, source="house.json", now=NOW).venue
    assert venue.cash_unit_minor == 10
    assert [(one.id, one.icon, one.asks_reference, one.refunds) for one in venue.tenders] == [
        ("card", "card", False, True),
        ("bank", "other", True, False),
    ]
    assert parse_venue_document(venue_document(venue)) == venue


def test_a_house_without_any_is_written_as_it_always_was() -> None:
    members = venue_document(HOUSE.venue)["venue"]
    assert not {"tenders", "cash_unit"} & set(members)


@pytest.mark.parametrize(
    ("tenders", "path", "rule"),
    [
        ([TENDERS[0], TENDERS[0]], "$.venue.tenders[1]", "each may be used once"),
        ([TENDERS[0] | {"id": "cash"}], "$.venue.tenders[0].id", "another id"),
        ([TENDERS[0] | {"icon": "crd"}], "$.venue.tenders[0].icon", 'did you mean "card"'),
        ([TENDERS[0] | {"refunds": 1}], "$.venue.tenders[0].refunds", "true or false"),
        ([{"id": "card"}], "$.venue.tenders[0]", 'has no "name"'),
        ([TENDERS[0]] * 9, "$.venue.tenders", "must hold 0 to 8 tenders"),
    ],
)
def test_what_is_wrong_with_a_tender_is_said(tenders: list[Any], path: str, rule: str) -> None:
    written = document()
    written["venue"]["tenders"] = tenders
    problems = problems_of(written)
    assert any(where == path and rule in why for where, why in problems), problems
