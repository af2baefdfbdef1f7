"""A value that is costly to make, kept fresh without ever making it twice at once.

While making it is quick, whoever asks gets it as of now. When the house is large they get the
last one at once, which says as of when it is, and a new one is made behind their backs; so rarely
that the making never takes more than a small share of a processor from the sales.

One slow making shows nothing: the first counts what later ones only add to, and a machine may be
busy for a moment. Two in a row do. Until then who asks waits a moment for the new value, and gets
the last one when it is not there by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from program.logs import get_logger

QUICK_S = 0.08
"""So long somebody who asks may wait for a new value each time."""
PATIENCE_S = 1.0
"""So long a making may take, until who asks gets the last value instead, if it is not too old."""
REST_FACTOR = 20
"""After a slow making the next one waits this many times as long: at most a twentieth of a core."""
STALE_S_MAX = 900.0
"""Nobody is shown anything older than this without waiting for a new value."""

T = TypeVar("T")
_log = get_logger(__name__)


class Fresh(Generic[T]):
    """Used on the event loop only."""

    def __init__(
        self, make: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make, self._clock = make, clock
        self._value: T | None = None
        self._began_s = self._made_s = 0.0
        self._took_s = 0.0  # the quicker of the last two
        self._took_last_s = 0.0
        self._making: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The value, as fresh as can be had without making anybody else wait."""
        age_s = self._clock() - self._made_s
        if self._value is None or age_s > STALE_S_MAX:
            return await asyncio.shield(self._begin())
        if self._took_s < QUICK_S:
            making = self._begin()
            took_s = self._clock() - self._began_s
            done, _ = await asyncio.wait([making], timeout=max(0.0, PATIENCE_S - took_s))
            if done:
                return making.result()
            making.add_done_callback(_note_failure)
        elif age_s > self._took_s * REST_FACTOR:
            self._begin().add_done_callback(_note_failure)
        return self._value

    async def get_anew(self) -> T:
        """A value that is made from now on: after a change that the next who look must see."""
        if self._making is not None and not self._making.done():
            await asyncio.wait([self._making])
        return await asyncio.shield(self._begin())

    async def close(self) -> None:
        """Wait for what is being made: its reader must not outlive the database."""
        if self._making is not None:
            await asyncio.gather(self._making, return_exceptions=True)

    def _begin(self) -> asyncio.Task[T]:
        """One making at a time: who asks meanwhile gets what it gives."""
        if self._making is None or self._making.done():
            self._began_s = self._clock()
            self._making = asyncio.create_task(self._renew(), name="make figures")
        return self._making

    async def _renew(self) -> T:
        value = await self._make()
        self._made_s = self._clock()
        took_s = self._made_s - self._began_s
        self._value, self._took_s = value, min(took_s, self._took_last_s)
        self._took_last_s = took_s
        return value


def _note_failure(made: asyncio.Task[T]) -> None:
    if not made.cancelled() and made.exception() is not None:
        _log.warning("figures_not_made", error=type(made.exception()).__name__)
