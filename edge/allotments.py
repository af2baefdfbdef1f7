"""The units this node was lent: what it may sell, alone and without asking.

An allotment id is never reused and a closed one never opens again, so installing a grant twice,
late, or out of order changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge.journal import Unit
from ticketing.admission import AllotmentState
from ticketing.ids import U8_MAX, AllotmentId, is_u32


@dataclass(frozen=True, slots=True)
class Grant:
    """An allotment as the server tells of it: units with their versions."""

    id: AllotmentId
    performance: int
    firm: bool
    state: str
    units: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class LentUnit:
    """One unit of ours. `state` is free, sold or released."""

    unit: int
    allotment: AllotmentId
    version: int
    state: str


def grant_from_wire(raw: Mapping[str, object]) -> Grant | None:
    """A grant out of a feed row or a reply; None when it is not one."""
    allotment, units = AllotmentId.parse(raw.get("id")), raw.get("units")
    performance, state = raw.get("p"), raw.get("state", AllotmentState.OPEN)
    if allotment is None or not isinstance(units, list):
        return None
    if not isinstance(performance, int) or not is_u32(performance):
        return None
    if state not in tuple(AllotmentState):
        return None
    pairs: list[tuple[int, int]] = []
    for item in units:
        match item:
            case [int(unit), int(version)] if is_u32(unit) and 0 <= version <= U8_MAX:
                pairs.append((unit, version))
            case _:
                return None
    return Grant(allotment, performance, raw.get("firm") is True, str(state), tuple(pairs))


def install(unit: Unit, stream: str, grant: Grant) -> bool:
    """Take a grant in. True when it brought units that were not ours before."""
    known = unit.execute(
        "SELECT state FROM allot WHERE stream = ? AND id = ?", (stream, str(grant.id))
    ).fetchone()
    if known is not None:
        if known["state"] == "open" and grant.state != "open":
            _close(unit, stream, grant)
        return False
    unit.execute(
        "INSERT INTO allot (stream, id, performance, firm, state) VALUES (?, ?, ?, ?, ?)",
        (stream, str(grant.id), grant.performance, int(grant.firm), grant.state),
    )
    if grant.state != "open":
        return False
    unit.executemany(
        "INSERT INTO allot_unit (stream, performance, unit, allot_id, version, state) "
        "VALUES (?, ?, ?, ?, ?, 'free') ON CONFLICT (stream, performance, unit) DO UPDATE SET "
        "allot_id = excluded.allot_id, version = excluded.version, state = 'free' "
        "WHERE allot_unit.state = 'released'",
        [(stream, grant.performance, n, str(grant.id), version) for n, version in grant.units],
    )
    return True


def units_of(connection: sqlite3.Connection, stream: str, performance: int) -> dict[int, LentUnit]:
    """Every unit of a performance that is or was lent to us."""
    rows = connection.execute(
        "SELECT unit, allot_id, version, state FROM allot_unit "
        "WHERE stream = ? AND performance = ?",
        (stream, performance),
    )
    return {row["unit"]: _lent(row) for row in rows}


def take(unit: Unit, stream: str, performance: int, wanted: int) -> LentUnit | None:
    """Mark one of our free units sold. None when it is not ours, or not free."""
    row = unit.execute(
        "UPDATE allot_unit SET state = 'sold' WHERE stream = ? AND performance = ? AND unit = ? "
        "AND state = 'free' RETURNING unit, allot_id, version, state",
        (stream, performance, wanted),
    ).fetchone()
    return _lent(row) if row else None


def give_back(
    unit: Unit, stream: str, performance: int, units: Iterable[int]
) -> dict[AllotmentId, list[int]]:
    """Let go of free units of firm allotments; what is left to tell the server, by allotment."""
    released: dict[AllotmentId, list[int]] = {}
    for number in units:
        row = unit.execute(
            "UPDATE allot_unit SET state = 'released' WHERE stream = ? AND performance = ? "
            "AND unit = ? AND state = 'free' AND allot_id IN "
            "(SELECT id FROM allot WHERE stream = ? AND firm = 1) "
            "RETURNING unit, allot_id, version, state",
            (stream, performance, number, stream),
        ).fetchone()
        if row is not None:
            released.setdefault(_lent(row).allotment, []).append(number)
    return released


def firm_free_units(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """(stream, performance, unit) of everything acquired for a basket and not sold."""
    rows: Sequence[sqlite3.Row] = connection.execute(
        "SELECT u.stream, u.performance, u.unit FROM allot_unit u JOIN allot a "
        "ON a.stream = u.stream AND a.id = u.allot_id WHERE u.state = 'free' AND a.firm = 1"
    ).fetchall()
    return [(row["stream"], row["performance"], row["unit"]) for row in rows]


def _close(unit: Unit, stream: str, grant: Grant) -> None:
    """The server closed or wrote off the allotment: what is left of it is no longer ours."""
    unit.execute(
        "UPDATE allot SET state = ? WHERE stream = ? AND id = ?",
        (grant.state, stream, str(grant.id)),
    )
    unit.execute(
        "UPDATE allot_unit SET state = 'released' "
        "WHERE stream = ? AND allot_id = ? AND state = 'free'",
        (stream, str(grant.id)),
    )


def _lent(row: sqlite3.Row) -> LentUnit:
    allotment = AllotmentId.parse(row["allot_id"])
    assert allotment is not None, row["allot_id"]
    return LentUnit(row["unit"], allotment, row["version"], row["state"])
