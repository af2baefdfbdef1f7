"""What the use cases around buyers tell their faces."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from ticketing.personal import Buyer


class NoBuyer(StrEnum):
    """Why nothing was noted, or nothing is shown. Each has a sentence at the faces."""

    NO_KEYS = "no_keys"  # not in contact since the program started: nothing can be sealed or read
    NOT_A_NAME = "not_a_name"  # what was typed is no name or no number
    NOT_YOURS = "not_yours"  # of another window's order: a supervisor may look
    NOTHING = "nothing"  # nobody was noted, or it was erased
    NOT_WRITTEN = "not_written"  # the disk is full, or the window is locked


class BuyerServices(Protocol):
    """Who bought: sealed at once, shown masked, opened by who may. Never the network."""

    def can_note(self) -> bool:
        """Whether something could be noted now; at once."""

    def take_along(self, name: str, phone: str) -> NoBuyer | None:
        """Note it with the next sale of this window; two empty texts take it back."""

    def along(self) -> Buyer:
        """What goes with the next sale, in the clear: it was typed a moment ago; at once."""

    def note(self, event_id: str, order_id: str, name: str, phone: str) -> NoBuyer | None:
        """Note who bought an order, in the place of what was known."""

    def open(self, event_id: str, order_id: str) -> Buyer | NoBuyer:
        """All that is known, for who may see it."""
