"""A chip that was held up at a gate, as the arbiter checks it: by the gate's rules, on its own rows."""

from __future__ import annotations

from dataclasses import dataclass

from sync_server.heart.credentials import known_credential
from sync_server.heart.rows import TicketRow
from sync_server.heart.work import Work
from ticketing.admission import Chip, Reason, Refuse, code_of_row, decide_chip, refused_for
from ticketing.code import TicketCode
from ticketing.credential import (
    NO_COUNTER,
    ChipKeys,
    CredentialKind,
    Medium,
    credential_ref,
)
from ticketing.ids import TicketId
from ticketing.operations import ByCredential
from ticketing.sun import SunFault, SunLink, SunTap, open_sun, parse_sun
from ticketing.ticket import Ticket, TicketState


@dataclass(frozen=True, slots=True)
class ShownChip:
    """What a gate says of a chip. `ticket_id` is the ticket that the gate takes it for.

    `link` is what an NTAG 424 said, so that nobody has to believe the gate; `is_signed`: the gate
    found the chip's text bound to it by a till; `is_checked`: the
    gate has the key and found the link right, which a server without the key believes.
    """

    by: ByCredential
    ticket_id: TicketId
    link: str = ""
    is_signed: bool = False
    is_checked: bool = False


def resolve(
    work: Work, shown: ShownChip, scan: TicketCode | str, keys: ChipKeys | None
) -> TicketCode | Refuse:
    """The ticket that the chip stands for, by its code or as its row tells. Total."""
    by, says = shown.by, scan.facts.ticket_id if isinstance(scan, TicketCode) else None
    if by.kind is CredentialKind.SUN:
        fault = _wrong_link(shown, keys)
        if fault is not None:
            return fault
    counter = by.counter if by.counter != NO_COUNTER else None
    chip = Chip(by.ref, by.kind, says, shown.is_signed, counter)
    known = known_credential(work, by.ref)
    ticket_id = decide_chip(chip, known)
    if isinstance(ticket_id, Refuse):
        return ticket_id
    if ticket_id != shown.ticket_id:  # the gate has not heard of a chip that is bound anew
        return Refuse(Reason.CREDENTIAL_UNKNOWN)
    if isinstance(scan, TicketCode):
        return scan
    row = work.tickets.get(ticket_id)
    if row is None:
        return Refuse(Reason.CREDENTIAL_UNKNOWN)
    return code_of_row(as_ticket(row), f"chip:{by.ref}", known.ticket_type if known else 0)


def as_ticket(row: TicketRow) -> Ticket:
    """The row as the engine takes it."""
    return Ticket(
        TicketId(row.id), row.perf_id, row.unit, row.version, TicketState(row.state), row.blocked
    )


def _wrong_link(shown: ShownChip, keys: ChipKeys | None) -> Refuse | None:
    """What is wrong with the proof of a tap; None for a genuine one of this chip and number."""
    if keys is None:  # a hub has no such key
        return None if shown.is_checked else Refuse(Reason.CUT_OFF)
    link = parse_sun(shown.link)
    if not isinstance(link, SunLink) or keys.sun is None:
        return refused_for(SunFault.NOT_SUN)
    tap = open_sun(link, keys.sun)
    if not isinstance(tap, SunTap):
        return refused_for(tap)
    ref = credential_ref(keys, Medium.NFC, tap.uid.hex().upper())
    if (ref, tap.counter) != (shown.by.ref, shown.by.counter):
        return refused_for(SunFault.FORGED)
    return None
