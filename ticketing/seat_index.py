"""A seating plan laid out as arrays, so that searching 50,000 seats takes tens of milliseconds.

Every stretch of seats that people would call "together" lies in a row of cells with an empty cell
behind it. What is free is a string of bytes over the cells, and what is free together is found in
it by a regular expression, in C.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from math import hypot
from typing import TYPE_CHECKING

from ticketing.seating import SeatAttribute

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ticketing.seating import Point, Row, Seat, SeatingPlan

TOGETHER_PITCHES = 1.8  # neighbours in a row further apart than this have an aisle between them
NO_UNIT = 0  # in cells without a seat; no unit has this number

_RESERVED = frozenset({SeatAttribute.WHEELCHAIR, SeatAttribute.COMPANION})


class SeatIndex:
    """The seats of one plan in cells. Make it once per plan; it never changes.

    `seats[c]` and `units[c]` are what is in cell c (None and 0 in an empty one). The first two
    cells and the last two are empty, so neighbours can be looked at without asking for the edge.
    """

    __slots__ = ("_cell_by_unit", "_sorted_units", "focus", "open_to_all", "plan", "seats", "units")

    def __init__(self, plan: SeatingPlan) -> None:
        cells: list[Seat | None] = [None, None]
        for stretch in _stretches(plan):
            cells += [*stretch, None]
        cells.append(None)
        self.plan = plan
        self.seats = tuple(cells)
        self.units = tuple(seat.unit if seat else NO_UNIT for seat in cells)
        self.focus = _default_focus(plan)
        self.open_to_all = self.mask(lambda seat: not seat.attributes & _RESERVED)
        self._cell_by_unit = {unit: cell for cell, unit in enumerate(self.units) if unit}
        self._sorted_units = sorted(self._cell_by_unit)

    def mask(self, chosen: Callable[[Seat], object]) -> bytes:
        """Return a byte per cell: 1 where there is a seat that `chosen` accepts."""
        return bytes(1 if seat is not None and chosen(seat) else 0 for seat in self.seats)

    def free_mask(self, free: Collection[int]) -> bytes:
        """Return a byte per cell: 1 where the seat's unit is in `free`."""
        lookup = free if isinstance(free, set | frozenset) else frozenset(free)
        return bytes(map(lookup.__contains__, self.units))

    def span_mask(self, spans: Iterable[tuple[int, int]]) -> bytes:
        """Return a byte per cell: 1 where the seat's unit lies in one of the spans."""
        marked = bytearray(len(self.units))
        for first, last in spans:
            start = bisect_left(self._sorted_units, first)
            end = bisect_right(self._sorted_units, last)
            for unit in self._sorted_units[start:end]:
                marked[self._cell_by_unit[unit]] = 1
        return bytes(marked)


def both(one: bytes, other: bytes) -> bytes:
    """Return the cells that are 1 in both masks (as one large number: a loop would cost more)."""
    joined = int.from_bytes(one) & int.from_bytes(other)
    return joined.to_bytes(len(one))


def _stretches(plan: SeatingPlan) -> Iterator[list[Seat]]:
    for area in plan.areas:
        for row in area.rows:
            yield from _row_stretches(row, TOGETHER_PITCHES * plan.seat_pitch)


def _row_stretches(row: Row, together: float) -> Iterator[list[Seat]]:
    """Cut a row at its aisles."""
    stretch = [row.seats[0]]
    for before, seat in pairwise(row.seats):
        if hypot(seat.x - before.x, seat.y - before.y) > together:
            yield stretch
            stretch = []
        stretch.append(seat)
    yield stretch


def _default_focus(plan: SeatingPlan) -> Point:
    """Return the middle of the stage; without a stage, the middle of the plan's front edge."""
    if plan.stage:
        count = len(plan.stage)
        return sum(x for x, _ in plan.stage) / count, sum(y for _, y in plan.stage) / count
    left, top, right, _ = plan.bounds
    return (left + right) / 2, top
