"""A source at a serial port: bytes from the port, things seen from a feeder."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from hardware.errors import BadDeviceAddress, DeviceError, DeviceGone
from hardware.reader.repeats import Repeats, again_s_of
from hardware.serialport import open_port, plain_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    import serial

    from hardware.address import DeviceAddress
    from hardware.reader.seen import Seen

WIRE_OPTIONS: Final = frozenset({"baud", "again_ms"})
_WRITE_TIMEOUT_S: Final = 1.0
_READ_BYTES_MAX: Final = 4096


class Feeder(Protocol):
    """Bytes in, things seen out; keeps what a cut left over. Times are monotonic seconds."""

    @property
    def bad_frames_count(self) -> int:
        """What came and made no sense; never falls."""
        ...

    def feed(self, data: bytes, at_s: float) -> list[Seen]:
        """Take the next bytes, none at a silence; what they complete, in order."""
        ...

    def reset(self) -> None:
        """Forget what was begun: the port was opened anew."""
        ...


class WirePort:
    """A serial port that may be opened again and again."""

    def __init__(self, address: DeviceAddress, *, baud: int) -> None:
        """`baud` is the device's own speed; the address may say otherwise. BadDeviceAddress."""
        if not address.target:
            raise BadDeviceAddress("the address names no serial port after the colon", address.text)
        self._device = address.text
        self._path = address.target
        self._baud = address.whole("baud", baud, low=1200, high=921_600)
        self._port: serial.Serial | None = None

    def open(self) -> None:
        """Open the port; what lay in it before is not read: nobody holds that up any more."""
        self.close()
        self._port = open_port(
            self._path, self._device, baud=self._baud, write_timeout_s=_WRITE_TIMEOUT_S
        )
        with plain_errors(self._device):
            self._port.reset_input_buffer()

    def close(self) -> None:
        """Let go of the port. Harmless when not open."""
        port, self._port = self._port, None
        if port is not None:
            # A port whose device is gone may refuse even to be closed.
            with suppress(DeviceError), plain_errors(self._device):
                port.close()

    def receive(self, timeout_s: float) -> bytes:
        """The next bytes, none when none come in time."""
        port = self._opened()
        with plain_errors(self._device):
            port.timeout = timeout_s
            first = port.read(1)
            more = min(port.in_waiting, _READ_BYTES_MAX) if first else 0
            return first + port.read(more) if more else first

    def send(self, data: bytes) -> None:
        """Send `data`."""
        port = self._opened()
        with plain_errors(self._device):
            port.write(data)

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise DeviceGone("the port is not open", self._device)
        return self._port


class WireSource:
    """A reader that talks by itself. What stays in its field is reported once."""

    def __init__(
        self,
        address: DeviceAddress,
        feeder: Feeder,
        *,
        baud: int = 9600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`baud` is the device's own speed; the address may say otherwise. BadDeviceAddress."""
        self.address: Final = address.text
        self._port = WirePort(address, baud=baud)
        self._feeder = feeder
        self._repeats = Repeats(again_s_of(address))
        self._clock = clock

    @property
    def bad_frames_count(self) -> int:
        """What came and made no sense."""
        return self._feeder.bad_frames_count

    def open(self) -> None:
        """Open the port, with nothing left of what came before."""
        self._port.open()
        self._feeder.reset()

    def read(self, timeout_s: float) -> list[Seen]:
        """What was seen, each once per holding up."""
        found = self._feeder.feed(self._port.receive(timeout_s), self._clock())
        return [seen for seen in found if self._repeats.is_new(seen.value, seen.at_s)]

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()
