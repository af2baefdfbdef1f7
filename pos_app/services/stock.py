"""What this window can sell: our own units from the journal, everybody else's from the mirror.

Our own journal is always right about our own units; the mirror is only a hint about the rest.
"""

from __future__ import annotations

from collections.abc import Collection

from edge.allotments import units_of
from edge.local_view import FREE, unit_views
from edge.replica import Replica
from pos_app.services.model import UnitState

# Returned: not for sale until the server has freed it. Of a kind that only a newer server has: not
# to be had, whatever it is.
_BY_KIND = {"sold": UnitState.SOLD, "returned": UnitState.SOLD, "blocked": UnitState.BLOCKED}


def unit_states(
    replica: Replica, event_id: str, performance: int, asking: Collection[int]
) -> dict[int, UnitState]:
    """State of every unit that is not simply free elsewhere."""
    with replica.reading() as journal, replica.mirror.reading() as mirror:
        views = unit_views(journal, mirror, event_id, performance)
    states = {
        unit: UnitState.FREE if view.is_ours else _BY_KIND.get(view.kind, UnitState.LENT)
        for unit, view in views.items()
        if view.kind != FREE
    }
    for unit in asking:
        states.setdefault(unit, UnitState.ASKING)
    return states


def are_free(replica: Replica, event_id: str, performance: int, wanted: Collection[int]) -> bool:
    """Whether this window could sell all of these units now."""
    with replica.reading() as connection:
        ours = units_of(connection, event_id, performance)
    return all(unit in ours and ours[unit].state == "free" for unit in wanted)


def free_count(replica: Replica, event_id: str, performance: int) -> int:
    """How many units this window could sell now without asking anybody."""
    with replica.reading() as connection:
        row = connection.execute(
            "SELECT count(*) FROM allot_unit "
            "WHERE stream = ? AND performance = ? AND state = 'free'",
            (event_id, performance),
        ).fetchone()
    return int(row[0])


def venue_free_count(replica: Replica, event_id: str, performance: int, unit_count: int) -> int:
    """Free in the whole venue, ours included, as far as this window has heard."""
    states = unit_states(replica, event_id, performance, ())
    gone = sum(1 for state in states.values() if state in _NOT_FREE)
    return unit_count - gone


_NOT_FREE = frozenset({UnitState.SOLD, UnitState.LENT, UnitState.BLOCKED})
