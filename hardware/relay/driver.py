"""Relays, chosen by address.

- `modbus-rtu:/dev/ttyUSB0?unit=1&baud=9600`: a Modbus RTU board on a serial line; `channels` says
  how many relays are in use (1), `inputs` how many inputs (0)
- `modbus-tcp:192.168.1.40:502?unit=1`: the same in the network
- `lcus:/dev/ttyUSB0?channels=1`: an LCUS board, not for public lanes
- `none:`: no barrier; commands are logged
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from hardware.address import parse_address
from hardware.errors import BadDeviceAddress
from hardware.relay import lcus
from hardware.relay.line import SerialLine
from hardware.relay.modbus import ModbusRelay
from hardware.relay.protocol import CHANNELS_COUNT_MAX, INPUTS_COUNT_MAX, UNIT_MAX, UNIT_MIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress
    from hardware.relay.line import Line

_TCP_PORT: Final = 502  # registered for Modbus
_PORT_MAX: Final = 65_535
log = logging.getLogger(__name__)


class Relay(Protocol):
    """Opens barriers. One thread owns it. Every call may raise DeviceError; the next one retries.

    A relay that is opened (by its first call, or again after a loss) first has every channel
    switched off, so that a restart leaves the barrier shut.
    """

    @property
    def address(self) -> str:
        """The address it was made from, for messages."""
        ...

    @property
    def times_pulses(self) -> bool:
        """Whether the board ends a pulse by itself. One that does not is not for public lanes."""
        ...

    @property
    def channels_count(self) -> int:
        """How many relays are in use."""
        ...

    @property
    def inputs_count(self) -> int:
        """How many inputs are in use."""
        ...

    def pulse(self, duration_ms: int, channel: int = 0) -> None:
        """Open barrier `channel` for `duration_ms`; the board ends it by itself.

        Returns when the board has confirmed. A pulse during a pulse begins the time anew.
        """
        ...

    def shut(self, channel: int = 0) -> None:
        """Shut barrier `channel` now."""
        ...

    def inputs(self) -> tuple[bool, ...] | None:
        """Which inputs have current now; None when the board did not say this time.

        A relay that does not time pulses ends them here: its owner calls it many times a second.
        """
        ...

    def all_off(self) -> None:
        """Shut every barrier; also the way to find out at start whether the board is there."""
        ...

    def check(self) -> None:
        """Ask the board for a sign of life."""
        ...

    def close(self) -> None:
        """Let go of the port; barriers stay as they are. Harmless when not open."""
        ...


class NoRelay:
    """Stands where a gate has no barrier: says what it would have done."""

    times_pulses: Final = True
    channels_count: Final = CHANNELS_COUNT_MAX
    inputs_count: Final = 0

    def __init__(self, address: DeviceAddress) -> None:
        address.allow(())
        self.address: Final = address.text

    def pulse(self, duration_ms: int, channel: int = 0) -> None:
        """Log the pulse."""
        log.info("no barrier here: relay %d would close for %d ms", channel, duration_ms)

    def shut(self, channel: int = 0) -> None:
        """Nothing is open."""

    def inputs(self) -> tuple[bool, ...]:
        """It has none."""
        return ()

    def all_off(self) -> None:
        """Nothing is on."""

    def check(self) -> None:
        """Nothing can be gone."""

    def close(self) -> None:
        """Nothing is open."""


def make_relay(text: str) -> Relay:
    """The relay that `text` names, not yet opened; raise BadDeviceAddress where it names none."""
    address = parse_address(text)
    make = _RELAYS.get(address.scheme)
    if make is None:
        known = ", ".join(f"{scheme}:" for scheme in _RELAYS)
        raise BadDeviceAddress(f"no relay is of kind {address.scheme!r}; known are {known}", text)
    return make(address)


def _modbus_rtu(address: DeviceAddress) -> Relay:
    address.allow({"unit", "baud", "channels", "inputs"})
    path = _path_of(address)
    unit, channels_count, inputs_count = _board(address)
    line = SerialLine(
        address.text,
        path,
        unit=unit,
        baud=_baud(address),
        channels_count=channels_count,
        inputs_count=inputs_count,
    )
    return _modbus(address, line)


def _modbus_tcp(address: DeviceAddress) -> Relay:
    address.allow({"unit", "channels", "inputs"})
    host, colon, port = address.target.rpartition(":")
    if not colon:
        host, port = address.target, str(_TCP_PORT)
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _PORT_MAX):
        raise BadDeviceAddress("the address is of the form modbus-tcp:HOST:PORT", address.text)
    # Late: a gate without a board in the network needs none of it.
    from hardware.relay.tcp import TcpLine  # noqa: PLC0415

    return _modbus(address, TcpLine(address.text, host, int(port)))


def _modbus(address: DeviceAddress, line: Line) -> Relay:
    unit, channels_count, inputs_count = _board(address)
    return ModbusRelay(
        address.text, line, unit=unit, channels_count=channels_count, inputs_count=inputs_count
    )


def _lcus(address: DeviceAddress) -> Relay:
    address.allow({"baud", "channels"})
    channels_count = address.whole("channels", 1, low=1, high=lcus.CHANNELS_COUNT_MAX)
    path = _path_of(address)
    return lcus.LcusRelay(address.text, path, baud=_baud(address), channels_count=channels_count)


def _path_of(address: DeviceAddress) -> str:
    if not address.target:
        raise BadDeviceAddress("the address names no serial port after the colon", address.text)
    return address.target


def _baud(address: DeviceAddress) -> int:
    return address.whole("baud", 9600, low=1200, high=921_600)


def _board(address: DeviceAddress) -> tuple[int, int, int]:
    """Unit, and how many relays and inputs are in use."""
    return (
        address.whole("unit", 1, low=UNIT_MIN, high=UNIT_MAX),
        address.whole("channels", 1, low=1, high=CHANNELS_COUNT_MAX),
        address.whole("inputs", 0, low=0, high=INPUTS_COUNT_MAX),
    )


_RELAYS: Final[dict[str, Callable[[DeviceAddress], Relay]]] = {
    "modbus-rtu": _modbus_rtu,
    "modbus-tcp": _modbus_tcp,
    "lcus": _lcus,
    "none": NoRelay,
}
