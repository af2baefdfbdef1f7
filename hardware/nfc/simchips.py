"""Simulated chips: frames in, answers out, as they go through the air. No reader, no port.

Sources: NXP NTAG213/215/216 data sheet [NTAG], NXP NTAG 424 DNA data sheet, ISO/IEC 14443-4 [4].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

READ, GET_VERSION = 0x30, 0x60
_PAGES_COUNT: Final = 135  # [NTAG] NTAG215
_DATA_BYTES: Final = 496
_NDEF_APPLICATION: Final = bytes.fromhex("D2760000850101")


class Chip(Protocol):
    """A chip of ISO/IEC 14443 type A."""

    uid: bytes
    sens_res: bytes
    sel_res: int

    def wake(self) -> None:
        """The field came up: forget the last conversation."""
        ...

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to one frame without its check; None for silence."""
        ...


class NtagChip:
    """An NTAG215 with a message; without one (None) it was never formatted."""

    sens_res = bytes.fromhex("4400")
    sel_res = 0x00

    def __init__(self, uid: bytes, message: bytes | None = b"") -> None:
        self.uid = uid
        self.memory = bytearray(4 * _PAGES_COUNT)
        if message is not None:
            self.memory[12:16] = bytes((0xE1, 0x10, _DATA_BYTES // 8, 0x00))
            self.format(message)

    def format(self, message: bytes) -> None:
        """Write `message`, behind the lock block that such chips are sold with."""
        short = len(message) < 0xFF
        length = bytes((len(message),)) if short else b"\xff" + len(message).to_bytes(2, "big")
        data = bytes.fromhex("0103A00C34") + b"\x03" + length + message + b"\xfe"
        if len(data) > _DATA_BYTES:
            raise ValueError(f"an NTAG215 holds {_DATA_BYTES} bytes")
        self.memory[16 : 16 + len(data)] = data

    def wake(self) -> None:
        """It has no conversation."""

    def answer(self, frame: bytes) -> bytes | None:
        """READ and GET_VERSION; silence for the rest."""
        if len(frame) == 2 and frame[0] == READ and frame[1] < _PAGES_COUNT:
            at = 4 * frame[1]
            return bytes((self.memory * 2)[at : at + 16])  # [NTAG] 10.2: reading rolls over
        if frame == bytes((GET_VERSION,)):
            return bytes.fromhex("0004040201001103")
        return None


class Type4Chip:
    """A Type 4 chip, such as an NTAG 424 DNA: `message_of` is asked at each tap, with its number."""

    sens_res = bytes.fromhex("4403")
    sel_res = 0x20

    def __init__(self, uid: bytes, message_of: Callable[[int], bytes | None]) -> None:
        self.uid = uid
        self.taps_count = 0
        self._message_of = message_of
        self._file = b""
        self._files: dict[bytes, bytes] = {}
        self._last = b""

    def wake(self) -> None:
        """Forget the last conversation."""
        self._files, self._file, self._last = {}, b"", b""

    def answer(self, frame: bytes) -> bytes | None:
        """Blocks of ISO-DEP, [4] 7; no chaining."""
        if not frame:
            return None
        head = frame[0]
        if head == 0xE0:  # RATS: frames of 256 bytes, answers within 39 ms
            return bytes.fromhex("0578807002")
        if head & 0xE2 == 0x02:
            self._last = bytes((head,)) + self.command(frame[1:])
            return self._last
        if head & 0xF6 == 0xB2:  # "say again" or "are you there"
            is_same = bool(self._last) and (self._last[0] ^ head) & 1 == 0
            return self._last if is_same else bytes((0xA2 | head & 1,))
        return frame if head & 0xF7 == 0xC2 else None

    def command(self, apdu: bytes) -> bytes:
        """The answer to an APDU, status included."""
        if apdu[:4] == b"\x00\xa4\x04\x00" and apdu[5:12] == _NDEF_APPLICATION:
            return self._open()
        if apdu[:4] == b"\x00\xa4\x00\x0c" and apdu[5:7] in self._files:
            self._file = self._files[apdu[5:7]]
            return b"\x90\x00"
        if apdu[:2] == b"\x00\xb0" and len(apdu) == 5 and self._file:
            at = int.from_bytes(apdu[2:4], "big")
            return self._file[at : at + apdu[4]] + b"\x90\x00"
        return b"\x6a\x82"  # file or application not found

    def _open(self) -> bytes:
        message = self._message_of(self.taps_count + 1)
        if message is None:
            return b"\x6a\x82"
        self.taps_count += 1
        self._files = {
            bytes.fromhex("E103"): bytes.fromhex("000F20003B00340406E10401000000"),
            bytes.fromhex("E104"): len(message).to_bytes(2, "big") + message,
        }
        return b"\x90\x00"


def crc_a(data: bytes) -> bytes:
    """The check of type A frames, ISO/IEC 14443-3 annex B."""
    crc = 0x6363
    for byte in data:
        low = byte ^ crc & 0xFF
        low = (low ^ low << 4) & 0xFF
        crc = crc >> 8 ^ low << 8 ^ low << 3 ^ low >> 4
    return crc.to_bytes(2, "little")
