"""Which ticket a chip stands for, decided before anything is asked about the ticket itself.

Order of the checks:

    a blocked   b bound, or bound by its own text   c no less than what was bound   d its own ticket
    e a tap later than the last
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ticketing.admission.decide import Refuse
from ticketing.admission.reasons import Miss, MissKind, Reason
from ticketing.code import TicketCode, TicketFacts
from ticketing.credential import Credential, CredentialKind, CredentialRef, CredentialState
from ticketing.ids import U8_MAX, AllotmentId, KeyId, TicketId
from ticketing.sun import SunFault
from ticketing.tags import TagFault
from ticketing.ticket import Ticket

NO_TICKET_TYPE = U8_MAX
"""A ticket's row does not say who the buyer is: no event has so many ticket types."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip that was held up, and what it said.

    `says` is the ticket that its text names, `is_signed` whether a till of the house bound that
    text to this very chip. `counter` is the number of an NTAG 424's tap; None for any other.
    """

    ref: CredentialRef
    kind: CredentialKind
    says: TicketId | None = None
    is_signed: bool = False
    counter: int | None = None


def decide_chip(chip: Chip, row: Credential | None) -> TicketId | Refuse:
    """The ticket that the chip stands for, or why it stands for none. Total.

    `row` is what is known of this very chip. That the ticket is good is another question.
    """
    if row is not None and row.state is CredentialState.BLOCKED:
        return Refuse(Reason.CREDENTIAL_BLOCKED)
    if row is None or row.state is not CredentialState.BOUND:
        return _by_its_text(chip, row)
    if row.kind is not CredentialKind.UID and chip.kind is not row.kind:
        return Refuse(Reason.CREDENTIAL_OF_OTHER_CHIP)  # a copy that has no more than the number
    must_say = chip.says is not None or row.kind is CredentialKind.TAG
    if must_say and chip.says != row.ticket_id:
        return Refuse(Reason.CREDENTIAL_OF_OTHER_CHIP)
    if row.kind is CredentialKind.SUN and (chip.counter is None or chip.counter <= row.counter):
        return Refuse(Reason.CREDENTIAL_REPLAYED)
    return row.ticket_id


def _by_its_text(chip: Chip, row: Credential | None) -> TicketId | Refuse:
    """A till's signature over text and chip proves the binding before its row is heard of."""
    if chip.says is None:
        return Refuse(Reason.CREDENTIAL_UNKNOWN)
    if not chip.is_signed:
        return Refuse(Reason.CREDENTIAL_OF_OTHER_CHIP)
    return chip.says if row is None else Refuse(Reason.CREDENTIAL_UNKNOWN)


_OF_FAULTS = {
    TagFault.UNBOUND: Reason.CREDENTIAL_OF_OTHER_CHIP,
    TagFault.DAMAGED: Reason.DAMAGED_CODE,
    SunFault.NOT_SUN: Reason.CREDENTIAL_UNKNOWN,
    SunFault.FORGED: Reason.CREDENTIAL_UNKNOWN,
    SunFault.REPLAYED: Reason.CREDENTIAL_REPLAYED,
}


def refused_for(fault: TagFault | SunFault) -> Refuse:
    """What is said of a chip whose text is at fault."""
    return Refuse(_OF_FAULTS[fault], miss=Miss(MissKind.CHIP, note=fault.value))


def code_of_row(ticket: Ticket, text: str, ticket_type: int = NO_TICKET_TYPE) -> TicketCode:
    """What a row tells, in the form that the engine takes (`decide_known`). It proves nothing and
    opens nothing; `text` is what tells it from others.
    """
    facts = TicketFacts(
        KeyId("0" * 8),
        ticket.id,
        ticket.performance,
        ticket.unit,
        ticket_type,
        min(ticket.version, U8_MAX),
        AllotmentId("0" * 8, 1),
        datetime.fromtimestamp(0, UTC),
        1,
    )
    return TicketCode(facts, text, b"", b"")
