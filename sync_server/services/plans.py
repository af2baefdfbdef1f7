"""Saving a seating plan: as the next version, and in the documents of the events that use it.

What takes long is worked out on a reader's thread (`weigh`); the writer then looks whether all is
as it was and writes (`save_plan`). No place that is lent, sold or blocked may be gone or become
another one, and every place of an event needs a price tier: else nothing is saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.services.catalogue import load_plan, lock_streams, put_event
from sync_server.services.performance_rows import By
from sync_server.services.plan_store import (
    Draft,
    PlanLine,
    drop_draft,
    has_draft,
    keep_plan,
    newest_line,
    plan_digest,
)
from sync_server.store.writer import Transaction
from ticketing.catalogue import CatalogueError, event_document, parse_event_document
from ticketing.event import Event, TierSpan, Venue
from ticketing.faults import Problem
from ticketing.seating import SeatingPlan
from ticketing.seating_document import plan_document
from ticketing.text import Text

UNITS_SHOWN_MAX = 3


class Against(StrEnum):
    """Why a plan is not saved. A code; the console has its sentences."""

    CHANGED = "changed"  # another version was saved, or an event changed, since it was uploaded
    LANGUAGES = "languages"  # its names are in other languages than the house's
    UNTIERED = "untiered"  # places of it have no price tier in an event that uses it
    GONE = "gone"  # places that are lent, sold or blocked are not in it
    MOVED = "moved"  # their numbers stand for other places in it
    NOT_VALID = "not_valid"  # an event would not be one any more, see `problem`


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `units`: the first of `count` places, as `plan` (the event's, or the new) has
    them; `words`: of the catalogue's own check, in English.
    """

    against: Against
    event_name: Text | None = None
    count: int = 0
    units: tuple[int, ...] = ()
    plan: SeatingPlan | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class EventChange:
    """An event that uses the plan, as it would be with the new one."""

    venue: Venue
    before: SeatingPlan
    event: Event


@dataclass(frozen=True, slots=True)
class Weighed:
    """What saving a plan would do, and what is against it."""

    venue_id: str
    changes: tuple[EventChange, ...]
    reasons: tuple[Reason, ...]
    revisions: Mapping[str, int]
    """Of every event that there was."""


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """It is saved."""

    version: int
    event_count: int


def weigh(connection: Connection, venue: Venue, draft: Draft) -> Weighed:
    """What saving the draft would do. Reads and parses the events that use the plan."""
    reasons: list[Reason] = []
    if {language for language, _ in draft.plan.name.names} != set(venue.languages):
        reasons.append(Reason(Against.LANGUAGES))
    changes, revisions = [], _event_revisions(connection)
    for event_id in revisions:
        loaded = load_plan(connection, event_id)
        if loaded is None or loaded[1].id != draft.plan.id:
            continue
        own_venue, before, event = loaded
        changed, own_reasons = _with_plan(own_venue, before, event, draft.plan)
        taken = _taken(connection, event_id)
        own_reasons += _reasons_of_places(event.name, before, draft.plan, taken)
        reasons += own_reasons
        changes.append(EventChange(own_venue, before, changed))
    return Weighed(venue.id, tuple(changes), tuple(reasons), revisions)


def save_plan(
    tx: Transaction, draft: Draft, weighed: Weighed, actor: Actor, person_name: str
) -> SavedPlan | tuple[Reason, ...]:
    """Save it as it was weighed; reasons, and nothing is changed, when anything is against it."""
    _lock(tx, weighed)
    plan, before = draft.plan, newest_line(tx.connection, draft.plan.id)
    is_newest = (before.version if before else 0) == draft.base_version
    is_same = _event_revisions(tx.connection) == weighed.revisions
    if not is_newest or not is_same or not has_draft(tx, draft.person_id, draft.id):
        return (Reason(Against.CHANGED),)
    reasons = [
        each for each in weighed.reasons if each.against not in (Against.GONE, Against.MOVED)
    ]
    for change in weighed.changes:  # sales went on meanwhile
        taken = _taken(tx.connection, change.event.id)
        reasons += _reasons_of_places(change.event.name, change.before, plan, taken)
    if reasons:
        return tuple(reasons)
    version = keep_plan(
        tx,
        plan,
        draft.source,
        person_id=draft.person_id,
        person_name=person_name,
        categories=draft.categories,
    )
    by = By(draft.person_id, person_name)
    changed = [change.event.id for change in weighed.changes if _put_event(tx, change, plan, by)]
    drop_draft(tx, draft.person_id)
    note(
        tx,
        Deed.PLAN_SAVED,
        f"plan:{plan.id}",
        actor,
        before=_told_before(before),
        after={
            "version": version,
            "places": plan.unit_count,
            "digest": plan_digest(plan_document(plan)),
            "source": draft.source.value,
            "events": changed,
        },
    )
    return SavedPlan(version, len(changed))


