"""What this window can sell: our own units from the journal, everybody else's from the mirror.

Our own journal is always right about our own units; the mirror is only a hint about the rest.
"""

from __future__ import annotations

from collections.abc import Collection

from edge.allotments import LentUnit, units_of
from edge.replica import Replica
from pos_app.services.model import UnitState

_BY_CLAIM = {"sold": UnitState.SOLD, "blocked": UnitState.BLOCKED, "allot": UnitState.LENT}
# Of a kind that only a newer server has: not to be had, whatever it is.
_BY_OTHER_CLAIM = UnitState.LENT
_BY_OWN = {"free": UnitState.FREE, "sold": UnitState.SOLD}


def unit_states(
    replica: Replica, event_id: str, performance: int, asking: Collection[int]
) -> dict[int, UnitState]:
    """State of every unit that is not simply free elsewhere."""
    with replica.reading() as connection:
        ours = units_of(connection, event_id, performance)
    with replica.mirror.reading() as connection:
        claims = connection.execute(
            "SELECT unit, kind, ref FROM claim WHERE stream = ? AND performance = ? "
            "AND kind <> 'free'",
            (event_id, performance),
        ).fetchall()
    states = {
        row["unit"]: _BY_CLAIM.get(row["kind"], _BY_OTHER_CLAIM)
        for row in claims
        if not _is_echo(ours.get(row["unit"]), row["ref"])
    }
    states.update({n: _BY_OWN[u.state] for n, u in ours.items() if u.state in _BY_OWN})
    for unit in asking:
        states.setdefault(unit, UnitState.ASKING)
    return states


def _is_echo(own: LentUnit | None, ref: str) -> bool:
    """A claim of ours that we gave back already: the mirror has not heard of it yet."""
    return own is not None and own.state == "released" and str(own.allotment) == ref


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
