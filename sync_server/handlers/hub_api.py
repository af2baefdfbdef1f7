"""What a hub calls for the nodes below it, beside their own calls, which it makes in their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.auth import enrolled
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import gates, joining, stock
from sync_server.handlers.state import CENTRE, NODE, NodeIdentity
from sync_server.handlers.wire import read_object, reply
from sync_server.heart.arbiters import ArbiterOf, Stopped
from sync_server.heart.granted import GRANTED_PER_CALL_MAX, Granted, TakeGranted
from sync_server.heart.source import Source
from sync_server.heart.unlent import UNLENT_PER_CALL_MAX, TakeUnlent
from sync_server.services.contact import Contact, note_contact
from sync_server.services.permissions import Permission
from sync_server.store.writer import Transaction
from ticketing.ids import AllotmentId, is_generation, is_op_id, is_stream_id, is_ticket_id, is_u32
from ticketing.operations import is_name

NODES_PER_CALL_MAX = 500
_CURSORS_MAX = 5_000
_BYTES_MAX = 1024 * 1024
_EXACT_MAX = 2**53 - 1
_COUNT_MAX = 2**31 - 1


@route(
    "POST",
    "/v1/below/enrol",
    permission=Permission.HUB_RELAY,
    takes=joining.Enrolment,
    gives=joining.Enrolled,
)
async def enrol_below(request: web.Request) -> web.Response:
    """`/v1/enrol` of a machine that will call the hub from now on."""
    node = request[NODE]
    return await enrolled(request, f"hub {node.id}", node.id)


@route(
    "POST",
    "/v1/below/heard",
    permission=Permission.HUB_RELAY,
    body_max=_BYTES_MAX,
    takes=gates.HeardBelow,
    gives=gates.Noted,
)
async def heard_below(request: web.Request) -> web.Response:
    """When the hub heard of each node below it, what it said of itself, and how far it has read.

    Cursors are ours: the hub says of each gate up to where it has what we told the hub.
    """
    centre, hub = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    raw, generation = body.get("nodes"), body.get("gen")
    if not isinstance(raw, list) or len(raw) > NODES_PER_CALL_MAX:
        raise _malformed(f"nodes (at most {NODES_PER_CALL_MAX})")
    if not isinstance(generation, str) or not is_generation(generation):
        raise _malformed("gen")
    told = [_heard(centre, hub, one) for one in raw]

    def note(tx: Transaction) -> None:
        row = tx.row("SELECT clock_offset_ms FROM node WHERE id = :id", id=hub.id)
        ahead_ms = row.clock_offset_ms if row is not None else 0  # the hub's clock minus ours
        for node_id, contact, _cursors in told:
            offset_ms = (contact.clock_offset_ms or 0) + ahead_ms
            note_contact(tx, node_id, replace(contact, clock_offset_ms=offset_ms))

    await centre.write(note)
    for node_id, _contact, cursors in told:
        centre.gate_read(node_id, generation, cursors)
    return reply({"noted": len(told)})


@route(
    "POST",
    "/v1/e/{stream}/granted",
    permission=Permission.HUB_RELAY,
    body_max=_BYTES_MAX,
    takes=gates.GrantedBelow,
    gives=gates.Taken,
)
async def take_granted(request: web.Request) -> web.Response:
    """Entries that the hub's arbiter recorded, before or whether or not their gates tell of them."""
    centre, hub = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    raw = body.get("entries")
    if not isinstance(raw, list) or len(raw) > GRANTED_PER_CALL_MAX:
        raise _malformed(f"entries (at most {GRANTED_PER_CALL_MAX})")
    entries = tuple(_granted(centre, hub, one) for one in raw)
    taken = await centre.take(TakeGranted(_stream(request), entries, hub.id))
    return reply({"taken": taken})


