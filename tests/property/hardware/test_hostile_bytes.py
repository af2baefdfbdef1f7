"""Malformed bytes from readers and chips: always an answer, never anything of ours."""

from __future__ import annotations

import pytest

from tests.bench._hostile_bytes import KINDS, STRANGER, attempts
from ticketing.keys import public_of
from ticketing.sun import SunKeys, SunLink, SunTap, open_sun, parse_sun
from ticketing.tags import BoundTicket, parse_tag

HOUSE = public_of(bytes(range(32)))
KEYS = SunKeys(bytes(range(16)), bytes(range(16, 32)))
COUNT = 250


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_bytes_have_an_answer_and_prove_nothing(kind: str) -> None:
    seen = [each for attempt in attempts(kind, 1, COUNT) for each in attempt()]
    assert len(seen) > COUNT // 20, "some must get through the parser, or nothing is tried"
    for each in seen:
        assert each.value.isascii()
        bound = parse_tag(each.value)
        if isinstance(bound, BoundTicket) and each.uid:
            assert not bound.is_bound_to(bytes.fromhex(each.uid), HOUSE)
        link = parse_sun(each.value)
        assert not (isinstance(link, SunLink) and isinstance(open_sun(link, KEYS), SunTap))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_is_the_same_attempt(kind: str) -> None:
    first, again = ([attempt() for attempt in attempts(kind, 2, 20)] for _ in range(2))
    assert first == again


def test_forged_tickets_come_through_whole_and_are_of_a_stranger() -> None:
    """Else the corpus would only try what no parser accepts."""
    values = [
        each.value
        for kind in ("ndef_message", "ndef_type2", "ndef_type4", "serial_line")
        for attempt in attempts(kind, 3, COUNT)
        for each in attempt()
    ]
    bound = [ticket for ticket in map(parse_tag, values) if isinstance(ticket, BoundTicket)]
    assert len(bound) > 10
    assert all(ticket.code.is_genuine(public_of(STRANGER)) for ticket in bound[:5])
    assert not any(ticket.code.is_genuine(HOUSE) for ticket in bound)
