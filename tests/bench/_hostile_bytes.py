"""Malformed bytes as readers and chips may send them, and what a lane's real drivers make of them.

Each kind is one attempt: `KINDS[kind](chance)` makes hostile bytes of `chance` alone, gives them to
the real parser and returns what a lane would see. The same seed is the same attempt. What the bytes
are made of are chips and tickets of a stranger, so nothing that comes out may be let in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Final, TypeAlias

from hardware.nfc.chip import ChipLeft, read_type2, read_type3, read_type4
from hardware.nfc.ndef import link_message, text_message
from hardware.nfc.simchips import NtagChip, Type4Chip
from hardware.nfc.taps import seen_of
from hardware.reader import Seen
from hardware.reader.line import LineFeeder
from hardware.reader.wire import Feeder
from hardware.rfid.driver import TagFeeder
from hardware.rfid.protocol import ID12, RDM6300, encode
from hardware.scanner.protocol import Framing
from hardware.uhf import protocol as uhf
from ticketing.code import TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import AllotmentId, KeyId, TicketId
from ticketing.keys import key_id, public_of
from ticketing.sun import SunKeys, make_sun
from ticketing.tags import bind

Attempt: TypeAlias = Callable[[Random], list[Seen]]

STRANGER: Final = bytes(range(200, 232))
_STREAM_BYTES_MAX: Final = 400
_COMMANDS_COUNT_MAX: Final = 400
_ODD_BYTES: Final = b"\x00\x02\x03\x0a\x0d\x16\x1d\x7e\x7f\x80\xbb\xd1\xfe\xff"
_ODD_TEXTS: Final = (
    "", " ", "\0", "BXG1", "BXG2AAAA", "%s%n", "../../etc/passwd", "' OR 1=1 --", "票" * 40,
    "\ud7ff", "A" * 3000, "https://", "javascript:alert(1)", "?picc_data=&cmac=", "#" * 200,
)  # fmt: skip


def damage(data: bytes, chance: Random) -> bytes:
    """`data` as a bad cable, a torn chip or somebody with an editor would leave it."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, max(0, len(damaged) - 1))
        match chance.randrange(7):
            case 0 if damaged:
                damaged[at] ^= 1 << chance.randrange(8)
            case 1 if damaged:
                damaged[at] = chance.randrange(256)
            case 2:
                del damaged[at : at + chance.randint(1, 8)]
            case 3:
                damaged[at:at] = chance.randbytes(chance.randint(1, 8))
            case 4:
                damaged[at:at] = bytes(chance.choices(_ODD_BYTES, k=chance.randint(1, 4)))
            case 5:
                damaged[at:at] = damaged[max(0, at - 16) : at]
            case _:
                del damaged[at:]
    return bytes(damaged)


# ------------------------------------------------------------------------------- serial streams


def _stream(make_frame: Callable[[Random], bytes], chance: Random) -> bytes:
    """A few frames, most of them damaged, with noise in between."""
    parts: list[bytes] = []
    for _ in range(chance.randint(1, 6)):
        frame = make_frame(chance)
        parts.append(frame if chance.random() < 0.2 else damage(frame, chance))
        if chance.random() < 0.3:
            parts.append(chance.randbytes(chance.randint(1, 24)))
    return b"".join(parts)[:_STREAM_BYTES_MAX]


def _listen(feeder: Feeder, stream: bytes, chance: Random) -> list[Seen]:
    """Feed `stream` in pieces of any size, with silences in between."""
    seen: list[Seen] = []
    at, at_s = 0, 0.0
    while at < len(stream):
        count = chance.randint(1, 40)
        seen += feeder.feed(stream[at : at + count], at_s)
        at, at_s = at + count, at_s + chance.choice((0.0, 0.01, 0.3))
    return [*seen, *feeder.feed(b"", at_s + 1.0)]


class _UhfFeeder:
    """A UHF module's frames as its driver takes them."""

    def __init__(self) -> None:
        self._frames = uhf.FrameParser()

    @property
    def bad_frames_count(self) -> int:
        return self._frames.bad_frames_count

    def feed(self, data: bytes, at_s: float) -> list[Seen]:
        from hardware.reader import SeenKind

        chips = map(uhf.chip_of, self._frames.feed(data, at_s))
        return [Seen(SeenKind.RFID_UHF, chip.epc, "uhf:", at_s) for chip in chips if chip]

    def reset(self) -> None:
        self._frames.reset()


def _serial_rdm6300(chance: Random) -> list[Seen]:
    stream = _stream(lambda each: encode(each.randbytes(5), RDM6300) * 2, chance)
    return _listen(TagFeeder(RDM6300, "rdm6300:", reads_count=2, is_low=False), stream, chance)


def _serial_id12(chance: Random) -> list[Seen]:
    stream = _stream(lambda each: encode(each.randbytes(5), ID12), chance)
    return _listen(TagFeeder(ID12, "id12:", reads_count=1, is_low=False), stream, chance)


def _serial_uhf(chance: Random) -> list[Seen]:
    def notice(each: Random) -> bytes:
        return uhf.encode(uhf.notice_of(each.randbytes(12), -each.randint(20, 90)))

    return _listen(_UhfFeeder(), _stream(notice, chance), chance)


