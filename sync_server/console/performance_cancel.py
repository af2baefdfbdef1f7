"""Cancelling a performance: first what it would mean, then, with one's own password, the deed."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from program.i18n import format_count, format_money
from sync_server.console.figures import FIGURES
from sync_server.console.key_words import Fault, fault_sentence
from sync_server.console.own_password import is_own_password
from sync_server.console.performance_form import read_reason, read_version
from sync_server.console.performance_paths import PERFORMANCES_PATH, performance_page
from sync_server.console.performance_told import told_rows
from sync_server.console.performance_words import Slip, refusal_sentence, slip_sentence
from sync_server.console.performances import asked_for, heading
from sync_server.console.rendering import language_of, render
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.audit import TEXT_CHARS_MAX
from sync_server.services.performance_changes import (
    Prepared,
    Refused,
    Target,
    prepare_cancel,
    store_cancel,
)
from sync_server.services.performance_reach import read_concern, read_told
from sync_server.services.performance_rows import By
from sync_server.services.permissions import NodeRole, Permission

_FORM_BYTES_MAX = 8_192
_PATH = f"{PERFORMANCES_PATH}/{{number}}/cancel"
_MAY = Permission.PERFORMANCES_CHANGE


@route("GET", _PATH, permission=_MAY, page=True)
async def cancel_form(request: web.Request) -> web.Response:
    """What it would mean. Nothing is changed."""
    return await _show(request, {})


@route("POST", _PATH, permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def cancel(request: web.Request) -> web.Response:
    """Cancel it, for ever, as nobody has changed it since it was shown."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    asked, reason = await asked_for(request), read_reason(form)
    if isinstance(reason, Slip):
        return await _show(request, form, slip=reason)
    if not await is_own_password(request, form):
        return await _show(request, form, wrong_password=True)
    number = asked.performance.number
    target = Target(asked.event.id, number, read_version(form))
    prepared = await centre.read(lambda c: prepare_cancel(c, target))
    refused = prepared if isinstance(prepared, Refused) else await _store(request, prepared, reason)
    if refused is not None:
        return await _show(request, form, refused=refused)
    await request.app[FIGURES].renew()
    return web.Response(status=303, headers={"Location": performance_page(number)})


async def _store(request: web.Request, prepared: Prepared, reason: str) -> Refused | None:
    centre, person, actor = request.app[CENTRE], request[PERSON], actor_of(request)
    by = By(person.id, person.name, reason)
    return await centre.write(lambda tx: store_cancel(tx, centre.venue_id, prepared, by, actor))


async def _show(
    request: web.Request,
    form: Mapping[str, str],
    *,
    slip: Slip | None = None,
    wrong_password: bool = False,
    refused: Refused | None = None,
) -> web.Response:
    language, centre, asked = language_of(request), request.app[CENTRE], await asked_for(request)
    event_id, number = asked.event.id, asked.performance.number
    concern, told = await centre.read(
        lambda c: (
            read_concern(c, event_id, number),
            read_told(c, event_id, centre.generation.short, 0, 0),
        )
    )
    fault = slip_sentence(slip, language) or refusal_sentence(refused, language)
    if wrong_password:
        fault = fault_sentence(Fault.PASSWORD, language)
    status = HTTPStatus.BAD_REQUEST if slip or wrong_password else HTTPStatus.OK
    context = {
        **heading(asked, language),
        "fault": fault,
        "is_cancelled": asked.performance.is_cancelled,
        "seen": asked.version,
        "reason": form.get("reason", "")[:TEXT_CHARS_MAX],
        "reason_max": TEXT_CHARS_MAX,
        "tickets": format_count(concern.ticket_count, language),
        "ticket_count": concern.ticket_count,
        "orders": format_count(concern.order_count, language),
        "amount": format_money(concern.paid_minor, asked.event.currency, language),
        "lent": format_count(concern.lent_count, language) if concern.lent_count else "",
        "let_in": format_count(concern.let_in_count, language) if concern.let_in_count else "",
        "tills": told_rows(told, NodeRole.TILL, asked.snapshot, language, heard=False),
        "gates": told_rows(told, NodeRole.GATE, asked.snapshot, language, heard=False),
    }
    status = HTTPStatus.CONFLICT if refused is not None else status
    return render(request, "performance_cancel.html", context, status=status)
