"""Makes docs/ticket-code-vectors.json: the same bytes at every run, for readers by others.

    python -m tests.unit.ticketing.code_vectors

The file is checked in and a test compares; make it again only when the format itself changes.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ticketing.code import CodeFault, Flag, TicketFacts, make_code
from ticketing.ids import U8_MAX, U16_MAX, U32_MAX, AllotmentId, KeyId, TicketId
from ticketing.keys import key_id, public_of, sign

FILE = Path(__file__).parents[3] / "docs" / "ticket-code-vectors.json"
WINDOW_1, WINDOW_2 = bytes(range(32)), bytes(range(32, 64))  # private keys, for these vectors only
_LAST_START = datetime(9999, 12, 31, 23, 59, tzinfo=UTC) - timedelta(minutes=U16_MAX)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 8032, section 5.1

ORDINARY = TicketFacts(
    key_id=key_id(public_of(WINDOW_1)),
    ticket_id=TicketId("8f14e45fceea167a"),
    performance=1_204,
    unit=141,
    ticket_type=1,
    version=0,
    allotment=AllotmentId("1a2b3c4d", 7),
    valid_from=datetime(2026, 11, 28, 10, 45, tzinfo=UTC),
    valid_minutes=195,
)
LEAST = TicketFacts(
    key_id=key_id(public_of(WINDOW_1)),
    ticket_id=TicketId("0" * 16),
    performance=1,
    unit=1,
    ticket_type=1,
    version=0,
    allotment=AllotmentId("0" * 8, 1),
    valid_from=datetime(1970, 1, 1, tzinfo=UTC),
    valid_minutes=1,
)
GREATEST = TicketFacts(
    key_id=key_id(public_of(WINDOW_1)),
    ticket_id=TicketId("f" * 16),
    performance=U32_MAX,
    unit=U32_MAX,
    ticket_type=U8_MAX,
    version=U8_MAX,
    allotment=AllotmentId("f" * 8, U32_MAX),
    valid_from=_LAST_START,
    valid_minutes=U16_MAX,
    flags=Flag.TRAINING | Flag.PROVISIONAL,
)
VALID: dict[str, tuple[TicketFacts, bytes]] = {
    "an ordinary ticket": (ORDINARY, WINDOW_1),
    "a training ticket": (replace(ORDINARY, flags=Flag.TRAINING), WINDOW_1),
    "a provisional ticket": (replace(ORDINARY, flags=Flag.PROVISIONAL), WINDOW_1),
    "both flags": (replace(ORDINARY, flags=Flag.TRAINING | Flag.PROVISIONAL), WINDOW_1),
    "a unit sold again after a refund": (replace(ORDINARY, version=1), WINDOW_1),
    "another window's key": (replace(ORDINARY, key_id=key_id(public_of(WINDOW_2))), WINDOW_2),
    "the least of everything": (LEAST, WINDOW_1),
    "the most of everything": (GREATEST, WINDOW_1),
    "an issuer whose name is not its key's": (
        replace(ORDINARY, key_id=KeyId("00000000")),
        WINDOW_1,
    ),
}


def raw_of(code: str) -> bytearray:
    """The 101 bytes behind the prefix."""
    return bytearray(base64.b32decode(code[4:] + "=" * 6))


def code_of(raw: bytes) -> str:
    """Bytes as a code's text, whatever they are."""
    return "BXG1" + base64.b32encode(raw).decode().rstrip("=")


def signed_anyhow(changes: dict[int, bytes]) -> str:
    """The ordinary ticket with bytes replaced and then signed: a fault no signature excuses."""
    facts = raw_of(make_code(ORDINARY, WINDOW_1))[:37]
    for at, new in changes.items():
        facts[at : at + len(new)] = new
    signature = sign(WINDOW_1, b"boxgate ticket 1\0" + bytes(facts))
    return code_of(bytes(facts) + signature)


