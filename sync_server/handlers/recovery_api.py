"""What nodes call after something went wrong: declare their allotments, salvage a fenced journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import journals
from sync_server.handlers.state import CENTRE, NODE, NodeIdentity
from sync_server.handlers.wire import clock_ahead_ms, read_object, reply
from sync_server.heart import history, salvage
from sync_server.heart.asked import Asked
from sync_server.heart.intake import OPS_PER_PUSH_MAX, Batch, BrokenChain, Gap
from sync_server.heart.source import Source
from sync_server.services.generations import Told, contradicts, mint_for_node
from sync_server.services.permissions import Permission
from ticketing.ids import (
    U8_MAX,
    AllotmentId,
    is_op_id,
    is_order_id,
    is_stream_id,
    is_ticket_id,
    is_u32,
)
from ticketing.journal import is_hash, op_from_wire
from ticketing.operations import COUNTS_MAX, LINES_MAX, is_name
from ticketing.returns import return_action

_BYTES_MAX = 1024 * 1024
_EXACT_MAX = 2**53 - 1
_SECONDS_MAX = 2**31 - 1


@route(
    "POST",
    "/v1/e/{stream}/declare",
    permission=Permission.TILL_DECLARE,
    body_max=_BYTES_MAX,
    takes=journals.Declaration,
    gives=journals.Declared,
)
async def declare(request: web.Request) -> web.Response:
    """Take allotments that a till received and revocations that it asked for.

    `done` ends its report on this event.
    """
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    raw = body.get("allotments")
    if not isinstance(raw, list) or len(raw) > history.DECLARED_PER_CALL_MAX:
        raise _malformed(f"allotments (at most {history.DECLARED_PER_CALL_MAX})")
    told = tuple(one for one in map(_declared, raw) if one is not None)
    if len(told) != len(raw) or type(body.get("done")) is not bool:
        raise _malformed("allotments and done")
    if not isinstance(body.get("gen"), str):
        raise _malformed("gen")
    raw_asked = body.get("revocations", [])
    if not isinstance(raw_asked, list) or len(raw_asked) > history.ASKED_PER_CALL_MAX:
        raise _malformed(f"revocations (at most {history.ASKED_PER_CALL_MAX})")
    asked = tuple(one for one in map(_asked, raw_asked) if one is not None)
    if len(asked) != len(raw_asked):
        raise _malformed("revocations")
    source = _source(request, node, body)
    step = history.Declare(source, body["gen"], told, body["done"], asked)
    answer = await centre.take(step)
    if isinstance(answer, history.OtherGeneration):
        raise Problem(409, "generation_changed", "say hello first", gen=answer.generation)
    return reply({"quarantined": answer.quarantined})


@route(
    "POST",
    "/v1/e/{stream}/salvage",
    permission=Permission.NODE_PUSH,
    body_max=_BYTES_MAX,
    takes=journals.Log,
    gives=journals.Stored,
)
async def salvage_log(request: web.Request) -> web.Response:
    """Keep a piece of a fenced or closed journal's log, sent from its first operation on."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    batch = _batch(body)
    ahead_ms = clock_ahead_ms(body, centre.now_ms())
    source = replace(_source(request, node, body), clock_ahead_ms=ahead_ms)
    answer = await centre.take(salvage.Salvage(source, batch))
    match answer:
        case salvage.NotFenced():
            raise Problem(409, "journal_open", "this journal is not fenced: push it")
        case Gap(acked, _):
            raise Problem(409, "journal_gap", "send the log from its beginning", acked=acked)
        case BrokenChain(seq):
            raise Problem(400, "broken_chain", f"operation {seq} does not follow", seq=seq)
        case salvage.Kept(seq):
            return reply({"stored": seq})


async def doubt_history(centre: Centre, node: NodeIdentity, told: Told) -> None:
    """A node spoke of another history, or of revisions above ours: begin a new one if it must be.

    Cheap as long as nothing is wrong. Whoever calls it tells the node afterwards what is.
    """
    if not await centre.read(lambda connection: contradicts(connection, told)):
        return
    made = await centre.write(lambda tx: mint_for_node(tx, node.id, told))
    if made is not None:
        centre.adopt(made)


