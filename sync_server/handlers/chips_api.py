"""The house's keys for chips, for the nodes that name or check them; and what a gate says of a chip."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import stock
from sync_server.handlers.state import CENTRE, NODE, SETTINGS
from sync_server.handlers.wire import read_object, reply
from sync_server.heart.chips import ShownChip
from sync_server.services.permissions import NodeRole, Permission
from ticketing.ids import TicketId, is_ticket_id
from ticketing.keys import KEY_BYTES, SIGNATURE_BYTES, is_signed, sign
from ticketing.operations import by_credential_from_wire
from ticketing.personal import answer_message, ask_message, wrap_keys

KEYS_OF = "chips:"
"""Before the node's id in what is signed: an answer about other keys is none about these."""
_LINK_CHARS_MAX = 1_000


@route(
    "POST",
    "/v1/chip-keys",
    permission=Permission.NODE_CHIPS,
    takes=stock.KeysWanted,
    gives=stock.Keys,
)
async def chip_keys(request: web.Request) -> web.Response:
    """The keys, sealed to a key that this node made for the answer; the question is signed.

    The key that makes the checks of NTAG 424 chips goes to gates alone, and only where the house
    has set `sun_at_gates`.
    """
    centre, node = request.app[CENTRE], request[NODE]
    body = await read_object(request)
    public = _hex(body.get("public"), KEY_BYTES)
    signature = _hex(body.get("signature"), SIGNATURE_BYTES)
    known = centre.nodes.get(node.id) or await centre.look_for_node(node.id)
    if public is None or signature is None or known is None:
        raise _malformed("public and signature")
    name = KEYS_OF + node.id
    if not is_signed(known.public, signature, ask_message(name, public)):
        raise Problem(403, "not_signed", "the question is not signed by this node's key")
    keys = centre.chip_keys
    if node.role is not NodeRole.GATE or not request.app[SETTINGS].sun_at_gates:
        keys = replace(keys, file_master=None)
    wrapped = wrap_keys([keys.to_data_key()], public, secrets.token_bytes(KEY_BYTES))
    if wrapped is None:
        raise _malformed("public")
    said = sign(centre.keys.node, answer_message(name, public, wrapped))
    return reply({"keys": wrapped.hex(), "signature": said.hex()})


def chip_of(body: Mapping[str, Any]) -> ShownChip | None:
    """The chip that a gate asks about; None where it asks about a code alone."""
    raw = body.get("chip")
    if raw is None:
        return None
    by = by_credential_from_wire(raw)
    if by is None or not is_ticket_id(raw.get("ticket")):
        raise _malformed("chip")
    link, signed, checked = raw.get("link", ""), raw.get("signed", False), raw.get("checked", False)
    if not isinstance(link, str) or len(link) > _LINK_CHARS_MAX:
        raise _malformed("chip")
    if not isinstance(signed, bool) or not isinstance(checked, bool):
        raise _malformed("chip")
    return ShownChip(by, TicketId(raw["ticket"]), link, signed, checked)


def _hex(value: object, size: int) -> bytes | None:
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return None
    return raw if len(raw) == size else None


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")
