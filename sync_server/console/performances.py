"""Events and their performances: the list, and each performance's page."""

from __future__ import annotations

from aiohttp import web

from sync_server.console.figures import FIGURES
from sync_server.console.overview import Snapshot, performance_path
from sync_server.console.performance_paths import EVENTS_PATH, PERFORMANCES_PATH
from sync_server.console.performance_view import event_lines, find_performance, performance_line
from sync_server.console.rendering import language_of, render
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import PERSON
from sync_server.services.permissions import Permission, person_may
from ticketing.event import Event, Performance
from ticketing.performance_document import PERFORMANCE_NUMBER_MAX

_NUMBER_DIGITS_MAX = len(str(PERFORMANCE_NUMBER_MAX))


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
    language = language_of(request)
    snapshot, event, found = await asked_for(request)
    key = (event.id, found.number)
    units = {(each.event_id, each.performance): each for each in snapshot.books.units}
    entries = {(each.event_id, each.performance): each for each in snapshot.books.entries}
    role = request[PERSON].role
    context = {
        "venue": snapshot.venue.name.in_language(language),
        "name": event.name.in_language(language),
        "line": performance_line(found, units.get(key), entries.get(key), snapshot, language),
        "accounts_path": performance_path(event.id, found.number),
        "may_see_books": person_may(role, Permission.BOOKS_READ),
    }
    return render(request, "performance.html", context)


async def asked_for(request: web.Request) -> tuple[Snapshot, Event, Performance]:
    """The performance that the path names, as of now. Raises Problem when there is none."""
    written = request.match_info["number"]
    snapshot = await request.app[FIGURES].books()
    if written.isascii() and written.isdecimal() and len(written) <= _NUMBER_DIGITS_MAX:
        found = find_performance(snapshot.events, int(written))
        if found is not None:
            return snapshot, *found
    raise Problem(404, "not_found", "there is no such performance")
