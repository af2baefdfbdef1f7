"""Keeping places of a performance back, and releasing them: the forms of the page of its places."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from aiohttp import web

from sync_server.console.block_view import TypedBlock, read_keeping, read_pool, typed_block
from sync_server.console.block_words import Slip
from sync_server.console.figures import FIGURES
from sync_server.console.performance_paths import performance_page
from sync_server.console.performances import Asked, asked_for
from sync_server.console.seats import SEATS_PATH, Outcome, PlacesSeen, see_places, show_seats
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.heart.kept_back import Block, Keeping, NotKept, Rekeep, Unblock
from sync_server.services.blocking import block, rekeep, unblock
from sync_server.services.permissions import Permission
from sync_server.services.place_choice import Misnamed, chosen_units
from sync_server.services.seat_states import SeatState
from ticketing.ids import AllotmentId, is_op_id

_FORM_BYTES_MAX = 64 * 1024
_MAY = Permission.STOCK_BLOCK


@route("POST", f"{SEATS_PATH}/block", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def block_places(request: web.Request) -> web.Response:
    """Keep the chosen places back: all of them or none, unless only what is free was asked for."""
    form, asked = read_form(await request.read()), await asked_for(request)
    typed, req = typed_block(form), form.get("req", "")
    if not is_op_id(req):
        raise Problem(400, "bad_form", "the form could not be read")
    seen = await see_places(request, asked)
    units = chosen_units(seen.plan, typed.choice, _in_state(seen, SeatState.FREE))
    now, person = datetime.now(UTC), request[PERSON]
    keeping = read_keeping(typed, asked.snapshot.venue, now, person.id)
    counts = read_pool(typed)
    if isinstance(units, Misnamed):
        return await show_seats(request, asked, Outcome(typed, units))
    for read in (keeping, counts):
        if isinstance(read, Slip):
            return await show_seats(request, asked, Outcome(typed, read))
    assert isinstance(keeping, Keeping)
    assert not isinstance(counts, Slip)
    step = Block(
        asked.event.id,
        f"block:{req}",
        asked.performance.number,
        units,
        counts,
        keeping,
        what_is_free=bool(typed.what_is_free),
        ask_back=bool(typed.ask_back),
    )
    actor = actor_of(request)
    done = await request.app[CENTRE].write(lambda tx: block(tx, step, actor))
    if isinstance(done, NotKept):
        return await show_seats(request, asked, Outcome(typed, done))
    if done.taken:
        kept = typed if not done.id else TypedBlock()
        outcome = Outcome(kept, None, done.taken, len(done.units), len(done.asked_back))
        await request.app[FIGURES].renew()
        return await show_seats(request, asked, outcome)
    return await _shown_again(request, asked)


@route("POST", f"{SEATS_PATH}/change", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def change_block(request: web.Request) -> web.Response:
    """Another owner, reason or release time of a block; its places stay."""
    form, asked = read_form(await request.read()), await asked_for(request)
    typed, block_id = typed_block(form), form.get("block", "")[:64]
    if AllotmentId.parse(block_id) is None:
        raise Problem(400, "bad_form", "the form could not be read")
    keeping = read_keeping(typed, asked.snapshot.venue, datetime.now(UTC), request[PERSON].id)
    if isinstance(keeping, Slip):
        return await show_seats(request, asked, Outcome(typed, keeping, changing=block_id))
    step = Rekeep(asked.event.id, asked.performance.number, block_id, keeping)
    actor = actor_of(request)
    done = await request.app[CENTRE].write(lambda tx: rekeep(tx, step, actor))
    if isinstance(done, NotKept):
        return await show_seats(request, asked, Outcome(typed, done, changing=block_id))
    return await _shown_again(request, asked)


@route("POST", f"{SEATS_PATH}/release", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def release_places(request: web.Request) -> web.Response:
    """Release a whole block, or those of the chosen places that are blocked."""
    form, asked = read_form(await request.read()), await asked_for(request)
    typed, number = typed_block(form), asked.performance.number
    step = Unblock(asked.event.id, number, form.get("block", "")[:64])
    if step.block and AllotmentId.parse(step.block) is None:
        raise Problem(400, "bad_form", "the form could not be read")
    if not step.block:
        seen = await see_places(request, asked)
        blocked = _in_state(seen, SeatState.BLOCKED)
        units = chosen_units(seen.plan, typed.choice, blocked)
        if isinstance(units, Misnamed):
            return await show_seats(request, asked, Outcome(typed, units))
        step = replace(step, units=tuple(unit for unit in units if unit in blocked))
        if not step.units:
            fault = Slip.NOT_BLOCKED if units else NotKept.NOTHING
            return await show_seats(request, asked, Outcome(typed, fault))
    actor = actor_of(request)
    done = await request.app[CENTRE].write(lambda tx: unblock(tx, step, actor))
    if isinstance(done, NotKept):
        return await show_seats(request, asked, Outcome(typed, done))
    return await _shown_again(request, asked)


async def _shown_again(request: web.Request, asked: Asked) -> web.Response:
    await request.app[FIGURES].renew()
    page = f"{performance_page(asked.performance.number)}/seats#blocks"
    return web.Response(status=303, headers={"Location": page})


def _in_state(seen: PlacesSeen, state: SeatState) -> Collection[int]:
    found = (each.units for each in seen.states.holdings if each.state is state)
    return frozenset().union(*found)
