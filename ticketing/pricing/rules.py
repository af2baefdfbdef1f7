"""The rules that make a price lower than the list's: rates, packages, house tickets, discounts.

They stand in the event document beside the price list and share its version. All are values; what
they do to a basket is decided by `ticketing.pricing.engine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ticketing.text import Text

LIST_RULE = "list"
"""The rule of a line that pays the list price; no other rule has this id."""
WHOLE = 10_000
"""Parts are counted in hundredths of a percent: 1,250 of these are 12.5 %."""


class Role(StrEnum):
    """What somebody at a till may decide, from least to most. Stored and sent, never renamed."""

    CASHIER = "cashier"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"

    def covers(self, other: Role) -> bool:
        """Whether whoever has this role may do what the other may."""
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class PercentOff:
    """So many hundredths of a percent less, 1 to 10,000; the rest is rounded as the event says."""

    hundredths: int

    def __post_init__(self) -> None:
        if not 1 <= self.hundredths <= WHOLE:
            raise ValueError(f"{self.hundredths} hundredths of a percent can't be taken off")


@dataclass(frozen=True, slots=True)
class AmountOff:
    """So many minor units less, but never below nothing."""

    minor: int

    def __post_init__(self) -> None:
        if self.minor < 1:
            raise ValueError(f"{self.minor} minor units can't be taken off")


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """The price itself, where it is lower than the list's."""

    minor: int

    def __post_init__(self) -> None:
        if self.minor < 0:
            raise ValueError(f"{self.minor} minor units are no price")


Reduction = PercentOff | AmountOff | FixedPrice


class RoundingMode(StrEnum):
    """Which way a price between two steps goes. Stored and sent, never renamed."""

    NEAREST = "nearest"  # half a step goes up
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Rounding:
    """To what computed prices are rounded: multiples of `step_minor`.

    A minor unit is the currency's smallest (fen, yen, rappen), so nothing is ever finer than that.
    `cash_step_minor` is what the smallest coin allows; it rounds what is asked in cash, not prices.
    """

    step_minor: int = 1
    mode: RoundingMode = RoundingMode.NEAREST
    cash_step_minor: int = 1

    def price(self, numerator: int, denominator: int) -> int:
        """Round a fraction of minor units, not negative, to a multiple of the step."""
        return self.step_minor * _divided(numerator, denominator * self.step_minor, self.mode)

    def cash(self, total_minor: int) -> int:
        """What is asked in cash for a total: the nearest multiple of the smallest coin."""
        step = self.cash_step_minor
        return step * _divided(total_minor, step, RoundingMode.NEAREST)


