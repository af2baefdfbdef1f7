"""Ending a call from another thread: who waits for an answer is woken at once, with a failure."""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import suppress
from typing import Any

import httpx

from edge.errors import ServerUnreachable

_CONNECTED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})
"""What httpcore calls the events that bring a socket (its documentation, 'trace')."""


class Lines:
    """The sockets of one HTTP client, as long as they are open. Give it `follow` as a request hook.

    To close a client does not wake a thread that reads from one of its sockets; to shut the
    socket does.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._is_over = False

    def follow(self, request: httpx.Request) -> None:
        """Note the socket that this request may open. Raises ServerUnreachable after `hang_up`."""
        if self._is_over:
            raise ServerUnreachable("the program ends")
        request.extensions["trace"] = self._trace

    def hang_up(self) -> None:
        """From any thread: fail the call under way, and every later one. Once more is harmless."""
        with self._guard:
            self._is_over = True
            for each in self._sockets:
                _shut(each)

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event not in _CONNECTED:
            return
        found = info["return_value"].get_extra_info("socket")
        with self._guard:
            self._sockets.add(found)
            if self._is_over:
                _shut(found)


def _shut(found: socket.socket) -> None:
    """Not by the method of a TLS socket, which forgets its session under the reading thread."""
    with suppress(OSError):  # closed already, or the other side was quicker
        socket.socket.shutdown(found, socket.SHUT_RDWR)
