"""Codes as sentences: what happened, what it means for money and seats, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from pos_app.presenters import language as words
from pos_app.presenters.basket_words import basket_sentence
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.notice import Notice, Topic
from pos_app.services.model import SaleRefusal, SignInRefusal, SignInRefused
from ticketing.pricing import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pos_app.services.model import House

NOT_GRANTED_REASONS = ("offline", "taken", "lent_elsewhere", "limit", "cancelled")
_NAMED_UNITS_MAX = 3


def sign_in_refusal(refused: SignInRefused) -> str:
    """Why the PIN did not open the till."""
    match refused.reason:
        case SignInRefusal.WRONG_PIN if refused.tries_left > 0:
            return ngettext(
                "Wrong PIN. {n} more try before this name is locked for a while.",
                "Wrong PIN. {n} more tries before this name is locked for a while.",
                refused.tries_left,
            ).format(n=refused.tries_left)
        case SignInRefusal.WRONG_PIN:
            return _("Wrong PIN. Please type it again.")
        case SignInRefusal.LOCKED_OUT:
            minutes = max(1, -(-refused.wait_s // 60))
            return ngettext(
                "Too many wrong PINs. This name is locked for {n} minute; a colleague can sign in.",
                "Too many wrong PINs. This name is locked for {n} minutes; "
                "a colleague can sign in.",
                minutes,
            ).format(n=minutes)
        case SignInRefusal.NOT_ALLOWED:
            return _("This name may not sell at this window any more. Please ask the manager.")
        case SignInRefusal.NEEDS_SUPERVISOR:
            return _(
                "This window has not reached the server for more than a week. Today a supervisor "
                "or manager has to sign in first; then you can."
            )
        case _:
            assert_never(refused.reason)


def sale_refusal(reason: SaleRefusal, seats: str = "") -> str:
    """Why a basket was not sold. `seats` names the units it is about."""
    match reason:
        case SaleRefusal.EMPTY:
            return _("The basket is empty, so there is nothing to pay. Pick a seat first.")
        case (
            SaleRefusal.UNIT_NOT_OURS
            | SaleRefusal.TERM_OVER
            | SaleRefusal.LATE_LIMIT
            | SaleRefusal.LATE_APPROVAL
        ):
            return _not_for_sale(reason).format(seats=seats or _("A seat"))
        case (
            SaleRefusal.TENDER_TOO_SMALL
            | SaleRefusal.TENDER_TOO_LARGE
            | SaleRefusal.UNKNOWN_TENDER
            | SaleRefusal.PAYMENT_GONE
        ):
            return _not_paid(reason)
        case SaleRefusal.PRICE_CHANGED | SaleRefusal.PRICE_OPEN:
            return _not_at_this_price(reason)
        case SaleRefusal.SALE_ENDED:
            return _(
                "This performance is over, or not sold any more. Nothing was sold; clear the basket "
                "and choose another performance (F2)."
            )
        case SaleRefusal.DISK_FULL:
            return _(
                "This computer's disk is full and the sale could not be recorded. "
                "Nothing was sold: return the money and call the manager."
            )
        case SaleRefusal.SELLING_LOCKED:
            return _(
                "This window may not sell until a manager has enrolled it again. "
                "Nothing was sold: return the money and send the buyer to another window."
            )
        case SaleRefusal.NOT_SIGNED_IN:
            return _(
                "Nobody is signed in. Nothing was sold and the basket is kept; "
                "sign in and take the payment again."
            )
        case SaleRefusal.NO_SHIFT:
            return _(
                "No shift is open, so no cash can be taken. Nothing was sold and the basket is "
                "kept; count the float, then take the payment again."
            )
        case _:
            assert_never(reason)


def _not_paid(reason: SaleRefusal) -> str:
    """What was offered does not pay this order."""
    if reason is SaleRefusal.TENDER_TOO_LARGE:
        return _(
            "More was recorded than this order costs. Nothing was sold; give a part back "
            "under More, then pay again."
        )
    if reason is SaleRefusal.UNKNOWN_TENDER:
        return _(
            "The house does not take this means of payment any more. Nothing was sold; "
            "take another."
        )
    if reason is SaleRefusal.PAYMENT_GONE:
        return _(
            "A part of this payment was given back before. Nothing was sold; "
            "look at the parts under More."
        )
    return _(
        "The cash received is less than the total. Nothing was sold; "
        "take the full amount and pay again."
    )


def _not_at_this_price(reason: SaleRefusal) -> str:
    if reason is SaleRefusal.PRICE_OPEN:
        return _(
            "Something given on this order is not approved yet. Nothing was sold and the "
            "basket is kept; have it approved or take it back, then take the payment."
        )
    return _(
        "The prices changed meanwhile. Nothing was sold and the seats are kept; "
        "tell the buyer the new total and take the payment again."
    )


def _not_for_sale(reason: SaleRefusal) -> str:
    if reason is SaleRefusal.LATE_APPROVAL:
        return _(
            "{seats} can only be sold with a supervisor's approval now. Nothing was sold; take "
            "the payment again and have it approved."
        )
    if reason is SaleRefusal.TERM_OVER:
        return _(
            "Taken out of the basket: {seats}, lent to this window for a time that is over. No "
            "money was booked. With the network back it goes on; other seats, printing and "
            "finding orders still work."
        )
    if reason is SaleRefusal.LATE_LIMIT:
        return _(
            "This window has sold as much as it may without the network. Taken out of the "
            "basket: {seats}. No money was booked; send the buyer to another window."
        )
    return _(
        "Taken out of the basket, no longer to be sold here: {seats}. No money was booked; "
        "check the new total and take the payment again."
    )


def not_granted(reason: str, seats: str) -> str:
    """Why seats that were asked for did not come. Total: an unknown reason gets a sentence too."""
    match reason:
        case "offline":
            said = _("The network went away before {seats} could be reserved.")
        case "taken":
            said = _("{seats} was just taken by another window.")
        case "lent_elsewhere":
            said = _("{seats} is held by another window.")
        case "limit":
            said = _("The server lends no more seats to this window just now, so not {seats}.")
        case "cancelled":
            said = _("The performance of {seats} is cancelled.")
        case _:
            said = _("{seats} could not be reserved.")
    rest = _("Nothing was added and no money is owed; please choose another.")
    return _join([said.format(seats=seats), rest])


def price_refusal(refusal: Refusal) -> str:
    """Why something that was asked for is not in the price."""
    match refusal:
        case Refusal.NOT_SOLD:
            return _("No such ticket is sold any more. Take the line out of the basket.")
        case Refusal.UNKNOWN_REASON:
            return _("This reason is no longer in the price list. The price stays as it was.")
        case Refusal.NOT_FOR_THIS_TICKET:
            return _("This is not given on tickets of this kind. The price stays as it was.")
        case Refusal.QUOTA_SPENT:
            return _(
                "None of these tickets is left at this window for this place. The price stays as "
                "it was; try a place that was lent with them, or another window."
            )
        case Refusal.OVER_EVERY_CAP:
            return _(
                "Nobody may take so much off for this reason. The price stays as it was; "
                "choose less or another reason."
            )
        case _:
            assert_never(refusal)


def notice_sentence(notice: Notice, house: House | None) -> str:
    """What a notice says in the language spoken now."""
    seats = name_units(house, notice.units)
    match notice.topic:
        case Topic.SALE_REFUSED:
            return sale_refusal(SaleRefusal(notice.code), seats)
        case Topic.NOT_GRANTED:
            return not_granted(notice.code, seats)
        case Topic.NOT_GIVEN:
            return price_refusal(Refusal(notice.code))
        case Topic.NOT_PRINTED | Topic.BROKEN | Topic.PAYMENT_BROKEN:
            return _machine_sentence(notice)
        case Topic.NO_LAST_SALE | Topic.COPY | Topic.SCAN_CUT_SHORT | Topic.SCAN_NOT_NOW:
            return _desk_sentence(notice)
        case Topic.PAYMENT_ABANDONED | Topic.PARTS_BACK:
            return _money_sentence(notice, house)
        case Topic.SYNCED:
            return ngettext(
                "Back online: {n} record was sent to the server.",
                "Back online: {n} records were sent to the server.",
                notice.count,
            ).format(n=words.count(notice.count))
        case (
            Topic.SEAT_SOLD
            | Topic.SEAT_LENT
            | Topic.SEAT_BLOCKED
            | Topic.SEAT_NOT_OURS_OFFLINE
            | Topic.STILL_ASKING
        ):
            return _seat_sentence(notice.topic, seats)
        case _:
            return _basket_sentence(notice, house, seats)


def _desk_sentence(notice: Notice) -> str:
    """About papers and scans."""
    match notice.topic:
        case Topic.NO_LAST_SALE:
            return _("Nothing was sold here since the till was started. Older orders: Ctrl+O.")
        case Topic.COPY:
            return _("Order {no} is printed again, marked as a copy.").format(no=notice.code)
        case Topic.SCAN_CUT_SHORT:
            return _("The scanner's code came only in part. Nothing was done; scan it again.")
        case Topic.SCAN_NOT_NOW:
            return _("A code was scanned. Finish what is under way first, then scan it again.")
        case _:
            return ""


def name_units(house: House | None, units: Iterable[int]) -> str:
    """A few units by name, the rest by number."""
    listed = list(units)
    if house is None or not listed:
        return ""
    spoken = words.language()
    named = [house.plan.describe(unit, spoken) for unit in listed[:_NAMED_UNITS_MAX]]
    rest = len(listed) - len(named)
    if rest:
        named.append(ngettext("{n} more", "{n} more", rest).format(n=rest))
    return _(", ").join(dict.fromkeys(named))


def _seat_sentence(topic: Topic, seats: str) -> str:
    if topic is Topic.SEAT_SOLD:
        said = _("{seats} is sold. Nothing was added; please choose another.")
    elif topic is Topic.SEAT_LENT:
        said = _("{seats} is held by another window. Nothing was added; please choose another.")
    elif topic is Topic.SEAT_BLOCKED:
        said = _("{seats} is kept back by the house. Nothing was added; please choose another.")
    elif topic is Topic.STILL_ASKING:
        said = _(
            "{seats}: the server has not answered yet. Wait a moment, tap it again to give it up, "
            "or take one that is here."
        )
    else:
        said = _(
            "{seats} is not lent to this window and cannot be asked for offline. "
            "Nothing was added; please choose a bright seat."
        )
    return said.format(seats=seats)


def _basket_sentence(notice: Notice, house: House | None, seats: str) -> str:
    if said := basket_sentence(notice, house, seats):
        return said
    match notice.topic:
        case Topic.SEAT_HAS_NO_PRICE:
            return _("{seats} has no price at this performance and cannot be sold.").format(
                seats=seats
            )
        case Topic.BASKET_FULL:
            return _(
                "A basket holds at most {n} tickets. Take the payment, then go on with the rest."
            ).format(n=notice.count)
        case Topic.NONE_TOGETHER:
            return ngettext(
                "No free seat fits. Nothing was added; choose another price tier or pick by hand.",
                "No {n} free seats together. Nothing was added; choose another price tier, "
                "a smaller number, or pick by hand.",
                notice.count,
            ).format(n=notice.count)
        case Topic.TOO_FEW_PLACES:
            area = house.plan.area(notice.code) if house else None
            return _(
                "{area} has {n} places that can be sold here now. Nothing was added; "
                "choose a smaller number."
            ).format(area=words.name(area.name) if area else "", n=notice.count)
        case Topic.TYPE_NOT_SOLD:
            return _(
                "{seats} is not sold to this kind of buyer. The ticket stays as it was."
            ).format(seats=seats)
        case Topic.OTHER_EVENT:
            return _(
                "The basket holds tickets of another event. Take the payment or park it (F8), "
                "then open this performance."
            )
        case Topic.GIVEN_DROPPED:
            return _(
                "Something given by hand does not hold any more and was taken back. "
                "The seats are kept; check the total."
            )
        case _:
            return _("The prices were renewed. The seats are kept; check the total.")


def _money_sentence(notice: Notice, house: House | None) -> str:
    """Money that lies on the counter and belongs to the buyer."""
    amount = words.money(sum(notice.amounts), house.event.currency if house else "")
    if notice.topic is Topic.PARTS_BACK:
        said = _("{amount} was recorded for this order, and it was given up. Return it.")
    else:
        said = _(
            "The till ended during a payment of {amount}. Nothing was sold and nothing is owed; "
            "return what was taken, or sell again."
        )
    return said.format(amount=amount)


def _machine_sentence(notice: Notice) -> str:
    match notice.topic:
        case Topic.NOT_PRINTED:
            return _(
                "The tickets did not come out of the printer. The sale stands and the money is "
                "booked; check the paper and press Print again."
            )
        case Topic.PAYMENT_BROKEN:
            return _(
                "The till could not tell whether the sale was recorded. If it shows under "
                "Sold, not printed, it stands; otherwise take the payment again. "
                "Tell the manager."
            )
        case _:
            return _(
                "Something in the till failed. The basket is kept and no money was booked; "
                "try again, and tell the manager if it stays."
            )


def _join(sentences: list[str]) -> str:
    """Sentences in a row: with a space between them in English, without in Chinese."""
    return ("" if words.language().startswith("zh") else " ").join(sentences)
