"""Payments in parts, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pos_app.services.model import SaleRefusal
from pos_app.services.tender_model import AbandonedPayment, LegRecorded, RecordedLeg
from ticketing.event import Venue
from ticketing.operations import CASH, HandLeg


class FakeTenders:
    """Implements TenderServices. `open` are the legs that wait for a sale."""

    def __init__(self, venue: Callable[[], Venue]) -> None:
        self._venue = venue
        self._count = 0
        self.open: dict[str, RecordedLeg] = {}
        self.taken_back: list[str] = []
        self.refusal: SaleRefusal | None = None
        self.untold: tuple[AbandonedPayment, ...] = ()

    def record(
        self,
        event_id: str,
        order_id: str,
        currency: str,
        leg: HandLeg,
    ) -> LegRecorded | SaleRefusal:
        assert event_id, "a leg belongs to an event's order"
        assert currency, "and is money"
        if self.refusal is not None:
            return self.refusal
        if leg.tender != CASH and self._venue().tender(leg.tender) is None:
            return SaleRefusal.UNKNOWN_TENDER
        self._count += 1
        made = RecordedLeg(f"leg-{self._count}", leg.tender, leg.amount_minor, leg.reference)
        self.open[made.id] = made
        return LegRecorded(order_id or f"{0xA00 + self._count:016x}", made)

    def take_back(self, leg_ids: Sequence[str]) -> None:
        for leg_id in leg_ids:
            del self.open[leg_id]
            self.taken_back.append(leg_id)

    def abandoned(self) -> tuple[AbandonedPayment, ...]:
        return self.untold

    def acknowledge(self) -> None:
        self.untold = ()
