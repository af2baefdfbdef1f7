"""How requests reach a Modbus board: a serial line, or a network."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from hardware.errors import DeviceGone
from hardware.relay.protocol import (
    CoilStates,
    InputStates,
    ReadCoils,
    ReadInputs,
    Refusal,
    WriteCoil,
    encode,
    function_of,
    reply_parser,
    silence_s,
)
from hardware.serialport import open_port, plain_errors

if TYPE_CHECKING:
    import serial

    from hardware.relay.protocol import Reply, Request


class Line(Protocol):
    """A line to one board. All may raise DeviceError."""

    def open(self) -> None:
        """Take hold of it."""
        ...

    def close(self) -> None:
        """Let go of it. Harmless when not open."""
        ...

    def ask(self, request: Request, timeout_s: float) -> Reply | None:
        """Send once; the reply to `request`, or None when none came in time."""
        ...


class SerialLine:
    """Modbus RTU on a serial port, which this process has alone."""

    def __init__(
        self,
        address: str,
        path: str,
        *,
        unit: int,
        baud: int,
        channels_count: int,
        inputs_count: int = 0,
        write_timeout_s: float = 0.3,
    ) -> None:
        self._address: Final = address
        self._path = path
        self._baud = baud
        self._write_timeout_s = write_timeout_s
        self._parser = reply_parser(unit, channels_count, inputs_count)
        self._port: serial.Serial | None = None

    def open(self) -> None:
        """Open the port."""
        self._port = open_port(
            self._path, self._address, baud=self._baud, write_timeout_s=self._write_timeout_s
        )

    def close(self) -> None:
        """Close the port."""
        port, self._port = self._port, None
        if port is not None:
            with plain_errors(self._address):
                port.close()

    def ask(self, request: Request, timeout_s: float) -> Reply | None:
        """Send once, after the silence that parts two frames."""
        port = self._port
        if port is None:
            raise DeviceGone("the port is not open", self._address)
        self._parser.reset()
        with plain_errors(self._address):
            time.sleep(silence_s(self._baud))
            port.reset_input_buffer()
            port.write(encode(request))
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline:
                data = port.read(max(1, port.in_waiting))
                for reply in self._parser.feed(data):
                    if is_answer(reply, request):
                        return reply
        return None


def is_answer(reply: Reply, request: Request) -> bool:
    """Whether `reply` is to `request`: an echo must be exact, so that a late one is not taken."""
    match request, reply:
        case WriteCoil(), WriteCoil():
            return reply == request
        case ReadCoils(), CoilStates():
            return True
        case ReadInputs(), InputStates():
            return True
        case _, Refusal(function=function):
            return function == function_of(request)
    return False
