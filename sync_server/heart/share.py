"""How much of the house a till gets when it asks for "about so many": whole rows, every tier."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from sync_server.heart.rows import Claim, ClaimKind
from ticketing.event import Event
from ticketing.seating import AreaKind, SeatingPlan


def share_of_house(
    plan: SeatingPlan,
    event: Event,
    claims: Mapping[int, Claim],
    node_id: str,  # noqa: ARG001 - the till's own demand will count
    count: int,
    tills: int,
) -> tuple[int, ...]:
    """About `count` free units of every price tier, in whole rows from the front of every area.

    Of each tier at most half of an even share among the tills, so that a till that asks first
    does not take the house. A first row that is longer than that is cut.
    """
    free = _free_rows_by_tier(plan, event, claims)
    free_count = sum(len(row) for rows in free.values() for row in rows)
    chosen: list[int] = []
    for rows in free.values():
        tier_free = sum(len(row) for row in rows)
        wanted = max(1, count * tier_free // max(1, free_count))
        most = max(1, tier_free // (2 * max(1, tills)))
        chosen.extend(_rows_for(rows, min(wanted, most)))
    return tuple(chosen[:2_000])


def _rows_for(rows: list[list[int]], most: int) -> list[int]:
    taken: list[int] = []
    for row in rows:
        if taken and len(taken) + len(row) > most:
            break
        taken.extend(row)
    return taken[:most]


def _free_rows_by_tier(
    plan: SeatingPlan, event: Event, claims: Mapping[int, Claim]
) -> dict[str, list[list[int]]]:
    rows: list[tuple[int, list[int]]] = []
    for area in plan.areas:
        if area.kind is AreaKind.STANDING:
            rows.append((0, list(area.units)))
        rows.extend((n, [seat.unit for seat in row.seats]) for n, row in enumerate(area.rows))
    by_tier: dict[str, list[list[int]]] = {}
    for _depth, units in sorted(rows, key=lambda row: row[0]):
        for tier_id, part in groupby(units, key=event.tier_of):
            free = [u for u in part if u not in claims or claims[u].kind == ClaimKind.FREE]
            if free:
                by_tier.setdefault(tier_id, []).append(free)
    return by_tier
