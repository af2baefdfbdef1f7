"""Lending: units become an allotment of a till, which alone may end it.

A grant is idempotent by (event, node, req): asking again gives the same allotment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from sqlalchemy import text

from sync_server.store.writer import Transaction
from ticketing.admission import AllotmentState
from ticketing.event import Event
from ticketing.ids import AllotmentId
from ticketing.seating import AreaKind, SeatingPlan

UNITS_PER_GRANT_MAX = 2_000


class NoGrant(StrEnum):
    """Why nothing was lent."""

    TAKEN = "taken"  # some unit asked for is sold, or kept back
    LENT_ELSEWHERE = "lent_elsewhere"  # some unit asked for is lent to another till
    ALREADY_YOURS = "already_yours"  # lent to the asker by an earlier grant: the feed brings it
    SOLD_OUT = "sold_out"  # nothing is free to lend
    UNKNOWN_PERFORMANCE = "unknown_performance"
    UNKNOWN_UNIT = "unknown_unit"
    LIMIT = "limit"  # too many units in one request


@dataclass(frozen=True, slots=True)
class Acquire:
    """A till's wish: these very units (`firm`: for a basket), or about `count` in whole rows."""

    req: str
    performance: int
    units: tuple[int, ...] = ()
    count: int = 0
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Units lent, each with its version: a ticket sold on it cites both.

    `state` is open, unless the request is an old one that comes again: then as of now.
    """

    id: AllotmentId
    performance: int
    units: tuple[tuple[int, int], ...]
    firm: bool
    state: AllotmentState
    rev: int


@dataclass(frozen=True, slots=True)
class _Claim:
    kind: str
    node_id: str
    version: int


def acquire(
    tx: Transaction,
    generation: str,
    node_id: str,
    wish: Acquire,
    plan: SeatingPlan,
    event: Event,
) -> Grant | NoGrant:
    """Lend the wished units of an event, all of them or none."""
    event_id = event.id
    earlier = _earlier_grant(tx, event_id, node_id, wish.req)
    if earlier is not None:
        return earlier
    if not tx.row(
        "SELECT 1 FROM performance WHERE event_id = :e AND perf_id = :p",
        e=event_id,
        p=wish.performance,
    ):
        return NoGrant.UNKNOWN_PERFORMANCE
    if len(wish.units) > UNITS_PER_GRANT_MAX or wish.count > UNITS_PER_GRANT_MAX:
        return NoGrant.LIMIT
    claims = _claims(tx, event_id, wish.performance)
    units = wish.units or (_share(tx, plan, event, claims, wish.count) if wish.count else ())
    refusal = _refusal(units, claims, plan, node_id)
    if refusal is not None:
        return refusal
    return _lend(tx, generation, event_id, node_id, wish, units, claims)


def _earlier_grant(tx: Transaction, event_id: str, node_id: str, req: str) -> Grant | None:
    row = tx.row(
        "SELECT id, perf_id, firm, state, body, rev FROM allot "
        "WHERE event_id = :e AND node_id = :n AND req = :r",
        e=event_id,
        n=node_id,
        r=req,
    )
    if row is None:
        return None
    allotment = AllotmentId.parse(row.id)
    assert allotment is not None
    units = tuple((unit, version) for unit, version in json.loads(row.body)["units"])
    state = AllotmentState(row.state)
    return Grant(allotment, row.perf_id, units, bool(row.firm), state, row.rev)


def _claims(tx: Transaction, event_id: str, performance: int) -> dict[int, _Claim]:
    rows = tx.rows(
        "SELECT unit, kind, node_id, version FROM claim WHERE event_id = :e AND perf_id = :p",
        e=event_id,
        p=performance,
    )
    return {row.unit: _Claim(row.kind, row.node_id, row.version) for row in rows}


def _refusal(
    units: tuple[int, ...], claims: Mapping[int, _Claim], plan: SeatingPlan, node_id: str
) -> NoGrant | None:
    if not units:
        return NoGrant.SOLD_OUT
    for unit in units:
        if not plan.has_unit(unit):  # also a free one that a later plan no longer has
            return NoGrant.UNKNOWN_UNIT
        claim = claims.get(unit)
        if claim is None or claim.kind == "free":
            continue
        if claim.kind != "allot":
            return NoGrant.TAKEN
        return NoGrant.ALREADY_YOURS if claim.node_id == node_id else NoGrant.LENT_ELSEWHERE
    return None


def _share(
    tx: Transaction,
    plan: SeatingPlan,
    event: Event,
    claims: Mapping[int, _Claim],
    count: int,
) -> tuple[int, ...]:
    """About `count` free units of every price tier, in whole rows from the front of every area.

    Of each tier at most half of an even share among the tills, so that a till that asks first
    does not take the house. A first row that is longer than that is cut.
    """
    tills = tx.row("SELECT count(*) FROM node WHERE role = 'till' AND state = 'active'")
    till_count = max(1, int(tills[0])) if tills else 1
    free = _free_rows_by_tier(plan, event, claims)
    free_count = sum(len(row) for rows in free.values() for row in rows)
    chosen: list[int] = []
    for rows in free.values():
        tier_free = sum(len(row) for row in rows)
        wanted = max(1, count * tier_free // max(1, free_count))
        most = max(1, tier_free // (2 * till_count))
        chosen.extend(_rows_for(rows, min(wanted, most)))
    return tuple(chosen[:UNITS_PER_GRANT_MAX])


def _rows_for(rows: list[list[int]], most: int) -> list[int]:
    """Whole rows as long as they fit; at least a part of the first one."""
    taken: list[int] = []
    for row in rows:
        if taken and len(taken) + len(row) > most:
            break
        taken.extend(row)
    return taken[:most]


def _free_rows_by_tier(
    plan: SeatingPlan, event: Event, claims: Mapping[int, _Claim]
) -> dict[str, list[list[int]]]:
    """What is free of each tier, row by row: every area's first row, then every second one...

    The places of a standing area count as one row.
    """
    rows: list[tuple[int, list[int]]] = []
    for area in plan.areas:
        if area.kind is AreaKind.STANDING:
            rows.append((0, list(area.units)))
        rows.extend((n, [seat.unit for seat in row.seats]) for n, row in enumerate(area.rows))
    by_tier: dict[str, list[list[int]]] = {}
    for _depth, units in sorted(rows, key=lambda row: row[0]):
        for tier_id, part in groupby(units, key=event.tier_of):
            free = [unit for unit in part if unit not in claims or claims[unit].kind == "free"]
            if free:
                by_tier.setdefault(tier_id, []).append(free)
    return by_tier


def _lend(
    tx: Transaction,
    generation: str,
    event_id: str,
    node_id: str,
    wish: Acquire,
    units: tuple[int, ...],
    claims: Mapping[int, _Claim],
) -> Grant:
    first = tx.next_rev(event_id, len(units) + 1)
    allotment = AllotmentId(generation, first)  # revisions are never reused, so neither is the id
    lent = tuple((u, claims[u].version if u in claims else 0) for u in units)
    tx.connection.execute(
        text(
            "INSERT INTO claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
            "VALUES (:e, :p, :unit, 'allot', :ref, :node, :version, :rev) "
            "ON CONFLICT (event_id, perf_id, unit) DO UPDATE SET kind = 'allot', "
            "ref = excluded.ref, node_id = excluded.node_id, rev = excluded.rev "
            "WHERE claim.kind = 'free'"
        ),
        [
            {
                "e": event_id,
                "p": wish.performance,
                "unit": unit,
                "ref": str(allotment),
                "node": node_id,
                "version": version,
                "rev": first + 1 + index,
            }
            for index, (unit, version) in enumerate(lent)
        ],
    )
    tx.run(
        "INSERT INTO allot (event_id, id, node_id, perf_id, req, firm, state, granted_ms, body, "
        "rev) VALUES (:e, :id, :node, :p, :req, :firm, 'open', :now, :body, :rev)",
        e=event_id,
        id=str(allotment),
        node=node_id,
        p=wish.performance,
        req=wish.req,
        firm=int(wish.firm),
        now=tx.now_ms,
        body=json.dumps({"units": lent}),
        rev=first,
    )
    _require_all_claimed(tx, event_id, allotment, len(units))
    return Grant(allotment, wish.performance, lent, wish.firm, AllotmentState.OPEN, first)


def _require_all_claimed(
    tx: Transaction, event_id: str, allotment: AllotmentId, count: int
) -> None:
    """The database has the last word: a unit that was not free keeps its claim, and we stop."""
    row = tx.row(
        "SELECT count(*) FROM claim WHERE event_id = :e AND ref = :ref AND kind = 'allot'",
        e=event_id,
        ref=str(allotment),
    )
    if row is None or row[0] != count:
        raise AssertionError(f"allotment {allotment} claims {row and row[0]} of {count} units")
