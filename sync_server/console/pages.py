"""The console's pages: sign in, the overview, sign out, and what they load."""

from __future__ import annotations

import asyncio
import hashlib
import time
from functools import cache
from http import HTTPStatus
from importlib import resources

from aiohttp import web

from program.logs import get_logger
from program.web_look import theme_css
from sync_server.console.figures import FIGURES
from sync_server.console.overview import books_as_json, make_overview
from sync_server.console.rendering import language_of, render
from sync_server.console.session import (
    OVERVIEW_PATH,
    SIGN_IN_PATH,
    begin_visit,
    end_visit,
    keep_visit,
    known_device,
    visit_token,
)
from sync_server.handlers.addresses import address_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, LIMITS, PASSWORD_CHECKS, PERSON, SETTINGS
from sync_server.services.limits import Limit
from sync_server.services.people import LOGIN_CHARS_MAX, PASSWORD_CHARS_MAX, Person, is_password
from sync_server.services.permissions import Permission, person_may
from sync_server.services.scopes import Reach
from sync_server.services.sessions import begin_session, end_session, find_person_to_sign_in

_FORM_BYTES_MAX = 4_096
_STATIC = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "keys.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
    "theme.css": "text/css",
}
_log = get_logger(__name__)


@route("GET", "/", permission=Permission.PUBLIC, page=True)
async def to_console(_request: web.Request) -> web.Response:
    """Whoever types the server's address wants the console."""
    return web.Response(status=303, headers={"Location": OVERVIEW_PATH})


@route("GET", "/console", permission=Permission.PUBLIC, page=True)
async def to_overview(_request: web.Request) -> web.Response:
    """The address without its last slash."""
    return web.Response(status=303, headers={"Location": OVERVIEW_PATH})


@route("GET", OVERVIEW_PATH, permission=Permission.CONSOLE_VIEW, page=True)
async def overview(request: web.Request) -> web.Response:
    """The first page: is every place, all money and every entry accounted for?"""
    snapshot = await request.app[FIGURES].books()
    page = make_overview(snapshot, language_of(request))
    return render(request, "overview.html", {"page": page})


@route("GET", "/console/books.json", permission=Permission.BOOKS_READ)
async def books(request: web.Request) -> web.Response:
    """The same books for programs."""
    found = await request.app[FIGURES].books()
    return web.json_response(text=books_as_json(found.books))


@route("GET", SIGN_IN_PATH, permission=Permission.PUBLIC, page=True)
async def sign_in_page(request: web.Request) -> web.Response:
    """The form."""
    return _sign_in_form(request)


@route("POST", SIGN_IN_PATH, permission=Permission.PUBLIC, body_max=_FORM_BYTES_MAX, page=True)
async def sign_in(request: web.Request) -> web.Response:
    """Check login and password; a session and the overview, or the form again."""
    form = read_form(await request.read())
    login, password = form.get("login", "").strip(), form.get("password", "")
    limits = _limits_of(request, login)
    now_s = time.monotonic()
    wait_s = max(limit.wait_s(key, now_s) for limit, key in limits)
    if wait_s:
        _log.warning("sign_in_held_back", wait_s=wait_s)
        return _sign_in_form(request, login=login, wait_s=wait_s)
    for limit, key in limits:
        limit.take(key, now_s)  # before the check, so that many at once do not slip through
    person = await _check_password(request, login, password)
    if person is None:
        _log.warning("sign_in_refused")
        return _sign_in_form(request, login=login, is_wrong=True)
    own_limit, own_key = limits[0]
    own_limit.forget(own_key)
    session_limits = request.app[SETTINGS].console.limits
    token = await request.app[CENTRE].write(lambda tx: begin_session(tx, person.id, session_limits))
    _log.info("signed_in", person_id=person.id)
    return begin_visit(request, token, login)


@route(
    "POST",
    "/console/logout",
    permission=Permission.OWN_ACCOUNT,
    body_max=_FORM_BYTES_MAX,
    page=True,
    reach=Reach.OWN,
)
async def sign_out(request: web.Request) -> web.Response:
    """End the session here and now."""
    hashed = request[PERSON].session_hash
    await request.app[CENTRE].write(lambda tx: end_session(tx, hashed))
    return end_visit(request)


@route("GET", "/console/static/{name}", permission=Permission.PUBLIC)
async def static_file(request: web.Request) -> web.Response:
    """Style, script and icon; they hold nothing of the house."""
    name = request.match_info["name"]
    if name not in _STATIC:
        raise Problem(404, "not_found", "there is no such file")
    data, kind, tag = _static_file(name)
    headers = {"Cache-Control": "no-cache", "ETag": f'"{tag}"'}
    if request.headers.get("If-None-Match") == f'"{tag}"':
        return web.Response(status=304, headers=headers)
    return web.Response(body=data, content_type=kind, charset="utf-8", headers=headers)


@cache
def _static_file(name: str) -> tuple[bytes, str, str]:
    """A file's bytes, its content type, and a tag that changes when it does."""
    if name == "theme.css":
        data = theme_css()
    else:
        data = (resources.files("sync_server.console") / "static" / name).read_bytes()
    return data, _STATIC[name], hashlib.sha256(data).hexdigest()[:16]


def _limits_of(request: web.Request, login: str) -> list[tuple[Limit, str]]:
    """What counts this try: the device's own limit where it is known, else address and login."""
    limits = request.app[LIMITS]
    device = known_device(request, login)
    if device is not None:
        return [(limits.sign_in_pair, f"device {device}")]
    address, who = address_of(request), login[:LOGIN_CHARS_MAX]
    return [
        (limits.sign_in_pair, f"{address} {who}"),
        (limits.sign_in_address, address),
        (limits.sign_in_login, who),
    ]


async def _check_password(request: web.Request, login: str, password: str) -> Person | None:
    """The person, if the password is theirs and their role may see the console."""
    if not 0 < len(login) <= LOGIN_CHARS_MAX or len(password) > PASSWORD_CHARS_MAX:
        return None
    found = await request.app[CENTRE].read(lambda c: find_person_to_sign_in(c, login))
    password_hash = found[1] if found else ""
    async with request.app[PASSWORD_CHECKS]:
        is_right = await asyncio.to_thread(is_password, password_hash, password)
    if not is_right or found is None:
        return None
    return found[0] if person_may(found[0].role, Permission.CONSOLE_VIEW) else None


def _sign_in_form(
    request: web.Request, *, login: str = "", is_wrong: bool = False, wait_s: int = 0
) -> web.Response:
    token, visit = visit_token(request)
    status = HTTPStatus.OK
    if wait_s:
        status = HTTPStatus.TOO_MANY_REQUESTS
    elif is_wrong:
        status = HTTPStatus.UNAUTHORIZED
    context = {"form_token": token, "login": login, "is_wrong": is_wrong, "wait_s": wait_s}
    response = render(request, "login.html", context, status=status)
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    keep_visit(request, response, visit)
    return response
