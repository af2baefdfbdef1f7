"""News: long polls sleep until one of their streams changes, and no change is slept through."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

WAITERS_MAX = 4_096


class News:
    """Used on the event loop only.

    Take a `ticket` BEFORE reading, and give it to `wait`: a change published between the two
    ends the wait at once, so no wake-up is lost.
    """

    def __init__(self) -> None:
        self._count = 0
        self._last_change: dict[str, int] = {}
        self._waiters: dict[asyncio.Future[None], frozenset[str]] = {}
        self._closed = False

    def ticket(self) -> int:
        """The present moment, in published changes."""
        return self._count

    def publish(self, streams: Collection[str]) -> None:
        """Something new can be read in these streams."""
        self._count += 1
        for stream in streams:
            self._last_change[stream] = self._count
        self._wake([w for w, wanted in self._waiters.items() if not wanted.isdisjoint(streams)])

    async def wait(self, streams: Collection[str], ticket: int, timeout_s: float) -> None:
        """Return when a stream has changed since the ticket, when time is up, or on `close`.

        Returns at once, too, when WAITERS_MAX others wait: the caller answers and is asked again.
        """
        changed = any(self._last_change.get(stream, 0) > ticket for stream in streams)
        if changed or self._closed or timeout_s <= 0 or len(self._waiters) >= WAITERS_MAX:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = frozenset(streams)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return
        finally:
            self._waiters.pop(waiter, None)

    def close(self) -> None:
        """Wake everybody, and let nobody wait any more."""
        self._closed = True
        self._wake(list(self._waiters))

    def _wake(self, waiters: list[asyncio.Future[None]]) -> None:
        for waiter in waiters:
            self._waiters.pop(waiter, None)
            if not waiter.done():
                waiter.set_result(None)
