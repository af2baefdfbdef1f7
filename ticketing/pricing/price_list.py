"""An event's price list: what each ticket costs before any rule, and the rules, of one version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ticketing.pricing.rules import LIST_RULE, NO_RULES, PriceRules, Rate, reduced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices in minor units of `currency`, by (price tier, ticket type, performance number).

    A price without a performance holds for all of them that have none of their own; None says that
    it is not sold. Every change of a price or a rule has a higher `version`.
    """

    version: int
    currency: str
    prices_minor: Mapping[tuple[str, str, int | None], int | None]
    rules: PriceRules = NO_RULES

    def list_minor(self, performance: int | None, tier_id: str, ticket_type_id: str) -> int | None:
        """Return the list price, usual or at a performance; None when not sold, or not known."""
        own = (tier_id, ticket_type_id, performance)
        if own in self.prices_minor:
            return self.prices_minor[own]
        return self.prices_minor.get((tier_id, ticket_type_id, None))

    def rates_for(
        self, performance: int, tier_id: str, ticket_type_id: str, at: datetime
    ) -> Iterator[Rate]:
        """Return the rates that such a ticket may be sold at now, as the document has them."""
        for rate in self.rules.rates:
            if rate.period.holds(at) and rate.where.covers(performance, tier_id, ticket_type_id):
                yield rate

    def best_unlimited(
        self, performance: int, tier_id: str, ticket_type_id: str, at: datetime
    ) -> tuple[int, str] | None:
        """Return the lowest price without pools and packages, and its rule; None when not sold."""
        listed = self.list_minor(performance, tier_id, ticket_type_id)
        if listed is None:
            return None
        best = (listed, LIST_RULE)
        for rate in self.rates_for(performance, tier_id, ticket_type_id, at):
            price = reduced(listed, rate.reduction, self.rules.rounding)
            if not rate.pool and price < best[0]:
                best = (price, rate.id)
        return best
