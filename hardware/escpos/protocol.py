"""What a printer is asked and what it answers: bytes in, events out, no port.

Source: Epson, "ESC/POS Command Reference": DLE EOT, GS r, GS a, GS ( H function 48, and its table
for telling the answers apart by their fixed bits:

    0**0****  GS r                  0**1**10  DLE EOT
    0**1**00  first byte of ASB     00110111  head of a block: GS ( H
    00010001  XON                   00010011  XOFF

An answer does not say which question it is to: that is known by their order alone. So whoever asks
waits for each answer before the next question.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

PROCESS_ID_CHARS: Final = 4
_PROCESS_ID_HEAD: Final = b"\x37\x22"
_PROCESS_ID_BYTES: Final = len(_PROCESS_ID_HEAD) + PROCESS_ID_CHARS + 1  # and a closing NUL
_ASB_BYTES: Final = 4
_ORDERED_STATUS: Final = b"\x1dr"  # GS r
_XON_XOFF: Final = frozenset((0x11, 0x13))


class Fault(StrEnum):
    """What is the matter with a printer; stored and sent, never renamed."""

    PAPER_OUT = "paper_out"
    PAPER_NEAR_END = "paper_near_end"
    COVER_OPEN = "cover_open"
    CUTTER = "cutter"
    OVERHEATED = "overheated"
    BROKEN = "broken"  # an error that only switching it off and on ends
    OFFLINE = "offline"  # it does not print and gives no reason
    UNREACHABLE = "unreachable"  # no cable, no power, no address
    SILENT = "silent"  # connected, but it does not answer
    STALLED = "stalled"  # it takes no more bytes
    UNKNOWN = "unknown"  # it answers what no printer should


HARMLESS: Final = frozenset({Fault.PAPER_NEAR_END})
"""What a printer goes on printing with."""


class Ask(IntEnum):
    """The n of DLE EOT."""

    PRINTER = 1
    OFFLINE_CAUSE = 2
    ERROR_CAUSE = 3
    PAPER = 4


@dataclass(frozen=True, slots=True)
class StatusByte:
    """An answer to DLE EOT; what it means depends on what was asked."""

    value: int


@dataclass(frozen=True, slots=True)
class OrderedByte:
    """An answer to GS r: everything sent before the question was processed."""

    value: int


@dataclass(frozen=True, slots=True)
class AutoStatus:
    """Four bytes that a printer sends by itself when something changes (ASB)."""

    values: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ProcessDone:
    """The mark of a job that is on paper now."""

    process_id: str


Answer: TypeAlias = StatusByte | OrderedByte | AutoStatus | ProcessDone


@dataclass(frozen=True, slots=True)
class Status:
    """What a printer said about itself. `pin3_high` is the drawer's contact, None if not told."""

    faults: frozenset[Fault] = frozenset()
    pin3_high: bool | None = None

    @property
    def can_print(self) -> bool:
        """Whether a job sent now would come out."""
        return not self.faults - HARMLESS


def ask_status(what: Ask) -> bytes:
    """DLE EOT n: answered at once, also by a printer that is offline."""
    return bytes((0x10, 0x04, what))


def ask_in_order() -> bytes:
    """GS r 1: answered when everything before it was processed."""
    return _ORDERED_STATUS + b"\x01"


def ask_process_id(process_id: str) -> bytes:
    """GS ( H 48: the printer answers with these characters when everything before is printed."""
    if not is_process_id(process_id):
        raise ValueError(f"{process_id!r} is no process id")
    return b"\x1d(H\x06\x00\x30\x30" + process_id.encode("ascii")


def is_process_id(text: str) -> bool:
    """Four printable ASCII characters."""
    return len(text) == PROCESS_ID_CHARS and all(" " <= char <= "~" for char in text)


