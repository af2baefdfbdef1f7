"""A relay board in the network (Modbus TCP), and the faults of real ones.

Written without pymodbus, which the driver uses: the two check each other. Frames are those of
"Modbus Messaging on TCP/IP Implementation Guide" V1.0b, 3.1.3: transaction, 0, length, then a unit
and what it is told.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from hardware.relay.board import Opening, RelayBoard
from hardware.relay.protocol import body_of, read_request

if TYPE_CHECKING:
    from types import TracebackType

_HEAD: Final = struct.Struct(">HHH")
_ACCEPT_TIMEOUT_S: Final = 0.1
_BODY_BYTES: Final = 6


class TcpRelaySimulator:
    """One board at a free port of this machine. Faults hold for the replies to come."""

    def __init__(self, *, channels_count: int = 8) -> None:
        self.replies_to_drop_count = 0
        self.replies_to_delay_count = 0
        """So many replies come only behind the next one."""
        self.comes_in_pieces = False
        self._late: list[bytes] = []
        self._board = RelayBoard(channels_count=channels_count)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_ACCEPT_TIMEOUT_S)
        self.port: Final = int(self._listener.getsockname()[1])
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._play, name="relay in the network", daemon=True)

    @property
    def openings(self) -> tuple[Opening, ...]:
        """Every opening of the barrier so far, the one that lasts included."""
        with self._lock:
            self._board.advance(time.monotonic())
            return self._board.openings

    def set_input(self, number: int, *, on: bool) -> None:
        """Have an input with current, or without."""
        with self._lock:
            self._board.inputs[number] = on

    def hang_up(self) -> None:
        """Break the connection; another one may be made."""
        connection = self._connection
        if connection is not None:
            with suppress(OSError):  # the other side was quicker
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self.hang_up()
        self._thread.join()
        self._listener.close()

    def _play(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _peer = self._listener.accept()
            except TimeoutError:
                continue
            with connection, suppress(OSError):
                connection.settimeout(None)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connection = connection
                self._serve(connection)
            self._connection = None

    def _serve(self, connection: socket.socket) -> None:
        while frame := connection.recv(_HEAD.size + _BODY_BYTES, socket.MSG_WAITALL):
            if len(frame) < _HEAD.size + _BODY_BYTES:
                return
            transaction, _protocol, _length = _HEAD.unpack_from(frame)
            with self._lock:
                request = read_request(frame[_HEAD.size :])
                body = body_of(self._board.answer(request, time.monotonic()))
            self._send(connection, _HEAD.pack(transaction, 0, len(body)) + body)

    def _send(self, connection: socket.socket, reply: bytes) -> None:
        if self.replies_to_drop_count > 0:
            self.replies_to_drop_count -= 1
            return
        if self.replies_to_delay_count > 0:
            self.replies_to_delay_count -= 1
            self._late.append(reply)
            return
        late, self._late = b"".join(self._late), []
        for piece in (
            [bytes((byte,)) for byte in late + reply] if self.comes_in_pieces else [late + reply]
        ):
            connection.sendall(piece)
