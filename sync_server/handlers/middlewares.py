"""What happens to every request, once: its id and log line, its errors, its caller, its limits."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from http import HTTPStatus

from aiohttp import hdrs, web
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from program.logs import get_logger
from sync_server.centre import Centre
from sync_server.console.live import BULLETIN
from sync_server.console.session import check_form, end_visit, identify_person, page_for_problem
from sync_server.handlers.headers import HEADERS_OF_DATA, HEADERS_OF_PAGES
from sync_server.handlers.problems import Problem
from sync_server.handlers.proxy import pass_on
from sync_server.handlers.routes import Handler, Route
from sync_server.handlers.state import (
    CENTRE,
    CLIENT,
    HEARD_COUNT,
    NODE,
    PERSON,
    REQUEST_ID,
    ROUTES,
    SETTINGS,
    TOKENS,
    NodeIdentity,
)
from sync_server.heart.work import UnknownStream
from sync_server.ownership import OwnedElsewhere
from sync_server.services.clients import find_client
from sync_server.services.nodes import Node
from sync_server.services.permissions import FOR_NODES, NodeRole, Permission, node_may
from sync_server.store.errors import StoreBusy
from sync_server.store.writer import UNAVAILABLE

FOR_NODE = "Boxgate-For"
"""Names the node that a hub speaks for."""
BODY_TIMEOUT_S = 30
_NOT_FOR_TOO_OLD = frozenset({Permission.NODE_PULL, Permission.TILL_ACQUIRE, Permission.TILL_HOLD})
"""What a program below the house's least version is refused: it may always send what it sold."""
SLOW_S = 1.0
"""A call of a node that took longer is logged even when all went well."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_log = get_logger(__name__)


@web.middleware
async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A request from its arrival to its answer. One function: thousands go through it a second.

    It gets an id, its caller is let in, whatever goes wrong becomes a problem document or a page
    for a person, and when it is done it is logged: never its query, body or headers.
    """
    given = request.headers.get("X-Request-Id")
    request_id = given if given and _REQUEST_ID.fullmatch(given) else _new_request_id()
    request[REQUEST_ID] = request_id
    began_s = time.monotonic()
    response: web.StreamResponse | None = None  # stays when the caller went away
    try:
        try:
            await _guard(request, handler)
            response = await handler(request)
        except OwnedElsewhere as elsewhere:
            response = await pass_on(request, handler, elsewhere)
    except web.HTTPException as error:
        response = await _say(request, _problem_of_http(error))
    except Exception as error:  # noqa: BLE001 - no traceback leaves the server
        response = await _say(request, _problem_of(request, error))
    finally:
        _log_request(request, response.status if response else 0, time.monotonic() - began_s)
    response.headers["X-Request-Id"] = request_id
    return response


def _new_request_id() -> str:
    """Unlike any other of this log: a run's own beginning, and a number."""
    return f"{_RUN}{next(_numbers):08x}"


_RUN = secrets.token_hex(4)
_numbers = itertools.count(1)


def _log_request(request: web.Request, status: int, took_s: float) -> None:
    """One line of a request that a person may have to look up.

    A venue's nodes make thousands of calls a second that go well, and a line costs as much as
    half of a sale: those are written at the level debug only.
    """
    node = request.get(NODE)
    is_plain = node is not None and status == HTTPStatus.OK and took_s < SLOW_S
    if is_plain and not _log.shows_debug:
        return
    person = request.get(PERSON)
    (_log.debug if is_plain else _log.info)(
        "request",
        request_id=request[REQUEST_ID],
        method=request.method,
        path=request.path,
        status=status,
        milliseconds=round(took_s * 1000, 1),
        node_id=node.id if node else None,
        person_id=person.id if person else None,
    )


async def _guard(request: web.Request, handler: Handler) -> None:
    """Let through whoever the route's permission names; a route without one lets nobody through."""
    route = request.app[ROUTES].get(handler)
    if route is None:
        if request.match_info.http_exception is not None:
            return  # there is no such route: the handler says so
        raise Problem(403, "forbidden", "this address is not open to anybody")
    if "%00" in request.raw_path:
        raise Problem(400, "malformed", "an address holds no NUL: no database keeps it")
    if route.permission in FOR_NODES:
        await _admit_node(request, route.permission)
    elif route.permission is not Permission.PUBLIC:
        await _admit_person(request, route)
    if request.can_read_body:
        await _read_body(request, route)
    if route.page and request.method == "POST":
        await check_form(request)


async def secure_response(request: web.Request, response: web.StreamResponse) -> None:
    """Headers that every answer carries; a signal, so that no answer can get around it."""
    headers = response.headers
    if hdrs.CONTENT_SECURITY_POLICY not in headers:  # what `wire.reply` made has them all
        headers.update(HEADERS_OF_PAGES if _is_html(response) else HEADERS_OF_DATA)
        headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    if request.app[SETTINGS].is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"


def _is_html(response: web.StreamResponse) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/html")


