"""Copying a performance to other times: the same hall, prices, rules and minutes.

Each copy gets a number that none has ever had. What the catalogue says of the first one alone (an
exceptional price, a rate or entry rule that names it) holds for its copies, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.services.catalogue import (
    Plan,
    document_rev,
    load_plan,
    lock_streams,
    put_event,
    reasons_against_event,
)
from sync_server.services.performance_changes import NotChanged, Refused
from sync_server.services.performance_rows import By
from sync_server.store.writer import Transaction
from ticketing.catalogue import CatalogueError, event_document, parse_event_document
from ticketing.event import Performance
from ticketing.performance_document import PERFORMANCE_NUMBER_MAX

COPIES_MAX = 100
_LISTED = "performances"


@dataclass(frozen=True, slots=True)
class Copies:
    """New performances that are ready to be stored, and the document they were made from."""

    event_id: str
    source: int
    numbers: tuple[int, ...]
    document_rev: int
    document: dict[str, Any]
    loaded: Plan


def prepare_copies(
    connection: Connection, event_id: str, number: int, starts: Sequence[datetime], now: datetime
) -> Copies | Refused:
    """Copies of a performance that begin at these instants, aware UTC."""
    loaded = load_plan(connection, event_id)
    source = loaded[2].performance(number) if loaded is not None else None
    if loaded is None or source is None:
        return Refused(NotChanged.UNKNOWN)
    if not starts or len(starts) > COPIES_MAX:
        return Refused(NotChanged.SAME)
    if min(starts) <= now:
        return Refused(NotChanged.PAST)
    taken = {
        (each.starts_at, each.hall) for each in loaded[2].performances if not each.is_cancelled
    }
    if any((start, source.hall) in taken for start in starts):
        return Refused(NotChanged.THERE)
    first = last_number(connection) + 1
    numbers = tuple(range(first, first + len(starts)))
    if numbers[-1] > PERFORMANCE_NUMBER_MAX:
        return Refused(NotChanged.REFUSED)
    document = event_document(*loaded)
    _add_copies(document["event"], source, dict(zip(numbers, sorted(starts), strict=True)))
    try:
        again = parse_event_document(document, source=f"event {event_id}")
    except CatalogueError as error:
        return Refused(NotChanged.REFUSED, error.problems)
    rev = document_rev(connection, event_id)
    return Copies(event_id, number, numbers, rev, event_document(*again), again)


def store_copies(
    tx: Transaction, venue_id: str, copies: Copies, seen: int, by: By, actor: Actor
) -> Refused | None:
    """Store them, in place of the very document that was seen; None when that is done."""
    lock_streams(tx, [venue_id, copies.event_id])
    is_as_read = document_rev(tx, copies.event_id) == copies.document_rev == seen
    if not is_as_read or last_number(tx.connection) + 1 != copies.numbers[0]:
        return Refused(NotChanged.MEANWHILE)
    _venue, plan, event = copies.loaded
    rules = tuple(reasons_against_event(tx, event, plan))
    if rules:
        return Refused(NotChanged.REFUSED, rules)
    put_event(tx, venue_id, event, copies.document, plan.unit_count, by)
    note(
        tx,
        Deed.PERFORMANCES_COPIED,
        f"performance:{copies.event_id}:{copies.source}",
        actor,
        after={"numbers": list(copies.numbers)},
        reason=by.reason,
    )
    return None


def last_number(connection: Connection) -> int:
    """The highest number that any performance of the house has had."""
    found = connection.execute(
        text(
            "SELECT max(n) FROM (SELECT max(perf_id) AS n FROM performance "
            "UNION ALL SELECT max(perf_id) FROM performance_change "
            "UNION ALL SELECT max(perf_id) FROM claim) AS x"
        )
    ).scalar()
    return int(found or 0)


def _add_copies(event: dict[str, Any], source: Performance, starts: dict[int, datetime]) -> None:
    members = next(each for each in event[_LISTED] if each["number"] == source.number)
    for number, start in starts.items():
        shift = start - source.starts_at
        times = {
            "doors_at": source.doors_at + shift,
            "starts_at": start,
            "ends_at": source.ends_at + shift,
        }
        written = {name: at.strftime("%Y-%m-%dT%H:%M:00Z") for name, at in times.items()}
        kept = {name: value for name, value in members.items() if name != "cancelled"}
        on_sale = members["on_sale"] or source.is_cancelled
        event[_LISTED].append({**kept, **written, "number": number, "on_sale": on_sale})
    named = [
        _name_copies(event[part], source.number, list(starts))
        for part in ("price_list", "price_rules", "entry_rules")
        if part in event
    ]
    if any(named):
        event["price_list"]["version"] += 1


def _name_copies(part: Any, source: int, copies: list[int]) -> bool:
    """Wherever the first one is named, name its copies; whether it was."""
    if isinstance(part, list):
        return sum(_name_copies(each, source, copies) for each in part) > 0  # all of them
    if not isinstance(part, dict):
        return False
    found = False
    for name, value in part.items():
        if name == _LISTED and isinstance(value, list) and source in value:
            value.extend(copies)
            found = True
        else:
            found = _name_copies(value, source, copies) or found
    return found
