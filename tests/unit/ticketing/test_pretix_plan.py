"""Seating plans of pretix's become ours, or every fault is told with its place in the file."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.ticketing.pretix_files import Plan, of_seats, row, town_hall
from ticketing.document_reader import CatalogueError, Node, Problems
from ticketing.pretix_plan import Converted, convert_plan, is_pretix_plan
from ticketing.seating import SeatingPlan
from ticketing.seating_document import plan_document, read_plan

LANGUAGES = ("zh", "en")


def convert(document: object, earlier: SeatingPlan | None = None, highest: int = 0) -> Converted:
    return convert_plan(
        document,
        source="hall.json",
        plan_id="hall",
        languages=LANGUAGES,
        earlier=earlier,
        highest_unit=highest,
    )


def problems(document: object) -> list[tuple[str, str]]:
    with pytest.raises(CatalogueError) as refused:
        convert(document)
    return [(each.path, each.rule) for each in refused.value.problems]


# --- a good file


def test_zones_become_areas_and_rows_of_one_number_one_row_with_an_aisle() -> None:
    plan = convert(town_hall()).plan
    assert [(area.id, area.name.in_language("en"), area.capacity) for area in plan.areas] == [
        ("stalls", "Stalls", 24),
        ("galerie-fur-gaste", "Galerie für Gäste", 6),
    ]
    assert plan.name.to_json() == {"zh": "Town hall", "en": "Town hall"}
    first = plan.areas[0].rows[0]
    assert first.label == "1", "the row at the stage comes first"
    assert [seat.label for seat in first.seats] == list("12345678")
    assert [seat.x for seat in first.seats] == [50, 75, 100, 125, 210, 235, 260, 285]
    assert {seat.y for seat in first.seats} == {130}
    assert plan.seat_pitch == 25


def test_every_place_has_a_unit_of_its_own_in_the_order_of_rows() -> None:
    plan = convert(town_hall()).plan
    assert [seat.unit for seat in plan.seats] == list(range(1, 31))


def test_the_stage_is_drawn_and_other_drawings_are_counted() -> None:
    found = convert(town_hall())
    assert list(found.plan.stage) == [(60, 20), (260, 20), (260, 80), (60, 80)]
    assert found.left_out_count == 1


@pytest.mark.parametrize(
    ("drawing", "corners", "within"),
    [
        pytest.param({"shape": "circle", "circle": {"radius": 40}}, 32, 40, id="circle"),
        pytest.param(
            {"shape": "ellipse", "ellipse": {"radius": {"x": 40, "y": 10}}}, 32, 40, id="ellipse"
        ),
        pytest.param(
            {
                "shape": "polygon",
                "polygon": {"points": [{"x": 0, "y": 0}, {"x": 9, "y": 0}, {"x": 0, "y": 9}]},
            },
            3,
            9,
            id="polygon",
        ),
        pytest.param({"width": 30, "height": 20, "text": "Bühne"}, 4, 37, id="first schema"),
        pytest.param(
            {"width": 30, "height": 20, "text": "STAGE", "rotation": 90}, 4, 37, id="turned"
        ),
    ],
)
def test_a_stage_has_the_shape_that_is_drawn(drawing: Plan, corners: int, within: float) -> None:
    document = town_hall()
    text = {"text": {"text": "舞台"}} if "text" not in drawing else {}
    document["zones"][0]["areas"] = [{"position": {"x": 100, "y": 0}, **text, **drawing}]
    stage = convert(document).plan.stage
    assert len(stage) == corners
    assert all(abs(x - 150) <= within and abs(y) <= within for x, y in stage)


@pytest.mark.parametrize(
    "drawing",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"text": {"text": "Stage"}}, id="no place"),
        pytest.param({"text": "Stage", "position": {"x": 1e300, "y": 0}}, id="far away"),
        pytest.param(
            {"text": "Stage", "position": {"x": 0, "y": 0}, "width": "wide"}, id="no width"
        ),
        pytest.param(
            {"text": "Stage", "position": {"x": 0, "y": 0}, "shape": "heart"}, id="odd shape"
        ),
        pytest.param(
            {"text": "Stage", "position": {"x": 0, "y": 0}, "shape": "polygon", "polygon": 1},
            id="polygon of nothing",
        ),
    ],
)
def test_a_drawing_that_is_odd_is_left_out_and_nothing_else(drawing: Any) -> None:
    document = town_hall()
    document["zones"][0]["areas"] = [drawing] if drawing is not None else []
    found = convert(document)
    assert found.plan.stage == ()
    assert found.plan.unit_count == 30


def test_categories_tell_their_units_and_those_of_nobody_are_left_out() -> None:
    found = convert(town_hall()).categories
    assert [(each.name, each.seat_count, each.spans) for each in found] == [
        ("Front", 8, ((1, 8),)),
        ("Stalls", 16, ((9, 24),)),
        ("", 6, ((25, 30),)),
    ]


def test_a_file_of_the_published_schema_without_the_editors_own_keys_is_taken() -> None:
    document = {
        "name": "Kleiner Saal",
        "categories": [{"name": "Stalls"}],
        "zones": [
            {
                "position": {"x": 0, "y": 0},
                "rows": [
                    {
                        "row_number": "0",
                        "seats": [
                            {
                                "seat_guid": "0-0",
                                "seat_number": "0-0",
                                "position": {"x": 0, "y": 0},
                                "category": "Stalls",
                            }
                        ],
                    }
                ],
            }
        ],
    }
    plan = convert(document).plan
    assert [(area.id, area.name.in_language("en")) for area in plan.areas] == [("area-1", "Area 1")]
    assert plan.describe(1, "en") == "Area 1 · Row 0 Seat 0-0"


def test_the_plan_is_one_that_our_own_reader_reads_back() -> None:
    plan = convert(town_hall()).plan
    assert read_plan(Node(plan_document(plan), Problems("again")), LANGUAGES) == plan


def test_zones_whose_names_make_the_same_id_get_different_ones() -> None:
    document = town_hall()
    document["zones"][1]["name"] = "STALLS!"
    assert [area.id for area in convert(document).plan.areas] == ["stalls", "stalls-2"]


def test_a_large_house_is_read() -> None:
    found = convert(of_seats(5_000))
    assert found.plan.unit_count == 5_000
    assert found.categories[0].spans == ((1, 5_000),)


@pytest.mark.parametrize(
    ("document", "is_one"),
    [
        ({"zones": []}, True),
        ({"zones": [], "format": "boxgate-plan-1"}, False),
        ({"plans": []}, False),
        ([], False),
    ],
)
def test_a_file_of_pretix_is_known_by_its_zones(document: object, is_one: bool) -> None:
    assert is_pretix_plan(document) is is_one


# --- the next version


def test_rows_that_stay_keep_their_units_and_new_ones_get_numbers_that_nobody_had() -> None:
    before = convert(town_hall()).plan
    document = town_hall()
    rows = document["zones"][0]["rows"]
    rows.append(row("Stalls", "0", 100, range(1, 3)))  # a new one at the stage
    document["zones"][0]["rows"] = [r for r in rows if r["row_number"] != "2"]
    after = convert(document, before, 500).plan
    units = {(s.area_id, s.row, s.label): s.unit for s in after.seats}
    for seat in before.seats:
        if seat.row != "2":
            assert units[seat.area_id, seat.row, seat.label] == seat.unit
    assert (units["stalls", "0", "1"], units["stalls", "0", "2"]) == (501, 502)


def test_a_row_with_another_seat_in_it_gets_new_numbers_for_all() -> None:
    before = convert(town_hall()).plan
    document = town_hall()
    document["zones"][1]["rows"] = [row("Balcony", "A", 0, range(1, 8), category="")]
    after = convert(document, before).plan
    assert [seat.unit for seat in after.areas[1].rows[0].seats] == list(range(31, 38))


def test_an_area_keeps_the_id_that_it_has_under_its_name() -> None:
    document = plan_document(convert(town_hall()).plan)
    document["areas"][0]["id"] = "parkett"
    before = read_plan(Node(document, Problems("ours")), LANGUAGES)
    assert before is not None
    assert convert(town_hall(), before).plan == before


# --- every kind of broken file


def at(*keys: str | int) -> Callable[[Plan], Any]:
    def find(document: Plan) -> Any:
        found: Any = document
        for key in keys:
            found = found[key]
        return found

    return find


SEAT = at("zones", 0, "rows", 1, "seats", 2)
FIRST_ROW = at("zones", 0, "rows", 0)


@pytest.mark.parametrize(
    ("where", "key", "value", "path", "said"),
    [
        (at(), "name", None, "$.name", "must be a plan's name"),
        (at(), "zones", {}, "$.zones", "must be a list of zones"),
        (at(), "zones", [], "$.zones", "must hold 1 to 500 zones"),
        (at(), "categories", "red", "$.categories", "must be a list of categories"),
        (at("categories", 1), "name", "Front", "$.categories[1].name", "already at"),
        (at("zones"), 0, 7, "$.zones[0]", "must be an object with position, rows"),
        (at("zones", 0), "position", {"x": 0}, "$.zones[0].position", 'has no "y"'),
        (at("zones", 1), "name", "Stalls", "$.zones[1].name", "already at $.zones[0].name"),
        (at("zones", 0), "name", "a\u202eb", "$.zones[0].name", "printable"),
        (FIRST_ROW, "row_number", "", "$.zones[0].rows[0].row_number", "1 to 8 printable"),
        (FIRST_ROW, "row_number", 3, "$.zones[0].rows[0].row_number", "1 to 8 printable"),
        (FIRST_ROW, "row_number", "Reihe 105", "$.zones[0].rows[0].row_number", "1 to 8"),
        (FIRST_ROW, "seats", 0, "$.zones[0].rows[0].seats", "must be a list of seats"),
        (SEAT, "seat_guid", "", "$.zones[0].rows[1].seats[2].seat_guid", "must be a seat's guid"),
        (SEAT, "seat_guid", 17, "$.zones[0].rows[1].seats[2].seat_guid", "must be a seat's guid"),
        (SEAT, "seat_number", "1", "$.zones[0].rows[1].seats[2].seat_number", "is at $.zones[0]"),
        (SEAT, "seat_number", "7", "$.zones[0].rows[0].seats[2].seat_number", "rows[1].seats[2]"),
        (SEAT, "seat_number", "123456789", "$.zones[0].rows[1].seats[2].seat_number", "1 to 8"),
        (SEAT, "category", "Stals", "$.zones[0].rows[1].seats[2].category", 'mean "Stalls"'),
        (SEAT, "position", {"x": "1", "y": 0}, "$.zones[0].rows[1].seats[2].position.x", "number"),
        (SEAT, "position", {"x": 10**400, "y": 0}, "$.zones[0].rows[1].seats[2].position.x", "is"),
        (SEAT, "position", {"x": 1e7, "y": 0}, "$.zones[0].rows[1].seats[2].position.x", "number"),
        (SEAT, "position", {"x": 999_999, "y": 0}, "$.zones[0].rows[1].seats[2].position", "puts"),
        (SEAT, "position", {"x": 0, "y": 0}, "$.zones[0].rows[1].seats[2].position", "this very"),
        (SEAT, "position", None, "$.zones[0].rows[1].seats[2].position", "an object with x, y"),
        (at("zones", 0, "rows", 1, "seats"), 2, [], "$.zones[0].rows[1].seats[2]", "an object"),
    ],
)
def test_a_fault_is_told_with_its_place(
    where: Callable[[Plan], Any], key: str | int, value: object, path: str, said: str
) -> None:
    document = town_hall()
    where(document)[key] = value
    found = problems(document)
    assert found[0][0] == path
    assert said in found[0][1]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("where", "key", "path"),
    [
        (at(), "name", "$"),
        (at(), "zones", "$"),
        (at(), "categories", "$"),
        (at("zones", 0), "position", "$.zones[0]"),
        (at("zones", 0), "rows", "$.zones[0]"),
        (FIRST_ROW, "row_number", "$.zones[0].rows[0]"),
        (FIRST_ROW, "seats", "$.zones[0].rows[0]"),
        (SEAT, "seat_guid", "$.zones[0].rows[1].seats[2]"),
        (SEAT, "seat_number", "$.zones[0].rows[1].seats[2]"),
        (SEAT, "position", "$.zones[0].rows[1].seats[2]"),
        (SEAT, "category", "$.zones[0].rows[1].seats[2]"),
    ],
)
def test_what_is_missing_is_told_with_its_place(
    where: Callable[[Plan], Any], key: str, path: str
) -> None:
    document = town_hall()
    del where(document)[key]
    assert (path, f'has no "{key}"') in [
        (p, rule.partition(";")[0]) for p, rule in problems(document)
    ]


def test_a_guid_stands_for_one_seat_in_the_whole_file() -> None:
    document = town_hall()
    first = document["zones"][0]["rows"][0]["seats"][0]
    document["zones"][1]["rows"][0]["seats"][3]["seat_guid"] = first["seat_guid"]
    ((path, rule),) = problems(document)
    assert path == "$.zones[1].rows[0].seats[3].seat_guid"
    assert "is already at $.zones[0].rows[0].seats[0]" in rule


@pytest.mark.parametrize("document", [None, 7, "plan", [], {}, {"zones": [{}]}])
def test_what_is_no_plan_at_all_is_refused(document: object) -> None:
    assert problems(document)


def test_a_plan_without_a_seat_is_refused() -> None:
    document = town_hall()
    for zone in document["zones"]:
        zone["rows"] = []
    assert problems(document) == [("$.zones", "hold no seat at all")]


def test_more_places_than_a_plan_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticketing.pretix_plan.PLAN_UNITS_MAX", 29)
    assert problems(town_hall()) == [("$.zones", "must not hold more than 29 seats in all")]


def test_rows_that_are_too_long_once_joined_are_refused() -> None:
    document = town_hall()
    document["zones"][1]["rows"] = [
        row("long", "1", 0, range(1, 401)),
        row("long", "1", 0, range(401, 801), 11_000),
    ]
    (found,) = problems(document)
    assert found == (
        "$.zones[1].rows[0]",
        "must not hold more than 500 seats, with its other parts",
    )


def test_the_first_20_faults_are_shown_and_all_are_counted() -> None:
    document = of_seats(50)
    for seat in document["zones"][0]["rows"][0]["seats"]:
        del seat["seat_guid"]
    with pytest.raises(CatalogueError) as refused:
        convert(document)
    assert (len(refused.value.problems), refused.value.problem_count) == (20, 50)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found = [(value, key) for key in keys]
    return found + [
        place
        for key in keys
        if isinstance(value[key], dict | list)
        for place in _places(value[key])
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_stands_anywhere_a_plan_comes_of_it_or_a_refusal(data: st.DataObject) -> None:
    document = copy.deepcopy(town_hall())
    container, key = data.draw(st.sampled_from(_places(document)))
    container[key] = data.draw(_values)
    plan, refused = converted_or_refused(document)
    if plan is None:
        assert refused is not None
        assert not any(each.path.startswith("the plan made") for each in refused.problems)
    else:
        assert read_plan(Node(plan_document(plan), Problems("again")), LANGUAGES) == plan


def converted_or_refused(document: object) -> tuple[SeatingPlan | None, CatalogueError | None]:
    try:
        return convert(document).plan, None
    except CatalogueError as refused:
        return None, refused
