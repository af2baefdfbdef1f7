"""The bell: servers on one PostgreSQL tell each other which streams have news, by NOTIFY.

A hint and nothing more: whoever misses one finds out by looking at the heads. So it is rung after
the commit and on a connection of its own, where it costs the writer nothing, once for everything
that was committed meanwhile. It waits for no disk.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from program.logs import get_logger
from sync_server.store.database import CONNECTION_SETTINGS

CHANNEL = "boxgate"
PAYLOAD_BYTES_MAX = 7_900  # PostgreSQL takes less than 8,000
RECONNECT_S = 1.0
_log = get_logger(__name__)


class Bell:
    """One connection on a thread of its own that hears the others and tells them.

    `on_news` is called on that thread with the streams; none: many, or not known which.
    """

    def __init__(self, url: URL, on_news: Callable[[frozenset[str]], None]) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._on_news = on_news
        self._name = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._untold: set[str] = set()
        self._is_stopping = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="bell")

    def start(self) -> None:
        """Connect, and go on trying as long as that fails."""
        self._thread.start()

    def stop(self) -> None:
        """Hear nothing and tell nothing any more."""
        self._is_stopping.set()
        self._rouse()
        self._thread.join()
        self._wake.close()
        self._woken.close()

    def ring(self, streams: Iterable[str]) -> None:
        """Have the others told. On any thread; never waits."""
        with self._lock:
            self._untold.update(streams)
        self._rouse()

    def _rouse(self) -> None:
        try:
            self._wake.send(b"x")
        except BlockingIOError:  # it has enough to wake up by
            return

    def _run(self) -> None:
        is_well = True
        while not self._is_stopping.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, **_SETTINGS) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    connection.execute("SET synchronous_commit = off")
                    if not is_well:
                        _log.info("bell_is_back")
                    is_well = True
                    self._on_news(frozenset())  # what was told while nobody listened here
                    self._serve(connection)
            except psycopg.Error as error:
                if is_well:
                    _log.warning("bell_is_away", error=type(error).__name__)
                is_well = False
                self._is_stopping.wait(RECONNECT_S)

    def _serve(self, connection: psycopg.Connection[Any]) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._is_stopping.is_set():
                self._tell(connection)
                for heard in connection.notifies(timeout=0):
                    self._hear(heard.payload)
                selector.select()
                self._drain()

    def _drain(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

    def _tell(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            streams, self._untold = self._untold, set()
        if streams:
            connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, _payload(self._name, streams)))

    def _hear(self, payload: str) -> None:
        sender, _, streams = payload.partition(" ")
        if sender != self._name:
            self._on_news(frozenset(streams.split()))


_SETTINGS: dict[str, Any] = dict(CONNECTION_SETTINGS)


def _payload(sender: str, streams: set[str]) -> str:
    """Who tells, and of which streams; of none when they do not fit."""
    told = " ".join([sender, *sorted(streams)])
    return told if len(told.encode()) <= PAYLOAD_BYTES_MAX else sender
