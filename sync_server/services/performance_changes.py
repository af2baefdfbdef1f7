"""Moving, cancelling and copying performances: the same catalogue, changed by people.

The new document is made and read again, as that of a file is, beside the writer (`prepare_...`):
that takes tenths of a second in a large house. Then the writer stores it (`store_change`), in place
of the very document and of the very version that it was made from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from sync_server.heart.source import run_in
from sync_server.heart.stopping import StopSelling
from sync_server.services.audit import Actor, Deed, note
from sync_server.services.catalogue import (
    PlanShelf,
    document_rev,
    load_plan,
    lock_streams,
    put_event,
    reasons_against_event,
)
from sync_server.services.obstacles import Obstacle
from sync_server.services.performance_rows import By, version_of
from sync_server.store.writer import Transaction
from ticketing.catalogue import CatalogueError, event_document, parse_event_document
from ticketing.event import Event, Performance
from ticketing.faults import Problem
from ticketing.performance_document import performance_members
from ticketing.seating import SeatingPlan


class NotChanged(StrEnum):
    """Why an event or a performance of it was not changed."""

    UNKNOWN = "unknown"  # there is no such performance
    MEANWHILE = "meanwhile"  # somebody changed it since the page was shown
    CANCELLED = "cancelled"  # it is cancelled, which is final
    OVER = "over"  # it is over
    PAST = "past"  # it would begin in the past
    THERE = "there"  # there is one at that time already
    TAKEN = "taken"  # the id is another event's, or the house's
    SAME = "same"  # nothing would change
    SOLD = "sold"  # tickets of the event are out, which say by it what they cost
    REFUSED = "refused"  # the catalogue's own rules


@dataclass(frozen=True, slots=True)
class Times:
    """When doors open, when it begins, when it ends; aware UTC, whole minutes."""

    doors_at: datetime
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """Which performance, and its version as the person saw it."""

    event_id: str
    number: int
    seen: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that is ready to be stored, and what it was made from."""

    target: Target
    document_rev: int
    document: dict[str, Any]
    plan: SeatingPlan
    event: Event
    before: Performance
    after: Performance


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed. `rules`: what the catalogue's own rules and what was sold say."""

    why: NotChanged
    rules: tuple[Problem | Obstacle, ...] = ()


def prepare_move(
    connection: Connection, target: Target, times: Times, now: datetime
) -> Prepared | Refused:
    """Another time for a performance. Its tickets are valid for the new one."""

    def refusal(found: Performance) -> NotChanged | None:
        if found.ends_at <= now:
            return NotChanged.OVER
        if times.starts_at <= now:
            return NotChanged.PAST
        same = (found.doors_at, found.starts_at, found.ends_at)
        return NotChanged.SAME if same == (times.doors_at, times.starts_at, times.ends_at) else None

    def move(members: dict[str, Any]) -> None:
        written = {
            name: at.strftime("%Y-%m-%dT%H:%M:00Z")
            for name, at in (
                ("doors_at", times.doors_at),
                ("starts_at", times.starts_at),
                ("ends_at", times.ends_at),
            )
        }
        members.update(written)

    return _prepare(connection, target, refusal, move)


def prepare_cancel(connection: Connection, target: Target) -> Prepared | Refused:
    """It does not take place: for ever, and also when its time is over already."""

    def cancel(members: dict[str, Any]) -> None:
        members.update({"cancelled": True, "on_sale": False})

    return _prepare(connection, target, lambda _found: None, cancel)


def store_cancel(
    tx: Transaction, venue_id: str, prepared: Prepared, by: By, actor: Actor
) -> Refused | None:
    """Store it, and stop what would lead to further sales; None when that is done."""
    refused = store_change(tx, venue_id, prepared, by, Deed.PERFORMANCE_CANCELLED, actor)
    if refused is None:
        target = prepared.target
        run_in(tx, StopSelling(target.event_id, target.number), PlanShelf())
    return refused


def store_change(
    tx: Transaction, venue_id: str, prepared: Prepared, by: By, deed: Deed, actor: Actor
) -> Refused | None:
    """Store what was prepared, and note the deed; None when that is done."""
    target = prepared.target
    lock_streams(tx, [target.event_id])
    is_as_read = document_rev(tx, target.event_id) == prepared.document_rev
    if not is_as_read or version_of(tx, target.event_id, target.number) != target.seen:
        return Refused(NotChanged.MEANWHILE)
    rules = tuple(reasons_against_event(tx, prepared.event, prepared.plan))
    if rules:
        return Refused(NotChanged.REFUSED, rules)
    put_event(tx, venue_id, prepared.event, prepared.document, prepared.plan.unit_count, by)
    note(
        tx,
        deed,
        f"performance:{target.event_id}:{target.number}",
        actor,
        before=performance_members(prepared.before),
        after=performance_members(prepared.after),
        reason=by.reason,
    )
    return None


def _prepare(
    connection: Connection,
    target: Target,
    refusal: Callable[[Performance], NotChanged | None],
    change: Callable[[dict[str, Any]], None],
) -> Prepared | Refused:
    loaded = load_plan(connection, target.event_id)
    before = loaded[2].performance(target.number) if loaded is not None else None
    if loaded is None or before is None:
        return Refused(NotChanged.UNKNOWN)
    why = _refused(connection, target, before) or refusal(before)
    if why is not None:
        return Refused(why)
    document = event_document(*loaded)
    members = document["event"]["performances"]
    change(next(each for each in members if each["number"] == target.number))
    return _read_again(connection, target, document, before)


def _refused(connection: Connection, target: Target, found: Performance) -> NotChanged | None:
    if version_of(connection, target.event_id, target.number) != target.seen:
        return NotChanged.MEANWHILE
    return NotChanged.CANCELLED if found.is_cancelled else None


def _read_again(
    connection: Connection, target: Target, document: dict[str, Any], before: Performance
) -> Prepared | Refused:
    """The document as a node would read it: what the rules of catalogues refuse is refused here."""
    try:
        venue, plan, event = parse_event_document(document, source=f"event {target.event_id}")
    except CatalogueError as error:
        return Refused(NotChanged.REFUSED, error.problems)
    after = event.performance(target.number)
    assert after is not None, "it was there before"
    rev = document_rev(connection, target.event_id)
    written = event_document(venue, plan, event)
    return Prepared(target, rev, written, plan, event, before, after)
