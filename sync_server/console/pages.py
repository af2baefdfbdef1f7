"""The console's pages: sign in, the overview, sign out, and what they load."""

from __future__ import annotations

from aiohttp import web

from program.logs import get_logger
from sync_server.console.figures import FIGURES
from sync_server.console.loaded import KINDS, LOADED_PATH, loaded_file
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
    f"{LOADED_PATH}/{{name}}",
    permission=Permission.PUBLIC,
    gives=Media(KINDS, (200, 304)),
)
async def static_file(request: web.Request) -> web.Response:
    """Style, script and icon; they hold nothing of the house."""
    file = loaded_file(request.match_info["name"])
    if file is None:
        raise Problem(404, "not_found", "there is no such file")
    headers = {"Cache-Control": file.kept_by_browsers(request.query_string), "ETag": file.tag}
    if request.headers.get("If-None-Match") == file.tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.data, content_type=file.kind, charset="utf-8", headers=headers)
