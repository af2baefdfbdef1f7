"""Where seats lie, for drawing, tapping and walking: plan coordinates at ten to a seat pitch.

Built once for a plan. Fifty thousand seats are looked up through a grid, never one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ticketing.seating import Area, Row, Seat, SeatingPlan

PITCH: Final = 10.0
"""Distance between neighbours in field coordinates, whatever the plan's own units are."""
CELL: Final = 240.0
"""Side of a grid cell: 24 seats; small enough to repaint, large enough to be few."""
_REACH: Final = PITCH * 0.62
"""A tap this near a seat's centre means the seat; a little over half the way to the next."""
_SIDEWAYS: Final = 2.2
"""How much worse a step to the side is than one straight on, for the arrow keys."""

Cell = tuple[int, int]


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
    """How far the name's place is from the nearest seat; 0 where it stands among them."""


class SeatField:
    """A plan laid out. Immutable once built."""

    def __init__(self, plan: SeatingPlan) -> None:
        self._scale = PITCH / plan.seat_pitch
        self.stage = self._polygon(plan.stage)
        self.areas = tuple(self._outline(area) for area in plan.areas)
        rows = [row for area in plan.areas for row in area.rows]
        self.spots: dict[int, Spot] = {
            spot.unit: spot for row in rows for spot in self._spots_of(row)
        }
        self.row_labels = tuple(self._row_label(row) for row in rows)
        self._cells: dict[Cell, list[Spot]] = {}
        for spot in self.spots.values():
            self._cells.setdefault(cell_of(spot.x, spot.y), []).append(spot)
        left, top, right, bottom = (edge * self._scale for edge in plan.bounds)
        self.bounds = (left - PITCH, top - PITCH, right + PITCH, bottom + PITCH)

    @property
    def cells(self) -> Iterable[Cell]:
        """The cells that hold seats."""
        return self._cells.keys()

    def in_cell(self, cell: Cell) -> list[Spot]:
        """The seats whose centres lie in a cell."""
        return self._cells.get(cell, [])

    def seat_at(self, x: float, y: float) -> int | None:
        """The seat under a point, or None beside every seat."""
        corners = {cell_of(x + dx, y + dy) for dx in (-_REACH, _REACH) for dy in (-_REACH, _REACH)}
        near = [
            (hypot(spot.x - x, spot.y - y), spot.unit)
            for cell in corners
            for spot in self.in_cell(cell)
        ]
        distance, unit = min(near, default=(_REACH, 0))
        return unit if distance < _REACH else None

    def standing_at(self, x: float, y: float) -> str | None:
        """The standing area under a point."""
        inside = (
            area.area_id for area in self.areas if area.standing and _contains(area.shape, x, y)
        )
        return next(inside, None)

    def step(self, unit: int, dx: int, dy: int) -> int:
        """The next seat in a direction (one of dx, dy is -1 or 1); the same one at the edge."""
        here = self.spots[unit]

        def cost(spot: Spot) -> float | None:
            along = (spot.x - here.x) * dx + (spot.y - here.y) * dy
            aside = abs((spot.x - here.x) * dy) + abs((spot.y - here.y) * dx)
            if along < PITCH * 0.25 or aside > along * 2.0:
                return None
            return along + _SIDEWAYS * aside

        return self._cheapest(here, cost) or unit

    def middle_seat(self, units: Iterable[int]) -> int | None:
        """Which of these seats is nearest the middle of the house."""
        left, top, right, bottom = self.bounds
        x, y = (left + right) / 2, (top + bottom) / 2
        spots = (self.spots[unit] for unit in units)
        found = min(spots, key=lambda spot: hypot(spot.x - x, spot.y - y), default=None)
        return found.unit if found else None

    def _cheapest(self, here: Spot, cost: Callable[[Spot], float | None]) -> int | None:
        """Search rings of cells outwards until a whole ring cannot beat the best so far."""
        best: tuple[float, int] | None = None
        for ring, spots in self._rings(here):
            if best is not None and (ring - 1) * CELL > best[0]:
                break
            for spot in spots:
                price = cost(spot)
                if price is not None and (best is None or (price, spot.unit) < best):
                    best = (price, spot.unit)
        return best[1] if best else None

    def _rings(self, here: Spot) -> Iterator[tuple[int, list[Spot]]]:
        middle_x, middle_y = cell_of(here.x, here.y)
        by_ring: dict[int, list[Cell]] = {}
        for x, y in self._cells:
            ring = max(abs(x - middle_x), abs(y - middle_y))
            by_ring.setdefault(ring, []).append((x, y))
        for ring in sorted(by_ring):
            yield ring, [spot for cell in by_ring[ring] for spot in self._cells[cell]]

    def _polygon(self, points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        return tuple((x * self._scale, y * self._scale) for x, y in points)

    def _outline(self, area: Area) -> AreaOutline:
        x, y = area.label_at
        seats = (seat for each in area.rows for seat in each.seats)
        clearance = min((hypot(seat.x - x, seat.y - y) for seat in seats), default=0.0)
        return AreaOutline(
            area.id,
            self._polygon(area.shape),
            x * self._scale,
            y * self._scale,
            not area.rows,
            clearance * self._scale,
        )

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


def cell_of(x: float, y: float) -> Cell:
    """The grid cell of a point."""
    return int(x // CELL), int(y // CELL)


def _quarter(angle: float) -> float:
    """The same square turned: an angle between -45 and 45."""
    return (angle + 45.0) % 90.0 - 45.0


def _left_end(seats: tuple[Seat, ...]) -> tuple[Seat, Seat]:
    """The leftmost end of a row and the seat beside it."""
    first, last = seats[0], seats[-1]
    if first.x <= last.x:
        return first, seats[min(1, len(seats) - 1)]
    return last, seats[max(len(seats) - 2, 0)]


def _contains(polygon: tuple[tuple[float, float], ...], x: float, y: float) -> bool:
    """Whether a point lies in a polygon: even-odd rule."""
    inside = False
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], *polygon[:1]), strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
