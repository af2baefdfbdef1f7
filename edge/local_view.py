"""What this node sees: the mirror, with its own doings over it that the mirror has not heard of.

A page of news may be older than what was done here. So an own sale, release or return of a unit
stands until the mirror has a claim on it that can only come after: one of a higher version, which
the server gives a unit when it frees it after a sale; or, after a release, a claim of somebody
else. An own scan is never taken back: entries are facts, merged by their ids.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from edge.allotments import LentUnit, units_of
from ticketing.ids import OpId, TicketId
from ticketing.ticket import TicketState

FREE, ALLOT = "free", "allot"


@dataclass(frozen=True, slots=True)
class UnitView:
    """Who has a unit, as `kind` of a claim. `is_ours`: this node may sell it now."""

    kind: str
    version: int
    is_ours: bool = False


def unit_views(
    journal: sqlite3.Connection, mirror: sqlite3.Connection, stream: str, performance: int
) -> dict[int, UnitView]:
    """Every unit that anything is known of; the others are free. Looks at each of them: tens of
    thousands, after each sale.
    """
    ours = units_of(journal, stream, performance)
    views: dict[int, UnitView] = {}
    alike: dict[tuple[str, int], UnitView] = {}
    claims = mirror.execute(
        "SELECT unit, kind, ref, version FROM claim WHERE stream = ? AND performance = ?",
        (stream, performance),
    )
    for unit, kind, ref, version in claims:
        own = ours.get(unit)
        if own is not None and not _is_after(version, ref, own):
            continue
        view = alike.get((kind, version))
        if view is None:
            view = alike[kind, version] = UnitView(kind, version)
        views[unit] = view
    for unit, own in ours.items():
        if unit not in views:
            views[unit] = _own_view(own)
    return views


def entry_ids(
    journal: sqlite3.Connection, mirror: sqlite3.Connection, stream: str, ticket_id: TicketId
) -> frozenset[OpId]:
    """The entries of a ticket that count: own scans, and those that the mirror tells of."""
    own = journal.execute(
        "SELECT op_id FROM entry WHERE stream = ? AND ticket_id = ?", (stream, ticket_id)
    )
    told = mirror.execute(
        "SELECT op_id FROM entry WHERE stream = ? AND ticket_id = ? AND phase <> 'returned'",
        (stream, ticket_id),
    )
    return frozenset(OpId(row["op_id"]) for row in (*own.fetchall(), *told.fetchall()))


def entered_ms(
    mirror: sqlite3.Connection, stream: str, ticket_ids: Collection[TicketId]
) -> dict[TicketId, int]:
    """When somebody first went in on each of these tickets; those that nobody used are left out."""
    rows = mirror.execute(
        "SELECT ticket_id, min(at_ms) AS at_ms FROM entry WHERE stream = ? AND phase <> 'returned' "
        "AND ticket_id IN (SELECT value FROM json_each(?)) GROUP BY ticket_id",
        (stream, json.dumps(list(ticket_ids))),
    )
    return {TicketId(row["ticket_id"]): row["at_ms"] for row in rows}


def ticket_states(
    mirror: sqlite3.Connection, stream: str, own: Mapping[TicketId, TicketState]
) -> dict[TicketId, TicketState]:
    """An own order's tickets (`edge.returns.sold_order` tells ours): void if anybody says so."""
    marks = ", ".join("?" * len(own))
    rows = mirror.execute(
        f"SELECT id, state FROM ticket WHERE stream = ? AND id IN ({marks})",  # noqa: S608
        (stream, *own),
    )
    told = {TicketId(row["id"]): TicketState(row["state"]) for row in rows}
    return {
        ticket: told.get(ticket, state) if state is not TicketState.VOID else state
        for ticket, state in own.items()
    }


def _is_after(version: int, ref: str, own: LentUnit) -> bool:
    """Whether a claim of this version, for `ref`, comes after what we did with its unit."""
    if own.state == "free":
        return False  # lent to us and not given up: only a sale, or we, can end that
    if version != own.version:
        return version > own.version
    # Given back unsold, it keeps its version: any claim but the echo of our own is a later one,
    # or an older one of somebody else, and then it is taken for taken a little longer.
    return own.state == "released" and ref != str(own.allotment)


def _own_view(own: LentUnit) -> UnitView:
    match own.state:
        case "free":
            return UnitView(ALLOT, own.version, is_ours=True)
        case "released":
            return UnitView(FREE, own.version)
        case state:
            return UnitView(state, own.version)
