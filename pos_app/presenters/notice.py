"""What the till has to tell its cashier, as codes: sentences are made when they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How a notice looks."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    DANGER = "danger"


class Topic(StrEnum):
    """What happened. `Notice.code` says more where the topic needs it."""

    SALE_REFUSED = "sale_refused"  # code: a SaleRefusal
    NOT_GRANTED = "not_granted"  # code: a reason of News.NOT_GRANTED
    SEAT_SOLD = "seat_sold"
    SEAT_LENT = "seat_lent"
    SEAT_BLOCKED = "seat_blocked"
    STILL_ASKING = "still_asking"  # the server has not answered about `units` yet
    SEAT_NOT_OURS_OFFLINE = "seat_not_ours_offline"
    SEAT_HAS_NO_PRICE = "seat_has_no_price"
    BASKET_FULL = "basket_full"
    NONE_TOGETHER = "none_together"
    TOO_FEW_PLACES = "too_few_places"  # standing places; `count` could be added
    TYPE_NOT_SOLD = "type_not_sold"
    OTHER_EVENT = "other_event"  # the basket holds another's tickets; code: the one wanted
    SEAT_PARKED = "seat_parked"
    NO_SUCH_SEAT = "no_such_seat"  # code: what was typed
    NOT_UNDONE = "not_undone"  # `units` are not to be had any more
    NOTHING_PARKED = "nothing_parked"
    NOT_PARKED = "not_parked"  # code: a ParkRefusal
    UNPARK_NEEDS_ROOM = "unpark_needs_room"  # `count`: the number of the parked basket
    PARKED_TOO_LONG = "parked_too_long"  # code: the numbers; `count` tickets
    RECALLED_WITHOUT = "recalled_without"  # `units` could not be kept
    RECALLED_AT_OTHER_PRICE = "recalled_at_other_price"  # `amounts`: before and now
    HELD_TOO_LONG = "held_too_long"  # `units` went back unpaid
    PRICES_RENEWED = "prices_renewed"
    NOT_GIVEN = "not_given"  # code: a Refusal of the price engine
    GIVEN_DROPPED = "given_dropped"  # what was given by hand may not be any more
    NOT_PRINTED = "not_printed"  # `count` tickets of a sale that stands
    NO_LAST_SALE = "no_last_sale"  # nothing was sold since the till was started
    COPY = "copy"  # an order is printed once more; code: its number
    SCAN_CUT_SHORT = "scan_cut_short"  # a scanner's code came without its end
    SCAN_NOT_NOW = "scan_not_now"  # a deed is under way: no other order can be shown
    SYNCED = "synced"  # `count` operations after an outage
    BROKEN = "broken"  # a fault in the till itself; the log has it
    PAYMENT_BROKEN = "payment_broken"  # the same, while a payment was being recorded
    PAYMENT_ABANDONED = (
        "payment_abandoned"  # `amounts` were taken, and the till ended before the sale
    )
    PARTS_BACK = "parts_back"  # `amounts` were taken for a basket that was given up


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to say. `offer` is a unit that may be taken instead of the one wished for.

    `amounts` are in minor units.
    """

    topic: Topic
    code: str = ""
    units: tuple[int, ...] = ()
    count: int = 0
    offer: int | None = None
    amounts: tuple[int, ...] = ()


_TONES = {
    Topic.SYNCED: Tone.OK,
    Topic.PRICES_RENEWED: Tone.INFO,
    Topic.NOTHING_PARKED: Tone.INFO,
    Topic.STILL_ASKING: Tone.INFO,
    Topic.NO_LAST_SALE: Tone.INFO,
    Topic.COPY: Tone.INFO,
    Topic.RECALLED_AT_OTHER_PRICE: Tone.INFO,
    Topic.SALE_REFUSED: Tone.DANGER,
    Topic.NOT_PRINTED: Tone.DANGER,
    Topic.BROKEN: Tone.DANGER,
    Topic.PAYMENT_BROKEN: Tone.DANGER,
    Topic.PAYMENT_ABANDONED: Tone.DANGER,
    Topic.PARTS_BACK: Tone.WARN,
}


def tone_of(topic: Topic) -> Tone:
    """Good news, a change, something in the way, or something that needs a person."""
    return _TONES.get(topic, Tone.WARN)
