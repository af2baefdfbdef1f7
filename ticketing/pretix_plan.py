"""Seating plans as pretix publishes them, read into plans of ours.

Source: the JSON schema of pretix's seating plans, and files as its editor writes them. A zone
becomes an area, a category a proposal for a price tier. Rows of one number in one zone are one
row with an aisle in it. Drawings are left out, but for the stage. Keys that we do not know are let
be: the editor writes some that the schema does not have. Whatever would make a wrong plan is a
problem with its place in the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import hypot
from statistics import fmean, median
from typing import Any

from ticketing.document_reader import Node, Problems, unique
from ticketing.faults import N_, Fault
from ticketing.pretix_stage import STAGE_KEYS, Drawing, read_drawing
from ticketing.seating import DEFAULT_SEAT_PITCH, UNIT_MAX, Point, SeatingPlan
from ticketing.seating_document import (
    AREAS_MAX,
    COORDINATE_MAX,
    LABEL_CHARS_MAX,
    PITCH_MAX,
    PLAN_UNITS_MAX,
    ROWS_MAX,
    SEATS_MAX,
    read_plan,
)
from ticketing.text import Text

__all__ = ["Category", "Converted", "convert_plan", "id_for", "is_pretix_plan"]

CATEGORIES_MAX = 100
GUID_CHARS_MAX = 200
_ROWS_IN_FILE_MAX = 4 * ROWS_MAX  # several of them may be parts of one row
_DRAWINGS_MAX = 5_000
_ID_CHARS_MAX = 24  # of an area; leaves room for a number behind it
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_NUMBERS = (int, float)


@dataclass(frozen=True, slots=True)
class Category:
    """A group of seats of the file: what a price tier may be made of. `spans` have both ends."""

    name: str
    seat_count: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Converted:
    """The plan, and what of the file is not in it: categories, and drawings that were left out."""

    plan: SeatingPlan
    categories: tuple[Category, ...]
    left_out_count: int


@dataclass(frozen=True, slots=True)
class _Seat:
    label: str
    x: float
    y: float
    category: str
    node: Node


@dataclass(slots=True)
class _Row:
    label: str
    seats: list[_Seat]

    @property
    def middle(self) -> Point:
        return fmean(seat.x for seat in self.seats), fmean(seat.y for seat in self.seats)


@dataclass(frozen=True, slots=True)
class _Zone:
    name: str
    rows: list[_Row]


@dataclass(slots=True)
class _Found:
    """What is gathered over the whole file."""

    categories: list[str] = field(default_factory=list)
    takes_any: bool = False  # when the categories are at fault, that is said once
    guids: dict[Any, Node] = field(default_factory=dict)
    gaps: list[float] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)


def is_pretix_plan(document: object) -> bool:
    """Return whether a decoded file says that it is one of pretix's: it has zones, and no format."""
    return isinstance(document, dict) and "zones" in document and "format" not in document


def id_for(name: object) -> str:
    """An id made of a plan's name; '' when its letters make none."""
    return _slug(name) if isinstance(name, str) else ""


def convert_plan(
    document: object,
    *,
    source: str,
    plan_id: str,
    languages: Sequence[str],
    earlier: SeatingPlan | None = None,
    highest_unit: int = 0,
) -> Converted:
    """Read a decoded file of pretix's. Total; raises CatalogueError, which names up to 20 problems.

    The file's names stand for every language. Rows of `earlier`, the plan before, whose seats are
    the same keep their unit numbers; new ones get numbers above `highest_unit` and all of its own.
    """
    problems = Problems(source)
    top = Node(document, problems)
    members = top.members(("name", "zones", "categories"), others=True)
    name = _trimmed(members["name"]).string(N_("a plan's name"))
    found = _Found()
    mark = problems.count
    found.categories = _read_categories(members["categories"])
    found.takes_any = problems.since(mark) or not members["categories"].present
    zones = _read_zones(members["zones"], found)
    problems.raise_if_any()
    stage = next((each.outline for each in found.drawings if each.is_stage), ())
    _sort_front_first(zones, stage)
    written = _Writer(languages, plan_id, earlier, highest_unit).document(name, zones, found, stage)
    plan = read_plan(Node(written, problems, None, "the plan made of it"), languages)
    problems.raise_if_any()
    assert plan is not None, "a plan was refused without a reason"
    left_out = len(found.drawings) - (1 if stage else 0)
    return Converted(plan, _categories(plan, zones, found.categories), left_out)


