"""A venue's seating plan: areas, rows, seats, and the unit number that each place has for ever.

Coordinates are the plan's own: x to the right, y away from the stage (down on a screen), about
`seat_pitch` between neighbours. They are for drawing and for finding seats together; nothing else.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from ticketing.seating_outline import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ticketing.text import Text

UNIT_MAX = 2**32 - 1  # a unit number has four bytes in the ticket code
DEFAULT_SEAT_PITCH = 10.0

_SEAT_WORDING = {"zh": "{area} {row}排{seat}座", "en": "{area} · Row {row} Seat {seat}"}

__all__ = [
    "DEFAULT_SEAT_PITCH",
    "UNIT_MAX",
    "Area",
    "AreaKind",
    "Point",
    "Row",
    "Seat",
    "SeatAttribute",
    "SeatingPlan",
]


class SeatAttribute(StrEnum):
    """What a seller must know of a seat. Stored in documents; never renamed."""

    WHEELCHAIR = "wheelchair"
    COMPANION = "companion"
    RESTRICTED_VIEW = "restricted_view"
    AISLE = "aisle"


class AreaKind(StrEnum):
    """Whether places are sold one by one or by number. Stored in documents; never renamed."""

    SEATED = "seated"
    STANDING = "standing"


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat. `row_index` is its row's order in the area, front first; `seat_index` its order in
    the row, whatever the labels say (odd and even numbers may sit on either side).
    """

    unit: int
    area_id: str
    row: str
    label: str
    x: float
    y: float
    attributes: frozenset[SeatAttribute]
    row_index: int
    seat_index: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row of seats with consecutive unit numbers; never empty."""

    label: str
    seats: tuple[Seat, ...]

    @property
    def first_unit(self) -> int:
        """Return the unit number of the first seat."""
        return self.seats[0].unit


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the house. Standing: no rows, `capacity` places numbered on from `first_unit`.

    Seated: `capacity` counts the seats and `first_unit` is the lowest unit. `gate` names the door
    that the ticket should send people to.
    """

    id: str
    name: Text
    kind: AreaKind
    rows: tuple[Row, ...]
    capacity: int
    first_unit: int
    shape: tuple[Point, ...]
    label_at: Point
    gate: Text | None = None

    @property
    def units(self) -> range | tuple[int, ...]:
        """Return the area's unit numbers: a range for a standing area, else in row order."""
        if self.kind is AreaKind.STANDING:
            return range(self.first_unit, self.first_unit + self.capacity)
        return tuple(seat.unit for row in self.rows for seat in row.seats)

    @property
    def unit_spans(self) -> tuple[tuple[int, int], ...]:
        """Return the first and last unit of each row, or of the whole standing area."""
        if self.kind is AreaKind.STANDING:
            return ((self.first_unit, self.first_unit + self.capacity - 1),)
        return tuple((row.first_unit, row.seats[-1].unit) for row in self.rows)


@dataclass(frozen=True, slots=True)
class SeatingPlan:
    """A whole house. Unit numbers are unique in it and may have gaps: printed tickets cite them.

    Building one with a unit number used twice is a bug and raises ValueError; documents are
    checked before that, with a sentence for their author.
    """

    id: str
    name: Text
    areas: tuple[Area, ...]
    stage: tuple[Point, ...] = ()
    seat_pitch: float = DEFAULT_SEAT_PITCH
    seats: tuple[Seat, ...] = field(init=False, repr=False, compare=False)
    unit_count: int = field(init=False, repr=False, compare=False)
    bounds: tuple[float, float, float, float] = field(init=False, repr=False, compare=False)
    _seat_by_unit: dict[int, Seat] = field(init=False, repr=False, compare=False)
    _spans: tuple[tuple[int, int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seats = tuple(seat for area in self.areas for row in area.rows for seat in row.seats)
        spans = tuple(
            sorted((*span, at) for at, area in enumerate(self.areas) for span in area.unit_spans),
        )
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            raise ValueError(f"seating plan {self.id}: a unit number is used twice")
        derived = {
            "seats": seats,
            "unit_count": sum(area.capacity for area in self.areas),
            "bounds": _bounds(self._drawn_points(seats)),
            "_seat_by_unit": {seat.unit: seat for seat in seats},
            "_spans": spans,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def seat_by_unit(self, unit: int) -> Seat | None:
        """Return the seat, or None for a standing place and for a unit that is not in the plan."""
        return self._seat_by_unit.get(unit)

    def has_unit(self, unit: int) -> bool:
        """Return whether the plan has this unit, seated or standing."""
        return self._area_at(unit) is not None

    def area_of(self, unit: int) -> Area:
        """Return the unit's area; KeyError for a unit that is not in the plan."""
        area = self._area_at(unit)
        if area is None:
            raise KeyError(f"seating plan {self.id} has no unit {unit}")
        return area

    def area(self, area_id: str) -> Area | None:
        """Return the area with this id, if there is one."""
        return next((area for area in self.areas if area.id == area_id), None)

    def describe(self, unit: int, language: str) -> str:
        """Return what people call the place: "池座中 8排10座", "Stalls Centre · Row 8 Seat 10".

        A standing place is called by its area. A unit that is not in the plan gives "#4711".
        """
        area, seat = self._area_at(unit), self._seat_by_unit.get(unit)
        if area is None:
            return f"#{unit}"
        name = area.name.in_language(language)
        if seat is None:
            return name
        wording = _SEAT_WORDING.get(language[:2].lower(), _SEAT_WORDING["en"])
        return wording.format(area=name, row=seat.row, seat=seat.label)

    def _area_at(self, unit: int) -> Area | None:
        at = bisect_right(self._spans, (unit, UNIT_MAX, len(self.areas))) - 1
        if at < 0 or unit > self._spans[at][1]:
            return None
        return self.areas[self._spans[at][2]]

    def _drawn_points(self, seats: Sequence[Seat]) -> Iterable[Point]:
        yield from self.stage
        for area in self.areas:
            yield from area.shape
            yield area.label_at
        for seat in seats:
            yield seat.x, seat.y


def _bounds(points: Iterable[Point]) -> tuple[float, float, float, float]:
    """Return (left, top, right, bottom); all zero when there is nothing to draw."""
    drawn = tuple(points)
    if not drawn:
        return 0.0, 0.0, 0.0, 0.0
    across, down = [x for x, _ in drawn], [y for _, y in drawn]
    return min(across), min(down), max(across), max(down)
