"""What anybody may know: that this is a Boxgate server, and whose."""

from __future__ import annotations

from aiohttp import web

from sync_server.handlers.auth import PROTO
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import joining
from sync_server.handlers.state import CENTRE
from sync_server.services.catalogue import load_venue
from sync_server.services.permissions import Permission


@route("GET", "/v1/about", permission=Permission.PUBLIC, gives=joining.About)
async def about(request: web.Request) -> web.Response:
    """The house's name, for who sets a machine up and wants to know whether the address is right."""
    centre = request.app[CENTRE]
    venue = await centre.read(lambda connection: load_venue(connection, centre.venue_id))
    return web.json_response(
        {
            "program": "boxgate",
            "proto": PROTO,
            "venue": venue.id,
            "names": {language: venue.name.in_language(language) for language in ("en", "zh")},
        }
    )
