"""Moving a performance: first what it would mean, then, on one's word, the move."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from program.i18n import format_count
from sync_server.console.figures import FIGURES
from sync_server.console.performance_form import (
    Typed,
    read_reason,
    read_times,
    read_version,
    typed_as,
    typed_of,
)
from sync_server.console.performance_paths import PERFORMANCES_PATH, performance_page
from sync_server.console.performance_told import in_the_way, time_rows, told_rows
from sync_server.console.performance_words import Slip, refusal_sentence, slip_sentence
from sync_server.console.performances import asked_for, heading
from sync_server.console.rendering import language_of, render
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.audit import TEXT_CHARS_MAX, Deed
from sync_server.services.performance_changes import (
    NotChanged,
    Prepared,
    Refused,
    Target,
    Times,
    prepare_move,
    store_change,
)
from sync_server.services.performance_reach import read_concern, read_told
from sync_server.services.performance_rows import By
from sync_server.services.permissions import NodeRole, Permission

_FORM_BYTES_MAX = 8_192
_PATH = f"{PERFORMANCES_PATH}/{{number}}/move"
_MAY = Permission.PERFORMANCES_CHANGE


@route("GET", _PATH, permission=_MAY, page=True)
async def move_form(request: web.Request) -> web.Response:
    """The form; with its fields filled in, what the move would mean. Nothing is changed."""
    return await _show(request, typed_of(request.query) if "date" in request.query else None)


@route("POST", _PATH, permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def move(request: web.Request) -> web.Response:
    """Move it, as it was shown and as nobody has changed it since."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    asked = await asked_for(request)
    typed, reason = typed_of(form), read_reason(form)
    now = datetime.now(UTC)
    times = read_times(typed, asked.snapshot.venue, now)
    if isinstance(times, Slip) or isinstance(reason, Slip):
        slip = times if isinstance(times, Slip) else Slip.REASON
        return await _show(request, typed, slip=slip, form=form)
    number = asked.performance.number
    target = Target(asked.event.id, number, read_version(form))
    prepared = await centre.read(lambda c: prepare_move(c, target, times, now))
    refused = prepared if isinstance(prepared, Refused) else await _store(request, prepared, reason)
    if refused is not None:
        return await _show(request, typed, refused=refused, form=form)
    await request.app[FIGURES].renew()
    return web.Response(status=303, headers={"Location": performance_page(number)})


async def _store(request: web.Request, prepared: Prepared, reason: str) -> Refused | None:
    centre, person, actor = request.app[CENTRE], request[PERSON], actor_of(request)
    by = By(person.id, person.name, reason)
    return await centre.write(
        lambda tx: store_change(tx, centre.venue_id, prepared, by, Deed.PERFORMANCE_MOVED, actor)
    )


async def _show(
    request: web.Request,
    typed: Typed | None,
    *,
    slip: Slip | None = None,
    refused: Refused | None = None,
    form: Mapping[str, str] | None = None,
) -> web.Response:
    language, centre = language_of(request), request.app[CENTRE]
    asked = await asked_for(request)
    snapshot, event, found = asked.snapshot, asked.event, asked.performance
    now = datetime.now(UTC)
    shown = typed or typed_as(found, snapshot.venue)
    times = read_times(shown, snapshot.venue, now) if typed is not None else None
    status = _status(slip, refused)  # a mere look is answered with words and 200
    if isinstance(times, Slip):
        slip, times = slip or times, None
    if times is not None and refused is None:
        refused = await _foreseen(
            request, Target(event.id, found.number, asked.version), times, now
        )
    fault = slip_sentence(slip, language) or refusal_sentence(refused, language)
    context = {
        **heading(asked, language),
        "fault": fault,
        "typed": shown,
        "seen": asked.version,
        "reason": (form or {}).get("reason", "")[:TEXT_CHARS_MAX],
        "reason_max": TEXT_CHARS_MAX,
        "preview": None,
    }
    has_preview = refused is None or refused.why is NotChanged.MEANWHILE
    if times is not None and has_preview:
        concern, told = await centre.read(
            lambda c: (
                read_concern(c, event.id, found.number),
                read_told(c, event.id, centre.generation.short, 0, 0),
            )
        )
        context["preview"] = {
            "rows": time_rows(found, times, snapshot, language),
            "tickets": format_count(concern.ticket_count, language),
            "ticket_count": concern.ticket_count,
            "orders": format_count(concern.order_count, language),
            "lent": format_count(concern.lent_count, language) if concern.lent_count else "",
            "let_in": format_count(concern.let_in_count, language) if concern.let_in_count else "",
            "tills": told_rows(told, NodeRole.TILL, snapshot, language, heard=False),
            "gates": told_rows(told, NodeRole.GATE, snapshot, language, heard=False),
            "in_the_way": in_the_way(event, found, times, snapshot, language),
        }
    return render(request, "performance_move.html", context, status=status)


async def _foreseen(
    request: web.Request, target: Target, times: Times, now: datetime
) -> Refused | None:
    """What would speak against it, before anybody asks for it."""
    prepared = await request.app[CENTRE].read(lambda c: prepare_move(c, target, times, now))
    return prepared if isinstance(prepared, Refused) else None


def _status(slip: Slip | None, refused: Refused | None) -> int:
    if slip is not None:
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.CONFLICT if refused is not None else HTTPStatus.OK
