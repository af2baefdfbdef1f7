"""The ticket code: strict to the bit, total for any text, and readable by others from the document."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import segno
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.unit.ticketing import code_vectors
from tests.unit.ticketing.code_vectors import GREATEST, LEAST, ORDINARY, VALID, WINDOW_1, WINDOW_2
from ticketing.code import (
    CODE_CHARS,
    CodeFault,
    Flag,
    TicketCode,
    TicketFacts,
    make_code,
    parse_code,
)
from ticketing.ids import U32_MAX, AllotmentId, KeyId, TicketId
from ticketing.keys import public_of

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PUBLIC = public_of(WINDOW_1)
SOUND = make_code(ORDINARY, WINDOW_1)
FILED: dict[str, Any] = json.loads(code_vectors.FILE.read_text(encoding="utf-8"))


def is_accepted(text: str) -> bool:
    code = parse_code(text)
    return isinstance(code, TicketCode) and code.is_genuine(PUBLIC)


def test_a_code_has_166_characters_behind_its_prefix() -> None:
    assert len(SOUND) == CODE_CHARS == 166
    assert SOUND.startswith("BXG1")
    assert set(SOUND[4:]) <= set(ALPHABET)


@pytest.mark.parametrize("facts", [ORDINARY, LEAST, GREATEST], ids=["ordinary", "least", "most"])
def test_a_code_fits_qr_version_7_at_level_m(facts: TicketFacts) -> None:
    qr = segno.make(make_code(facts, WINDOW_1), error="m", boost_error=False)
    assert (qr.version, qr.mode) == (7, "alphanumeric")


@pytest.mark.parametrize("name", VALID)
def test_facts_come_back_and_are_genuine(name: str) -> None:
    facts, private = VALID[name]
    code = parse_code(make_code(facts, private))
    assert isinstance(code, TicketCode)
    assert code.facts == facts
    assert code.text == make_code(facts, private)
    assert code.is_genuine(public_of(private))
    assert not code.is_genuine(public_of(bytes(32)))


@pytest.mark.parametrize("bits", range(4))
def test_every_flag_comes_back(bits: int) -> None:
    code = parse_code(make_code(replace(ORDINARY, flags=Flag(bits)), WINDOW_1))
    assert isinstance(code, TicketCode)
    assert code.facts.flags == Flag(bits)
    assert bool(code.facts.flags & Flag.TRAINING) == bool(bits & 1)
    assert bool(code.facts.flags & Flag.PROVISIONAL) == bool(bits & 2)


def test_a_ticket_is_valid_from_a_minute_and_for_minutes() -> None:
    assert ORDINARY.valid_from == datetime(2026, 11, 28, 10, 45, tzinfo=UTC)
    assert ORDINARY.valid_to == datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
    assert GREATEST.valid_to == datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


def test_an_instant_of_another_zone_is_the_same_instant() -> None:
    shanghai = timezone(timedelta(hours=8))
    facts = replace(ORDINARY, valid_from=datetime(2026, 11, 28, 18, 45, tzinfo=shanghai))
    assert make_code(facts, WINDOW_1) == SOUND


@pytest.mark.parametrize("fault", code_vectors.invalid())
def test_a_text_that_is_no_code_names_its_fault(fault: str) -> None:
    text, expected = code_vectors.invalid()[fault]
    assert parse_code(text) is expected


@pytest.mark.parametrize("text", ["BXG²" + SOUND[4:], "BXG２" + SOUND[4:], "BXG٢"])
def test_a_later_prefix_has_an_ascii_digit(text: str) -> None:
    assert parse_code(text) is CodeFault.NOT_A_TICKET


@pytest.mark.parametrize("forgery", code_vectors.forged())
def test_a_forgery_is_read_and_not_believed(forgery: str) -> None:
    code = parse_code(code_vectors.forged()[forgery])
    assert isinstance(code, TicketCode)
    assert not code.is_genuine(PUBLIC)


def test_no_single_changed_character_is_accepted() -> None:
    """Every character at every place: 5,000 codes, none of them a ticket."""
    changed = [
        SOUND[:at] + new + SOUND[at + 1 :]
        for at in range(CODE_CHARS)
        for new in ALPHABET
        if new != SOUND[at]
    ]
    assert len(changed) == 162 * 31 + 4 * 32 - 3  # three of the prefix's four are base32 letters
    assert is_accepted(SOUND)
    assert not any(map(is_accepted, changed))


def test_no_cut_no_extension_and_no_doubling_is_accepted() -> None:
    cuts = [SOUND[:at] for at in range(CODE_CHARS)] + [SOUND[at:] for at in range(1, CODE_CHARS)]
    longer = [SOUND + new for new in ALPHABET] + [new + SOUND for new in ALPHABET]
    dropped = [SOUND[:at] + SOUND[at + 1 :] for at in range(CODE_CHARS)]
    doubled = [SOUND[:at] + SOUND[at] + SOUND[at:] for at in range(CODE_CHARS)]
    assert not any(map(is_accepted, [*cuts, *longer, *dropped, *doubled, SOUND * 2]))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"performance": 0}, id="performance 0"),
        pytest.param({"performance": U32_MAX + 1}, id="performance of five bytes"),
        pytest.param({"unit": 0}, id="unit 0"),
        pytest.param({"ticket_type": 256}, id="ticket type of two bytes"),
        pytest.param({"version": -1}, id="version below zero"),
        pytest.param({"version": 256}, id="version of two bytes"),
        pytest.param({"allotment": AllotmentId("1a2b3c4d", 0)}, id="allotment 0"),
        pytest.param({"allotment": AllotmentId("1a2b", 1)}, id="a generation too short"),
        pytest.param({"key_id": KeyId("1a2b")}, id="a key id too short"),
        pytest.param({"key_id": KeyId("1a2b3c4d5e")}, id="a key id too long"),
        pytest.param({"ticket_id": TicketId("0" * 15 + "x")}, id="a ticket id that is not hex"),
        pytest.param({"flags": Flag(4)}, id="a flag without a meaning"),
        pytest.param({"flags": Flag(16)}, id="a flag over the format"),
        pytest.param({"valid_minutes": 0}, id="valid for no time"),
        pytest.param({"valid_minutes": 65_536}, id="valid for too long"),
        pytest.param({"valid_from": datetime(2026, 1, 1)}, id="no time zone"),  # noqa: DTZ001
        pytest.param({"valid_from": datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)}, id="a second"),
        pytest.param(
            {"valid_from": datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)}, id="a microsecond"
        ),
        pytest.param({"valid_from": datetime(1969, 12, 31, 23, 59, tzinfo=UTC)}, id="before 1970"),
        pytest.param(
            {"valid_from": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, id="an end after 9999"
        ),
    ],
)
def test_facts_that_no_code_can_carry_are_a_bug(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"outside|must|flags"):
        replace(ORDINARY, **changes)


# --- the vectors, and a second reader written from the document alone


def test_the_vectors_on_file_are_these() -> None:
    assert code_vectors.FILE.read_text(encoding="utf-8") == code_vectors.as_text()
    assert len(FILED["valid"]) >= 6
    assert len(FILED["invalid"]) >= 10


def named(kind: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in FILED[kind]]


def by_the_book(text: str, public: bytes) -> dict[str, Any] | str:
    """Read a code by the steps of docs/ticket-code.md: facts, a fault, or "forged"."""
    if text[:3] != "BXG" or text[3:4] not in tuple("123456789"):
        return "not_a_ticket"
    if text[3] != "1":
        return "newer_format"
    digits = text[4:]
    if len(text) != 166 or any(digit not in ALPHABET for digit in digits):
        return "damaged_code"
    bits = "".join(f"{ALPHABET.index(digit):05b}" for digit in digits)
    if bits[808:] != "00":
        return "damaged_code"
    raw = int(bits[:808], 2).to_bytes(101, "big")
    if raw[0] >> 4 != 1:
        return "newer_format"
    sizes = {
        "flags": 1,
        "key_id": 4,
        "ticket_id": 8,
        "performance": 4,
        "unit": 4,
        "ticket_type": 1,
        "unit_version": 1,
        "allotment_generation": 4,
        "allotment_number": 4,
        "valid_from": 4,
        "valid_minutes": 2,
    }
    facts: dict[str, Any] = {}
    at = 0
    for name, size in sizes.items():
        part = raw[at : at + size]
        is_text = name in {"key_id", "ticket_id", "allotment_generation"}
        facts[name] = part.hex() if is_text else int.from_bytes(part, "big")
        at += size
    facts["flags"] &= 0x0F
    not_zero = ("performance", "unit", "ticket_type", "allotment_number", "valid_minutes")
    if facts["flags"] > 3 or not all(facts[name] for name in not_zero):
        return "damaged_code"
    if facts["valid_from"] + facts["valid_minutes"] > 4_223_371_679:
        return "damaged_code"
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=facts["valid_from"])
    facts["valid_from"] = start.strftime("%Y-%m-%dT%H:%MZ")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            raw[37:], b"boxgate ticket 1\0" + raw[:37]
        )
    except InvalidSignature:
        return "forged"
    return facts


@pytest.mark.parametrize("vector", named("valid"))
def test_a_reader_by_the_book_reads_every_valid_vector(vector: dict[str, Any]) -> None:
    public = bytes.fromhex(vector["public_key"])
    assert by_the_book(vector["code"], public) == vector["facts"]
    code = parse_code(vector["code"])
    assert isinstance(code, TicketCode)
    assert code_vectors.facts_as_json(code.facts) == vector["facts"]
    assert code.is_genuine(public)
    assert make_code(code.facts, bytes.fromhex(vector["private_key"])) == vector["code"]


@pytest.mark.parametrize("vector", named("invalid"))
def test_a_reader_by_the_book_gives_every_fault(vector: dict[str, Any]) -> None:
    assert by_the_book(vector["code"], PUBLIC) == vector["fault"]
    assert parse_code(vector["code"]) == vector["fault"]


@pytest.mark.parametrize("vector", named("forged"))
def test_a_reader_by_the_book_believes_no_forgery(vector: dict[str, Any]) -> None:
    public = bytes.fromhex(vector["public_key"])
    assert by_the_book(vector["code"], public) == "forged"
    code = parse_code(vector["code"])
    assert isinstance(code, TicketCode)
    assert not code.is_genuine(public)


def test_the_vectors_use_every_fault_and_both_keys() -> None:
    assert {vector["fault"] for vector in FILED["invalid"]} == {fault.value for fault in CodeFault}
    keys = {vector["public_key"] for vector in FILED["valid"]}
    assert keys == {PUBLIC.hex(), public_of(WINDOW_2).hex()}


def test_base32_here_is_that_of_rfc_4648() -> None:
    raw = bytes(code_vectors.raw_of(SOUND))
    assert base64.b32encode(raw).decode().rstrip("=") == SOUND[4:]
