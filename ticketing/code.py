"""The ticket code: what a QR code on a ticket says, signed by the node that sold it.

    "BXG1" + base32(37 bytes of facts + 64 bytes of Ed25519 signature)

in RFC 4648 base32 without padding: 166 characters, all of QR's alphanumeric set, so the code fits
a version 7 symbol at error level M. The prefix makes sure that no other code is mistaken for a
ticket. docs/ticket-code.md gives the layout with test vectors.
"""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntFlag, StrEnum

from ticketing.ids import (
    U8_MAX,
    U16_MAX,
    U32_MAX,
    AllotmentId,
    KeyId,
    TicketId,
    is_key_id,
    is_ticket_id,
)
from ticketing.keys import SIGNATURE_BYTES, is_signed, sign

PREFIX = "BXG1"
CODE_CHARS = 166
FORMAT = 1

_FACTS = struct.Struct(">B4s8sIIBB4sIIH")
_CONTEXT = b"boxgate ticket 1\0"
_LATER_PREFIXES = tuple("23456789")  # "BXG2" and on: other layouts than ours
_SHAPE = re.compile(PREFIX + r"[A-Z2-7]{162}")
_RAW_BYTES = _FACTS.size + SIGNATURE_BYTES
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MINUTE = datetime.max.replace(second=0, microsecond=0, tzinfo=UTC)


class Flag(IntFlag):
    """What is special about a ticket; four bits of the first byte."""

    TRAINING = 1  # made in training mode: no gate lets it in
    PROVISIONAL = 2  # sold offline beyond the allotment's soft term


class CodeFault(StrEnum):
    """Why a text is not a ticket code."""

    NOT_A_TICKET = "not_a_ticket"  # another system's code, or garbage
    DAMAGED = "damaged_code"  # ours by its prefix, but cut off or altered
    NEWER_FORMAT = "newer_format"  # ours, from a later version of Boxgate


_NO_FLAGS = Flag(0)
_ALL_FLAGS = Flag.TRAINING | Flag.PROVISIONAL


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """The signed facts of a ticket.

    `valid_from` is aware UTC on a whole minute from 1970 on; the ticket is valid for
    `valid_minutes` from it, which must end within the calendar (year 9999). Facts that a code
    cannot carry are a bug and raise ValueError.
    """

    key_id: KeyId
    ticket_id: TicketId
    performance: int
    unit: int
    ticket_type: int
    version: int
    allotment: AllotmentId
    valid_from: datetime
    valid_minutes: int
    flags: Flag = _NO_FLAGS

    @property
    def valid_to(self) -> datetime:
        """The instant from which it is no longer valid."""
        return self.valid_from + timedelta(minutes=self.valid_minutes)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("performance", self.performance, 1, U32_MAX),
            ("unit", self.unit, 1, U32_MAX),
            ("ticket_type", self.ticket_type, 1, U8_MAX),
            ("version", self.version, 0, U8_MAX),
            ("allotment number", self.allotment.number, 1, U32_MAX),
            ("valid_minutes", self.valid_minutes, 1, U16_MAX),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} {value} is outside {low}..{high}")
        texts_fit = is_key_id(self.key_id) and is_ticket_id(self.ticket_id)
        if not texts_fit or not is_key_id(self.allotment.generation):
            raise ValueError("key id, ticket id and generation must be lower-case hex")
        if int(self.flags) & ~int(_ALL_FLAGS):
            raise ValueError(f"flags {int(self.flags)} are not all known")
        if self.valid_from.utcoffset() is None or self.valid_from.timestamp() % 60:
            raise ValueError("valid_from must be aware and on a whole minute")
        lasts = timedelta(minutes=self.valid_minutes)
        if self.valid_from < _EPOCH or self.valid_from > _LAST_MINUTE - lasts:
            raise ValueError("valid_from must lie in 1970 or later, and the end before 10000")


@dataclass(frozen=True, slots=True)
class TicketCode:
    """A well-formed code. Its signature has not been checked: see `is_genuine`."""

    facts: TicketFacts
    text: str
    _signed: bytes
    _signature: bytes

    def is_genuine(self, public: bytes) -> bool:
        """Whether the key signed these very facts."""
        return is_signed(public, self._signature, _CONTEXT + self._signed)


def make_code(facts: TicketFacts, private: bytes) -> str:
    """The code's text. Deterministic: Ed25519 needs no chance."""
    packed = _pack(facts)
    return PREFIX + _base32(packed + sign(private, _CONTEXT + packed))


def parse_code(text: str) -> TicketCode | CodeFault:
    """Read a code. Total: every text gives a code or the reason why it is none."""
    if not text.startswith(PREFIX[:3]):
        return CodeFault.NOT_A_TICKET
    if not text.startswith(PREFIX):
        return CodeFault.NEWER_FORMAT if text[3:4] in _LATER_PREFIXES else CodeFault.NOT_A_TICKET
    if _SHAPE.fullmatch(text) is None:
        return CodeFault.DAMAGED
    number = int(text[len(PREFIX) :].translate(_DIGITS), 32)  # ten times as fast as base64's
    if number & _SPARE:  # not written by us
        return CodeFault.DAMAGED
    raw = (number >> _SPARE.bit_length()).to_bytes(_RAW_BYTES)
    if raw[0] >> 4 != FORMAT:
        return CodeFault.NEWER_FORMAT
    facts = _unpack(raw[: _FACTS.size])
    if facts is None:
        return CodeFault.DAMAGED
    return TicketCode(facts, text, raw[: _FACTS.size], raw[_FACTS.size :])


def _pack(facts: TicketFacts) -> bytes:
    return _FACTS.pack(
        FORMAT << 4 | facts.flags,
        bytes.fromhex(facts.key_id),
        bytes.fromhex(facts.ticket_id),
        facts.performance,
        facts.unit,
        facts.ticket_type,
        facts.version,
        bytes.fromhex(facts.allotment.generation),
        facts.allotment.number,
        int(facts.valid_from.timestamp()) // 60,
        facts.valid_minutes,
    )


def _unpack(raw: bytes) -> TicketFacts | None:
    head, key, ticket, performance, unit, kind, version, gen, number, start, minutes = (
        _FACTS.unpack(raw)
    )
    try:
        return TicketFacts(
            KeyId(key.hex()),
            TicketId(ticket.hex()),
            performance,
            unit,
            kind,
            version,
            AllotmentId(gen.hex(), number),
            datetime.fromtimestamp(start * 60, UTC),
            minutes,
            Flag(head & 0x0F),
        )
    except (ValueError, OverflowError):
        return None


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV")
"""From base32 as RFC 4648 writes it to the digits that Python counts with."""
_SPARE = (1 << (-_RAW_BYTES * 8 % 5)) - 1
"""The bits of the last digit that no byte needs."""
assert len(PREFIX) + -(-_RAW_BYTES * 8 // 5) == CODE_CHARS
