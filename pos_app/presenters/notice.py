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
    SEAT_NOT_OURS_OFFLINE = "seat_not_ours_offline"
    SEAT_HAS_NO_PRICE = "seat_has_no_price"
    BASKET_FULL = "basket_full"
    NONE_TOGETHER = "none_together"
    TOO_FEW_PLACES = "too_few_places"  # standing places; `count` could be added
    TYPE_NOT_SOLD = "type_not_sold"
    OTHER_EVENT = "other_event"  # the basket holds tickets of another event
    PRICES_RENEWED = "prices_renewed"
    NOT_GIVEN = "not_given"  # code: a Refusal of the price engine
    GIVEN_DROPPED = "given_dropped"  # what was given by hand may not be any more
    NOT_PRINTED = "not_printed"  # `count` tickets of a sale that stands
    SYNCED = "synced"  # `count` operations after an outage
    BROKEN = "broken"  # a fault in the till itself; the log has it
    PAYMENT_BROKEN = "payment_broken"  # the same, while a payment was being recorded


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to say. `offer` is a unit that may be taken instead of the one wished for."""

    topic: Topic
    code: str = ""
    units: tuple[int, ...] = ()
    count: int = 0
    offer: int | None = None


_TONES = {
    Topic.SYNCED: Tone.OK,
    Topic.PRICES_RENEWED: Tone.INFO,
    Topic.SALE_REFUSED: Tone.DANGER,
    Topic.NOT_PRINTED: Tone.DANGER,
    Topic.BROKEN: Tone.DANGER,
    Topic.PAYMENT_BROKEN: Tone.DANGER,
}


def tone_of(topic: Topic) -> Tone:
    """Good news, a change, something in the way, or something that needs a person."""
    return _TONES.get(topic, Tone.WARN)
