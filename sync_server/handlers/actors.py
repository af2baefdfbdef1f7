"""Who a request acts for, as the audit names them."""

from __future__ import annotations

from aiohttp import web

from sync_server.handlers.addresses import address_of
from sync_server.handlers.state import CLIENT, NODE, PERSON, REQUEST_ID
from sync_server.services.audit import UNKNOWN, Actor


def actor_of(request: web.Request) -> Actor:
    """The person, client or node that calls; nobody before the sign-in."""
    if (person := request.get(PERSON)) is not None:
        return acting(request, "person", person.id)
    if (client := request.get(CLIENT)) is not None:
        return acting(request, "client", client.id)
    if (node := request.get(NODE)) is not None:
        return acting(request, "node", node.id)
    return acting(request, UNKNOWN.kind, UNKNOWN.id)


def acting(request: web.Request, kind: str, actor_id: str) -> Actor:
    """Somebody who has just shown who they are."""
    return Actor(kind, actor_id, address_of(request), request[REQUEST_ID])
