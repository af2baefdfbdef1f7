"""The part of Modbus RTU that relay boards speak: bytes in, events out, no port.

Sources: [AP] Modbus Application Protocol V1.1b3; [SL] Modbus over Serial Line V1.02; [WS] Waveshare
"Modbus RTU Relay", development protocol (the boards of Zhongsheng and others copy it).

RTU has no start byte: a reply can be told only by knowing what may come. So each parser has a table
of the frames that it accepts; a frame whose check fails costs one byte, not the whole buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# [SL] 2.2: addresses of single boards; 0 is a broadcast that nobody answers.
UNIT_MIN, UNIT_MAX = 1, 247
# [WS]: boards have up to 32 relays, and up to 32 inputs.
CHANNELS_COUNT_MAX: Final = 32
INPUTS_COUNT_MAX: Final = 32
# [WS] "flash on": the time is counted in these units, in 15 bits.
FLASH_STEP_MS: Final = 100
FLASH_STEPS_MAX: Final = 0x7FFF
# [WS]: the flash-on command is a coil write whose address carries 02 in its high byte.
FLASH_ON: Final = 0x0200
# [AP] 6.5: the only two values of an ordinary coil write.
COIL_ON, COIL_OFF = 0xFF00, 0x0000

_READ_COILS, _READ_INPUTS, _WRITE_COIL = 0x01, 0x02, 0x05
_EXCEPTION: Final = 0x80  # [AP] 7: set in the function code of a refusal


class RefusalCode(IntEnum):
    """Why a board refuses, [AP] 7."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    BUSY = 6


@dataclass(frozen=True)
class WriteCoil:
    """Function 5. As a request and, in the same bytes, as the board's echo of it."""

    unit: int
    address: int
    value: int


@dataclass(frozen=True)
class ReadCoils:
    """Function 1, request: the states of `count` relays from `address` on."""

    unit: int
    address: int
    count: int


