"""Events and their performances as the console shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from program.i18n import format_count, format_datetime, format_time, translations
from sync_server.console.overview import Snapshot
from sync_server.console.performance_paths import (
    event_page,
    lending_page,
    lent_page,
    performance_page,
)
from sync_server.services.accounts import EntryAccount, UnitAccount
from ticketing.event import Performance


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class Standing(StrEnum):
    """What may be said of a performance at a moment."""

    CANCELLED = "cancelled"
    ON_SALE = "on_sale"
    NOT_ON_SALE = "not_on_sale"
    OVER = "over"


STANDINGS = {
    Standing.CANCELLED: N_("cancelled"),
    Standing.ON_SALE: N_("on sale"),
    Standing.NOT_ON_SALE: N_("not on sale"),
    Standing.OVER: N_("over"),
}
_ICONS = {
    Standing.CANCELLED: "ban",
    Standing.ON_SALE: "check",
    Standing.NOT_ON_SALE: "circle-pause",
    Standing.OVER: "clock",
}
_TONES = {Standing.ON_SALE: "ok", Standing.CANCELLED: "warn"}


@dataclass(frozen=True, slots=True)
class PerformanceLine:
    """A performance of a list, ready to show."""

    path: str
    number: int
    when: str
    hall: str
    doors: str
    ends: str
    standing: str
    icon: str
    tone: str
    sold: str
    free: str
    lent: str
    blocked: str
    capacity: str
    let_in: str


@dataclass(frozen=True, slots=True)
class EventLines:
    """An event with those of its performances that are shown."""

    name: str
    path: str
    lines: tuple[PerformanceLine, ...]
    over_count: int
    lending_path: str
    lent_path: str


def standing_of(performance: Performance, now: datetime) -> Standing:
    """Whether it is sold, or why not."""
    if performance.is_cancelled:
        return Standing.CANCELLED
    if performance.ends_at <= now:
        return Standing.OVER
    return Standing.ON_SALE if performance.on_sale else Standing.NOT_ON_SALE


def event_lines(snapshot: Snapshot, language: str, *, with_over: bool) -> tuple[EventLines, ...]:
    """All events by name, each with its performances by time; those that are over when asked."""
    units = {(each.event_id, each.performance): each for each in snapshot.books.units}
    entries = {(each.event_id, each.performance): each for each in snapshot.books.entries}
    found = []
    for event in snapshot.events.values():
        coming = [each for each in event.performances if each.ends_at > snapshot.at]
        over_count = len(event.performances) - len(coming)
        shown: Iterable[Performance] = event.performances if with_over else coming
        lines = tuple(
            performance_line(
                each,
                units.get((event.id, each.number)),
                entries.get((event.id, each.number)),
                snapshot,
                language,
            )
            for each in shown
        )
        name = event.name.in_language(language)
        found.append(
            EventLines(
                name,
                event_page(event.id),
                lines,
                over_count,
                lending_page(event.id),
                lent_page(event.id),
            )
        )
    return tuple(sorted(found, key=lambda each: each.name))


def performance_line(
    performance: Performance,
    units: UnitAccount | None,
    entries: EntryAccount | None,
    snapshot: Snapshot,
    language: str,
) -> PerformanceLine:
    """One performance, with its places and entries as far as they are counted."""
    zone = snapshot.venue.zone
    standing = standing_of(performance, snapshot.at)

    def n(count: int) -> str:
        return format_count(count, language)

    return PerformanceLine(
        path=performance_page(performance.number),
        number=performance.number,
        when=when_of(performance.starts_at, snapshot, language),
        hall=performance.hall.in_language(language),
        doors=format_time(performance.doors_at, language, zone=zone),
        ends=_end_of(performance, snapshot, language),
        standing=translations(language).gettext(STANDINGS[standing]),
        icon=_ICONS[standing],
        tone=_TONES.get(standing, ""),
        sold=n(units.sold if units else 0),
        free=n(units.free if units else 0),
        lent=n(units.lent if units else 0),
        blocked=n(units.blocked if units else 0),
        capacity=n(units.capacity if units else 0),
        let_in=n(entries.entries if entries else 0),
    )


def when_of(at: datetime, snapshot: Snapshot, language: str) -> str:
    """A time in the venue's zone; with its year when that is not this one."""
    zone = snapshot.venue.zone
    is_this_year = at.astimezone(zone).year == snapshot.at.astimezone(zone).year
    return format_datetime(at, language, zone=zone, year=not is_this_year)


def _end_of(performance: Performance, snapshot: Snapshot, language: str) -> str:
    """The time of its end, with the day when that is another one."""
    zone, venue = snapshot.venue.zone, snapshot.venue
    starts_on, ends_on = map(venue.business_day, (performance.starts_at, performance.ends_at))
    if starts_on == ends_on:
        return format_time(performance.ends_at, language, zone=zone)
    return when_of(performance.ends_at, snapshot, language)
