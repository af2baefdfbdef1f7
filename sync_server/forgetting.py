"""The day's forgetting beside a running server: see services.retention for what is forgotten."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict

from program.logs import get_logger
from sync_server.centre import Centre
from sync_server.services.audit import Actor
from sync_server.services.retention import (
    BATCHES_PER_RUN_MAX,
    Counts,
    Piece,
    Terms,
    claim_run,
    close_run,
    do_piece,
    pieces,
)

FIRST_LOOK_S = 600.0
"""A server that has just started has better things to do."""
LOOK_PERIOD_S = 3_600.0
PAUSE_S = 0.05
"""Between two pieces: sales come first."""
_BY_ITSELF = Actor("server", "retention")
_log = get_logger(__name__)


class Forgetter:
    """Looks every hour whether the house's daily run is due, and does it."""

    def __init__(self, centre: Centre, terms: Terms) -> None:
        self._centre, self._terms = centre, terms
        self._is_ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._batches_left = 0

    def start(self) -> None:
        """Call when the centre is open."""
        _log.info("retention", terms=list(self._terms.in_words))
        self._task = asyncio.create_task(self._keep(), name="forget what is over")

    async def stop(self) -> None:
        """Call before the centre closes. A run under way ends with its present piece."""
        self._is_ending.set()
        if self._task is not None:
            await self._task

    async def run_if_due(self) -> Counts | None:
        """A run, unless there was one within the last day; what it forgot."""
        if not await self._centre.write(claim_run):
            return None
        now_ms, self._batches_left = self._centre.now_ms(), BATCHES_PER_RUN_MAX
        for piece in await self._centre.read(lambda c: pieces(c, self._terms, now_ms)):
            await self._do(piece)
        if self._is_ending.is_set():
            return None  # the next run counts what this one did
        counts = await self._centre.write(lambda tx: close_run(tx, self._terms, _BY_ITSELF))
        _log.info("retention_run", **asdict(counts))
        return counts

    async def _do(self, piece: Piece) -> None:
        after, is_last = "", False
        while not is_last and self._batches_left and not self._is_ending.is_set():
            self._batches_left -= 1
            done = await self._centre.write(lambda tx, after=after: do_piece(tx, piece, after))  # type: ignore[misc]
            after, is_last = done.after, done.is_last
            if not is_last:
                await self._rest(PAUSE_S)

    async def _keep(self) -> None:
        await self._rest(FIRST_LOOK_S)
        while not self._is_ending.is_set():
            try:
                await self.run_if_due()
            except Exception as error:  # noqa: BLE001 - what is left is found by the next run
                _log.warning("retention_failed", error=type(error).__name__)
            await self._rest(LOOK_PERIOD_S)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_ending.wait()
