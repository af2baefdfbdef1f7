"""What reports call what they are of: every code has words in every language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, text

from program.i18n import format_date, format_datetime, translations
from sync_server.services.catalogue import load_plan, load_venue
from sync_server.services.sales_report import Channel, ReportBy, SalesLine
from ticketing.event import Event, Performance, Venue


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


BY_NAMES = {
    ReportBy.TIER: N_("Price tiers"),
    ReportBy.TYPE: N_("Ticket types"),
    ReportBy.CHANNEL: N_("Channels"),
    ReportBy.DAY: N_("Business days"),
    ReportBy.HOUR: N_("Hours of the day"),
    ReportBy.TILL: N_("Windows"),
    ReportBy.PERFORMANCE: N_("Performances"),
}
"""In the order in which they are shown: those with few lines first."""
CHANNELS = {
    Channel.WINDOW: N_("Windows of the house"),
    Channel.AGENCY: N_("Agencies"),
    Channel.HUB: N_("Windows below a hub"),
    Channel.ONLINE: N_("Online"),
    Channel.FREE: N_("Free tickets"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called, as last imported; `nodes` by id, those of one agency or all."""

    venue: Venue
    events: Mapping[str, Event]
    nodes: Mapping[str, str]

    def event(self, event_id: str, language: str) -> str:
        """The event's name, or its id where it was never imported."""
        event = self.events.get(event_id)
        return event.name.in_language(language) if event is not None else event_id

    def performance(self, event_id: str, number: int) -> Performance | None:
        """A performance as last imported."""
        event = self.events.get(event_id)
        return event.performance(number) if event is not None else None

    def when(self, event_id: str, number: int, language: str) -> str:
        """When a performance begins, in the venue's zone; its number where that is not known."""
        found = self.performance(event_id, number)
        if found is None:
            return f"#{number}"
        return format_datetime(found.starts_at, language, zone=self.venue.zone, year=True)


def read_names(connection: Connection, venue_id: str, event_ids: Iterable[str] | None) -> Names:
    """The names that a report needs; None for all events."""
    events = {}
    if event_ids is None:
        known = connection.execute(text("SELECT DISTINCT event_id FROM performance"))
        event_ids = [row[0] for row in known]
    for event_id in event_ids:
        plan = load_plan(connection, event_id)
        if plan is not None:
            events[event_id] = plan[2]
    nodes = {row[0]: row[1] for row in connection.execute(text("SELECT id, name FROM node"))}
    return Names(load_venue(connection, venue_id), events, nodes)


def line_name(line: SalesLine, names: Names, language: str) -> tuple[str, str]:
    """What a line is of, and beside it the event or time that it belongs to."""
    _ = translations(language).gettext
    about = names.event(line.event_id, language) if line.event_id else ""
    event = names.events.get(line.event_id)
    match line.by:
        case ReportBy.PERFORMANCE:
            return about, names.when(line.event_id, int(line.of), language)
        case ReportBy.TIER:
            tier = next((t for t in event.price_tiers if t.id == line.of), None) if event else None
            return (tier.name.in_language(language) if tier else line.of or "–"), about
        case ReportBy.TYPE:
            kind = next((t for t in event.ticket_types if t.id == line.of), None) if event else None
            return (kind.name.in_language(language) if kind else line.of or "–"), about
        case ReportBy.CHANNEL:
            return _(CHANNELS[Channel(line.of)]), ""
        case ReportBy.DAY:
            return format_date(date.fromisoformat(line.of), language), ""
        case ReportBy.HOUR:
            return f"{line.of}:00–{line.of}:59", ""
        case ReportBy.TILL:
            return names.nodes.get(line.of, line.of), ""


def sort_key(line: SalesLine, names: Names) -> tuple[object, ...]:
    """Times in their order, all else by what it sold, the most first."""
    if line.by in (ReportBy.DAY, ReportBy.HOUR):
        return (line.currency, line.of)
    if line.by is ReportBy.PERFORMANCE:
        found = names.performance(line.event_id, int(line.of))
        starts_at = found.starts_at if found else datetime.fromtimestamp(0, UTC)
        return (starts_at, line.event_id, int(line.of), line.currency)
    return (line.currency, -line.sold_minor, -line.sold_count, line.event_id, line.of)
