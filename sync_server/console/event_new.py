"""A new event: its id and names, which event it takes places, prices and rules from, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web
from babel.dates import get_day_names

from program.i18n import translations
from sync_server.console.event_desk import fault_context
from sync_server.console.event_fields import Faults, Field, Kind, faults_by_field
from sync_server.console.figures import FIGURES
from sync_server.console.performance_copy import (
    WEEKDAYS,
    Series,
    read_series,
    series_of,
)
from sync_server.console.performance_form import read_minutes
from sync_server.console.performance_paths import NEW_EVENT_PATH, event_page
from sync_server.console.performance_view import when_of
from sync_server.console.performance_words import Slip, slip_sentence
from sync_server.console.rendering import language_of, render
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.event_making import NewEvent, Wish, prepare_new, store_new
from sync_server.services.performance_changes import Refused
from sync_server.services.performance_rows import By
from sync_server.services.permissions import Permission
from ticketing.event import Venue
from ticketing.faults import Problem as FileProblem

_FORM_BYTES_MAX = 16_384
_MAY = Permission.CATALOGUE_WRITE
_DOORS, _RUNS = "60", "180"
_TYPED_CHARS_MAX = 200


@route("GET", NEW_EVENT_PATH, permission=_MAY, page=True)
async def new_event_form(request: web.Request) -> web.Response:
    """The form; with its fields filled in, the performances that there would be."""
    return await _show(request, request.query, is_asked="first" in request.query)


@route("POST", NEW_EVENT_PATH, permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def add_event(request: web.Request) -> web.Response:
    """Add it, as it was shown."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    person, actor = request[PERSON], actor_of(request)
    snapshot = await request.app[FIGURES].books()
    wish = _wish(form, snapshot.venue)
    if isinstance(wish, Slip):
        return await _show(request, form, is_asked=True)
    source, now = form.get("source", ""), datetime.now(UTC)
    ready = await centre.read(lambda c: prepare_new(c, source, wish, now))
    by = By(person.id, person.name)
    refused = (
        ready
        if isinstance(ready, Refused)
        else await centre.write(lambda tx: store_new(tx, centre.venue_id, ready, by, actor))
    )
    if refused is not None:
        return await _show(request, form, is_asked=True, refused=refused)
    await request.app[FIGURES].renew()
    return web.Response(status=303, headers={"Location": event_page(wish.event_id)})


def _wish(form: Mapping[str, str], venue: Venue) -> Wish | Slip:
    starts = read_series(series_of(form), venue, datetime.now(UTC))
    if isinstance(starts, Slip):
        return starts
    minutes = read_minutes(form.get("doors", ""), form.get("runs", ""))
    if minutes is None:
        return Slip.MINUTES
    names = {each: form.get(f"name.{each}", "").strip() for each in venue.languages}
    return Wish(form.get("new_id", "").strip(), names, starts, *minutes, "on_sale" in form)


def _fields(venue: Venue, language: str) -> list[Field]:
    _ = translations(language).gettext
    heading = _("Name")
    said = _("a-z, 0-9 and -, at most 32 characters; it stays. Tickets never show it.")
    return [
        Field("new_id", ("id",), Kind.TEXT, _("Id"), said),
        *(
            Field(f"name.{each}", ("name", each), Kind.TEXT, f"{heading} ({each})")
            for each in venue.languages
        ),
    ]


async def _show(
    request: web.Request,
    form: Mapping[str, str],
    *,
    is_asked: bool,
    refused: Refused | None = None,
) -> web.Response:
    language, snapshot = language_of(request), await request.app[FIGURES].books()
    venue, now = snapshot.venue, datetime.now(UTC)
    fields = _fields(venue, language)
    wish = _wish(form, venue) if is_asked else None
    source = form.get("source", "")
    if isinstance(wish, Wish) and refused is None:
        asked = wish
        ready: NewEvent | Refused = await request.app[CENTRE].read(
            lambda c: prepare_new(c, source, asked, now)
        )
        refused = ready if isinstance(ready, Refused) else None
    rules = refused.rules if refused is not None else ()
    problems = [each for each in rules if isinstance(each, FileProblem)]
    faults: Faults = faults_by_field(fields, ("event",), problems)
    context, status = fault_context(faults, refused, language)
    if isinstance(wish, Slip):
        context["above"], status = slip_sentence(wish, language), HTTPStatus.BAD_REQUEST
    today = f"{now.astimezone(venue.zone):%Y-%m-%d}"
    typed = {name: value[:_TYPED_CHARS_MAX] for name, value in form.items()}
    shown = series_of(form) if is_asked else Series(today, today, "19:30", frozenset())
    is_ready = isinstance(wish, Wish) and refused is None
    context |= {
        "path": NEW_EVENT_PATH,
        "venue": venue.name.in_language(language),
        "fields": fields,
        "typed": {"doors": _DOORS, "runs": _RUNS, "on_sale": "1"} | typed
        if not is_asked
        else {"doors": "", "runs": "", "source": ""} | typed,
        "sources": [
            (each.id, each.name.in_language(language)) for each in snapshot.events.values()
        ],
        "series": shown,
        "weekdays": [
            (each, get_day_names("abbreviated", locale=language)[at], each in shown.weekdays)
            for at, each in enumerate(WEEKDAYS)
        ],
        "starts": [when_of(each, snapshot, language) for each in wish.starts]
        if is_ready and isinstance(wish, Wish)
        else [],
        "sent": _sent(form, fields, shown) if is_ready else {},
    }
    return render(request, "event_new.html", context, status=status)


def _sent(form: Mapping[str, str], fields: list[Field], series: Series) -> dict[str, str]:
    """All that was typed, to be sent once more."""
    names = [*(each.name for each in fields), "source", "doors", "runs", "on_sale"]
    return {name: form[name] for name in names if name in form} | series.fields
