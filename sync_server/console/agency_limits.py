"""The most that an agency may have of an event's performances: the form on its page."""

from __future__ import annotations

from aiohttp import web

from sync_server.console.agencies import (
    ONE_AGENCY_PATH,
    asked_agency,
    show_agency,
    to_agency,
)
from sync_server.console.figures import FIGURES
from sync_server.console.key_words import Fault
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE
from sync_server.heart.agency_limits import NoLimit, SetAgencyLimit
from sync_server.services.agency_limits import set_agency_limit
from sync_server.services.permissions import Permission

_FORM_BYTES_MAX = 4_096
_DIGITS_MAX = 6


@route(
    "POST",
    f"{ONE_AGENCY_PATH}/limit",
    permission=Permission.STOCK_POLICY,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def limit(request: web.Request) -> web.Response:
    """Set the limit of an event, or take it away by an empty field."""
    form, actor = read_form(await request.read()), actor_of(request)
    found, typed = await asked_agency(request, form.get("id", "")), form.get("most", "").strip()
    event_id = form.get("event", "")
    if event_id not in (await request.app[FIGURES].books()).events:
        raise Problem(404, "not_found", "there is no such event")
    if typed and not (typed.isascii() and typed.isdecimal() and len(typed) <= _DIGITS_MAX):
        return await show_agency(request, found, fault=Fault.AGENCY_LIMIT)
    step = SetAgencyLimit(event_id, found.id, int(typed) if typed else None)
    done = await request.app[CENTRE].write(lambda tx: set_agency_limit(tx, step, actor))
    if isinstance(done, NoLimit):
        return await show_agency(request, found, fault=Fault.AGENCY_LIMIT)
    return to_agency(found.id)
