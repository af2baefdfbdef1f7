"""What is known of every unit: what changed, and how much is free where."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pos_app.presenters.seat_states import SeatStates
from pos_app.presenters.sell_state import count_stock
from pos_app.services.model import UnitState
from tests.fakes.till import FakeTill, stocked_till

TILL = stocked_till()
HOUSE = TILL.house(1)
UNITS = [unit for area in HOUSE.plan.areas for unit in area.units]


def counted(states: SeatStates, *, ours_only: bool) -> dict[str, int]:
    return {area.id: states.free_in(area.id, ours_only=ours_only) for area in HOUSE.plan.areas}


def wanted(known: dict[int, UnitState], *, ours_only: bool) -> dict[str, int]:
    stock = count_stock(HOUSE, known)
    return {area.id: stock.in_area(area.id, ours_only=ours_only) for area in HOUSE.plan.areas}


def test_before_anything_is_known_every_unit_is_elsewhere() -> None:
    states = SeatStates(HOUSE)
    states.update({})
    assert {states.look_of(states.codes[unit])[0] for unit in UNITS} == {UnitState.ELSEWHERE}
    assert counted(states, ours_only=False) == wanted({}, ours_only=False)


def test_only_what_changed_is_named() -> None:
    states = SeatStates(HOUSE)
    states.update({1: UnitState.FREE, 2: UnitState.SOLD, 3: UnitState.FREE})
    now = {1: UnitState.FREE, 2: UnitState.FREE, 4: UnitState.LENT}
    assert set(states.update(now)) == {2, 3, 4}  # 3 is missing: elsewhere again
    assert states.look_of(states.codes[3])[0] is UnitState.ELSEWHERE
    assert states.update(now) == []


@pytest.mark.parametrize("few", [3, 40, 1_000])
def test_counts_stay_right_over_many_changes(few: int) -> None:
    chance = random.Random(few)
    states, known = SeatStates(HOUSE), dict(TILL.states[1])
    states.update(known)
    for _change in range(20):
        known = dict(known)
        for unit in chance.sample(UNITS, few):
            known[unit] = chance.choice(list(UnitState))
        for unit in chance.sample(sorted(known), 2):
            del known[unit]
        states.update(known)
        for ours_only in (True, False):
            assert counted(states, ours_only=ours_only) == wanted(known, ours_only=ours_only)


def test_an_area_is_counted_by_price_tier() -> None:
    states = SeatStates(HOUSE)
    states.update(dict.fromkeys(UNITS, UnitState.FREE))
    area = HOUSE.plan.area("stalls-centre")
    assert area is not None
    tiers = Counter(HOUSE.event.tier_of(unit) for unit in area.units)
    assert len(tiers) == 3
    for tier in HOUSE.event.price_tiers:
        found = states.free_in(area.id, ours_only=True, tier_id=tier.id)
        assert found == tiers[tier.id]
    by_size = [states.tiers[at].id for at in states.tiers_in(area.id)]
    assert by_size == [tier_id for tier_id, _count in tiers.most_common()]
    assert states.tiers_in("nowhere") == ()


def test_units_of_another_plan_are_passed_over() -> None:
    states = SeatStates(FakeTill().house(1))
    states.update({})
    states.update({999_999: UnitState.SOLD})
    assert 999_999 not in states.codes
