"""Anything that sends a line per code: serial 2D imagers, wedges set to a serial port, converters.

`serial-line:/dev/serial/by-id/...?baud=9600&suffix=cr&aim=1&again_ms=1500`, with a scanner's
options: see `hardware.scanner.driver`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardware.reader.seen import Seen, SeenKind, as_value
from hardware.reader.wire import WIRE_OPTIONS, WireSource
from hardware.scanner.driver import FRAMING_OPTIONS, framing_of
from hardware.scanner.protocol import FrameReader, Framing, Scan

if TYPE_CHECKING:
    from hardware.address import DeviceAddress

_AIM_QR: Final = "]Q"  # ISO/IEC 15424: all QR symbols


class LineFeeder:
    """Lines in, things seen out."""

    def __init__(self, framing: Framing, reader: str) -> None:
        self._frames = FrameReader(framing)
        self._reader = reader

    @property
    def bad_frames_count(self) -> int:
        """Lines too long, cut off, or not text."""
        return self._frames.bad_frames_count

    def feed(self, data: bytes, at_s: float) -> list[Seen]:
        """Take the next bytes; the lines that they complete."""
        return [self._seen(scan, at_s) for scan in self._frames.feed(data, at_s)]

    def reset(self) -> None:
        """Forget a line begun."""
        self._frames.reset()

    def _seen(self, scan: Scan, at_s: float) -> Seen:
        kind = SeenKind.QR if scan.aim.startswith(_AIM_QR) else SeenKind.LINE
        return Seen(kind, as_value(scan.text), self._reader, at_s, detail=scan.aim)


def line_source(address: DeviceAddress) -> WireSource:
    """The source of a `serial-line:` address; raises BadDeviceAddress."""
    address.allow(WIRE_OPTIONS | FRAMING_OPTIONS)
    return WireSource(address, LineFeeder(framing_of(address), address.text))
