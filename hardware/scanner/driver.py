"""A scanner at a serial port (USB-CDC or RS-232), chosen by address.

`serial:/dev/serial/by-id/usb-...?baud=9600&suffix=cr&prefix=7E&aim=1&idle_ms=200`: `suffix` is `cr`,
`lf`, `tab`, `any` of them or `none`; `prefix` is in hexadecimal.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from hardware.address import parse_address
from hardware.backoff import Backoff
from hardware.errors import BadDeviceAddress, DeviceError, DeviceGone
from hardware.scanner.protocol import FrameReader, Framing, Scan
from hardware.serialport import open_port, plain_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    import serial

    from hardware.address import DeviceAddress

log = logging.getLogger(__name__)

WAITING_COUNT_MAX: Final = 20
"""Scans that nobody fetched: what is older than this many is no longer meant."""
FRAMING_OPTIONS: Final = frozenset({"suffix", "prefix", "aim", "idle_ms"})
_SUFFIXES: Final = {"any": b"\r\n\t", "cr": b"\r", "lf": b"\n", "tab": b"\t", "none": b""}
_WRITE_TIMEOUT_S: Final = 1.0


class SerialScanner:
    """Reads scans; one thread owns it. Opened by the first read, and again after a loss."""

    def __init__(
        self,
        address: str,
        path: str,
        framing: Framing,
        *,
        baud: int = 9600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address: Final = address
        self._path = path
        self._baud = baud
        self._clock = clock
        self._frames = FrameReader(framing)
        self._backoff = Backoff()
        self._waiting: list[Scan] = []
        self._port: serial.Serial | None = None
        self._retry_from = float("-inf")
        self._is_lost = False

    def read(self, timeout_s: float) -> Scan | None:
        """The next scan, None when none comes in time.

        Raises DeviceError while the scanner is not there; within the retry delay at once.
        """
        if self._port is None:
            self._open()
        deadline = self._clock() + timeout_s
        while not self._waiting:
            self._take_in()
            if self._clock() >= deadline:
                break
        return self._waiting.pop(0) if self._waiting else None

    def close(self) -> None:
        """Let go of the port. Harmless when not open."""
        port, self._port = self._port, None
        if port is not None:
            with plain_errors(self.address):
                port.close()

    def _take_in(self) -> None:
        port = self._port
        if port is None:
            raise DeviceGone("the port is not open", self.address)
        try:
            with plain_errors(self.address):
                data = port.read(max(1, port.in_waiting))
        except DeviceError as error:
            self._lose(error)
            raise
        scans = self._frames.feed(data, self._clock())
        self._waiting = [*self._waiting, *scans][-WAITING_COUNT_MAX:]

    def _open(self) -> None:
        now = self._clock()
        if now < self._retry_from:
            wait_s = self._retry_from - now
            raise DeviceGone(f"no contact; the next try is in {wait_s:.1f} s", self.address)
        try:
            self._port = open_port(
                self._path, self.address, baud=self._baud, write_timeout_s=_WRITE_TIMEOUT_S
            )
        except DeviceError as error:
            self._lose(error)
            raise
        self._frames.reset()
        self._backoff.reset()
        if self._is_lost:
            log.info("scanner %s is there again", self.address)
            self._is_lost = False

    def _lose(self, error: DeviceError) -> None:
        self._retry_from = self._clock() + self._backoff.next_delay_s()
        if not self._is_lost:
            self._is_lost = True
            log.warning("scanner %s does not work: %s", self.address, error.reason)
        with suppress(DeviceError):  # a port whose device is gone may refuse even to be closed
            self.close()


def make_scanner(text: str, *, clock: Callable[[], float] = time.monotonic) -> SerialScanner:
    """The scanner of an address; raises BadDeviceAddress."""
    address = parse_address(text)
    if address.scheme != "serial" or not address.target:
        raise BadDeviceAddress("a scanner is reached by serial:PATH", text)
    address.allow({"baud", *FRAMING_OPTIONS})
    return SerialScanner(
        text,
        address.target,
        framing_of(address),
        baud=address.whole("baud", 9600, low=1200, high=921_600),
        clock=clock,
    )


def framing_of(address: DeviceAddress) -> Framing:
    """How the scanner at `address` is set up; raises BadDeviceAddress."""
    suffix = address.options.get("suffix", "any")
    if suffix not in _SUFFIXES:
        raise BadDeviceAddress(f"suffix is one of {', '.join(_SUFFIXES)}", address.text)
    try:
        return Framing(
            prefix=bytes.fromhex(address.options.get("prefix", "")),
            suffixes=_SUFFIXES[suffix],
            has_aim=address.flag("aim", default=False),
            idle_s=address.whole("idle_ms", 200, low=20, high=2000) / 1000,
        )
    except ValueError as error:
        raise BadDeviceAddress(f"the prefix is no use: {error}", address.text) from error
