"""Codes: what is written is read, what was altered is never believed, any text is answered."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from ticketing.code import CodeFault, Flag, TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import U8_MAX, U16_MAX, U32_MAX, AllotmentId, KeyId, TicketId
from ticketing.keys import public_of

PRIVATE = bytes(range(32))
PUBLIC = public_of(PRIVATE)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MINUTE = 4_223_371_679  # of the year 9999, since EPOCH
HEX8 = st.integers(0, U32_MAX).map("{:08x}".format)


@st.composite
def facts(draw: st.DrawFn) -> TicketFacts:
    minutes = draw(st.integers(1, U16_MAX))
    start = draw(st.integers(0, LAST_MINUTE - minutes))
    return TicketFacts(
        KeyId(draw(HEX8)),
        TicketId(draw(st.integers(0, 2**64 - 1).map("{:016x}".format))),
        draw(st.integers(1, U32_MAX)),
        draw(st.integers(1, U32_MAX)),
        draw(st.integers(1, U8_MAX)),
        draw(st.integers(0, U8_MAX)),
        AllotmentId(draw(HEX8), draw(st.integers(1, U32_MAX))),
        EPOCH + timedelta(minutes=start),
        minutes,
        Flag(draw(st.integers(0, 3))),
    )


@given(facts=facts())
def test_facts_are_read_as_they_were_written(facts: TicketFacts) -> None:
    code = parse_code(make_code(facts, PRIVATE))
    assert isinstance(code, TicketCode)
    assert code.facts == facts
    assert code.is_genuine(PUBLIC)
    assert make_code(code.facts, PRIVATE) == code.text


@given(facts=facts(), at=st.integers(0, 165), new=st.characters())
def test_no_changed_character_is_believed(facts: TicketFacts, at: int, new: str) -> None:
    sound = make_code(facts, PRIVATE)
    assume(sound[at] != new)
    code = parse_code(sound[:at] + new + sound[at + 1 :])
    assert not isinstance(code, TicketCode) or not code.is_genuine(PUBLIC)


@given(facts=facts(), length=st.integers(0, 165), more=st.text(min_size=1))
def test_no_cut_and_no_extension_is_read(facts: TicketFacts, length: int, more: str) -> None:
    sound = make_code(facts, PRIVATE)
    assert isinstance(parse_code(sound[:length]), CodeFault)
    assert isinstance(parse_code(sound + more), CodeFault)
    assert isinstance(parse_code(more + sound), CodeFault)


BASE32 = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=162, max_size=162)


@given(text=st.text() | st.text().map("BXG1".__add__) | BASE32.map("BXG1".__add__))
def test_any_text_is_answered(text: str) -> None:
    code = parse_code(text)
    if isinstance(code, TicketCode):  # and what is read is whole
        assert code.text == text
        assert code.facts.valid_to > code.facts.valid_from
        assert not code.is_genuine(PUBLIC)
        assert len(make_code(code.facts, PRIVATE)) == 166


@given(raw=st.binary(min_size=100, max_size=100))
def test_any_bytes_of_our_format_are_answered(raw: bytes) -> None:
    text = "BXG1" + base64.b32encode(bytes([0x10 | raw[0] & 3]) + raw).decode().rstrip("=")
    code = parse_code(text)
    assert isinstance(code, TicketCode) or code is CodeFault.DAMAGED
