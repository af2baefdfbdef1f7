"""Routes that declare who may call them: `@route("GET", "/v1/x", permission=Permission.Y)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from aiohttp import web

from sync_server.services.permissions import Permission
from sync_server.services.scopes import Reach

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Shape = Any
"""A type of `sync_server.handlers.shapes`, a `Form`, a `Media`, or None for nothing."""

BODY_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """A body as forms of pages have it, of this shape."""

    shape: Shape


@dataclass(frozen=True, slots=True)
class Media:
    """What is given is no JSON; `kinds` are its content types, `statuses` what it comes with."""

    kinds: tuple[str, ...]
    statuses: tuple[int, ...] = (200,)


@dataclass(frozen=True, slots=True)
class Route:
    """A handler, where it answers and what its caller must be allowed.

    `page`: answered by HTML for people (errors become pages, a missing session leads to the
    sign-in), otherwise by JSON (errors become problem details).

    `reach`: how far a person's scope has to reach; the whole house unless the route says less.

    `asks`, `takes`, `gives`: the shapes of query, body and answer; pages for people have none.
    """

    method: str
    path: str
    permission: Permission
    handler: Handler
    body_bytes_max: int
    page: bool
    reach: Reach = Reach.HOUSE
    asks: Shape = None
    takes: Shape = None
    gives: Shape = None


def route(
    method: str,
    path: str,
    *,
    permission: Permission,
    body_max: int = BODY_BYTES_MAX,
    page: bool = False,
    reach: Reach = Reach.HOUSE,
    asks: Shape = None,
    takes: Shape = None,
    gives: Shape = None,
) -> Callable[[Handler], Route]:
    """Make a handler a route. There is no default permission: a route without one cannot exist."""

    def declare(handler: Handler) -> Route:
        return Route(method, path, permission, handler, body_max, page, reach, asks, takes, gives)

    return declare


def routes_of(module: ModuleType) -> list[Route]:
    """The routes that a module declares, in its order."""
    return [value for value in vars(module).values() if isinstance(value, Route)]
