"""What a serial scanner sends: bytes in, scans out, no port.

There is no standard. A scan is its text between an optional prefix and a suffix, both set up in the
scanner; some send no suffix, and then silence ends the scan. In front of the text there may be an
AIM identifier (ISO/IEC 15424: `]Q1` QR code, `]C1` GS1-128, `]E0` EAN-13).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCAN_BYTES_MAX: Final = 1000
IDLE_S_MAX: Final = 2.0
_GS1_SEPARATOR: Final = 0x1D


@dataclass(frozen=True, slots=True)
class Framing:
    """How the scanner is set up. Without suffixes a silence of `idle_s` ends a scan.

    With them, a scan begun and not ended within `idle_s` is dropped: the cable was pulled.
    """

    prefix: bytes = b""
    suffixes: bytes = b"\r\n\t"  # each byte of it ends a scan; empty scans are none
    has_aim: bool = False
    idle_s: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.idle_s <= IDLE_S_MAX:
            raise ValueError(f"a silence is at most {IDLE_S_MAX} s long, not {self.idle_s}")
        if any(byte in self.suffixes for byte in self.prefix):
            raise ValueError("the prefix may not hold what ends a scan")


@dataclass(frozen=True, slots=True)
class Scan:
    """One code as read. `aim` is the three-character identifier, empty where none is sent."""

    text: str
    aim: str = ""


class FrameReader:
    """Finds scans in a stream cut anywhere. Times are monotonic seconds and never go back."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._buffer = bytearray()
        self._is_overlong = False
        self._last_at = float("-inf")
        self.bad_frames_count = 0

    def feed(self, data: bytes, at: float) -> list[Scan]:
        """Take the next bytes; the scans that they complete, in order."""
        scans = self.idle(at)
        if data:
            self._last_at = at
        for byte in data:
            if byte in self._framing.suffixes:
                scans += self._end()
            elif len(self._buffer) >= SCAN_BYTES_MAX:
                self._is_overlong = True
            else:
                self._buffer.append(byte)
        return scans

    def idle(self, at: float) -> list[Scan]:
        """Look at the time: what a silence has ended."""
        if not self._buffer or at - self._last_at < self._framing.idle_s:
            return []
        if not self._framing.suffixes:
            return self._end()
        self._buffer.clear()
        self._is_overlong = False
        self.bad_frames_count += 1
        return []

    def reset(self) -> None:
        """Forget a scan begun: the port was opened anew."""
        self._buffer.clear()
        self._is_overlong = False

    def _end(self) -> list[Scan]:
        frame = bytes(self._buffer)
        is_overlong = self._is_overlong
        self.reset()
        if not frame:
            return []
        scan = None if is_overlong else self._read(frame)
        if scan is None:
            self.bad_frames_count += 1
            return []
        return [scan]

    def _read(self, frame: bytes) -> Scan | None:
        prefix = self._framing.prefix
        if prefix:
            # What comes before the prefix is the rest of a scan whose beginning was lost.
            at = frame.rfind(prefix)
            if at < 0:
                return None
            frame = frame[at + len(prefix) :]
        if any((byte < 0x20 and byte != _GS1_SEPARATOR) or byte == 0x7F for byte in frame):
            return None
        try:
            text = frame.decode("utf-8")
        except UnicodeDecodeError:
            return None
        aim = ""
        if self._framing.has_aim:
            if not (text[:1] == "]" and text[1:3].isascii() and text[1:3].isalnum()):
                return None
            aim, text = text[:3], text[3:]
        return Scan(text, aim) if text else None
