"""Bodies: what is written is read, and no text breaks a decoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ticketing.test_operations import BODIES
from ticketing.cash_rounding import round_cash
from ticketing.ids import U32_MAX, AllotmentId, KeyId, OrderId, TicketId
from ticketing.operations import (
    CashLeg,
    EntryGranted,
    Exchange,
    ExchangeAction,
    HandLeg,
    Interest,
    Print,
    Refund,
    RefundAction,
    Release,
    Sale,
    SaleLine,
    Settle,
    SignedIn,
    decode_entry,
    decode_exchange,
    decode_interest,
    decode_print,
    decode_refund,
    decode_release,
    decode_sale,
    decode_settle,
    decode_signed_in,
    encode_blocked,
    encode_entry,
    encode_exchange,
    encode_gate_opened,
    encode_gate_shut,
    encode_interest,
    encode_left,
    encode_passage,
    encode_print,
    encode_refund,
    encode_release,
    encode_sale,
    encode_settle,
    encode_signed_in,
    encode_walked,
    exchange_adds_up,
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
    pool=st.just("") | NAMES,
)
LINE_LISTS = st.lists(
    LINES,
    min_size=1,
    max_size=8,
    unique_by=(lambda one: one.ticket_id, lambda one: (one.performance, one.unit)),
)
CURRENCIES = st.text("ABCXYZ", min_size=3, max_size=3)
AMOUNTS = st.integers(0, 10**9)
TENDERS = ("card", "phone", "bank")


@st.composite
def shares_by_hand(draw: st.DrawFn, whole: int) -> tuple[tuple[HandLeg, ...], int, int]:
    """Legs that pay a part of `whole`, and what the rest comes to in cash after rounding."""
    legs, rest = [], whole
    for _at in range(draw(st.integers(0, 3))):
        part = draw(st.integers(0, rest))
        if part:
            legs.append(HandLeg(draw(st.sampled_from(TENDERS)), part, draw(st.just("") | NAMES)))
            rest -= part
    rounded = round_cash(rest, draw(st.sampled_from([1, 5, 10, 100])))
    return tuple(legs), rounded.cash_minor, rounded.rounding_minor


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    lines = draw(LINE_LISTS)
    total = sum(one.price_minor for one in lines)
    currency = draw(CURRENCIES)
    legs, cash, rounding = draw(shares_by_hand(total))
    tendered, late = cash + draw(st.integers(0, 10**6)), draw(st.booleans())
    return Sale(
        OrderId(draw(IDS)),
        draw(NAMES),
        draw(NAMES),
        currency,
        draw(st.integers(0, 2**31 - 1)),
        total,
        tuple(lines),
        CashLeg(cash, tendered),
        late,
        legs=legs,
        rounding_minor=rounding,
        late_approved_by=draw(st.just("") | NAMES) if late else "",
    )


@st.composite
def refunds(draw: st.DrawFn) -> Refund:
    action = draw(st.sampled_from(RefundAction))
    legs, cash, rounding = draw(shares_by_hand(draw(AMOUNTS)))
    return Refund(
        OrderId(draw(IDS)),
        action,
        draw(st.lists(IDS.map(TicketId), min_size=1, max_size=8, unique=True).map(tuple)),
        cash,
        0 if action is RefundAction.VOID else draw(AMOUNTS),
        draw(CURRENCIES),
        draw(NAMES),
        draw(NAMES),
        legs=legs,
        rounding_minor=-rounding,
    )


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    lines = tuple(draw(LINE_LISTS))
    total = sum(one.price_minor for one in lines)
    action = draw(st.sampled_from(ExchangeAction))
    replaced = action is ExchangeAction.REPLACEMENT
    size = len(lines) if replaced else draw(st.integers(1, 8))
    sold = {one.ticket_id for one in lines}
    tickets = IDS.filter(lambda one: one not in sold).map(TicketId)
    orders = draw(st.lists(IDS.map(OrderId), min_size=2, max_size=2, unique=True))
    credit, fee = total if replaced else draw(AMOUNTS), draw(AMOUNTS)
    paid = total + fee - credit
    legs, cash, rounding = draw(shares_by_hand(abs(paid)))
    return Exchange(
        draw(st.lists(tickets, min_size=size, max_size=size, unique=True).map(tuple)),
        orders[0],
        action,
        orders[1],
        draw(NAMES),
        draw(NAMES),
        draw(CURRENCIES),
        draw(st.integers(0, 2**31 - 1)),
        lines,
        credit,
        fee,
        paid,
        cash + draw(AMOUNTS) if paid > 0 and cash else 0,
        legs=legs,
        rounding_minor=rounding if paid > 0 else -rounding,
    )


RELEASES = st.builds(
    Release,
    NUMBERS,
    ALLOTMENTS,
    st.lists(NUMBERS, min_size=1, max_size=30, unique=True).map(tuple),
    st.lists(st.tuples(NAMES, NUMBERS), max_size=3, unique_by=lambda pair: pair[0]).map(tuple),
)
SETTLES = st.builds(Settle, NUMBERS, ALLOTMENTS)
INTERESTS = st.builds(Interest, NUMBERS, st.integers(1, 2_000), st.just("") | NAMES)
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


@given(refund=refunds(), exchange=exchanges())
def test_what_happens_after_a_sale_is_read_as_it_was_written(
    refund: Refund, exchange: Exchange
) -> None:
    assert decode_refund(encode_refund(refund)) == refund
    assert decode_exchange(encode_exchange(exchange)) == exchange


@given(exchange=exchanges(), by=st.integers(-(10**6), 10**6).filter(bool))
def test_an_exchange_that_is_off_by_any_amount_does_not_add_up(exchange: Exchange, by: int) -> None:
    for part in ("credit_minor", "fee_minor", "paid_minor"):
        off = replace(exchange, **{part: getattr(exchange, part) + by})
        assert not exchange_adds_up(off)


@given(settle=SETTLES, interest=INTERESTS)
def test_what_is_said_of_stock_is_read_as_it_was_written(
    settle: Settle, interest: Interest
) -> None:
    assert decode_settle(encode_settle(settle)) == settle
    assert decode_interest(encode_interest(interest)) == interest


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
    "entry by hand": encode_entry,
    "passage": encode_passage,
    "gate opened": encode_gate_opened,
    "fire": encode_gate_opened,
    "gate shut": encode_gate_shut,
    "walked": encode_walked,
    "exit": encode_left,
    "signed in": encode_signed_in,
    "late sale": encode_sale,
    "priced sale": encode_sale,
    "shares": encode_release,
    "settle": encode_settle,
    "refund": encode_refund,
    "void": encode_refund,
    "exchange": encode_exchange,
    "replacement": encode_exchange,
    "interest": encode_interest,
    "block": encode_blocked,
}


def test_every_body_has_its_encoder() -> None:
    assert set(ENCODERS) == set(BODIES)


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
    for key in ("receipt", "sold_by", "lane", "person", "by", "reason", "note"):
        stored = json.loads(again).get(key, "")
        assert "\0" not in stored
        stored.encode()
