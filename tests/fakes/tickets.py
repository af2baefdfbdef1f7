"""Tickets that nobody sold."""

from __future__ import annotations

import dataclasses
import hashlib

from ticketing.code import TicketCode, make_code, parse_code
from ticketing.ids import TicketId

_FORGER_KEY = hashlib.sha256(b"a key that no server ever vouched for").digest()


def forge_like(code: str) -> str:
    """A ticket that says it was sold by the same node, signed with another key."""
    genuine = parse_code(code)
    assert isinstance(genuine, TicketCode)
    facts = dataclasses.replace(genuine.facts, ticket_id=TicketId("f0" * 8))
    return make_code(facts, _FORGER_KEY)
