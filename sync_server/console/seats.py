"""A performance's places on its plan: who holds what."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from sync_server.console.performance_paths import PERFORMANCES_PATH, performance_page
from sync_server.console.performances import asked_for, heading
from sync_server.console.rendering import language_of, render
from sync_server.console.seat_view import make_seats_page
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE
from sync_server.services.catalogue import load_plan
from sync_server.services.permissions import Permission
from sync_server.services.seat_states import SeatStates, read_seat_states
from ticketing.seating import SeatingPlan

_ASKED_CHARS_MAX = 100


@route(
    "GET",
    f"{PERFORMANCES_PATH}/{{number}}/seats",
    permission=Permission.PERFORMANCES_READ,
    page=True,
)
async def seats(request: web.Request) -> web.Response:
    """Every place by state and holder; `area` draws one alone, `who` marks a holder's places."""
    language, asked = language_of(request), await asked_for(request)
    event_id, number = asked.event.id, asked.performance.number

    def read(connection: Connection) -> tuple[SeatingPlan, SeatStates] | None:
        loaded = load_plan(connection, event_id)
        if loaded is None:
            return None
        return loaded[1], read_seat_states(connection, event_id, number, loaded[1])

    found = await request.app[CENTRE].read(read)
    if found is None:
        raise Problem(404, "not_found", "there is no such performance")
    area, who = (request.query.get(name, "")[:_ASKED_CHARS_MAX] for name in ("area", "who"))
    base = f"{performance_page(number)}/seats"
    page = await asyncio.to_thread(
        make_seats_page, *found, language, base, area_id=area, marked=who
    )
    context = {
        **heading(asked, language),
        "base": base,
        "query": urlencode({k: v for k, v in (("area", area), ("who", who)) if v}),
        "back_path": performance_page(number),
        "page": page,
        "unmarked_path": f"{base}?{urlencode({'area': area})}" if area else base,
        "whole_path": f"{base}?{urlencode({'who': who})}" if who else base,
    }
    return render(request, "seats.html", context)
