"""Passing a call on to the server that owns its stream: any server may be asked, one decides.

The body goes on byte for byte, and the caller's own token with it: keys are shared, so the owner
checks the caller itself. One hop and no more: whoever is asked by another server and does not own
the stream says so. Calls are safe to repeat, so one whose outcome is unknown may be sent again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from program.logs import get_logger
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import Handler
from sync_server.handlers.state import CENTRE, REQUEST_ID
from sync_server.ownership import OwnedElsewhere

PASSED_ON_BY = "Boxgate-Passed-On-By"
"""Names the server that passed a call on: such a call goes no further."""
UNDER_WAY_MAX = 512
CONNECTIONS_MAX = 64
CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 4 * 1024 * 1024
TRIES = 3
_ON_THE_WAY = (hdrs.AUTHORIZATION, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)
_ON_THE_WAY_BACK = (hdrs.CONTENT_TYPE, hdrs.RETRY_AFTER, hdrs.WWW_AUTHENTICATE)
_log = get_logger(__name__)


class Messenger:
    """Connections to the other servers."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._under_way = 0

    async def open(self) -> None:
        """On the loop that will use it; nothing is connected yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, request: web.Request, url: str, own_url: str) -> web.Response | None:
        """The owner's answer; None when there is no such server, or it is not the owner."""
        assert self._session is not None
        if self._under_way >= UNDER_WAY_MAX:
            raise Problem(503, "busy", "the server is busy; try again", retry_after_s=1)
        kept = {name: request.headers[name] for name in _ON_THE_WAY if name in request.headers}
        self._under_way += 1
        try:
            async with self._session.request(
                request.method,
                URL(f"{url}{request.raw_path}", encoded=True),
                data=await request.read(),
                headers=kept | {"X-Request-Id": request[REQUEST_ID], PASSED_ON_BY: own_url},
                allow_redirects=False,
            ) as answer:
                if answer.status == HTTPStatus.MISDIRECTED_REQUEST:
                    return None
                return await _repeated(answer)
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: not an address at all
            _log.warning("owner_not_reached", url=url, error=type(error).__name__)
            return None
        except TimeoutError:
            _log.warning("owner_does_not_answer", url=url)
            raise _no_owner() from None
        finally:
            self._under_way -= 1


MESSENGER = web.AppKey("messenger", Messenger)


def set_up_messenger(app: web.Application) -> None:
    """Call once, before the application starts."""
    app[MESSENGER] = Messenger()
    app.cleanup_ctx.append(_run_messenger)


async def pass_on(
    request: web.Request, handler: Handler, elsewhere: OwnedElsewhere
) -> web.StreamResponse:
    """Answer a call whose stream another server owns with that server's answer."""
    if PASSED_ON_BY in request.headers:
        raise Problem(421, "not_owner", "another server owns this event")
    ownership = request.app[CENTRE].ownership
    for _ in range(TRIES):
        answer = await request.app[MESSENGER].ask(request, elsewhere.url, ownership.own_url)
        if answer is not None:
            return answer
        ownership.doubt(elsewhere.stream)
        try:
            return await handler(request)  # it may be ours by now
        except OwnedElsewhere as found:
            if found.url == elsewhere.url:
                break
            elsewhere = found
    raise _no_owner()


def _no_owner() -> Problem:
    return Problem(
        503, "owner_unavailable", "the server that has this event does not answer", retry_after_s=1
    )


async def _repeated(answer: aiohttp.ClientResponse) -> web.Response:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise aiohttp.ClientPayloadError("the answer is too long")
    kept = {name: answer.headers[name] for name in _ON_THE_WAY_BACK if name in answer.headers}
    return web.Response(status=answer.status, body=bytes(body), headers=kept)


async def _run_messenger(app: web.Application) -> AsyncIterator[None]:
    await app[MESSENGER].open()
    yield
    await app[MESSENGER].close()
