"""What a buyer hands over in cash: typed in digits, or tapped note by note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from pos_app.presenters import language as words
from pos_app.presenters.denominations import denominations_of
from program.i18n import currency_exponent

TYPED_MAX: Final = 9
"""Digits of an amount; nobody pays a billion."""
TAPPED_MAX: Final = 200
"""Notes and coins of one payment: two bundles are counted before they are tapped."""
KEYS_MAX: Final = 12
"""Keys that find room beside the digits."""
LETTERS: Final = "abcdefghijkl"
"""Keys of the keyboard that tap the first note, the second..."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Digits with an optional point, or notes in the order they were tapped; never both.

    The way used last counts, and begins anew: an amount that is half typed and half tapped would
    have to be added up in the head before anybody could check it.
    """

    typed: str = ""
    tapped_minor: tuple[int, ...] = ()

    @property
    def is_given(self) -> bool:
        """Whether there is anything to take back; a point alone is something."""
        return bool(self.typed or self.tapped_minor)

    def amount_minor(self, currency: str) -> int | None:
        """The amount in minor units; None where nothing was typed or tapped."""
        if self.tapped_minor:
            return sum(self.tapped_minor)
        if not self.typed.strip("."):
            return None
        places = currency_exponent(currency)
        whole, _point, part = self.typed.partition(".")
        return int(whole or "0") * int(10**places) + int((part + "0" * places)[:places] or "0")

    def pieces(self, minor: int) -> int:
        """How often this note was tapped."""
        return self.tapped_minor.count(minor)

    def with_digits(self, digits: str) -> HandedOver:
        """Digits or a point typed behind what stands there, in place of what was tapped."""
        if "." in self.typed and digits == ".":
            return self
        return HandedOver((self.typed + digits).lstrip("0")[:TYPED_MAX])

    def with_note(self, minor: int) -> HandedOver:
        """One more of this note, in place of what was typed; no more than `TAPPED_MAX` in all."""
        return HandedOver("", (*self.tapped_minor, minor)[:TAPPED_MAX])

    def without_last(self) -> HandedOver:
        """The last digit or the last note taken back."""
        return replace(self, typed=self.typed[:-1], tapped_minor=self.tapped_minor[:-1])


NOTHING: Final = HandedOver()


def notes_on_keys(currency: str) -> tuple[int, ...]:
    """Notes and coins with a key, the largest first, in minor units.

    Where a currency has more than there is room for, the smallest coins are left to be typed.
    """
    return denominations_of(currency)[:KEYS_MAX]


def on_key(minor: int, currency: str) -> str:
    """What stands on a note: "1,000" or "0.50". The amounts beside it name the currency."""
    exponent = currency_exponent(currency)
    if minor % 10**exponent == 0:
        return words.count(minor // 10**exponent)
    return str(Decimal(minor).scaleb(-exponent))
