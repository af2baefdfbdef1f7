"""A loopback proxy between a node and its server that a test can make misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Meddler:
    """Forwards TCP byte for byte; `on_request` sees each piece that a node sends.

    `on_request(piece)` runs before the piece is passed on; what it returns is passed on instead
    (b"" for nothing). `answers` False swallows everything that the server says.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.on_request: Callable[[bytes], bytes] = lambda piece: piece
        self.answers = True
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="meddler", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and cut every connection."""
        with suppress(OSError):  # wakes the thread that waits for a connection
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Reset what is connected now."""
        for connection in self._sockets:
            with suppress(OSError):  # gone already
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._sockets.clear()

    def _accept(self) -> None:
        while True:
            try:
                node, _address = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port), 2)
            except OSError:
                node.close()
                continue
            self._sockets += [node, server]
            threading.Thread(target=self._ask, args=(node, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, node), daemon=True).start()

    def _ask(self, node: socket.socket, server: socket.socket) -> None:
        def change(piece: bytes) -> bytes:
            return self.on_request(piece)  # looked up for each piece: a test may change it

        self._pump(node, server, change)

    def _answer(self, server: socket.socket, node: socket.socket) -> None:
        self._pump(server, node, lambda piece: piece if self.answers else b"")

    def _pump(
        self, source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]
    ) -> None:
        with suppress(OSError):  # one side is gone: so is the other
            while piece := source.recv(65_536):
                sink.sendall(change(piece))
        for connection in (source, sink):
            with suppress(OSError):  # gone already
                connection.shutdown(socket.SHUT_RDWR)
        source.close()
