"""Changing what is sold and at what prices: the event's document, changed by people in the console.

The document is changed and read again beside the writer, by the rules that a catalogue file is read
by (`prepare_event`). Then the writer stores it in place of the very version that the person saw
(`store_event`), and the feed tells tills and gates. Tickets that were sold keep their price: it
stands in their sale, and nothing here touches it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
from sync_server.services.event_differences import Differences, differences_of
from sync_server.services.performance_changes import NotChanged, Refused
from sync_server.services.performance_rows import By
from sync_server.store.writer import Transaction
from ticketing.catalogue import CatalogueError, event_document, parse_event_document

Change = Callable[[dict[str, Any]], None]
_PRICED = ("price_list", "price_rules")


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """A new version of an event that is ready to be stored, and what it was made from."""

    event_id: str
    document_rev: int
    document: dict[str, Any]
    loaded: Plan
    differences: Differences


def prepare_event(connection: Connection, event_id: str, change: Change) -> PreparedEvent | Refused:
    """The event as `change` makes it of its document's `event` part."""
    loaded = load_plan(connection, event_id)
    if loaded is None:
        return Refused(NotChanged.UNKNOWN)
    rev = document_rev(connection, event_id)
    before, document = event_document(*loaded), event_document(*loaded)
    change(document["event"])
    _count_version(before["event"], document["event"])
    try:
        again = parse_event_document(document, source=f"event {event_id}")
    except CatalogueError as error:
        return Refused(NotChanged.REFUSED, error.problems)
    written = event_document(*again)
    found = differences_of(before["event"], written["event"])
    if not found.count:
        return Refused(NotChanged.SAME)
    return PreparedEvent(event_id, rev, written, again, found)


def store_event(
    tx: Transaction, venue_id: str, prepared: PreparedEvent, seen: int, by: By, actor: Actor
) -> Refused | None:
    """Store it, in place of the very document that was seen; None when that is done."""
    lock_streams(tx, [prepared.event_id])
    if not document_rev(tx, prepared.event_id) == prepared.document_rev == seen:
        return Refused(NotChanged.MEANWHILE)
    _venue, plan, event = prepared.loaded
    rules = tuple(reasons_against_event(tx, event, plan))
    if rules:
        return Refused(NotChanged.REFUSED, rules)
    put_event(tx, venue_id, event, prepared.document, plan.unit_count, by)
    note_event(tx, prepared.event_id, prepared.differences, actor)
    return None


def note_event(
    tx: Transaction,
    event_id: str,
    found: Differences,
    actor: Actor,
    deed: Deed = Deed.EVENT_CHANGED,
) -> None:
    """Put into the audit what became another one, with both values."""
    note(
        tx,
        deed,
        f"event:{event_id}",
        actor,
        before=found.before,
        after={**found.after, "count": found.count},
    )


def has_sold(connection: Connection, event_id: str) -> bool:
    """Whether a ticket of it was ever sold: its rules may then be ended, but not taken away."""
    found = connection.execute(
        text("SELECT 1 FROM ticket WHERE event_id = :e LIMIT 1"), {"e": event_id}
    ).first()
    return found is not None


def _count_version(before: dict[str, Any], event: dict[str, Any]) -> None:
    """A till says by which version of the list it sold: every change of a price is a new one."""
    if any(before.get(part) != event.get(part) for part in _PRICED):
        event["price_list"]["version"] = before["price_list"]["version"] + 1
