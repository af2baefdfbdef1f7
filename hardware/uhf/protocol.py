"""What the UHF modules YRM100, M100, JRD-100 speak: bytes in, frames out, no port.

Sources: [MAG] MagicRF "M100 / QM100 firmware instruction manual"; [G2] EPC Gen2 air interface.

    BB type command length(2) parameters sum 7E

`type` is 0 for a command, 1 for a reply, 2 for a notice; the sum is of the bytes from `type` to the
last parameter, modulo 256. BB and 7E may also stand inside, so only the length says where a frame
ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

IDLE_S: Final = 0.15
"""A frame begun and not ended within such a silence is dropped."""
POWER_DBM_MIN, POWER_DBM_MAX = 10, 30
PARAMETERS_BYTES_MAX: Final = 80
"""[G2] 6.3.2.1: an EPC has at most 62 bytes; the rest of a notice is 5."""

_HEAD, _END = 0xBB, 0x7E
_FRAME_BYTES_MIN: Final = 7
_INVENTORY_FAILED: Final = 0x15  # [MAG] "inventory fail": no chip in the field
_EPC_BYTES_MAX: Final = 62


class FrameType(IntEnum):
    """Who speaks, [MAG] 2.1."""

    COMMAND = 0
    REPLY = 1
    NOTICE = 2


class Command(IntEnum):
    """The commands that a gate needs, [MAG] 2.2."""

    POLL_ONCE = 0x22
    STOP_POLLING = 0x28
    SET_POWER = 0xB6
    FAILURE = 0xFF  # only in replies


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame whose sum is right. `command` may be one that is not in Command."""

    type: FrameType
    command: int
    parameters: bytes = b""


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip that answered. `epc` is upper-case hexadecimal."""

    epc: str
    rssi_dbm: int


POLL_ONCE: Final = Frame(FrameType.COMMAND, Command.POLL_ONCE)
STOP_POLLING: Final = Frame(FrameType.COMMAND, Command.STOP_POLLING)
NO_CHIP: Final = Frame(FrameType.REPLY, Command.FAILURE, bytes((_INVENTORY_FAILED,)))


def set_power(power_dbm: int) -> Frame:
    """Send with so much power; the module counts hundredths of a dBm."""
    if not POWER_DBM_MIN <= power_dbm <= POWER_DBM_MAX:
        raise ValueError(f"power is {POWER_DBM_MIN} to {POWER_DBM_MAX} dBm, not {power_dbm}")
    return Frame(FrameType.COMMAND, Command.SET_POWER, (power_dbm * 100).to_bytes(2, "big"))


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`, sum included."""
    body = bytes((frame.type, frame.command)) + len(frame.parameters).to_bytes(2, "big")
    body += frame.parameters
    return bytes((_HEAD,)) + body + bytes((sum(body) & 0xFF, _END))


def notice_of(epc: bytes, rssi_dbm: int) -> Frame:
    """What a module says of a chip."""
    if len(epc) % 2 or len(epc) > _EPC_BYTES_MAX:
        raise ValueError("an EPC is whole words, at most 31")
    # [G2] 6.3.2.1.2.2: the upper five bits of the protocol control word count the EPC's words.
    said = (len(epc) // 2 << 11).to_bytes(2, "big") + epc
    parameters = (rssi_dbm & 0xFF).to_bytes(1, "big") + said + epc_crc(said).to_bytes(2, "big")
    return Frame(FrameType.NOTICE, Command.POLL_ONCE, parameters)


def chip_of(frame: Frame) -> Chip | None:
    """The chip that a notice is about; None for another frame or a chip misheard.

    The chip's own check is made once more here: the module's sum covers the cable, not the air.
    """
    if frame.type is not FrameType.NOTICE or frame.command != Command.POLL_ONCE:
        return None
    said, crc = frame.parameters[1:-2], frame.parameters[-2:]
    if len(said) < 4 or len(said) != 2 + 2 * (said[0] >> 3):
        return None
    if epc_crc(said) != int.from_bytes(crc, "big"):
        return None
    rssi = frame.parameters[0]
    return Chip(said[2:].hex().upper(), rssi - 0x100 if rssi & 0x80 else rssi)


def epc_crc(data: bytes) -> int:
    """The check of a chip's protocol control word and EPC: [G2] annex F, polynomial 1021."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc ^ 0xFFFF


class FrameParser:
    """Finds frames in a stream cut anywhere. Times are monotonic seconds and never go back.

    A wrong sum costs one byte, not the whole buffer. Never holds more than the longest frame.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._last_at = float("-inf")
        self.bad_frames_count = 0
        self.dropped_bytes_count = 0

    def feed(self, data: bytes, at_s: float) -> list[Frame]:
        """Take the next bytes, none at a silence; the frames that they complete."""
        if self._buffer and at_s - self._last_at >= IDLE_S:
            self.bad_frames_count += 1
            self.reset()
        if data:
            self._last_at = at_s
        frames: list[Frame] = []
        # Byte by byte, so that where the stream is cut can make no difference.
        for byte in data:
            self._buffer.append(byte)
            frames.extend(self._scan())
        return frames

    def reset(self) -> None:
        """Forget a frame begun."""
        self.dropped_bytes_count += len(self._buffer)
        self._buffer.clear()

    def _scan(self) -> Iterator[Frame]:
        while self._buffer:
            if self._may_begin():
                wanted_bytes = self._wanted_bytes()
                if len(self._buffer) < wanted_bytes:
                    return
                frame = bytes(self._buffer[:wanted_bytes])
                if frame[-1] == _END and sum(frame[1:-2]) & 0xFF == frame[-2]:
                    del self._buffer[:wanted_bytes]
                    yield Frame(FrameType(frame[1]), frame[2], frame[5:-2])
                    continue
                self.bad_frames_count += 1
            del self._buffer[0]
            self.dropped_bytes_count += 1

    def _may_begin(self) -> bool:
        """Whether a frame may begin like this."""
        if self._buffer[0] != _HEAD:
            return False
        if len(self._buffer) > 1 and self._buffer[1] not in set(FrameType):
            return False
        return len(self._buffer) < 5 or self._parameters_bytes() <= PARAMETERS_BYTES_MAX

    def _wanted_bytes(self) -> int:
        if len(self._buffer) < 5:
            return _FRAME_BYTES_MIN
        return _FRAME_BYTES_MIN + self._parameters_bytes()

    def _parameters_bytes(self) -> int:
        return int.from_bytes(self._buffer[3:5], "big")
