"""A new event in the console: the places, prices and rules of another one, at times of its own.

What the other event says of single performances stays behind: an exceptional price, a rate or an
entry rule that names them means nothing here. A package loses no part: it is left out whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed
from sync_server.services.catalogue import (
    Plan,
    document_rev,
    load_plan,
    lock_streams,
    make_stream,
    put_event,
    reasons_against_event,
)
from sync_server.services.event_changes import note_event
from sync_server.services.event_differences import Differences, differences_of
from sync_server.services.performance_changes import NotChanged, Refused
from sync_server.services.performance_copies import COPIES_MAX, last_number
from sync_server.services.performance_rows import By
from sync_server.store.writer import Transaction
from ticketing.catalogue import CatalogueError, event_document, parse_event_document
from ticketing.performance_document import PERFORMANCE_NUMBER_MAX

_LISTED = "performances"
_RULES = ("rates", "packages", "house_tickets")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants: an id, names by language, and when it is shown."""

    event_id: str
    names: Mapping[str, str]
    starts: Sequence[datetime]
    doors_minutes: int
    runs_minutes: int
    on_sale: bool


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is ready to be stored, and what it was made from."""

    event_id: str
    source: str
    source_rev: int
    numbers: tuple[int, ...]
    document: dict[str, Any]
    loaded: Plan
    differences: Differences


def prepare_new(
    connection: Connection, source: str, wish: Wish, now: datetime
) -> NewEvent | Refused:
    """An event with the places, prices and rules of `source`."""
    loaded = load_plan(connection, source)
    if loaded is None:
        return Refused(NotChanged.UNKNOWN)
    if not 1 <= len(wish.starts) <= COPIES_MAX:
        return Refused(NotChanged.SAME)
    if min(wish.starts) <= now:
        return Refused(NotChanged.PAST)
    if _is_taken(connection, wish.event_id):
        return Refused(NotChanged.TAKEN)
    first = last_number(connection) + 1
    numbers = tuple(range(first, first + len(wish.starts)))
    if numbers[-1] > PERFORMANCE_NUMBER_MAX:
        return Refused(NotChanged.REFUSED)
    document = event_document(*loaded)
    _make_its_own(document["event"], wish, numbers, loaded)
    try:
        again = parse_event_document(document, source=f"event {wish.event_id}")
    except CatalogueError as error:
        return Refused(NotChanged.REFUSED, error.problems)
    written = event_document(*again)
    rev = document_rev(connection, source)
    found = differences_of({}, written["event"])
    return NewEvent(wish.event_id, source, rev, numbers, written, again, found)


def store_new(
    tx: Transaction, venue_id: str, new: NewEvent, by: By, actor: Actor
) -> Refused | None:
    """Store it, made of the very document that it was prepared from; None when that is done."""
    lock_streams(tx, [venue_id, new.source])
    if _is_taken(tx.connection, new.event_id):
        return Refused(NotChanged.TAKEN)
    is_as_read = document_rev(tx, new.source) == new.source_rev
    if not is_as_read or last_number(tx.connection) + 1 != new.numbers[0]:
        return Refused(NotChanged.MEANWHILE)
    _venue, plan, event = new.loaded
    rules = tuple(reasons_against_event(tx, event, plan))
    if rules:
        return Refused(NotChanged.REFUSED, rules)
    make_stream(tx, new.event_id, "event")
    put_event(tx, venue_id, event, new.document, plan.unit_count, by)
    note_event(tx, new.event_id, new.differences, actor, Deed.EVENT_ADDED)
    return None


def _is_taken(connection: Connection, event_id: str) -> bool:
    """Whether a stream has or had this id: the house's, an event's."""
    found = connection.execute(
        text("SELECT 1 FROM stream WHERE event_id = :e"), {"e": event_id}
    ).first()
    return found is not None


def _make_its_own(event: dict[str, Any], wish: Wish, numbers: Sequence[int], loaded: Plan) -> None:
    hall = loaded[2].performances[0].hall.to_json()
    event["id"], event["name"] = wish.event_id, dict(wish.names)
    event["price_list"] |= {"version": 1, "exceptions": []}
    rules = event.get("price_rules", {})
    for part in _RULES:
        if part in rules:
            rules[part] = [each for each in rules[part] if not _names_performances(each)]
    entries = event.get("entry_rules", {})
    if "rules" in entries:
        entries["rules"] = [each for each in entries["rules"] if _LISTED not in each]
    event[_LISTED] = [
        {
            "number": number,
            "hall": hall,
            "starts_at": _instant(start),
            "doors_at": _instant(start - timedelta(minutes=wish.doors_minutes)),
            "ends_at": _instant(start + timedelta(minutes=wish.runs_minutes)),
            "on_sale": wish.on_sale,
        }
        for number, start in zip(numbers, sorted(wish.starts), strict=True)
    ]


def _names_performances(rule: dict[str, Any]) -> bool:
    return _LISTED in rule or any(_LISTED in each for each in rule.get("tickets", ()))


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:00Z")
