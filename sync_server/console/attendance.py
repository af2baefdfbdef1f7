"""Reports of attendance: how full performances are, and how people came in at each gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from aiohttp import web
from sqlalchemy import Connection

from program.i18n import format_count, format_datetime, translations
from sync_server.console.entry_curve import Curve, make_curve
from sync_server.console.heat_map import make_heat_map, percent
from sync_server.console.performance_paths import performance_page
from sync_server.console.rendering import language_of, render
from sync_server.console.report_page import (
    ENTRIES_PATH,
    SLOTS_PATH,
    day_of,
    event_choices,
    event_of,
    performance_choices,
    performance_of,
    table_links,
    table_response,
    tabs,
)
from sync_server.console.report_words import Names, read_names
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE
from sync_server.report_keeping import REPORTS
from sync_server.services.attendance_report import (
    Attendance,
    Slot,
    read_attendance,
    read_slots,
)
from sync_server.services.permissions import Permission
from sync_server.services.takings import Crowd
from ticketing.business_day import business_day_bounds

SLOTS_SHOWN_MAX = 200
_SLOT_FIGURES = frozenset({4, 5, 6, 7, 8})
_ENTRY_FIGURES = frozenset({4, 5, 6})
_DAYS_BACK = 14
_FIRST_MS, _END_MS = 0, 2**53


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A performance, ready to show."""

    path: str
    name: str
    when: str
    state: str
    sold: str
    entered: str
    capacity: str
    sold_share: str
    entered_share: str
    share: float


@dataclass(frozen=True, slots=True)
class GateCurve:
    """How people came in at one gate, or all of them."""

    name: str
    count: str
    curve: Curve


# --- how full they are


@route("GET", SLOTS_PATH, permission=Permission.BOOKS_READ, page=True)
async def slots(request: web.Request) -> web.Response:
    """How full each performance is; days and times of day as a picture."""
    language = language_of(request)
    _ = translations(language).gettext
    found, names, typed = await _read_slots(request)
    of_entries = request.query.get("of") == "entered"
    shown = found[:SLOTS_SHOWN_MAX]
    context = {
        "venue": names.venue.name.in_language(language),
        "tabs": tabs(SLOTS_PATH, language),
        "typed": typed | {"of": "entered" if of_entries else "sold"},
        "choices": [("sold", _("Sold"), not of_entries), ("entered", _("Entered"), of_entries)],
        "events": event_choices(names, names.events, typed["event"], language),
        "map": make_heat_map(found, names.venue, language, of_entries=of_entries),
        "rows": [_slot_row(each, names, language) for each in shown],
        "left_out": len(found) - len(shown),
        "tables": table_links(SLOTS_PATH, typed),
    }
    return render(request, "report_slots.html", context)


@route("GET", f"{SLOTS_PATH}.{{kind}}", permission=Permission.BOOKS_READ, page=True)
async def slots_table(request: web.Request) -> web.Response:
    """The same as CSV or as a workbook."""
    language = language_of(request)
    _ = translations(language).gettext
    found, names, _typed = await _read_slots(request)
    rows = [
        (
            _("Event"),
            _("Performance"),
            _("Begins"),
            _("State"),
            _("Capacity"),
            _("Sold"),
            _("Sold, %"),
            _("Entered"),
            _("Entered, %"),
        ),
        *(
            (
                names.event(each.event_id, language),
                f"#{each.performance}",
                _when(each.starts_ms, names, language),
                _("Cancelled") if each.is_cancelled else "",
                str(each.capacity),
                str(each.sold),
                _tenths(each.sold, each.capacity),
                str(each.entered),
                _tenths(each.entered, each.capacity),
            )
            for each in found
        ),
    ]
    return await table_response(request, "slots", rows, _SLOT_FIGURES)


async def _read_slots(request: web.Request) -> tuple[list[Slot], Names, dict[str, str]]:
    """The slots, names, and what was asked for; without a word about it, from two weeks ago on."""
    event_id = event_of(request)
    first, last = day_of(request, "first"), day_of(request, "last")
    is_first_said = "first" in request.query
    centre = request.app[CENTRE]
    await request.app[REPORTS].catch_up()

    def read(connection: Connection) -> tuple[list[Slot], Names, dict[str, str]]:
        names, since = read_names(connection, centre.venue_id, None), first
        if not is_first_said:
            today = names.venue.business_day(datetime.now(UTC))
            since = (today - timedelta(days=_DAYS_BACK)).isoformat()
        begin = _bounds(since, names)[0] if since else _FIRST_MS
        end = _bounds(last, names)[1] if last else _END_MS
        typed = {"event": event_id, "first": since, "last": last}
        return read_slots(connection, event_id, begin, end), names, typed

    return await centre.read(read)


