"""Where seats lie, for drawing, tapping and walking: plan coordinates at ten to a seat pitch.

Built once for a plan, on a worker thread. Fifty thousand seats are looked up through two grids, never
one by one: fine cells for taps, coarse ones for drawing and for walking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, degrees, hypot, inf
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ticketing.seating import Area, Row, Seat, SeatAttribute, SeatingPlan

PITCH: Final = 10.0
"""Distance between neighbours in field coordinates, whatever the plan's own units are."""
CELL: Final = 120.0
"""Side of a grid cell: 12 seats; small enough to paint alone, large enough to be few."""
_FINE: Final = 20.0
"""Side of a cell in which taps are looked up: a handful of seats."""
REACH: Final = PITCH * 0.62
"""A click this near a seat's centre means the seat; a little over half the way to the next."""
REACH_MAX: Final = PITCH * 4
"""However far away the house is: no finger means a seat further from it than this."""
_SIDEWAYS: Final = 2.2
"""How much worse a step to the side is than one straight on, for the arrow keys."""

_UP: Final = (0.0, -1.0)
_SURE: Final = _FINE
"""A step this cheap is the cheapest: whatever is further off costs more."""

Cell = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """One seat on the field. `angle` is its row's direction in degrees, -45 to 45."""

    unit: int
    x: float
    y: float
    angle: float


@dataclass(frozen=True, slots=True)
class RowLabel:
    """A row's label beside its first seat."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class AreaOutline:
    """An area's shape, and where its name stands."""

    area_id: str
    shape: tuple[tuple[float, float], ...]
    x: float
    y: float
    standing: bool
    clearance: float
    """How far the name's place is from the nearest seat; 0 in a standing area."""
    away: Point
    """In which direction that leads away from the seats; of length one."""
    middle: tuple[float, float]
    """A point well inside the shape, and how much of the shape lies across and down from it."""
    room: tuple[float, float]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The shape's left, top, right and bottom."""
        across, down = [x for x, _ in self.shape], [y for _, y in self.shape]
        return min(across), min(down), max(across), max(down)


