"""What a reader has seen, as the text of a ticket's code, if it proves one."""

from __future__ import annotations

from typing import Protocol

from hardware.reader import Seen, SeenKind
from ticketing.admission import IssuerKey, KeyState
from ticketing.ids import KeyId
from ticketing.tags import BoundTicket, parse_tag

_CODES = frozenset({SeenKind.QR, SeenKind.LINE})


class KnowsKeys(Protocol):
    """Who knows the keys of the house's tills (`gate_agent.facts.GateKnowledge`)."""

    def issuer(self, key_id: KeyId) -> IssuerKey | None:
        """A till's key, believed only with the server's signature on it."""
        ...


def code_text_of(seen: Seen, keys: KnowsKeys) -> str:
    """The text that the lane decides about. Raises ReplicaError where keys cannot be read.

    A printed code is what it is. A chip proves a ticket only where a till of the house bound the
    code to this very chip. Anything else is a text that is no ticket's: a number alone proves
    nothing, and a code that somebody wrote onto a chip is somebody else's ticket.
    """
    if seen.kind in _CODES:
        return seen.value
    if seen.kind is SeenKind.NFC_NDEF:
        bound = parse_tag(seen.value)
        if isinstance(bound, BoundTicket) and _is_bound_here(bound, seen, keys):
            return bound.code.text
    return f"{seen.kind.value}:{seen.value}"


def _is_bound_here(bound: BoundTicket, seen: Seen, keys: KnowsKeys) -> bool:
    try:
        uid = bytes.fromhex(seen.uid)
    except ValueError:
        return False
    key = keys.issuer(bound.key_id)
    if key is None or key.state is not KeyState.ACTIVE:
        return False
    return bound.is_bound_to(uid, key.public)
