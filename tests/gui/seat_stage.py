"""The sample stadium at a till, for tests, measurements and pictures of the seat map."""

from __future__ import annotations

import runpy
from functools import cache
from importlib import resources

from pos_app.presenters.seat_field import SeatField
from pos_app.services.model import UnitState
from tests.fakes.till import NOW, FakeTill
from ticketing.catalogue import Catalogue, parse_catalogue


@cache
def stadium_catalogue() -> Catalogue:
    """The sample stadium of 50,000 seats, as imported at NOW."""
    maker = resources.files("resources") / "samples" / "make_stadium.py"
    made = runpy.run_path(str(maker))["stadium"]()
    return parse_catalogue(made, source="stadium", now=NOW)


@cache
def stadium_field() -> SeatField:
    """The stadium laid out; shared, since it never changes."""
    return SeatField(stadium_catalogue().plans[0])


def stadium_till(performance: int = 1) -> FakeTill:
    """A till in the middle of an evening: every fifth area ours, the rest sold, lent and free."""
    till = FakeTill(catalogue=stadium_catalogue())
    states: dict[UnitState, list[int]] = {state: [] for state in UnitState}
    for number, area in enumerate(till.plan().areas):
        for row in area.rows:
            for seat in row.seats:
                found = _evening_state(number, seat.row_index, seat.seat_index)
                states[found].append(seat.unit)
    for state, units in states.items():
        if state is not UnitState.ELSEWHERE:
            till.set_states(performance, state, units)
    return till


def _evening_state(area: int, row: int, seat: int) -> UnitState:
    """Sold in clumps, more of them in some areas; rows lent to other windows."""
    clump = (row * 7 + seat // 3 * 5 + area * 3) % 11
    if clump < 1 + area % 7:
        return UnitState.SOLD
    if area % 9 == 4 and row < 10:
        return UnitState.LENT
    if row == 0 and area % 13 == 6:
        return UnitState.BLOCKED
    return UnitState.FREE if area % 5 in (0, 3) else UnitState.ELSEWHERE
