"""What a reconciliation's codes are called: every code has words in every language."""

from __future__ import annotations

from program.i18n import translations
from sync_server.services.reckoning import By, CheckKind, LineCode, NoteCode
from sync_server.services.sign_off import NoSignOff


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


BY_NAMES = {
    By.DAY: N_("Business day"),
    By.PERFORMANCE: N_("Performance"),
    By.SHIFT: N_("Shift"),
    By.TILL: N_("Window"),
    By.GATE: N_("Gate"),
}
BY_MANY = {
    By.DAY: N_("Business days"),
    By.PERFORMANCE: N_("Performances"),
    By.SHIFT: N_("Shifts"),
    By.TILL: N_("Windows"),
    By.GATE: N_("Gates"),
}
CHECKS = {
    CheckKind.TAKINGS: N_("Orders = money taken"),
    CheckKind.CASH: N_("Cash expected = cash counted"),
    CheckKind.SHIFTS: N_("Cash by Z reports = cash of orders received"),
    CheckKind.STOCK: N_("Capacity = all places"),
    CheckKind.TICKETS: N_("Tickets sold = entered + not come + taken back"),
    CheckKind.ENTRIES: N_("Entries by lane"),
    CheckKind.LATE: N_("Late records"),
    CheckKind.GAPS: N_("Gaps in sequences"),
    CheckKind.MISSING: N_("Missing records"),
}
LINES = {
    LineCode.ORDERS: N_("Orders sold"),
    LineCode.BACK: N_("Taken back (refunds, exchanges)"),
    LineCode.FEES: N_("Fees kept"),
    LineCode.ROUNDING: N_("Rounding of cash"),
    LineCode.DUE: N_("Must have been taken"),
    LineCode.TENDER: N_("Cash"),
    LineCode.TAKEN: N_("Taken"),
    LineCode.BOOKED: N_("Booked as sales"),
    LineCode.EXPECTED: N_("Must be in the drawer"),
    LineCode.COUNTED: N_("Counted"),
    LineCode.REPORTED: N_("Cash by Z reports"),
    LineCode.ARRIVED: N_("Cash of orders received"),
    LineCode.FREE: N_("Free"),
    LineCode.WRITTEN_OFF: N_("Written off, free again"),
    LineCode.HELD: N_("Held"),
    LineCode.LENT: N_("Lent"),
    LineCode.SOLD: N_("Sold"),
    LineCode.BLOCKED: N_("Blocked"),
    LineCode.RETURNED: N_("Returned, not free yet"),
    LineCode.CAPACITY: N_("Capacity"),
    LineCode.VALID: N_("Valid tickets"),
    LineCode.ENTERED: N_("Entered"),
    LineCode.NOT_COME: N_("Not come"),
    LineCode.TAKEN_BACK: N_("Tickets taken back"),
    LineCode.DISPUTED: N_("Disputed"),
    LineCode.ISSUED: N_("Tickets sold"),
    LineCode.LANE: N_("Lane"),
    LineCode.LET_IN: N_("Entries"),
    LineCode.RECORDS: N_("Records"),
}
NOTES = {
    NoteCode.SHIFT_OPEN: N_("{name}: the shift is still open"),
    NoteCode.SHIFT_COUNTED: N_("{name}: the drawer was counted with a difference of {figure}"),
    NoteCode.SHIFT_INCOMPLETE: N_("{name}: the orders received differ from its report by {figure}"),
    NoteCode.OVERFULL: N_("{name}: more places taken than there are, by {figure}"),
    NoteCode.SOLD_WITHOUT_TICKET: N_("{name}: valid tickets and sold places differ by {figure}"),
    NoteCode.ENTERED_TWICE: N_("{name}: entries beyond what tickets allow: {figure}"),
    NoteCode.ENTERED_UNSOLD: N_("{name}: entries whose sale has not arrived: {figure}"),
    NoteCode.ENTERED_TAKEN_BACK: N_("{name}: tickets entered that were taken back: {figure}"),
    NoteCode.BOOKED_OTHERWISE: N_("The ledger's sales differ from the orders by {figure}"),
    NoteCode.LATE: N_("{name}: records that arrived late: {figure}"),
    NoteCode.JOURNAL_GAP: N_("{name}: records missing inside its journal: {figure}"),
    NoteCode.JOURNAL_FORKED: N_("{name}: its journal contradicts itself"),
    NoteCode.Z_GAP: N_("{name}: Z {figure} does not follow the one before"),
    NoteCode.NOT_ARRIVED: N_("{name}: records of its report that have not arrived: {figure}"),
    NoteCode.NOT_SENT: N_("{name}: records that wait to be sent: {figure}"),
}
REFUSALS = {
    NoSignOff.CHANGED: N_("The figures have changed meanwhile. Look at them again, then sign."),
    NoSignOff.NO_REASON: N_("There is a difference: write down what you know of it."),
    NoSignOff.TOO_LONG: N_("This text is too long."),
}


def refusal_sentence(code: NoSignOff, language: str) -> str:
    """Why nothing was signed."""
    return translations(language).gettext(REFUSALS[code])
