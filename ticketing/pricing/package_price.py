"""What a package costs and what each of its tickets pays of it; whether tickets make a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ticketing.money import split_exactly
from ticketing.pricing.rules import Over, Package, Rounding, reduced

if TYPE_CHECKING:
    from collections.abc import Sequence

Ticket = tuple[int, str, str]
"""(performance, price tier, ticket type)"""


def package_price(package: Package, lists_minor: Sequence[int], rounding: Rounding) -> int:
    """The package's price, from the list prices of its tickets; never more than their sum."""
    return reduced(sum(lists_minor), package.reduction, rounding)


def split_price(
    price_minor: int, lists_minor: Sequence[int], rounding: Rounding
) -> tuple[int, ...]:
    """Split a package's price over its tickets by their list prices: exact, none above its own.

    Largest remainder first, ties to the earlier ticket. In steps of the rounding where the amounts
    are multiples of it, else in minor units.
    """
    step = rounding.step_minor
    if any(amount % step for amount in (price_minor, *lists_minor)):
        step = 1
    parts = split_exactly(price_minor // step, lists_minor)
    return tuple(part * step for part in parts)


def makes_package(package: Package, tickets: Sequence[Ticket]) -> bool:
    """Whether these tickets, no more and no less, are one such package."""
    if len(tickets) != package.ticket_count or not fits_together(package, tickets):
        return False
    # Each ticket takes a seat at the table of one kind; whoever sits there may have to move.
    seats = [kind.where for kind in package.tickets for _seat in range(kind.count)]
    taken: dict[int, int] = {}

    def sit(ticket: int, tried: set[int]) -> bool:
        for seat, where in enumerate(seats):
            if seat in tried or not where.covers(*tickets[ticket]):
                continue
            tried.add(seat)
            if seat not in taken or sit(taken[seat], tried):
                taken[seat] = ticket
                return True
        return False

    return all(sit(ticket, set()) for ticket in range(len(tickets)))


def fits_together(package: Package, tickets: Sequence[Ticket]) -> bool:
    """Whether performances and tiers are as alike, or as different, as the package wants them."""
    performances = {performance for performance, _tier, _type in tickets}
    if package.over is Over.ONE_PERFORMANCE and len(performances) > 1:
        return False
    if package.over is Over.DIFFERENT_PERFORMANCES and len(performances) < len(tickets):
        return False
    return not package.one_tier or len({tier_id for _one, tier_id, _type in tickets}) < 2