# --------------------------------------------------------------------------------------- reading


def _trimmed(node: Node) -> Node:
    """The same text without the spaces around it, which people do not see."""
    if isinstance(node.value, str) and node.value.strip():
        return Node(node.value.strip(), node.problems, node.parent, node.key)
    return node


def _read_categories(node: Node) -> list[str]:
    seen: dict[Any, Node] = {}
    names = []
    for inner in node.items(0, CATEGORIES_MAX, N_("categories")):
        member = inner.members(("name",), others=True)["name"]
        name = _trimmed(member).string(N_("a category's name"))
        unique(seen, name, member, N_("category"))
        names.append(name)
    return names


def _read_zones(node: Node, found: _Found) -> list[_Zone]:
    mark = node.problems.count
    seen: dict[Any, Node] = {}
    zones = []
    for at, inner in enumerate(node.items(1, AREAS_MAX, N_("zones"))):
        zone = _read_zone(inner, at, found, seen)
        if zone.rows:
            zones.append(zone)
    if not zones and node.present and not node.problems.since(mark):
        node.refuse(Fault.NO_SEATS)
    if len(found.guids) > PLAN_UNITS_MAX:
        node.refuse(Fault.TOO_MANY_SEATS, most=PLAN_UNITS_MAX)
    return zones


def _read_zone(node: Node, at: int, found: _Found, seen: dict[Any, Node]) -> _Zone:
    members = node.members(("position", "rows"), ("name", "areas"), others=True)
    name = f"Area {at + 1}"
    if members["name"].present and members["name"].value not in ("", None):
        name = _trimmed(members["name"]).string(N_("a zone's name"))
    origin = _read_position(members["position"])
    rows = _read_rows(members["rows"], origin, found)
    if rows:  # a zone of drawings only is no area, and may be called like another one
        unique(seen, name, members["name"] if members["name"].present else node, N_("zone"))
    if members["areas"].present:
        for inner in members["areas"].items(0, _DRAWINGS_MAX, N_("areas")):
            found.drawings.append(read_drawing(inner.members((), STAGE_KEYS, others=True), origin))
    return _Zone(name, rows)


def _read_position(node: Node) -> Point:
    members = node.members(("x", "y"), others=True)
    x, y = (members[key].number(-COORDINATE_MAX, COORDINATE_MAX) for key in ("x", "y"))
    return (x, y) if members["x"].present and members["y"].present else (0.0, 0.0)


def _read_rows(node: Node, origin: Point, found: _Found) -> list[_Row]:
    """The rows of a zone; those of one number are one row."""
    parts: dict[str, list[list[_Seat]]] = {}
    nodes: dict[str, Node] = {}
    for inner in node.items(0, _ROWS_IN_FILE_MAX, N_("rows")):
        label, seats = _read_row(inner, origin, found)
        if seats:
            parts.setdefault(label, []).append(seats)
            nodes.setdefault(label, inner)
    if len(parts) > ROWS_MAX:
        node.refuse(Fault.TOO_MANY_ROWS, most=ROWS_MAX)
    return [_joined(label, parts[label], nodes[label]) for label in parts if label]


def _read_row(node: Node, origin: Point, found: _Found) -> tuple[str, list[_Seat]]:
    members = node.members(("row_number", "seats"), ("position",), others=True)
    label = _trimmed(members["row_number"]).string(N_("a row's number"), LABEL_CHARS_MAX)
    if members["position"].present:
        x, y = _read_position(members["position"])
        origin = origin[0] + x, origin[1] + y
    nodes = members["seats"].items(0, SEATS_MAX, N_("seats"))
    seats = [_read_seat(inner, origin, found) for inner in nodes]
    whole = [seat for seat in seats if seat is not None]
    found.gaps += [hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(whole)]
    return label, whole


def _read_seat(node: Node, origin: Point, found: _Found) -> _Seat | None:
    plain = _plain_seat(node.value, origin, found)
    if plain is None:
        return _explained_seat(node, origin, found)
    guid, label, x, y, category = plain
    found.guids[guid] = node
    return _Seat(label, x, y, category, node)


