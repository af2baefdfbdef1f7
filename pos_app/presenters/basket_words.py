"""Words about baskets put aside, taken out and undone, and about seats that are waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from pos_app.presenters import language as words
from pos_app.presenters.history import Deed, Toast
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.notice import Notice, Tone, Topic
from pos_app.services.parking_model import LAST_CALL_S, WARN_S, ParkRefusal

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.services.model import House
    from pos_app.services.parking_model import Parked

_MINUTE_S = 60


def seconds_left(until: datetime, now: datetime) -> int:
    """Whole seconds until then, never below zero."""
    return max(0, int((until - now).total_seconds()))


def countdown(left_s: int) -> str:
    """So many seconds as minutes and seconds."""
    return f"{left_s // _MINUTE_S:02d}:{left_s % _MINUTE_S:02d}"


def countdown_tone(left_s: int) -> Tone:
    """How urgent it is."""
    if left_s <= LAST_CALL_S:
        return Tone.DANGER
    return Tone.WARN if left_s <= WARN_S else Tone.INFO


def parked_title(parked: Parked) -> str:
    """A parked basket by its number and size."""
    count = len(parked.lines)
    tickets = ngettext("{n} ticket", "{n} tickets", count).format(n=count)
    return _("No. {number} · {tickets}").format(number=parked.number, tickets=tickets)


def toast_sentence(toast: Toast, house: House | None) -> str:
    """What was just taken away."""
    step = toast.step
    if step.deed is Deed.PARK:
        return _("Order parked as no. {number}.").format(number=step.number)
    count = len(step.removed)
    if step.deed is Deed.CLEAR:
        return ngettext(
            "Basket cleared: {n} ticket.", "Basket cleared: {n} tickets.", count
        ).format(n=count)
    if count == 1:
        return _("{seat} removed.").format(seat=_short_name(step.removed[0].unit, house))
    return ngettext("{n} ticket removed.", "{n} tickets removed.", count).format(n=count)


def _short_name(unit: int, house: House | None) -> str:
    """A seat without its area, which is seen on the map; a standing place by its area."""
    seat = house.plan.seat_by_unit(unit) if house else None
    if seat is not None:
        return _("Row {row} Seat {seat}").format(row=seat.row, seat=seat.label)
    return house.plan.describe(unit, words.language()) if house else ""


def basket_sentence(notice: Notice, house: House | None, seats: str) -> str:
    """What a notice about the basket's life says; "" for one about something else."""
    match notice.topic:
        case Topic.NOT_PARKED:
            return park_refusal(ParkRefusal(notice.code), seats)
        case Topic.SEAT_PARKED:
            return _(
                "{seats} is in an order parked at this window. Nothing was added; "
                "recall that order (F8) or choose another seat."
            ).format(seats=seats)
        case Topic.NO_SUCH_SEAT:
            return _(
                "No seat “{typed}” here. Type row and seat, as 8-12, with the area where "
                "several have them, as Stalls 8 12."
            ).format(typed=notice.code)
        case Topic.NOT_UNDONE:
            return _(
                "{seats} cannot be had any more, so that was not brought back. "
                "The rest is as it was; choose other seats."
            ).format(seats=seats)
        case Topic.NOTHING_PARKED:
            return _("No order is parked. With tickets in the basket F8 parks it.")
        case Topic.UNPARK_NEEDS_ROOM:
            return _(
                "Order no. {number} stays parked: another one is begun. "
                "Finish that first, or press F8."
            ).format(number=notice.count)
        case Topic.HELD_TOO_LONG:
            return _(
                "Time is up: {seats} went back to the house. No money was booked; "
                "with undo (Ctrl+Z) it is asked for once more."
            ).format(seats=seats)
        case _:
            return _recall_sentence(notice, house, seats)


def _recall_sentence(notice: Notice, house: House | None, seats: str) -> str:
    match notice.topic:
        case Topic.PARKED_TOO_LONG:
            return ngettext(
                "Order no. {numbers} was parked too long: its {n} ticket can be sold to others "
                "again. No money was booked.",
                "Order no. {numbers} was parked too long: its {n} tickets can be sold to others "
                "again. No money was booked.",
                notice.count,
            ).format(numbers=notice.code, n=notice.count)
        case Topic.RECALLED_WITHOUT:
            return _(
                "{seats} could not be kept and is not in the order any more. No money was "
                "booked; choose another and tell the buyer the total."
            ).format(seats=seats)
        case Topic.RECALLED_AT_OTHER_PRICE:
            currency = house.event.currency if house else ""
            before, now = (words.money(minor, currency) for minor in notice.amounts)
            return _(
                "Prices changed while the order was parked: it was {before} and is {now} now. "
                "Tell the buyer the new total."
            ).format(before=before, now=now)
        case _:
            return ""


def park_refusal(reason: ParkRefusal, seats: str) -> str:
    """Why a basket was not put aside or not taken out."""
    match reason:
        case ParkRefusal.NOT_SIGNED_IN:
            return _("Nobody is signed in, so no order is parked. The basket is kept.")
        case ParkRefusal.EMPTY:
            return _("The basket is empty, so there is nothing to park.")
        case ParkRefusal.TOO_MANY:
            return _(
                "Too many orders are parked already. The basket is kept; take the payment, "
                "or give one of those back first (F8 with an empty basket)."
            )
        case ParkRefusal.UNITS_GONE:
            return _(
                "{seats} can no longer be sold here and was taken out of the basket. "
                "Nothing was parked; check the order and press F8 again."
            ).format(seats=seats)
        case ParkRefusal.NOT_PARKED:
            return _("That order is not parked any more: it was recalled or given back.")
        case ParkRefusal.NO_EVENT:
            return _(
                "The plan of that order's event is not here just now. It stays parked; "
                "try again when the window is online."
            )
        case ParkRefusal.PARTLY_PAID:
            return _(
                "A part of this order is paid already, so it cannot be parked. Take the rest, "
                "or give that part back first."
            )
        case ParkRefusal.DISK_FULL:
            return _(
                "This computer's disk is full, so nothing was changed. The seats are kept; "
                "call the manager."
            )
        case _:
            assert_never(reason)
