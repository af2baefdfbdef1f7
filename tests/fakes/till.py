"""A till's services in memory, over the sample theatre: every answer that the real ones can give."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType

from pos_app.services.basket import Basket
from pos_app.services.late_sales import late_approver
from pos_app.services.model import (
    Availability,
    House,
    LateLeft,
    Link,
    LockReason,
    News,
    NewsKind,
    PerformanceChoice,
    Person,
    PrintOutcome,
    PrintResult,
    SaleRefusal,
    SaleRefused,
    SignedIn,
    SignInRefusal,
    SignInRefused,
    Sold,
    SyncStatus,
    UnitState,
    UnprintedOrder,
)
from pos_app.services.queue import Case, Queue, Waits
from pos_app.services.tender_model import Payment, settle
from tests.fakes.after_sale import NothingSold
from tests.fakes.buyers import FakeBuyers
from tests.fakes.chips import FakeChips
from tests.fakes.devices import FakeDevices
from tests.fakes.parking import FakeHabits, FakeParking
from tests.fakes.shifts import SHIFT, FakeShifts
from tests.fakes.tenders import FakeTenders
from ticketing.catalogue import Catalogue, parse_catalogue
from ticketing.event import Event, Performance
from ticketing.ids import AllotmentId, OrderId, TicketId
from ticketing.operations import CashLeg, Sale, SaleLine
from ticketing.seating import SeatingPlan
from ticketing.text import Text

NOW = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)  # 14:05 in Shanghai
PIN = "4711"
TRIES_MAX = 5
LOT = AllotmentId("0a1b2c3d", 1)
CASHIER = Person("lina", "李娜", "cashier")
SUPERVISOR = Person("wang", "王芳", "supervisor")
MANAGER = Person("chen", "陈经理", "manager")


@cache
def sample_catalogue() -> Catalogue:
    """The sample theatre, as imported at NOW."""
    file = resources.files("resources") / "samples" / "theatre.json"
    return parse_catalogue(json.loads(file.read_text("utf-8")), source="theatre.json", now=NOW)


@cache
def park_catalogue() -> Catalogue:
    """The sample garden, visited by time slot, as imported at NOW."""
    file = resources.files("resources") / "samples" / "park.json"
    return parse_catalogue(json.loads(file.read_text("utf-8")), source="park.json", now=NOW)


@dataclass
class FakeTill:
    """`TillServices` without disk or network. `states` holds what is not ELSEWHERE.

    `answers` says what a wish gets: "" grants it, a reason refuses it, None leaves it open.
    """

    catalogue: Catalogue = field(default_factory=sample_catalogue)
    now: Callable[[], datetime] = lambda: NOW
    states: dict[int, dict[int, UnitState]] = field(default_factory=dict)
    answers: str | None = ""
    link: Link = Link.ONLINE
    offline_since: datetime | None = None
    unsynced_count: int = 0
    lock: LockReason | None = None
    outlived: bool = False
    late: LateLeft | None = None
    paper: bool = True
    paper_outcome: PrintOutcome | None = None  # what becomes of it at a receipt printer
    sale_refusal: SaleRefusal | None = None
    refused_units: tuple[int, ...] = ()
    sold: list[Sold] = field(default_factory=list)
    late_approvers: list[str] = field(default_factory=list)
    payments_count: int = 0  # tries, taken or refused
    sold_baskets: list[Basket] = field(default_factory=list)
    given_back: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    asked_for: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    stocked: list[int] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    signed_in: Person | None = None
    staff: tuple[Person, ...] = (CASHIER, MANAGER)
    wrong_pins: int = 0
    after_sale: NothingSold = field(default_factory=NothingSold)
    buyers: FakeBuyers = field(default_factory=FakeBuyers)
    chips: FakeChips = field(default_factory=FakeChips)
    devices: FakeDevices = field(default_factory=FakeDevices)
    shares: dict[tuple[str, str], int] = field(default_factory=dict)  # by (str(LOT), pool)
    _version: int = 0
    _unprinted: dict[str, UnprintedOrder] = field(default_factory=dict)
    _listeners: list[Callable[[News], None]] = field(default_factory=list)
    shifts: FakeShifts = field(init=False)  # open from the start, as most tests need it
    parking: FakeParking = field(init=False)
    habits: FakeHabits = field(default_factory=FakeHabits)
    nudged: int = 0
    cases: tuple[Case, ...] = ()  # what the server did not take as it stands
    last_error: str = ""

    def __post_init__(self) -> None:
        self.tenders = FakeTenders(lambda: self.catalogue.venue)
        self.shifts = FakeShifts(
            self.now,
            lambda: self.signed_in,
            lambda: self.staff,
            self._check,
            self.catalogue.venue,
            {one.id: one.name for event in self.catalogue.events for one in event.ticket_types},
        )
        self.shifts.begin()
        self.shifts.parts_count = lambda: len(self.tenders.open)
        self.parking = FakeParking(
            self._clock, lambda: self.signed_in, self._event_name, self.set_states
        )

    # ------------------------------------------------------------- what TillServices promises

    def subscribe(self, listener: Callable[[News], None]) -> None:
        self._listeners.append(listener)

    def people(self) -> tuple[Person, ...]:
        return self.staff

    def sign_in(self, person_id: str, pin: str) -> SignedIn | SignInRefused:
        answer = self._check(person_id, pin)
        if isinstance(answer, SignedIn):
            self.signed_in = answer.person
        return answer

    def _check(self, person_id: str, pin: str) -> SignedIn | SignInRefused:
        person = next((one for one in self.staff if one.id == person_id), None)
        if person is None:
            return SignInRefused(SignInRefusal.NOT_ALLOWED)
        if self.wrong_pins >= TRIES_MAX:
            return SignInRefused(SignInRefusal.LOCKED_OUT, wait_s=300)
        if pin != PIN:
            self.wrong_pins += 1
            left = TRIES_MAX - self.wrong_pins
            if left == 0:
                return SignInRefused(SignInRefusal.LOCKED_OUT, wait_s=300)
            return SignInRefused(SignInRefusal.WRONG_PIN, tries_left=left)
        self.wrong_pins = 0
        return SignedIn(person, self.now())

    def approve(self, person_id: str, pin: str) -> Person | SignInRefused:
        answer = self._check(person_id, pin)
        return answer.person if isinstance(answer, SignedIn) else answer

    def sign_out(self) -> None:
        self.signed_in = None

    def performances(self) -> tuple[PerformanceChoice, ...]:
        return tuple(
            self._choice(event, performance)
            for event in self.catalogue.events
            for performance in event.performances
            if performance.ends_at > self.now()
        )

    def house(self, performance: int) -> House:
        event, found = self._find(performance)
        plan = self.catalogue.plan(event.plan_id)
        assert plan is not None
        return House(self.catalogue.venue, plan, event, found)

    def availability(self, performance: int) -> Availability:
        states = MappingProxyType(dict(self.states.get(performance, {})))
        lots = {unit: str(LOT) for unit, state in states.items() if state is UnitState.FREE}
        return Availability(performance, self._version, states, lots, dict(self.shares))

    def stock(self, performance: int) -> None:
        self.stocked.append(performance)

    def ask_for(self, performance: int, units: Sequence[int]) -> bool:
        if self.link is not Link.ONLINE:
            return False
        self.asked_for.append((performance, tuple(units)))
        if self.answers is not None:
            self.answer(performance, tuple(units), self.answers)
        return True

    def give_back(self, performance: int, units: Sequence[int]) -> None:
        self.given_back.append((performance, tuple(units)))

    def pay_cash(self, basket: Basket, tendered_minor: int) -> Sold | SaleRefused:
        return self.pay(basket, Payment(tendered_minor=tendered_minor))

    def pay(self, basket: Basket, payment: Payment) -> Sold | SaleRefused:
        self.payments_count += 1
        reason = self._why_not(basket)
        if reason is None and self.late is not None:
            reason = self._why_not_late(basket, payment)
        if reason is not None:
            return SaleRefused(reason, self.refused_units)
        paid = settle(basket.total_minor, payment, self.catalogue.venue)
        if isinstance(paid, SaleRefusal):
            return SaleRefused(paid)
        number = len(self.sold) + 1
        total = basket.total_minor
        receipt_no = f"A-{1041 + number}"
        made = Sold(
            f"{number:016x}",
            receipt_no,
            len(basket.lines),
            total,
            paid.cash.tendered_minor,
            paid.cash.tendered_minor - paid.cash.amount_minor,
            paid.cash.amount_minor,
            paid.rounding_minor,
            paid.legs,
        )
        for leg in payment.recorded:
            self.tenders.open.pop(leg.id)
        self.sold.append(made)
        self.sold_baskets.append(basket)
        person = self.signed_in
        assert person is not None
        self.shifts.operations.append(_as_recorded(made, basket, person.id))
        for line in basket.lines:
            self.set_states(line.performance, UnitState.SOLD, [line.unit])
        self._unprinted[made.order_id] = UnprintedOrder(
            made.order_id, receipt_no, made.ticket_count, self.now()
        )
        self.unsynced_count += 1
        return made

    def print_order(self, order_id: str) -> PrintResult:
        order = self._unprinted.get(order_id)
        count = order.ticket_count if order else 0
        if self.paper_outcome is not None and order is not None:
            waiting = replace(order, paper=self.paper_outcome, job_id=f"order-{order_id}-1")
            self._unprinted[order_id] = waiting
            return PrintResult(order_id, self.paper_outcome, count)
        if not self.paper:
            return PrintResult(order_id, PrintOutcome.FAILED, count, "out of paper")
        self._unprinted.pop(order_id, None)
        self.printed.append(order_id)
        return PrintResult(order_id, PrintOutcome.PRINTED, count, path=f"{order_id}.pdf")

    def unprinted(self) -> tuple[UnprintedOrder, ...]:
        return tuple(self._unprinted.values())

    def sync_now(self) -> None:
        self.nudged += 1

    def queue(self) -> Queue:
        return Queue(
            ((Waits.SALES, self.unsynced_count),) if self.unsynced_count else (), self.cases
        )

    def status(self) -> SyncStatus:
        return SyncStatus(
            link=self.link,
            offline_since=self.offline_since,
            last_contact_at=self.offline_since or self.now() - timedelta(seconds=3),
            unsynced_count=self.unsynced_count,
            oldest_unsynced_at=self.offline_since,
            rejected_count=len(self.cases),
            last_error=self.last_error,
            window_name="POS-01",
            lock=self.lock,
            outlived=self.outlived,
            late=self.late,
        )

    # ------------------------------------------------------------------ what a test does to it

    def set_states(self, performance: int, state: UnitState, units: Sequence[int]) -> None:
        """Change units without telling anybody."""
        self.states.setdefault(performance, {}).update(dict.fromkeys(units, state))
        self._version += 1

    def tell(self, news: News) -> None:
        """Send news to everybody."""
        for listener in self._listeners:
            listener(news)

    def answer(self, performance: int, units: tuple[int, ...], reason: str = "") -> None:
        """Grant a wish, or refuse it for a reason."""
        if reason:
            self.tell(News(NewsKind.NOT_GRANTED, performance, units, reason))
            return
        self.set_states(performance, UnitState.FREE, units)
        self.tell(News(NewsKind.GRANTED, performance, units))

    def go_offline(self, since: datetime, unsynced_count: int = 0) -> None:
        """Lose the network."""
        self.link, self.offline_since = Link.OFFLINE, since
        self.unsynced_count = unsynced_count
        self.tell(News(NewsKind.STATUS))

    def go_online(self) -> None:
        """Have the network back, and everything sent."""
        count, self.unsynced_count = self.unsynced_count, 0
        self.link, self.offline_since = Link.ONLINE, None
        self.tell(News(NewsKind.STATUS))
        self.tell(News(NewsKind.SYNCED, count=count))

    def lock_up(self, reason: LockReason) -> None:
        """Find the journal locked."""
        self.link, self.lock = Link.LOCKED, reason
        self.tell(News(NewsKind.STATUS))

    def outlive(self) -> None:
        """The term of what was lent passes."""
        self.outlived = True
        self.tell(News(NewsKind.STATUS))

    def outlive_softly(self, left: LateLeft) -> None:
        """The soft term of what was lent passes: a supervisor approves each sale."""
        self.late = left
        self.tell(News(NewsKind.STATUS))

    def change_prices(self, percent: int) -> None:
        """A new price list for every event."""
        self.catalogue = replace(
            self.catalogue,
            events=tuple(_dearer(event, percent) for event in self.catalogue.events),
        )

    def add_event(self, event_id: str, first_number: int) -> None:
        """One more event in the same house, with performances of its own."""
        event = self.catalogue.events[0]
        performances = tuple(
            replace(each, event_id=event_id, number=first_number + at)
            for at, each in enumerate(event.performances)
        )
        added = replace(event, id=event_id, performances=performances)
        self.catalogue = replace(self.catalogue, events=(*self.catalogue.events, added))

    def plan(self) -> SeatingPlan:
        """The only plan of the sample."""
        return self.catalogue.plans[0]

    def unit(self, area_id: str, row: str, seat: str) -> int:
        """A seat's unit by its labels."""
        area = self.plan().area(area_id)
        assert area is not None
        return next(
            one.unit
            for each in area.rows
            for one in each.seats
            if (one.row, one.label) == (row, seat)
        )

    def _clock(self) -> datetime:
        """Now, also when a test has put another clock in."""
        return self.now()

    def _event_name(self, event_id: str) -> Text:
        return next(event.name for event in self.catalogue.events if event.id == event_id)

    def _find(self, number: int) -> tuple[Event, Performance]:
        for event in self.catalogue.events:
            found = event.performance(number)
            if found is not None:
                return event, found
        raise KeyError(number)

    def _choice(self, event: Event, performance: Performance) -> PerformanceChoice:
        states = self.states.get(performance.number, {})
        ours = sum(state is UnitState.FREE for state in states.values())
        gone = sum(
            state in (UnitState.SOLD, UnitState.LENT, UnitState.BLOCKED)
            for state in states.values()
        )
        return PerformanceChoice(
            event.id,
            performance.number,
            event.name,
            performance.hall,
            performance.starts_at,
            performance.doors_at,
            performance.ends_at,
            ours,
            self.house(performance.number).plan.unit_count - gone,
        )

    def _why_not_late(self, basket: Basket, payment: Payment) -> SaleRefusal | None:
        assert self.late is not None
        assert self.signed_in is not None
        self.refused_units = tuple(line.unit for line in basket.lines)
        if len(basket.lines) > self.late.ticket_count:
            return SaleRefusal.LATE_LIMIT
        approver = late_approver(payment.approver, self.signed_in)
        if not approver:
            return SaleRefusal.LATE_APPROVAL
        self.late_approvers.append(approver)
        return None

    def _why_not(self, basket: Basket) -> SaleRefusal | None:
        event = self._find(basket.lines[0].performance)[0] if basket.lines else None
        if self.sale_refusal is not None:
            return self.sale_refusal
        if event is None:
            return SaleRefusal.EMPTY
        if self.signed_in is None:
            return SaleRefusal.NOT_SIGNED_IN
        if self.shifts.opened is None:
            return SaleRefusal.NO_SHIFT
        if basket.price_list_version != event.price_list_version:
            return SaleRefusal.PRICE_CHANGED
        states = self.states
        not_ours = [
            line.unit
            for line in basket.lines
            if states.get(line.performance, {}).get(line.unit) is not UnitState.FREE
        ]
        if not_ours:
            self.refused_units = tuple(not_ours)
            return SaleRefusal.UNIT_NOT_OURS
        return None


