"""What a reader of a lane has seen: one code or one chip, held up once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

VALUE_CHARS_MAX: Final = 1000
"""Longer ones are cut off here: no code or chip of ours says so much."""


class SeenKind(StrEnum):
    """By which means it came; what a value may be trusted for differs."""

    QR = "qr"
    LINE = "line"  # what a serial device sent as a line, most often an imager's code
    RFID_LF = "rfid_lf"  # the number of a 125 kHz chip, in hexadecimal: copied in seconds
    RFID_UHF = "rfid_uhf"  # a Gen2 chip's EPC, in hexadecimal: read at metres, copied easily
    NFC_UID = "nfc_uid"  # a chip's number alone, in hexadecimal: copied in seconds
    NFC_NDEF = "nfc_ndef"  # a chip's first text or link; `uid` is the chip
    NFC_SUN = "nfc_sun"  # a link that the chip itself authenticates anew at each tap


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing seen. `value` is ASCII; what was not ASCII stands in it as backslash escapes.

    `reader` is the reader's address as configured, `at_s` a monotonic second of this machine.
    `uid` is the chip's own number in upper-case hexadecimal where there is a chip that has one
    besides its value. `rssi_dbm` is how strong a UHF chip answered. `detail` is for logs.
    """

    kind: SeenKind
    value: str
    reader: str
    at_s: float
    uid: str = ""
    rssi_dbm: int | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        if not self.value or not self.value.isascii() or len(self.value) > VALUE_CHARS_MAX:
            raise ValueError("a value is ASCII text, neither empty nor endless")


def as_value(text: str) -> str:
    """`text` as a value may hold it: printable ASCII, the rest escaped, cut at its limit.

    A backslash is escaped too, so different texts of bearable length stay different; and no
    ticket code holds one, so an escaped text is refused, and the person gets an answer.
    """
    kept = "".join(
        char if " " <= char <= "~" and char != "\\" else _escaped(char)
        for char in text[:VALUE_CHARS_MAX]
    )
    return kept[:VALUE_CHARS_MAX]


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{{{ord(char):x}}}"
