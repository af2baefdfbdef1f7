"""Copying a performance to other days and times: first the list of what there would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

from aiohttp import web
from babel.dates import get_day_names

from sync_server.console.figures import FIGURES
from sync_server.console.performance_form import typed_as
from sync_server.console.performance_paths import EVENTS_PATH, PERFORMANCES_PATH
from sync_server.console.performance_told import in_the_way
from sync_server.console.performance_view import when_of
from sync_server.console.performance_words import Slip, refusal_sentence, slip_sentence
from sync_server.console.performances import Asked, asked_for, heading
from sync_server.console.rendering import language_of, render
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.catalogue import document_rev
from sync_server.services.performance_changes import Refused, Times
from sync_server.services.performance_copies import (
    COPIES_MAX,
    Copies,
    prepare_copies,
    store_copies,
)
from sync_server.services.performance_rows import By
from sync_server.services.permissions import Permission
from ticketing.event import Venue
from ticketing.schedule import UnusableTime, read_start

_FORM_BYTES_MAX = 8_192
_PATH = f"{PERFORMANCES_PATH}/{{number}}/copy"
_MAY = Permission.PERFORMANCES_CHANGE
_DAYS_MAX = 400
WEEKDAYS = tuple(f"day{number}" for number in range(7))  # from Monday


@dataclass(frozen=True, slots=True)
class Series:
    """The fields as they were sent: from a day to a day, on which weekdays, at which times."""

    first: str
    last: str
    times: str
    weekdays: frozenset[str]

    @property
    def fields(self) -> dict[str, str]:
        """By the names of the form's fields."""
        chosen = dict.fromkeys(sorted(self.weekdays), "1")
        return {"first": self.first, "last": self.last, "times": self.times, **chosen}


@route("GET", _PATH, permission=_MAY, page=True)
async def copy_form(request: web.Request) -> web.Response:
    """The form; with its fields filled in, the performances that there would be."""
    return await _show(request, series_of(request.query) if "first" in request.query else None)


@route("POST", _PATH, permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def copy(request: web.Request) -> web.Response:
    """Add them, as they were shown."""
    form, centre, asked = (
        read_form(await request.read()),
        request.app[CENTRE],
        await asked_for(request),
    )
    series, person, actor = series_of(form), request[PERSON], actor_of(request)
    starts = read_series(series, asked.snapshot.venue, datetime.now(UTC))
    if isinstance(starts, Slip):
        return await _show(request, series, slip=starts)
    ready = await _prepared(request, asked, starts)
    if isinstance(ready, Refused):
        return await _show(request, series, refused=ready)
    written = form.get("seen", "")
    seen = int(written) if written.isascii() and written.isdecimal() and len(written) < 16 else 0
    by = By(person.id, person.name)
    refused = await centre.write(
        lambda tx: store_copies(tx, centre.venue_id, ready, seen, by, actor)
    )
    if refused is not None:
        return await _show(request, series, refused=refused)
    await request.app[FIGURES].renew()
    return web.Response(status=303, headers={"Location": EVENTS_PATH})


def read_series(series: Series, venue: Venue, now: datetime) -> list[datetime] | Slip:
    """The instants of a series, each once, or what is wrong with the fields."""
    try:
        first, last = (date.fromisoformat(each) for each in (series.first, series.last))
    except ValueError:
        return Slip.TIME
    if not 0 <= (last - first).days < _DAYS_MAX:
        return Slip.SERIES
    starts: set[datetime] = set()
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        if series.weekdays and WEEKDAYS[day.weekday()] not in series.weekdays:
            continue
        for clock in series.times.replace("，", ",").split(","):
            start = read_start(f"{day.isoformat()}T{clock.strip()}", venue, now)
            if isinstance(start, UnusableTime) or len(clock.strip()) != len("19:30"):
                return Slip.TIME
            starts.add(start)
        if len(starts) > COPIES_MAX:
            return Slip.SERIES
    return sorted(starts) or Slip.SERIES


def series_of(form: Mapping[str, str]) -> Series:
    """What somebody filled in."""
    return Series(
        form.get("first", "")[:10],
        form.get("last", "")[:10] or form.get("first", "")[:10],
        form.get("times", "")[:400],
        frozenset(each for each in WEEKDAYS if each in form),
    )


async def _prepared(request: web.Request, asked: Asked, starts: list[datetime]) -> Copies | Refused:
    event_id, number, now = asked.event.id, asked.performance.number, datetime.now(UTC)
    return await request.app[CENTRE].read(
        lambda c: prepare_copies(c, event_id, number, starts, now)
    )


async def _show(
    request: web.Request,
    series: Series | None,
    *,
    slip: Slip | None = None,
    refused: Refused | None = None,
) -> web.Response:
    language, asked = language_of(request), await asked_for(request)
    found, venue = asked.performance, asked.snapshot.venue
    status = HTTPStatus.OK
    if slip is not None or refused is not None:
        status = HTTPStatus.BAD_REQUEST if slip is not None else HTTPStatus.CONFLICT
    own = typed_as(found, venue)
    shown = series or Series(own.date, own.date, own.time, frozenset())
    starts = read_series(shown, venue, datetime.now(UTC)) if series is not None else []
    if isinstance(starts, Slip):
        slip, starts = slip or starts, []
    if starts and refused is None:
        ready = await _prepared(request, asked, starts)
        refused = ready if isinstance(ready, Refused) else None
    event_id = asked.event.id
    context = {
        **heading(asked, language),
        "fault": slip_sentence(slip, language) or refusal_sentence(refused, language),
        "typed": shown,
        "weekdays": [
            (each, get_day_names("abbreviated", locale=language)[at], each in shown.weekdays)
            for at, each in enumerate(WEEKDAYS)
        ],
        "seen": await request.app[CENTRE].read(lambda c: document_rev(c, event_id)),
        "copies": []
        if refused is not None
        else [
            (when_of(start, asked.snapshot, language), _clashes(asked, start, language))
            for start in starts
        ],
    }
    return render(request, "performance_copy.html", context, status=status)


def _clashes(asked: Asked, start: datetime, language: str) -> list[tuple[str, str]]:
    found = asked.performance
    shift = start - found.starts_at
    times = Times(found.doors_at + shift, start, found.ends_at + shift)
    return in_the_way(asked.event, found, times, asked.snapshot, language, is_itself=True)
