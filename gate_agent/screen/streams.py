"""Pages that are open, and what is sent to them: events from the server (SSE)."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable

from aiohttp import hdrs, web

CLIENTS_MAX = 32
"""Pages open at the same time, of all lanes; more are told to try again."""
WAITING_MAX = 16
"""Events that wait for one page; beyond it the oldest is left out: the newest is what counts."""
BEAT_S = 2.0
"""At most so long a page hears nothing. A page that hears nothing longer says so itself."""
SEND_S = 10.0
"""A page that takes nothing for so long is given up."""
AGAIN_MS = 1_000
"""When a page that lost its stream asks again."""


class Client:
    """One open page."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._waiting: deque[bytes] = deque(maxlen=WAITING_MAX)
        self._news = asyncio.Event()
        self.is_closed = False

    def give(self, event: bytes) -> None:
        """Something to send."""
        self._waiting.append(event)
        self._news.set()

    def close(self) -> None:
        """End it."""
        self.is_closed = True
        self._news.set()

    async def next(self) -> bytes:
        """What has gathered; a beat when nothing has come for a while."""
        try:
            async with asyncio.timeout(BEAT_S):
                await self._news.wait()
        except TimeoutError:
            return event("beat", {})
        self._news.clear()
        gathered = b"".join(self._waiting)
        self._waiting.clear()
        return gathered


class Streams:
    """All open pages. Used on the loop alone."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()

    def watched(self, topic: str) -> bool:
        """Whether any page is open that wants this."""
        return any(client.topic == topic for client in self._clients)

    def send(self, topic: str, name: str, data: object) -> None:
        """To every page that wants it."""
        told = event(name, data)
        for client in self._clients:
            if client.topic == topic:
                client.give(told)

    def close(self) -> None:
        """End them all."""
        for client in self._clients:
            client.close()

    async def serve(
        self, request: web.Request, topic: str, first: Callable[[], Iterable[bytes]]
    ) -> web.StreamResponse:
        """Answer with a stream: `first`, made once the page is sure to miss nothing; then news."""
        if len(self._clients) >= CLIENTS_MAX:
            return web.Response(status=503, text="too many pages are open\n")
        client = Client(topic)
        self._clients.add(client)
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream"})
        try:
            await response.prepare(request)
            await _write(response, f"retry: {AGAIN_MS}\n\n".encode() + b"".join(first()))
            while not client.is_closed:
                await _write(response, await client.next())
        except (ConnectionError, TimeoutError):  # the page is gone, or asleep
            pass
        finally:
            self._clients.discard(client)
        return response


def event(name: str, data: object) -> bytes:
    """One event; `data` is JSON, which has no line ends in it."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(SEND_S):
        await response.write(data)
