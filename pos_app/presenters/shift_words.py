"""The shift page's codes as sentences: what happened, what it means for the money, what to do."""

from __future__ import annotations

from typing import assert_never

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.sentences import sign_in_refusal
from pos_app.presenters.shift_state import Page, Paper, ShiftState
from pos_app.services.rows import Row
from pos_app.services.shift_model import Reason, ShiftRefusal, ShiftRefused
from pos_app.services.shift_rows import reason_name, x_rows, z_rows


def page_title(page: Page) -> str:
    """What is done on a page."""
    titles = {
        Page.HOME: _("Shift"),
        Page.FLOAT: _("Open a shift"),
        Page.PAY_IN: _("Pay in"),
        Page.PAY_OUT: _("Pay out"),
        Page.SAFE_DROP: _("Drop into the safe"),
        Page.DRAWER: _("Open the drawer"),
        Page.X: _("X report"),
        Page.COUNT: _("Close the shift"),
        Page.RECOUNT: _("Count again"),
        Page.APPROVE: _("A manager decides"),
        Page.Z: _("Z report"),
    }
    return titles[page]


def page_hint(page: Page) -> str:
    """What to do on a page."""
    match page:
        case Page.HOME:
            return _("Cash can be taken as long as a shift is open. Choose on the left.")
        case Page.FLOAT:
            return _("Count the float in the drawer by note and coin.")
        case Page.PAY_IN:
            return _("Type what comes into the drawer and say why.")
        case Page.PAY_OUT:
            return _("Type what is taken out of the drawer and say why.")
        case Page.SAFE_DROP:
            return _("Type what goes from the drawer into the safe and say why.")
        case Page.DRAWER:
            return _("Say why. It is recorded, then the drawer opens.")
        case Page.COUNT:
            return _("Count everything in the drawer. What should be in it is shown afterwards.")
        case Page.RECOUNT:
            return _("The count does not agree. Count everything once more, from the beginning.")
        case Page.APPROVE:
            return _("Counted twice and still apart. A manager gives a reason and a PIN.")
        case _:
            return ""


def submit_words(page: Page) -> str:
    """What the large button does."""
    match page:
        case Page.FLOAT:
            return _("Open the shift")
        case Page.COUNT | Page.RECOUNT:
            return _("Hand in the count")
        case Page.APPROVE:
            return _("Close with this difference")
        case _:
            return page_title(page)


def shift_message(state: ShiftState) -> str:
    """What the page has to tell now; '' when nothing."""
    if state.failed:
        return _(
            "The till could not do that. What was recorded stands; look at the shift again, and "
            "tell the manager if it stays."
        )
    if state.refused is not None:
        return shift_refusal(state.refused)
    return _done_words(state.done) if state.done is not None else ""


def shift_lead(refused: ShiftRefused | None) -> str:
    """What the key says that leads to what is in the way; "" where none does."""
    if refused is None:
        return ""
    leads = {
        ShiftRefusal.PARKED_ORDERS: _("Show the parked orders"),
        ShiftRefusal.OPEN_PARTS: _("Show the payment"),
    }
    return leads.get(refused.reason, "")


def shift_refusal(refused: ShiftRefused) -> str:
    """Why nothing was done."""
    if refused.reason is ShiftRefusal.PARKED_ORDERS:
        return ngettext(
            "{n} parked order waits. Take its payment or drop it, then close the shift.",
            "{n} parked orders wait. Take their payment or drop them, then close the shift.",
            refused.count,
        ).format(n=words.count(refused.count))
    if refused.reason is ShiftRefusal.OPEN_PARTS:
        return ngettext(
            "{n} part of a payment is recorded for an order that is not paid in full. Take the "
            "rest or give it back, then close the shift.",
            "{n} parts of a payment are recorded for an order that is not paid in full. Take the "
            "rest or give them back, then close the shift.",
            refused.count,
        ).format(n=words.count(refused.count))
    if refused.reason is ShiftRefusal.PIN_REFUSED and refused.sign_in is not None:
        return sign_in_refusal(refused.sign_in)
    sentences = {
        ShiftRefusal.NOT_SIGNED_IN: _("Nobody is signed in. Nothing was recorded; sign in first."),
        ShiftRefusal.NO_SHIFT: _("No shift is open. Nothing was recorded; count the float first."),
        ShiftRefusal.ALREADY_OPEN: _(
            "A shift is open already. Close it before the next one begins."
        ),
        ShiftRefusal.NO_CURRENCY: _(
            "No event has reached this window yet, so its money is not known. "
            "Wait for the network, then open the shift."
        ),
        ShiftRefusal.NOTHING_TO_MOVE: _("Nothing was recorded: type an amount first."),
        ShiftRefusal.NOT_COUNTED: _(
            "The cash changed since the last count. Count the drawer once more."
        ),
        ShiftRefusal.NOT_A_MANAGER: _("Only a manager may do this. Nothing was recorded."),
        ShiftRefusal.PIN_REFUSED: _("Wrong PIN. Please type it again."),
        ShiftRefusal.LOCKED: _(
            "This window may record nothing until a manager has enrolled it again. "
            "Keep the cash as it is and call the manager."
        ),
        ShiftRefusal.DISK_FULL: _(
            "This computer's disk is full. Nothing was recorded; leave the cash as it is and "
            "call the manager."
        ),
    }
    return sentences[refused.reason]


def paper_words(paper: Paper) -> str:
    """What became of a report's print."""
    match paper:
        case Paper.NONE:
            return ""
        case Paper.PRINTING:
            return _("Printing…")
        case Paper.PRINTED:
            return _("Printed")
        case Paper.FAILED:
            return _("Not printed: check the paper and print again. The report is kept.")
        case Paper.WAITING:
            return _("Waits for the printer and comes out by itself. The report is kept.")
        case Paper.IN_DOUBT:
            return _("It may be printed: look at the paper, then say so on the page Devices.")
        case _:
            assert_never(paper)


def reason_words(reason: Reason) -> str:
    """A reason."""
    return reason_name(reason, words.language())


def report_rows(state: ShiftState) -> list[Row]:
    """The report on screen, in the language spoken now."""
    if state.names is None:
        return []
    names = state.names.spoken(words.language())
    if state.page is Page.Z and state.z is not None:
        return z_rows(state.z, names, copy=False)
    return x_rows(state.x, names) if state.page is Page.X and state.x is not None else []


def _done_words(page: Page) -> str:
    match page:
        case Page.FLOAT:
            return _("The shift is open. Cash can be taken.")
        case Page.DRAWER:
            return _("Recorded; the drawer opens.")
        case Page.COUNT:
            return _("The shift is closed.")
        case _:
            return _("Recorded. Move the cash now.")
