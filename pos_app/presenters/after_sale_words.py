"""What the orders screen says: codes as sentences, amounts and states as words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.tender_words import tender_name, with_number
from pos_app.services.after_sale_model import (
    HANDOUT_ASKED,
    Barred,
    FindNote,
    GoReason,
    Standing,
    TicketStanding,
)
from pos_app.services.model import PrintOutcome
from pos_app.services.tender_back import paid_back
from ticketing.event import Venue
from ticketing.operations import HandLeg, legs_minor
from ticketing.pricing import Role
from ticketing.refund_rules import Bar, Deed
from ticketing.returns import ReturnRefusal

if TYPE_CHECKING:
    from pos_app.services.after_sale_model import (
        Done,
        FoundOrder,
        Offer,
        OrderDetail,
        SoldTicket,
        Unfinished,
    )

SERVER_CODES = (
    "quarantine",
    "journal_forked",
    "no_tickets",
    "unknown_order",
    "already_printed",
    "keeper_gone",
    "not_of_order",
    "not_same_shift",
    "already_revoked",
    "not_valid",
    "entered",
    "two_performances",
    "worn_out",
    "contradiction",
)
"""Why the server revokes nothing; as it sends them."""


def deed_name(deed: Deed) -> str:
    """What the key says."""
    return {
        Deed.VOID: _("Undo the sale"),
        Deed.REFUND: _("Refund"),
        Deed.EXCHANGE: _("Exchange"),
        Deed.REPLACEMENT: _("Replace lost ticket"),
    }[deed]


def deed_hint(deed: Deed) -> str:
    """What it does, in a line."""
    return {
        Deed.VOID: _("Same shift, nobody went in: everything goes back"),
        Deed.REFUND: _("By the event's refund rules"),
        Deed.EXCHANGE: _("Other seats, one difference to pay"),
        Deed.REPLACEMENT: _("The old code dies, a new one is printed"),
    }[deed]


def reason_name(reason: GoReason) -> str:
    """Why tickets go back, as the cashier chooses it."""
    return {
        GoReason.BUYER: _("Buyer's wish"),
        GoReason.MISTAKE: _("Sold by mistake"),
        GoReason.EVENT: _("Event changed"),
        GoReason.LOST: _("Ticket lost"),
        GoReason.OTHER: _("Other reason"),
    }[reason]


def order_standing(standing: Standing) -> str:
    """How an order stands."""
    return {
        Standing.PAID: _("Paid"),
        Standing.PARTLY_BACK: _("Partly refunded"),
        Standing.BACK: _("Refunded"),
    }[standing]


def ticket_standing(ticket: SoldTicket, detail: OrderDetail) -> str:
    """How a ticket stands; who went in, when."""
    if ticket.standing is TicketStanding.ENTERED and ticket.entered_at is not None:
        return _("Entered {time}").format(time=words.time_of_day(ticket.entered_at, detail.venue))
    return {
        TicketStanding.VALID: _("Valid"),
        TicketStanding.ENTERED: _("Entered"),
        TicketStanding.ASKED: _("In progress"),
        TicketStanding.VOID: _("Void"),
        TicketStanding.DISPUTED: _("Disputed"),
    }[ticket.standing]


def handout_line(detail: OrderDetail) -> str:
    """How it stands with the paper of an order that another window sold, or prints."""
    if detail.gone_to:
        return _("Handed out at {window}.").format(window=detail.gone_to)
    if detail.handout == HANDOUT_ASKED:
        return _(
            "Asking the window that sold it… If it is switched off or cut off, nobody can know "
            "whether its paper is out: replace the tickets instead."
        )
    return bar(detail.handout) if detail.handout else ""


def find_note(note: FindNote) -> str:
    """Why a search found nothing, or not all."""
    return {
        FindNote.NOTHING: _(
            "Nothing found. Type a whole receipt number, row and seat, the buyer's name, "
            "their telephone number or its last four digits."
        ),
        FindNote.DAMAGED_CODE: _("The code was not read whole. Scan it again, or type the number."),
        FindNote.NEWER_CODE: _("This ticket's code is newer than this program. Update the till."),
        FindNote.UNKNOWN_CODE: _(
            "A ticket, but neither this window nor the server's news know of it. "
            "Ask at the window that sold it."
        ),
        FindNote.UNKNOWN_CHIP: _(
            "This chip stands for no ticket that this window knows of. Scan the ticket itself."
        ),
        FindNote.ELSEWHERE: _(
            "Sold at another window. With the server in reach its tickets show when it is opened."
        ),
    }[note]


def bar(code: str) -> str:
    """Why it can't be done. Total: a code of a newer server gets a sentence too."""
    return _rules_say(code) or _till_says(code) or _server_says(code)


def refused(code: str) -> str:
    """Why a deed was not done, and what that means for the money."""
    said = bar(code)
    if code in _SAY_THE_MONEY:
        return said
    gap = "" if words.language().startswith("zh") else " "
    return said + gap + _("Nothing was done: give back what was taken, pay nothing out.")


