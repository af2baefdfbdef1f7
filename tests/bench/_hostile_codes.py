"""Malformed and forged codes as a visitor may show them, as texts and as pictures of them.

Each kind is one attempt: `KINDS[kind](chance)` gives the texts that a camera lane would read. The
same seed is the same attempt. None of them is a ticket that the house of `_hostile_house` sold, so
nothing that comes out may be let in.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeAlias

import cv2
import numpy as np
import segno

from hardware.qr import CascadeDecoder
from tests.fakes.frames import Pixels, draw_symbol
from tests.fakes.hall import FIRST, GENERATION, ROW
from tests.integration.gate_agent.lane_stage import ALLOTMENT, DOORS, STRANGER_KEY, TILL_KEY
from ticketing.code import PREFIX, Flag, TicketFacts, make_code
from ticketing.ids import U8_MAX, U16_MAX, U32_MAX, AllotmentId, TicketId
from ticketing.keys import key_id, public_of

Attempt: TypeAlias = Callable[[Random], list[str]]

_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LAST_MINUTE: Final = 4_223_371_679
"""Of the year 9999, since 1970."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FACTS_CHARS: Final = 60
"""Of the code's 162, those that hold facts alone: the rest is signature, or a bit of both."""
_ODD: Final = (
    "\0", "\x1d", "\x1b", "\u202e", "\u200b", "\ufeff", "\ud800", "\U0001f3ab", "票", "Ａ", "ß", "İ", "ı",
    "\u0301", "\r\n", "\t", " ", "%s", "%n", "{0}", "'", '"', "\\", ";", "--", "=", "１", "٣",
)  # fmt: skip
_ELSEWHERE: Final = (
    "https://example.org/t?x=1", "WIFI:T:WPA;S:Foyer;P:geheim;;", "BEGIN:VCARD\nN:Müller\nEND:VCARD",
    "javascript:alert(1)", "' OR 1=1 --", "../../../../etc/passwd", "file:///dev/zero", "[)>\x1e06\x1d",
    '{"decision":"admit"}', '\n{"decision":"admit"}\n', "%s%s%s%n", "${jndi:ldap://x}", "0", "-1", "",
    "BXG", "BXG1", "BXG0", "BXG2", "bxg1", "BXG1=", "HC1:6BF+70790T9WJWG", "M1DOE/JOHN  EABC123 FRA",
)  # fmt: skip


def genuine(chance: Random, flags: Flag = Flag(0)) -> str:  # noqa: B008 - a constant
    """A ticket that the house's till might have signed."""
    return make_code(_facts(chance, TILL_KEY, flags), TILL_KEY)


def _facts(chance: Random, claimed: bytes, flags: Flag = Flag(0)) -> TicketFacts:  # noqa: B008
    return TicketFacts(
        key_id(public_of(claimed)),
        TicketId(chance.randbytes(8).hex()),
        FIRST,
        chance.choice(ROW),
        1,
        0,
        ALLOTMENT,
        DOORS,
        210,
        flags,
    )


# --------------------------------------------------------------------------------------- texts


def _noise(chance: Random) -> list[str]:
    """Any characters, from none to more than a code can hold."""
    length = int(2 ** chance.uniform(0, 13.5)) - 1
    low, high = chance.choice(((0, 0x7F), (0, 0xFF), (0x20, 0x10FFFF), (0x4E00, 0x9FFF)))
    return ["".join(chr(chance.randint(low, high)) for _ in range(length))]


def _elsewhere(chance: Random) -> list[str]:
    """Other systems' codes, and what breaks careless programs, alone or behind our prefix."""
    text = chance.choice(_ELSEWHERE)
    return [chance.choice(("", PREFIX, " ", "\ufeff")) + text * chance.choice((1, 1, 1, 50))]


def _right_shape(chance: Random) -> list[str]:
    """Our prefix and 162 letters of our alphabet: parsed, and signed by nobody."""
    return [PREFIX + "".join(chance.choices(_BASE32, k=162))]


