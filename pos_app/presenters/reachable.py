"""The price that a buyer can have now without anything else: by the list, or a rate that is on.

Shares of pools and packages come on top when the basket is priced: whether there is one is known
for a basket alone. So a price shown here is never below the one that is charged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pos_app.presenters import language as words
from pos_app.presenters.language import _

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.presenters.sell_state import SellState
    from ticketing.event import Event


@dataclass(frozen=True, slots=True)
class Reachable:
    """What is asked now, and what the list asks."""

    price_minor: int
    list_minor: int

    @property
    def is_cheaper(self) -> bool:
        """Whether a rate is on."""
        return self.price_minor < self.list_minor


def reachable(
    event: Event, performance: int, tier_id: str, ticket_type_id: str, now: datetime | None
) -> Reachable | None:
    """The lowest price of one ticket alone; None when it is not sold. Without `now` the list's."""
    listed = event.price(tier_id, ticket_type_id, performance)
    if listed is None:
        return None
    if now is None:
        return Reachable(listed, listed)
    best = event.price_list.best_unlimited(performance, tier_id, ticket_type_id, now)
    return Reachable(best[0] if best else listed, listed)


def usual(state: SellState, tier_id: str) -> Reachable | None:
    """What the first kind of buyer who can have the tier pays at the performance shown."""
    house = state.house
    if house is None:
        return None
    at = (house.performance.number, tier_id)
    kinds = (reachable(house.event, *at, kind.id, state.now) for kind in house.event.ticket_types)
    return next((price for price in kinds if price is not None), None)


def in_words(price: Reachable | None, currency: str) -> str:
    """A price, and what it would be by the list; "" where nothing is sold."""
    if price is None:
        return ""
    now = words.money(price.price_minor, currency, compact=True)
    if not price.is_cheaper:
        return now
    listed = words.money(price.list_minor, currency, compact=True)
    return _("{price} instead of {listed}").format(price=now, listed=listed)