_SAY_THE_MONEY = frozenset(
    {
        Barred.NOT_SIGNED_IN,
        Barred.UNITS_GONE,
        Barred.STILL_ASKING,
        Barred.SELLING_LOCKED,
        Barred.DISK_FULL,
        "quarantine",
        "journal_forked",
        "unknown_order",
        "contradiction",
        "already_printed",
        "keeper_gone",
    }
)
"""Codes whose sentences speak of the money themselves."""


def _rules_say(code: str) -> str:
    said: dict[str, str] = {
        Bar.ENTERED: _("Somebody went in on it."),
        Bar.NOT_VALID: _("It went back before."),
        Bar.NOT_OF_ORDER: _("The ticket is not of this order."),
        Bar.NOT_SAME_SHIFT: _("Sold in another shift: refund it instead."),
        Bar.VOID_OVER: _("Sold too long ago to undo: refund it instead."),
        Bar.TOO_LATE: _("By the event's rules it is too late."),
        Bar.NEEDS_MANAGER: _("By the event's rules it is late."),
        Bar.WHOLE_PACKAGE: _("The package goes back whole: choose all of its tickets."),
        ReturnRefusal.NO_TICKETS: _("Choose a ticket first."),
        ReturnRefusal.ALREADY_REVOKED: _("It went back before, or is on its way."),
    }
    return said.get(code, "")


def _till_says(code: str) -> str:
    said: dict[str, str] = {
        Barred.OFFLINE: _("The server must be asked, and it can't be reached."),
        Barred.OFFLINE_SCAN: _("Offline: scan the paper tickets, then it can be done here."),
        Barred.ELSEWHERE: _(
            "Sold at another window, and the server can't be reached: send the buyer there."
        ),
        Barred.LATE_APPROVAL: _(
            "This window has been without the network for so long that a second person approves "
            "each sale of these places."
        ),
        Barred.TERM_OVER: _(
            "The new places were lent to this window for a time that is over: with the network "
            "back they can be given again. Pick others."
        ),
        Barred.LATE_LIMIT: _(
            "This window has sold as much as it may without the network: the new places can't be "
            "given here now."
        ),
        Barred.OVER_CAP: _("Worth more than you may give back or replace alone."),
        Barred.NOT_SIGNED_IN: _("Nobody is signed in. Nothing was done and nothing is owed."),
        Barred.NO_SHIFT: _("No shift is open: open one first, the money needs an owner."),
        Barred.SELLING_LOCKED: _(
            "This window may not record anything until a manager has enrolled it again. "
            "Pay nothing."
        ),
        Barred.DISK_FULL: _(
            "The disk is full: nothing was recorded. Pay nothing, call the manager."
        ),
        Barred.TERMS_CHANGED: _("The amounts changed meanwhile. Nothing was done; look again."),
        Barred.UNITS_GONE: _(
            "The new places are gone, the old tickets are dead. Give the money back: "
            "the key stands beside the unfinished exchange."
        ),
        Barred.UNITS_GONE_BEFORE: _("A new place can't be sold here any more: pick another."),
        Barred.STILL_ASKING: _("The server may have done it: wait for its answer."),
        Barred.EMPTY: _("Pick what is taken instead first."),
        Barred.OTHER_EVENT: _("Pick places of the same event."),
        Barred.UNKNOWN_TENDER: _(
            "The house does not take this means of payment any more. Nothing was done."
        ),
        Barred.TENDER_TOO_SMALL: _("The cash is less than the difference. Nothing was done."),
        Barred.PRICE_CHANGED: _("The prices changed meanwhile. Nothing was done; look again."),
    }
    return said.get(code, "")


def _server_says(code: str) -> str:
    return {
        "quarantine": _("The server is being restored: it asks again by itself. Pay nothing yet."),
        "journal_forked": _("This window must be enrolled again. Pay nothing, call the manager."),
        "unknown_order": _("The server does not have this order yet. Pay nothing; try again soon."),
        "two_performances": _("Replace the tickets of one performance at a time."),
        "worn_out": _("This place was sold anew too often: refund it and sell another."),
        "already_printed": _(
            "Printed at the window that sold it; no money moves. If the paper is lost, "
            "replace the tickets."
        ),
        "keeper_gone": _(
            "The window that sold it is not in use any more: replace the tickets, "
            "then its paper opens no gate. No money moves."
        ),
        "contradiction": _(
            "The server has something else on record. Pay nothing, call the manager."
        ),
    }.get(code, "") or _("It could not be done. Pay nothing; tell the manager if it stays.")


def by_approval(offer: Offer) -> str:
    """Why it can't be done just so, and who may let it be all the same."""
    why, role = bar(offer.bars[0]), offer.approval
    if role is None:
        return why
    gap = "" if words.language().startswith("zh") else " "
    asked = {
        Role.MANAGER: _("With a manager's PIN."),
        Role.SUPERVISOR: _("With a supervisor's PIN."),
    }
    return why + gap + asked.get(role, "")


