"""What the panel of payments shows beside the basket's own payment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PayPanel:
    """The panel is open. While `asks` names a tender, its number is asked for `amount_minor`.

    `is_one_tap`: a tender key opened it for that alone, so a step back shuts it.
    """

    asks: str = ""
    amount_minor: int = 0
    is_one_tap: bool = False