def _source(request: web.Request, node: NodeIdentity, body: Mapping[str, Any]) -> Source:
    stream, incarnation = request.match_info["stream"], body.get("inc")
    if not is_stream_id(stream):
        raise Problem(404, "unknown_stream", "there is no such event here")
    if not _is_number(incarnation, 1, _EXACT_MAX):
        raise _malformed("inc")
    assert isinstance(incarnation, int)
    if incarnation > node.incarnation:
        raise Problem(409, "incarnation_unknown", "this node was not enrolled so often")
    return Source(node.id, node.role, incarnation, stream)


def _declared(raw: object) -> history.Declared | None:
    """An allotment as the node has it; None when it is not one."""
    if not isinstance(raw, dict):
        return None
    number = AllotmentId.parse(raw.get("id"))
    units, counts = _pairs(raw.get("units")), _counts(raw.get("counts", {}))
    req, granted_ms = raw.get("req", ""), raw.get("granted_ms", 0)
    soft_s, hard_s = raw.get("soft_s", 0), raw.get("hard_s", 0)
    if number is None or units is None or counts is None or not is_u32(raw.get("p")):
        return None
    if not (
        type(raw.get("firm", False)) is bool
        and type(raw.get("over", False)) is bool
        and (req == "" or is_op_id(req))
        and _is_number(granted_ms, 0, _EXACT_MAX)
        and _is_number(soft_s, 0, _SECONDS_MAX)
        and _is_number(hard_s, soft_s, _SECONDS_MAX)
    ):
        return None
    return history.Declared(
        number,
        raw["p"],
        raw.get("firm", False),
        units,
        counts,
        req,
        granted_ms,
        soft_s,
        hard_s,
        raw.get("over", False),
    )


def _asked(raw: object) -> Asked | None:
    """A revocation as the node asked for it; None when it is not one."""
    if not isinstance(raw, dict):
        return None
    action, tickets = return_action(raw.get("action")), raw.get("tickets")
    if action is None or not is_op_id(raw.get("op")) or not is_order_id(raw.get("order")):
        return None
    if not isinstance(tickets, list) or not 1 <= len(tickets) <= LINES_MAX:
        return None
    if not all(map(is_ticket_id, tickets)):
        return None
    return Asked(raw["op"], action, raw["order"], tuple(tickets))


def _pairs(raw: object) -> tuple[tuple[int, int], ...] | None:
    """Units with their versions, each unit once."""
    if not isinstance(raw, list) or len(raw) > history.UNITS_PER_ALLOTMENT_MAX:
        return None
    pairs = tuple(
        (item[0], item[1])
        for item in raw
        if isinstance(item, list)
        and len(item) == 2
        and is_u32(item[0])
        and _is_number(item[1], 0, U8_MAX)
    )
    if len(pairs) != len(raw) or len({unit for unit, _version in pairs}) != len(raw):
        return None
    return pairs


def _counts(raw: object) -> tuple[tuple[str, int], ...] | None:
    if not isinstance(raw, dict) or len(raw) > COUNTS_MAX:
        return None
    sound = all(is_name(pool) and _is_number(count, 1, 2**31 - 1) for pool, count in raw.items())
    return tuple(sorted(raw.items())) if sound else None


def _batch(body: Mapping[str, Any]) -> Batch:
    raw, prev, first = body.get("ops"), body.get("prev"), body.get("first")
    if not isinstance(raw, list) or not 1 <= len(raw) <= OPS_PER_PUSH_MAX:
        raise _malformed(f"ops (1 to {OPS_PER_PUSH_MAX})")
    if not isinstance(prev, str) or not is_hash(prev) or not _is_number(first, 1, _EXACT_MAX):
        raise _malformed("first and prev")
    ops = [op for op in map(op_from_wire, raw) if op is not None]
    if len(ops) != len(raw):
        raise _malformed("ops")
    assert isinstance(first, int)
    return Batch(first, prev, tuple(ops))


def _is_number(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")
