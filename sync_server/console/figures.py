"""Where the console's pages get their figures from: counted once for all who look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection

from sync_server.centre import Centre
from sync_server.console.overview import Snapshot, read_snapshot
from sync_server.services.freshness import Fresh
from sync_server.services.reconciling import Facts, House
from sync_server.services.stream_books import StreamBooks, read_stream_books
from sync_server.services.summaries import StreamSummaries
from sync_server.services.takings import StreamTakings, read_stream_takings


class ConsoleFigures:
    """The books, and what is counted beside them. Used on the event loop only."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._streams: StreamSummaries[StreamBooks] = StreamSummaries(
            read_stream_books, lambda: centre.generation.short
        )
        self._books: Fresh[Snapshot] = Fresh(self._read_books)
        self._takings: StreamSummaries[StreamTakings] = StreamSummaries(
            read_stream_takings, lambda: centre.generation.short
        )
        self._house: Fresh[House] = Fresh(self._read_house)

    async def books(self) -> Snapshot:
        """The books and the names that belong to them, as of the snapshot's `at`."""
        return await self._books.get()

    async def renew(self) -> None:
        """The catalogue was changed: who looks next sees it."""
        await self._books.get_anew()

    async def house(self) -> House:
        """All that can be reconciled."""
        return await self._house.get()

    async def close(self) -> None:
        """Let go of the database."""
        await self._books.close()
        await self._house.close()

    async def _read_books(self) -> Snapshot:
        return await self._centre.read(self._read)

    def _read(self, connection: Connection) -> Snapshot:
        at = datetime.now(UTC)
        return read_snapshot(connection, self._centre.venue_id, at, self._streams.read)

    async def _read_house(self) -> House:
        return await self._centre.read(self._count_house)

    def _count_house(self, connection: Connection) -> House:
        snapshot = self._read(connection)
        takings = self._takings.read(connection)
        places = {s: each.places for s, each in self._streams.read(connection).items()}
        return House(Facts(snapshot.venue, snapshot.events, snapshot.books, takings, places))


FIGURES = web.AppKey("figures", ConsoleFigures)


def set_up_figures(app: web.Application, centre: Centre) -> None:
    """Figures for all pages of this application."""
    app[FIGURES] = ConsoleFigures(centre)
    app.cleanup_ctx.append(_end)


async def _end(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[FIGURES].close()
