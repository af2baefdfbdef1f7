"""Identifiers: what they look like, and parsers that refuse anything else.

Text ids travel in JSON and URLs; the numbers beside them are what a printed code can carry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NewType

StreamId = NewType("StreamId", str)
"""An event's id, or the venue's for the house journal and feed: both name a stream."""
NodeId = NewType("NodeId", str)
TicketId = NewType("TicketId", str)
OrderId = NewType("OrderId", str)
OpId = NewType("OpId", str)
KeyId = NewType("KeyId", str)

U8_MAX, U16_MAX, U32_MAX = 0xFF, 0xFFFF, 0xFFFF_FFFF

_STREAM = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_HEX16 = re.compile(r"[0-9a-f]{16}")
_HEX32 = re.compile(r"[0-9a-f]{32}")
_HEX8 = re.compile(r"[0-9a-f]{8}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ALLOTMENT = re.compile(r"([0-9a-f]{8})-([1-9][0-9]{0,9})")
_ALLOTMENT_CHARS_MAX = 19


def is_stream_id(text: object) -> bool:
    """Up to 32 lower-case letters, digits and dashes; never a dash first."""
    return isinstance(text, str) and _STREAM.fullmatch(text) is not None


def is_ticket_id(text: object) -> bool:
    """Ticket, order and node ids are 8 random bytes as 16 lower-case hex digits."""
    return isinstance(text, str) and _HEX16.fullmatch(text) is not None


is_order_id = is_ticket_id
is_node_id = is_ticket_id


def is_op_id(text: object) -> bool:
    """Operation ids are 16 random bytes as 32 lower-case hex digits."""
    return isinstance(text, str) and _HEX32.fullmatch(text) is not None


def is_key_id(text: object) -> bool:
    """4 bytes as 8 lower-case hex digits."""
    return isinstance(text, str) and _HEX8.fullmatch(text) is not None


def is_generation(text: object) -> bool:
    """The short id of one history of the server: 4 random bytes as 8 lower-case hex digits."""
    return isinstance(text, str) and _HEX8.fullmatch(text) is not None


def is_currency(text: object) -> bool:
    """Three capital letters, as ISO 4217 has them."""
    return isinstance(text, str) and _CURRENCY.fullmatch(text) is not None


def is_u32(value: object) -> bool:
    """A number from 1 that four bytes can carry: performances, units, allotments."""
    return type(value) is int and 1 <= value <= U32_MAX


@dataclass(frozen=True, slots=True, order=True)
class AllotmentId:
    """Units lent: the generation's short id and a number, never reused. Text form `1a2b3c4d-7`.

    The generation is random, so an id minted after a restore can't collide with a lost one.
    """

    generation: str
    number: int

    def __str__(self) -> str:
        return f"{self.generation}-{self.number}"

    @staticmethod
    def parse(text: object) -> AllotmentId | None:
        """Read the text form; None for anything else."""
        if not isinstance(text, str) or len(text) > _ALLOTMENT_CHARS_MAX:
            return None
        return _allotment_id(text)


@lru_cache(maxsize=4_096)  # every line of a till's sales cites one of a few
def _allotment_id(text: str) -> AllotmentId | None:
    match = _ALLOTMENT.fullmatch(text)
    if match is None or int(match[2]) > U32_MAX:
        return None
    return AllotmentId(match[1], int(match[2]))
