"""How much to lend to whom: policy only. A wrong size costs comfort, never a seat sold twice.

    target = what the node sells in the time it should last without the network
    refill when less than half of the target is left
    one grant takes at most free / (2 x active nodes) of each price tier, in whole rows
    the last 2 % of a tier go out only for a seat that was picked or a basket

Near the end, units come back from connected nodes that would last longer than the one that asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from itertools import groupby
from math import ceil, exp

from ticketing.event import Event
from ticketing.seating import AreaKind, SeatingPlan

OFFLINE_COVER_MIN = 120
TARGET_MIN = 20  # a node that has sold nothing yet still needs something to sell
GRANT_UNITS_MAX = 2_000
LAST_PERCENT = 2
_PACE_MEMORY_MIN = 30.0
_PACE_AGE_MIN = 5.0  # a pace measured over less than this is taken over this
_MS_PER_MIN = 60_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a node sells: an average that forgets, with a memory of half an hour.

    `weight` is the tickets sold, each worth less as it gets older, at `at_ms`.
    """

    since_ms: int
    at_ms: int
    weight: float = 0.0

    def after(self, sold: int, now_ms: int) -> Pace:
        """The pace when `sold` more tickets were sold until now. A clock set back counts as still."""
        at_ms = max(self.at_ms, now_ms)
        return Pace(self.since_ms, at_ms, self._weight_at(at_ms) + sold)

    def per_minute(self, now_ms: int) -> float:
        """Tickets a minute. What is young is not averaged with a time before it began."""
        at_ms = max(self.at_ms, now_ms)
        age_min = max((at_ms - self.since_ms) / _MS_PER_MIN, _PACE_AGE_MIN)
        remembered_min = _PACE_MEMORY_MIN * (1 - exp(-age_min / _PACE_MEMORY_MIN))
        return self._weight_at(at_ms) / remembered_min

    def _weight_at(self, at_ms: int) -> float:
        minutes = (at_ms - self.at_ms) / _MS_PER_MIN
        return self.weight * exp(-minutes / _PACE_MEMORY_MIN)


def target_units(per_minute: float, cover_min: int = OFFLINE_COVER_MIN) -> int:
    """How many units a node should hold to last so long by itself."""
    return min(max(TARGET_MIN, ceil(per_minute * cover_min)), GRANT_UNITS_MAX)


def refill_units(target: int, unsold: int) -> int:
    """How many units to ask for; none while half of the target is left."""
    return target - unsold if 2 * unsold < target else 0


@dataclass(frozen=True, slots=True)
class TierRows:
    """One price tier of a plan, row by row: every area's first row, then every second one...

    The places of a standing area count as one row.
    """

    tier_id: str
    rows: tuple[tuple[int, ...], ...]

    @property
    def capacity(self) -> int:
        """How many units the tier has, sold or not."""
        return sum(map(len, self.rows))


def tier_rows(plan: SeatingPlan, event: Event) -> tuple[TierRows, ...]:
    """The plan's rows by tier, front rows first. The same for ever: make it once per event."""
    rows: list[tuple[int, Sequence[int]]] = []
    for area in plan.areas:
        if area.kind is AreaKind.STANDING:
            rows.append((0, area.units))
        rows.extend((n, [seat.unit for seat in row.seats]) for n, row in enumerate(area.rows))
    by_tier: dict[str, list[tuple[int, ...]]] = {}
    for _depth, units in sorted(rows, key=lambda row: row[0]):
        for tier_id, part in groupby(units, key=event.tier_of):
            by_tier.setdefault(tier_id, []).append(tuple(part))
    return tuple(TierRows(tier_id, tuple(found)) for tier_id, found in by_tier.items())


def share(
    tiers: Iterable[TierRows], free: Collection[int], wanted: int, active_nodes: int
) -> tuple[int, ...]:
    """About `wanted` of the free units for one node, spread over the tiers as what is free is.

    Whole rows as long as they fit; a first row that is too long is cut. Nothing of a tier that is
    down to its last 2 %. `free` is the units that nobody has (a set is quickest).
    """
    lookup = free if isinstance(free, set | frozenset) else frozenset(free)
    stock = [(tier.capacity, _free_rows(tier, lookup)) for tier in tiers]
    free_count = sum(len(row) for _capacity, rows in stock for row in rows)
    chosen: list[int] = []
    for capacity, rows in stock:
        most = _most(capacity, sum(map(len, rows)), active_nodes)
        fair = ceil(wanted * sum(map(len, rows)) / max(1, free_count))
        chosen += _whole_rows(rows, min(fair, most, GRANT_UNITS_MAX - len(chosen)))
    return tuple(chosen)


def is_nearly_sold_out(capacity: int, free: int) -> bool:
    """Whether a tier is down to what goes out only for a picked seat or a basket."""
    return free <= capacity * LAST_PERCENT // 100


@dataclass(frozen=True, slots=True)
class Holder:
    """A node with units of a tier that it has not sold, and how many it should have."""

    node_id: str
    unsold: int
    target: int
    connected: bool


def recalls(asker: Holder, others: Iterable[Holder], wanted: int) -> tuple[tuple[str, int], ...]:
    """How many units to ask back from whom: (node, count), by node id.

    One by one from the connected node that still lasts longest without it, as long as that is no
    shorter than the asker then lasts. Who is not connected can't give anything back.
    """
    givers = {one.node_id: one for one in others if one.connected and one.node_id != asker.node_id}
    lasting = [(-_cover(one, -1), one.node_id) for one in givers.values()]
    heapify(lasting)
    given = dict.fromkeys(givers, 0)
    for got in range(1, wanted + 1):
        if not lasting or -lasting[0][0] < _cover(asker, got):
            break
        node_id = lasting[0][1]
        given[node_id] += 1
        heapreplace(lasting, (-_cover(givers[node_id], -given[node_id] - 1), node_id))
    return tuple(sorted((node_id, count) for node_id, count in given.items() if count))


def _cover(holder: Holder, change: int) -> float:
    """How long the units would last, in parts of the time they should last."""
    return (holder.unsold + change) / max(1, holder.target)


def _most(capacity: int, free: int, active_nodes: int) -> int:
    """The most of a tier that one grant takes; at least one while more than the last is free."""
    spare = free - capacity * LAST_PERCENT // 100
    return min(spare, max(1, free // (2 * max(1, active_nodes)))) if spare > 0 else 0


def _free_rows(tier: TierRows, free: Collection[int]) -> list[list[int]]:
    rows = ([unit for unit in row if unit in free] for row in tier.rows)
    return [row for row in rows if row]


def _whole_rows(rows: list[list[int]], most: int) -> list[int]:
    """Whole rows as long as they fit; at least a part of the first one."""
    taken: list[int] = []
    for row in rows:
        if taken and len(taken) + len(row) > most:
            break
        taken += row
    return taken[: max(0, most)]