@route(
    "POST",
    "/v1/e/{stream}/stopped",
    permission=Permission.HUB_RELAY,
    takes=gates.StoppedArbiter,
    gives=gates.StoppedTaken,
)
async def stopped(request: web.Request) -> web.Response:
    """The hub was asked to stop answering the gates of this event, and has."""
    centre, hub = request.app[CENTRE], request[NODE]
    epoch = (await read_object(request)).get("epoch")
    if not _is_number(epoch):
        raise _malformed("epoch")
    assert isinstance(epoch, int)
    answer = await centre.take(Stopped(_stream(request), hub.id, epoch))
    return reply({"taken": isinstance(answer, ArbiterOf)})


@route(
    "POST",
    "/v1/e/{stream}/unlent",
    permission=Permission.HUB_RELAY,
    takes=stock.Unlent,
    gives=stock.UnlentTaken,
)
async def unlent(request: web.Request) -> web.Response:
    """Allotments of the hub that it passed on to no till, and never will."""
    centre, hub = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    raw, generation = body.get("allotments"), body.get("gen")
    if not isinstance(raw, list) or len(raw) > UNLENT_PER_CALL_MAX:
        raise _malformed(f"allotments (at most {UNLENT_PER_CALL_MAX})")
    if any(AllotmentId.parse(one) is None for one in raw):
        raise _malformed("allotments")
    if not isinstance(generation, str) or not is_generation(generation):
        raise _malformed("gen")
    source = Source(hub.id, hub.role, hub.incarnation, _stream(request))
    taken = await centre.take(TakeUnlent(source, generation, tuple(map(str, raw))))
    return reply({"taken": taken})


def _heard(
    centre: Centre, hub: NodeIdentity, raw: object
) -> tuple[str, Contact, Mapping[str, int]]:
    if not isinstance(raw, dict):
        raise _malformed("nodes")
    node_id = _below(centre, hub, raw.get("id"))
    numbers = [raw.get(name) for name in ("ago_ms", "unsynced")]
    version, offset, cursors = raw.get("version"), raw.get("clock_off_ms"), raw.get("cursors")
    if not all(map(_is_number, numbers)) or not isinstance(version, str):
        raise _malformed("nodes")
    if type(offset) is not int or abs(offset) > _EXACT_MAX or (version and not is_name(version)):
        raise _malformed("nodes")
    if not isinstance(cursors, dict) or len(cursors) > _CURSORS_MAX:
        raise _malformed("cursors")
    if not all(is_stream_id(stream) and _is_number(rev) for stream, rev in cursors.items()):
        raise _malformed("cursors")
    ago_ms, unsynced = numbers
    assert isinstance(ago_ms, int)
    assert isinstance(unsynced, int)
    seen_ms = max(0, centre.now_ms() - ago_ms)
    return node_id, Contact(seen_ms, min(unsynced, _COUNT_MAX), version, offset), cursors


def _granted(centre: Centre, hub: NodeIdentity, raw: object) -> Granted:
    if not isinstance(raw, dict):
        raise _malformed("entries")
    node_id = _below(centre, hub, raw.get("node"))
    lane, numbers = raw.get("lane"), [raw.get(name) for name in ("p", "u", "type")]
    sound = (
        is_op_id(raw.get("op"))
        and is_ticket_id(raw.get("ticket"))
        and all(map(is_u32, numbers))
        and _is_number(raw.get("at_ms"))
    )
    if not sound or not isinstance(lane, str) or not is_name(lane):
        raise _malformed("entries")
    performance, unit, ticket_type = raw["p"], raw["u"], raw["type"]
    return Granted(
        raw["op"], node_id, raw["ticket"], performance, unit, lane, raw["at_ms"], ticket_type
    )


def _below(centre: Centre, hub: NodeIdentity, node_id: object) -> str:
    node = centre.nodes.get(node_id) if isinstance(node_id, str) else None
    if node is None or node.hub != hub.id:
        raise Problem(403, "not_below_you", "you may not speak for this node")
    return node.id


def _stream(request: web.Request) -> str:
    stream = request.match_info["stream"]
    if not is_stream_id(stream):
        raise Problem(404, "unknown_stream", "there is no such event here")
    return stream


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= _EXACT_MAX


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")
