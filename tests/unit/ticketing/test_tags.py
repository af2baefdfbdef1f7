"""Tickets on chips: bound to the chip's number, and to nothing else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.code import CodeFault, TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import AllotmentId, KeyId, TicketId
from ticketing.keys import key_id, public_of
from ticketing.tags import BoundTicket, TagFault, bind, has_lasting_number, parse_tag

PRIVATE, STRANGER = bytes(range(32)), bytes(range(1, 33))
PUBLIC = public_of(PRIVATE)
UID, OTHER = bytes.fromhex("04E10CDA993C80"), bytes.fromhex("04E10CDA993C81")
FACTS = TicketFacts(
    KeyId(key_id(PUBLIC)),
    TicketId("00112233445566ff"),
    7,
    42,
    1,
    0,
    AllotmentId("0a0b0c0d", 3),
    datetime(2026, 11, 23, 18, tzinfo=UTC),
    240,
)


def _code(text: str) -> TicketCode:
    code = parse_code(text)
    assert isinstance(code, TicketCode)
    return code


CODE = _code(make_code(FACTS, PRIVATE))
TEXT = bind(CODE, UID, PRIVATE)


def _bound(text: str) -> BoundTicket:
    bound = parse_tag(text)
    assert isinstance(bound, BoundTicket)
    return bound


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"https://house.example/t#{TEXT}",
        f"https://house.example/t/{TEXT}",
        f"https://house.example/?t={TEXT}",
    ],
)
def test_a_bound_ticket_is_good_on_its_chip_alone(text: str) -> None:
    bound = _bound(text)
    assert bound.code == CODE
    assert bound.key_id == key_id(PUBLIC)
    assert bound.is_bound_to(UID, PUBLIC)
    assert not bound.is_bound_to(OTHER, PUBLIC)
    assert not bound.is_bound_to(UID, public_of(STRANGER))


def test_a_binding_is_good_for_its_ticket_alone() -> None:
    other = _code(make_code(FACTS, STRANGER))
    swapped = other.text + TEXT[TEXT.index(".") :]
    assert not _bound(swapped).is_bound_to(UID, PUBLIC)


def test_a_text_fits_a_chip_of_504_bytes() -> None:
    assert len(TEXT) == 276


@given(st.binary(min_size=7, max_size=7), st.integers(0, 55))
def test_one_other_bit_in_the_number_is_another_chip(uid: bytes, place: int) -> None:
    altered = bytearray(uid)
    altered[place // 8] ^= 1 << place % 8
    bound = _bound(bind(CODE, uid, PRIVATE))
    assert bound.is_bound_to(uid, PUBLIC)
    assert not bound.is_bound_to(bytes(altered), PUBLIC)


def test_one_altered_bit_of_the_binding_binds_nothing() -> None:
    code_text, _, binding = TEXT.partition(".")
    for place in range(68 * 8):
        raw = bytearray(base64.b32decode(binding + "==="))
        raw[place // 8] ^= 1 << place % 8
        bound = _bound(f"{code_text}.{base64.b32encode(bytes(raw)).decode().rstrip('=')}")
        if place // 8 < 4:
            assert bound.key_id != key_id(PUBLIC)
        else:
            assert not bound.is_bound_to(UID, PUBLIC), place


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", CodeFault.NOT_A_TICKET),
        ("https://house.example/", CodeFault.NOT_A_TICKET),
        ("BXG2", CodeFault.NEWER_FORMAT),
        (TEXT[:100], CodeFault.DAMAGED),
        (CODE.text, TagFault.UNBOUND),
        (f"https://house.example/t#{CODE.text}", TagFault.UNBOUND),
        (TEXT[:-1], TagFault.DAMAGED),
        (TEXT + "A", TagFault.DAMAGED),
        (TEXT.lower(), CodeFault.NOT_A_TICKET),
        (TEXT[:-1] + "1", TagFault.DAMAGED),
        (TEXT[:-1] + chr(ord(TEXT[-1]) + 1), TagFault.DAMAGED),
        (TEXT.replace(".", ".."), TagFault.DAMAGED),
    ],
)
def test_what_is_no_bound_ticket_has_its_reason(text: str, fault: TagFault | CodeFault) -> None:
    assert parse_tag(text) is fault


@given(st.text(max_size=300), st.integers(0, 276))
def test_any_text_has_an_answer(text: str, cut: int) -> None:
    parse_tag(text)
    parse_tag(TEXT[:cut] + text)
    parse_tag(text + TEXT[cut:])


@pytest.mark.parametrize(
    ("uid", "is_lasting"),
    [
        ("04E10CDA993C80", True),
        ("08A1B2C3", False),
        ("0102030405060708", True),
        ("12345678", True),
        ("", False),
        ("123456", False),
    ],
)
def test_a_chip_that_makes_up_its_number_has_none(uid: str, is_lasting: bool) -> None:
    assert has_lasting_number(bytes.fromhex(uid)) == is_lasting


def test_a_telephone_cannot_be_bound() -> None:
    with pytest.raises(ValueError, match="lasting"):
        bind(CODE, bytes.fromhex("08A1B2C3"), PRIVATE)
    assert not _bound(TEXT).is_bound_to(bytes.fromhex("08A1B2C3"), PUBLIC)
