"""What handlers find in the application and in a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from sync_server.auditing import AuditKeeper
from sync_server.centre import Centre
from sync_server.handlers.routes import Handler, Route
from sync_server.services.clients import Client
from sync_server.services.feed import view_of
from sync_server.services.limits import Limit
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.services.scopes import WHOLE_VENUE, Access, Scope
from sync_server.services.tokens import Tokens
from sync_server.settings import Settings


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """The node that calls, as its token and the node's row say. `agency`: whose window it is."""

    id: str
    role: NodeRole
    name: str
    incarnation: int = 1
    agency: str = ""

    @property
    def view(self) -> str:
        """What it is told of the feeds."""
        return view_of(self.role, self.agency)


@dataclass(frozen=True, slots=True)
class PersonIdentity:
    """The person who calls from the console. `form_token` goes into every form they are shown."""

    id: str
    login: str
    name: str
    role: PersonRole
    session_hash: str
    form_token: str
    scope: Scope = WHOLE_VENUE

    @property
    def access(self) -> Access:
        """What they may do, and where: handlers of a route that reaches less than the house ask."""
        return Access(self.role, self.scope)


@dataclass(slots=True)
class PasswordChecks:
    """Each check takes 64 MiB and a core. Known devices have a lane that no stranger can fill."""

    known: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    unknown: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Tries before waiting: (burst, seconds for each further one)."""

    # A person who mistypes waits half a minute at most; guessing from one address, or at one
    # login from many, becomes slow; nobody is shut out for ever.
    sign_in_pair: Limit = field(default_factory=lambda: Limit(5, 30))
    sign_in_address: Limit = field(default_factory=lambda: Limit(30, 5))
    # At one login from many unknown devices: these are not refused, but each is made to wait.
    sign_in_login: Limit = field(default_factory=lambda: Limit(60, 2))
    code_pair: Limit = field(default_factory=lambda: Limit(5, 30))
    code_person: Limit = field(default_factory=lambda: Limit(10, 60))
    enrol_address: Limit = field(default_factory=lambda: Limit(20, 5))
    token_address: Limit = field(default_factory=lambda: Limit(120, 0.5))


AUDIT = web.AppKey("audit", AuditKeeper)
CENTRE = web.AppKey("centre", Centre)
SETTINGS = web.AppKey("settings", Settings)
TOKENS = web.AppKey("tokens", Tokens)
LIMITS = web.AppKey("limits", Limits)
HUB_ID = web.AppKey("hub_id", str)
"""The node id of the hub that this server is; '' for the centre."""
CHECKS = web.AppKey("checks", PasswordChecks)
ROUTES: web.AppKey[Mapping[Handler, Route]] = web.AppKey("routes")

NODE = web.RequestKey("node", NodeIdentity)
PERSON = web.RequestKey("person", PersonIdentity)
HEARD_COUNT = web.RequestKey("heard_count", int)
"""How many changes of the books were told when a page was asked for; it may have missed later ones."""
CLIENT = web.RequestKey("client", Client)
REQUEST_ID = web.RequestKey("request_id", str)
