"""Money: integer minor units with a currency, never a float."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ticketing.ids import is_currency


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum: a bug in the caller."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (fen, cents) of an ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units must be an int, not {type(self.minor).__name__}")
        if not is_currency(self.currency):
            raise ValueError(f"not an ISO 4217 currency code: {self.currency!r}")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def split(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Split exactly by non-negative weights; the parts always add up to the whole.

        Largest remainder first, ties to the earlier part; all-zero weights split evenly.
        """
        return tuple(Money(part, self.currency) for part in split_exactly(self.minor, weights))

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} in one sum")
        return other.minor


def total(parts: Iterable[Money], currency: str) -> Money:
    """Sum of the parts; zero of the currency when there are none."""
    result = Money(0, currency)
    for part in parts:
        result = result + part
    return result


def split_exactly(whole: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split an integer by weights (largest remainder); the parts add up to the whole."""
    if not weights:
        raise ValueError("nothing to split over: weights are empty")
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    if not any(weights):
        weights = [1] * len(weights)
    sign, amount, scale = (-1 if whole < 0 else 1), abs(whole), sum(weights)
    parts = [amount * weight // scale for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % scale), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return tuple(sign * part for part in parts)