class SeatField:
    """A plan laid out. Immutable once built."""

    def __init__(self, plan: SeatingPlan) -> None:
        self.plan = plan
        self._scale = PITCH / plan.seat_pitch
        self.stage = self._polygon(plan.stage)
        self.areas = tuple(self._outline(area) for area in plan.areas)
        self._area_by_id = {area.area_id: area for area in self.areas}
        rows = [row for area in plan.areas for row in area.rows]
        self.spots: dict[int, Spot] = {
            spot.unit: spot for row in rows for spot in self._spots_of(row)
        }
        self.row_labels = tuple(self._row_label(row) for row in rows)
        self.attributes: dict[int, frozenset[SeatAttribute]] = {
            seat.unit: seat.attributes for seat in plan.seats if seat.attributes
        }
        self._cells: dict[Cell, list[Spot]] = {}
        self._fine: dict[Cell, list[Spot]] = {}
        for spot in self.spots.values():
            self._cells.setdefault(cell_of(spot.x, spot.y), []).append(spot)
            fine = (int(spot.x // _FINE), int(spot.y // _FINE))
            self._fine.setdefault(fine, []).append(spot)
        across, down = {x for x, _ in self._cells} or {0}, {y for _, y in self._cells} or {0}
        self._extent = (min(across), min(down), max(across), max(down))
        left, top, right, bottom = (edge * self._scale for edge in plan.bounds)
        self.bounds = (left - PITCH, top - PITCH, right + PITCH, bottom + PITCH)

    @property
    def cells(self) -> Iterable[Cell]:
        """The cells that hold seats."""
        return self._cells.keys()

    def in_cell(self, cell: Cell) -> list[Spot]:
        """The seats whose centres lie in a cell."""
        return self._cells.get(cell, [])

    def seat_at(self, x: float, y: float, reach: float = REACH) -> int | None:
        """The seat nearest to a point, if its middle is within `reach`, at most `REACH_MAX`."""
        reach = min(reach, REACH_MAX)
        left, right = int((x - reach) // _FINE), int((x + reach) // _FINE)
        top, bottom = int((y - reach) // _FINE), int((y + reach) // _FINE)
        near = [
            (hypot(spot.x - x, spot.y - y), spot.unit)
            for across in range(left, right + 1)
            for down in range(top, bottom + 1)
            for spot in self._fine.get((across, down), ())
        ]
        distance, unit = min(near, default=(reach, 0))
        return unit if distance < reach else None

    def count_in(self, left: float, top: float, right: float, bottom: float) -> int:
        """How many seats have their middle in a rectangle."""
        return sum(
            left <= spot.x <= right and top <= spot.y <= bottom
            for across in range(int(left // _FINE), int(right // _FINE) + 1)
            for down in range(int(top // _FINE), int(bottom // _FINE) + 1)
            for spot in self._fine.get((across, down), ())
        )

    def area_at(self, x: float, y: float) -> AreaOutline | None:
        """The area whose shape lies under a point."""
        return next((area for area in self.areas if _contains(area.shape, x, y)), None)

    def area_of(self, unit: int) -> AreaOutline:
        """The area that a unit is in; KeyError for a unit that is not in the plan."""
        return self._area_by_id[self.plan.area_of(unit).id]

    def area_step(self, area: AreaOutline, dx: int, dy: int) -> AreaOutline:
        """The next area with seats in a direction; the same one at the edge."""

        def cost(other: AreaOutline) -> float:
            along = (other.middle[0] - area.middle[0]) * dx + (
                other.middle[1] - area.middle[1]
            ) * dy
            aside = abs((other.middle[0] - area.middle[0]) * dy)
            aside += abs((other.middle[1] - area.middle[1]) * dx)
            return along + _SIDEWAYS * aside if along > PITCH and aside <= 2.0 * along else inf

        seated = [other for other in self.areas if not other.standing and other is not area]
        found = min(seated, key=cost, default=area)
        return found if cost(found) < inf else area

    def seat_in(self, area: AreaOutline) -> int | None:
        """The seat of an area that is nearest to its middle."""
        found = self.plan.area(area.area_id)
        if found is None or area.standing:
            return None
        return self._nearest(found.units, *area.middle)

    def standing_at(self, x: float, y: float) -> str | None:
        """The standing area under a point."""
        inside = (
            area.area_id for area in self.areas if area.standing and _contains(area.shape, x, y)
        )
        return next(inside, None)

    def step(self, unit: int, dx: int, dy: int) -> int:
        """The next seat in a direction (one of dx, dy is -1 or 1); the same one at the edge."""
        here = self.spots[unit]

        def cost(spot: Spot) -> float:
            along = (spot.x - here.x) * dx + (spot.y - here.y) * dy
            aside = abs((spot.x - here.x) * dy) + abs((spot.y - here.y) * dx)
            if along < PITCH * 0.25 or aside > along * 2.0:
                return inf
            return along + _SIDEWAYS * aside

        near = self._cheapest(self._near(here), cost)
        if near is not None and cost(self.spots[near]) <= _SURE:
            return near
        return self._cheapest(self._rings(here.x, here.y, (dx, dy)), cost) or unit

    def middle_seat(self, units: Iterable[int]) -> int | None:
        """Which of these seats is nearest the middle of the house."""
        return self._nearest(units, *self._centre)

    def middle_seat_where(self, wanted: Callable[[int], bool]) -> int | None:
        """The seat nearest the middle of the house of which this is true; looks no further."""
        x, y = self._centre

        def cost(spot: Spot) -> float:
            return hypot(spot.x - x, spot.y - y) if wanted(spot.unit) else inf

        return self._cheapest(self._rings(x, y), cost)

    @property
    def _centre(self) -> Point:
        left, top, right, bottom = self.bounds
        return (left + right) / 2, (top + bottom) / 2

    def _nearest(self, units: Iterable[int], x: float, y: float) -> int | None:
        spots = (self.spots[unit] for unit in units)
        found = min(spots, key=lambda spot: hypot(spot.x - x, spot.y - y), default=None)
        return found.unit if found else None

    def _cheapest(
        self, rings: Iterable[tuple[int, list[Spot]]], cost: Callable[[Spot], float]
    ) -> int | None:
        """Look outwards until nothing further away can beat the best so far."""
        best: tuple[float, int] | None = None
        for ring, spots in rings:
            if best is not None and (ring - 1) * CELL > best[0]:
                break
            for spot in spots:
                price = cost(spot)
                if price < inf and (best is None or (price, spot.unit) < best):
                    best = (price, spot.unit)
        return best[1] if best else None

    def _near(self, here: Spot) -> Iterator[tuple[int, list[Spot]]]:
        """The seats about one: at least those within two pitches, where nearly every step ends."""
        across, down = int(here.x // _FINE), int(here.y // _FINE)
        cells = [(across + x, down + y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
        yield 0, [spot for cell in cells for spot in self._fine.get(cell, ())]

    def _rings(
        self, x: float, y: float, towards: tuple[int, int] = (0, 0)
    ) -> Iterator[tuple[int, list[Spot]]]:
        """The seats around a point, ring of cells by ring; only of cells that lie in a direction."""
        middle_x, middle_y = cell_of(x, y)
        left, top, right, bottom = self._extent
        rings = max(middle_x - left, right - middle_x, middle_y - top, bottom - middle_y)
        for ring in range(rings + 1):
            cells = _ring_around(middle_x, middle_y, ring)
            if towards != (0, 0):
                cells = [cell for cell in cells if _may_lie(cell, x, y, towards)]
            yield ring, [spot for cell in cells for spot in self._cells.get(cell, ())]

    def _polygon(self, points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        return tuple((x * self._scale, y * self._scale) for x, y in points)

    def _outline(self, area: Area) -> AreaOutline:
        (x, y), away = self._label(area)
        seats = (seat for each in area.rows for seat in each.seats)
        clearance = min((hypot(seat.x - x, seat.y - y) for seat in seats), default=0.0)
        shape = self._polygon(area.shape)
        middle = _middle(shape)
        return AreaOutline(
            area.id,
            shape,
            x * self._scale,
            y * self._scale,
            not area.rows,
            clearance * self._scale,
            away,
            middle,
            (_extent(shape, middle), _extent([(y, x) for x, y in shape], middle[::-1])),
        )

    def _label(self, area: Area) -> tuple[Point, Point]:
        """Where an area's name stands, and the direction that leads away from its seats.

        A name that would stand among the seats goes before the front row instead.
        """
        seats = [seat for row in area.rows for seat in row.seats]
        if not seats:
            return area.label_at, _UP
        x, y = area.label_at
        mean = (
            sum(seat.x for seat in seats) / len(seats),
            sum(seat.y for seat in seats) / len(seats),
        )
        pitch = PITCH / self._scale
        if min(hypot(seat.x - x, seat.y - y) for seat in seats) < pitch:
            front = area.rows[0].seats[len(area.rows[0].seats) // 2]
            away = _direction(mean, (front.x, front.y))
            return (front.x + away[0] * 1.7 * pitch, front.y + away[1] * 1.7 * pitch), away
        return (x, y), _direction(mean, (x, y))

    def _spots_of(self, row: Row) -> Iterator[Spot]:
        for at, seat in enumerate(row.seats):
            before, after = row.seats[max(at - 1, 0)], row.seats[min(at + 1, len(row.seats) - 1)]
            angle = _quarter(degrees(atan2(after.y - before.y, after.x - before.x)))
            yield Spot(seat.unit, seat.x * self._scale, seat.y * self._scale, angle)

    def _row_label(self, row: Row) -> RowLabel:
        """Beside the left end, in the row's own direction."""
        end, inner = _left_end(row.seats)
        along_x, along_y = end.x - inner.x, end.y - inner.y
        length = hypot(along_x, along_y)
        unit_x, unit_y = (along_x / length, along_y / length) if length else (-1.0, 0.0)
        gap = 1.35 * PITCH
        return RowLabel(
            row.label, end.x * self._scale + unit_x * gap, end.y * self._scale + unit_y * gap
        )


def _direction(start: Point, end: Point) -> Point:
    """From one point to another, of length one; up between equal ones."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = hypot(x, y)
    return (x / length, y / length) if length > 1e-6 else _UP


def cell_of(x: float, y: float) -> Cell:
    """The grid cell of a point."""
    return int(x // CELL), int(y // CELL)


def _ring_around(x: int, y: int, ring: int) -> list[Cell]:
    """The cells at a distance from one, side by side."""
    if ring == 0:
        return [(x, y)]
    ends = [(x + at, y + side) for at in range(-ring, ring + 1) for side in (-ring, ring)]
    sides = [(x + side, y + at) for at in range(1 - ring, ring) for side in (-ring, ring)]
    return ends + sides


def _may_lie(cell: Cell, x: float, y: float, towards: tuple[int, int]) -> bool:
    """Whether a cell may hold a seat that lies more in this direction than twice to its side."""
    dx, dy = towards
    left, top = cell[0] * CELL - x, cell[1] * CELL - y
    along = max(left * dx, (left + CELL) * dx) + max(top * dy, (top + CELL) * dy)
    low = left if dx == 0 else top
    aside = max(0.0, low, -low - CELL)
    return along > 0.0 and aside <= along * 2.0


def _quarter(angle: float) -> float:
    """The same square turned: an angle between -45 and 45."""
    return (angle + 45.0) % 90.0 - 45.0


def _left_end(seats: tuple[Seat, ...]) -> tuple[Seat, Seat]:
    """The leftmost end of a row and the seat beside it."""
    first, last = seats[0], seats[-1]
    if first.x <= last.x:
        return first, seats[min(1, len(seats) - 1)]
    return last, seats[max(len(seats) - 2, 0)]


def _middle(polygon: Sequence[Point]) -> Point:
    """The centroid of a polygon where that is inside it, else the mean of its corners."""
    twice, across, down = 0.0, 0.0, 0.0
    for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0])):
        cross = x1 * y2 - x2 * y1
        twice += cross
        across += (x1 + x2) * cross
        down += (y1 + y2) * cross
    if twice:
        x, y = across / (3 * twice), down / (3 * twice)
        if _contains(polygon, x, y):
            return x, y
    return sum(x for x, _ in polygon) / len(polygon), sum(y for _, y in polygon) / len(polygon)


def _extent(polygon: Sequence[Point], at: Point) -> float:
    """How wide the polygon is at a point: twice the way to the nearer side, along its first axis."""
    x, y = at
    crossings = [
        x1 + (y - y1) * (x2 - x1) / (y2 - y1) - x
        for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0]))
        if (y1 > y) != (y2 > y)
    ]
    return 2 * min((abs(apart) for apart in crossings), default=0.0)


def _contains(polygon: Sequence[Point], x: float, y: float) -> bool:
    """Whether a point lies in a polygon: even-odd rule."""
    inside = False
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], *polygon[:1]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
