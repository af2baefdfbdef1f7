"""A venue and what it sells: events, performances, price tiers, ticket types and prices."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from ticketing.admission.rules import NO_ENTRY_RULES, EntryRules
from ticketing.business_day import business_day
from ticketing.house_tender import HouseTender
from ticketing.paper_template import PaperTemplate
from ticketing.pricing.price_list import PriceList
from ticketing.pricing.rules import NO_RULES, PriceRules
from ticketing.refund_rules import DEFAULT_RULES, RefundRules
from ticketing.text import Text

DEFAULT_DAY_STARTS = time(4)


@dataclass(frozen=True, slots=True)
class Venue:
    """A house. `timezone` is IANA; `day_starts` is the local hour its business day begins at.

    `cash_unit_minor` is the smallest amount that coins make; `tenders` are the means of payment
    beside cash that a manager has named, in the order of their keys.
    """

    id: str
    name: Text
    timezone: str
    currency: str
    languages: tuple[str, ...]
    day_starts: time = DEFAULT_DAY_STARTS
    cash_unit_minor: int = 1
    tenders: tuple[HouseTender, ...] = ()

    def tender(self, tender_id: str) -> HouseTender | None:
        """Return the named tender with this id, if there is one."""
        return next((tender for tender in self.tenders if tender.id == tender_id), None)

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which every time of this venue is shown and printed."""
        return ZoneInfo(self.timezone)

    def business_day(self, at: datetime) -> date:
        """Return the business day that `at` (aware) lies in."""
        return business_day(at, self.timezone, self.day_starts)


@dataclass(frozen=True, slots=True)
class PriceTier:
    """A price level of the house. `letter` is drawn inside its seats; `colour_index` is 0, 1, ..."""

    id: str
    name: Text
    letter: str
    colour_index: int


@dataclass(frozen=True, slots=True)
class TicketType:
    """Who the buyer is. `number` (1..255) stands in ticket codes, so it never changes."""

    number: int
    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Performance:
    """One dated run of an event; instants are aware UTC. `number` (1..4294967295) is unique in the
    venue and stands in ticket codes, so it never changes. One that is `is_cancelled` is not on sale,
    lets nobody in, and never takes place again.
    """

    number: int
    event_id: str
    hall: Text
    starts_at: datetime
    doors_at: datetime
    ends_at: datetime
    on_sale: bool = True
    is_cancelled: bool = False

    @property
    def valid_from(self) -> datetime:
        """Return from when its tickets are let in: when doors open."""
        return self.doors_at

    @property
    def valid_to(self) -> datetime:
        """Return until when its tickets are let in: the end."""
        return self.ends_at


@dataclass(frozen=True, slots=True)
class TierSpan:
    """Units `first_unit`..`last_unit`, both included, are of one price tier."""

    first_unit: int
    last_unit: int
    tier_id: str


@dataclass(frozen=True, slots=True)
class Price:
    """A line of the price list. With a `performance_number` it holds for that one only and goes
    before the usual line; `price_minor` None there means "not sold at this performance".
    """

    tier_id: str
    ticket_type_id: str
    price_minor: int | None
    performance_number: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What is shown, at what prices. `tier_spans` are sorted and cover each unit of the plan once;
    `performances` are sorted by start. Amounts are integer minor units of `currency`.
    `price_list` has `prices` and `price_rules` as the price engine takes them.
    """

    id: str
    name: Text
    plan_id: str
    currency: str
    price_list_version: int
    price_tiers: tuple[PriceTier, ...]
    ticket_types: tuple[TicketType, ...]
    performances: tuple[Performance, ...]
    tier_spans: tuple[TierSpan, ...]
    prices: tuple[Price, ...]
    price_rules: PriceRules = NO_RULES
    refund_rules: RefundRules = DEFAULT_RULES
    entry_rules: EntryRules = NO_ENTRY_RULES
    papers: tuple[PaperTemplate, ...] = ()
    price_list: PriceList = field(init=False, repr=False, compare=False)
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = tuple(span.first_unit for span in self.tier_spans)
        keyed = {
            (price.tier_id, price.ticket_type_id, price.performance_number): price.price_minor
            for price in self.prices
        }
        object.__setattr__(self, "_starts", starts)
        price_list = PriceList(self.price_list_version, self.currency, keyed, self.price_rules)
        object.__setattr__(self, "price_list", price_list)

    def tier_of(self, unit: int) -> str:
        """Return the id of the unit's price tier; KeyError for a unit that is not in the plan."""
        at = bisect_right(self._starts, unit) - 1
        if at < 0 or unit > self.tier_spans[at].last_unit:
            raise KeyError(f"event {self.id} has no unit {unit}")
        return self.tier_spans[at].tier_id

    def price(
        self, tier_id: str, ticket_type_id: str, performance_number: int | None = None
    ) -> int | None:
        """Return the list price in minor units; None when this is not sold (or not known)."""
        return self.price_list.list_minor(performance_number, tier_id, ticket_type_id)

    def price_tier(self, tier_id: str) -> PriceTier | None:
        """Return the price tier with this id, if there is one."""
        return next((tier for tier in self.price_tiers if tier.id == tier_id), None)

    def ticket_type(self, ticket_type_id: str) -> TicketType | None:
        """Return the ticket type with this id, if there is one."""
        return next((kind for kind in self.ticket_types if kind.id == ticket_type_id), None)

    def ticket_type_numbered(self, number: int) -> TicketType | None:
        """Return the ticket type whose number stands in a ticket code, if there is one."""
        return next((kind for kind in self.ticket_types if kind.number == number), None)

    def performance(self, number: int) -> Performance | None:
        """Return the performance with this number, if there is one."""
        return next((one for one in self.performances if one.number == number), None)

    def tiers_dearest_first(self) -> tuple[PriceTier, ...]:
        """Return the price tiers by their dearest usual price; equal ones as the document has them."""

        def dearest_minor(tier: PriceTier) -> int:
            asked = (self.price(tier.id, kind.id) or 0 for kind in self.ticket_types)
            return max(asked, default=0)

        return tuple(sorted(self.price_tiers, key=dearest_minor, reverse=True))
