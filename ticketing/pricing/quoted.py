"""The engine's answer: a price for every line, and how it came about, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ticketing.pricing.rules import Role


class StepKind(StrEnum):
    """What a step of a price is. Stored and sent, never renamed."""

    LIST = "list"  # what the list asks
    RATE = "rate"  # less at a rate
    PACKAGE = "package"  # less as part of a package
    HOUSE = "house"  # less as a house ticket
    DISCOUNT = "discount"  # less by hand


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a price; the amounts of all steps add up to it. Only the first is above zero."""

    kind: StepKind
    rule_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line's price. One rule made it (a rate, a package, a house rate, or "list"); what a person
    took off by hand comes on top and is `discount_minor`, for `discount_id`.

    `pool` is the counter pool of whose share the line spends one, or "". `package_number` is that
    of a `FoundPackage`, 0 for none. `approved_by` is the person who let the line be as it is: a
    second one, or the seller where the role is enough; "" where there was nothing to let be.
    """

    key: str
    list_minor: int
    price_minor: int
    rule_id: str
    pool: str
    package_number: int
    discount_id: str
    discount_minor: int
    approved_by: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class FoundPackage:
    """One package in the basket: its lines' keys, and their sums. `number` counts from 1.

    `price_minor` is the package's own, before anything is taken off by hand.
    """

    number: int
    rule_id: str
    keys: tuple[str, ...]
    list_minor: int
    price_minor: int

    @property
    def saving_minor(self) -> int:
        """What it costs less than its tickets by the list."""
        return self.list_minor - self.price_minor


class Refusal(StrEnum):
    """Why something that was asked for is not in the quote. Stored and sent, never renamed."""

    NOT_SOLD = "not_sold"  # no price for such a ticket: the line is left out
    UNKNOWN_REASON = "unknown_reason"
    NOT_FOR_THIS_TICKET = "not_for_this_ticket"
    QUOTA_SPENT = "quota_spent"  # no share of the quota is left in the line's allotment
    OVER_EVERY_CAP = "over_every_cap"  # nobody may take so much off


@dataclass(frozen=True, slots=True)
class Refused:
    """What is not done for a line. But for NOT_SOLD the line is priced as if nobody had asked."""

    key: str
    refusal: Refusal
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """Until somebody of this role approves, the line is priced as if nobody had asked."""

    key: str
    rule_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Quote:
    """A basket's prices under one version of the price list. `lines` are in the basket's order.

    `cash_minor` is what is asked when it is paid in cash, rounded to the smallest coin.
    `exact` is False where the search for packages was cut short: a cheaper combination may exist.
    """

    version: int
    lines: tuple[PricedLine, ...]
    packages: tuple[FoundPackage, ...]
    refused: tuple[Refused, ...]
    approvals: tuple[ApprovalNeeded, ...]
    total_minor: int
    list_minor: int
    cash_minor: int
    exact: bool

    @property
    def saving_minor(self) -> int:
        """What all lines together cost less than by the list."""
        return self.list_minor - self.total_minor

    @property
    def is_settled(self) -> bool:
        """Whether everything that was asked for is in it: only then may it be sold."""
        return not self.refused and not self.approvals

    def needs_approval(self, role: Role) -> bool:
        """Whether something waits for somebody above this role."""
        return any(not role.covers(each.role) for each in self.approvals)
