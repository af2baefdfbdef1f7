"""Performances as rows: for counting, with a version each, and what became of them.

The event's document is what nodes are told. Beside it each performance has a row whose version
counts its changes, so that a change which was made from an older picture is noticed, and a list of
its changes that is only ever added to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.obstacles import Hindrance, Obstacle, obstacle
from sync_server.store.writer import Transaction
from ticketing.event import Event, Performance
from ticketing.performance_document import performance_members

CHANGES_SHOWN_MAX = 50
_TIMES = ("starts_at", "doors_at", "ends_at")


class ChangeKind(StrEnum):
    """What was done to a performance. Stored, never renamed."""

    ADDED = "added"
    MOVED = "moved"
    CANCELLED = "cancelled"
    CHANGED = "changed"  # the hall, or whether it is on sale


@dataclass(frozen=True, slots=True)
class By:
    """Who changes performances, and why. A catalogue file has no name."""

    id: str
    name: str
    reason: str = ""


BY_FILE = By("", "")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a performance. `rev`: of the event's feed, which tells nodes of it."""

    version: int
    kind: ChangeKind
    at_ms: int
    rev: int
    by: By
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Row:
    version: int
    cancelled_ms: int


class RowMoved(Exception):
    """A performance's row was not as it was read in this very transaction. Nothing is kept."""


def as_text(performance: Performance) -> str:
    """A performance as a change keeps it."""
    members = performance_members(performance)
    return json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def version_of(source: Connection | Transaction, event_id: str, number: int) -> int:
    """How often it has been changed, from 1; 0 of one that there is not."""
    connection = source.connection if isinstance(source, Transaction) else source
    found = connection.execute(
        text("SELECT version FROM performance WHERE event_id = :e AND perf_id = :p"),
        {"e": event_id, "p": number},
    ).scalar()
    return int(found or 0)


def event_of(connection: Connection, number: int) -> str | None:
    """The event that a performance belongs to: numbers are unique in the venue."""
    found = connection.execute(
        text("SELECT event_id FROM performance WHERE perf_id = :p"), {"p": number}
    ).scalar()
    return None if found is None else str(found)


def read_changes(connection: Connection, event_id: str, number: int) -> list[Change]:
    """What became of a performance, the newest first; at most CHANGES_SHOWN_MAX."""
    rows = connection.execute(
        text(
            "SELECT version, kind, at_ms, rev, person_id, person_name, reason, before, after "
            "FROM performance_change WHERE event_id = :e AND perf_id = :p "
            "ORDER BY version DESC LIMIT :most"
        ),
        {"e": event_id, "p": number, "most": CHANGES_SHOWN_MAX},
    )
    return [
        Change(
            int(row[0]),
            ChangeKind(row[1]),
            int(row[2]),
            int(row[3]),
            By(row[4], row[5], row[6]),
            json.loads(row[7] or "{}"),
            json.loads(row[8]),
        )
        for row in rows
    ]


def reasons_of_decisions(tx: Transaction, event: Event) -> Iterable[Obstacle]:
    """Why a catalogue file would undo what people have decided in the console."""
    cancelled = tx.rows(
        "SELECT perf_id FROM performance WHERE event_id = :e AND cancelled_ms <> 0 "
        "ORDER BY perf_id",
        e=event.id,
    )
    for (number,) in cancelled:
        performance = event.performance(int(number))
        if performance is not None and not performance.is_cancelled:
            yield obstacle(Hindrance.CANCELLED_IS_FINAL, event=event.id, number=number)
    rows = tx.rows(
        "SELECT perf_id, kind, after FROM performance_change c WHERE event_id = :e "
        "AND person_id <> '' AND version = (SELECT max(version) FROM performance_change m "
        "WHERE m.event_id = c.event_id AND m.perf_id = c.perf_id AND m.kind <> 'changed') "
        "ORDER BY perf_id",
        e=event.id,
    )
    for number, kind, after in rows:
        performance, decided = event.performance(int(number)), json.loads(after)
        facts = {
            "event": event.id,
            "number": number,
            "kind": kind,
            "starts": decided["starts_at"],
            "doors": decided["doors_at"],
            "ends": decided["ends_at"],
        }
        if performance is None:
            yield obstacle(Hindrance.DECIDED_AND_GONE, **facts)
        elif any(performance_members(performance)[key] != decided[key] for key in _TIMES):
            yield obstacle(Hindrance.DECIDED_OTHERWISE, **facts)


