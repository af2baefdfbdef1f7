"""What the sell screen shows: one immutable value, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pos_app.presenters.history import History
from pos_app.services.habits import DEFAULT_QUANTITY
from pos_app.services.model import Link, SyncStatus, UnitState
from pos_app.services.tender_model import NO_PAYMENT, Payment, cash_due_minor, rest_minor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pos_app.presenters.giving import Giving
    from pos_app.presenters.history import Toast
    from pos_app.presenters.late_sale import LateSale
    from pos_app.presenters.notice import Notice
    from pos_app.presenters.tender_state import PayPanel
    from pos_app.services.basket import Basket
    from pos_app.services.model import House, Sold, UnprintedOrder
    from pos_app.services.parking_model import Parked

QUANTITY_MAX: Final = 20

NO_CONTACT_YET: Final = SyncStatus(Link.CONNECTING, None, None, 0, None, 0)


@dataclass(frozen=True, slots=True)
class Stock:
    """How many units are free, by price tier and by area: ours, and those still in the venue."""

    ours_by_tier: Mapping[str, int] = field(default_factory=dict)
    ours_by_area: Mapping[str, int] = field(default_factory=dict)
    elsewhere_by_tier: Mapping[str, int] = field(default_factory=dict)
    elsewhere_by_area: Mapping[str, int] = field(default_factory=dict)

    def in_tier(self, tier_id: str, *, ours_only: bool) -> int:
        """Free units of a tier that this window can sell or ask for."""
        ours = self.ours_by_tier.get(tier_id, 0)
        return ours if ours_only else ours + self.elsewhere_by_tier.get(tier_id, 0)

    def in_area(self, area_id: str, *, ours_only: bool) -> int:
        """Free units of an area that this window can sell or ask for."""
        ours = self.ours_by_area.get(area_id, 0)
        return ours if ours_only else ours + self.elsewhere_by_area.get(area_id, 0)

    def total(self, *, ours_only: bool) -> int:
        """Free units of the performance that this window can sell or ask for."""
        ours = sum(self.ours_by_tier.values())
        return ours if ours_only else ours + sum(self.elsewhere_by_tier.values())


def count_stock(house: House, states: Mapping[int, UnitState]) -> Stock:
    """Count what is free. Touches every unit once: call it on a worker thread."""
    ours_by_tier: dict[str, int] = {}
    ours_by_area: dict[str, int] = {}
    elsewhere_by_tier: dict[str, int] = {}
    elsewhere_by_area: dict[str, int] = {}
    for area in house.plan.areas:
        for unit in area.units:
            state = states.get(unit, UnitState.ELSEWHERE)
            if state is UnitState.FREE:
                by_tier, by_area = ours_by_tier, ours_by_area
            elif state in (UnitState.ELSEWHERE, UnitState.ASKING):
                by_tier, by_area = elsewhere_by_tier, elsewhere_by_area
            else:
                continue
            tier_id = house.event.tier_of(unit)
            by_tier[tier_id] = by_tier.get(tier_id, 0) + 1
            by_area[area.id] = by_area.get(area.id, 0) + 1
    return Stock(ours_by_tier, ours_by_area, elsewhere_by_tier, elsewhere_by_area)


@dataclass(frozen=True, slots=True)
class SellState:
    """The sell screen. `wishes` are (performance, unit) asked for and not answered yet.

    `change` is the sale just made, shown until the cashier does the next thing; `last_sale` stays.
    `firm` are (performance, unit) in the basket that were acquired for it: unpaid, they go back at
    `hold_until`.
    """

    house: House | None = None
    version: int = 0
    states: Mapping[int, UnitState] = field(default_factory=dict)
    stock: Stock = field(default_factory=Stock)
    basket: Basket | None = None
    wishes: frozenset[tuple[int, int]] = frozenset()
    quantity: int = DEFAULT_QUANTITY
    tier_id: str | None = None  # the price tier filtered by
    status: SyncStatus = NO_CONTACT_YET
    finding: bool = False  # best seats are being looked for
    paying: bool = False  # a payment is being recorded: nothing may touch the basket
    change: Sold | None = None
    last_sale: Sold | None = None
    printing: frozenset[str] = frozenset()  # order ids
    unprinted_orders: tuple[UnprintedOrder, ...] = ()
    notice: Notice | None = None
    giving: Giving | None = None  # something is being given by hand for a line
    history: History = field(default_factory=History)
    toast: Toast | None = None  # what was just taken away, while it is offered back
    parked: tuple[Parked, ...] = ()  # the first to end at first
    parking: bool = False  # the basket is being put aside or taken out: nothing may touch it
    recalling: bool = False  # the list of parked baskets is open
    firm: frozenset[tuple[int, int]] = frozenset()
    hold_until: datetime | None = None
    payment: Payment = NO_PAYMENT  # parts of the basket that are paid and written down
    pay_panel: PayPanel | None = None
    late: LateSale | None = None  # a sale past the soft term waits for a second person's PIN
    now: datetime | None = None  # the minute whose prices are shown; None before the first

    @property
    def number(self) -> int:
        """The performance shown, 0 before one was opened."""
        return self.house.performance.number if self.house else 0

    @property
    def is_frozen(self) -> bool:
        """Whether the basket is with somebody else: being paid or put aside."""
        return self.paying or self.parking

    @property
    def offline(self) -> bool:
        """Whether only our own units can be sold."""
        return self.status.link is not Link.ONLINE

    @property
    def locked(self) -> bool:
        """Whether this window may not sell at all."""
        return self.status.link is Link.LOCKED

    @property
    def selected(self) -> frozenset[int]:
        """Units of the performance shown that are in the basket."""
        lines = self.basket.lines if self.basket else ()
        return frozenset(line.unit for line in lines if line.performance == self.number)

    @property
    def asking(self) -> frozenset[int]:
        """Units of the performance shown that were asked for."""
        return frozenset(unit for number, unit in self.wishes if number == self.number)

    @property
    def total_minor(self) -> int:
        """What the basket costs."""
        return self.basket.total_minor if self.basket else 0

    @property
    def rest_minor(self) -> int:
        """What is left to pay; below zero when more was recorded than the basket costs now."""
        return rest_minor(self.total_minor, self.payment)

    @property
    def cash_due_minor(self) -> int:
        """What the rest comes to in cash, where coins do not make every amount."""
        unit = self.house.venue.cash_unit_minor if self.house else 1
        return max(0, cash_due_minor(self.total_minor, self.payment, unit))

    @property
    def can_pay(self) -> bool:
        """Whether a payment may start: something to sell at a settled price, none in flight, not
        locked.
        """
        has_lines = self.basket is not None and bool(self.basket.lines)
        settled = self.basket is None or self.basket.is_settled
        return has_lines and settled and not self.is_frozen and not self.locked

    @property
    def unprinted(self) -> tuple[UnprintedOrder, ...]:
        """Orders that wait for paper; one at the printer right now does not count."""
        return tuple(one for one in self.unprinted_orders if one.order_id not in self.printing)

    def state_of(self, unit: int) -> UnitState:
        """What is known of a unit of the performance shown."""
        return self.states.get(unit, UnitState.ELSEWHERE)

    def pickable(self, units: Iterable[int], states: Iterable[UnitState]) -> list[int]:
        """Those of `units` in one of `states` and not in the basket yet."""
        wanted, selected = frozenset(states), self.selected
        return [unit for unit in units if unit not in selected and self.state_of(unit) in wanted]
