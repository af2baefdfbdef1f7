"""Tender legs in the bodies of operations: what was paid, or paid back, by which means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ticketing.operations.fields import is_minor, is_name

CASH = "cash"
"""The tender that every house has. No other may be called so."""
LEGS_MAX = 8
"""Hand-recorded legs of one operation."""


@dataclass(frozen=True, slots=True)
class CashLeg:
    """Cash taken: `amount_minor` pays the order, the rest of `tendered_minor` went back."""

    amount_minor: int
    tendered_minor: int


@dataclass(frozen=True, slots=True)
class HandLeg:
    """Paid, or paid back, by a tender that the house has named: exactly this amount.

    `reference` is what the machine's slip says; of money paid back, that of the payment.
    """

    tender: str
    amount_minor: int
    reference: str = ""


def legs_to_json(legs: Iterable[HandLeg]) -> list[list[object]]:
    """Legs as they stand in a body."""
    return [[leg.tender, leg.amount_minor, leg.reference] for leg in legs]


def legs_from_json(raw: object) -> tuple[HandLeg, ...] | None:
    """Up to LEGS_MAX legs, none of nothing and none of cash; None when one is broken."""
    if not isinstance(raw, list) or len(raw) > LEGS_MAX:
        return None
    legs = tuple(leg for leg in map(_leg_from_json, raw) if leg is not None)
    return legs if len(legs) == len(raw) else None


def legs_minor(legs: Iterable[HandLeg]) -> int:
    """The sum of the legs."""
    return sum(leg.amount_minor for leg in legs)


def _leg_from_json(raw: object) -> HandLeg | None:
    if not isinstance(raw, list) or len(raw) != 3:
        return None
    tender, amount, reference = raw
    fits = (
        is_name(tender)
        and tender != CASH
        and is_minor(amount)
        and amount > 0
        and (reference == "" or is_name(reference))
    )
    return HandLeg(tender, amount, reference) if fits else None
