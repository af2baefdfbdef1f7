"""What the engine is asked: tickets wanted, what a person gives by hand, and the circumstances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ticketing.pricing.rules import AmountOff, PercentOff, Role

LINES_MAX = 100
"""As many as one sale can have."""
EXACT_LINES_MAX = 50
"""Up to here the best combination is searched for; above, it is taken greedily."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person who let something be, with the role that the PIN proved."""

    person_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Discounted:
    """Something taken off a ticket by hand, for the reason with this id.

    The approval is part of it: whoever asks for more asks anew.
    """

    reason_id: str
    off: PercentOff | AmountOff
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class AsHouse:
    """A ticket given as a free or house ticket, by the house rate with this id."""

    reason_id: str
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One ticket to be priced. `key` is unique in the basket and says nothing to the engine.

    `allotment` is the one that its unit is lent in: a line spends shares of that one only.
    """

    key: str
    performance: int
    tier_id: str
    ticket_type_id: str
    allotment: str = ""
    by_hand: Discounted | AsHouse | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """When and for whom: `now` aware UTC, the signed-in person, and the shares that are left.

    `shares` has the places of counter pools that may still be spent, by (allotment, pool).
    """

    now: datetime
    role: Role = Role.CASHIER
    person_id: str = ""
    shares: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("`now` must be aware")
