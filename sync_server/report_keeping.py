"""The job that keeps the summary tables of reports, beside a running server.

It counts on a reader's thread what has changed, and writes sums in small pieces on the writer's.
When the counting took long it rests many times as long, so sales lose a small share of a processor
at most; then reports say as of when they are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from aiohttp import web

from program.logs import get_logger
from sync_server.centre import Centre
from sync_server.services.catalogue import load_venue
from sync_server.services.freshness import QUICK_S, REST_FACTOR
from sync_server.services.report_sums import (
    Turn,
    TurnOver,
    count_event,
    drop_old,
    find_due,
    find_old,
    pieces_of,
    take_turn,
    write_piece,
)
from sync_server.services.sale_sums import VenueClock, day_rule_of
from sync_server.store.errors import StoreError
from sync_server.store.writer import UNAVAILABLE

FIRST_ROUND_S = 20.0
"""A server that has just started has better things to do, unless somebody asks for a report."""
ROUND_PERIOD_S = 5.0
PATIENCE_S = 0.25
"""So long somebody who asks waits at most for what has changed to be counted."""
PAUSE_S = 0.02
"""Between two pieces: sales come first."""
_OLD_AT_ONCE = 2
_log = get_logger(__name__)


class ReportKeeper:
    """Used on the event loop only."""

    def __init__(self, centre: Centre, clock: Callable[[], float] = time.monotonic) -> None:
        self._centre, self._clock = centre, clock
        self._is_ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._round: asyncio.Task[None] | None = None
        self._rests_until_s = self._took_s = 0.0
        self._is_awaited, self._asked_s = False, 0.0
        self.tell: Callable[[], None] = lambda: None
        """Called when figures are there that somebody did not wait for any longer."""

    def start(self) -> None:
        """Call when the centre is open."""
        self._task = asyncio.create_task(self._keep(), name="keep reports")

    async def stop(self) -> None:
        """Call before the centre closes. A long count is given up."""
        self._is_ending.set()
        if self._task is not None:
            await self._task
        if self._round is not None:
            await asyncio.gather(self._round, return_exceptions=True)

    async def catch_up(self) -> None:
        """Count what has changed, unless that takes longer than somebody waits who asks for it."""
        self._is_awaited, self._asked_s = True, self._clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                if self._round is not None:  # it may have begun before what is asked for happened
                    await asyncio.wait([self._round])
                if self._clock() >= self._rests_until_s:
                    await asyncio.wait([self._begin()])
                    self._is_awaited = False

    def _begin(self) -> asyncio.Task[None]:
        """One round at a time."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._go_round(), name="count reports")
        return self._round

    async def _go_round(self) -> None:
        """Count every event that has changed. What fails is tried again in the next round."""
        self._took_s, is_first = 0.0, False
        try:
            is_first = await self._count_due()
        except (StoreError, *UNAVAILABLE) as error:
            _log.info("reports_wait", error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - reports are late, and nothing else
            _log.warning("reports_not_counted", error=type(error).__name__)
        if self._took_s > QUICK_S and not is_first:  # that shows nothing: later ones only add to it
            self._rests_until_s = self._clock() + self._took_s * REST_FACTOR
        if self._is_awaited and self._clock() - self._asked_s > PATIENCE_S:
            self._is_awaited = False
            self.tell()

    async def _count_due(self) -> bool:
        """Whether something was counted for the first time."""
        centre, is_first = self._centre, False
        venue = await centre.read(lambda c: load_venue(c, centre.venue_id))
        rule, generation = day_rule_of(venue), centre.generation.short
        own_url, clock = centre.ownership.own_url, VenueClock(venue)
        for event_id in await centre.read(lambda c: find_due(c, generation, rule, own_url)):
            if self._is_ending.is_set():
                break
            turn = await centre.write(
                lambda tx, e=event_id: take_turn(tx, e, generation, rule)  # type: ignore[misc]
            )
            with suppress(TurnOver):
                await self._count_one(turn, clock)
            is_first = is_first or turn.since == 0
        return is_first

    async def _count_one(self, turn: Turn, clock: VenueClock) -> None:
        centre, began_s = self._centre, self._clock()
        pieces = await centre.read(
            lambda c: list(pieces_of(count_event(c, turn, clock, self._rest), self._rest))
        )
        self._took_s += self._clock() - began_s
        for piece in pieces:
            await centre.write(lambda tx, p=piece: write_piece(tx, turn, p))  # type: ignore[misc]
            if not piece.is_last:
                await self._pause(PAUSE_S)
        if pieces[-1].is_whole:
            old = await centre.read(lambda c: find_old(c, turn.event_id))
            while old and not self._is_ending.is_set():
                some, old = old[:_OLD_AT_ONCE], old[_OLD_AT_ONCE:]
                await centre.write(lambda tx, s=some: drop_old(tx, turn, s))  # type: ignore[misc]
                await self._pause(PAUSE_S)

    def _rest(self, seconds: float) -> None:
        """On a reader's thread, within a long count: not when the server stops."""
        if self._is_ending.is_set():
            raise TurnOver
        time.sleep(seconds)

    async def _keep(self) -> None:
        await self._pause(FIRST_ROUND_S)
        while not self._is_ending.is_set():
            if self._clock() >= self._rests_until_s:
                await asyncio.wait([self._begin()])
            await self._pause(ROUND_PERIOD_S)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_ending.wait()


REPORTS = web.AppKey("reports", ReportKeeper)


def set_up_reports(app: web.Application, centre: Centre) -> None:
    """A keeper for this application, which works while it runs."""
    app[REPORTS] = ReportKeeper(centre)
    app.cleanup_ctx.append(_run)


async def _run(app: web.Application) -> AsyncIterator[None]:
    app[REPORTS].start()
    yield
    await app[REPORTS].stop()
