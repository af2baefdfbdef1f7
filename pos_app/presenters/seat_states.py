"""What is known of every unit of a performance, as small numbers that are quick to compare and count.

A map of 50,000 seats cannot look at each of them whenever one was sold: it asks here what changed.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from operator import is_not
from typing import TYPE_CHECKING, Final

from pos_app.services.model import UnitState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pos_app.services.model import House

_STATES: Final = 8
"""A code is the price tier's place times this, plus the state."""
_ASKABLE: Final = (UnitState.ELSEWHERE, UnitState.ASKING)


class SeatStates:
    """One performance's units. `codes` has a code for each of them, seat or standing place."""

    def __init__(self, house: House) -> None:
        self.tiers = house.event.price_tiers
        self._tier_at = {tier.id: at for at, tier in enumerate(self.tiers)}
        self._states: Mapping[int, UnitState] = {}
        self._at = {area.id: at for at, area in enumerate(house.plan.areas)}
        self._units = [area.units for area in house.plan.areas]
        self._area_of: dict[int, int] = {}
        self._elsewhere: dict[int, int] = {}
        for span in house.event.tier_spans:
            code = self._tier_at[span.tier_id] * _STATES + UnitState.ELSEWHERE
            self._elsewhere.update(dict.fromkeys(range(span.first_unit, span.last_unit + 1), code))
        for at, units in enumerate(self._units):
            self._area_of.update(dict.fromkeys(units, at))
        self.codes = self._elsewhere
        self._counts: list[Counter[int]] = []

    def update(self, states: Mapping[int, UnitState]) -> list[int]:
        """Take the states of now (who is missing is ELSEWHERE); the units that changed."""
        before = self._states
        if states is before and self._counts:
            return []
        others = map(is_not, states.values(), map(before.get, states))
        changed = list(compress(states, others))
        changed += before.keys() - states.keys()
        self._states = states
        if not self._counts or len(changed) * 4 > len(self.codes):
            self._take(states)
        else:
            self._move(changed, states)
        return changed

    def _take(self, states: Mapping[int, UnitState]) -> None:
        """Take all states anew."""
        codes = self._elsewhere.copy()
        offset = {state: state - UnitState.ELSEWHERE for state in UnitState}
        codes.update({u: codes[u] + offset[state] for u, state in states.items() if u in codes})
        self.codes = codes
        self._counts = [Counter(map(codes.__getitem__, units)) for units in self._units]

    def _move(self, changed: list[int], states: Mapping[int, UnitState]) -> None:
        """Take a few states, and count these alone."""
        codes = self.codes
        for unit in changed:
            old = codes.get(unit)
            if old is None:  # of another plan
                continue
            new = old - old % _STATES + states.get(unit, UnitState.ELSEWHERE)
            codes[unit] = new
            counts = self._counts[self._area_of[unit]]
            counts[old] -= 1
            counts[new] += 1

    def look_of(self, code: int) -> tuple[UnitState, int]:
        """The state and the place of the price tier that a code stands for."""
        return UnitState(code % _STATES), code // _STATES

    def free_in(self, area_id: str, *, ours_only: bool, tier_id: str | None = None) -> int:
        """How many units of an area can be sold or, unless `ours_only`, asked for."""
        ours = self._count(area_id, (UnitState.FREE,), tier_id)
        return ours if ours_only else ours + self._count(area_id, _ASKABLE, tier_id)

    def tiers_in(self, area_id: str) -> tuple[int, ...]:
        """The places of the price tiers that an area has, the one of most units first."""
        tiers = Counter[int]()
        for code, count in self._counts_of(area_id).items():
            if count:
                tiers[code // _STATES] += count
        return tuple(sorted(tiers, key=lambda tier: (-tiers[tier], tier)))

    def _count(self, area_id: str, states: tuple[UnitState, ...], tier_id: str | None) -> int:
        counts = self._counts_of(area_id)
        tiers = range(len(self.tiers)) if tier_id is None else (self._tier_at.get(tier_id, 0),)
        return sum(counts[tier * _STATES + state] for tier in tiers for state in states)

    def _counts_of(self, area_id: str) -> Counter[int]:
        at = self._at.get(area_id)
        return Counter() if at is None or not self._counts else self._counts[at]
