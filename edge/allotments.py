"""The units this node was lent: what it may sell, alone and without asking.

An allotment id is never reused and a closed one never opens again, so installing a grant twice,
late, or out of order changes nothing.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from edge.journal import Unit, incarnation_of
from edge.parked import parked_places
from edge.time_left import standing_of
from ticketing.admission import AllotmentState
from ticketing.ids import U8_MAX, AllotmentId, is_u32
from ticketing.operations import is_name
from ticketing.terms import Anchor, Standing


@dataclass(frozen=True, slots=True)
class Grant:
    """An allotment as the server tells of it: units with their versions, shares of pools.

    `granted_ms`: when it was granted or last extended, by the server's clock; 0 when not told.
    `incarnation`: whose life it was lent to; 0 when not told. No term: `soft_s` = `hard_s` = 0.
    """

    id: AllotmentId
    performance: int
    firm: bool
    state: str
    units: tuple[tuple[int, int], ...]
    counts: tuple[tuple[str, int], ...] = ()
    soft_s: int = 0
    hard_s: int = 0
    recall: bool = False
    granted_ms: int = 0
    incarnation: int = 0


@dataclass(frozen=True, slots=True)
class LentUnit:
    """One unit of ours. `state` is free, sold, released or returned.

    `late`: taken past the soft term of its allotment.
    """

    unit: int
    allotment: AllotmentId
    version: int
    state: str
    late: bool = False


class TermOver(Exception):
    """A unit is ours and free, and may not be sold now: its allotment's term is over.

    `standing` LIMITED: with a supervisor's approval it may be.
    """

    def __init__(self, standing: Standing) -> None:
        super().__init__(f"the term of what was lent is over: {standing}")
        self.standing = standing


def grant_from_wire(raw: Mapping[str, object]) -> Grant | None:
    """A grant out of a feed row or a reply; None when it is not one."""
    allotment, performance = AllotmentId.parse(raw.get("id")), raw.get("p")
    state = raw.get("state", AllotmentState.OPEN)
    pairs, counts = _pairs(raw.get("units")), _counts(raw.get("counts", {}))
    numbers = [raw.get(key, 0) for key in ("soft_s", "hard_s", "granted_ms", "inc")]
    soft_s, hard_s, granted_ms, incarnation = numbers
    if allotment is None or not isinstance(performance, int) or not is_u32(performance):
        return None
    if pairs is None or counts is None or state not in tuple(AllotmentState):
        return None
    if not all(type(number) is int and 0 <= number < 2**53 for number in numbers):
        return None
    assert isinstance(soft_s, int)
    assert isinstance(hard_s, int)
    assert isinstance(granted_ms, int)
    assert isinstance(incarnation, int)
    if soft_s > hard_s:
        return None
    return Grant(
        allotment,
        performance,
        raw.get("firm") is True,
        str(state),
        pairs,
        counts,
        soft_s,
        hard_s,
        raw.get("recall") in (True, 1),
        granted_ms,
        incarnation,
    )


def _pairs(raw: object) -> tuple[tuple[int, int], ...] | None:
    if not isinstance(raw, list):
        return None
    pairs: list[tuple[int, int]] = []
    for item in raw:
        match item:
            case [int(unit), int(version)] if is_u32(unit) and 0 <= version <= U8_MAX:
                pairs.append((unit, version))
            case _:
                return None
    return tuple(pairs)


def _counts(raw: object) -> tuple[tuple[str, int], ...] | None:
    if not isinstance(raw, dict):
        return None
    sound = all(is_name(pool) and is_u32(count) for pool, count in raw.items())
    return tuple(sorted(raw.items())) if sound else None


def install(
    unit: Unit, stream: str, grant: Grant, anchor: Anchor | None = None, *, req: str = ""
) -> bool:
    """Take a grant in. True when it brought units that were not ours before.

    `anchor` is a moment before which the server did not grant it. None when nobody knows: then
    nothing of it may be sold if it has a term.
    """
    known = unit.execute(
        "SELECT state, granted_ms FROM allot WHERE stream = ? AND id = ?", (stream, str(grant.id))
    ).fetchone()
    if known is not None:
        if known["state"] == "open":
            _update(unit, stream, grant, anchor, known["granted_ms"])
        return False
    incarnation = incarnation_of(unit)
    is_ours = grant.incarnation in (0, incarnation)
    # Lent to an earlier life of this node: who knows what the copy of it has sold.
    state = grant.state if is_ours or grant.state != "open" else AllotmentState.CLOSED
    unit.execute(
        "INSERT INTO allot (stream, id, performance, firm, state, inc, req, units, counts, "
        "granted_ms, recall, soft_s, hard_s, sent_mono_ms, boot_id, sent_wall_ms, sent_high_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stream,
            str(grant.id),
            grant.performance,
            int(grant.firm),
            state,
            grant.incarnation or incarnation,
            req,
            json.dumps(grant.units),
            json.dumps(dict(grant.counts), ensure_ascii=False),
            grant.granted_ms,
            int(grant.recall),
            grant.soft_s,
            grant.hard_s,
            *_stored(anchor),
        ),
    )
    if state != AllotmentState.OPEN:
        return False
    for number, version in grant.units:
        _install_unit(unit, stream, grant, number, version)
    unit.executemany(
        "INSERT INTO allot_count (stream, allot_id, pool, granted) VALUES (?, ?, ?, ?)",
        [(stream, str(grant.id), pool, count) for pool, count in grant.counts],
    )
    return True


def _install_unit(unit: Unit, stream: str, grant: Grant, number: int, version: int) -> None:
    """Put a unit under this allotment unless what we know of it is newer."""
    known = unit.execute(
        "SELECT allot_id, version, state FROM allot_unit "
        "WHERE stream = ? AND performance = ? AND unit = ?",
        (stream, grant.performance, number),
    ).fetchone()
    if known is not None and not _is_newer(grant.id, version, known):
        return
    unit.execute(
        "INSERT INTO allot_unit (stream, performance, unit, allot_id, version, state) "
        "VALUES (?, ?, ?, ?, ?, 'free') ON CONFLICT (stream, performance, unit) DO UPDATE SET "
        "allot_id = excluded.allot_id, version = excluded.version, state = 'free'",
        (stream, grant.performance, number, str(grant.id), version),
    )


def _is_newer(allotment: AllotmentId, version: int, known: sqlite3.Row) -> bool:
    """Whether a grant of a unit comes after what we know of that unit.

    A higher version: the server had it back and freed it, so also what we sold is over. The same
    version: it came back unsold, and the allotment that lends it now was granted later.
    """
    if version != known["version"]:
        return bool(version > known["version"])
    other = AllotmentId.parse(known["allot_id"])
    assert other is not None, known["allot_id"]
    is_later = other.generation != allotment.generation or allotment.number > other.number
    return known["state"] in ("free", "released") and is_later


def _update(unit: Unit, stream: str, grant: Grant, anchor: Anchor | None, granted_ms: int) -> None:
    """An allotment that we have: closed, recalled or extended since."""
    if grant.state != AllotmentState.OPEN:
        _close(unit, stream, grant)
        return
    if grant.recall:
        unit.execute(
            "UPDATE allot SET recall = 1 WHERE stream = ? AND id = ?", (stream, str(grant.id))
        )
    if anchor is not None and grant.granted_ms > granted_ms:
        unit.execute(
            "UPDATE allot SET granted_ms = ?, soft_s = ?, hard_s = ?, sent_mono_ms = ?, "
            "boot_id = ?, sent_wall_ms = ?, sent_high_ms = ? WHERE stream = ? AND id = ?",
            (
                grant.granted_ms,
                grant.soft_s,
                grant.hard_s,
                *_stored(anchor),
                stream,
                str(grant.id),
            ),
        )


def _stored(anchor: Anchor | None) -> tuple[int, str, int, int]:
    """An anchor's columns: rounded down, since earlier is safer. None: no boot, no time."""
    if anchor is None:
        return 0, "", 0, 0
    mono_ms = math.floor(anchor.sent_mono_s * 1000)
    return mono_ms, anchor.boot_id, anchor.sent_wall_ms, anchor.wall_high_ms


