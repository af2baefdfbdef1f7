"""What a hub answers: the centre's own calls for nodes, by the same code on the hub's own database.

What only the centre can do is asked there, in the caller's name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from edge.client import ServerClient
from sync_server.app import AsHub
from sync_server.handlers import about_api, auth, feed_api, node_api, openapi, recovery_api
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import Handler, Route, route, routes_of
from sync_server.handlers.shapes import gates, joining, journals, stock
from sync_server.handlers.state import CENTRE, NODE
from sync_server.handlers.wire import read_object, reply
from sync_server.hub.asking import UPSTREAM, ask_centre
from sync_server.hub.tills import till_routes
from sync_server.hub.upstream import Upstream
from sync_server.services.catalogue import load_plan
from sync_server.services.permissions import Permission
from ticketing.ids import is_stream_id
from ticketing.journal import ROOT_HASH

NEW_NODE_WAIT_S, NEW_NODE_LOOK_S = 5.0, 0.05
"""So long a machine that was just enrolled waits for us to hear of it."""
_REPLACED = frozenset({"/v1/enrol", "/v1/e/{stream}/admit", "/v1/e/{stream}/salvage"})


def as_hub(upstream: Upstream) -> AsHub:
    """What makes the application a hub's."""
    return AsHub(upstream.hub_id, hub_routes(), refuse_beyond_us)


def hub_routes() -> list[Route]:
    """Everything that gates and tills call, and nothing else: no console."""
    shared = [
        each
        for module in (about_api, openapi, auth, node_api, feed_api, recovery_api)
        for each in routes_of(module)
        if each.path not in _REPLACED and not each.permission.startswith("till_")
    ]
    return [*shared, ENROL, ADMIT, SALVAGE, CHIP_KEYS, *till_routes()]


@web.middleware
async def refuse_beyond_us(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A machine that the centre knows no more takes nothing that it could not pass on; and of an
    event of which the feed has told no more than the name, nothing that it would have to judge.
    """
    if request.app[UPSTREAM].is_disowned:
        said = Problem(503, "hub_replaced", "the centre does not know this hub", retry_after_s=30)
        return said.response()
    stream = request.match_info.get("stream", "")
    if stream and not await _is_told(request, stream):
        said = Problem(404, "unknown_stream", "this hub has not heard of the event yet")
        return said.response()
    return await handler(request)


async def _is_told(request: web.Request, stream: str) -> bool:
    """Whether the event, or the house, is known here; once it is, it stays so."""
    centre, told = request.app[CENTRE], request.app[UPSTREAM].told_events
    if stream in told or stream == centre.venue_id:
        return True
    if not is_stream_id(stream) or await centre.read(lambda c: load_plan(c, stream)) is None:
        return False
    told.add(stream)
    return True


async def _enrol(request: web.Request) -> web.Response:
    """Enrol a machine at the centre, to call us from now on; it is answered once we know it too."""
    body = await read_object(request)
    told = await ask_centre(request, lambda client: client.post("/v1/below/enrol", body))
    centre = request.app[CENTRE]
    async with asyncio.timeout(NEW_NODE_WAIT_S):
        while (known := centre.nodes.get(str(told.get("node_id")))) is None or (
            known.incarnation != told.get("inc")
        ):
            await asyncio.sleep(NEW_NODE_LOOK_S)
            await centre.refresh_nodes()
    return reply({**told, "generation": centre.generation.short})


async def _admit(request: web.Request) -> web.StreamResponse:
    """Answer a gate's scan; of an event that is not ours to answer for, ask the centre."""
    try:
        return await node_api.admit.handler(request)
    except Problem as problem:
        if problem.code != node_api.NOT_ARBITER or not request.app[UPSTREAM].is_online:
            raise
    node, body, path = request[NODE], await read_object(request), request.path
    return reply(await ask_centre(request, lambda client: client.post(path, body, below=node.id)))


async def _salvage(request: web.Request) -> web.StreamResponse:
    """Pass a fenced log on: the centre keeps it, and what it says comes back by the feed.

    A journal that we fenced ourselves the centre may still believe in: it is told so first.
    """
    node, body, path = request[NODE], await read_object(request), request.path

    def send(client: ServerClient) -> dict[str, Any]:
        return client.post(path, body, below=node.id)

    try:
        return reply(await ask_centre(request, send))
    except Problem as problem:
        if problem.code != "journal_open":
            raise
    fence = _greeting(request, body)
    await ask_centre(request, lambda client: client.post("/v1/hello", fence, below=node.id))
    return reply(await ask_centre(request, send))


async def _chip_keys(request: web.Request) -> web.StreamResponse:
    """The keys for chips are the centre's, told to the node itself: we only pass the letter on."""
    node, body, path = request[NODE], await read_object(request), request.path
    return reply(await ask_centre(request, lambda client: client.post(path, body, below=node.id)))


def _greeting(request: web.Request, log: Mapping[str, Any]) -> dict[str, Any]:
    """In the name of the node that sent `log`, and by its clock: its journal is fenced, also where
    the centre has nothing of it.
    """
    journal = {"stream": request.match_info["stream"], "inc": log.get("inc")}
    return {
        "proto": [node_api.PROTO],
        "now_ms": log.get("now_ms", request.app[CENTRE].now_ms()),
        "unsynced": 0,
        "journals": [{**journal, "seq": 0, "hash": ROOT_HASH, "locked": True}],
        "gen": request.app[UPSTREAM].generation,
    }


ENROL = route(
    "POST",
    "/v1/enrol",
    permission=Permission.PUBLIC,
    takes=joining.Enrolment,
    gives=joining.Enrolled,
)(_enrol)
ADMIT = route(
    "POST",
    "/v1/e/{stream}/admit",
    permission=Permission.GATE_ADMIT,
    takes=gates.Scan,
    gives=gates.Admitted | gates.Refused,
)(_admit)
CHIP_KEYS = route(
    "POST",
    "/v1/chip-keys",
    permission=Permission.NODE_CHIPS,
    takes=stock.KeysWanted,
    gives=stock.Keys,
)(_chip_keys)
SALVAGE = route(
    "POST",
    "/v1/e/{stream}/salvage",
    permission=Permission.NODE_PUSH,
    body_max=node_api.PUSH_BYTES_MAX,
    takes=journals.Log,
    gives=journals.Stored,
)(_salvage)
