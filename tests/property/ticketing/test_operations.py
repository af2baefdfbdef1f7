"""Bodies: what is written is read, and no text breaks a decoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ticketing.test_operations import BODIES
from ticketing.ids import U32_MAX, AllotmentId, KeyId, OrderId, TicketId
from ticketing.operations import (
    CashLeg,
    EntryGranted,
    Print,
    Release,
    Sale,
    SaleLine,
    SignedIn,
    decode_entry,
    decode_print,
    decode_release,
    decode_sale,
    decode_signed_in,
    encode_entry,
    encode_print,
    encode_release,
    encode_sale,
    encode_signed_in,
)

NUMBERS = st.integers(1, U32_MAX)
VERSIONS = st.integers(0, 255)
IDS = st.integers(0, 2**64 - 1).map("{:016x}".format)
ALLOTMENTS = st.builds(AllotmentId, st.integers(0, U32_MAX).map("{:08x}".format), NUMBERS)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=64)
INSTANTS = st.integers(0, 2**53 - 1)
LINES = st.builds(
    SaleLine,
    ticket_id=IDS.map(TicketId),
    performance=NUMBERS,
    unit=NUMBERS,
    version=VERSIONS,
    allotment=ALLOTMENTS,
    tier_id=NAMES,
    ticket_type_id=NAMES,
    price_minor=st.integers(0, 10**9),
    rule=NAMES,
    code=st.text(max_size=60),
)


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    lines = draw(
        st.lists(
            LINES,
            min_size=1,
            max_size=8,
            unique_by=(lambda one: one.ticket_id, lambda one: (one.performance, one.unit)),
        )
    )
    total = sum(one.price_minor for one in lines)
    currency = draw(st.text("ABCXYZ", min_size=3, max_size=3))
    tendered = total + draw(st.integers(0, 10**6))
    return Sale(
        OrderId(draw(IDS)),
        draw(NAMES),
        draw(NAMES),
        currency,
        draw(st.integers(0, 2**31 - 1)),
        total,
        tuple(lines),
        CashLeg(total, tendered),
    )


RELEASES = st.builds(
    Release,
    NUMBERS,
    ALLOTMENTS,
    st.lists(NUMBERS, min_size=1, max_size=30, unique=True).map(tuple),
)
PRINTS = st.builds(Print, IDS.map(OrderId), NUMBERS)
ENTRIES = st.builds(
    EntryGranted,
    IDS.map(TicketId),
    NUMBERS,
    NUMBERS,
    VERSIONS,
    st.integers(0, U32_MAX).map(lambda n: KeyId(f"{n:08x}")),
    ALLOTMENTS,
    NAMES,
    INSTANTS,
    st.booleans(),
)


@given(sale=sales())
def test_a_sale_is_read_as_it_was_written(sale: Sale) -> None:
    assert decode_sale(encode_sale(sale)) == sale


@given(release=RELEASES, printed=PRINTS, entry=ENTRIES, signed=st.builds(SignedIn, NAMES))
def test_the_other_operations_are_read_as_they_were_written(
    release: Release, printed: Print, entry: EntryGranted, signed: SignedIn
) -> None:
    assert decode_release(encode_release(release)) == release
    assert decode_print(encode_print(printed)) == printed
    assert decode_entry(encode_entry(entry)) == entry
    assert decode_signed_in(encode_signed_in(signed)) == signed


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)


def spoil(draw: st.DrawFn, raw: Any) -> Any:
    """A sound body with one value anywhere in it replaced or removed."""
    place = raw
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inside = place[key]
        if isinstance(inside, dict | list) and inside and draw(st.booleans()):
            place = inside
            continue
        if draw(st.booleans()):
            place[key] = draw(ANY_JSON)
        else:
            del place[key]
        return raw


@st.composite
def spoiled_bodies(draw: st.DrawFn, name: str) -> str:
    raw = json.loads(BODIES[name][0])
    for _ in range(draw(st.integers(1, 2))):
        if raw:
            raw = spoil(draw, raw)
    return json.dumps(raw)


ENCODERS: dict[str, Callable[[Any], str]] = {
    "sale": encode_sale,
    "release": encode_release,
    "print": encode_print,
    "entry": encode_entry,
    "signed in": encode_signed_in,
}


@pytest.mark.parametrize("name", BODIES)
@given(data=st.data())
def test_a_decoder_answers_any_text(name: str, data: st.DataObject) -> None:
    """And what it takes, it can write again, in characters that every database stores."""
    body = data.draw(st.text() | ANY_JSON.map(json.dumps) | spoiled_bodies(name))
    value = BODIES[name][1](body)
    if value is None:
        return
    again = ENCODERS[name](value)
    assert BODIES[name][1](again) == value
    for key in ("receipt", "sold_by", "lane", "person"):
        stored = json.loads(again).get(key, "")
        assert "\0" not in stored
        stored.encode()
