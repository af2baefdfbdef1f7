"""What is counted of a stream holds until the stream's head moves: every change moves it.

So a page of figures costs what has changed since it was looked at last, and not what the house
ever sold.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Connection, text

T = TypeVar("T")


def read_heads(connection: Connection) -> dict[str, int]:
    """Every stream and its feed's head, the house's among them."""
    rows = connection.execute(text("SELECT event_id, head FROM stream ORDER BY event_id"))
    return {row[0]: int(row[1]) for row in rows}


class StreamSummaries(Generic[T]):
    """One summary a stream, counted again only when there is something new. On readers' threads."""

    def __init__(
        self, count: Callable[[Connection, str], T], history: Callable[[], str] = str
    ) -> None:
        self._count, self._history = count, history
        self._kept: dict[str, tuple[str, int, T]] = {}
        self._lock = threading.Lock()

    def read(self, connection: Connection) -> dict[str, T]:
        """All streams' summaries as of the connection's snapshot.

        `history` names the database's generation: another one gives the same heads out again.
        """
        with self._lock:  # who comes second finds counted what the first one counted
            history, found = self._history(), {}
            for stream, head in read_heads(connection).items():
                kept = self._kept.get(stream)
                if kept is None or kept[:2] != (history, head):
                    kept = (history, head, self._count(connection, stream))
                found[stream] = kept
            self._kept = found
            return {stream: kept[2] for stream, kept in found.items()}
