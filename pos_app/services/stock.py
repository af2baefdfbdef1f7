"""What this window can sell: our own units from the journal, everybody else's from the mirror.

Our own journal is always right about our own units; the mirror is only a hint about the rest.
"""

from __future__ import annotations

from collections.abc import Collection

from edge.allotments import units_of
from edge.giving_back import all_shares_left
from edge.local_view import FREE, unit_views
from edge.parked import parked_places
from edge.replica import Replica
from pos_app.services.model import UnitState
from ticketing.event import Event
from ticketing.pricing import Where

# Returned: not for sale until the server has freed it. Of a kind that only a newer server has: not
# to be had, whatever it is.
_BY_KIND = {"sold": UnitState.SOLD, "returned": UnitState.SOLD, "blocked": UnitState.BLOCKED}


def unit_states(
    replica: Replica, event_id: str, performance: int, asking: Collection[int]
) -> dict[int, UnitState]:
    """State of every unit that is not simply free elsewhere."""
    with replica.reading() as journal, replica.mirror.reading() as mirror:
        views = unit_views(journal, mirror, event_id, performance)
        parked = parked_places(journal, event_id)
    states = {
        unit: UnitState.FREE if view.is_ours else _BY_KIND.get(view.kind, UnitState.LENT)
        for unit, view in views.items()
        if view.kind != FREE
    }
    for at, unit in parked:
        if at == performance and states.get(unit) is UnitState.FREE:
            states[unit] = UnitState.PARKED
    for unit in asking:
        states.setdefault(unit, UnitState.ASKING)
    return states


def lots(replica: Replica, event_id: str, performance: int) -> dict[int, str]:
    """The allotment of every unit that this window could sell now."""
    with replica.reading() as connection:
        rows = connection.execute(
            "SELECT unit, allot_id FROM allot_unit "
            "WHERE stream = ? AND performance = ? AND state = 'free'",
            (event_id, performance),
        )
        return dict(rows)  # of its two columns


def shares(replica: Replica, event_id: str) -> dict[tuple[str, str], int]:
    """What is left of counter pools at this window, by (allotment, pool)."""
    with replica.reading() as connection:
        return all_shares_left(connection, event_id)


def pools_for(event: Event, performance: int, tier_ids: Collection[str] = ()) -> tuple[str, ...]:
    """The pools that a performance's tickets may spend; of these price tiers, where some are named.

    Quotas of house tickets are lent with what a window has in stock, not with single places.
    """
    rules = event.price_rules
    rates = {
        rate.pool
        for rate in rules.rates
        if rate.pool and _covers(rate.where, performance, tier_ids)
    }
    houses = {
        house.pool
        for house in rules.house_rates
        if not tier_ids and _covers(house.where, performance, ())
    }
    return tuple(sorted(rates | houses))


def _covers(where: Where, performance: int, tier_ids: Collection[str]) -> bool:
    here = not where.performances or performance in where.performances
    return here and (
        not tier_ids or not where.tier_ids or not frozenset(tier_ids).isdisjoint(where.tier_ids)
    )


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
            "WHERE stream = ? AND performance = ? AND state = 'free' AND unit NOT IN "
            "(SELECT unit FROM parked_unit WHERE stream = ? AND performance = ?)",
            (event_id, performance, event_id, performance),
        ).fetchone()
    return int(row[0])


def venue_free_count(replica: Replica, event_id: str, performance: int, unit_count: int) -> int:
    """Free in the whole venue, ours included, as far as this window has heard."""
    states = unit_states(replica, event_id, performance, ())
    gone = sum(1 for state in states.values() if state in _NOT_FREE)
    return unit_count - gone


_NOT_FREE = frozenset({UnitState.SOLD, UnitState.LENT, UnitState.BLOCKED, UnitState.PARKED})
