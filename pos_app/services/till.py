"""The till's use cases, as the faces call them.

Every call may block on the local disk for a few milliseconds and never on the network, so faces
call them on a worker thread. What needs the server (`ask_for`, `stock`) only leaves a wish; the
answer comes as `News`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from pos_app.services.after_sale_model import AfterSaleServices
from pos_app.services.basket import Basket
from pos_app.services.buyers_model import BuyerServices
from pos_app.services.chips_model import ChipServices
from pos_app.services.device_model import DeviceServices
from pos_app.services.habits import HabitServices
from pos_app.services.model import (
    Availability,
    House,
    News,
    PerformanceChoice,
    Person,
    PrintResult,
    SaleRefused,
    SignedIn,
    SignInRefused,
    Sold,
    SyncStatus,
    UnprintedOrder,
)
from pos_app.services.parking_model import ParkingServices
from pos_app.services.queue import Queue
from pos_app.services.shift_model import ShiftServices
from pos_app.services.tender_model import Payment, TenderServices


class TillServices(Protocol):
    """Use cases of one window."""

    @property
    def after_sale(self) -> AfterSaleServices:
        """The use cases after the sale."""

    @property
    def buyers(self) -> BuyerServices:
        """Who bought."""

    @property
    def chips(self) -> ChipServices:
        """Chips that stand for tickets."""

    @property
    def shifts(self) -> ShiftServices:
        """The drawer's use cases."""

    @property
    def parking(self) -> ParkingServices:
        """Baskets put aside."""

    @property
    def habits(self) -> HabitServices:
        """What the window remembers of its cashiers' habits."""

    @property
    def devices(self) -> DeviceServices:
        """Printer, drawer and scanners."""

    def subscribe(self, listener: Callable[[News], None]) -> None:
        """Call `listener` with every piece of news, on whatever thread it happens."""

    def people(self) -> tuple[Person, ...]:
        """Who may sign in here, by name."""

    def sign_in(self, person_id: str, pin: str) -> SignedIn | SignInRefused:
        """Check a PIN; wrong tries are counted on disk, five lock the person out for a while.

        Whoever was signed in is signed out by it: two are never signed in at one window.
        """

    def sign_out(self) -> None:
        """Lock the till; the basket is the face's to keep."""

    @property
    def signed_in(self) -> Person | None:
        """Who sells; at once."""

    def now(self) -> datetime:
        """The corrected clock; at once."""

    def approve(self, person_id: str, pin: str) -> Person | SignInRefused:
        """Check the PIN of a second person, who stays signed out; wrong tries are counted."""

    def performances(self) -> tuple[PerformanceChoice, ...]:
        """What can be sold, soonest first; performances that are over are left out."""

    def house(self, performance: int) -> House:
        """Plan, prices and times of one performance. KeyError when the mirror lacks it."""

    def availability(self, performance: int) -> Availability:
        """State of every unit as of now."""

    def stock(self, performance: int) -> None:
        """The cashier opened this performance: have units lent in the background if few are."""

    def ask_for(self, performance: int, units: Sequence[int]) -> bool:
        """Ask for units that are not ours. False when offline (then nothing was asked)."""

    def give_back(self, performance: int, units: Sequence[int]) -> None:
        """Units leave the basket unsold; those acquired for it are released to the server."""

    def pay_cash(self, basket: Basket, tendered_minor: int) -> Sold | SaleRefused:
        """Sell the basket for cash: one durable transaction, then it is final."""

    def pay(self, basket: Basket, payment: Payment) -> Sold | SaleRefused:
        """Sell the basket, paid by one or several tenders: then it is final."""

    @property
    def tenders(self) -> TenderServices:
        """Payments in parts."""

    def print_order(self, order_id: str) -> PrintResult:
        """Print an order's tickets (again). The same bytes each time, copies counted."""

    def unprinted(self) -> tuple[UnprintedOrder, ...]:
        """Sold but not printed, oldest first."""

    def sync_now(self) -> None:
        """Send at once what waits for the server; the answer comes as news."""

    def queue(self) -> Queue:
        """What waits for the server, by kind, and what a manager looks at."""

    def status(self) -> SyncStatus:
        """Link, queue and age; cheap."""