def store_performances(
    tx: Transaction,
    event: Event,
    unit_count: int,
    *,
    before: Event | None = None,
    by: By | None = None,
    rev: int = 0,
) -> None:
    """Rows as the document has them; that none with claims is dropped was checked before.

    `before`: the event until now, by which changes are known. `by`: who is noted for them, with
    `rev`, the document's; None notes nothing.
    """
    known = _rows(tx, event.id)
    for number in known.keys() - {performance.number for performance in event.performances}:
        tx.run("DELETE FROM performance WHERE event_id = :e AND perf_id = :p", e=event.id, p=number)
    for performance in event.performances:
        row = known.get(performance.number)
        was = before.performance(performance.number) if before is not None else None
        if row is None:
            version = _add(tx, performance, unit_count)
            if by is not None and by.id:
                _note(tx, performance, ChangeKind.ADDED, version, by, rev)
            continue
        kind = _kind_of(was, performance)
        version = row.version + int(kind is not None)
        _update(tx, performance, unit_count, row, version)
        if by is not None and kind is not None:
            _note(tx, performance, kind, version, by, rev, was)


def _rows(tx: Transaction, event_id: str) -> dict[int, _Row]:
    rows = tx.rows(
        "SELECT perf_id, version, cancelled_ms FROM performance WHERE event_id = :e", e=event_id
    )
    return {int(row[0]): _Row(int(row[1]), int(row[2])) for row in rows}


def _add(tx: Transaction, performance: Performance, unit_count: int) -> int:
    """A row, with a version that no change of this number has had before."""
    row = tx.row(
        "SELECT coalesce(max(version), 0) FROM performance_change WHERE event_id = :e "
        "AND perf_id = :p",
        e=performance.event_id,
        p=performance.number,
    )
    version = int(row[0]) + 1 if row is not None else 1
    tx.run(
        "INSERT INTO performance (event_id, perf_id, unit_count, starts_ms, ends_ms, version, "
        "cancelled_ms) VALUES (:e, :p, :units, :starts, :ends, :version, :cancelled)",
        **_values(performance, unit_count),
        version=version,
        cancelled=tx.now_ms if performance.is_cancelled else 0,
    )
    return version


def _update(
    tx: Transaction, performance: Performance, unit_count: int, row: _Row, version: int
) -> None:
    """In place of the very version that was read; what is cancelled stays so, whatever was read."""
    cancelled = (row.cancelled_ms or tx.now_ms) if performance.is_cancelled else 0
    done = tx.run(
        "UPDATE performance SET unit_count = :units, starts_ms = :starts, ends_ms = :ends, "
        "version = :version, cancelled_ms = :cancelled WHERE event_id = :e AND perf_id = :p "
        "AND version = :was AND (cancelled_ms = 0 OR cancelled_ms = :cancelled)",
        **_values(performance, unit_count),
        version=version,
        cancelled=cancelled,
        was=row.version,
    )
    if done != 1:
        raise RowMoved(f"performance {performance.number} was changed, or is cancelled")


def _values(performance: Performance, unit_count: int) -> dict[str, object]:
    return {
        "e": performance.event_id,
        "p": performance.number,
        "units": unit_count,
        "starts": _unix_ms(performance.starts_at),
        "ends": _unix_ms(performance.ends_at),
    }


def _kind_of(was: Performance | None, performance: Performance) -> ChangeKind | None:
    if was is None or was == performance:
        return None
    if performance.is_cancelled and not was.is_cancelled:
        return ChangeKind.CANCELLED
    return ChangeKind.CHANGED if times_of(was) == times_of(performance) else ChangeKind.MOVED


def times_of(performance: Performance) -> tuple[datetime, datetime, datetime]:
    """Doors, start and end."""
    return performance.doors_at, performance.starts_at, performance.ends_at


def _note(
    tx: Transaction,
    performance: Performance,
    kind: ChangeKind,
    version: int,
    by: By,
    rev: int,
    was: Performance | None = None,
) -> None:
    tx.run(
        "INSERT INTO performance_change (event_id, perf_id, version, kind, at_ms, rev, person_id, "
        "person_name, reason, before, after) VALUES (:e, :p, :version, :kind, :at, :rev, :id, "
        ":name, :reason, :before, :after)",
        e=performance.event_id,
        p=performance.number,
        version=version,
        kind=kind.value,
        at=tx.now_ms,
        rev=rev,
        id=by.id,
        name=by.name,
        reason=by.reason,
        before=as_text(was) if was is not None else "",
        after=as_text(performance),
    )


def _unix_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
