"""Orders of other tills: looked at, and handed out by who may print them first."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import stock
from sync_server.handlers.state import CENTRE, NODE
from sync_server.handlers.wire import read_object, reply
from sync_server.heart.handing import AskHandout, HandoutState, NoHandout
from sync_server.heart.source import Source
from sync_server.services.orders import ToldOrder, ToldTicket, read_order
from sync_server.services.permissions import Permission
from ticketing.ids import is_order_id, is_stream_id, is_ticket_id


@route(
    "POST",
    "/v1/e/{stream}/order",
    permission=Permission.TILL_ORDERS,
    takes=stock.OrderWanted,
    gives=stock.ToldOrder,
)
async def look_up(request: web.Request) -> web.Response:
    """One order by its id, or by one of its tickets; without the tickets' codes."""
    body, stream = await read_object(request), _stream(request)
    order_id, ticket_id = body.get("order", ""), body.get("ticket", "")
    agency = request[NODE].agency
    if not (is_order_id(order_id) or is_ticket_id(ticket_id)):
        raise _malformed("order or ticket")
    found = await request.app[CENTRE].read(
        lambda connection: read_order(connection, stream, order_id, ticket_id, agency)
    )
    if found is None:
        raise Problem(404, "unknown_order", "there is no such order here")
    return reply(_to_json(found, with_codes=False))


@route(
    "POST",
    "/v1/e/{stream}/handout",
    permission=Permission.TILL_ORDERS,
    takes=stock.HandoutWanted,
    gives=stock.HandoutAsked | stock.HandedOut,
)
async def hand_out(request: web.Request) -> web.Response:
    """Ask to print an order's tickets: the order with its codes once they are this till's."""
    centre, node = request.app[CENTRE], request[NODE]
    body, stream = await read_object(request), _stream(request)
    order_id = body.get("order")
    if not is_order_id(order_id):
        raise _malformed("order")
    assert isinstance(order_id, str)
    source = Source(node.id, node.role, node.incarnation, stream)
    answer = await centre.take(AskHandout(source, order_id))
    if isinstance(answer, NoHandout):
        raise Problem(409, answer, "these tickets are not to be printed here")
    told: dict[str, Any] = {"state": answer, "now_ms": Centre.now_ms()}
    if answer is HandoutState.YOURS:
        found = await centre.read(
            lambda connection: read_order(connection, stream, order_id, "", node.agency)
        )
        if found is None:
            raise Problem(409, NoHandout.UNKNOWN_ORDER, "nobody can read this order")
        told |= _to_json(found, with_codes=True)
    return reply(told)


def _to_json(order: ToldOrder, *, with_codes: bool) -> dict[str, Any]:
    return {
        "kind": order.kind,
        "node": order.node_id,
        "at_ms": order.sold_ms,
        "body": order.body if with_codes else order.body_without_codes,
        "tickets": [_ticket_to_json(one) for one in order.tickets],
        "turn": order.turn,
        "left": [[one.tender, one.amount_minor, one.reference] for one in order.left],
        "counted": list(order.counted),
    }


def _ticket_to_json(ticket: ToldTicket) -> dict[str, Any]:
    told = {"id": ticket.id, "state": ticket.state, "p": ticket.performance, "u": ticket.unit}
    moves = [[one.op_id, one.node_id, one.lane, one.phase, one.at_ms] for one in ticket.movements]
    return {
        **told,
        "v": ticket.version,
        "blocked": ticket.blocked,
        "in_ms": ticket.in_ms,
        "moves": moves,
    }


def _stream(request: web.Request) -> str:
    stream = request.match_info["stream"]
    if not is_stream_id(stream):
        raise Problem(404, "unknown_stream", "there is no such event here")
    return stream


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")
