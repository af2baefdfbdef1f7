"""LCUS relay boards (CH340, 1 to 8 relays): four bytes a command, no answer, no timer of their own.

**Not for public lanes.** Nothing tells whether a command arrived, and the program has to end each
pulse itself: if it dies in between, the barrier stays open. See the manufacturer's sheet, "LCUS-x
module": `A0`, number of the relay from 1, 01 on or 00 off, and the low byte of the sum of the three.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from hardware.backoff import Backoff
from hardware.errors import DeviceError, DeviceGone
from hardware.serialport import open_port, plain_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    import serial

CHANNELS_COUNT_MAX: Final = 8
_START: Final = 0xA0
_FRAME_BYTES: Final = 4
_WRITE_TIMEOUT_S: Final = 0.3
# Boards copied from the first one drop what follows too closely.
_PAUSE_S: Final = 0.02


def command(channel: int, *, on: bool) -> bytes:
    """Switch relay `channel`, from 0 on."""
    if not 0 <= channel < CHANNELS_COUNT_MAX:
        raise ValueError(f"relays are numbered 0 to {CHANNELS_COUNT_MAX - 1}, not {channel}")
    body = bytes((_START, channel + 1, int(on)))
    return body + bytes((sum(body) & 0xFF,))


class CommandParser:
    """For the side that obeys: commands in a stream that may be cut anywhere and hold noise."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bool]]:
        """Take the next bytes; the relays that are to be switched, and how."""
        found: list[tuple[int, bool]] = []
        for byte in data:
            self._buffer.append(byte)
            while self._buffer and not self._may_begin():
                del self._buffer[0]
            if len(self._buffer) == _FRAME_BYTES:
                found.append((self._buffer[1] - 1, self._buffer[2] == 1))
                self._buffer.clear()
        return found

    def _may_begin(self) -> bool:
        """Whether the buffer is the beginning of a command, or a whole one."""
        head = self._buffer
        rules = (
            head[0] == _START,
            len(head) < 2 or 1 <= head[1] <= CHANNELS_COUNT_MAX,
            len(head) < 3 or head[2] in (0, 1),
            len(head) < 4 or sum(head[:3]) & 0xFF == head[3],
        )
        return all(rules)


class LcusRelay:
    """Implements Relay, as far as such a board can. Pulses end when `inputs` or `check` is called."""

    times_pulses: Final = False
    inputs_count: Final = 0

    def __init__(
        self,
        address: str,
        path: str,
        *,
        baud: int = 9600,
        channels_count: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address: Final = address
        self.channels_count: Final = channels_count
        self._path = path
        self._baud = baud
        self._clock = clock
        self._backoff = Backoff()
        self._retry_from = float("-inf")
        self._port: serial.Serial | None = None
        self._ends_at: dict[int, float] = {}

    def pulse(self, duration_ms: int, channel: int = 0) -> None:
        """Switch on; it is switched off by the first call after `duration_ms`."""
        if self._port is None:
            self._open()
        self._ends_at[channel] = self._clock() + duration_ms / 1000
        self._send(channel, on=True)

    def shut(self, channel: int = 0) -> None:
        """Switch off."""
        self._send(channel, on=False)
        self._ends_at.pop(channel, None)

    def inputs(self) -> tuple[bool, ...]:
        """It has none; pulses whose time is over are ended."""
        for channel, at in list(self._ends_at.items()):
            if at <= self._clock():
                self.shut(channel)
        return ()

    def all_off(self) -> None:
        """Switch every relay in use off. Whether that was done, the board does not tell."""
        if self._port is None:
            self._open()  # which switches off
            return
        self._switch_off()

    def check(self) -> None:
        """End pulses; there is no sign of life to ask for but that the port is there."""
        if self._port is None:
            self._open()
        self.inputs()

    def close(self) -> None:
        """Switch off what is on, then let go of the port: nobody else would."""
        if self._port is not None and self._ends_at:
            with suppress(DeviceError):
                self._switch_off()
        port, self._port = self._port, None
        if port is not None:
            with plain_errors(self.address):
                port.close()

    def _switch_off(self) -> None:
        for channel in range(self.channels_count):
            self._send(channel, on=False)
            time.sleep(_PAUSE_S)
        self._ends_at.clear()

    def _open(self) -> None:
        now = self._clock()
        if now < self._retry_from:
            wait_s = self._retry_from - now
            raise DeviceGone(f"no contact; the next try is in {wait_s:.1f} s", self.address)
        try:
            self._port = open_port(
                self._path, self.address, baud=self._baud, write_timeout_s=_WRITE_TIMEOUT_S
            )
        except DeviceError:
            self._retry_from = now + self._backoff.next_delay_s()
            raise
        self._switch_off()
        self._backoff.reset()

    def _send(self, channel: int, *, on: bool) -> None:
        if self._port is None:
            self._open()
        port = self._port
        assert port is not None
        try:
            with plain_errors(self.address):
                port.write(command(channel, on=on))
        except DeviceError:
            self._port = None
            self._retry_from = self._clock() + self._backoff.next_delay_s()
            with suppress(DeviceError), plain_errors(self.address):
                port.close()
            raise