def _edited(chance: Random) -> list[str]:
    """A sold ticket with some characters changed, gone, doubled, or made to look alike."""
    sold = genuine(chance)
    text = list(sold)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text))
        match chance.randrange(6):
            case 0:
                text[at] = chance.choice([one for one in _BASE32 if one != text[at]])
            case 1:
                text[at] = chance.choice(_ODD)
            case 2:
                text[at] = text[at].lower() if text[at].isalpha() else "0"
            case 3:
                text[at] = ""
            case 4:
                text[at] += text[at]
            case _:
                text[at] = chr(0xFEE0 + ord(text[at][0])) if text[at] else "\u3000"
    return [_other_than(sold, "".join(text))]


def _cut_or_joined(chance: Random) -> list[str]:
    """A sold ticket cut off, with something before or behind it, or twice."""
    text, at = genuine(chance), chance.randrange(166)
    more = chance.choice((*_ODD, "A", "A" * 8, text))
    made = chance.choice((text[:at], text[at + 1 :], text + more, more + text, text[:at] + text))
    return [_other_than(text, made)]


def _other_than(sold: str, made: str) -> str:
    """`made`, unless that is by chance the very ticket that was sold."""
    return made if made != sold else made + "A"


def _spare_bits(chance: Random) -> list[str]:
    """A sold ticket whose last character says the same bytes with other spare bits."""
    text = genuine(chance)
    value = _BASE32.index(text[-1])
    return [text[:-1] + _BASE32[value ^ chance.randint(1, 3)]]


def _spliced(chance: Random) -> list[str]:
    """One ticket's facts with another's signature; a bit of the facts turned."""
    one, other = genuine(chance), genuine(chance)
    raw = bytearray(base64.b32decode(one[4:] + "=" * (-162 % 8)))
    raw[chance.randrange(37)] ^= 1 << chance.randrange(8)
    turned = PREFIX + base64.b32encode(bytes(raw)).decode().rstrip("=")
    at = 4 + _FACTS_CHARS
    return [chance.choice((one[:at] + other[at:], turned))]


def _forged(chance: Random) -> list[str]:
    """Well-formed, and signed by a stranger who says to be himself or the house's till."""
    claimed = chance.choice((TILL_KEY, STRANGER_KEY))
    return [make_code(_facts(chance, claimed), STRANGER_KEY)]


def _strange_facts(chance: Random) -> list[str]:
    """Facts at their limits, signed by a stranger."""
    minutes = chance.choice((1, U16_MAX, chance.randint(1, U16_MAX)))
    latest = _LAST_MINUTE - minutes
    start = chance.choice((0, latest, chance.randint(0, latest)))
    facts = TicketFacts(
        key_id(public_of(TILL_KEY)),
        TicketId(chance.choice(("0" * 16, "f" * 16, chance.randbytes(8).hex()))),
        chance.choice((1, U32_MAX, FIRST)),
        chance.choice((1, U32_MAX, ROW[0])),
        chance.choice((1, U8_MAX)),
        chance.choice((0, U8_MAX)),
        AllotmentId(chance.choice((GENERATION, "ffffffff")), chance.choice((1, U32_MAX))),
        _EPOCH + timedelta(minutes=start),
        minutes,
        Flag(chance.randrange(4)),
    )
    return [make_code(facts, STRANGER_KEY)]


def _training(chance: Random) -> list[str]:
    """What a till in training really signs: good to look at, good for nothing."""
    return [genuine(chance, Flag.TRAINING)]


def _other_version(chance: Random) -> list[str]:
    """Other prefixes, and other formats behind our own."""
    text = genuine(chance)
    if chance.random() < 0.5:
        return [chance.choice(("BXG2", "BXG9", "BXG0", "BXGA", "BXG１", "AXG1")) + text[4:]]
    raw = bytearray(base64.b32decode(text[4:] + "=" * (-162 % 8)))
    raw[0] = chance.choice([one for one in range(256) if one >> 4 != 1])
    return [PREFIX + base64.b32encode(bytes(raw)).decode().rstrip("=")]


