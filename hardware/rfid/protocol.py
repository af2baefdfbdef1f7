"""What 125 kHz readers send for an EM4100 chip: bytes in, numbers out, no port.

Sources: [RDM] "RDM6300 125 kHz module" data sheet; [ID] ID Innovations "ID-2LA, ID-12LA, ID-20LA"
data sheet, ASCII mode. Both send STX, ten hexadecimal digits (a version byte and four bytes of
number), two digits that are the exclusive or of the five bytes, and their own end:

    RDM6300  02 '13005D1DA5' 'F6' 03          again and again while the chip is there
    ID-12LA  02 '13005D1DA5' 'F6' 0D 0A 03    once per holding up

The check finds each error within one digit, but not each one in two: see `Confirmed`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

IDLE_S: Final = 0.15
"""A frame begun and not ended within such a silence is dropped: 16 bytes last 17 ms at 9600 baud."""
CONFIRMED_WITHIN_S: Final = 1.0

_STX: Final = 0x02
_DIGITS_COUNT: Final = 12
_HEX: Final = re.compile(rb"[0-9A-F]{12}")
_DECIMAL: Final = re.compile(r"[0-9]{10}")
_NUMBER_DIGITS: Final = 8  # without the version byte


@dataclass(frozen=True, slots=True)
class FrameShape:
    """How a family of readers ends its frames, and how often it says the same."""

    name: str
    end: bytes
    reads_count: int  # equal reads that make a number sure

    @property
    def frame_bytes(self) -> int:
        """A whole frame."""
        return 1 + _DIGITS_COUNT + len(self.end)


RDM6300: Final = FrameShape("RDM6300", b"\x03", 2)
# It says a chip once, so nobody could wait for a second read.
ID12: Final = FrameShape("ID-12LA", b"\r\n\x03", 1)


def encode(number: bytes, shape: FrameShape) -> bytes:
    """The frame of a chip's five bytes."""
    if len(number) != 5:
        raise ValueError("an EM4100 has five bytes")
    digits = (number + bytes((_check(number),))).hex().upper()
    return bytes((_STX,)) + digits.encode() + shape.end


def low_number(number_hex: str) -> str:
    """The number without its version byte, as readers that speak decimal send it."""
    return number_hex[-_NUMBER_DIGITS:]


def from_decimal(text: str) -> str | None:
    """Ten decimal digits, as printed on the chip, as eight hexadecimal ones; None if they are none.

    They hold the low 32 bits: the version byte is not in them.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > 0xFFFF_FFFF:
        return None
    return f"{int(text):08X}"


class TagFrames:
    """Finds frames in a stream cut anywhere. Times are monotonic seconds and never go back.

    A wrong check costs one byte, not the whole buffer. Never holds more than one frame.
    """

    def __init__(self, shape: FrameShape) -> None:
        self._shape = shape
        self._buffer = bytearray()
        self._last_at = float("-inf")
        self.bad_frames_count = 0
        self.dropped_bytes_count = 0

    def feed(self, data: bytes, at_s: float) -> list[str]:
        """Take the next bytes, none at a silence; the numbers that they complete, as ten digits."""
        if self._buffer and at_s - self._last_at >= IDLE_S:
            self.bad_frames_count += 1
            self.reset()
        if data:
            self._last_at = at_s
        numbers: list[str] = []
        # Byte by byte, so that where the stream is cut can make no difference.
        for byte in data:
            self._buffer.append(byte)
            numbers.extend(self._scan())
        return numbers

    def reset(self) -> None:
        """Forget a frame begun."""
        self.dropped_bytes_count += len(self._buffer)
        self._buffer.clear()

    def _scan(self) -> Iterator[str]:
        while self._buffer:
            if self._buffer[0] == _STX:
                if len(self._buffer) < self._shape.frame_bytes:
                    return
                number = self._read(bytes(self._buffer))
                if number is not None:
                    self._buffer.clear()
                    yield number
                    return
                self.bad_frames_count += 1
            del self._buffer[0]
            self.dropped_bytes_count += 1

    def _read(self, frame: bytes) -> str | None:
        digits = frame[1 : 1 + _DIGITS_COUNT]
        if frame[1 + _DIGITS_COUNT :] != self._shape.end or not _HEX.fullmatch(digits):
            return None
        data = bytes.fromhex(digits.decode())
        return digits[:-2].decode() if _check(data[:-1]) == data[-1] else None


class Confirmed:
    """Believes a number only when it was read `reads_count` times in a row, soon after another."""

    def __init__(self, reads_count: int) -> None:
        self._reads_count = reads_count
        self._number = ""
        self._equal_count = 0
        self._last_at = float("-inf")

    def is_sure(self, number: str, at_s: float) -> bool:
        """Note one read; whether the number is sure now."""
        is_another = number == self._number and at_s - self._last_at < CONFIRMED_WITHIN_S
        self._equal_count = min(self._equal_count, self._reads_count) + 1 if is_another else 1
        self._number, self._last_at = number, at_s
        return self._equal_count >= self._reads_count

    def reset(self) -> None:
        """Forget what was read."""
        self._equal_count = 0
        self._number = ""


def _check(number: bytes) -> int:
    check = 0
    for byte in number:
        check ^= byte
    return check
