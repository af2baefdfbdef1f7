"""Events and their performances: the list, and each performance's page."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from sync_server.console.figures import FIGURES
from sync_server.console.overview import Snapshot, performance_path
from sync_server.console.performance_paths import EVENTS_PATH, PERFORMANCES_PATH
from sync_server.console.performance_told import change_rows, told_rows
from sync_server.console.performance_view import (
    Standing,
    event_lines,
    performance_line,
    standing_of,
)
from sync_server.console.rendering import language_of, render
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.catalogue import load_plan
from sync_server.services.performance_reach import ToldNode, read_told
from sync_server.services.performance_rows import event_of, read_changes, version_of
from sync_server.services.permissions import NodeRole, Permission, person_may
from ticketing.event import Event, Performance
from ticketing.performance_document import PERFORMANCE_NUMBER_MAX

_NUMBER_DIGITS_MAX = len(str(PERFORMANCE_NUMBER_MAX))


@dataclass(frozen=True, slots=True)
class Asked:
    """A performance with its version, as of now; the snapshot's figures may be a little older."""

    snapshot: Snapshot
    event: Event
    performance: Performance
    version: int


@route("GET", EVENTS_PATH, permission=Permission.PERFORMANCES_READ, page=True)
async def events(request: web.Request) -> web.Response:
    """All events with their performances; `over=1` shows those that are over, too."""
    language, with_over = language_of(request), request.query.get("over") == "1"
    snapshot = await request.app[FIGURES].books()
    found = event_lines(snapshot, language, with_over=with_over)
    context = {
        "venue": snapshot.venue.name.in_language(language),
        "events": found,
        "with_over": with_over,
        "may_write": person_may(request[PERSON].role, Permission.CATALOGUE_WRITE),
        "over_count": sum(each.over_count for each in found),
        "over_path": EVENTS_PATH if with_over else f"{EVENTS_PATH}?over=1",
    }
    return render(request, "events.html", context)


@route(
    "GET",
    f"{PERFORMANCES_PATH}/{{number}}",
    permission=Permission.PERFORMANCES_READ,
    page=True,
)
async def performance(request: web.Request) -> web.Response:
    """One performance: its times, its places and what may be done with it."""
    language, centre, role = language_of(request), request.app[CENTRE], request[PERSON].role
    asked = await asked_for(request)
    snapshot, event, found = asked.snapshot, asked.event, asked.performance
    standing = standing_of(found, snapshot.at)
    may_change = person_may(role, Permission.PERFORMANCES_CHANGE)
    changes = await centre.read(lambda c: read_changes(c, event.id, found.number))
    told: list[ToldNode] = []
    if changes:
        rev, at_ms, generation = changes[0].rev, changes[0].at_ms, centre.generation.short
        told = await centre.read(lambda c: read_told(c, event.id, generation, rev, at_ms))
    context = {
        **heading(asked, language),
        "accounts_path": performance_path(event.id, found.number),
        "may_see_books": person_may(role, Permission.BOOKS_READ),
        "may_move": may_change and standing in (Standing.ON_SALE, Standing.NOT_ON_SALE),
        "may_cancel": may_change and standing is not Standing.CANCELLED,
        "may_copy": may_change,
        "is_cancelled": standing is Standing.CANCELLED,
        "changes": change_rows(changes, snapshot, language),
        "tills": told_rows(told, NodeRole.TILL, snapshot, language, heard=True),
        "gates": told_rows(told, NodeRole.GATE, snapshot, language, heard=True),
    }
    return render(request, "performance.html", context)


def heading(asked: Asked, language: str) -> dict[str, object]:
    """What every page of a performance begins with."""
    snapshot, event, found = asked.snapshot, asked.event, asked.performance
    key = (event.id, found.number)
    units = {(each.event_id, each.performance): each for each in snapshot.books.units}
    entries = {(each.event_id, each.performance): each for each in snapshot.books.entries}
    return {
        "venue": snapshot.venue.name.in_language(language),
        "name": event.name.in_language(language),
        "line": performance_line(found, units.get(key), entries.get(key), snapshot, language),
    }


async def asked_for(request: web.Request) -> Asked:
    """The performance that the path names, as of now. Raises Problem when there is none."""
    written = request.match_info["number"]
    snapshot = await request.app[FIGURES].books()
    if written.isascii() and written.isdecimal() and len(written) <= _NUMBER_DIGITS_MAX:
        found = await request.app[CENTRE].read(lambda c: _read(c, int(written)))
        if found is not None:
            return Asked(snapshot, *found)
    raise Problem(404, "not_found", "there is no such performance")


def _read(connection: Connection, number: int) -> tuple[Event, Performance, int] | None:
    """All in one look: the version must be that of what is shown."""
    event_id = event_of(connection, number)
    loaded = load_plan(connection, event_id) if event_id is not None else None
    found = loaded[2].performance(number) if loaded is not None else None
    if loaded is None or found is None:
        return None
    return loaded[2], found, version_of(connection, loaded[2].id, number)