def _as_recorded(made: Sold, basket: Basket, person_id: str) -> Sale:
    """The sale as a journal would have it; its codes open no gate."""
    lines = tuple(
        SaleLine(
            TicketId(f"{at:016x}"),
            line.performance,
            line.unit,
            0,
            LOT,
            line.tier_id,
            line.ticket_type_id,
            line.price_minor,
            line.rule,
            "BXG1",
        )
        for at, line in enumerate(basket.lines)
    )
    return Sale(
        OrderId(made.order_id),
        made.receipt_no,
        person_id,
        basket.currency,
        basket.price_list_version,
        made.total_minor,
        lines,
        CashLeg(made.cash_minor, made.tendered_minor),
        shift=SHIFT,
        legs=made.legs,
        rounding_minor=made.rounding_minor,
    )


def _dearer(event: Event, percent: int) -> Event:
    prices = tuple(
        replace(price, price_minor=price.price_minor * (100 + percent) // 100)
        if price.price_minor is not None
        else price
        for price in event.prices
    )
    return replace(event, prices=prices, price_list_version=event.price_list_version + 1)


def stocked_till(performance: int = 1) -> FakeTill:
    """A till in the middle of an evening: some areas ours, some sold, some lent elsewhere."""
    till = FakeTill()
    plan = till.plan()
    for at, seat in enumerate(plan.seats):
        state = _evening_state(seat.area_id, seat.row_index, seat.seat_index, at)
        if state is not None:
            till.set_states(performance, state, [seat.unit])
    standing = next(area for area in plan.areas if not area.rows)
    till.set_states(performance, UnitState.FREE, tuple(standing.units)[:20])
    till.set_states(performance, UnitState.SOLD, tuple(standing.units)[50:])
    return till


def _evening_state(area_id: str, row: int, seat: int, at: int) -> UnitState | None:
    """Sold in clumps, a few lent elsewhere, the centre blocks ours; None is ELSEWHERE."""
    clump = (row * 7 + seat // 3 * 5 + len(area_id)) % 11
    if clump in (2, 5, 9):
        return UnitState.SOLD
    if at % 37 == 11:
        return UnitState.LENT
    if area_id == "balcony-2-right" and row == 3 and seat > 20:
        return UnitState.BLOCKED
    ours = ("stalls-centre", "stalls-left", "balcony-1-centre", "balcony-2-centre")
    return UnitState.FREE if area_id in ours else None
