"""What a case means, and what is usually done about it: each kind has its words in every language."""

from __future__ import annotations

from dataclasses import dataclass

from sync_server.heart.cases import CaseKind
from sync_server.heart.reclaim import NoResolution
from sync_server.heart.settling import Disposition, NoSettlement
from ticketing.admission.twice import Cause


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


@dataclass(frozen=True, slots=True)
class CaseWords:
    """What it does to money and to tickets, and what is suggested."""

    money: str
    tickets: str
    advice: str
    disposition: Disposition


_NO_MONEY = N_("No money moved.")
_NO_TICKETS = N_("No ticket changed.")
CASE_WORDS = {
    CaseKind.DOUBLE_ENTRY: CaseWords(
        _NO_MONEY,
        N_("One ticket was used more often than it allows; both visitors may be inside."),
        N_("Compare the entries: where, when, and which lane could not ask. Then talk to both."),
        Disposition.MISUSE,
    ),
    CaseKind.OVERSOLD: CaseWords(
        N_("The sale is booked as it was paid."),
        N_("The disputed tickets are not let in until somebody decides."),
        N_("Give the buyers other places, or their money back."),
        Disposition.PUT_RIGHT,
    ),
    CaseKind.PRICE: CaseWords(
        N_("Booked as paid; the list asks another price."),
        N_("The tickets are valid."),
        N_("Compare with the list of that hour, and ask the cashier."),
        Disposition.EXPLAINED,
    ),
    CaseKind.POISON: CaseWords(
        N_("Whatever the record says is not in the books."),
        N_("Whatever the record says has no effect."),
        N_("The record is kept whole: have the operator read it."),
        Disposition.TECHNICAL,
    ),
    CaseKind.FORK: CaseWords(
        N_("What every copy sold is collected and booked."),
        N_("What was sold twice is disputed, in cases of its own."),
        N_("Find out who copied or reset this machine; enrol it anew."),
        Disposition.TECHNICAL,
    ),
    CaseKind.DIVERGENCE: CaseWords(
        _NO_MONEY,
        _NO_TICKETS,
        N_("It was put right by itself. When it comes again, have the machine's disk checked."),
        Disposition.TECHNICAL,
    ),
    CaseKind.WRITTEN_OFF: CaseWords(
        N_("Cash of sales that never arrived may be missing."),
        N_("The places named are free again; tickets sold for them may still turn up."),
        N_("Ask the cashier what was sold, and look for the machine."),
        Disposition.LOSS,
    ),
    CaseKind.ENTERED_REVOKED: CaseWords(
        N_("The money went back, and the visitor came in all the same."),
        N_("The place may have been sold to somebody else."),
        N_("Find the visitor; ask for the price, or for the ticket."),
        Disposition.MISUSE,
    ),
    CaseKind.RESOLD: CaseWords(
        _NO_MONEY,
        N_("A gate that was silent may still let in the old ticket."),
        N_("A record of who decided it; nothing has to be done."),
        Disposition.EXPLAINED,
    ),
    CaseKind.POOL: CaseWords(
        N_("Booked as paid, at the limited price."),
        N_("The tickets are valid."),
        N_("The house bears the difference to the full price."),
        Disposition.LOSS,
    ),
    CaseKind.REFUND: CaseWords(
        N_("The payout is booked; the ticket was not valid."),
        _NO_TICKETS,
        N_("Ask who made the refund, and get the money back."),
        Disposition.LOSS,
    ),
    CaseKind.PAID_BACK: CaseWords(
        N_("More went back by a tender than had come in by it."),
        _NO_TICKETS,
        N_("Compare with the tender's own statement."),
        Disposition.LOSS,
    ),
    CaseKind.REENROLLED: CaseWords(
        _NO_MONEY,
        N_("Places lent to the machine's old life stay reserved."),
        N_("Write them off when the old folder is lost for good."),
        Disposition.TECHNICAL,
    ),
    CaseKind.CASH_DIFFERENCE: CaseWords(
        N_("The drawer held more or less than the shift accounts for."),
        _NO_TICKETS,
        N_("Count again with the cashier, and look for a wrong change or a missed drop."),
        Disposition.LOSS,
    ),
    CaseKind.Z_NUMBER: CaseWords(
        N_("A shift's report may be missing, or be there twice."),
        _NO_TICKETS,
        N_("Look for the missing report on the till itself."),
        Disposition.TECHNICAL,
    ),
    CaseKind.BLOCKED: CaseWords(
        N_("The sale stands."),
        N_("The ticket lets nobody in. Settling this lifts the block."),
        N_("Settle it when the reason for the block is gone."),
        Disposition.PUT_RIGHT,
    ),
    CaseKind.CREDENTIAL: CaseWords(
        _NO_MONEY,
        N_("The ticket stands; the chip that its holder was given does not open for it."),
        N_("Bind another chip to the ticket, or let its holder show the ticket itself."),
        Disposition.PUT_RIGHT,
    ),
    CaseKind.GRANT: CaseWords(
        _NO_MONEY,
        N_("Tickets sold for these places may become disputed."),
        N_("Let the machine come back and send what it has; then look again."),
        Disposition.TECHNICAL,
    ),
}
DISPOSITIONS = {
    Disposition.EXPLAINED: N_("Explained, nothing was lost"),
    Disposition.PUT_RIGHT: N_("Put right"),
    Disposition.LOSS: N_("The house bears it"),
    Disposition.MISUSE: N_("Misuse"),
    Disposition.TECHNICAL: N_("Technical, for the operator"),
}
REFUSALS = {
    NoSettlement.NO_CASE: N_("This case is settled already."),
    NoSettlement.CHANGED: N_("More became known meanwhile. Look at it again, then settle it."),
    NoSettlement.NO_REASON: N_("Write down in a few words why."),
    NoSettlement.TICKETS_OPEN: N_("Decide about every disputed ticket first."),
}
NOT_RESOLVED = {
    NoResolution.QUARANTINE: N_("The house still waits for windows to report; try again then."),
    NoResolution.NO_CASE: N_("This ticket is not in this case."),
    NoResolution.SETTLED: N_("This ticket is settled already."),
    NoResolution.TAKEN: N_("This place is not free any more; choose another one."),
    NoResolution.UNKNOWN_UNIT: N_("There is no such place."),
}
CAUSES = {
    Cause.CLOCK: N_("A gate's clock was wrong: by the right time the rule allowed it."),
    Cause.ANSWER_LOST: N_("An answer was lost on its way to a gate, which let in nobody by it."),
    Cause.COPY: N_("Two lanes within half a minute: two people with copies of one code."),
    Cause.BOTH_OFFLINE: N_("Every gate was cut off and decided alone."),
    Cause.ONE_OFFLINE: N_("One gate was cut off and did not hear of the other's entry."),
    Cause.ALL_ASKED: N_("The server let in both; a part of its history was lost in between."),
}
FACTS = {
    "ticket": N_("Ticket no."),
    "tickets": N_("Ticket no."),
    "order": N_("Order no."),
    "node": N_("Window or gate"),
    "by": N_("Who"),
    "approver": N_("Approved by"),
    "reason": N_("Reason"),
    "performance": N_("Performance no."),
    "p": N_("Performance no."),
    "unit": N_("Place"),
    "unknown": N_("Places whose fate is not known"),
    "confirmed": N_("Sold and confirmed"),
    "allotment": N_("Allotment"),
    "allotments": N_("Allotments"),
    "shift": N_("Shift"),
    "z": N_("Z report no."),
    "last": N_("Z report before"),
    "expected": N_("Must be in the drawer"),
    "counted": N_("Counted"),
    "difference": N_("Difference"),
    "op": N_("Record"),
    "kind": N_("Kind"),
    "code": N_("Code"),
    "seq": N_("Number in its journal"),
    "acked": N_("Records the server has"),
    "told": N_("Records the machine tells of"),
    "inc": N_("Life of the machine"),
    "price_list": N_("Price list version"),
    "pool": N_("Limited price"),
    "at_ms": N_("Time"),
}
