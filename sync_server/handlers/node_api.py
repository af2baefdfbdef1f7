"""The calls that nodes make: hello, push, pull, acquire, admit. Each is safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.chips_api import chip_of
from sync_server.handlers.grants import lent
from sync_server.handlers.problems import Problem
from sync_server.handlers.pulls import ANSWERS, Poll, answer_pull, check_proto
from sync_server.handlers.recovery_api import doubt_history
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import feed, gates, journals, stock
from sync_server.handlers.state import CENTRE, HUB_ID, NODE, NodeIdentity
from sync_server.handlers.wire import clock_ahead_ms, read_object, reply
from sync_server.heart import arbiter, intake, lending
from sync_server.heart.below import PushBelow, SalesBelow
from sync_server.heart.history import quarantined_streams
from sync_server.heart.source import Source, run_in
from sync_server.heart.terms import ExtendTerms, due_streams
from sync_server.heart.work import UnknownStream
from sync_server.services.contact import Contact, Greeting, note_contact, take_greeting
from sync_server.services.feed import ROWS_PER_PULL_MAX
from sync_server.services.generations import Told
from sync_server.services.permissions import NodeRole, Permission
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from ticketing.admission import entry_to_wire, miss_to_wire
from ticketing.code import CODE_CHARS
from ticketing.ids import is_generation, is_op_id, is_stream_id, is_u32
from ticketing.journal import ROOT_HASH, is_hash, op_from_wire
from ticketing.operations import COUNTS_MAX, is_name, is_seen_list, op_ids

PROTO = 1
PUSH_BYTES_MAX = 1024 * 1024
STREAMS_PER_PULL_MAX = 200
NOT_ARBITER = "not_arbiter"
WAIT_S_MAX = 30.0
_SESSION_CHARS_MAX = 64
_JOURNALS_MAX = 500
_CURSORS_MAX = 5_000
_COUNT_MAX = 2**31 - 1


@route(
    "POST",
    "/v1/hello",
    permission=Permission.NODE_HELLO,
    body_max=PUSH_BYTES_MAX,
    takes=journals.Hello,
    gives=journals.Greeted,
)
async def hello(request: web.Request) -> web.Response:
    """Compare journal heads, tell the time and the generation."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    protos = body.get("proto")
    if not isinstance(protos, list) or PROTO not in protos:
        raise Problem(426, "proto_unknown", "this server speaks protocol 1", min_proto=PROTO)
    told = _journals(body)
    contact = _contact(body)
    greeting = _greeting(body)
    history = _history(body)
    await doubt_history(centre, node, history)
    generation = centre.generation.short
    is_present = history.generation == generation
    at_hub = bool(request.app[HUB_ID])

    def compare(tx: Transaction) -> tuple[list[dict[str, object]], tuple[str, ...]] | None:
        if not take_greeting(tx, node.id, greeting):
            return None
        note_contact(tx, node.id, contact)
        # A gate has nothing to declare, and may not; a hub does it for the tills below it.
        is_lent_to = node.role != NodeRole.GATE and not at_hub
        waiting = quarantined_streams(Sql.of(tx.connection), node.id) if is_lent_to else ()
        every = told + _left_out(tx, node, body, told)
        return _greet(tx, node, every, fences=is_present, extends=not at_hub), waiting

    found = await centre.write(compare)
    known = centre.nodes.get(node.id)
    if known is not None and contact.program_version not in (None, known.program_version):
        centre.nodes.outdate()  # it was upgraded: perhaps it is served from now on
    if found is None:
        raise Problem(409, "stale_hello", "a later hello of this node came first")
    journals, quarantined = found
    return reply(
        {
            "gen": generation,
            "proto": PROTO,
            "min_proto": PROTO,
            "now_ms": contact.now_ms,
            "venue": centre.venue_id,
            "journals": journals,
            "quarantined": quarantined,
        }
    )