def _plain_seat(
    value: object, origin: Point, found: _Found
) -> tuple[str, str, float, float, str] | None:
    """Read a seat that is in order at first sight; None means "look closer".

    It accepts nothing that `_explained_seat` refuses, and makes 50,000 seats bearable.
    """
    if type(value) is not dict:
        return None
    guid, label = value.get("seat_guid"), value.get("seat_number")
    category, position = value.get("category"), value.get("position")
    if type(guid) is not str or not guid.isascii() or not guid.isprintable() or " " in guid:
        return None
    if not 0 < len(guid) <= GUID_CHARS_MAX or guid in found.guids:
        return None
    if type(label) is not str or not label.isalnum() or len(label) > LABEL_CHARS_MAX:
        return None
    if type(position) is not dict or (category != "" and category not in found.categories):
        return None
    across: Any = position.get("x")
    down: Any = position.get("y")
    if type(across) not in _NUMBERS or type(down) not in _NUMBERS:
        return None
    if not (abs(across) <= COORDINATE_MAX and abs(down) <= COORDINATE_MAX):
        return None  # also before it is made a float: an integer may be too large for one
    x, y = origin[0] + float(across), origin[1] + float(down)
    if not (abs(x) <= COORDINATE_MAX and abs(y) <= COORDINATE_MAX):
        return None
    return guid, label, round(x, 2), round(y, 2), category


def _explained_seat(node: Node, origin: Point, found: _Found) -> _Seat | None:
    """Read any seat, saying what is wrong."""
    mark = node.problems.count
    members = node.members(("seat_guid", "seat_number", "position", "category"), others=True)
    guid = members["seat_guid"].string(N_("a seat's guid"), GUID_CHARS_MAX)
    unique(found.guids, guid, members["seat_guid"], N_("seat_guid"))
    label = _trimmed(members["seat_number"]).string(N_("a seat's number"), LABEL_CHARS_MAX)
    category = ""
    if members["category"].value not in ("", None) and not found.takes_any:
        category = _trimmed(members["category"]).one_of(
            found.categories, N_("one of the categories")
        )
    x, y = _read_position(members["position"])
    x, y = origin[0] + x, origin[1] + y
    if not (abs(x) <= COORDINATE_MAX and abs(y) <= COORDINATE_MAX):
        members["position"].refuse(
            Fault.SEAT_TOO_FAR, x=f"{x:g}", y=f"{y:g}", most=f"{COORDINATE_MAX:g}"
        )
    if node.problems.since(mark):
        return None
    return _Seat(label, round(x, 2), round(y, 2), category, node)


def _joined(label: str, parts: list[list[_Seat]], node: Node) -> _Row:
    """One row of its parts, from left to right; no two of its seats share a number or a point."""
    if len(parts) > 1:
        parts.sort(key=lambda seats: fmean(seat.x for seat in seats))
    seats = [seat for part in parts for seat in part]
    if len(seats) > SEATS_MAX:
        node.refuse(Fault.TOO_MANY_IN_ROW, most=SEATS_MAX)
    labels: dict[Any, _Seat] = {}
    points: dict[Any, _Seat] = {}
    for seat in seats:
        _refuse_second(labels, seat.label, seat, "seat_number")
        _refuse_second(points, (seat.x, seat.y), seat, "position")
    return _Row(label, seats)


def _refuse_second(seen: dict[Any, _Seat], key: object, seat: _Seat, member: str) -> None:
    first = seen.setdefault(key, seat)
    if first is not seat:
        node, other = Node(None, seat.node.problems, seat.node, member), first.node.path
        if member == "position":
            node.refuse(Fault.SEAT_POINT_TWICE, other=other)
        else:
            node.refuse(Fault.SEAT_NUMBER_TWICE, label=seat.label, other=other)


# --------------------------------------------------------------------------------------- writing


def _sort_front_first(zones: Sequence[_Zone], stage: Sequence[Point]) -> None:
    """Rows by their distance from the stage; without one, from the middle of the front edge."""
    seats = [seat for zone in zones for row in zone.rows for seat in row.seats]
    front = fmean(seat.x for seat in seats), min(seat.y for seat in seats)
    if stage:
        front = fmean(x for x, _ in stage), fmean(y for _, y in stage)
    for zone in zones:
        zone.rows.sort(key=lambda row: _distance(row.middle, front))


