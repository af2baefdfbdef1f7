"""Read-only connections to one file, lent to whatever thread reads just now."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.database import open_reader, storage_errors
from edge.errors import ReplicaError

_IDLE_MAX = 4


class Readers:
    """As many connections as there are reads at the same time; at most four stay open idle."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent view: what is committed meanwhile does not show. May be nested.

        Raises ReplicaError when the file cannot be read, or after `close`.
        """
        with storage_errors(self._path):
            connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._put_back(connection)

    def close(self) -> None:
        """Close what is idle now, and what is being read from as soon as that is done."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise ReplicaError(f"{self._path.name} is closed: the program is stopping")
            if self._idle:
                return self._idle.pop()
        return open_reader(self._path)

    def _put_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed and len(self._idle) < _IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()