class AnswerParser:
    """Finds answers in a stream cut anywhere; drops one byte where none begins."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.dropped_bytes_count = 0

    def feed(self, data: bytes) -> list[Answer]:
        """Take the next bytes; the answers that they complete, in order."""
        answers: list[Answer] = []
        # Byte by byte, so that where the stream is cut can make no difference.
        for byte in data:
            self._buffer.append(byte)
            while self._buffer and (taken := self._head_bytes()):
                head = bytes(self._buffer[:taken])
                del self._buffer[:taken]
                answer = _read(head)
                if answer is not None:
                    answers.append(answer)
        return answers

    def reset(self) -> None:
        """Drop an answer begun but not ended."""
        self.dropped_bytes_count += len(self._buffer)
        self._buffer.clear()

    def _head_bytes(self) -> int:
        """How many bytes the answer at the head has; 0 while it is not whole."""
        while self._buffer:
            head = self._buffer[0]
            if head in _XON_XOFF:
                del self._buffer[0]
                continue
            wanted = _length_of(head)
            if wanted and _may_begin(bytes(self._buffer[:wanted])):
                return wanted if len(self._buffer) >= wanted else 0
            del self._buffer[0]
            self.dropped_bytes_count += 1
        return 0


def status_of(bytes_asked: Mapping[Ask, int]) -> Status:
    """What the answers to DLE EOT say together, [DLE EOT]."""
    printer = bytes_asked.get(Ask.PRINTER, 0)
    cause = bytes_asked.get(Ask.OFFLINE_CAUSE, 0)
    error = bytes_asked.get(Ask.ERROR_CAUSE, 0)
    paper = bytes_asked.get(Ask.PAPER, 0)
    told = {
        Fault.COVER_OPEN: cause & 0x04,
        Fault.PAPER_OUT: cause & 0x20 or paper & 0x60,
        Fault.PAPER_NEAR_END: paper & 0x0C,
        Fault.CUTTER: error & 0x08,
        Fault.BROKEN: error & 0x20,
        Fault.OVERHEATED: error & 0x40 and not cause & 0x04,
    }
    return _status(told, is_offline=bool(printer & 0x08), pin3=printer & 0x04)


def status_of_auto(answer: AutoStatus) -> Status:
    """The same from a status that the printer sent by itself, [GS a]."""
    printer, error, paper, _ = answer.values
    told = {
        Fault.COVER_OPEN: printer & 0x20,
        Fault.PAPER_OUT: paper & 0x0C,
        Fault.PAPER_NEAR_END: paper & 0x03,
        Fault.CUTTER: error & 0x08,
        Fault.BROKEN: error & 0x20,
        Fault.OVERHEATED: error & 0x40 and not printer & 0x20,
    }
    return _status(told, is_offline=bool(printer & 0x08), pin3=printer & 0x04)


def _status(told: Mapping[Fault, int | bool], *, is_offline: bool, pin3: int) -> Status:
    faults = {fault for fault, bits in told.items() if bits}
    if Fault.PAPER_OUT in faults:
        faults.discard(Fault.PAPER_NEAR_END)
    if is_offline and not faults - HARMLESS:
        faults.add(Fault.OFFLINE)
    return Status(frozenset(faults), bool(pin3))


def _length_of(head: int) -> int:
    """How long an answer is that begins with this byte; 0 when none does."""
    if head == _PROCESS_ID_HEAD[0]:
        return _PROCESS_ID_BYTES
    if head & 0x93 == 0x12 or head & 0x90 == 0x00:
        return 1
    if head & 0x93 == 0x10:
        return _ASB_BYTES
    return 0


def _may_begin(part: bytes) -> bool:
    """Whether these bytes, perhaps not all of them, are an answer so far."""
    head = part[0]
    if head == _PROCESS_ID_HEAD[0]:
        mark = part[2 : 2 + PROCESS_ID_CHARS]
        return (
            part[1:2] in (b"", _PROCESS_ID_HEAD[1:])
            and all(0x20 <= byte <= 0x7E for byte in mark)
            and part[6:7] in (b"", b"\0")
        )
    if head & 0x93 == 0x10:
        return all(byte & 0x90 == 0 for byte in part[1:])
    return True


def _read(answer: bytes) -> Answer | None:
    head = answer[0]
    if len(answer) == _PROCESS_ID_BYTES:
        return ProcessDone(answer[2:-1].decode("ascii"))
    if len(answer) == _ASB_BYTES:
        return AutoStatus((answer[0], answer[1], answer[2], answer[3]))
    if head & 0x93 == 0x12:
        return StatusByte(head)
    return OrderedByte(head)