def _serial_line(chance: Random) -> list[Seen]:
    def line(each: Random) -> bytes:
        return _hostile_text(each).encode("utf-8", "surrogatepass") + b"\r\n"

    framing = Framing(
        suffixes=chance.choice((b"\r\n\t", b"\r", b"")), has_aim=chance.random() < 0.3
    )
    feeder = LineFeeder(framing, "serial-line:", is_em_decimal=chance.random() < 0.2)
    return _listen(feeder, _stream(line, chance), chance)


# ---------------------------------------------------------------------------------------- chips


def _hostile_text(chance: Random) -> str:
    """A text such as a code or a chip may hold: odd, forged, or nearly ours."""
    match chance.randrange(5):
        case 0:
            return chance.choice(_ODD_TEXTS)
        case 1:
            return forged_ticket(chance)
        case 2:
            keys = SunKeys(chance.randbytes(16), chance.randbytes(16))
            sun = make_sun(chance.randbytes(7), chance.randrange(1 << 24), keys)
            link = f"https://house.example/t?picc_data={sun.picc_data.hex()}&cmac={sun.mac.hex()}"
            return damage(link.encode(), chance).decode("latin-1")
        case 3:
            return damage(forged_ticket(chance).encode(), chance).decode("latin-1")
        case _:
            return chance.randbytes(chance.randint(1, 60)).decode("latin-1")


def forged_ticket(chance: Random) -> str:
    """A well-formed bound ticket of a key that no house ever vouched for."""
    facts = TicketFacts(
        KeyId(key_id(public_of(STRANGER))),
        TicketId(chance.randbytes(8).hex()),
        chance.randint(1, 100),
        chance.randint(1, 5000),
        chance.randint(1, 9),
        0,
        AllotmentId(chance.randbytes(4).hex(), chance.randint(1, 99)),
        datetime(2026, 11, 23, 18, tzinfo=UTC),
        240,
    )
    code = parse_code(make_code(facts, STRANGER))
    assert isinstance(code, TicketCode)
    return bind(code, chance.randbytes(7), STRANGER)


def _hostile_message(chance: Random) -> bytes:
    text = _hostile_text(chance).encode("utf-8", "replace").decode()
    message = chance.choice((text_message, link_message))(text)
    match chance.randrange(4):
        case 0:
            return message
        case 1:
            return chance.randbytes(chance.randint(0, 300))
        case 2:  # one within the other, as posters are
            inner = message[:200]
            return bytes((0xD1, 2, len(inner))) + b"Sp" + damage(inner, chance)
        case _:
            return damage(message, chance)


def _ndef_message(chance: Random) -> list[Seen]:
    return [seen_of(chance.randbytes(7), _hostile_message(chance), "nfc:", 0.0)]


def _ndef_type2(chance: Random) -> list[Seen]:
    chip = NtagChip(chance.randbytes(7), _hostile_message(chance)[:480])
    if chance.random() < 0.7:
        memory = damage(bytes(chip.memory[12:80]), chance)[:68]
        chip.memory[12 : 12 + len(memory)] = memory
    ask = _limited(chip.answer)
    return _read(chip.uid, lambda: read_type2(lambda page: ask(bytes((0x30, page & 0xFF)))))


def _ndef_type4(chance: Random) -> list[Seen]:
    chip = Type4Chip(chance.randbytes(7), lambda _tap: _hostile_message(chance))
    rate = chance.choice((0.0, 0.05, 0.3))

    def answer(apdu: bytes) -> bytes:
        said = chip.command(apdu)
        return damage(said, chance) if chance.random() < rate else said

    ask = _limited(answer)
    return _read(chip.uid, lambda: read_type4(lambda apdu: ask(apdu) or b""))


def _ndef_type3(chance: Random) -> list[Seen]:
    message = _hostile_message(chance)
    about = bytes.fromhex("100401002000000000000F") + len(message).to_bytes(3, "big")
    memory = about + sum(about).to_bytes(2, "big") + message + bytes(15)
    if chance.random() < 0.5:
        memory = damage(memory, chance)
    ask = _limited(lambda number: memory[16 * number[0] : 16 * number[0] + 16])
    return _read(chance.randbytes(8), lambda: read_type3(lambda n: ask(bytes((n,))) or b""))


def _limited(answer: Callable[[bytes], bytes | None]) -> Callable[[bytes], bytes | None]:
    """A chip that must not be asked for ever."""
    asked: list[None] = []

    def limited(command: bytes) -> bytes | None:
        asked.append(None)
        assert len(asked) <= _COMMANDS_COUNT_MAX, "a chip keeps its reader busy"
        return answer(command)

    return limited


def _read(uid: bytes, read: Callable[[], bytes | None]) -> list[Seen]:
    try:
        return [seen_of(uid, read(), "nfc:", 0.0)]
    except ChipLeft:
        return []


KINDS: Final[dict[str, Attempt]] = {
    "serial_rdm6300": _serial_rdm6300,
    "serial_id12": _serial_id12,
    "serial_uhf": _serial_uhf,
    "serial_line": _serial_line,
    "ndef_message": _ndef_message,
    "ndef_type2": _ndef_type2,
    "ndef_type3": _ndef_type3,
    "ndef_type4": _ndef_type4,
}


def attempts(kind: str, seed: int, count: int) -> list[Callable[[], list[Seen]]]:
    """`count` attempts of a kind, each with a seed of its own, so that one can be made again."""
    return [partial(KINDS[kind], Random(f"{kind} {seed} {number}")) for number in range(count)]
