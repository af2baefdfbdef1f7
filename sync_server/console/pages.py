"""The console's pages: sign in, the overview, sign out, and what they load."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from aiohttp import web

from program.logs import get_logger
from program.web_look import theme_css
from sync_server.console.figures import FIGURES
from sync_server.console.overview import books_as_json, make_overview
from sync_server.console.rendering import language_of, render
from sync_server.console.session import (
    OVERVIEW_PATH,
    end_visit,
)
from sync_server.handlers.actors import actor_of
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import Media, route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.accounts import Books
from sync_server.services.audit import Deed, note
from sync_server.services.permissions import Permission
from sync_server.services.scopes import Reach
from sync_server.services.sessions import end_session
from sync_server.store.writer import Transaction

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


@route("GET", "/console/books.json", permission=Permission.BOOKS_READ, gives=Books)
async def books(request: web.Request) -> web.Response:
    """The same books for programs."""
    found = await request.app[FIGURES].books()
    return web.json_response(text=books_as_json(found.books))


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
    actor = actor_of(request)

    def end(tx: Transaction) -> None:
        note(tx, Deed.SIGNED_OUT, f"person:{actor.id}", actor)
        end_session(tx, hashed)

    await request.app[CENTRE].write(end)
    return end_visit(request)


@route(
    "GET",
    "/console/static/{name}",
    permission=Permission.PUBLIC,
    gives=Media(("text/css", "text/javascript", "image/svg+xml"), (200, 304)),
)
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
