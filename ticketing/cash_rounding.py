"""Amounts that coins can make: what is paid in cash goes to the nearest of them.

Only the sum that changes hands in cash is rounded, never a price and never another tender. The
difference is kept apart, in the ledger and on every report.
"""

from __future__ import annotations

from dataclasses import dataclass

UNIT_MAX = 10_000
"""No currency has a smallest coin of more minor units."""
ROUNDING_MAX = UNIT_MAX // 2


@dataclass(frozen=True, slots=True)
class Rounded:
    """`cash_minor` changes hands for `exact_minor`."""

    exact_minor: int
    cash_minor: int

    @property
    def rounding_minor(self) -> int:
        """What changes hands beyond the exact amount; negative when it is less."""
        return self.cash_minor - self.exact_minor


def round_cash(exact_minor: int, unit_minor: int) -> Rounded:
    """The nearest amount of cash; from the very middle the smaller one.

    Paying and paying back round alike, so that what goes back whole is what came.
    """
    if unit_minor < 1:
        raise ValueError(f"no coin is worth {unit_minor}")
    whole, rest = divmod(abs(exact_minor), unit_minor)
    nearest = (whole + (2 * rest > unit_minor)) * unit_minor
    return Rounded(exact_minor, -nearest if exact_minor < 0 else nearest)


def is_rounding(rounding_minor: int, exact_minor: int) -> bool:
    """Whether such a difference may come of rounding an amount; nothing is not rounded."""
    return abs(rounding_minor) <= (ROUNDING_MAX if exact_minor else 0)