def _lock(tx: Transaction, weighed: Weighed) -> None:
    """Whoever changes plans or one of these events waits for us, or we for them."""
    lock_streams(tx, [weighed.venue_id, *sorted(change.event.id for change in weighed.changes)])


def _put_event(tx: Transaction, change: EventChange, plan: SeatingPlan, by: By) -> bool:
    document = event_document(change.venue, plan, change.event)
    return bool(put_event(tx, change.venue.id, change.event, document, plan.unit_count, by))


def _told_before(before: PlanLine | None) -> Mapping[str, object] | None:
    if before is None:
        return None
    return {"version": before.version, "places": before.unit_count, "digest": before.digest}


def _event_revisions(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        text("SELECT event_id, rev FROM doc WHERE kind = 'event' AND id = event_id ORDER BY 1")
    )
    return {str(row[0]): int(row[1]) for row in rows}


def _with_plan(
    venue: Venue, before: SeatingPlan, event: Event, plan: SeatingPlan
) -> tuple[Event, list[Reason]]:
    """The event with its price tiers on the new plan; places that are gone leave theirs."""
    tiers = {
        unit: span.tier_id
        for span in event.tier_spans
        for unit in range(span.first_unit, span.last_unit + 1)
        if plan.has_unit(unit)
    }
    untiered = [unit for area in plan.areas for unit in area.units if unit not in tiers]
    if untiered:
        shown = tuple(untiered[:UNITS_SHOWN_MAX])
        return event, [Reason(Against.UNTIERED, event.name, len(untiered), shown, plan)]
    changed = replace(event, tier_spans=_spans(tiers))
    if plan == before:
        return changed, []
    try:
        parse_event_document(event_document(venue, plan, changed), source=event.id)
    except CatalogueError as error:
        return event, [
            Reason(Against.NOT_VALID, event.name, error.problem_count, problem=error.problems[0])
        ]
    return changed, []


def _spans(tiers: Mapping[int, str]) -> tuple[TierSpan, ...]:
    spans: list[TierSpan] = []
    for unit in sorted(tiers):
        last = spans[-1] if spans else None
        if last and last.last_unit == unit - 1 and last.tier_id == tiers[unit]:
            spans[-1] = TierSpan(last.first_unit, unit, last.tier_id)
        else:
            spans.append(TierSpan(unit, unit, tiers[unit]))
    return tuple(spans)


def _taken(connection: Connection, event_id: str) -> list[int]:
    """The units of an event that are not free at some performance."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT unit FROM claim WHERE event_id = :e AND kind <> 'free' ORDER BY unit"
        ),
        {"e": event_id},
    )
    return [int(row[0]) for row in rows]


def _reasons_of_places(
    event_name: Text, before: SeatingPlan, plan: SeatingPlan, taken: Sequence[int]
) -> Iterable[Reason]:
    gone = tuple(unit for unit in taken if not plan.has_unit(unit))
    if gone:
        yield Reason(Against.GONE, event_name, len(gone), gone[:UNITS_SHOWN_MAX], before)
    moved = tuple(
        unit for unit in taken if plan.has_unit(unit) and _place(before, unit) != _place(plan, unit)
    )
    if moved:
        yield Reason(Against.MOVED, event_name, len(moved), moved[:UNITS_SHOWN_MAX], before)


def _place(plan: SeatingPlan, unit: int) -> tuple[str, str, str] | None:
    """What a ticket says of its place: area, row and seat; a standing place is its area's."""
    if not plan.has_unit(unit):
        return None
    seat = plan.seat_by_unit(unit)
    return (plan.area_of(unit).id, seat.row if seat else "", seat.label if seat else "")
