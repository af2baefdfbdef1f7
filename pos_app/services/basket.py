"""The basket: what is being sold, for one event. Pure values; every change gives a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ticketing.catalogue import Event
from ticketing.operations import SaleLine
from ticketing.pricing import (
    AsHouse,
    Context,
    Discounted,
    PricedLine,
    Quote,
    Wanted,
    quote,
)

LINES_MAX = 50
"""No window sells more in one order; a group booking is split."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What somebody chose of one line, whatever it costs: this is undone, redone and parked."""

    performance: int
    unit: int
    ticket_type_id: str
    by_hand: Discounted | AsHouse | None = None

    @property
    def place(self) -> tuple[int, int]:
        """What it is about: (performance, unit)."""
        return self.performance, self.unit


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One unit to be sold. `rule` names the price rule that made `price_minor`.

    `allotment` is the one that its unit is lent in, "" while that is not known; `by_hand` is what
    somebody gives for it. `priced` is how its price came about, None until the basket is priced.
    """

    performance: int
    unit: int
    tier_id: str
    ticket_type_id: str
    price_minor: int
    rule: str
    allotment: str = ""
    by_hand: Discounted | AsHouse | None = None
    priced: PricedLine | None = None

    @property
    def key(self) -> str:
        """What the price engine calls it."""
        return f"{self.performance}:{self.unit}"

    @property
    def picked(self) -> Picked:
        """What was chosen, without what it costs."""
        return Picked(self.performance, self.unit, self.ticket_type_id, self.by_hand)

    @property
    def list_minor(self) -> int:
        """What the list asks for it."""
        return self.priced.list_minor if self.priced else self.price_minor

    @property
    def wanted(self) -> Wanted:
        """What the price engine is asked."""
        return Wanted(
            self.key,
            self.performance,
            self.tier_id,
            self.ticket_type_id,
            self.allotment,
            self.by_hand,
        )


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in the order they were picked; one event, any of its performances.

    `quote` is what the price engine said of these very lines; None until it was asked. `note` is
    the cashier's, for whoever looks at the order later.
    """

    event_id: str
    currency: str
    price_list_version: int
    lines: tuple[BasketLine, ...] = ()
    quote: Quote | None = None
    note: str = ""

    @property
    def total_minor(self) -> int:
        """What the lines cost together."""
        return sum(line.price_minor for line in self.lines)

    @property
    def saving_minor(self) -> int:
        """What the lines cost less than by the list."""
        return sum(line.list_minor - line.price_minor for line in self.lines)

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for an approval, and nothing that was asked for was refused."""
        return self.quote is None or self.quote.is_settled

    @property
    def picked(self) -> tuple[Picked, ...]:
        """What was chosen, line by line."""
        return tuple(line.picked for line in self.lines)

    @property
    def units(self) -> tuple[int, ...]:
        """The lines' units."""
        return tuple(line.unit for line in self.lines)

    def has(self, performance: int, unit: int) -> bool:
        """Whether the unit is in the basket."""
        return self.line(performance, unit) is not None

    def line(self, performance: int, unit: int) -> BasketLine | None:
        """The line of a unit, if it is in the basket."""
        return next(
            (one for one in self.lines if (one.performance, one.unit) == (performance, unit)), None
        )

    def without(self, performance: int, unit: int) -> Basket:
        """The basket without this unit."""
        kept = tuple(
            line for line in self.lines if (line.performance, line.unit) != (performance, unit)
        )
        return replace(self, lines=kept, quote=None)


def empty_basket(event: Event) -> Basket:
    """A basket for an event at its present price list."""
    return Basket(event.id, event.currency, event.price_list_version)


def add_unit(
    basket: Basket, event: Event, performance: int, unit: int, ticket_type_id: str | None = None
) -> Basket:
    """The basket with one more line; unchanged when the unit is in it, full, or has no price.

    Without a ticket type the first one the tier has a price for is taken.
    """
    if basket.has(performance, unit) or len(basket.lines) >= LINES_MAX:
        return basket
    line = priced_line(event, performance, unit, ticket_type_id)
    return basket if line is None else replace(basket, lines=(*basket.lines, line), quote=None)


def put_back(basket: Basket, event: Event, picked: Picked, at: int = LINES_MAX) -> Basket:
    """The basket with a line as it was chosen before, at its place; at today's list price.

    Unchanged where `add_unit` would not change it. A ticket type that is not sold any more gives
    way to the first that is.
    """
    place = (picked.performance, picked.unit)
    grown = add_unit(basket, event, *place, picked.ticket_type_id)
    if grown is basket:
        grown = add_unit(basket, event, *place)
    if grown is basket:
        return basket
    *others, last = grown.lines
    line = replace(last, by_hand=picked.by_hand)
    return replace(grown, lines=(*others[:at], line, *others[at:]))


def change_ticket_type(
    basket: Basket, event: Event, performance: int, unit: int, ticket_type_id: str
) -> Basket:
    """The basket with one line's ticket type changed; unchanged when that is not sold."""
    line = priced_line(event, performance, unit, ticket_type_id)
    old = basket.line(performance, unit)
    if line is None or old is None:
        return basket
    return _with(basket, replace(line, allotment=old.allotment, by_hand=old.by_hand))


def give_by_hand(
    basket: Basket, performance: int, unit: int, given: Discounted | AsHouse | None
) -> Basket:
    """The basket with something given for one line by hand; None takes it back."""
    line = basket.line(performance, unit)
    return basket if line is None else _with(basket, replace(line, by_hand=given))


def reprice(basket: Basket, event: Event, context: Context) -> Basket:
    """The basket at the prices of now. A line that is not sold any more keeps its old price, and
    the quote is not settled.
    """
    found = quote(event.price_list, [line.wanted for line in basket.lines], context)
    of_key = {priced.key: priced for priced in found.lines}
    return replace(
        basket,
        price_list_version=found.version,
        lines=tuple(_at(line, of_key.get(line.key)) for line in basket.lines),
        quote=found,
    )


def priced_line(
    event: Event, performance: int, unit: int, ticket_type_id: str | None = None
) -> BasketLine | None:
    """One line at its list price, or None when no such ticket is sold."""
    try:
        tier_id = event.tier_of(unit)
    except KeyError:  # a new plan no longer has this place
        return None
    wanted = [ticket_type_id] if ticket_type_id else [kind.id for kind in event.ticket_types]
    for kind_id in wanted:
        price = event.price(tier_id, kind_id, performance)
        if price is not None:
            return BasketLine(performance, unit, tier_id, kind_id, price, rule="list")
    return None


def line_as_sold(line: SaleLine) -> BasketLine:
    """A ticket's place at what was paid for it, to be sold once more. Its share is spent already."""
    priced = PricedLine(
        f"{line.performance}:{line.unit}",
        line.list_minor or line.price_minor,
        line.price_minor,
        line.rule,
        "",
        line.package,
        line.discount,
        line.off_minor,
        line.approved_by,
        (),
    )
    return BasketLine(
        line.performance,
        line.unit,
        line.tier_id,
        line.ticket_type_id,
        line.price_minor,
        line.rule,
        priced=priced,
    )


def _with(basket: Basket, line: BasketLine) -> Basket:
    lines = tuple(line if old.key == line.key else old for old in basket.lines)
    return replace(basket, lines=lines, quote=None)


def _at(line: BasketLine, priced: PricedLine | None) -> BasketLine:
    if priced is None:
        return line
    return replace(line, price_minor=priced.price_minor, rule=priced.rule_id, priced=priced)
