"""A sale whose unit the till may not have held: how far down must its buyer go?

    1 the till still holds the unit          ok
    2 the unit is free again, untouched      ok_late
    3 a place without a number               another free one: ok_moved, same ticket
    4 a seat                                 free ones as good or better: a person confirms
    5 nothing                                oversold: the buyer gets the money back

The money is recorded on every rung. A unit that was sold anew in the meantime has a higher version,
so gates refuse the code that the buyer has: such a unit is free, but not untouched. What was never
lent to the till is not late but wrong: that is for a person to decide, rung 4 or 5.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import StrEnum

from ticketing.best_seats import nearest_free
from ticketing.claim import ClaimFacts, ClaimKind
from ticketing.event import Event
from ticketing.operations import SaleLine
from ticketing.seating import AreaKind, SeatingPlan

PROPOSED_MAX = 3


class Rung(StrEnum):
    """How a late line is settled."""

    OK = "ok"
    OK_LATE = "ok_late"
    OK_MOVED = "ok_moved"
    PROPOSE = "propose"
    OVERSOLD = "oversold"


@dataclass(frozen=True, slots=True)
class Settled:
    """The rung, and units: the line's own, the one moved to, those proposed (best first), none."""

    rung: Rung
    units: tuple[int, ...]


def settle_line(
    line: SaleLine,
    node_id: str,
    claim: ClaimFacts,
    *,
    was_lent: bool,
    allotment_open: bool,
    plan: SeatingPlan,
    event: Event,
    free: Callable[[], Set[int]],
) -> Settled:
    """Settle one line that `node_id` sold. Total.

    `was_lent`: the allotment that the line cites was this node's and had the unit at this version;
    `allotment_open`: it still is. `free` gives the units of the line's performance that nobody has,
    and is only asked on rungs 3 and 4. Whoever settles several lines takes each unit that was moved
    to out of them before the next.
    """
    if _is_held(line, node_id, claim):
        return Settled(Rung.OK if allotment_open else Rung.OK_LATE, (line.unit,))
    if claim.kind == ClaimKind.SOLD and claim.ref == line.ticket_id:
        return Settled(Rung.OK, (line.unit,))  # this very sale, seen before
    if not plan.has_unit(line.unit):
        return Settled(Rung.OVERSOLD, ())
    if was_lent and claim.kind == ClaimKind.FREE and claim.version == line.version:
        return Settled(Rung.OK_LATE, (line.unit,))
    if plan.area_of(line.unit).kind is AreaKind.SEATED:
        return _proposed(_seats_as_good(line, plan, event, free()))
    place = _other_place(line, plan, event, free())
    if was_lent and place:
        return Settled(Rung.OK_MOVED, place)
    return _proposed(place)


def _proposed(units: tuple[int, ...]) -> Settled:
    return Settled(Rung.PROPOSE if units else Rung.OVERSOLD, units)


def _is_held(line: SaleLine, node_id: str, claim: ClaimFacts) -> bool:
    return (
        claim.kind == ClaimKind.ALLOT
        and claim.ref == str(line.allotment)
        and claim.node_id == node_id
        and claim.version == line.version
    )


def _other_place(
    line: SaleLine, plan: SeatingPlan, event: Event, free: Set[int]
) -> tuple[int, ...]:
    """The first free place of the area, of the line's own tier before a better one."""
    units = plan.area_of(line.unit).units
    for tier_id in reversed(_tiers_as_good(line, event)):
        places = filter(free.__contains__, units)  # none is looked at behind the one that is found
        found = next((unit for unit in places if event.tier_of(unit) == tier_id), None)
        if found is not None:
            return (found,)
    return ()


def _seats_as_good(
    line: SaleLine, plan: SeatingPlan, event: Event, free: Set[int]
) -> tuple[int, ...]:
    """Free seats of the same or a better tier: the line's own if it is free anew, then nearest."""
    tiers = frozenset(_tiers_as_good(line, event))
    good = {
        seat.unit for seat in plan.seats if seat.unit in free and event.tier_of(seat.unit) in tiers
    }
    own = (line.unit,) if line.unit in good else ()
    return (*own, *nearest_free(plan, good, line.unit, PROPOSED_MAX - len(own)))


def _tiers_as_good(line: SaleLine, event: Event) -> tuple[str, ...]:
    """The tiers from the dearest down to the one that was paid for; none when it is gone."""
    dearest_first = [tier.id for tier in event.tiers_dearest_first()]
    if line.tier_id not in dearest_first:
        return ()
    return tuple(dearest_first[: dearest_first.index(line.tier_id) + 1])
