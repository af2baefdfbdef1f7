"""What tills below a hub ask for beside what every node does.

Units they get from the hub, with the line to the centre down as well. What only the centre can
decide, a ticket taken back or another till's order, is asked there in the till's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from edge.client import ServerClient
from edge.sync import NO_CENTRE
from sync_server.handlers import buyers_api, node_api, orders_api, stock_api
from sync_server.handlers.grants import grant_to_json
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import Handler, Route, route, routes_of
from sync_server.handlers.shapes import stock
from sync_server.handlers.state import CENTRE, NODE
from sync_server.handlers.wire import read_object, reply
from sync_server.heart.lending import Acquire, Grant, NoGrant
from sync_server.heart.source import Source
from sync_server.hub.asking import NO_CENTRE_SENTENCE, UPSTREAM, ask_centre
from sync_server.hub.stock import LendOn, Missing, NoteHolder, req_of
from sync_server.services.permissions import Permission


async def _acquire(request: web.Request) -> web.Response:
    """Lend units to a till: out of what the hub has, or what the centre lends it for that."""
    centre, node, upstream = request.app[CENTRE], request[NODE], request.app[UPSTREAM]
    wish, stream = node_api.wish_of(await read_object(request)), node_api.stream_of(request)
    source = Source(node.id, node.role, node.incarnation, stream)
    generation = centre.generation.short
    step = LendOn(source, wish, upstream.hub_id, generation)
    outcome = await centre.take(step)
    if isinstance(outcome, Missing):
        told = await _lent_by_centre(request, stream, wish, outcome, generation)
        outcome = await centre.take(replace(step, just_lent=told))
    if isinstance(outcome, Missing):  # somebody else was quicker
        outcome = NoGrant.LENT_ELSEWHERE
    if isinstance(outcome, NoGrant):
        raise Problem(409, outcome, "nothing was lent")
    return _lent(outcome, generation, centre.told_time())


async def _lent_by_centre(
    request: web.Request, stream: str, wish: Acquire, missing: Missing, generation: str
) -> dict[str, Any]:
    req = req_of(generation, wish.req)
    body: dict[str, object] = {"req": req, "performance": wish.performance}
    body |= {"units": missing.units, "firm": wish.firm} if missing.units else {"count": wish.count}
    if wish.counts:
        body["counts"] = dict(wish.counts)
    told = await _asked(request, lambda client: client.acquire(stream, body))
    allotment: dict[str, Any] = told["allotment"]
    return allotment | {"req": req}


def _lent(grants: tuple[Grant, ...], generation: str, time: dict[str, int]) -> web.Response:
    first, *more = map(grant_to_json, grants)
    return reply({"gen": generation, **time, "allotment": first, "more": more})


async def _ask_for_till(request: web.Request) -> web.StreamResponse:
    """Ask the centre in the till's name; the answer is told as one of our own history."""
    centre, node, upstream = request.app[CENTRE], request[NODE], request.app[UPSTREAM]
    body, path = await read_object(request), request.path
    told = await _asked(request, lambda client: client.post(path, body, below=node.id))
    if "gen" in told:
        told["gen"] = centre.generation.short
    lent = told.get("allotment")
    if isinstance(lent, dict):
        source = Source(node.id, node.role, node.incarnation, node_api.stream_of(request))
        await centre.take(NoteHolder(source, upstream.hub_id, lent | {"req": body["op"]}))
    return reply(told)


async def _asked(
    request: web.Request, call: Callable[[ServerClient], dict[str, Any]]
) -> dict[str, Any]:
    """The centre's answer. Without one this question stands; the till's link to us does not fall."""
    if not request.app[UPSTREAM].is_online:
        raise _no_centre()
    try:
        return await ask_centre(request, call)
    except Problem as problem:
        raise (_no_centre() if problem.code == NO_CENTRE else problem) from problem


def _no_centre() -> Problem:
    return Problem(409, NO_CENTRE, NO_CENTRE_SENTENCE)


ACQUIRE = route(
    "POST",
    "/v1/e/{stream}/acquire",
    permission=Permission.TILL_ACQUIRE,
    takes=stock.Wish,
    gives=stock.Lent,
)(_acquire)


def till_routes() -> list[Route]:
    """Everything that a till calls and a gate does not. Holds are the centre's own affair."""
    asked = [*routes_of(orders_api), *routes_of(buyers_api), stock_api.revoke]
    return [ACQUIRE, *(replace(each, handler=_passed_on()) for each in asked)]


def _passed_on() -> Handler:
    """A route is known by its handler: each has its own."""

    async def ask(request: web.Request) -> web.StreamResponse:
        return await _ask_for_till(request)

    return ask
