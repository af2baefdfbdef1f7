"""Relays, chosen by address.

- `modbus-rtu:/dev/ttyUSB0?unit=1&baud=9600`: a Modbus RTU board on a serial line; `channels` says
  how many relays are in use (1)
- `none:`: no barrier; commands are logged
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from hardware.address import parse_address
from hardware.errors import BadDeviceAddress
from hardware.relay.modbus import ModbusRelay
from hardware.relay.protocol import CHANNELS_COUNT_MAX, UNIT_MAX, UNIT_MIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress

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

    def pulse(self, duration_ms: int, channel: int = 0) -> None:
        """Open barrier `channel` for `duration_ms`; the board ends it by itself.

        Returns when the board has confirmed. A pulse during a pulse begins the time anew.
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

    def __init__(self, address: DeviceAddress) -> None:
        address.allow(())
        self.address: Final = address.text

    def pulse(self, duration_ms: int, channel: int = 0) -> None:
        """Log the pulse."""
        log.info("no barrier here: relay %d would close for %d ms", channel, duration_ms)

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
    address.allow({"unit", "baud", "channels"})
    if not address.target:
        raise BadDeviceAddress("the address names no serial port after the colon", address.text)
    return ModbusRelay(
        address.text,
        address.target,
        unit=address.whole("unit", 1, low=UNIT_MIN, high=UNIT_MAX),
        baud=address.whole("baud", 9600, low=1200, high=921_600),
        channels_count=address.whole("channels", 1, low=1, high=CHANNELS_COUNT_MAX),
    )


_RELAYS: Final[dict[str, Callable[[DeviceAddress], Relay]]] = {
    "modbus-rtu": _modbus_rtu,
    "none": NoRelay,
}
