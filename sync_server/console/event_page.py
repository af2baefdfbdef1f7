"""An event's page: its tiers, prices and rules, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection, text

from program.i18n import translations
from sync_server.console.event_desk import AskedEvent, asked_event, read_number
from sync_server.console.event_paths import EVENT_PATH, places_page, prices_page
from sync_server.console.event_view import PoolState, event_sheets, exception_links
from sync_server.console.event_words import difference_rows, performance_words
from sync_server.console.moments import moment
from sync_server.console.performance_paths import event_page
from sync_server.console.rendering import language_of, render
from sync_server.handlers.routes import route
from sync_server.handlers.state import AUDIT, CENTRE, PERSON
from sync_server.services.audit import Deed
from sync_server.services.blocking import read_blocked_rights
from sync_server.services.event_history import (
    HISTORY_SHOWN_MAX,
    LOOKED_AT_MAX,
    Step,
    history_marks,
    person_names,
    read_steps,
)
from sync_server.services.permissions import Permission, person_may

_HISTORY_PATH = f"{EVENT_PATH}/history"
_PERFORMANCES_OFFERED_MAX = 200


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


DEEDS = {
    Deed.EVENT_CHANGED: N_("Prices or rules changed"),
    Deed.EVENT_ADDED: N_("Event added"),
    Deed.PERFORMANCE_MOVED: N_("Performance moved"),
    Deed.PERFORMANCE_CANCELLED: N_("Performance cancelled"),
    Deed.PERFORMANCES_COPIED: N_("Performances added"),
    Deed.CATALOGUE_IMPORTED: N_("Catalogue file imported"),
}


@route("GET", EVENT_PATH, permission=Permission.PERFORMANCES_READ, page=True)
async def event_overview(request: web.Request) -> web.Response:
    """What is sold, at what prices, and by which rules."""
    language, asked = language_of(request), await asked_event(request)
    event, venue, event_id = asked.event, asked.venue, asked.event.id
    now = datetime.now(UTC)
    pools = await request.app[CENTRE].read(lambda c: _pools(c, event_id))
    context = {
        **_heading(asked, language),
        "sheets": event_sheets(event, venue, pools, now, language),
        "exceptions": exception_links(event, venue, language),
        "performances": [
            (each.number, performance_words(each, venue, language))
            for each in event.performances[:_PERFORMANCES_OFFERED_MAX]
            if each.ends_at > now and not each.is_cancelled
        ],
        "prices_path": prices_page(event_id),
        "places_path": places_page(event_id),
        "history_path": f"{event_page(event_id)}/history",
        "may_write": person_may(request[PERSON].role, Permission.CATALOGUE_WRITE),
    }
    return render(request, "event.html", context)


@route("GET", _HISTORY_PATH, permission=Permission.AUDIT_READ, page=True)
async def event_history(request: web.Request) -> web.Response:
    """Who changed what, the newest first; `before` goes on from a record of the audit."""
    language, asked = language_of(request), await asked_event(request)
    centre, marks = request.app[CENTRE], history_marks(asked.event.id)
    before = read_number(request.query.get("before", ""))
    rows, rest = await request.app[AUDIT].newest(marks, HISTORY_SHOWN_MAX, LOOKED_AT_MAX, before)
    names = await centre.read(person_names)
    context = {
        **_heading(asked, language),
        "event_path": event_page(asked.event.id),
        "steps": [_shown(step, asked, names, language) for step in read_steps(rows, DEEDS)],
        "is_of_the_end": not before,
        "newest_path": f"{event_page(asked.event.id)}/history",
        "older_path": f"{event_page(asked.event.id)}/history?before={rest}" if rest else "",
    }
    return render(request, "event_history.html", context)


def _heading(asked: AskedEvent, language: str) -> dict[str, object]:
    return {
        "venue": asked.venue.name.in_language(language),
        "name": asked.event.name.in_language(language),
    }


def _shown(
    step: Step, asked: AskedEvent, names: dict[str, str], language: str
) -> dict[str, object]:
    gettext, venue = translations(language).gettext, asked.venue
    at_prompt = gettext("at the command line: {name}").format(name=step.actor_id)
    is_file = step.deed is Deed.CATALOGUE_IMPORTED
    found = [] if is_file else difference_rows(step.differences, [asked.event], venue, language)
    more = step.differences.count - len(step.differences.places)
    return {
        "what": gettext(DEEDS[step.deed]),
        "who": at_prompt
        if step.actor_kind == "command"
        else names.get(step.actor_id, step.actor_id),
        "when": moment(step.at_ms, language, venue.zone),
        "reason": step.reason,
        "rows": found,
        "more": max(0, more),
    }


def _pools(connection: Connection, event_id: str) -> dict[str, PoolState]:
    rows = connection.execute(
        text("SELECT id, lent, spent FROM pool WHERE event_id = :e"), {"e": event_id}
    )
    blocked = read_blocked_rights(connection, event_id)
    return {
        pool_id: PoolState(int(lent) - blocked.get(pool_id, 0), int(spent), blocked.get(pool_id, 0))
        for pool_id, lent, spent in rows
    }