def _bounds(day: str, names: Names) -> tuple[int, int]:
    """The first instant of a business day and that of the next one."""
    venue = names.venue
    bounds = business_day_bounds(date.fromisoformat(day), venue.timezone, venue.day_starts)
    begin, end = (round(each.timestamp() * 1000) for each in bounds)
    return begin, end


def _slot_row(slot: Slot, names: Names, language: str) -> SlotRow:
    _ = translations(language).gettext
    return SlotRow(
        path=performance_page(slot.performance),
        name=names.event(slot.event_id, language),
        when=_when(slot.starts_ms, names, language),
        state=_("Cancelled") if slot.is_cancelled else "",
        sold=format_count(slot.sold, language),
        entered=format_count(slot.entered, language),
        capacity=format_count(slot.capacity, language),
        sold_share=percent(slot.sold, slot.capacity, language),
        entered_share=percent(slot.entered, slot.capacity, language),
        share=round(min(100.0, 100 * slot.sold / slot.capacity), 2) if slot.capacity else 0.0,
    )


def _tenths(count: int, capacity: int) -> str:
    """A share in percent with one decimal, for programs."""
    tenths = count * 1000 // capacity if capacity else 0
    return f"{tenths // 10}.{tenths % 10}" if capacity and tenths >= 0 else ""


# --- how people came in


@route("GET", ENTRIES_PATH, permission=Permission.BOOKS_READ, page=True)
async def entries(request: web.Request) -> web.Response:
    """A curve for each gate."""
    language = language_of(request)
    found, names = await _read_entries(request)
    event_id, performance = event_of(request), performance_of(request)
    typed = {"event": event_id, "performance": str(performance or "")}
    context = {
        "venue": names.venue.name.in_language(language),
        "tabs": tabs(ENTRIES_PATH, language),
        "typed": typed,
        "events": event_choices(names, found.performances, event_id, language),
        "performances": performance_choices(
            names, event_id, found.performances.get(event_id, ()), performance, language
        ),
        "curves": _curves(found, names, language),
        "tables": table_links(ENTRIES_PATH, typed),
    }
    return render(request, "report_entries.html", context)


@route("GET", f"{ENTRIES_PATH}.{{kind}}", permission=Permission.BOOKS_READ, page=True)
async def entries_table(request: web.Request) -> web.Response:
    """The same as CSV or as a workbook: by minute of one performance, else by hour."""
    language = language_of(request)
    _ = translations(language).gettext
    found, names = await _read_entries(request)
    rows = [
        (
            _("Gate"),
            _("Lane"),
            _("Performance"),
            _("Time"),
            _("Entries"),
            _("Without asking"),
            _("By hand"),
        ),
        *(
            (
                names.nodes.get(each.node_id, each.node_id),
                each.lane,
                f"#{each.performance}",
                _when(each.minute * 60_000, names, language),
                str(each.count),
                str(each.offline),
                str(each.by_hand),
            )
            for each in found.crowds
        ),
    ]
    return await table_response(request, "entries", rows, _ENTRY_FIGURES)


async def _read_entries(request: web.Request) -> tuple[Attendance, Names]:
    event_id, performance = event_of(request), performance_of(request)
    centre = request.app[CENTRE]
    await request.app[REPORTS].catch_up()

    def read(connection: Connection) -> tuple[Attendance, Names]:
        found = read_attendance(connection, event_id, performance)
        return found, read_names(connection, centre.venue_id, set(found.performances))

    return await centre.read(read)


def _curves(found: Attendance, names: Names, language: str) -> Sequence[GateCurve]:
    """All gates together first, where there are several."""
    _ = translations(language).gettext
    gates: dict[str, list[Crowd]] = {}
    for crowd in found.crowds:
        gates.setdefault(crowd.node_id, []).append(crowd)
    named = [(names.nodes.get(node_id, node_id), own) for node_id, own in gates.items()]
    named.sort(key=lambda each: each[0])
    if len(named) > 1:
        named.insert(0, (_("All gates"), list(found.crowds)))
    zone, step_min = names.venue.zone, found.step_min
    return [
        GateCurve(name, format_count(_sum(own), language), curve)
        for name, own in named
        if (curve := make_curve(own, language, zone, step_min=step_min)) is not None
    ]


def _sum(crowds: Iterable[Crowd]) -> int:
    return sum(each.count for each in crowds)


def _when(at_ms: int, names: Names, language: str) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return format_datetime(at, language, zone=names.venue.zone, year=True)
