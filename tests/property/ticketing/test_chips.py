"""No single wrong bit makes a chip stand for another ticket; bodies come out as they went in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticketing.admission import Chip, Refuse, decide_chip
from ticketing.credential import (
    NO_COUNTER,
    Credential,
    CredentialKind,
    CredentialRef,
    CredentialState,
    Medium,
    chip_keys,
    credential_ref,
)
from ticketing.ids import TicketId
from ticketing.operations import (
    CredentialBound,
    CredentialUnbound,
    decode_credential_bound,
    decode_credential_unbound,
    encode_credential_bound,
    encode_credential_unbound,
)
from ticketing.sun import COUNTER_MAX, SunLink, SunTap, make_sun, open_sun

KEYS = chip_keys(bytes(range(32)))
TICKETS = st.integers(0, 2**64 - 1).map(lambda number: TicketId(f"{number:016x}"))
REFS = st.binary(min_size=16, max_size=16).map(lambda raw: CredentialRef(raw.hex()))
MS = st.integers(0, 2**53 - 1)
UIDS = st.binary(min_size=7, max_size=7)


@given(
    number=st.binary(min_size=3, max_size=32), bit=st.integers(0), medium=st.sampled_from(Medium)
)
def test_a_number_with_a_wrong_bit_is_another_chip(number: bytes, bit: int, medium: Medium) -> None:
    wrong = bytearray(number)
    wrong[bit // 8 % len(number)] ^= 1 << bit % 8
    right = credential_ref(KEYS, medium, number.hex().upper())
    assert credential_ref(KEYS, medium, bytes(wrong).hex().upper()) != right


@given(uid=UIDS, counter=st.integers(0, COUNTER_MAX), bit=st.integers(0, 24 * 8 - 1))
def test_a_tap_with_a_wrong_bit_is_none(uid: bytes, counter: int, bit: int) -> None:
    assert KEYS.sun is not None
    link = make_sun(uid, counter, KEYS.sun)
    assert open_sun(link, KEYS.sun) == SunTap(uid, counter)
    raw = bytearray(link.picc_data + link.mac)
    raw[bit // 8] ^= 1 << bit % 8
    found = open_sun(SunLink(bytes(raw[:16]), bytes(raw[16:])), KEYS.sun)
    # The padding of five bytes is not checked by the chip's maker: then it is the same tap.
    assert not isinstance(found, SunTap) or found == SunTap(uid, counter)


@given(
    kinds=st.tuples(st.sampled_from(CredentialKind), st.sampled_from(CredentialKind)),
    state=st.sampled_from(CredentialState),
    counters=st.tuples(st.none() | st.integers(0, 9), st.integers(-1, 9)),
    tickets=st.tuples(TICKETS, TICKETS),
    says=st.sampled_from(["nothing", "its own", "another"]),
    is_signed=st.booleans(),
)
def test_a_known_chip_stands_for_its_own_ticket_or_for_none(
    kinds: tuple[CredentialKind, CredentialKind],
    state: CredentialState,
    counters: tuple[int | None, int],
    tickets: tuple[TicketId, TicketId],
    says: str,
    is_signed: bool,
) -> None:
    own, other = tickets
    said = {"nothing": None, "its own": own, "another": other}[says]
    ref = CredentialRef("a" * 32)
    chip = Chip(ref, kinds[0], said, is_signed, counters[0])
    answer = decide_chip(chip, Credential(ref, own, kinds[1], state, 1, counters[1]))
    if isinstance(answer, Refuse):
        return
    assert answer == own
    assert state is CredentialState.BOUND
    assert kinds[1] in (CredentialKind.UID, kinds[0])
    assert said in (None, own)
    if kinds[1] is CredentialKind.SUN:
        assert counters[0] is not None
        assert counters[0] > counters[1]


@given(
    ref=REFS,
    ticket=TICKETS,
    kind=st.sampled_from(CredentialKind),
    counter=st.sampled_from([NO_COUNTER, 0, 7, COUNTER_MAX]),
    at_ms=MS,
    blocked=st.booleans(),
)
def test_bodies_come_out_as_they_went_in(
    ref: CredentialRef,
    ticket: TicketId,
    kind: CredentialKind,
    counter: int,
    at_ms: int,
    blocked: bool,
) -> None:
    bound = CredentialBound(ref, ticket, kind, 1, "li", at_ms, counter)
    assert decode_credential_bound(encode_credential_bound(bound)) == bound
    unbound = CredentialUnbound(ref, ticket, "li", at_ms, blocked)
    assert decode_credential_unbound(encode_credential_unbound(unbound)) == unbound


@given(body=st.text(max_size=60) | st.binary(max_size=20).map(repr))
def test_anything_else_is_no_body(body: str) -> None:
    assert decode_credential_bound(body) is None
    assert decode_credential_unbound(body) is None