@dataclass(frozen=True)
class CoilStates:
    """Function 1, reply: eight relays a byte, the lowest in bit 0."""

    unit: int
    packed: bytes

    def is_on(self, channel: int) -> bool:
        """Whether relay `channel`, counted from the first one asked for, is on."""
        return bool(self.packed[channel // 8] >> channel % 8 & 1)


@dataclass(frozen=True)
class ReadInputs:
    """Function 2, request: the states of `count` inputs from `address` on."""

    unit: int
    address: int
    count: int


@dataclass(frozen=True)
class InputStates:
    """Function 2, reply: eight inputs a byte, the lowest in bit 0."""

    unit: int
    packed: bytes

    def is_on(self, number: int) -> bool:
        """Whether input `number`, counted from the first one asked for, has current."""
        return bool(self.packed[number // 8] >> number % 8 & 1)


@dataclass(frozen=True)
class Refusal:
    """An exception reply: the board understood the frame and declines. `code` may be unknown."""

    unit: int
    function: int
    code: int


Request: TypeAlias = WriteCoil | ReadCoils | ReadInputs
Reply: TypeAlias = WriteCoil | CoilStates | InputStates | Refusal
EventT = TypeVar("EventT")


def crc16(data: bytes) -> int:
    """The check of RTU frames, [SL] 6.2.2: polynomial A001 reflected, start FFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def encode(message: Request | Reply) -> bytes:
    """The whole frame of `message`, check included."""
    body = body_of(message)
    return body + crc16(body).to_bytes(2, "little")  # [SL] 2.5.1.2: low byte first


def flash_on(unit: int, channel: int, steps_count: int) -> WriteCoil:
    """Close relay `channel` for `steps_count` times 100 ms; the board opens it by itself, [WS]."""
    if not 1 <= steps_count <= FLASH_STEPS_MAX:
        raise ValueError(f"a flash lasts 1 to {FLASH_STEPS_MAX} steps, not {steps_count}")
    return WriteCoil(unit, FLASH_ON | _checked(channel), steps_count)


def switch(unit: int, channel: int, *, on: bool) -> WriteCoil:
    """Close relay `channel` until told otherwise, or open it, [AP] 6.5."""
    return WriteCoil(unit, _checked(channel), COIL_ON if on else COIL_OFF)


def function_of(request: Request) -> int:
    """The function code of a request, as a refusal of it names it."""
    match request:
        case ReadCoils():
            return _READ_COILS
        case ReadInputs():
            return _READ_INPUTS
        case WriteCoil():
            return _WRITE_COIL


def pack_coils(states: list[bool]) -> bytes:
    """`states` eight a byte as in a CoilStates or InputStates reply."""
    packed = bytearray((len(states) + 7) // 8)
    for index, on in enumerate(states):
        packed[index // 8] |= on << index % 8
    return bytes(packed)


def silence_s(baud: int) -> float:
    """The pause in seconds that must part two frames, [SL] 2.5.1.1: 3.5 characters of 11 bits."""
    return 0.00175 if baud > 19_200 else 3.5 * 11 / baud


def body_of(message: Request | Reply) -> bytes:
    """`message` without a check: the unit, the function, and what it needs."""
    match message:
        case WriteCoil(unit, address, value):
            return bytes((unit, _WRITE_COIL)) + _words(address, value)
        case ReadCoils(unit, address, count):
            return bytes((unit, _READ_COILS)) + _words(address, count)
        case CoilStates(unit, packed):
            return bytes((unit, _READ_COILS, len(packed))) + packed
        case ReadInputs(unit, address, count):
            return bytes((unit, _READ_INPUTS)) + _words(address, count)
        case InputStates(unit, packed):
            return bytes((unit, _READ_INPUTS, len(packed))) + packed
        case Refusal(unit, function, code):
            return bytes((unit, function | _EXCEPTION, code))


def _checked(channel: int) -> int:
    if not 0 <= channel < CHANNELS_COUNT_MAX:
        raise ValueError(f"relays are numbered 0 to {CHANNELS_COUNT_MAX - 1}, not {channel}")
    return channel


def _words(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def _word(frame: bytes, at: int) -> int:
    return int.from_bytes(frame[at : at + 2], "big")


class FrameParser(Generic[EventT]):
    """Finds the frames of one unit in a stream that may be cut anywhere and hold noise.

    `frame_bytes` maps how a frame goes on after its unit to how long it is, check included; `read`
    turns a frame whose check is right into an event. Never holds more than the longest frame.
    """

    def __init__(
        self, unit: int, frame_bytes: Mapping[bytes, int], read: Callable[[bytes], EventT]
    ) -> None:
        self._unit = unit
        self._frame_bytes = frame_bytes
        self._read = read
        self._buffer = bytearray()
        self.dropped_bytes_count = 0

    def feed(self, data: bytes) -> list[EventT]:
        """Take the next bytes; the events that they complete, in order."""
        events: list[EventT] = []
        # Byte by byte, so that where the stream is cut can make no difference.
        for byte in data:
            self._buffer.append(byte)
            events.extend(self._scan())
        return events

    def reset(self) -> None:
        """Drop a frame begun but not ended: before a new request, or after a silence."""
        self.dropped_bytes_count += len(self._buffer)
        self._buffer.clear()

    def _scan(self) -> Iterator[EventT]:
        while self._buffer:
            wanted_bytes = self._wanted_bytes()
            if wanted_bytes > len(self._buffer):
                return
            frame = bytes(self._buffer[:wanted_bytes])
            if frame and crc16(frame[:-2]) == int.from_bytes(frame[-2:], "little"):
                del self._buffer[:wanted_bytes]
                yield self._read(frame)
            else:
                del self._buffer[0]
                self.dropped_bytes_count += 1

    def _wanted_bytes(self) -> int:
        """How long the frame at the head of the buffer is; 0 when no frame begins like this."""
        if self._buffer[0] != self._unit:
            return 0
        rest = bytes(self._buffer[1:])
        for beginning, frame_bytes in self._frame_bytes.items():
            if rest.startswith(beginning):
                return frame_bytes
        may_become = any(beginning.startswith(rest) for beginning in self._frame_bytes)
        return len(self._buffer) + 1 if may_become else 0


def reply_parser(unit: int, channels_count: int, inputs_count: int = 0) -> FrameParser[Reply]:
    """For the side that asks: replies of `unit`, states only for so many relays and inputs."""
    coil_bytes = (channels_count + 7) // 8
    frame_bytes = {
        bytes((_WRITE_COIL,)): 8,
        bytes((_READ_COILS, coil_bytes)): 5 + coil_bytes,
        bytes((_WRITE_COIL | _EXCEPTION,)): 5,
        bytes((_READ_COILS | _EXCEPTION,)): 5,
    }
    if inputs_count:
        input_bytes = (inputs_count + 7) // 8
        frame_bytes[bytes((_READ_INPUTS, input_bytes))] = 5 + input_bytes
        frame_bytes[bytes((_READ_INPUTS | _EXCEPTION,))] = 5
    return FrameParser(unit, frame_bytes, _read_reply)


def request_parser(unit: int) -> FrameParser[Request]:
    """For the side that answers: the requests to `unit` that a relay board knows."""
    functions = (_WRITE_COIL, _READ_COILS, _READ_INPUTS)
    return FrameParser(unit, {bytes((each,)): 8 for each in functions}, _read_request)


def _read_reply(frame: bytes) -> Reply:
    unit, function = frame[0], frame[1]
    if function & _EXCEPTION:
        return Refusal(unit, function & ~_EXCEPTION, frame[2])
    if function == _READ_COILS:
        return CoilStates(unit, frame[3:-2])
    if function == _READ_INPUTS:
        return InputStates(unit, frame[3:-2])
    return WriteCoil(unit, _word(frame, 2), _word(frame, 4))


def _read_request(frame: bytes) -> Request:
    return read_request(frame[:6])


def read_request(body: bytes) -> Request:
    """A request from its body: unit, function and two words."""
    unit, function = body[0], body[1]
    if function == _READ_COILS:
        return ReadCoils(unit, _word(body, 2), _word(body, 4))
    if function == _READ_INPUTS:
        return ReadInputs(unit, _word(body, 2), _word(body, 4))
    return WriteCoil(unit, _word(body, 2), _word(body, 4))
