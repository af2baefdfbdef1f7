"""A performance's places on its plan: who holds what, and what the house keeps back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection, text

from program.i18n import translations
from sync_server.console.block_view import TypedBlock, block_rows, taken_rows, typed_of
from sync_server.console.block_words import REASONS, Slip, sentence
from sync_server.console.performance_paths import PERFORMANCES_PATH, performance_page
from sync_server.console.performances import Asked, asked_for, heading
from sync_server.console.rendering import language_of, render
from sync_server.console.seat_view import make_seats_page
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.heart.kept_back import (
    OWNER_CHARS_MAX,
    REASON_CHARS_MAX,
    BlockReason,
    NotKept,
    Taken,
)
from sync_server.services.blocking import BlockLine, PoolLine, read_blocks, read_pools
from sync_server.services.catalogue import load_plan
from sync_server.services.permissions import Permission, person_may
from sync_server.services.place_choice import Misnamed
from sync_server.services.seat_states import SeatStates, read_seat_states
from ticketing.seating import AreaKind, SeatingPlan

SEATS_PATH = f"{PERFORMANCES_PATH}/{{number}}/seats"
_ASKED_CHARS_MAX = 100
_EMPTY = TypedBlock()


@dataclass(frozen=True, slots=True)
class PlacesSeen:
    """The places of a performance as of one snapshot."""

    plan: SeatingPlan
    states: SeatStates
    blocks: Sequence[BlockLine]
    pools: Sequence[PoolLine]
    people: dict[str, str]
    nodes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a form, to be told on the page: `taken` are places that others have."""

    typed: TypedBlock = _EMPTY
    fault: Slip | NotKept | Misnamed | None = None
    taken: tuple[Taken, ...] = ()
    blocked_count: int = 0
    asked_back: int = 0
    changing: str = ""
    """The block that the form was about; '' for the form that makes one."""

    @property
    def status(self) -> int:
        """A mere look and what was done at least in part are 200."""
        if isinstance(self.fault, NotKept) or (self.taken and not self.blocked_count):
            return HTTPStatus.CONFLICT
        return HTTPStatus.BAD_REQUEST if self.fault is not None else HTTPStatus.OK


@route("GET", SEATS_PATH, permission=Permission.PERFORMANCES_READ, page=True)
async def seats(request: web.Request) -> web.Response:
    """Every place by state and holder; `area` draws one alone, `who` marks a holder's places."""
    return await show_seats(request, await asked_for(request), Outcome())


async def see_places(request: web.Request, asked: Asked) -> PlacesSeen:
    """Read them. Raises Problem where the event is gone."""
    event_id, number = asked.event.id, asked.performance.number

    def read(connection: Connection) -> PlacesSeen | None:
        loaded = load_plan(connection, event_id)
        if loaded is None:
            return None
        return PlacesSeen(
            loaded[1],
            read_seat_states(connection, event_id, number, loaded[1]),
            read_blocks(connection, event_id, number),
            read_pools(connection, event_id),
            _names(connection, "SELECT id, name FROM person"),
            _names(connection, "SELECT id, name FROM node"),
        )

    found = await request.app[CENTRE].read(read)
    if found is None:
        raise Problem(404, "not_found", "there is no such performance")
    return found


async def show_seats(request: web.Request, asked: Asked, outcome: Outcome) -> web.Response:
    """The page, with what came of a form."""
    language = language_of(request)
    seen = await see_places(request, asked)
    number = asked.performance.number
    area, who = (request.query.get(name, "")[:_ASKED_CHARS_MAX] for name in ("area", "who"))
    base = f"{performance_page(number)}/seats"
    is_cancelled = asked.performance.is_cancelled
    may_block = person_may(request[PERSON].role, Permission.STOCK_BLOCK) and not is_cancelled
    page = await asyncio.to_thread(
        make_seats_page,
        seen.plan,
        seen.states,
        language,
        base,
        area_id=area,
        marked=who,
        is_chosen_from=may_block,
    )
    query = urlencode({k: v for k, v in (("area", area), ("who", who)) if v})
    context = {
        **heading(asked, language),
        "base": base,
        "query": query,
        "back_path": performance_page(number),
        "page": page,
        "unmarked_path": f"{base}?{urlencode({'area': area})}" if area else base,
        "whole_path": f"{base}?{urlencode({'who': who})}" if who else base,
        "blocks": block_rows(seen.blocks, seen.plan, seen.people, asked.snapshot, language),
        "may_block": may_block,
        "fault": sentence(outcome.fault, language) if outcome.fault is not None else "",
        "taken": taken_rows(outcome.taken, seen.plan, seen.nodes, language),
        "outcome": outcome,
        "typed": _EMPTY if outcome.changing else outcome.typed,
        "change": _change(request, asked, seen, outcome) if may_block else None,
        **_form_context(seen, language),
    }
    return render(request, "seats.html", context, status=outcome.status)


def _change(
    request: web.Request, asked: Asked, seen: PlacesSeen, outcome: Outcome
) -> tuple[BlockLine, TypedBlock] | None:
    """The block that is to be changed, and what its form has; None for none."""
    block_id = outcome.changing or request.query.get("change", "")
    found = next((each for each in seen.blocks if each.id == block_id), None)
    if found is None:
        return None
    is_sent = bool(outcome.changing)
    return found, outcome.typed if is_sent else typed_of(found.keeping, asked.snapshot.venue)


def _form_context(seen: PlacesSeen, language: str) -> dict[str, object]:
    gettext = translations(language).gettext
    return {
        "req": token_hex(16),
        "area_choices": [
            (area.id, area.name.in_language(language), area.kind is AreaKind.STANDING)
            for area in seen.plan.areas
        ],
        "pools": [(pool.id, pool.free) for pool in seen.pools],
        "reasons": [(each.value, gettext(REASONS[each])) for each in BlockReason],
        "owner_max": OWNER_CHARS_MAX,
        "note_max": REASON_CHARS_MAX,
    }


def _names(connection: Connection, sql: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(text(sql))}
