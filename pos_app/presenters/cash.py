"""Which amounts a buyer is likely to hand over."""

from __future__ import annotations

from typing import Final

QUICK_CASH_MAX: Final = 4

_NOTES_MINOR: Final[dict[str, tuple[int, ...]]] = {
    "CNY": (10_00, 50_00, 100_00),
    "EUR": (5_00, 10_00, 50_00, 100_00),
    "GBP": (5_00, 10_00, 20_00, 50_00),
    "HKD": (10_00, 50_00, 100_00, 500_00),
    "JPY": (1_000, 5_000, 10_000),
    "USD": (5_00, 10_00, 50_00, 100_00),
}
_OTHER_NOTES_MINOR: Final = (10_00, 50_00, 100_00)
_BUNDLES: Final = (5, 10)
"""Several of the largest note, counted out in one go: ¥500, ¥1000."""
_BUNDLE_SHARE: Final = 5
"""Nobody counts out a bundle for less than a fifth of it."""


def notes_of(currency: str) -> tuple[int, ...]:
    """The notes worth rounding to, in minor units, smallest first.

    Not every note there is: twenties would put ¥1,280 beside ¥1,270, which nobody hands over.
    """
    return _NOTES_MINOR.get(currency, _OTHER_NOTES_MINOR)


def quick_cash_amounts(total_minor: int, notes_minor: tuple[int, ...]) -> tuple[int, ...]:
    """The exact amount and up to three round ones above it; distinct and ascending.

    The round ones are the total rounded up to each note and to bundles of the largest note:
    1270 gives 1270, 1300, 1500, 2000. Nothing to pay gives `(0,)`.
    """
    if total_minor <= 0:
        return (0,)
    bundles = (notes_minor[-1] * count for count in _BUNDLES)
    steps = (*notes_minor, *(one for one in bundles if total_minor * _BUNDLE_SHARE >= one))
    amounts = {total_minor, *(_rounded_up(total_minor, step) for step in steps)}
    return tuple(sorted(amounts)[:QUICK_CASH_MAX])


def _rounded_up(amount: int, step: int) -> int:
    return -(-amount // step) * step
