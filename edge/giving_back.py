"""Giving back what was lent: units out of a basket, what the server recalls, whole allotments.

Each is an operation in the journal, in the transaction that changes the units: until it has
reached the server nobody else gets them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from edge.allotments import give_back
from edge.env import Env
from edge.journal import Unit, append
from edge.parked import parked_places
from ticketing.ids import AllotmentId, OpId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    UNITS_MAX,
    Release,
    Settle,
    encode_release,
    encode_settle,
)


def release(unit: Unit, env: Env, stream: str, performance: int, units: Iterable[int]) -> list[Op]:
    """Give back those of these units that were acquired for a basket and are unsold."""
    return [
        op
        for allotment, numbers in give_back(unit, stream, performance, units).items()
        for op in _tell(unit, env, stream, performance, allotment, numbers)
    ]


def release_recalled(
    unit: Unit, env: Env, stream: str, keep: Collection[tuple[int, int]] = ()
) -> list[Op]:
    """Give back at once what is free of every recalled allotment of a stream.

    `keep`: (performance, unit) in a basket; they go back when they leave it unsold, as those of
    parked baskets do. The shares of pools go when nothing is kept.
    """
    ops: list[Op] = []
    kept = parked_places(unit, stream).union(keep)
    recalled = unit.execute(
        "SELECT id, performance FROM allot WHERE stream = ? AND recall = 1 AND state = 'open' "
        "ORDER BY rowid",
        (stream,),
    ).fetchall()
    for row in recalled:
        allotment, performance = AllotmentId.parse(row["id"]), row["performance"]
        assert allotment is not None, row["id"]
        numbers = [
            number
            for number in _free_units(unit, stream, row["id"])
            if (performance, number) not in kept
        ]
        _mark_released(unit, stream, performance, numbers)
        ops += _tell(unit, env, stream, performance, allotment, numbers)
    return ops


def settle(unit: Unit, env: Env, stream: str, allotment: AllotmentId) -> Op | None:
    """Be done with an allotment for good; everything unsold goes back. None when it is not open."""
    row = unit.execute(
        "UPDATE allot SET state = 'closed' WHERE stream = ? AND id = ? AND state = 'open' "
        "RETURNING performance",
        (stream, str(allotment)),
    ).fetchone()
    if row is None:
        return None
    unit.execute(
        "UPDATE allot_unit SET state = 'released' "
        "WHERE stream = ? AND allot_id = ? AND state = 'free'",
        (stream, str(allotment)),
    )
    _take_shares_left(unit, stream, allotment)
    body = encode_settle(Settle(row["performance"], allotment))
    return _append(unit, env, stream, OpKind.SETTLE, body)


def spend(unit: Unit, stream: str, allotment: AllotmentId, pool: str) -> bool:
    """Spend one share of a counter pool for one line of a sale. False when none is left."""
    row = unit.execute(
        "UPDATE allot_count SET spent = spent + 1 WHERE stream = ? AND allot_id = ? AND pool = ? "
        "AND spent + released < granted RETURNING pool",
        (stream, str(allotment), pool),
    ).fetchone()
    return row is not None


def shares_left(
    connection: sqlite3.Connection, stream: str, allotment: AllotmentId
) -> dict[str, int]:
    """Unspent shares of counter pools in an allotment, by pool."""
    rows = connection.execute(
        "SELECT pool, granted - spent - released AS unspent FROM allot_count "
        "WHERE stream = ? AND allot_id = ? AND granted > spent + released ORDER BY pool",
        (stream, str(allotment)),
    )
    return {row["pool"]: row["unspent"] for row in rows}


def all_shares_left(connection: sqlite3.Connection, stream: str) -> dict[tuple[str, str], int]:
    """Unspent shares of counter pools in all open allotments, by (allotment, pool)."""
    rows = connection.execute(
        "SELECT c.allot_id, c.pool, c.granted - c.spent - c.released AS unspent "
        "FROM allot_count c JOIN allot a ON a.stream = c.stream AND a.id = c.allot_id "
        "WHERE c.stream = ? AND a.state = 'open' AND c.granted > c.spent + c.released",
        (stream,),
    )
    return {(row["allot_id"], row["pool"]): row["unspent"] for row in rows}


def release_idle_shares(
    unit: Unit, env: Env, stream: str, performance: int, allotments: Iterable[AllotmentId]
) -> list[Op]:
    """Give back the shares of allotments that have no free unit left to be sold with them."""
    ops: list[Op] = []
    for allotment in allotments:
        idle = not _free_units(unit, stream, str(allotment))
        if idle and shares_left(unit, stream, allotment):
            ops += _tell(unit, env, stream, performance, allotment, [])
    return ops


def _tell(
    unit: Unit,
    env: Env,
    stream: str,
    performance: int,
    allotment: AllotmentId,
    numbers: Sequence[int],
) -> list[Op]:
    """The operations that release these units; with the last unit go the shares of pools."""
    counts: tuple[tuple[str, int], ...] = ()
    if not _free_units(unit, stream, str(allotment)):
        counts = tuple(_take_shares_left(unit, stream, allotment).items())
    parts = [numbers[at : at + UNITS_MAX] for at in range(0, len(numbers), UNITS_MAX)]
    if counts and not parts:
        parts = [[]]
    ops = []
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        body = encode_release(Release(performance, allotment, tuple(part), counts if last else ()))
        ops.append(_append(unit, env, stream, OpKind.RELEASE, body))
    return ops


def _take_shares_left(unit: Unit, stream: str, allotment: AllotmentId) -> dict[str, int]:
    left = shares_left(unit, stream, allotment)
    unit.execute(
        "UPDATE allot_count SET released = granted - spent WHERE stream = ? AND allot_id = ?",
        (stream, str(allotment)),
    )
    return left


def _free_units(connection: sqlite3.Connection, stream: str, allot_id: str) -> list[int]:
    rows = connection.execute(
        "SELECT unit FROM allot_unit WHERE stream = ? AND allot_id = ? AND state = 'free' "
        "ORDER BY unit",
        (stream, allot_id),
    )
    return [row["unit"] for row in rows]


def _mark_released(unit: Unit, stream: str, performance: int, numbers: Sequence[int]) -> None:
    unit.executemany(
        "UPDATE allot_unit SET state = 'released' "
        "WHERE stream = ? AND performance = ? AND unit = ? AND state = 'free'",
        [(stream, performance, number) for number in numbers],
    )


def _append(unit: Unit, env: Env, stream: str, kind: OpKind, body: str) -> Op:
    op_id = OpId(env.random_bytes(16).hex())
    return append(unit, stream, kind, body, op_id=op_id, wall_ms=env.wall_ms())
