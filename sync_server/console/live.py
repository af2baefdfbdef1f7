"""Server-sent events: whoever has a page of the console open hears when its figures have changed.

An event carries nothing but that; the page fetches itself anew, as it would by its Refresh link.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from program.logs import get_logger
from sync_server.console.figures import FIGURES
from sync_server.console.session import identify_person
from sync_server.handlers.routes import Media, route
from sync_server.services.accounts import Books
from sync_server.services.permissions import Permission

LISTENERS_MAX = 200
"""Pages that are told at once; more of them look by themselves every few seconds."""
LOOK_PERIOD_S = 1.0
BEAT_PERIOD_S = 10.0
"""So often a silent stream says that it lives, and looks whether its listener is still signed in."""
RETRY_MS = 3_000
_log = get_logger(__name__)


class Bulletin:
    """Tells listeners that the books have changed. Used on the event loop only."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._listeners = 0
        self.told_count = secrets.randbelow(2**32)
        """Grows with each change of the books: who knows this number has missed nothing.

        It begins anywhere, so that a page made before a restart, or by another process, knows not.
        """
        self.is_closed = False

    @property
    def has_listeners(self) -> bool:
        """Whether anybody waits for news; without them nobody need look for any."""
        return self._listeners > 0

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another listener."""
        return self._listeners >= LISTENERS_MAX

    def join(self) -> None:
        """One more listens."""
        self._listeners += 1

    def leave(self) -> None:
        """One fewer."""
        self._listeners -= 1

    def tell(self) -> None:
        """The books have changed: whoever waits hears of it, now or when they come back to wait."""
        self.told_count += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """The server stops: every stream ends."""
        self.is_closed = True
        self.tell()

    async def wait(self, heard_count: int, timeout_s: float) -> bool:
        """Whether there are more changes than these before time is up."""
        if self.told_count != heard_count:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
                return True
        return False


BULLETIN = web.AppKey("bulletin", Bulletin)


def set_up_bulletin(app: web.Application) -> None:
    """Look after the bulletin while the application runs."""
    app[BULLETIN] = Bulletin()
    app.cleanup_ctx.append(_keep_looking)
    app.on_shutdown.append(_close)


@route(
    "GET",
    "/console/live",
    permission=Permission.CONSOLE_VIEW,
    gives=Media(("text/event-stream",), (200, 204)),
)
async def live(request: web.Request) -> web.StreamResponse:
    """Say `news` when the books change, `over` when the session ended; 204 when it is full here.

    A page says with `heard` what it knew when it was made: what it has missed since is news.
    """
    bulletin = request.app[BULLETIN]
    if bulletin.is_full or bulletin.is_closed:
        return web.Response(status=204)  # to a browser: do not ask again
    response = web.StreamResponse()
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy in front must not hold lines back
    bulletin.join()
    is_latest = request.query.get("heard") in (None, str(bulletin.told_count))
    heard_count = bulletin.told_count if is_latest else -1
    try:
        await response.prepare(request)
        await response.write(f"retry: {RETRY_MS}\n\n".encode())
        await _tell(request, response, bulletin, heard_count)
    except ConnectionError:
        _log.debug("listener_gone")
    finally:
        bulletin.leave()
    return response


async def _tell(
    request: web.Request, response: web.StreamResponse, bulletin: Bulletin, heard_count: int
) -> None:
    while not bulletin.is_closed:
        if await bulletin.wait(heard_count, BEAT_PERIOD_S):
            heard_count = bulletin.told_count
            await response.write(b"event: news\ndata:\n\n")
        elif await identify_person(request) is None:
            await response.write(b"event: over\ndata:\n\n")
            return
        else:
            await response.write(b": still here\n\n")


async def _keep_looking(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_look(app), name="look for news of the books")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _look(app: web.Application) -> None:
    """While somebody listens: look whether the books are what they were."""
    known: Books | None = None
    while True:
        await asyncio.sleep(LOOK_PERIOD_S)
        bulletin = app[BULLETIN]
        if not bulletin.has_listeners:
            continue
        try:
            found = (await app[FIGURES].books()).books
        except Exception as error:  # noqa: BLE001 - the next look may succeed
            _log.warning("books_not_read", error=type(error).__name__)
            continue
        if found != known:
            known = found
            bulletin.tell()


async def _close(app: web.Application) -> None:
    app[BULLETIN].close()