@route(
    "POST",
    "/v1/e/{stream}/push",
    permission=Permission.NODE_PUSH,
    body_max=PUSH_BYTES_MAX,
    takes=journals.Push,
    gives=journals.Verdicts,
)
async def push(request: web.Request) -> web.Response:
    """Take a node's operations; 200 with verdicts, the same ones for a repeated batch."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    batch = _batch(body)
    incarnation = _number(body, "inc", low=1)
    stream = stream_of(request)
    unsynced = _number(body, "unsynced", low=0, high=_COUNT_MAX)

    if incarnation > node.incarnation:
        raise Problem(409, "incarnation_unknown", "this node was not enrolled so often")
    ahead_ms = clock_ahead_ms(body, centre.now_ms())
    source = Source(node.id, node.role, incarnation, stream, clock_ahead_ms=ahead_ms)
    below = SalesBelow if node.role == NodeRole.TILL else PushBelow
    kind = below if request.app[HUB_ID] else intake.Push
    taken = await centre.take(kind(source, batch))
    sent = len(taken.ops) if isinstance(taken, intake.Taken) else 0
    centre.heard(node.id, Contact(centre.now_ms(), max(0, unsynced - sent)))
    return _push_reply(taken)


@route("GET", "/v1/pull", permission=Permission.NODE_PULL, asks=feed.PullQuery, gives=feed.News)
async def pull_news(request: web.Request) -> web.Response:
    """Rows of several streams after the given revisions; waits when there is nothing new."""
    centre, node = request.app[CENTRE], request[NODE]
    query = request.query
    check_proto(query)
    generation = query.get("gen", "")
    if generation != "" and not is_generation(generation):
        raise _malformed("gen")
    poll = Poll(
        generation,
        _cursors(query.get("after", "")),
        min(max(1, _query_number(query, "limit", ROWS_PER_PULL_MAX)), ROWS_PER_PULL_MAX),
        min(max(0.0, _query_number(query, "wait_s", 0)), WAIT_S_MAX),
    )
    await centre.seen(node.id)
    return await answer_pull(request.app[ANSWERS], node, poll)


@route(
    "POST",
    "/v1/e/{stream}/acquire",
    permission=Permission.TILL_ACQUIRE,
    takes=stock.Wish,
    gives=stock.Lent,
)
async def acquire(request: web.Request) -> web.Response:
    """Lend units to a till: 200 with the allotment, 409 with the reason."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    wish, stream = wish_of(body), stream_of(request)

    source = Source(node.id, node.role, node.incarnation, stream)
    generation = centre.generation.short
    outcome = await centre.take(lending.Lend(source, wish, tills=centre.nodes.till_count))
    if isinstance(outcome, lending.NoGrant):
        raise Problem(409, outcome, "nothing was lent")
    return lent(outcome, generation)


