"""Buyers of a till in memory: kept as they were typed, for as long as the test lasts."""

from __future__ import annotations

from dataclasses import dataclass, field

from pos_app.services.buyers_model import NoBuyer
from ticketing.personal import Buyer, normal_buyer


@dataclass
class FakeBuyers:
    """Implements BuyerServices."""

    has_keys: bool = True
    pending: Buyer = field(default_factory=Buyer)
    noted: dict[tuple[str, str], Buyer] = field(default_factory=dict)
    may_open: bool = True

    def can_note(self) -> bool:
        return self.has_keys

    def take_along(self, name: str, phone: str) -> NoBuyer | None:
        buyer = normal_buyer(name, phone)
        if buyer is None:
            return NoBuyer.NOT_A_NAME
        if not self.has_keys and not buyer.is_empty:
            return NoBuyer.NO_KEYS
        self.pending = buyer
        return None

    def along(self) -> Buyer:
        return self.pending

    def note(self, event_id: str, order_id: str, name: str, phone: str) -> NoBuyer | None:
        buyer = normal_buyer(name, phone)
        if buyer is None or buyer.is_empty:
            return NoBuyer.NOT_A_NAME
        self.noted[event_id, order_id] = buyer
        return None

    def open(self, event_id: str, order_id: str) -> Buyer | NoBuyer:
        if not self.may_open:
            return NoBuyer.NOT_YOURS
        return self.noted.get((event_id, order_id), NoBuyer.NOTHING)
