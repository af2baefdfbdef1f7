"""The notes and coins that a drawer of a currency is counted in."""

from __future__ import annotations

from typing import Final

_DENOMINATIONS_MINOR: Final[dict[str, tuple[int, ...]]] = {
    "CNY": (100_00, 50_00, 20_00, 10_00, 5_00, 1_00, 50, 10),
    "EUR": (100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10, 5, 2, 1),
    "GBP": (50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10, 5, 2, 1),
    "HKD": (1_000_00, 500_00, 100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10),
    "JPY": (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10, 5, 1),
    "USD": (100_00, 50_00, 20_00, 10_00, 5_00, 1_00, 25, 10, 5, 1),
}
_OTHERS_MINOR: Final = (100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10, 5, 2, 1)


def denominations_of(currency: str) -> tuple[int, ...]:
    """Notes and coins in minor units, the largest first; a drawer with others has them as coins."""
    return _DENOMINATIONS_MINOR.get(currency, _OTHERS_MINOR)
