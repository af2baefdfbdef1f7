"""Keeping places back and releasing them, on record: what managers do, and the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from sync_server.heart.kept_back import (
    NEVER_MS,
    Block,
    Blocked,
    Freed,
    Keeping,
    NotKept,
    Rekeep,
    Rekept,
    Unblock,
    UnblockDue,
    keeping_of,
)
from sync_server.heart.source import run_in
from sync_server.services.audit import Actor, Deed, note
from sync_server.services.catalogue import PlanShelf
from sync_server.services.place_choice import runs_of
from sync_server.store.writer import Transaction

BLOCKS_SHOWN_MAX = 500
BY_THE_CLOCK = Actor("server", "release_time")


@dataclass(frozen=True, slots=True)
class BlockLine:
    """A block that is not released, with what is left of it."""

    id: str
    keeping: Keeping
    made_ms: int
    units: frozenset[int]
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A counter pool: how many rights it has, and how many of them are kept back or not."""

    id: str
    capacity: int
    free: int
    lent: int
    spent: int


def block(tx: Transaction, step: Block, actor: Actor) -> Blocked | NotKept:
    """Keep places back; noted with what they were and what they are."""
    done = run_in(tx, step, PlanShelf())
    if isinstance(done, Blocked) and done.id:
        about = f"block:{step.stream}:{step.performance}:{done.id}"
        after = _told(step.keeping, done.units, step.counts)
        before = {"state": "free", "places": runs_of(done.units)}
        note(tx, Deed.PLACES_BLOCKED, about, actor, before=before, after=after)
    if isinstance(done, Blocked) and done.asked_back:
        after = {"event": step.stream, "allotments": list(done.asked_back)}
        about = f"performance:{step.stream}:{step.performance}"
        note(tx, Deed.STOCK_RECALLED, about, actor, after=after)
    return done


def rekeep(tx: Transaction, step: Rekeep, actor: Actor) -> Rekept | NotKept:
    """Change for whom a block is, why and until when; noted with what it said before."""
    done = run_in(tx, step, PlanShelf())
    if isinstance(done, Rekept) and done.before != done.after:
        about = f"block:{step.stream}:{step.performance}:{step.block}"
        before, after = (_said(each) for each in (done.before, done.after))
        note(tx, Deed.BLOCK_CHANGED, about, actor, before=before, after=after)
    return done


def unblock(tx: Transaction, step: Unblock, actor: Actor) -> tuple[Freed, ...] | NotKept:
    """Release places; noted with for whom they were kept."""
    done = run_in(tx, step, PlanShelf())
    if not isinstance(done, NotKept):
        _note_freed(tx, step.stream, done, actor)
    return done


def unblock_due(tx: Transaction, event_id: str) -> tuple[Freed, ...]:
    """Release what is over by the clock."""
    freed = run_in(tx, UnblockDue(event_id), PlanShelf())
    _note_freed(tx, event_id, freed, BY_THE_CLOCK)
    return freed


def _note_freed(tx: Transaction, event_id: str, freed: Iterable[Freed], actor: Actor) -> None:
    for each in freed:
        about = f"block:{event_id}:{each.performance}:{each.id}"
        before = _told(each.keeping, each.units, each.counts)
        after = {"state": "free", "places": runs_of(each.units)}
        note(tx, Deed.PLACES_RELEASED, about, actor, before=before, after=after)


def _told(
    keeping: Keeping, units: Iterable[int], counts: Iterable[tuple[str, int]]
) -> dict[str, object]:
    told = {"state": "blocked"} | _said(keeping)
    told |= {"places": runs_of(units), "pools": dict(counts)}
    return {name: value for name, value in told.items() if value not in ("", {})}


def _said(keeping: Keeping) -> dict[str, object]:
    told: dict[str, object] = {
        "owner": keeping.owner,
        "reason": keeping.reason.value,
        "note": keeping.note,
        "until_ms": keeping.until_ms if keeping.until_ms < NEVER_MS else None,
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def read_blocks(connection: Connection, event_id: str, performance: int) -> list[BlockLine]:
    """The blocks of a performance, the newest first; at most BLOCKS_SHOWN_MAX."""
    values = {"e": event_id, "p": performance, "most": BLOCKS_SHOWN_MAX}
    left: dict[str, set[int]] = {}
    claims = connection.execute(
        text(
            "SELECT ref, unit FROM claim WHERE event_id = :e AND perf_id = :p AND kind = 'blocked'"
        ),
        values,
    )
    for block_id, unit in claims:
        left.setdefault(block_id, set()).add(int(unit))
    shares: dict[str, dict[str, int]] = {}
    rows = connection.execute(
        text(
            "SELECT s.allot_id, s.pool_id, s.lent FROM share s JOIN allot a "
            "ON a.event_id = s.event_id AND a.id = s.allot_id WHERE s.event_id = :e "
            "AND a.perf_id = :p AND a.state = 'held' AND a.firm = 0 AND s.lent > 0"
        ),
        values,
    )
    for block_id, pool_id, count in rows:
        shares.setdefault(block_id, {})[pool_id] = int(count)
    rows = connection.execute(
        text(
            "SELECT id, granted_ms, body FROM allot WHERE event_id = :e AND perf_id = :p "
            "AND state = 'held' AND firm = 0 ORDER BY granted_ms DESC, id DESC LIMIT :most"
        ),
        values,
    )
    return [
        BlockLine(
            block_id,
            keeping_of(body),
            int(made_ms),
            frozenset(left.get(block_id, ())),
            tuple(sorted(shares.get(block_id, {}).items())),
        )
        for block_id, made_ms, body in rows
    ]


def read_blocked_rights(connection: Connection, event_id: str) -> dict[str, int]:
    """Rights of counter pools that are kept back, of the event's every performance, by pool."""
    rows = connection.execute(
        text(
            "SELECT s.pool_id, sum(s.lent) FROM share s JOIN allot a "
            "ON a.event_id = s.event_id AND a.id = s.allot_id WHERE s.event_id = :e "
            "AND a.state = 'held' AND a.firm = 0 GROUP BY s.pool_id"
        ),
        {"e": event_id},
    )
    return {row[0]: int(row[1]) for row in rows}


def read_pools(connection: Connection, event_id: str) -> list[PoolLine]:
    """The event's counter pools, by id."""
    rows = connection.execute(
        text(
            "SELECT id, capacity, free, lent, spent FROM pool WHERE event_id = :e "
            "ORDER BY id LIMIT :most"
        ),
        {"e": event_id, "most": BLOCKS_SHOWN_MAX},
    )
    return [PoolLine(row[0], int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in rows]
