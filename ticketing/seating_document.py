"""The seating plan's part of a document: reading it, and writing it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ticketing.document_reader import Node, unique
from ticketing.faults import N_, Fault
from ticketing.seating import (
    DEFAULT_SEAT_PITCH,
    UNIT_MAX,
    Area,
    AreaKind,
    Point,
    Row,
    Seat,
    SeatAttribute,
    SeatingPlan,
)
from ticketing.seating_outline import outline
from ticketing.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LABEL_CHARS_MAX = 8
AREAS_MAX = 500
ROWS_MAX = 500
SEATS_MAX = 500
CAPACITY_MAX = 100_000
POINTS_MAX = 2_000
PLAN_UNITS_MAX = 200_000
COORDINATE_MAX = 1_000_000.0
PITCH_MAX = 10_000.0

_OUTLINE_PITCHES = 0.8  # from a seat's centre to the line around its area
_SEATED_KEYS = ("id", "name", "kind", "rows")
_STANDING_KEYS = ("id", "name", "kind", "first_unit", "capacity", "shape")
_ANY_AREA_OPTIONAL = ("gate", "label_at")
_PLAIN_SEAT_KEYS = {"label", "x", "y"}
_NUMBERS = (int, float)
_ATTRIBUTES = [attribute.value for attribute in SeatAttribute]


def read_text(node: Node, languages: Sequence[str]) -> Text:
    """Read a name given in every language of the venue; a placeholder when it is not."""
    members = node.members(languages)
    names = {language: inner.string(N_("a name")) for language, inner in members.items()}
    return Text.from_names(names or {"en": ""})


def read_plan(node: Node, languages: Sequence[str]) -> SeatingPlan | None:
    """Read one seating plan; None, with its problems recorded, when anything in it is wrong."""
    mark = node.problems.count
    members = node.members(("id", "name", "areas"), ("stage", "seat_pitch"))
    plan_id = members["id"].identifier()
    name = read_text(members["name"], languages)
    pitch = _optional_pitch(members["seat_pitch"])
    stage = _read_polygon(members["stage"]) if members["stage"].present else ()
    nodes = members["areas"].items(1, AREAS_MAX, N_("areas"))
    areas = [_read_area(inner, languages, pitch) for inner in nodes]
    whole = [area for area in areas if area is not None]
    _refuse_shared_ids(nodes)
    _refuse_shared_units(nodes, areas)
    if sum(area.capacity for area in whole) > PLAN_UNITS_MAX:
        members["areas"].refuse(Fault.TOO_MANY_PLACES, most=PLAN_UNITS_MAX)
    if node.problems.since(mark):
        return None
    return SeatingPlan(plan_id, name, tuple(whole), stage, pitch)


def plan_document(plan: SeatingPlan) -> dict[str, Any]:
    """Return the plan as `read_plan` reads it; reading it gives an equal plan."""
    return {
        "id": plan.id,
        "name": plan.name.to_json(),
        "seat_pitch": plan.seat_pitch,
        **({"stage": _polygon(plan.stage)} if plan.stage else {}),
        "areas": [_area_document(area) for area in plan.areas],
    }


def _optional_pitch(node: Node) -> float:
    return node.number(0.001, PITCH_MAX) if node.present else DEFAULT_SEAT_PITCH


def _read_area(node: Node, languages: Sequence[str], pitch: float) -> Area | None:
    mark = node.problems.count
    kind = _area_kind(node)
    if kind is None:
        return None
    area = (
        _read_standing(node, languages)
        if kind is AreaKind.STANDING
        else _read_seated(node, languages, pitch)
    )
    return None if node.problems.since(mark) else area


def _area_kind(node: Node) -> AreaKind | None:
    """Read only the kind, on which the other keys depend."""
    if not isinstance(node.value, dict) or "kind" not in node.value:
        node.members(("id", "name", "kind"), (*_SEATED_KEYS, *_STANDING_KEYS, *_ANY_AREA_OPTIONAL))
        return None
    kinds = [kind.value for kind in AreaKind]
    kind = Node(node.value["kind"], node.problems, node, "kind").one_of(
        kinds, N_("the area's kind")
    )
    return AreaKind(kind) if kind else None


def _read_seated(node: Node, languages: Sequence[str], pitch: float) -> Area | None:
    mark = node.problems.count
    members = node.members(_SEATED_KEYS, (*_ANY_AREA_OPTIONAL, "shape"))
    area_id = members["id"].identifier()
    seen: dict[Any, Node] = {}
    rows = [
        _read_row(inner, area_id, at, seen)
        for at, inner in enumerate(members["rows"].items(1, ROWS_MAX, N_("rows")))
    ]
    shape = _read_polygon(members["shape"]) if members["shape"].present else ()
    name, gate = _names(members, languages)
    label_at = _optional_point(members["label_at"])
    if node.problems.since(mark):
        return None
    whole = tuple(row for row in rows if row is not None)
    centres = [[(seat.x, seat.y) for seat in row.seats] for row in whole]
    return Area(
        id=area_id,
        name=name,
        kind=AreaKind.SEATED,
        rows=whole,
        capacity=sum(len(row.seats) for row in whole),
        first_unit=min(row.first_unit for row in whole),
        shape=shape or outline(centres, _OUTLINE_PITCHES * pitch),
        label_at=label_at or _middle([point for row in centres for point in row]),
        gate=gate,
    )


def _read_standing(node: Node, languages: Sequence[str]) -> Area | None:
    mark = node.problems.count
    members = node.members(_STANDING_KEYS, _ANY_AREA_OPTIONAL)
    area_id = members["id"].identifier()
    first_unit = members["first_unit"].integer(1, UNIT_MAX)
    capacity = members["capacity"].integer(1, CAPACITY_MAX)
    shape = _read_polygon(members["shape"])
    name, gate = _names(members, languages)
    label_at = _optional_point(members["label_at"])
    _refuse_units_past_the_end(members["first_unit"], first_unit, capacity)
    if node.problems.since(mark):
        return None
    return Area(
        id=area_id,
        name=name,
        kind=AreaKind.STANDING,
        rows=(),
        capacity=capacity,
        first_unit=first_unit,
        shape=shape,
        label_at=label_at or _middle(shape),
        gate=gate,
    )


def _names(members: dict[str, Node], languages: Sequence[str]) -> tuple[Text, Text | None]:
    gate = members["gate"]
    return (
        read_text(members["name"], languages),
        read_text(gate, languages) if gate.present else None,
    )


def _read_row(node: Node, area_id: str, row_index: int, seen: dict[Any, Node]) -> Row | None:
    mark = node.problems.count
    members = node.members(("label", "first_unit", "seats"))
    label = members["label"].string(N_("a row's label"), LABEL_CHARS_MAX)
    unique(seen, label, members["label"], N_("row"))
    first_unit = members["first_unit"].integer(1, UNIT_MAX)
    nodes = members["seats"].items(1, SEATS_MAX, N_("seats"))
    _refuse_units_past_the_end(members["first_unit"], first_unit, len(nodes))
    labels: dict[Any, Node] = {}
    places: dict[Any, Node] = {}
    seats = [
        _read_seat(inner, (area_id, label, row_index), first_unit, labels, places)
        for inner in nodes
    ]
    if node.problems.since(mark):
        return None
    return Row(label, tuple(seats))


def _read_seat(
    node: Node,
    row: tuple[str, str, int],
    first_unit: int,
    labels: dict[Any, Node],
    places: dict[Any, Node],
) -> Seat:
    label, place, attributes = _plain_seat(node.value) or _explained_seat(node)
    unique(labels, label, node, N_("seat"))
    if place is not None:
        unique(places, place, node, N_("a seat at"))
    area_id, row_label, row_index = row
    seat_index = node.key if isinstance(node.key, int) else 0
    x, y = place or (0.0, 0.0)
    return Seat(
        unit=first_unit + seat_index,
        area_id=area_id,
        row=row_label,
        label=label,
        x=x,
        y=y,
        attributes=attributes,
        row_index=row_index,
        seat_index=seat_index,
    )


_SeatParts = tuple[str, Point | None, frozenset[SeatAttribute]]


def _plain_seat(value: object) -> _SeatParts | None:
    """Return a seat that is well-formed at first sight; None means "look closer".

    It accepts nothing that `_explained_seat` refuses. Without it a house of 50,000 seats takes
    three times as long to read.
    """
    if type(value) is not dict or value.keys() != _PLAIN_SEAT_KEYS:
        return None
    label, x, y = value["label"], value["x"], value["y"]
    if type(label) is not str or not label.isalnum() or len(label) > LABEL_CHARS_MAX:
        return None
    if type(x) not in _NUMBERS or type(y) not in _NUMBERS:
        return None
    if not (abs(x) <= COORDINATE_MAX and abs(y) <= COORDINATE_MAX):
        return None
    return label, (float(x), float(y)), frozenset()


def _explained_seat(node: Node) -> _SeatParts:
    """Read any seat, saying what is wrong; without a place when a coordinate is."""
    members = node.members(("label", "x", "y"), ("attributes",))
    label = members["label"].string(N_("a seat's label"), LABEL_CHARS_MAX)
    attributes = _read_attributes(members["attributes"])
    mark = node.problems.count
    x = members["x"].number(-COORDINATE_MAX, COORDINATE_MAX)
    y = members["y"].number(-COORDINATE_MAX, COORDINATE_MAX)
    whole = not node.problems.since(mark) and members["x"].present and members["y"].present
    return label, (x, y) if whole else None, attributes


def _read_attributes(node: Node) -> frozenset[SeatAttribute]:
    if not node.present:
        return frozenset()
    words = [
        inner.one_of(_ATTRIBUTES, N_("a seat attribute"))
        for inner in node.items(0, len(_ATTRIBUTES), N_("attributes"))
    ]
    return frozenset(SeatAttribute(word) for word in words if word)


def _read_polygon(node: Node) -> tuple[Point, ...]:
    return tuple(_read_point(inner) for inner in node.items(3, POINTS_MAX, N_("points [x, y]")))


def _optional_point(node: Node) -> Point | None:
    return _read_point(node) if node.present else None


def _read_point(node: Node) -> Point:
    pair = node.items(2, 2, N_("numbers [x, y]"))
    if len(pair) != len(("x", "y")):
        return 0.0, 0.0
    x, y = (inner.number(-COORDINATE_MAX, COORDINATE_MAX) for inner in pair)
    return x, y


def _middle(points: Sequence[Point]) -> Point:
    """Return the mean of the points, rounded as coordinates in documents are."""
    count = len(points)
    return (
        round(sum(x for x, _ in points) / count, 2),
        round(sum(y for _, y in points) / count, 2),
    )


def _refuse_units_past_the_end(node: Node, first_unit: int, count: int) -> None:
    if first_unit + count - 1 > UNIT_MAX:
        node.refuse(Fault.UNIT_PAST_END, last=first_unit + count - 1, most=UNIT_MAX)


def _refuse_shared_ids(nodes: Iterable[Node]) -> None:
    seen: dict[Any, Node] = {}
    for node in nodes:
        if isinstance(node.value, dict) and isinstance(node.value.get("id"), str):
            unique(
                seen,
                node.value["id"],
                Node(node.value["id"], node.problems, node, "id"),
                N_("id"),
            )


def _refuse_shared_units(nodes: Sequence[Node], areas: Sequence[Area | None]) -> None:
    """Refuse rows and standing areas that use a unit number of another one."""
    spans = sorted(
        (first, last, _span_path(node, area, at))
        for node, area in zip(nodes, areas, strict=True)
        if area is not None
        for at, (first, last) in enumerate(area.unit_spans)
    )
    reached, reached_path = 0, ""
    for first, last, path in spans:
        if first <= reached and nodes:
            nodes[0].problems.add(
                path,
                Fault.UNITS_SHARED,
                first=first,
                last=last,
                other=reached_path,
                reached=reached,
            )
        if last > reached:
            reached, reached_path = last, path


def _span_path(node: Node, area: Area, at: int) -> str:
    return node.path if area.kind is AreaKind.STANDING else f"{node.path}.rows[{at}]"


def _area_document(area: Area) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": area.id,
        "name": area.name.to_json(),
        "kind": area.kind.value,
        "shape": _polygon(area.shape),
        "label_at": list(area.label_at),
    }
    if area.gate is not None:
        document["gate"] = area.gate.to_json()
    if area.kind is AreaKind.STANDING:
        return document | {"first_unit": area.first_unit, "capacity": area.capacity}
    return document | {"rows": [_row_document(row) for row in area.rows]}


def _row_document(row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "first_unit": row.first_unit,
        "seats": [_seat_document(seat) for seat in row.seats],
    }


def _seat_document(seat: Seat) -> dict[str, Any]:
    document: dict[str, Any] = {"label": seat.label, "x": seat.x, "y": seat.y}
    if seat.attributes:
        document["attributes"] = sorted(attribute.value for attribute in seat.attributes)
    return document


def _polygon(points: Iterable[Point]) -> list[list[float]]:
    return [[x, y] for x, y in points]
