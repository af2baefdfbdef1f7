"""The best seats together, and the nearest ones to a seat that somebody else took.

What "best" means. A group sits side by side in one row, with no aisle between. The dearest price
tier that has room for the group is taken; inside it the block with the lowest cost wins, where

    cost = mean over its seats of |dx| + |dy| from the middle of the stage, in plan units,
           + 15 seat pitches for each seat with a restricted view
         + 6 seat pitches for each single seat that it would leave free between taken ones

so a step to the side costs what a step back costs. Equal costs go to the block first in the plan.
With a `focus` the distance is the straight one from there, and tiers count alike. Wheelchair and
companion places are left out unless asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from heapq import nsmallest
from itertools import accumulate
from math import hypot
from typing import TYPE_CHECKING

from ticketing.seat_index import SeatIndex, both
from ticketing.seating import SeatAttribute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ticketing.event import Event
    from ticketing.seating import Point, Seat, SeatingPlan

__all__ = ["SeatIndex", "best_seats", "nearest_free"]

GROUP_MAX = 500
RESTRICTED_VIEW_PITCHES = 15.0
SINGLE_LEFT_PITCHES = 6.0
OTHER_AREA_PITCHES = 5.0

_RESERVED = frozenset({SeatAttribute.WHEELCHAIR, SeatAttribute.COMPANION})


def best_seats(
    plan: SeatingPlan,
    event: Event,
    free: Collection[int],
    count: int,
    *,
    tier_id: str | None = None,
    focus: Point | None = None,
    asking_for: Collection[SeatAttribute] = (),
    index: SeatIndex | None = None,
) -> tuple[int, ...] | None:
    """Return the units of the best block of `count` seats, in row order; None when there is none.

    `free` are the units that may be sold (a set is quickest); standing places among them are
    passed over. With `asking_for`, the block has at least one seat with each of those attributes,
    and places for wheelchairs or companions are offered only if that very attribute is among them.
    Pass the plan's `index` to save building it.
    """
    if not 1 <= count <= GROUP_MAX:
        return None
    seats = index if index is not None else SeatIndex(plan)
    asked = frozenset(asking_for)
    available = both(seats.free_mask(free), _offered(seats, asked))
    search = _Search(seats, available, count, asked, _costs(seats, focus))
    for mask in _tier_masks(seats, event, tier_id, any_tier=focus is not None):
        cell = search.best_cell(both(available, mask) if mask is not None else available)
        if cell is not None:
            return seats.units[cell : cell + count]
    return None


def nearest_free(
    plan: SeatingPlan, free: Collection[int], unit: int, count: int
) -> tuple[int, ...]:
    """Return up to `count` free units nearest to `unit`, nearest first, never `unit` itself.

    By straight distance, with 5 seat pitches more for seats of another area. Wheelchair and
    companion places are offered only for one of their own kind. For a standing place the lowest
    free units of its area; for a unit that is not in the plan nothing.
    """
    if count < 1 or not plan.has_unit(unit):
        return ()
    seat = plan.seat_by_unit(unit)
    others = frozenset(free) - {unit}
    if seat is None:
        standing = plan.area_of(unit).units
        return tuple(other for other in standing if other in others)[:count]
    reserved = _RESERVED - seat.attributes
    candidates = (
        (_distance(plan, seat, other), other.unit)
        for other in plan.seats
        if other.unit in others and not other.attributes & reserved
    )
    return tuple(found for _, found in nsmallest(count, candidates))


@dataclass(frozen=True, slots=True)
class _Search:
    """One question, asked of one tier after the other."""

    index: SeatIndex
    available: bytes
    count: int
    asked: frozenset[SeatAttribute]
    costs: Sequence[float]  # running totals: the cells c..c+n-1 cost costs[c+n] - costs[c]

    def best_cell(self, mask: bytes) -> int | None:
        """Return the first cell of the cheapest block within `mask`."""
        single = SINGLE_LEFT_PITCHES * self.index.plan.seat_pitch
        costs, count = self.costs, self.count
        best, best_cost = None, float("inf")
        for cell in self._blocks(mask):
            cost = (costs[cell + count] - costs[cell]) / count
            if cost < best_cost:  # most blocks end here, before the neighbours are looked at
                cost += single * self._singles_left(cell)
                if cost < best_cost:
                    best, best_cost = cell, cost
        return best

    def _blocks(self, mask: bytes) -> Iterator[int]:
        """Yield the first cell of every block that is free and has what was asked for."""
        count = self.count
        everywhere = (
            cell
            for stretch in re.finditer(b"\x01{%d,}" % count, mask)
            for cell in range(stretch.start(), stretch.end() - count + 1)
        )
        return self._having(everywhere) if self.asked else everywhere

    def _having(self, cells: Iterable[int]) -> Iterator[int]:
        wanted = [self.index.mask(lambda seat, a=one: a in seat.attributes) for one in self.asked]  # type: ignore[misc]
        return (
            cell
            for cell in cells
            if all(mask.find(1, cell, cell + self.count) >= 0 for mask in wanted)
        )

    def _singles_left(self, cell: int) -> int:
        """Return how many single seats would stay free beside the block: 0, 1 or 2."""
        seats, after = self.available, cell + self.count
        left = seats[cell - 1] and not seats[cell - 2]
        right = seats[after] and not seats[after + 1]
        return bool(left) + bool(right)


def _offered(index: SeatIndex, asked: frozenset[SeatAttribute]) -> bytes:
    barred = _RESERVED - asked
    if barred == _RESERVED:
        return index.open_to_all
    return index.mask(lambda seat: not seat.attributes & barred)


def _costs(index: SeatIndex, focus: Point | None) -> list[float]:
    """Return the running totals of the seats' costs."""
    limited_view = RESTRICTED_VIEW_PITCHES * index.plan.seat_pitch
    x, y = focus or index.focus
    costs = []
    for seat in index.seats:
        if seat is None:
            costs.append(0.0)
            continue
        dx, dy = seat.x - x, seat.y - y
        cost = hypot(dx, dy) if focus else abs(dx) + abs(dy)
        limited = seat.attributes and SeatAttribute.RESTRICTED_VIEW in seat.attributes
        costs.append(cost + limited_view if limited else cost)
    return list(accumulate(costs, initial=0.0))


def _tier_masks(
    index: SeatIndex, event: Event, tier_id: str | None, *, any_tier: bool
) -> Iterator[bytes | None]:
    """Yield where to look, in turn; None is the whole house, also for a group over two tiers."""
    tier_ids = [tier.id for tier in event.tiers_dearest_first()] if tier_id is None else [tier_id]
    if not (any_tier and tier_id is None):
        for one in tier_ids:
            spans = event.tier_spans
            yield index.span_mask((s.first_unit, s.last_unit) for s in spans if s.tier_id == one)
    if tier_id is None:
        yield None


def _distance(plan: SeatingPlan, seat: Seat, other: Seat) -> float:
    away = hypot(seat.x - other.x, seat.y - other.y)
    elsewhere = seat.area_id != other.area_id
    return away + (OTHER_AREA_PITCHES * plan.seat_pitch if elsewhere else 0.0)
