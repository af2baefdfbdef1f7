"""Whom a change of a performance concerns, ready to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from program.i18n import format_count, translations
from sync_server.console.moments import moment
from sync_server.console.overview import Snapshot
from sync_server.console.performance_paths import performance_page
from sync_server.console.performance_view import when_of
from sync_server.console.performance_words import change_name
from sync_server.services.performance_changes import Times
from sync_server.services.performance_reach import ToldNode
from sync_server.services.performance_rows import Change, times_of
from sync_server.services.permissions import NodeRole
from ticketing.event import Event, Performance
from ticketing.performance_document import read_instant

NEAR_MS = 60_000
"""Whoever was in contact so recently hears of a change at once."""


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A machine that is told, ready to show. `is_waited_for`: it has not heard, or hears late."""

    name: str
    last_contact: str
    is_waited_for: bool
    unsynced: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change, ready to show."""

    what: str
    who: str
    when: str
    reason: str
    times: str


def told_rows(
    nodes: Sequence[ToldNode], role: NodeRole, snapshot: Snapshot, language: str, *, heard: bool
) -> list[ToldRow]:
    """The machines of a role, those that hear last first; by whether they have heard, or will hear
    at once.
    """
    now_ms = round(snapshot.at.timestamp() * 1000)
    gettext, zone = translations(language).gettext, snapshot.venue.zone
    rows = [
        ToldRow(
            each.name,
            moment(each.last_seen_ms, language, zone) if each.last_seen_ms else gettext("never"),
            not each.has_heard if heard else now_ms - each.last_seen_ms > NEAR_MS,
            format_count(each.unsynced_count, language) if each.unsynced_count else "",
        )
        for each in nodes
        if each.role is role
    ]
    return sorted(rows, key=lambda row: not row.is_waited_for)


def change_rows(changes: Sequence[Change], snapshot: Snapshot, language: str) -> list[ChangeRow]:
    """What became of a performance, the newest first."""
    gettext = translations(language).gettext
    return [
        ChangeRow(
            change_name(each.kind, language),
            each.by.name or gettext("by a catalogue file"),
            moment(each.at_ms, language, snapshot.venue.zone),
            each.by.reason,
            _times(each, snapshot, language),
        )
        for each in changes
    ]


def _times(change: Change, snapshot: Snapshot, language: str) -> str:
    """`Sat 28 Nov 19:30 → Sun 29 Nov 19:30`, where the start is another one."""
    before, after = change.before.get("starts_at", ""), change.after["starts_at"]
    shown = [
        when_of(at, snapshot, language)
        for at in (read_instant(before), read_instant(after))
        if at is not None
    ]
    return " → ".join(shown) if before != after else ""


def in_the_way(
    event: Event,
    performance: Performance,
    times: Times,
    snapshot: Snapshot,
    language: str,
    *,
    is_itself: bool = False,
) -> list[tuple[str, str]]:
    """Performances in the same hall whose time overlaps: their pages, and what they are.

    `is_itself`: the performance may be in the way, too; that of a move is not.
    """
    found = []
    for other_event in snapshot.events.values():
        if other_event.plan_id != event.plan_id:
            continue
        for other in other_event.performances:
            is_same = other.number == performance.number and not is_itself
            if is_same or other.is_cancelled:
                continue
            overlaps = other.doors_at < times.ends_at and times.doors_at < other.ends_at
            if overlaps and other.hall == performance.hall:
                name = other_event.name.in_language(language)
                when = when_of(other.starts_at, snapshot, language)
                found.append((performance_page(other.number), f"{name}, {when}"))
    return found


def time_rows(
    before: Performance, after: Times, snapshot: Snapshot, language: str
) -> list[tuple[str, str, str]]:
    """Doors, start and end: how they are, and how they would be."""
    gettext = translations(language).gettext
    labels = (gettext("Doors"), gettext("Start"), gettext("End"))
    new: tuple[datetime, ...] = (after.doors_at, after.starts_at, after.ends_at)
    return [
        (label, when_of(old, snapshot, language), when_of(at, snapshot, language))
        for label, old, at in zip(labels, times_of(before), new, strict=True)
    ]
