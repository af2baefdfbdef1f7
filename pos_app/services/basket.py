"""The basket: what is being sold, for one event. Pure values; every change gives a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ticketing.catalogue import Event

LINES_MAX = 50
"""No window sells more in one order; a group booking is split."""


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One unit to be sold. `rule` names the price rule that made `price_minor`."""

    performance: int
    unit: int
    tier_id: str
    ticket_type_id: str
    price_minor: int
    rule: str


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in the order they were picked; one event, any of its performances."""

    event_id: str
    currency: str
    price_list_version: int
    lines: tuple[BasketLine, ...] = ()

    @property
    def total_minor(self) -> int:
        """What the lines cost together."""
        return sum(line.price_minor for line in self.lines)

    @property
    def units(self) -> tuple[int, ...]:
        """The lines' units."""
        return tuple(line.unit for line in self.lines)

    def has(self, performance: int, unit: int) -> bool:
        """Whether the unit is in the basket."""
        return any(line.performance == performance and line.unit == unit for line in self.lines)

    def without(self, performance: int, unit: int) -> Basket:
        """The basket without this unit."""
        kept = tuple(
            line for line in self.lines if (line.performance, line.unit) != (performance, unit)
        )
        return replace(self, lines=kept)


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
    return basket if line is None else replace(basket, lines=(*basket.lines, line))


def change_ticket_type(
    basket: Basket, event: Event, performance: int, unit: int, ticket_type_id: str
) -> Basket:
    """The basket with one line's ticket type changed; unchanged when that is not sold."""
    line = priced_line(event, performance, unit, ticket_type_id)
    if line is None:
        return basket
    key = (performance, unit)
    lines = tuple(line if (old.performance, old.unit) == key else old for old in basket.lines)
    return replace(basket, lines=lines)


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
