"""JSON as it comes in and goes out: orjson, which takes a tenth of the time of the standard one.

It is strict where the standard one is lax: NaN and lone surrogates are no JSON, and a number beyond
64 bits becomes a float, which no whole number of ours may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import hdrs, web
from multidict import CIMultiDict

from sync_server.handlers.headers import HEADERS_OF_DATA
from sync_server.handlers.problems import Problem

_HEADERS = CIMultiDict(HEADERS_OF_DATA)
_HEADERS[hdrs.CONTENT_TYPE] = "application/json"
_HEADERS[hdrs.CACHE_CONTROL] = "no-store"


async def read_object(request: web.Request) -> dict[str, Any]:
    """The body, which must be a JSON object. Raises Problem."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise _malformed() from None
    if not isinstance(body, dict):
        raise _malformed()
    return body


def reply(body: Mapping[str, object]) -> web.Response:
    """A document as an answer."""
    return web.Response(body=orjson.dumps(body), headers=CIMultiDict(_HEADERS))


def _malformed() -> Problem:
    return Problem(400, "malformed", "the request's JSON body cannot be read")
