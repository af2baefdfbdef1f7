"""Who holds what of a performance: every place of its plan is in one state, and with somebody.

Counted from the same rows as the books, in the words of the reconciliation: capacity = free + held
+ lent + sold + blocked + returned + written off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from sync_server.services.takings import written_off_units
from ticketing.seating import SeatingPlan


class SeatState(StrEnum):
    """What a place is, in the order in which pages tell it."""

    FREE = "free"
    HELD = "held"  # by the server, for a basket
    LENT = "lent"  # to a window, which may sell it
    SOLD = "sold"
    BLOCKED = "blocked"
    RETURNED = "returned"  # by its buyer, and not free until every gate knows
    WRITTEN_OFF = "written_off"  # free, but a window that was lost may have sold it


SEAT_STATES = {
    "hold": SeatState.HELD,
    "allot": SeatState.LENT,
    "sold": SeatState.SOLD,
    "blocked": SeatState.BLOCKED,
    "returned": SeatState.RETURNED,
}
_WITH_A_NODE = frozenset({SeatState.LENT, SeatState.SOLD, SeatState.HELD})


@dataclass(frozen=True, slots=True)
class Holding:
    """Places of one state with one holder; `node_id` is empty where no machine is one."""

    state: SeatState
    node_id: str
    node_name: str
    units: frozenset[int]


@dataclass(frozen=True, slots=True)
class SeatStates:
    """All places of a performance. `off_plan_count`: that are taken, and are not on its plan."""

    holdings: tuple[Holding, ...]
    off_plan_count: int

    def count(self, state: SeatState) -> int:
        """How many places are in this state."""
        return sum(len(each.units) for each in self.holdings if each.state is state)


def read_seat_states(
    connection: Connection, event_id: str, performance: int, plan: SeatingPlan
) -> SeatStates:
    """Every place of the plan, in one snapshot of the database."""
    names = {row[0]: row[1] for row in connection.execute(text("SELECT id, name FROM node"))}
    taken: dict[tuple[SeatState, str], set[int]] = {}
    off_plan = 0
    rows = connection.execute(
        text(
            "SELECT unit, kind, node_id FROM claim WHERE event_id = :e AND perf_id = :p "
            "AND kind <> 'free'"
        ),
        {"e": event_id, "p": performance},
    )
    for unit, kind, node_id in rows:
        if not plan.has_unit(int(unit)):
            off_plan += 1
            continue
        state = SEAT_STATES[kind]
        holder = str(node_id) if state in _WITH_A_NODE else ""
        taken.setdefault((state, holder), set()).add(int(unit))
    known = set().union(*taken.values())
    lost = written_off_units(connection, event_id).get(performance, frozenset())
    lost = frozenset(unit for unit in lost if plan.has_unit(unit)) - known
    free = frozenset(_units(plan)) - known - lost
    return SeatStates(tuple(_holdings(free, lost, taken, names)), off_plan)


def _units(plan: SeatingPlan) -> Iterable[int]:
    for area in plan.areas:
        yield from area.units


def _holdings(
    free: frozenset[int],
    lost: frozenset[int],
    taken: Mapping[tuple[SeatState, str], set[int]],
    names: Mapping[str, str],
) -> Iterable[Holding]:
    found = [
        Holding(state, node_id, names.get(node_id, node_id), frozenset(units))
        for (state, node_id), units in taken.items()
    ]
    found += [
        Holding(SeatState.FREE, "", "", free),
        Holding(SeatState.WRITTEN_OFF, "", "", lost),
    ]
    order = list(SeatState)
    return sorted(
        (each for each in found if each.units or each.state is SeatState.FREE),
        key=lambda each: (order.index(each.state), each.node_name),
    )