def invalid() -> dict[str, tuple[str, CodeFault]]:
    """Texts that are no ticket code, and the fault that a reader must give."""
    sound = make_code(ORDINARY, WINDOW_1)
    other, damaged, newer = CodeFault.NOT_A_TICKET, CodeFault.DAMAGED, CodeFault.NEWER_FORMAT
    last = _ALPHABET.index(sound[-1])  # the lower two of its five bits are spare
    zero4 = bytes(4)
    return {
        "nothing": ("", other),
        "another system's code": ("https://example.org/t/8f14e45fceea167a", other),
        "small letters": (sound.lower(), other),
        "a space before it": (" " + sound, other),
        "a prefix that never was": ("BXG0" + sound[4:], other),
        "a prefix with a letter": ("BXGA" + sound[4:], other),
        "half a prefix": ("BXG", other),
        "a later prefix": ("BXG2" + sound[4:], newer),
        "a later prefix of another length": ("BXG9HELLO", newer),
        "a later format under our prefix": (signed_anyhow({0: b"\x20"}), newer),
        "format zero": (signed_anyhow({0: b"\x00"}), newer),
        "the prefix alone": ("BXG1", damaged),
        "the last character missing": (sound[:-1], damaged),
        "a character too many": (sound + "A", damaged),
        "padding": (sound + "=" * 6, damaged),
        "a line's end after it": (sound + "\n", damaged),
        "a small letter inside": (sound[:80] + "a" + sound[81:], damaged),
        "a digit that base32 has not": (sound[:80] + "1" + sound[81:], damaged),
        **{
            f"spare bits {bits:02b}": (sound[:-1] + _ALPHABET[last | bits], damaged)
            for bits in (1, 2, 3)
        },
        "flag 4, which has no meaning": (signed_anyhow({0: b"\x14"}), damaged),
        "flag 8, which has no meaning": (signed_anyhow({0: b"\x18"}), damaged),
        "performance 0": (signed_anyhow({13: zero4}), damaged),
        "unit 0": (signed_anyhow({17: zero4}), damaged),
        "ticket type 0": (signed_anyhow({21: b"\0"}), damaged),
        "allotment number 0": (signed_anyhow({27: zero4}), damaged),
        "valid for 0 minutes": (signed_anyhow({35: b"\0\0"}), damaged),
        "an end after the year 9999": (signed_anyhow({31: b"\xff" * 4}), damaged),
        "an end one minute after the year 9999": (
            signed_anyhow(
                {31: (int(_LAST_START.timestamp()) // 60 + 1).to_bytes(4, "big"), 35: b"\xff\xff"}
            ),
            damaged,
        ),
    }


def forged() -> dict[str, str]:
    """Codes of a sound form whose signature is not the first window's over these facts."""
    sound = raw_of(make_code(ORDINARY, WINDOW_1))
    facts, signature = bytes(sound[:37]), bytes(sound[37:])
    another_seat = facts[:20] + bytes([facts[20] ^ 1]) + facts[21:]
    scalar = int.from_bytes(signature[32:], "little") + _GROUP_ORDER
    return {
        "another seat under the same signature": code_of(another_seat + signature),
        "one bit of the signature": code_of(facts + signature[:-1] + bytes([signature[-1] ^ 1])),
        "signed by another window": make_code(ORDINARY, WINDOW_2),
        "signed without the context": code_of(facts + sign(WINDOW_1, facts)),
        "a signature of zeros": code_of(facts + bytes(64)),
        "the scalar plus the group's order": code_of(
            facts + signature[:32] + scalar.to_bytes(32, "little")
        ),
    }


def document() -> dict[str, object]:
    """The whole file."""
    public = public_of(WINDOW_1).hex()
    return {
        "format": "boxgate-ticket-code-vectors-1",
        "valid": [
            {
                "name": name,
                "code": make_code(facts, private),
                "public_key": public_of(private).hex(),
                "private_key": private.hex(),
                "facts": facts_as_json(facts),
            }
            for name, (facts, private) in VALID.items()
        ],
        "invalid": [
            {"name": name, "code": code, "fault": fault.value}
            for name, (code, fault) in invalid().items()
        ],
        "forged": [
            {"name": name, "code": code, "public_key": public} for name, code in forged().items()
        ],
    }


def facts_as_json(facts: TicketFacts) -> dict[str, object]:
    """The facts by the names of docs/ticket-code.md."""
    return {
        "flags": int(facts.flags),
        "key_id": facts.key_id,
        "ticket_id": facts.ticket_id,
        "performance": facts.performance,
        "unit": facts.unit,
        "ticket_type": facts.ticket_type,
        "unit_version": facts.version,
        "allotment_generation": facts.allotment.generation,
        "allotment_number": facts.allotment.number,
        "valid_from": facts.valid_from.strftime("%Y-%m-%dT%H:%MZ"),
        "valid_minutes": facts.valid_minutes,
    }


def as_text() -> str:
    """The file's text."""
    return json.dumps(document(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8")