@route(
    "POST",
    "/v1/e/{stream}/admit",
    permission=Permission.GATE_ADMIT,
    takes=gates.Scan,
    gives=gates.Admitted | gates.Refused,
)
async def admit(request: web.Request) -> web.Response:
    """Answer a gate's scan, and record the entry when it is let in."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    stream = stream_of(request)
    chip = chip_of(body)
    code, lane, seen = body.get("code", chip and ""), body.get("lane"), body.get("seen")
    sound = is_op_id(body.get("op")) and is_seen_list(seen, arbiter.SEEN_MAX)
    if not sound or not isinstance(code, str) or len(code) > CODE_CHARS * 4:
        raise _malformed("op, code and seen")
    if not isinstance(lane, str) or not is_name(lane):
        raise _malformed("lane")
    gate = body.get("gate", "")
    if not isinstance(gate, str) or (gate and not is_name(gate)):
        raise _malformed("gate")
    assert isinstance(seen, list)
    asked = arbiter.AdmitRequest(op_ids([body["op"]])[0], code, lane, op_ids(seen), gate, chip)
    has_keys = chip is not None and not request.app[HUB_ID]
    keys = centre.chip_keys if has_keys else None
    asking = arbiter.Admit(stream, node.id, asked, request.app[HUB_ID], keys)
    answer = await centre.take(asking)
    if isinstance(answer, arbiter.NotArbiter):
        raise Problem(409, NOT_ARBITER, "another server answers the gates of this event")
    if isinstance(answer, arbiter.Accepted):
        said = {"accepted": True, "op": answer.op_id, "unconfirmed": answer.unconfirmed}
        return reply({**said, "notes": sorted(answer.notes)} if answer.notes else said)
    refusal: dict[str, object] = {"accepted": False, "reason": answer.reason}
    refusal["first_entry"] = entry_to_wire(answer.first_entry)
    return reply({**refusal, "miss": miss_to_wire(answer.miss)} if answer.miss else refusal)


def _greet(
    tx: Transaction,
    node: NodeIdentity,
    told: list[dict[str, Any]],
    *,
    fences: bool,
    extends: bool,
) -> list[dict[str, object]]:
    """Compare the journals, then let the terms of what the node was lent begin anew (`extends`).

    Stream by stream, in the order in which every server locks them.
    """
    journals_of: dict[str, list[int]] = {}
    for position, journal in enumerate(told):
        journals_of.setdefault(str(journal["stream"]), []).append(position)
    due: set[str] = set()
    if extends:
        due.update(due_streams(Sql.of(tx.connection), node.id, node.incarnation, tx.now_ms))
    found: dict[int, dict[str, object]] = {}
    for stream in sorted({*journals_of, *due}):
        for position in journals_of.get(stream, ()):
            found[position] = _compare(tx, node, told[position], fences=fences)
        if stream in due:
            source = Source(node.id, node.role, node.incarnation, stream)
            run_in(tx, ExtendTerms(source), _no_plans)
    return [found[position] for position in range(len(told))]


def _left_out(
    tx: Transaction, node: NodeIdentity, body: Mapping[str, Any], told: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Journals of the node's present life that a greeting of all of them does not name.

    To the node they are empty: had it written to them, it was set back since, or is a copy.
    """
    if body.get("all") is not True or body.get("inc") != node.incarnation:
        return []
    named = {journal["stream"] for journal in told if journal["inc"] == node.incarnation}
    rows = tx.rows(
        "SELECT event_id FROM journal WHERE node_id = :n AND inc = :i AND seq > 0",
        n=node.id,
        i=node.incarnation,
    )
    return [
        {"stream": row[0], "inc": node.incarnation, "seq": 0, "hash": ROOT_HASH}
        for row in rows
        if row[0] not in named
    ]


def _compare(
    tx: Transaction, node: NodeIdentity, told: Mapping[str, Any], *, fences: bool
) -> dict[str, object]:
    stream, incarnation = told["stream"], told["inc"]
    source = Source(node.id, node.role, incarnation, stream)
    try:
        locked = told.get("locked", False)
        check = intake.HeadCheck(source, told["seq"], told["hash"], fences, locked)
        found = run_in(tx, check, _no_plans)
    except UnknownStream:  # nothing was ever sent, so nothing can contradict it
        return {
            "stream": stream,
            "inc": incarnation,
            "acked": 0,
            "hash": ROOT_HASH,
            "forked": False,
        }
    head = ROOT_HASH if isinstance(found, intake.Forked) else found.hash
    return {
        "stream": stream,
        "inc": incarnation,
        "acked": found.acked,
        "hash": head,
        "forked": isinstance(found, intake.Forked),
    }


def _no_plans(_sql: Sql, _stream: str) -> None:
    """Comparing heads and extending terms ask for no plan."""


def _push_reply(
    taken: intake.Taken | intake.Gap | intake.BrokenChain | intake.Forked,
) -> web.Response:
    match taken:
        case intake.Gap(acked, _):
            raise Problem(409, "journal_gap", "send what follows the last one", acked=acked)
        case intake.BrokenChain(seq):
            raise Problem(400, "broken_chain", f"operation {seq} does not follow", seq=seq)
        case intake.Forked(acked):
            raise Problem(409, "journal_forked", "this journal is fenced", acked=acked)
    verdicts = [[op.seq, op.verdict, op.verdict_code, op.rev] for op in taken.ops]
    return reply({"acked": taken.acked, "hash": taken.hash, "verdicts": verdicts})


def _batch(body: Mapping[str, Any]) -> intake.Batch:
    raw, prev = body.get("ops"), body.get("prev")
    if not isinstance(raw, list) or not 1 <= len(raw) <= intake.OPS_PER_PUSH_MAX:
        raise _malformed(f"ops (1 to {intake.OPS_PER_PUSH_MAX})")
    if not isinstance(prev, str) or not is_hash(prev):
        raise _malformed("prev")
    ops = [op for op in map(op_from_wire, raw) if op is not None]
    if len(ops) != len(raw):
        raise _malformed("ops")
    return intake.Batch(_number(body, "first", low=1), prev, tuple(ops))


