"""A ticket on a chip: the ticket's code, bound to that chip's own number by a signature.

    <ticket code> "." base32(4 bytes of key id + 64 bytes of Ed25519 signature)

as a text, or at the end of a link (behind its last `#`, `/`, `=` or `?`): 276 characters, so the
chip needs some 300 bytes (NTAG215 and up). Who copies the text onto another chip gets nothing by
it, unless that chip's number can be set at will: such chips are sold. So a bound ticket is as good
as a printed code that is also used once, not better; `ticketing.sun` is.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from enum import StrEnum

from ticketing.code import CodeFault, TicketCode, parse_code
from ticketing.ids import KeyId
from ticketing.keys import SIGNATURE_BYTES, is_signed, key_id, public_of, sign

UID_BYTES_COUNTS = frozenset({4, 7, 8, 10})
"""ISO/IEC 14443-3 type A has 4, 7 or 10 bytes, FeliCa 8."""

_CONTEXT = b"boxgate tag 1\0"
_RANDOM_UID = 0x08  # ISO/IEC 14443-3: a 4-byte number that begins so is made up at each tap
_BINDING = re.compile(r"[A-Z2-7]{109}")
_LINK_ENDS = re.compile(r"[#/=?]")
_KEY_ID_BYTES = 4


class TagFault(StrEnum):
    """Why a chip's text is no bound ticket, besides the faults of a ticket's code."""

    UNBOUND = "unbound_tag"  # a ticket's code alone: anybody could have written it there
    DAMAGED = "damaged_tag"  # bound by its form, but the binding is cut off or altered


@dataclass(frozen=True, slots=True)
class BoundTicket:
    """A well-formed bound ticket. Nothing has been checked: see `is_bound_to`.

    `key_id` names who bound it, which need not be who sold the ticket. The code itself is checked
    as any other.
    """

    code: TicketCode
    key_id: KeyId
    _signature: bytes

    def is_bound_to(self, uid: bytes, public: bytes) -> bool:
        """Whether the key bound this very code to this chip; a chip that makes up its number has
        none.
        """
        if not has_lasting_number(uid):
            return False
        return is_signed(public, self._signature, _message(self.code.text, uid))


def has_lasting_number(uid: bytes) -> bool:
    """Whether a chip with this number has it for life; telephones make one up at each tap."""
    return len(uid) in UID_BYTES_COUNTS and not (len(uid) == 4 and uid[0] == _RANDOM_UID)


def bind(code: TicketCode, uid: bytes, private: bytes) -> str:
    """The text for the chip `uid`. Deterministic. ValueError for a chip without a lasting number:
    ask `has_lasting_number` first.
    """
    if not has_lasting_number(uid):
        raise ValueError("a chip without a lasting number cannot be bound")
    key = bytes.fromhex(key_id(public_of(private)))
    binding = key + sign(private, _message(code.text, uid))
    return f"{code.text}.{_base32(binding)}"


def parse_tag(text: str) -> BoundTicket | TagFault | CodeFault:
    """Read a chip's text or link. Total: every text gives a ticket or the reason why it is none."""
    code_text, dot, binding_text = _said(text).partition(".")
    code = parse_code(code_text)
    if not isinstance(code, TicketCode):
        return code
    if not dot:
        return TagFault.UNBOUND
    if _BINDING.fullmatch(binding_text) is None:
        return TagFault.DAMAGED
    binding = base64.b32decode(binding_text + "===")
    if _base32(binding) != binding_text:  # spare bits set: not written by us
        return TagFault.DAMAGED
    key, signature = binding[:_KEY_ID_BYTES], binding[_KEY_ID_BYTES:]
    assert len(signature) == SIGNATURE_BYTES, "109 characters are 68 bytes"
    return BoundTicket(code, KeyId(key.hex()), signature)


def code_in(text: str) -> str:
    """What stands where a chip's text or link has its ticket's code, bound or not."""
    return _said(text).partition(".")[0]


def _said(text: str) -> str:
    return _LINK_ENDS.split(text)[-1]


def _message(code_text: str, uid: bytes) -> bytes:
    # The length first: no number is the beginning of another one.
    return _CONTEXT + bytes((len(uid),)) + uid + code_text.encode()


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")
