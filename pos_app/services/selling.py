"""The till's use cases of taking money: a sale paid in one or several parts.

A part is on the disk before the sale is; the sale takes all of its parts in its own transaction.
So a till that dies in between owes nothing, and says what may lie on the counter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from edge.catalogue import Known, MirrorCatalogue
from edge.env import Env
from edge.errors import ReplicaFull
from edge.id_mint import IdMint
from edge.identity import NodeKey
from edge.journal import JournalLocked, Unit
from edge.replica import Replica
from pos_app.services import sales, tender_legs
from pos_app.services.basket import Basket
from pos_app.services.late_sales import late_approver
from pos_app.services.model import Person, SaleRefusal, SaleRefused, Sold
from pos_app.services.tender_model import (
    AbandonedPayment,
    LegRecorded,
    Payment,
    RecordedLeg,
    Settled,
    settle,
)
from program.logs import get_logger
from ticketing.ids import OrderId
from ticketing.operations import CASH, HandLeg, Sale

T = TypeVar("T")
_log = get_logger(__name__)


def _nothing_beside(_unit: Unit, _event_id: str, _order_id: OrderId) -> None:
    """Nobody has anything to add to a sale."""


@dataclass(frozen=True, slots=True)
class Selling:
    """Implements TenderServices, and sells. Usable from any thread."""

    replica: Replica
    catalogue: MirrorCatalogue
    env: Env
    ids: IdMint
    key: NodeKey
    receipt_prefix: str
    person: Callable[[], Person | None]
    now: Callable[[], datetime]
    beside: Callable[[Unit, str, OrderId], None] = _nothing_beside
    """Called in each sale's own transaction: what is kept with the order."""

    def pay(self, basket: Basket, payment: Payment) -> tuple[Sold, bool] | SaleRefused:
        """Sell the basket; whether the drawer opens for it. When it returns, the sale is final."""
        person = self.person()
        if person is None:
            return SaleRefused(SaleRefusal.NOT_SIGNED_IN)
        known = self.catalogue.event(basket.event_id)
        if known is None:
            return SaleRefused(SaleRefusal.SALE_ENDED)
        with self.replica.reading() as connection:
            context = sales.price_context(connection, basket.event_id, self.now(), person)
        refused = sales.refusal(basket, known.event, context.now, context)
        if refused is not None:
            return refused
        settled = settle(basket.total_minor, payment, known.venue)
        if isinstance(settled, SaleRefusal):
            return SaleRefused(settled)
        seller = sales.Seller(
            self.env,
            self.ids,
            self.key,
            person.id,
            self.receipt_prefix,
            late_approver(payment.approver, person),
        )
        sale = self._sell(seller, known, basket, payment, settled)
        if isinstance(sale, SaleRefused):
            return sale
        return _sold(sale), _opens_drawer(sale, known)

    def record(
        self, event_id: str, order_id: str, currency: str, leg: HandLeg
    ) -> LegRecorded | SaleRefusal:
        """Write down that a part was paid, also in cash; `order_id` "" begins an order."""
        known = self.catalogue.event(event_id)
        if self.person() is None:
            return SaleRefusal.NOT_SIGNED_IN
        if known is None or (leg.tender != CASH and known.venue.tender(leg.tender) is None):
            return SaleRefusal.UNKNOWN_TENDER

        def work(unit: Unit) -> tender_legs.Leg:
            order = order_id or self.ids.next()
            return tender_legs.begin(unit, self.env, event_id, order, currency, leg)

        made = self._recorded(work)
        if isinstance(made, SaleRefusal):
            return made
        told = RecordedLeg(made.id, made.tender, made.amount_minor, made.reference)
        return LegRecorded(made.order_id, told)

    def take_back(self, leg_ids: Sequence[str]) -> None:
        """These were given back to the buyer: they pay nothing."""
        self._recorded(lambda unit: tender_legs.close(unit, self.env, leg_ids, "given_back"))

    def abandoned(self) -> tuple[AbandonedPayment, ...]:
        """Payments without a sale that nobody has been told of, the oldest first."""
        with self.replica.reading() as connection:
            legs = tender_legs.untold(connection)
        return tuple(
            AbandonedPayment(
                leg.tender,
                leg.amount_minor,
                leg.currency,
                leg.reference,
                datetime.fromtimestamp(leg.begun_ms / 1000, UTC),
            )
            for leg in legs
        )

    def acknowledge(self) -> None:
        """Somebody has read them."""
        self._recorded(tender_legs.note_told)

    def close_unfinished(self) -> None:
        """The program starts: what it left behind when it ended is closed."""
        closed = self._recorded(lambda unit: tender_legs.close_unfinished(unit, self.env))
        if not isinstance(closed, SaleRefusal) and closed:
            _log.warning("payments_abandoned", leg_count=len(closed))

    # --- inside

    def _sell(
        self,
        seller: sales.Seller,
        known: Known,
        basket: Basket,
        payment: Payment,
        settled: Settled,
    ) -> Sale | SaleRefused:
        """Write the legs down, then sell; what only the sale had begun ends with it."""
        before = tuple(leg.id for leg in payment.recorded)
        try:
            order_id, made = self.replica.transact(
                lambda unit: self._begin(unit, known.event.id, basket.currency, payment, settled)
            )
            self.env.maybe_crash("after_legs_before_sale")

            def work(unit: Unit) -> Sale:
                tender_legs.capture(unit, self.env, (*before, *made), order_id)
                self.beside(unit, known.event.id, OrderId(order_id))
                return sales.sell(unit, seller, known.event, basket, settled, OrderId(order_id))

            return self.replica.transact(work)
        except sales.UnitsGone as gone:
            refused = SaleRefused(gone.reason, gone.units)
        except sales.NoShift:
            refused = SaleRefused(SaleRefusal.NO_SHIFT)
        except tender_legs.LegGone:
            refused = SaleRefused(SaleRefusal.PAYMENT_GONE)
        except JournalLocked:
            refused = SaleRefused(SaleRefusal.SELLING_LOCKED)
        except ReplicaFull as error:
            _log.error("disk_full", error=str(error))
            return SaleRefused(SaleRefusal.DISK_FULL)
        self._recorded(lambda unit: tender_legs.close(unit, self.env, made, str(refused.reason)))
        return refused

    def _begin(
        self, unit: Unit, stream: str, currency: str, payment: Payment, settled: Settled
    ) -> tuple[str, tuple[str, ...]]:
        """The order's id, and the legs that are not on the disk yet."""
        order_id = payment.order_id or self.ids.next()
        cash = settled.cash.amount_minor - payment.cash_before_minor
        new = (*payment.legs, *((HandLeg(CASH, cash),) if cash else ()))
        made = (
            tender_legs.begin(unit, self.env, stream, order_id, currency, leg).id for leg in new
        )
        return order_id, tuple(made)

    def _recorded(self, work: Callable[[Unit], T]) -> T | SaleRefusal:
        try:
            return self.replica.transact(work)
        except ReplicaFull as error:
            _log.error("disk_full", error=str(error))
            return SaleRefusal.DISK_FULL


def _sold(sale: Sale) -> Sold:
    return Sold(
        sale.order_id,
        sale.receipt_no,
        len(sale.lines),
        sale.total_minor,
        sale.cash.tendered_minor,
        sale.cash.tendered_minor - sale.cash.amount_minor,
        sale.cash.amount_minor,
        sale.rounding_minor,
        sale.legs,
    )


def _opens_drawer(sale: Sale, known: Known) -> bool:
    """For cash, and for tenders whose slips lie there; a free ticket needs no drawer."""
    named = (known.venue.tender(leg.tender) for leg in sale.legs)
    return sale.cash.tendered_minor > 0 or any(
        one is not None and one.opens_drawer for one in named
    )
