"""What all parts of the sell screen share: its state, its prices, and its way to the services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pos_app.presenters.giving import drop_unsettled
from pos_app.presenters.history import Deed, Step, Toast, changes_between
from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.observable import Observable
from pos_app.presenters.sell_state import SellState
from pos_app.services.basket import LINES_MAX, Basket, BasketLine, add_unit, reprice
from pos_app.services.model import Availability, UnitState
from pos_app.services.parking_model import HOLD_S
from pos_app.services.people import role_of
from ticketing.best_seats import nearest_free
from ticketing.pricing import Context

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.till import TillServices


class SellBoard(Observable[SellState]):
    """The state of the sell screen. Every basket that it shows is priced."""

    def __init__(self, services: TillServices, run: Run) -> None:
        super().__init__(SellState())
        self.services = services
        self.run = run
        self._lots: dict[tuple[int, int], str] = {}  # by (performance, unit)
        self._shares: Mapping[tuple[str, str], int] = {}
        self._priced_at = services.now()

    # ------------------------------------------------------------------------------ the state

    def become(self, state: SellState) -> None:
        """Show this state; its basket priced, and its seats counted down where they go back."""
        super()._become(self._timed(self.priced(state)))

    def did(self, state: SellState) -> None:
        """The cashier did something: the change screen has been read."""
        self.become(replace(state, change=None))

    def edit(self, deed: Deed, state: SellState) -> None:
        """The cashier changed the basket: it can be undone."""
        before = self.state.basket.picked if self.state.basket else ()
        after = state.basket.picked if state.basket else ()
        note = self.state.basket.note if self.state.basket and deed is Deed.CLEAR else ""
        step = Step(deed, changes_between(before, after), note=note)
        if step.changes:
            toast = Toast(step) if step.removed else None
            state = replace(state, history=state.history.did(step), toast=toast)
        self.did(state)

    def say(self, notice: Notice) -> None:
        """Tell the cashier one thing."""
        self.become(replace(self.state, notice=notice))

    def fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it. The basket stands."""
        self.become(replace(self.state, finding=False, notice=Notice(Topic.BROKEN)))

    # ----------------------------------------------------------------------------- the basket

    def add(self, units: Iterable[int], number: int | None = None) -> None:
        """Put units that are ours into the basket, as far as they have prices and there is room."""
        state = self.state
        if state.house is None or state.basket is None:
            return
        basket = state.basket
        for unit in units:
            grown = add_unit(basket, state.house.event, number or state.number, unit)
            if grown is basket and not basket.has(number or state.number, unit):
                full = len(basket.lines) >= LINES_MAX
                topic = Topic.BASKET_FULL if full else Topic.SEAT_HAS_NO_PRICE
                notice = Notice(topic, units=(unit,), count=LINES_MAX)
                self.edit(Deed.ADD, replace(self.state, basket=basket, notice=notice))
                return
            basket = grown
        self.edit(Deed.ADD, replace(self.state, basket=basket))

    def give_back_lines(self, lines: Iterable[BasketLine]) -> None:
        """These leave the basket unsold."""
        units: dict[int, list[int]] = {}
        for line in lines:
            units.setdefault(line.performance, []).append(line.unit)
        for number in sorted(units):
            self.give_back(number, units[number])

    def give_back(self, number: int, units: Sequence[int]) -> None:
        """These units leave the basket unsold."""
        self.run(lambda: self.services.give_back(number, units), nothing, self.fail)

    def holds_event_of(self, number: int) -> bool:
        """Whether a performance is of the event on screen."""
        house = self.state.house
        return house is not None and house.event.performance(number) is not None

    def nearest_free(self, unit: int) -> int | None:
        """The nearest seat of ours that could be had at once, of the same price if there is one."""
        state = self.state
        if state.house is None:
            return None
        plan, event = state.house.plan, state.house.event
        free = state.pickable((seat.unit for seat in plan.seats), {UnitState.FREE})
        tier_id = event.tier_of(unit)
        alike = [other for other in free if event.tier_of(other) == tier_id]
        found = nearest_free(plan, alike, unit, 1) or nearest_free(plan, free, unit, 1)
        return found[0] if found else None

    # ----------------------------------------------------------------------------- the prices

    def priced(self, state: SellState) -> SellState:
        """The state with its basket at the prices of now; one that was priced stays as it is."""
        basket, house = state.basket, state.house
        if basket is None or house is None or not basket.lines or basket.quote is not None:
            return state
        if state.is_frozen or basket.event_id != house.event.id:
            return state
        lines = tuple(
            replace(line, allotment=self._lots.get((line.performance, line.unit), line.allotment))
            for line in basket.lines
        )
        priced = reprice(replace(basket, lines=lines), house.event, self.context())
        notice = state.notice
        kept = drop_unsettled(priced)
        if kept is not priced:
            priced = reprice(kept, house.event, self.context())
            notice = Notice(Topic.GIVEN_DROPPED)
        giving = state.giving
        if giving is not None and not priced.has(giving.performance, giving.unit):
            giving = None
        return replace(state, basket=priced, notice=notice, giving=giving)

    def _timed(self, state: SellState) -> SellState:
        """The state with the countdown of the seats that were acquired for its basket."""
        places = {line.picked.place for line in state.basket.lines} if state.basket else set()
        firm = state.firm & places
        if firm == state.firm and bool(firm) is (state.hold_until is not None):
            return state
        until = state.hold_until or self.services.now() + timedelta(seconds=HOLD_S)
        return replace(state, firm=firm, hold_until=until if firm else None)

    def unpriced(self) -> Basket | None:
        """The basket, to be priced again; while it is with somebody else it stays."""
        basket = self.state.basket
        return basket if basket is None or self.state.is_frozen else replace(basket, quote=None)

    def context(self) -> Context:
        """When, by whom and with which shares it is priced."""
        person, now = self.services.signed_in, self.services.now()
        self._priced_at = now
        return Context(now, role_of(person), person.id if person else "", self._shares)

    def is_new_minute(self) -> bool:
        """Whether a minute has begun since prices were last asked for."""
        return self.services.now().replace(second=0, microsecond=0) > self._priced_at

    def learn(self, availability: Availability) -> None:
        """Know in which allotments our units are lent, and what is left of the shares."""
        number = availability.performance
        self._lots = {key: lot for key, lot in self._lots.items() if key[0] != number}
        self._lots |= {(number, unit): lot for unit, lot in availability.lots.items()}
        self._shares = availability.shares


def nothing(_result: object) -> None:
    """For work whose answer comes as news."""
