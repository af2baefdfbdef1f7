"""What tills are told and tell of buyers: the keys it is sealed with, and the sealed texts."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import stock
from sync_server.handlers.state import CENTRE, NODE
from sync_server.handlers.wire import read_object, reply
from sync_server.heart.buyers import BUYERS_PER_CALL_MAX, PutBuyers, ToldBuyer
from sync_server.heart.source import Source
from sync_server.services.buyers import keys_in_use
from sync_server.services.permissions import Permission
from ticketing.ids import is_order_id, is_stream_id
from ticketing.keys import KEY_BYTES, SIGNATURE_BYTES, is_signed, sign
from ticketing.personal import (
    TOKENS_MAX,
    answer_message,
    ask_message,
    is_sealed,
    is_token,
    wrap_keys,
)

_BYTES_MAX = 1024 * 1024
_EXACT_MAX = 2**53 - 1
_INT_MAX = 2**31 - 1


@route(
    "POST",
    "/v1/data-keys",
    permission=Permission.TILL_BUYERS,
    takes=stock.KeysWanted,
    gives=stock.Keys,
)
async def data_keys(request: web.Request) -> web.Response:
    """The keys for personal data, sealed to a key that this till made for the answer.

    The question is signed with the till's own key: a token that was overheard gets nothing.
    """
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    public = _hex(body.get("public"), KEY_BYTES)
    signature = _hex(body.get("signature"), SIGNATURE_BYTES)
    known = centre.nodes.get(node.id) or await centre.look_for_node(node.id)
    if public is None or signature is None or known is None:
        raise _malformed("public and signature")
    if not is_signed(known.public, signature, ask_message(node.id, public)):
        raise Problem(403, "not_signed", "the question is not signed by this node's key")
    keys = await centre.read(lambda connection: keys_in_use(connection, centre.keys.personal_data))
    wrapped = wrap_keys(keys, public, secrets.token_bytes(KEY_BYTES))
    if wrapped is None:
        raise _malformed("public")
    said = sign(centre.keys.node, answer_message(node.id, public, wrapped))
    return reply({"keys": wrapped.hex(), "signature": said.hex()})


@route(
    "POST",
    "/v1/e/{stream}/buyers",
    permission=Permission.TILL_BUYERS,
    body_max=_BYTES_MAX,
    takes=stock.Buyers,
    gives=stock.BuyersTaken,
)
async def put_buyers(request: web.Request) -> web.Response:
    """Take sealed texts of buyers; the same told twice changes nothing."""
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    stream, raw = request.match_info["stream"], body.get("buyers")
    if not is_stream_id(stream):
        raise Problem(404, "unknown_stream", "there is no such event here")
    if not isinstance(raw, list) or not 1 <= len(raw) <= BUYERS_PER_CALL_MAX:
        raise _malformed(f"buyers (1 to {BUYERS_PER_CALL_MAX})")
    told = tuple(one for one in map(_told, raw) if one is not None)
    if len(told) != len(raw) or len({one.order_id for one in told}) != len(told):
        raise _malformed("buyers")
    source = Source(node.id, node.role, node.incarnation, stream)
    generation = centre.generation.short
    news_count = await centre.take(PutBuyers(source, told))
    return reply({"gen": generation, "news": news_count})


def _told(raw: Any) -> ToldBuyer | None:
    if not isinstance(raw, dict):
        return None
    sealed, tokens = raw.get("sealed"), raw.get("tokens")
    if not isinstance(tokens, list) or len(tokens) > TOKENS_MAX or not all(map(is_token, tokens)):
        return None
    if not (
        is_order_id(raw.get("order"))
        and (sealed == "" or is_sealed(sealed))
        and type(raw.get("key")) is int
        and 0 <= raw["key"] <= _INT_MAX
        and type(raw.get("at_ms")) is int
        and 0 <= raw["at_ms"] <= _EXACT_MAX
    ):
        return None
    return ToldBuyer(raw["order"], raw["key"], str(sealed), tuple(tokens), raw["at_ms"])


def _hex(value: object, size: int) -> bytes | None:
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return None
    return raw if len(raw) == size else None


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")
