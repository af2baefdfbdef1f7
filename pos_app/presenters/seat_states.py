"""What is known of every unit of a performance, as small numbers that are quick to compare and count.

A map of 50,000 seats cannot look at each of them whenever one was sold: it asks here what changed.
"""

from __future__ import annotations

from collections import Counter
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
        self.codes: dict[int, int] = {}
        for span in house.event.tier_spans:
            code = self._tier_at[span.tier_id] * _STATES + UnitState.ELSEWHERE
            self.codes.update(dict.fromkeys(range(span.first_unit, span.last_unit + 1), code))
        for at, units in enumerate(self._units):
            self._area_of.update(dict.fromkeys(units, at))
        self._counts: list[Counter[int]] = []

    def update(self, states: Mapping[int, UnitState]) -> list[int]:
        """Take the states of now (who is missing is ELSEWHERE); the units that changed."""
        before, codes = self._states, self.codes
        if states is before and self._counts:
            return []
        changed = [unit for unit, state in states.items() if before.get(unit) is not state]
        changed += before.keys() - states.keys()
        self._states = states
        few = bool(self._counts) and len(changed) * 4 < len(codes)
        for unit in changed:
            old = codes.get(unit)
            if old is None:  # of another plan
                continue
            new = old - old % _STATES + states.get(unit, UnitState.ELSEWHERE)
            codes[unit] = new
            if few:
                counts = self._counts[self._area_of[unit]]
                counts[old] -= 1
                counts[new] += 1
        if not few:
            self._counts = self._counted()
        return [unit for unit in changed if unit in codes]

    def look_of(self, code: int) -> tuple[UnitState, int]:
        """The state and the place of the price tier that a code stands for."""
        return UnitState(code % _STATES), code // _STATES

    def free_in(self, area_id: str, *, ours_only: bool, tier_id: str | None = None) -> int:
        """How many units of an area can be sold or, unless `ours_only`, asked for."""
        ours = self._count(area_id, (UnitState.FREE,), tier_id)
        return ours if ours_only else ours + self._count(area_id, _ASKABLE, tier_id)

    def main_tier(self, area_id: str) -> int:
        """The place of the price tier that most units of an area have."""
        tiers = Counter[int]()
        for code, count in self._counts_of(area_id).items():
            tiers[code // _STATES] += count
        return max(tiers, key=lambda tier: (tiers[tier], -tier), default=0)

    def has_tier(self, area_id: str, tier_id: str) -> bool:
        """Whether an area has units of a price tier."""
        tier = self._tier_at.get(tier_id)
        counts = self._counts_of(area_id)
        return any(code // _STATES == tier and count for code, count in counts.items())

    def _count(self, area_id: str, states: tuple[UnitState, ...], tier_id: str | None) -> int:
        counts = self._counts_of(area_id)
        tiers = range(len(self.tiers)) if tier_id is None else (self._tier_at.get(tier_id, 0),)
        return sum(counts[tier * _STATES + state] for tier in tiers for state in states)

    def _counts_of(self, area_id: str) -> Counter[int]:
        at = self._at.get(area_id)
        return Counter() if at is None or not self._counts else self._counts[at]

    def _counted(self) -> list[Counter[int]]:
        return [Counter(map(self.codes.__getitem__, units)) for units in self._units]
