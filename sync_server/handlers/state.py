"""What handlers find in the application and in a request."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.routes import Route
from sync_server.services.permissions import NodeRole, PersonRole


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """The node that calls, as its token and the node's row say."""

    id: str
    role: NodeRole
    name: str


@dataclass(frozen=True, slots=True)
class PersonIdentity:
    """The person who calls from the console. `csrf_token` goes into every form they are shown."""

    id: str
    login: str
    name: str
    role: PersonRole
    session_hash: str
    csrf_token: str


CENTRE = web.AppKey("centre", Centre)
ROUTES = web.AppKey("routes", dict[tuple[str, str], Route])
NODE = web.RequestKey("node", NodeIdentity)
PERSON = web.RequestKey("person", PersonIdentity)
REQUEST_ID = web.RequestKey("request_id", str)