def confirm_words(offer: Offer) -> str:
    """What the key says that does it."""
    amount = words.money(offer.back_minor, offer.currency)
    if offer.deed is Deed.REPLACEMENT:
        fee = words.money(offer.fee_minor, offer.currency)
        return _("Replace, take {amount}").format(amount=fee) if offer.fee_minor else _("Replace")
    return _("Pay back {amount}").format(amount=amount)


def swap_words(difference_minor: int, currency: str) -> str:
    """What the key of an exchange says."""
    if difference_minor > 0:
        return _("Swap, take {amount}").format(amount=words.money(difference_minor, currency))
    if difference_minor < 0:
        return _("Swap, pay back {amount}").format(amount=words.money(-difference_minor, currency))
    return _("Swap, nothing to pay")


def done_title(done: Done) -> str:
    """What was recorded."""
    return {
        Deed.VOID: _("Sale undone"),
        Deed.REFUND: _("Refund recorded"),
        Deed.EXCHANGE: _("Exchange recorded"),
        Deed.REPLACEMENT: _("Ticket replaced"),
    }[done.deed]


def done_amount(done: Done, venue: Venue | None = None) -> tuple[str, int]:
    """The word over the large amount, and the amount."""
    if done.pay_out_minor:
        return _("Give to the buyer"), done.pay_out_minor
    if done.take_in_minor and done.legs:
        return _("By {tender}").format(tender=_tender(done.legs[0], venue)), done.take_in_minor
    if done.take_in_minor:
        return _("Change"), done.change_minor
    return _("Nothing to pay"), 0


def way_back(offer: Offer, venue: Venue | None) -> str:
    """By which tenders the money goes back; "" where all of it is cash to the last coin."""
    if offer.deed not in (Deed.VOID, Deed.REFUND):
        return ""
    return _back_by(offer.legs, offer.cash_minor, offer.back_minor, offer.currency, venue)


def way_back_of_exchange(offer: Offer, difference_minor: int, venue: Venue | None) -> str:
    """The same for the difference of an exchange, below zero; "" where the buyer pays."""
    if difference_minor >= 0 or venue is None:
        return ""
    way = paid_back(offer.funds, -difference_minor, venue)
    return _back_by(way.legs, way.cash_minor, -difference_minor, offer.currency, venue)


def _back_by(
    legs: tuple[HandLeg, ...], cash_minor: int, back_minor: int, currency: str, venue: Venue | None
) -> str:
    parts = [f"{_tender(leg, venue)} {words.money(leg.amount_minor, currency)}" for leg in legs]
    exact_minor = back_minor - legs_minor(legs)
    if cash_minor != exact_minor or (parts and cash_minor):
        cash = _("Cash")
        parts.append(f"{cash} {words.money(cash_minor, currency)}")
    return " + ".join(parts)


def done_by_tender(done: Done, venue: Venue | None) -> list[tuple[str, int]]:
    """What to give back by which tender, where it is not cash alone."""
    if not done.legs or done.take_in_minor:
        return []
    lines = [
        (_("Back by {tender}").format(tender=_tender(leg, venue)), leg.amount_minor)
        for leg in done.legs
    ]
    return [*lines, (_("Cash to the buyer"), done.cash_out_minor)] if done.cash_out_minor else lines


def _tender(leg: HandLeg, venue: Venue | None) -> str:
    return with_number(tender_name(venue, leg.tender), leg.reference)


def unfinished_sentence(one: Unfinished) -> str:
    """What was left, and what it means for the money."""
    what = f"{deed_name(one.deed)} · {one.receipt_no}"
    if not one.is_granted:
        return _("{what}: the server has not answered. Pay nothing yet.").format(what=what)
    if one.pay_out_minor:
        amount = words.money(one.pay_out_minor, one.currency)
        return _("{what}: the tickets are dead, {amount} is still to be paid.").format(
            what=what, amount=amount
        )
    return _("{what}: the old tickets are dead, the new ones are not made yet.").format(what=what)


def ticket_count(found: FoundOrder) -> str:
    """How many tickets."""
    count = found.ticket_count
    return ngettext("{n} ticket", "{n} tickets", count).format(n=count) if count else ""


def receipt(found: FoundOrder) -> str:
    """The order's number; for a ticket alone, the ticket's."""
    if found.receipt_no:
        return found.receipt_no
    return _("Ticket {no}").format(no=found.ticket_id[:8].upper())


def unprinted_line(paper: PrintOutcome) -> str:
    """What became of paper that is not surely out."""
    match paper:
        case PrintOutcome.WAITING:
            return _("Waits for the printer and comes out by itself.")
        case PrintOutcome.IN_DOUBT:
            return _("It may be printed: look at the paper, then say so on the page Devices.")
        case _:
            return _("Not printed: check the printer and the paper.")
