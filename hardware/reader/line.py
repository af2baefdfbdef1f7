"""Anything that sends a line per code: serial 2D imagers, wedges set to a serial port, converters.

`serial-line:/dev/serial/by-id/...?baud=9600&suffix=cr&aim=1&again_ms=1500`, with a scanner's
options: see `hardware.scanner.driver`. `form=em-decimal` is for 125 kHz readers that send ten
decimal digits a line; anything else is then no number and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardware.errors import BadDeviceAddress
from hardware.reader.seen import Seen, SeenKind, as_value
from hardware.reader.wire import WIRE_OPTIONS, WireSource
from hardware.rfid.protocol import from_decimal
from hardware.scanner.driver import FRAMING_OPTIONS, framing_of
from hardware.scanner.protocol import FrameReader, Framing, Scan

if TYPE_CHECKING:
    from hardware.address import DeviceAddress

_AIM_QR: Final = "]Q"  # ISO/IEC 15424: all QR symbols


class LineFeeder:
    """Lines in, things seen out."""

    def __init__(self, framing: Framing, reader: str, *, is_em_decimal: bool = False) -> None:
        self._frames = FrameReader(framing)
        self._reader = reader
        self._is_em_decimal = is_em_decimal
        self._no_numbers_count = 0

    @property
    def bad_frames_count(self) -> int:
        """Lines too long, cut off, not text, or not of the form wanted."""
        return self._frames.bad_frames_count + self._no_numbers_count

    def feed(self, data: bytes, at_s: float) -> list[Seen]:
        """Take the next bytes; the lines that they complete."""
        make = self._chip if self._is_em_decimal else self._code
        found = [make(scan, at_s) for scan in self._frames.feed(data, at_s)]
        return [seen for seen in found if seen is not None]

    def reset(self) -> None:
        """Forget a line begun."""
        self._frames.reset()

    def _code(self, scan: Scan, at_s: float) -> Seen | None:
        kind = SeenKind.QR if scan.aim.startswith(_AIM_QR) else SeenKind.LINE
        return Seen(kind, as_value(scan.text), self._reader, at_s, detail=scan.aim)

    def _chip(self, scan: Scan, at_s: float) -> Seen | None:
        number = from_decimal(scan.text)
        if number is None:
            self._no_numbers_count += 1
            return None
        return Seen(SeenKind.RFID_LF, number, self._reader, at_s)


def line_source(address: DeviceAddress) -> WireSource:
    """The source of a `serial-line:` address; raises BadDeviceAddress."""
    address.allow(WIRE_OPTIONS | FRAMING_OPTIONS | {"form"})
    form = address.options.get("form", "text")
    if form not in {"text", "em-decimal"}:
        raise BadDeviceAddress("form is text or em-decimal", address.text)
    feeder = LineFeeder(framing_of(address), address.text, is_em_decimal=form == "em-decimal")
    return WireSource(address, feeder)
