"""Parked baskets, as the till's faces see them: immutable values, no Qt, no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from pos_app.services.basket import Basket, Picked
from ticketing.text import Text

PARK_S: Final = 900
"""How long a basket stays parked, and what an extension adds from now on."""
HOLD_S: Final = 600
"""How long seats that were acquired for a basket stay in it unpaid."""
WARN_S: Final = 120
"""From here on a countdown is amber ..."""
LAST_CALL_S: Final = 30
"""... and from here on red."""
PARKED_MAX: Final = 20
"""More people than these do not come back to one window."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A basket that waits for its buyer. `total_minor` is what it cost when it was parked."""

    number: int
    event_id: str
    event_name: Text | None  # None when the mirror has lost its event
    performance: int
    lines: tuple[Picked, ...]
    note: str
    by: str
    parked_at: datetime
    until: datetime
    total_minor: int
    currency: str


class ParkRefusal(StrEnum):
    """Why a basket was not put aside, or not taken out. Nothing was changed."""

    NOT_SIGNED_IN = "not_signed_in"
    EMPTY = "empty"
    TOO_MANY = "too_many"  # PARKED_MAX wait already
    UNITS_GONE = "units_gone"  # `units` are not ours (any more)
    NOT_PARKED = "not_parked"  # sold, given back or taken out meanwhile
    NO_EVENT = "no_event"  # the mirror does not have its event just now
    DISK_FULL = "disk_full"
    PARTLY_PAID = "partly_paid"  # money was taken for it: it is paid, or the money goes back


@dataclass(frozen=True, slots=True)
class ParkRefused:
    """Nothing was changed."""

    reason: ParkRefusal
    units: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Recalled:
    """A basket that is parked no longer; its units are the caller's to sell or to give back.

    `gone` are those that are not ours any more, `firm` those that were acquired for a basket.
    """

    parked: Parked
    gone: tuple[Picked, ...] = ()
    firm: frozenset[tuple[int, int]] = frozenset()

    @property
    def kept(self) -> tuple[Picked, ...]:
        """The lines whose units are still ours."""
        return tuple(line for line in self.parked.lines if line not in self.gone)


class ParkingServices(Protocol):
    """Putting baskets aside. As TillServices: never the network, any thread."""

    def all(self) -> tuple[Parked, ...]:
        """What is parked, the first to end at first; as it is on disk."""

    def park(self, basket: Basket) -> Parked | ParkRefused:
        """Put a basket aside, durably, and keep its units from every other basket."""

    def recall(self, number: int) -> Recalled | ParkRefused:
        """Take a basket out again. Done twice, the second is NOT_PARKED."""

    def extend(self, number: int) -> bool:
        """Keep it for another PARK_S from now. False when it is not parked (any more)."""

    def give_back(self, number: int) -> Parked | None:
        """Its buyer does not come: its units are for everybody again. None when it is gone."""

    def expire(self) -> tuple[Parked, ...]:
        """Give back what has been parked too long; what that was."""