def units_of(connection: sqlite3.Connection, stream: str, performance: int) -> dict[int, LentUnit]:
    """Every unit of a performance that is or was lent to us."""
    rows = connection.execute(
        "SELECT unit, allot_id, version, state FROM allot_unit "
        "WHERE stream = ? AND performance = ?",
        (stream, performance),
    )
    ids: dict[str, AllotmentId] = {}  # a few, for ten thousand units
    found: dict[int, LentUnit] = {}
    for unit, text, version, state in rows:
        if text not in ids:
            ids[text] = _allotment_id(text)
        found[unit] = LentUnit(unit, ids[text], version, state)
    return found


def take(
    unit: Unit, stream: str, performance: int, wanted: int, now: Anchor, *, approved: bool = False
) -> LentUnit | None:
    """Mark one of our free units sold. None when it is not ours, not free, or in a parked basket.

    `approved`: a supervisor lets it be sold past the soft term. Raises TermOver.
    """
    row = unit.execute(
        "UPDATE allot_unit SET state = 'sold' WHERE stream = ? AND performance = ? AND unit = ? "
        "AND state = 'free' AND NOT EXISTS (SELECT 1 FROM parked_unit p WHERE "
        "p.stream = allot_unit.stream AND p.performance = allot_unit.performance "
        "AND p.unit = allot_unit.unit) RETURNING unit, allot_id, version, state",
        (stream, performance, wanted),
    ).fetchone()
    if row is None:
        return None
    may = standing_of(unit, stream, row["allot_id"], now)
    if may is Standing.STOPPED or (may is Standing.LIMITED and not approved):
        raise TermOver(may)
    return replace(_lent(row), late=may is Standing.LIMITED)


def give_back(
    unit: Unit, stream: str, performance: int, units: Iterable[int]
) -> dict[AllotmentId, list[int]]:
    """Let go of free units of firm allotments; what is left to tell the server, by allotment.

    Not of those that a parked basket keeps.
    """
    released: dict[AllotmentId, list[int]] = {}
    parked = parked_places(unit, stream)
    for number in units:
        if (performance, number) in parked:
            continue
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
    return LentUnit(row["unit"], _allotment_id(row["allot_id"]), row["version"], row["state"])


def _allotment_id(text: str) -> AllotmentId:
    allotment = AllotmentId.parse(text)
    assert allotment is not None, text
    return allotment