def wish_of(body: Mapping[str, Any]) -> lending.Acquire:
    """A till's wish as it sends it. Raises Problem."""
    units, req = body.get("units", []), body.get("req")
    if not is_op_id(req) or not is_u32(body.get("performance")):
        raise _malformed("req and performance")
    if not isinstance(units, list) or not all(map(is_u32, units)) or len(set(units)) != len(units):
        raise _malformed("units")
    count = _number(body, "count", low=0) if "count" in body else 0
    if not units and not count:
        raise _malformed("units or count")
    counts = body.get("counts", {})
    if not isinstance(counts, dict) or len(counts) > COUNTS_MAX:
        raise _malformed("counts")
    if not all(is_name(pool) and is_u32(share) for pool, share in counts.items()):
        raise _malformed("counts")
    return lending.Acquire(
        str(req),
        body["performance"],
        tuple(units),
        count,
        body.get("firm") is True,
        tuple(sorted(counts.items())),
    )


def _journals(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    raw = body.get("journals")
    if not isinstance(raw, list) or len(raw) > _JOURNALS_MAX:
        raise _malformed("journals")
    for journal in raw:
        if not (
            isinstance(journal, dict)
            and is_stream_id(journal.get("stream"))
            and is_hash(journal.get("hash"))
            and _number(journal, "inc", low=1)
            and _number(journal, "seq", low=0) >= 0
            and type(journal.get("locked", False)) is bool
        ):
            raise _malformed("journals")
    return raw


def _history(body: Mapping[str, Any]) -> Told:
    """What the node believes of our history; an older program does not say."""
    generation, cursors = body.get("gen", ""), body.get("cursors", {})
    if generation != "" and not is_generation(generation):
        raise _malformed("gen")
    if not isinstance(cursors, dict) or len(cursors) > _CURSORS_MAX:
        raise _malformed("cursors")
    if not all(
        is_stream_id(stream) and type(rev) is int and 0 <= rev < 2**53
        for stream, rev in cursors.items()
    ):
        raise _malformed("cursors")
    return Told(generation, cursors)


def _contact(body: Mapping[str, Any]) -> Contact:
    now_ms = Centre.now_ms()
    version = body.get("program_version", "")
    if version != "" and not is_name(version):
        raise _malformed("program_version")
    offset = clock_ahead_ms(body, now_ms)
    if offset is None:
        raise _malformed("now_ms")
    unsynced = _number(body, "unsynced", low=0, high=_COUNT_MAX)
    return Contact(now_ms, unsynced, version, offset)


def _greeting(body: Mapping[str, Any]) -> Greeting:
    session = body.get("session", "")
    if not isinstance(session, str) or len(session) > _SESSION_CHARS_MAX:
        raise _malformed("session")
    return Greeting(session, _number(body, "turn", low=0) if "turn" in body else 0)


def stream_of(request: web.Request) -> str:
    """The event that a path names. Raises Problem."""
    stream = request.match_info["stream"]
    if not is_stream_id(stream):
        raise Problem(404, "unknown_stream", "there is no such event here")
    return stream


def _cursors(text: str) -> dict[str, int]:
    """Read `stream:rev,stream:rev`."""
    parts = [part.rpartition(":") for part in text.split(",") if part]
    if not 1 <= len(parts) <= STREAMS_PER_PULL_MAX:
        raise _malformed(f"after (1 to {STREAMS_PER_PULL_MAX} streams)")
    if not all(
        is_stream_id(s) and r.isascii() and r.isdigit() and len(r) < 16 for s, _, r in parts
    ):
        raise _malformed("after")
    return {stream: int(rev) for stream, _, rev in parts}


def _query_number(query: Mapping[str, str], name: str, default: float) -> int:
    text = query.get(name, str(default))
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise _malformed(name) from None


def _number(body: Mapping[str, Any], name: str, *, low: int, high: int = 2**53 - 1) -> int:
    value = body.get(name)
    if type(value) is not int or not low <= value <= high:
        raise _malformed(name)
    return value


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")
