"""Giving something by hand: a discount within a cap, a house ticket, a second person's approval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pos_app.services.basket import give_by_hand, reprice
from pos_app.services.people import role_of
from program.i18n import currency_exponent
from ticketing.pricing import (
    AmountOff,
    Approval,
    AsHouse,
    Discounted,
    PercentOff,
    Role,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pos_app.services.basket import Basket, BasketLine
    from pos_app.services.model import Person, SignInRefused
    from ticketing.event import Event
    from ticketing.pricing import Context
    from ticketing.text import Text

Given = Discounted | AsHouse
HUNDRED_PERCENT = 100


class Unit(StrEnum):
    """What a number that is typed for a discount counts."""

    PERCENT = "percent"
    MONEY = "money"  # whole units of the currency: nobody takes off a fen


@dataclass(frozen=True, slots=True)
class Offer:
    """A reason for which something may be given. A house ticket costs `price_minor`.

    A discount has no price: `own_percent` is what the cashier may take off, `most_percent` anybody,
    of a ticket that costs `list_minor` in `currency`.
    """

    id: str
    name: Text
    price_minor: int | None = None
    own_percent: int = 0
    most_percent: int = 0
    list_minor: int = 0
    currency: str = ""

    def own_max(self, unit: Unit) -> int:
        """The largest number that the cashier may give alone."""
        return self._count(self.own_percent, unit)

    def most_max(self, unit: Unit) -> int:
        """The largest number that anybody may give."""
        return self._count(self.most_percent, unit)

    def _count(self, percent: int, unit: Unit) -> int:
        if unit is Unit.PERCENT:
            return percent
        return self.list_minor * percent // HUNDRED_PERCENT // _minor_per_unit(self.currency)

    @property
    def is_house(self) -> bool:
        """Whether it makes a house ticket."""
        return self.price_minor is not None


class Denied(StrEnum):
    """Why an approval did not count, besides a wrong PIN."""

    ROLE = "role"  # the person may not let so much be
    SAME_PERSON = "same_person"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for somebody of this role, and who could let it be."""

    given: Given
    role: Role
    people: tuple[Person, ...] = ()
    checking: bool = False
    refused: SignInRefused | Denied | None = None


@dataclass(frozen=True, slots=True)
class Giving:
    """What is being given for one line of the basket."""

    performance: int
    unit: int
    offers: tuple[Offer, ...]
    has_something: bool = False  # something was given before and may be taken back
    waiting: Waiting | None = None


def begin_giving(event: Event, line: BasketLine, role: Role) -> Giving:
    """What may be given for a line."""
    rules = event.price_rules
    ticket = (line.performance, line.tier_id, line.ticket_type_id)
    discounts = [
        Offer(
            reason.id,
            reason.name,
            own_percent=_percent(cap for of, cap in reason.caps if role.covers(of)),
            most_percent=_percent(cap for _of, cap in reason.caps),
            list_minor=line.list_minor,
            currency=event.currency,
        )
        for reason in rules.discounts
    ]
    houses = [
        Offer(house.id, house.name, price_minor=min(house.price_minor, line.list_minor))
        for house in rules.house_rates
        if house.where.covers(*ticket)
    ]
    has_something = line.by_hand is not None
    return Giving(line.performance, line.unit, (*discounts, *houses), has_something)


def given_of(offer: Offer, number: int, unit: Unit = Unit.PERCENT) -> Given | None:
    """What a choice asks for; None for a number that takes nothing off, or more than there is."""
    if offer.is_house:
        return AsHouse(offer.id)
    if unit is Unit.MONEY:
        minor = number * _minor_per_unit(offer.currency)
        return Discounted(offer.id, AmountOff(minor)) if 0 < minor <= offer.list_minor else None
    if not 1 <= number <= HUNDRED_PERCENT:
        return None
    return Discounted(offer.id, PercentOff(number * 100))


def approved(given: Given, person: Person) -> Given:
    """The same, with who let it be."""
    return replace(given, approval=Approval(person.id, role_of(person)))


def try_giving(basket: Basket, event: Event, giving: Giving, given: Given, now: Context) -> Basket:
    """The basket with it, priced: its quote says whether that may be."""
    return reprice(give_by_hand(basket, giving.performance, giving.unit, given), event, now)


def drop_unsettled(basket: Basket) -> Basket:
    """The basket without what was given by hand and may not be (any more); not priced yet."""
    quote = basket.quote
    if quote is None:
        return basket
    keys = {each.key for each in quote.refused} | {each.key for each in quote.approvals}
    for line in basket.lines:
        if line.key in keys and line.by_hand is not None:
            basket = give_by_hand(basket, line.performance, line.unit, None)
    return basket


def can_approve(people: Iterable[Person], role: Role, asker: Person | None) -> tuple[Person, ...]:
    """Who may let it be: somebody else, of this role or above."""
    return tuple(
        person
        for person in people
        if role_of(person).covers(role) and (asker is None or person.id != asker.id)
    )


def _minor_per_unit(currency: str) -> int:
    return int(10 ** currency_exponent(currency))


def _percent(caps: Iterable[int]) -> int:
    return max(caps, default=0) // 100
