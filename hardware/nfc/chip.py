"""Reading a chip's NDEF message, whoever carries the commands. No reader is opened here.

Sources: NFC Forum [T2T] "Type 2 Tag Operation", [T3T] "Type 3 Tag Operation", [T4T] "Type 4 Tag
Operation", ISO/IEC 7816-4.

A chip may be anything that a stranger holds up, so each loop has a limit and each answer is looked
at. A message is None where the chip says plainly that it has none; a chip that left or talked
nonsense in between raises ChipLeft, because then nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from hardware.nfc.ndef import MESSAGE_BYTES_MAX

PAGE_BYTES: Final = 4
READ_BYTES: Final = 16
"""[T2T] 5.2: one READ gives four pages."""
BLOCK_BYTES_MAX: Final = 240
"""Asked for at once of a Type 4 chip: less than any reader's frame."""

_DATA_PAGE: Final = 4
_TLV_NULL, _TLV_NDEF, _TLV_END = 0x00, 0x03, 0xFE
_TLVS_COUNT_MAX: Final = 32
_SELECT_NDEF: Final = bytes.fromhex("00A4040007D276000085010100")
_CAPABILITIES_FILE: Final = bytes.fromhex("E103")
_CAPABILITIES_BYTES: Final = 15
_DONE: Final = b"\x90\x00"

ReadPages: TypeAlias = Callable[[int], bytes | None]
"""Four pages from one on; None where the chip refuses. Raises ChipLeft."""
ReadBlock: TypeAlias = Callable[[int], bytes]
"""One block of sixteen bytes. Raises ChipLeft."""
Send: TypeAlias = Callable[[bytes], bytes]
"""An APDU to the answer, status included. Raises ChipLeft."""


class ChipLeft(Exception):
    """The chip was taken away, or did not keep to the protocol, before it had said all."""


def read_type2(read: ReadPages) -> bytes | None:
    """The NDEF message of a Type 2 chip (NTAG21x, Ultralight), [T2T] 6."""
    head = read(0)
    if head is None or len(head) != READ_BYTES:
        return None
    magic, version, size, access = head[12:]
    if magic != 0xE1 or version >> 4 != 1 or access >> 4:
        return None
    return _find_message(_Pages(read, 8 * size))


class _Pages:
    """The data area of a Type 2 chip, read as far as it is looked at."""

    def __init__(self, read: ReadPages, area_bytes: int) -> None:
        self._read = read
        self._area_bytes = area_bytes
        self._known = b""

    def part(self, at: int, count: int) -> bytes | None:
        """`count` bytes from `at` on; None beyond the area."""
        if at + count > min(self._area_bytes, MESSAGE_BYTES_MAX):
            return None
        while len(self._known) < at + count:
            pages = self._read(_DATA_PAGE + len(self._known) // PAGE_BYTES)
            if pages is None or len(pages) != READ_BYTES:
                raise ChipLeft("a page within the area is not read")
            self._known += pages
        return self._known[at : at + count]


def _find_message(pages: _Pages) -> bytes | None:
    """Go through the area's blocks to the one with the message, [T2T] 2.3."""
    at = 0
    for _ in range(_TLVS_COUNT_MAX):
        kind = pages.part(at, 1)
        if kind is None or kind[0] == _TLV_END:
            return None
        at += 1
        if kind[0] == _TLV_NULL:
            continue
        found = _length(pages, at)
        if found is None:
            return None
        length, at = found
        if kind[0] == _TLV_NDEF:
            return pages.part(at, length) or None
        at += length
    return None


def _length(pages: _Pages, at: int) -> tuple[int, int] | None:
    """A block's length and where its value begins: one byte, or FF and two."""
    short = pages.part(at, 1)
    if short is None:
        return None
    if short[0] != 0xFF:
        return short[0], at + 1
    long = pages.part(at + 1, 2)
    return None if long is None else (int.from_bytes(long, "big"), at + 3)


def read_type3(read: ReadBlock) -> bytes | None:
    """The NDEF message of a Type 3 chip (FeliCa), [T3T] 6."""
    about = _block(read, 0)
    length = int.from_bytes(about[11:14], "big")
    is_right = sum(about[:14]) == int.from_bytes(about[14:], "big")
    if not is_right or about[0] >> 4 != 1 or not 0 < length <= MESSAGE_BYTES_MAX:
        return None
    blocks_count = -(-length // READ_BYTES)
    return b"".join(_block(read, 1 + number) for number in range(blocks_count))[:length]


def _block(read: ReadBlock, number: int) -> bytes:
    block = read(number)
    if len(block) != READ_BYTES:
        raise ChipLeft("a block is not read")
    return block


def read_type4(send: Send) -> bytes | None:
    """The NDEF message of a Type 4 chip (NTAG 424 DNA, DESFire, telephones), [T4T] 5."""
    if not _is_done(send(_SELECT_NDEF)) or not _select(send, _CAPABILITIES_FILE):
        return None
    capabilities = _read_binary(send, 0, _CAPABILITIES_BYTES)
    # [T4T] 5.1: the control block of the NDEF file begins at byte 7 with 04 06.
    if len(capabilities) < _CAPABILITIES_BYTES or capabilities[7:9] != b"\x04\x06":
        return None
    block_bytes = min(max(int.from_bytes(capabilities[3:5], "big"), 1), BLOCK_BYTES_MAX)
    is_readable = capabilities[13] == 0
    if not is_readable or not _select(send, capabilities[9:11]):
        return None
    length = int.from_bytes(_read_binary(send, 0, 2), "big")
    if not 0 < length <= MESSAGE_BYTES_MAX:
        return None
    return _read_file(send, length, max(block_bytes, 15))


def _read_file(send: Send, length: int, block_bytes: int) -> bytes:
    message = b""
    while len(message) < length:
        wanted = min(block_bytes, length - len(message))
        message += _read_binary(send, 2 + len(message), wanted)
    return message


def _select(send: Send, file: bytes) -> bool:
    return _is_done(send(b"\x00\xa4\x00\x0c\x02" + file))


def _read_binary(send: Send, at: int, count: int) -> bytes:
    answer = send(b"\x00\xb0" + at.to_bytes(2, "big") + bytes((count,)))
    if not _is_done(answer) or len(answer) != count + 2:
        raise ChipLeft("a file is not read to its end")
    return answer[:-2]


def _is_done(answer: bytes) -> bool:
    """Whether the chip did as told. An answer without a status is none: some readers give nothing
    at all, and no error, for a chip that was taken away.
    """
    if len(answer) < len(_DONE):
        raise ChipLeft("an answer has no status")
    return answer[-2:] == _DONE
