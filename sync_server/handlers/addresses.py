"""Where a request comes from, as far as it counts for rate limits."""

from __future__ import annotations

from aiohttp import web

from sync_server.handlers.state import SETTINGS
from sync_server.services.limits import address_key


def address_of(request: web.Request) -> str:
    """The caller's address; behind a proxy the last one that the proxy itself has seen."""
    address = request.remote
    if request.app[SETTINGS].behind_proxy:
        forwarded = request.headers.getall("X-Forwarded-For", [])
        address = forwarded[-1].rpartition(",")[2].strip() if forwarded else address
    return address_key(address)
