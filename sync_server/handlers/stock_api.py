"""What tills ask of the centre's own stock: holds for a while, and tickets revoked before a payout.

Each is safe to repeat: the second answer is the first one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.grants import grant_to_json, lent
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import stock
from sync_server.handlers.state import CENTRE, NODE, NodeIdentity
from sync_server.handlers.wire import read_object, reply
from sync_server.heart.lending import NoGrant
from sync_server.heart.returns import NoRevocation, Revoke
from sync_server.heart.source import Source
from sync_server.heart.stock import (
    HOLD_TTL_MAX_S,
    HOLD_UNITS_MAX,
    Drop,
    Extend,
    Firm,
    Held,
    Hold,
    HoldWish,
)
from sync_server.services.permissions import Permission
from ticketing.ids import AllotmentId, is_op_id, is_order_id, is_stream_id, is_ticket_id, is_u32
from ticketing.operations import COUNTS_MAX, LINES_MAX, is_name
from ticketing.returns import ReturnAction, return_action

_NOTHING_HELD = "nothing is held"
_COUNT_MAX = 2**31 - 1
_EXACT_MAX = 2**53 - 1


@route(
    "POST",
    "/v1/e/{stream}/revoke",
    permission=Permission.TILL_REVOKE,
    takes=stock.Revocation,
    gives=stock.Revoked,
)
async def revoke(request: web.Request) -> web.Response:
    """Revoke tickets of an order: 200 once gates refuse them, 409 with the reason."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    tickets = body.get("tickets")
    if not is_op_id(body.get("op")) or not is_order_id(body.get("order")):
        raise _malformed("op and order")
    if not isinstance(tickets, list) or not 1 <= len(tickets) <= LINES_MAX:
        raise _malformed("tickets")
    if not all(map(is_ticket_id, tickets)):
        raise _malformed("tickets")
    step = Revoke(
        _source(request, node, _number(body, "inc", 1, _EXACT_MAX)),
        body["op"],
        _action(body.get("action")),
        body["order"],
        tuple(tickets),
    )
    generation = centre.generation.short
    answer = await centre.take(step)
    if isinstance(answer, NoRevocation):
        raise Problem(409, answer, "nothing was revoked")
    states = [{"id": ticket_id, "state": state} for ticket_id, state in answer.tickets]
    allotment = None if answer.allotment is None else grant_to_json(answer.allotment)
    told = {"gen": generation, "now_ms": Centre.now_ms()}
    return reply({**told, "tickets": states, "allotment": allotment})


@route(
    "POST",
    "/v1/e/{stream}/hold",
    permission=Permission.TILL_HOLD,
    takes=stock.HoldWish,
    gives=stock.Held,
)
async def hold(request: web.Request) -> web.Response:
    """Hold units for a while: these ones, or so many side by side."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    step = Hold(_stream(request), node.id, _wish(body))
    return _held(await centre.take(step))


@route(
    "POST",
    "/v1/e/{stream}/extend",
    permission=Permission.TILL_HOLD,
    takes=stock.HoldLonger,
    gives=stock.Held,
)
async def extend(request: web.Request) -> web.Response:
    """Hold the same for longer, counted from now."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    ttl_s = _number(body, "ttl_s", 1, HOLD_TTL_MAX_S)
    return _held(await centre.take(Extend(_stream(request), node.id, _hold_id(body), ttl_s)))


@route(
    "POST",
    "/v1/e/{stream}/drop",
    permission=Permission.TILL_HOLD,
    takes=stock.HoldNamed,
    gives=stock.Held,
)
async def drop(request: web.Request) -> web.Response:
    """Hold no longer."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    return _held(await centre.take(Drop(_stream(request), node.id, _hold_id(body))))


@route(
    "POST",
    "/v1/e/{stream}/firm",
    permission=Permission.TILL_HOLD,
    takes=stock.HoldNamed,
    gives=stock.Lent,
)
async def firm(request: web.Request) -> web.Response:
    """Make what the till holds an allotment of its own."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    source, generation = _source(request, node, node.incarnation), centre.generation.short
    answer = await centre.take(Firm(source, node.id, _hold_id(body)))
    if isinstance(answer, NoGrant):
        raise Problem(409, answer, "nothing was lent")
    return lent(answer, generation)


def _held(answer: Held | NoGrant) -> web.Response:
    if isinstance(answer, NoGrant):
        raise Problem(409, answer, _NOTHING_HELD)
    told = {
        "id": str(answer.id),
        "p": answer.performance,
        "units": answer.units,
        "counts": dict(answer.counts),
        "held": answer.is_held,
        "left_ms": max(0, answer.expires_ms - Centre.now_ms()) if answer.is_held else 0,
    }
    return reply({"hold": told})


def _wish(body: Mapping[str, Any]) -> HoldWish:
    req, performance, tier = body.get("req"), body.get("performance"), body.get("tier")
    units, counts = body.get("units", []), body.get("counts", {})
    if not is_op_id(req) or not is_u32(performance):
        raise _malformed("req and performance")
    if not isinstance(units, list) or not all(map(is_u32, units)) or len(units) > HOLD_UNITS_MAX:
        raise _malformed("units")
    count = _number(body, "count", 1, HOLD_UNITS_MAX) if "count" in body else 0
    if bool(units) == bool(count) or len(set(units)) != len(units):
        raise _malformed("units or count")
    if tier is not None and not is_name(tier):
        raise _malformed("tier")
    if not isinstance(counts, dict) or len(counts) > COUNTS_MAX:
        raise _malformed("counts")
    if not all(is_name(pool) and _is_number(n, 1, _COUNT_MAX) for pool, n in counts.items()):
        raise _malformed("counts")
    ttl_s = _number(body, "ttl_s", 1, HOLD_TTL_MAX_S)
    pairs = tuple(sorted(counts.items()))
    assert isinstance(req, str)
    assert isinstance(performance, int)
    return HoldWish(req, performance, ttl_s, tuple(units), count, tier, pairs)


def _action(text: object) -> ReturnAction:
    action = return_action(text)
    if action is None:
        raise _malformed("action")
    return action


def _hold_id(body: Mapping[str, Any]) -> str:
    number = AllotmentId.parse(body.get("hold"))
    if number is None:
        raise _malformed("hold")
    return str(number)


def _source(request: web.Request, node: NodeIdentity, incarnation: int) -> Source:
    if incarnation > node.incarnation:
        raise Problem(409, "incarnation_unknown", "this node was not enrolled so often")
    return Source(node.id, node.role, incarnation, _stream(request))


def _stream(request: web.Request) -> str:
    stream = request.match_info["stream"]
    if not is_stream_id(stream):
        raise Problem(404, "unknown_stream", "there is no such event here")
    return stream


def _number(body: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = body.get(name)
    if not _is_number(value, low, high):
        raise _malformed(name)
    assert isinstance(value, int)
    return value


def _is_number(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")