def _divided(numerator: int, denominator: int, mode: RoundingMode) -> int:
    if mode is RoundingMode.DOWN:
        return numerator // denominator
    if mode is RoundingMode.UP:
        return -(-numerator // denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def reduced(whole_minor: int, reduction: Reduction, rounding: Rounding) -> int:
    """What is left of an amount; never negative and never more than the amount."""
    match reduction:
        case PercentOff(hundredths):
            left = rounding.price(whole_minor * (WHOLE - hundredths), WHOLE)
            return min(whole_minor, left)
        case AmountOff(minor):
            return max(0, whole_minor - minor)
        case FixedPrice(minor):
            return min(whole_minor, minor)


@dataclass(frozen=True, slots=True)
class Where:
    """Which tickets a rule is for; an empty tuple means all of them."""

    tier_ids: tuple[str, ...] = ()
    ticket_type_ids: tuple[str, ...] = ()
    performances: tuple[int, ...] = ()

    def covers(self, performance: int, tier_id: str, ticket_type_id: str) -> bool:
        """Whether the rule is for such a ticket."""
        return (
            (not self.tier_ids or tier_id in self.tier_ids)
            and (not self.ticket_type_ids or ticket_type_id in self.ticket_type_ids)
            and (not self.performances or performance in self.performances)
        )


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant (included) until another (not included), aware UTC; None leaves it open."""

    from_at: datetime | None = None
    until_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the instant lies within."""
        begun = self.from_at is None or self.from_at <= at
        return begun and (self.until_at is None or at < self.until_at)


ALWAYS = Period()


@dataclass(frozen=True, slots=True)
class Rate:
    """A lower price for single tickets: for a time (early bird), while a pool lasts (the first
    500), or both. A line at a rate with a `pool` spends one of the node's share of it.
    """

    id: str
    name: Text
    reduction: Reduction
    where: Where = Where()
    period: Period = ALWAYS
    pool: str = ""


class Over(StrEnum):
    """Over which performances a package goes. Stored and sent, never renamed."""

    ONE_PERFORMANCE = "one_performance"
    DIFFERENT_PERFORMANCES = "different_performances"  # no two tickets for the same one
    ANY_PERFORMANCES = "any_performances"


@dataclass(frozen=True, slots=True)
class PackageTickets:
    """So many tickets of one kind in a package."""

    count: int
    where: Where


@dataclass(frozen=True, slots=True)
class Package:
    """Several tickets at one price, which `reduction` makes of the sum of their list prices."""

    id: str
    name: Text
    reduction: Reduction
    tickets: tuple[PackageTickets, ...]
    over: Over = Over.ONE_PERFORMANCE
    one_tier: bool = False
    period: Period = ALWAYS

    @property
    def ticket_count(self) -> int:
        """How many tickets one of it has."""
        return sum(each.count for each in self.tickets)


@dataclass(frozen=True, slots=True)
class HouseRate:
    """Free and house tickets of one reason. Each spends one of the quota `pool`, and somebody of
    role `approver` or above lets it be.
    """

    id: str
    name: Text
    pool: str
    approver: Role
    price_minor: int = 0
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class DiscountReason:
    """Why a person may take something off by hand, and how much of the list price each role may."""

    id: str
    name: Text
    caps: tuple[tuple[Role, int], ...]
    """(role, hundredths of a percent), from least to most; who is not named may do nothing."""

    def role_for(self, list_minor: int, off: PercentOff | AmountOff) -> Role | None:
        """The least role that may take so much off a ticket; None when none may."""
        if isinstance(off, PercentOff):
            asked = off.hundredths * list_minor
        else:
            asked = min(off.minor, list_minor) * WHOLE
        allowed = (role for role, cap in self.caps if asked <= cap * list_minor)
        return next(allowed, None)


@dataclass(frozen=True, slots=True)
class PoolSize:
    """A counter pool that rules of this event spend, and how many rights it has in all."""

    id: str
    capacity: int


@dataclass(frozen=True, slots=True)
class PriceRules:
    """All rules of an event. Ids are unique over all of them; earlier ones win ties."""

    pools: tuple[PoolSize, ...] = ()
    rates: tuple[Rate, ...] = ()
    packages: tuple[Package, ...] = ()
    house_rates: tuple[HouseRate, ...] = ()
    discounts: tuple[DiscountReason, ...] = ()
    rounding: Rounding = Rounding()

    def rate(self, rule_id: str) -> Rate | None:
        """Return the rate with this id, if there is one."""
        return _with_id(self.rates, rule_id)

    def package(self, rule_id: str) -> Package | None:
        """Return the package with this id, if there is one."""
        return _with_id(self.packages, rule_id)

    def house_rate(self, rule_id: str) -> HouseRate | None:
        """Return the house rate with this id, if there is one."""
        return _with_id(self.house_rates, rule_id)

    def discount(self, rule_id: str) -> DiscountReason | None:
        """Return the discount reason with this id, if there is one."""
        return _with_id(self.discounts, rule_id)


NO_RULES = PriceRules()

_Rule = TypeVar("_Rule", Rate, Package, HouseRate, DiscountReason)


def _with_id(rules: Iterable[_Rule], rule_id: str) -> _Rule | None:
    return next((rule for rule in rules if rule.id == rule_id), None)
