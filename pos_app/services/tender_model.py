"""How a basket is paid, as faces and services tell each other: immutable values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pos_app.services.model import Person, SaleRefusal
from ticketing.cash_rounding import round_cash
from ticketing.event import Venue
from ticketing.operations import CASH, CashLeg, HandLeg, legs_minor


@dataclass(frozen=True, slots=True)
class RecordedLeg:
    """A part that was paid already and is written down, waiting for its sale; cash has no number."""

    id: str
    tender: str
    amount_minor: int
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """How a basket is paid: what was recorded before, `legs` by hand now, the rest in cash.

    `order_id` is the order that the recorded legs were written down for, "" without any.
    `tendered_minor` is the cash handed over for the rest. `approver` has typed their PIN to let it
    be sold past the soft term.
    """

    order_id: str = ""
    recorded: tuple[RecordedLeg, ...] = ()
    legs: tuple[HandLeg, ...] = ()
    tendered_minor: int = 0
    approver: Person | None = None

    @property
    def by_hand(self) -> tuple[HandLeg, ...]:
        """Every leg but cash, in the order in which they were paid."""
        before = (
            HandLeg(one.tender, one.amount_minor, one.reference)
            for one in self.recorded
            if one.tender != CASH
        )
        return (*before, *self.legs)

    @property
    def cash_before_minor(self) -> int:
        """Cash that was recorded before."""
        return sum(one.amount_minor for one in self.recorded if one.tender == CASH)


NO_PAYMENT = Payment()
"""Nothing is recorded yet."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A payment that covers its order to the last minor unit."""

    legs: tuple[HandLeg, ...]
    cash: CashLeg
    rounding_minor: int


def in_cash(total_minor: int) -> Settled:
    """Paid in cash to the last minor unit."""
    return Settled((), CashLeg(total_minor, total_minor), 0)


def rest_minor(total_minor: int, payment: Payment) -> int:
    """What is left to pay, before rounding; negative when too much was recorded."""
    return total_minor - legs_minor(payment.by_hand) - payment.cash_before_minor


def cash_due_minor(total_minor: int, payment: Payment, unit_minor: int) -> int:
    """What would have to be handed over in cash for the rest."""
    in_cash = total_minor - legs_minor(payment.by_hand)
    if in_cash == payment.cash_before_minor:
        return 0
    return round_cash(in_cash, unit_minor).cash_minor - payment.cash_before_minor


def settle(total_minor: int, payment: Payment, venue: Venue) -> Settled | SaleRefusal:
    """What each leg comes to, or why the payment is none."""
    legs = payment.by_hand
    if any(venue.tender(leg.tender) is None or leg.amount_minor <= 0 for leg in legs):
        return SaleRefusal.UNKNOWN_TENDER
    if rest_minor(total_minor, payment) < 0:
        return SaleRefusal.TENDER_TOO_LARGE
    in_cash = total_minor - legs_minor(legs)
    due = cash_due_minor(total_minor, payment, venue.cash_unit_minor)
    if due < 0:
        return SaleRefusal.TENDER_TOO_LARGE
    if payment.tendered_minor < due:
        return SaleRefusal.TENDER_TOO_SMALL
    before = payment.cash_before_minor
    cash = CashLeg(before + due, before + payment.tendered_minor)
    return Settled(legs, cash, cash.amount_minor - in_cash)


@dataclass(frozen=True, slots=True)
class LegRecorded:
    """It is on the disk; `order_id` is the order that further legs and the sale are for."""

    order_id: str
    leg: RecordedLeg


@dataclass(frozen=True, slots=True)
class AbandonedPayment:
    """Money that may be on the counter: its payment was begun, and its sale never recorded."""

    tender: str
    amount_minor: int
    currency: str
    reference: str
    begun_at: datetime


class TenderServices(Protocol):
    """Use cases of payments in parts. They block on the local disk alone."""

    def record(
        self, event_id: str, order_id: str, currency: str, leg: HandLeg
    ) -> LegRecorded | SaleRefusal:
        """Write down that a part was paid, also in cash; `order_id` "" begins an order."""

    def take_back(self, leg_ids: Sequence[str]) -> None:
        """These were given back to the buyer: they pay nothing."""

    def abandoned(self) -> tuple[AbandonedPayment, ...]:
        """Payments without a sale that nobody has been told of, the oldest first."""

    def acknowledge(self) -> None:
        """Somebody has read them."""