async def _admit_node(request: web.Request, permission: Permission) -> None:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "token_missing", "this call needs an access token")
    bearer = request.app[TOKENS].bearer_of(token, time.time())
    if bearer is None:
        raise Problem(401, "token_invalid", "the access token has expired or is not ours")
    centre = request.app[CENTRE]
    if not centre.nodes.is_current:
        await centre.refresh_nodes()
    node = centre.nodes.get(bearer.node_id)
    if node is None or node.incarnation < bearer.incarnation:  # enrolled by another server just now
        node = await centre.look_for_node(bearer.node_id)
    if node is None or not node.is_active:
        raise Problem(401, "node_revoked", "this node is no longer enrolled here")
    if node.incarnation != bearer.incarnation:  # by a copy of the machine, or the machine before it
        raise Problem(401, "token_invalid", "this node was enrolled again since")
    if FOR_NODE in request.headers:
        node = _below(centre, node, request.headers[FOR_NODE])
    request[NODE] = NodeIdentity(node.id, node.role, node.name, node.incarnation, node.agency)
    if not node_may(node.role, permission):
        raise Problem(403, "forbidden", f"a {node.role} may not do this")
    is_here = FOR_NODE not in request.headers  # a hub's own nodes tell us no versions
    if is_here and node.is_too_old and permission in _NOT_FOR_TOO_OLD:
        raise Problem(
            426, "program_too_old", "install the newer program; what you push is still taken"
        )


async def _admit_client(request: web.Request, route: Route, token: str) -> None:
    """A program of others: asked for at every call, so that one that was ended is out at once."""
    client_id = request.app[TOKENS].client_of(token, time.time())
    if client_id is None:
        raise Problem(401, "token_invalid", "the access token has expired or is not ours")
    client = await request.app[CENTRE].read(lambda connection: find_client(connection, client_id))
    if client is None:
        raise Problem(401, "client_ended", "this client was ended")
    request[CLIENT] = client
    event_id = request.match_info.get("event", "")
    if not client.access.may(route.permission, route.reach, event_id):
        raise Problem(403, "forbidden", f"the role {client.role} may not do this")


def _below(centre: Centre, hub: Node, node_id: str) -> Node:
    """The node that a hub speaks for: one that calls this very hub, and no other."""
    node = centre.nodes.get(node_id)
    if hub.role is not NodeRole.HUB or node is None or node.hub != hub.id:
        raise Problem(403, "not_below_you", "you may not speak for this node")
    if not node.is_active:
        raise Problem(403, "node_not_active", "the node that you speak for was revoked")
    return node


async def _admit_person(request: web.Request, route: Route) -> None:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer" and not route.page:
        await _admit_client(request, route, token)
        return
    if not route.page and request.method not in ("GET", "HEAD"):
        # No form, so nothing shows that the browser was told to by one of our pages.
        raise Problem(401, "token_missing", "this call needs an access token")
    request[HEARD_COUNT] = request.app[BULLETIN].told_count  # before anything is read
    person = await identify_person(request)
    if person is None:
        raise Problem(401, "not_signed_in", "please sign in first")
    request[PERSON] = person
    event_id = request.match_info.get("event", "")
    if not person.access.may(route.permission, route.reach, event_id):
        raise Problem(403, "forbidden", f"the role {person.role} may not do this")


async def _read_body(request: web.Request, route: Route) -> None:
    """Read the whole body, within the route's size and in time; handlers find it read."""
    too_large = Problem(413, "too_large", f"at most {route.body_bytes_max} bytes are taken here")
    if (request.content_length or 0) > route.body_bytes_max:
        raise too_large
    # A body that does not say its length ends here too, and not at the largest route's size.
    request._client_max_size = route.body_bytes_max  # noqa: SLF001 - else a clone of the request
    try:
        if request.content.is_eof():  # came with the head, as what tills and gates send does
            body = await request.read()
        else:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await request.read()
    except TimeoutError:
        raise Problem(408, "too_slow", "the request did not arrive in time") from None
    except ConnectionError:  # the caller went away: nobody reads this answer
        raise Problem(400, "cut_off", "the connection ended within the request") from None
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    if len(body) > route.body_bytes_max:
        raise too_large


def _problem_of_http(error: web.HTTPException) -> Problem:
    """Refusals of aiohttp itself in our form: no such address, wrong method, and the like."""
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    problem = Problem(error.status, codes.get(error.status, "bad_request"), error.reason)
    if "Allow" in error.headers:
        problem.extra["allow"] = error.headers["Allow"]
    return problem


def _problem_of(request: web.Request, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreBusy):
        return Problem(503, "busy", str(error), retry_after_s=1)
    if isinstance(error, UnknownStream):
        return Problem(404, "unknown_stream", f"there is no such event here: {error}")
    if isinstance(error, (DBAPIError, PoolTimeout, *UNAVAILABLE)):
        # The driver's own message may quote values, so only its kind is logged.
        kind = type(getattr(error, "orig", None) or error).__name__
        _log.error("database_failed", request_id=request[REQUEST_ID], kind=kind)
        return Problem(503, "store_unavailable", "the database does not answer", retry_after_s=2)
    _log.exception("request_failed", request_id=request[REQUEST_ID])
    return Problem(500, "internal_error", "a defect in the server; the log knows more")


async def _say(request: web.Request, problem: Problem) -> web.StreamResponse:
    route = request.app[ROUTES].get(request.match_info.handler)
    is_page = route.page if route else request.path.startswith("/console")
    if not is_page:
        return problem.response()
    if problem.status == HTTPStatus.UNAUTHORIZED:
        return end_visit(request)
    return await page_for_problem(request, problem)