TEXTS: Final[dict[str, Attempt]] = {
    "noise": _noise,
    "elsewhere": _elsewhere,
    "right_shape": _right_shape,
    "edited": _edited,
    "cut_or_joined": _cut_or_joined,
    "spare_bits": _spare_bits,
    "spliced": _spliced,
    "forged": _forged,
    "strange_facts": _strange_facts,
    "training": _training,
    "other_version": _other_version,
}

# ------------------------------------------------------------------------------------ pictures


def hostile_text(chance: Random) -> str:
    """A text of any kind."""
    [text] = TEXTS[chance.choice(list(TEXTS))](chance)
    return text


def _read(pixels: Pixels) -> list[str]:
    return [reading.text for reading in CascadeDecoder().decode(pixels).readings]


def _picture_of_text(chance: Random) -> list[str]:
    """A hostile text as a code, in any encoding and at any level of correction."""
    text = hostile_text(chance).encode("utf-8", "replace").decode()[:900] or "0"
    encoding = chance.choice((None, "utf-8", "latin-1", "shift-jis", "gb2312"))
    try:
        symbol = segno.make(
            text, error=chance.choice("lmqh"), micro=False, encoding=encoding,
            eci=encoding is not None and chance.random() < 0.5, boost_error=False,
        )  # fmt: skip
    except (ValueError, LookupError):  # it does not fit, or not into this character set
        symbol = segno.make(text.encode()[:800], mode="byte", error="l", micro=False)
    return _read(_drawn(symbol, chance))


def _picture_of_bytes(chance: Random) -> list[str]:
    """Any bytes as a code, also behind our prefix; some of its modules turned."""
    data = chance.choice((b"", b"BXG1")) + chance.randbytes(chance.randint(1, 400))
    symbol = segno.make(data, mode="byte", error=chance.choice("lmqh"), micro=False)
    pixels = _drawn(symbol, chance, module_pixels=1)
    for _ in range(chance.choice((0, 0, 3, 40))):
        row, column = (chance.randrange(4, side - 4) for side in pixels.shape)
        pixels[row, column] ^= 255
    return _read(np.kron(pixels, np.ones((3, 3), np.uint8)))


def _picture_in_parts(chance: Random) -> list[str]:
    """A part of a sequence of codes (structured append), the sort that makes pyzbar fail."""
    sequence = segno.make_sequence(
        hostile_text(chance).encode("utf-8", "replace")[:400] + b"A" * 40,
        symbol_count=chance.randint(2, 6),
    )
    pixels = _drawn(chance.choice(list(sequence)), chance)
    return _read(pixels)


def _several_pictures(chance: Random) -> list[str]:
    """Forged and damaged codes side by side, one of them mirrored, turned or inverted."""
    tiles: list[Pixels] = []
    for _ in range(3):
        [text] = chance.choice((_forged, _edited, _right_shape))(chance)
        data = text.encode("utf-8", "replace")[:300]
        tile = draw_symbol(segno.make(data, error="l", micro=False), module_pixels=3)
        match chance.randrange(4):
            case 0:
                tile = np.ascontiguousarray(tile[:, ::-1])
            case 1:
                tile = np.ascontiguousarray(np.rot90(tile))
            case 2:
                tile = np.asarray(255 - tile, np.uint8)
            case _:
                pass
        tiles.append(np.asarray(cv2.resize(tile, (200, 200)), np.uint8))
    return _read(np.hstack(tiles))


def _drawn(symbol: segno.QRCode, chance: Random, module_pixels: int = 3) -> Pixels:
    dark, light = (0, 255) if chance.random() < 0.8 else (255, 0)
    return draw_symbol(symbol, module_pixels=module_pixels, dark=dark, light=light)


PICTURES: Final[dict[str, Attempt]] = {
    "picture_of_text": _picture_of_text,
    "picture_of_bytes": _picture_of_bytes,
    "picture_in_parts": _picture_in_parts,
    "several_pictures": _several_pictures,
}

KINDS: Final[dict[str, Attempt]] = {**TEXTS, **PICTURES}
