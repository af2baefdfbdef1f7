"""The performance on screen: read, renewed, and counted anew when something changes."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.sell_board import nothing
from pos_app.presenters.sell_house import Counted, Opened, count, differ, read_house, repriced
from pos_app.services.basket import empty_basket

if TYPE_CHECKING:
    from pos_app.presenters.seat_field import SeatField
    from pos_app.presenters.sell_board import SellBoard
    from pos_app.presenters.sell_state import SellState
    from ticketing.best_seats import SeatIndex


class Shown:
    """One performance at a time. `field` and `index` say where its seats lie."""

    def __init__(self, board: SellBoard) -> None:
        self._board = board
        self.field: SeatField | None = None
        self.index: SeatIndex | None = None
        self._counting = False  # an availability is on its way
        self._missing: float = 0  # and one of a lower version than this is out of date

    def open(self, number: int) -> None:
        """Show a performance. A basket of another event stays, and so does its performance."""
        self._board.did(replace(self._board.state, notice=None))
        self._board.run(lambda: self.read(number), self._show_house, self._board.fail)

    def renew(self) -> None:
        """Read the catalogue of the performance shown anew."""
        if self._board.state.house is not None:
            number = self._board.state.number
            self._board.run(lambda: self.read(number), self._show_renewed, self._board.fail)

    def recount(self, version: int | None = None) -> None:
        """One reading at a time; changes meanwhile lead to one more, not to a queue of them.

        None, where what was read knows of that `version` already: a sale's own reading comes
        before the news of the sale, and each looks at every unit.
        """
        house = self._board.state.house
        if house is None or (version is not None and version <= self._board.state.version):
            return
        if self._counting:
            self._missing = max(self._missing, inf if version is None else version)
            return
        self._counting = True
        self._board.run(
            lambda: count(self._board.services, house), self._show_availability, self._fail_counting
        )

    def _show_house(self, opened: Opened) -> None:
        house, state = opened.house, self._board.state
        basket = state.basket
        if basket is not None and basket.event_id != house.event.id:
            if basket.lines:
                wanted = str(house.performance.number)
                self._board.say(Notice(Topic.OTHER_EVENT, code=wanted))
                return
            basket = None
        basket = basket or empty_basket(house.event)
        self._board.become(replace(self.showing(opened), basket=basket, tier_id=None))
        number = house.performance.number
        self._board.run(lambda: self._board.services.stock(number), nothing, self._board.fail)

    def _show_renewed(self, opened: Opened) -> None:
        house, state = opened.house, self._board.state
        if house.performance.number != state.number:
            return
        before = self.showing(opened)
        kept = state.basket if state.is_frozen else repriced(state.basket, house)
        renewed = self._board.priced(replace(before, basket=kept)).basket
        is_other = state.basket is not None and differ(renewed, state.basket)
        refused = state.notice is not None and state.notice.topic is Topic.SALE_REFUSED
        notice = Notice(Topic.PRICES_RENEWED) if is_other and not refused else state.notice
        self._board.become(replace(before, basket=renewed, notice=notice))

    def showing(self, opened: Opened) -> SellState:
        """The state with this performance on screen. Of another event, nothing is undone."""
        state, house = self._board.state, opened.house
        self.field, self.index = opened.field, opened.index
        self._board.learn(opened.availability)
        if state.house is None or state.house.event.id != house.event.id:
            history = state.history.only_parking()
            state = replace(state, quantity=opened.quantity, tier_id=None, history=history)
        return replace(
            state,
            now=self._board.services.now().replace(second=0, microsecond=0),
            house=house,
            version=opened.availability.version,
            states=opened.availability.states,
            stock=opened.stock,
        )

    def _show_availability(self, counted: Counted) -> None:
        self._counting = False
        availability, stock = counted
        if availability.performance == self._board.state.number:
            self._board.learn(availability)
            self._board.become(
                replace(
                    self._board.state,
                    basket=self._board.unpriced(),
                    version=availability.version,
                    states=availability.states,
                    stock=stock,
                )
            )
        missing, self._missing = self._missing, 0
        if missing > availability.version:
            self.recount()

    def _fail_counting(self, error: Exception) -> None:
        self._counting, self._missing = False, 0
        self._board.fail(error)

    def read(self, number: int) -> Opened:
        """Read a performance; on a worker."""
        return read_house(self._board.services, number, self.field, self.index)