def _distance(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


@dataclass(slots=True)
class _Writer:
    """Writes the document of the plan."""

    languages: Sequence[str]
    plan_id: str
    earlier: SeatingPlan | None
    highest_unit: int

    def document(
        self, name: str, zones: Sequence[_Zone], found: _Found, stage: Sequence[Point]
    ) -> dict[str, Any]:
        pitch = median(found.gaps) if found.gaps else DEFAULT_SEAT_PITCH
        ids = list(self._area_ids(zones))
        firsts = self._first_units(zones, ids)
        return {
            "id": self.plan_id,
            "name": self._text(name),
            "seat_pitch": min(max(round(pitch, 2), 0.01), PITCH_MAX),
            **({"stage": [list(point) for point in stage]} if stage else {}),
            "areas": [
                {
                    "id": area_id,
                    "name": self._text(zone.name),
                    "kind": "seated",
                    "rows": [
                        {
                            "label": row.label,
                            "first_unit": next(firsts),
                            "seats": [{"label": s.label, "x": s.x, "y": s.y} for s in row.seats],
                        }
                        for row in zone.rows
                    ],
                }
                for zone, area_id in zip(zones, ids, strict=True)
            ],
        }

    def _text(self, name: str) -> dict[str, str]:
        return dict.fromkeys(self.languages, name)

    def _area_ids(self, zones: Sequence[_Zone]) -> Iterator[str]:
        """The id that the area of this name had before; else one made of the name."""
        kept = {area.name: area.id for area in self.earlier.areas} if self.earlier else {}
        taken = set(kept.values())
        for at, zone in enumerate(zones):
            area_id = kept.pop(Text.from_names(self._text(zone.name)), None)
            if area_id is None:
                area_id = _free_id(_slug(zone.name) or f"area-{at + 1}", taken)
                taken.add(area_id)
            yield area_id

    def _first_units(self, zones: Sequence[_Zone], ids: Sequence[str]) -> Iterator[int]:
        """The first unit of each row, in order; a number that is once used is never given again."""
        known = _rows_of(self.earlier)
        areas = self.earlier.areas if self.earlier else ()
        used = (last for area in areas for _first, last in area.unit_spans)
        highest = max([self.highest_unit, *used])
        for zone, area_id in zip(zones, ids, strict=True):
            for row in zone.rows:
                labels, first = known.get((area_id, row.label), ((), 0))
                if labels != tuple(seat.label for seat in row.seats):
                    first, highest = highest + 1, highest + len(row.seats)
                yield min(first, UNIT_MAX)


def _rows_of(plan: SeatingPlan | None) -> Mapping[tuple[str, str], tuple[tuple[str, ...], int]]:
    return {
        (area.id, row.label): (tuple(seat.label for seat in row.seats), row.first_unit)
        for area in (plan.areas if plan else ())
        for row in area.rows
    }


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_IDS.sub("-", plain)[:_ID_CHARS_MAX].strip("-")


def _free_id(wanted: str, taken: Iterable[str]) -> str:
    if wanted not in taken:
        return wanted
    return next(each for n in range(2, 10_000) if (each := f"{wanted}-{n}") not in taken)


def _categories(
    plan: SeatingPlan, zones: Sequence[_Zone], names: Sequence[str]
) -> tuple[Category, ...]:
    """The units of each category that has any; "" are the seats of none."""
    told = (seat.category for zone in zones for row in zone.rows for seat in row.seats)
    units: dict[str, list[int]] = {}
    for seat, name in zip(plan.seats, told, strict=True):
        units.setdefault(name, []).append(seat.unit)
    counts = Counter({name: len(found) for name, found in units.items()})
    return tuple(
        Category(name, counts[name], _spans(units[name])) for name in (*names, "") if counts[name]
    )


def _spans(units: Iterable[int]) -> tuple[tuple[int, int], ...]:
    spans: list[tuple[int, int]] = []
    for unit in sorted(units):
        if spans and spans[-1][1] == unit - 1:
            spans[-1] = spans[-1][0], unit
        else:
            spans.append((unit, unit))
    return tuple(spans)
