"""What a reader has seen, as what a lane decides about: a code, or a chip that the house can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hardware.reader import Seen, SeenKind
from ticketing.admission import Chip, IssuerKey, KeyState, Reason, Refuse, refused_for
from ticketing.code import TicketCode, parse_code
from ticketing.credential import (
    NO_COUNTER,
    ChipKeys,
    CredentialKind,
    CredentialRef,
    Medium,
    credential_ref,
    is_number,
)
from ticketing.ids import KeyId
from ticketing.operations import ByCredential
from ticketing.sun import SunFault, SunLink, open_sun, parse_sun, read_sun
from ticketing.tags import BoundTicket, TagFault, code_in, parse_tag

_CODES = frozenset({SeenKind.QR, SeenKind.LINE})
_MEDIA = {SeenKind.RFID_LF: Medium.LF, SeenKind.RFID_UHF: Medium.UHF}


class KnowsKeys(Protocol):
    """Who knows the keys of the house's tills (`gate_agent.facts.GateKnowledge`)."""

    def issuer(self, key_id: KeyId) -> IssuerKey | None:
        """A till's key, believed only with the server's signature on it."""
        ...


@dataclass(frozen=True, slots=True)
class HeldChip:
    """A chip that is held up. `code` is the ticket's code that it says, None for one that says none.

    `link` is what an NTAG 424 said; not `is_checked`: only the server can tell whether it is right.
    """

    chip: Chip
    code: TicketCode | None = None
    link: str = ""
    is_checked: bool = True

    @property
    def text(self) -> str:
        """By what a lane knows it while it stays in front of the reader. No code can say it."""
        return self.code.text if self.code is not None else f"chip·{self.chip.ref}"

    @property
    def by(self) -> ByCredential:
        """As the entry says it."""
        counter = NO_COUNTER if self.chip.counter is None else self.chip.counter
        return ByCredential(self.chip.ref, self.chip.kind, counter)


def read_seen(seen: Seen, keys: ChipKeys | None, issuers: KnowsKeys) -> str | HeldChip | Refuse:
    """What the lane decides about: a code's text, or a chip; or why it is neither.

    Raises ReplicaError where the keys of tills cannot be read. Without `keys` no chip has a name:
    then only a text counts that a till bound to the very chip.
    """
    if seen.kind in _CODES:
        return seen.value
    if seen.kind is SeenKind.NFC_SUN:
        return _sun(seen, keys)
    if seen.kind is SeenKind.NFC_NDEF:
        said = parse_tag(seen.value)
        if isinstance(said, BoundTicket):
            return _bound(seen, said, keys, issuers)
        if said is TagFault.UNBOUND:
            return _unbound(seen, keys)
        if said is TagFault.DAMAGED:
            return refused_for(TagFault.DAMAGED)
    return _number(seen, keys)  # whatever else a chip says, it has a number


def _bound(
    seen: Seen, bound: BoundTicket, keys: ChipKeys | None, issuers: KnowsKeys
) -> str | HeldChip | Refuse:
    is_signed = _is_bound_here(bound, seen, issuers)
    ref = _ref(keys, Medium.NFC, seen.uid)
    if ref is None:
        other = Refuse(Reason.CREDENTIAL_OF_OTHER_CHIP)
        return bound.code.text if is_signed and keys is None else other
    ticket_id = bound.code.facts.ticket_id
    return HeldChip(Chip(ref, CredentialKind.TAG, ticket_id, is_signed), bound.code)


def _unbound(seen: Seen, keys: ChipKeys | None) -> HeldChip | Refuse:
    """A ticket's code that nobody signed for this chip: good where the house bound the chip."""
    code = parse_code(code_in(seen.value))
    ref = _ref(keys, Medium.NFC, seen.uid)
    if ref is None or not isinstance(code, TicketCode):
        return refused_for(TagFault.UNBOUND)
    return HeldChip(Chip(ref, CredentialKind.TAG, code.facts.ticket_id), code)


def _sun(seen: Seen, keys: ChipKeys | None) -> HeldChip | Refuse:
    link = parse_sun(seen.value)
    if keys is None or not isinstance(link, SunLink):
        return refused_for(SunFault.NOT_SUN)
    sun = keys.sun
    tap = open_sun(link, sun) if sun is not None else read_sun(link, keys.meta)
    if isinstance(tap, SunFault):
        return refused_for(tap)
    ref = credential_ref(keys, Medium.NFC, tap.uid.hex().upper())
    chip = Chip(ref, CredentialKind.SUN, counter=tap.counter)
    return HeldChip(chip, link=seen.value, is_checked=sun is not None)


def _number(seen: Seen, keys: ChipKeys | None) -> HeldChip | Refuse:
    medium = _MEDIA.get(seen.kind, Medium.NFC)
    ref = _ref(keys, medium, seen.uid if medium is Medium.NFC and seen.uid else seen.value)
    if ref is None:
        return Refuse(Reason.CREDENTIAL_UNKNOWN)
    return HeldChip(Chip(ref, CredentialKind.UID))


def _ref(keys: ChipKeys | None, medium: Medium, number: str) -> CredentialRef | None:
    number = number.upper()
    return credential_ref(keys, medium, number) if keys and is_number(number) else None


def _is_bound_here(bound: BoundTicket, seen: Seen, issuers: KnowsKeys) -> bool:
    try:
        uid = bytes.fromhex(seen.uid)
    except ValueError:
        return False
    key = issuers.issuer(bound.key_id)
    if key is None or key.state is not KeyState.ACTIVE:
        return False
    return bound.is_bound_to(uid, key.public)
