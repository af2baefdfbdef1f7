"""Selling: taps become basket lines, wishes and payments. Every intent returns at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pos_app.presenters.giving_by_hand import GivingByHand
from pos_app.presenters.history import Deed, History
from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.parking import Parking
from pos_app.presenters.paying import Paying
from pos_app.presenters.seat_query import find_seats, nearest_to_type, parse_seat
from pos_app.presenters.sell_board import SellBoard, nothing
from pos_app.presenters.sell_house import search
from pos_app.presenters.sell_state import QUANTITY_MAX
from pos_app.presenters.shown import Shown
from pos_app.presenters.tendering import Tendering
from pos_app.presenters.undoing import Undoing
from pos_app.presenters.wishes import Wishes
from pos_app.services.basket import change_ticket_type, priced_line
from pos_app.services.model import News, NewsKind, SyncStatus, UnitState
from ticketing.operations import clean_note

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.presenters.seat_field import SeatField
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import House
    from pos_app.services.till import TillServices

_NOT_TO_HAVE: Final = {
    UnitState.SOLD: Topic.SEAT_SOLD,
    UnitState.LENT: Topic.SEAT_LENT,
    UnitState.BLOCKED: Topic.SEAT_BLOCKED,
    UnitState.PARKED: Topic.SEAT_PARKED,
}


class SellPresenter:
    """The sell screen's mind. `run_printing` is a lane of its own: paper never delays a sale."""

    def __init__(self, services: TillServices, run: Run, run_printing: Run) -> None:
        self._board = SellBoard(services, run)
        self._shown = Shown(self._board)
        self._wishes = Wishes(self._board, self._shown.recount)
        self._giving = GivingByHand(self._board)
        self._parking = Parking(self._board, self._shown)
        self._undoing = Undoing(self._board, self._wishes, self._parking)
        self._paying = Paying(self._board, run_printing, self.refresh, self._shown.renew)
        self.tendering = Tendering(self._board, self._paying)
        self.open = self._shown.open
        self.begin_giving = self._giving.begin
        self.give = self._giving.give
        self.take_back = self._giving.take_back
        self.approve = self._giving.approve
        self.stop_giving = self._giving.stop
        self.pay_cash = self._paying.pay_cash
        self.approve_late = self._paying.late.approve
        self.stop_late = self._paying.late.stop
        self.print_waiting = self._paying.print_waiting
        self.reprint_last = self._paying.reprint_last
        self.park_or_recall = self._parking.park_or_recall
        self.list_parked = self._parking.open_list
        self.close_parked = self._parking.close
        self.recall = self._parking.recall
        self.extend_parked = self._parking.extend
        self.give_back_parked = self._parking.give_back
        self.extend_hold = self._wishes.extend
        self.undo = self._undoing.undo
        self.redo = self._undoing.redo
        self.watch = self._board.watch
        self.say = self._board.say

    @property
    def state(self) -> SellState:
        """The state now."""
        return self._board.state

    @property
    def field(self) -> SeatField | None:
        """Where the seats of the performance shown lie."""
        return self._shown.field

    def refresh(self) -> None:
        """Read everything that may have changed while nobody looked."""
        self.refresh_status()
        self._shown.recount()
        self._paying.read_unprinted()
        self._parking.load()

    def sync_now(self) -> None:
        """Have what waits for the server sent at once."""
        self._board.run(self._board.services.sync_now, nothing, self._board.fail)
        self.refresh_status()

    def refresh_status(self) -> None:
        """Read link and queue."""
        self._board.run(self._board.services.status, self._show_status, self._board.fail)

    def on_news(self, news: News) -> None:
        """Take a piece of news; on the presenter's thread."""
        match news.kind:
            case NewsKind.STATUS:
                self.refresh_status()
            case NewsKind.DEVICES:
                self._paying.read_unprinted()
            case NewsKind.CATALOGUE:
                self._shown.renew()
            case NewsKind.AVAILABILITY if news.performance == self.state.number:
                self._shown.recount(news.version)
            case NewsKind.GRANTED:
                self._wishes.granted(news)
            case NewsKind.NOT_GRANTED:
                self._wishes.not_granted(news)
            case NewsKind.SYNCED:
                self._board.become(
                    replace(self.state, notice=Notice(Topic.SYNCED, count=news.count))
                )
                self.refresh_status()
            case _:
                pass

    # ------------------------------------------------------------------------------- choosing

    def tap_unit(self, unit: int) -> None:
        """Pick a seat, put it back, ask for it, or say why none of these can be."""
        state = self.state
        if state.house is None or state.is_frozen:
            return
        self._board.did(replace(self.state, notice=None))
        if unit in state.selected:
            self.remove_line(state.number, unit)
        elif unit in state.asking:
            self._wishes.forget([unit])
        elif (topic := _NOT_TO_HAVE.get(state.state_of(unit))) is not None:
            self._board.say(Notice(topic, units=(unit,), offer=self._board.nearest_free(unit)))
        elif state.state_of(unit) is UnitState.FREE:
            self._board.add([unit])
        else:
            self._wishes.ask([unit])

    def seek(self, text: str, near: int | None) -> int | None:
        """The seat that somebody types; of several the one in the area of `near`."""
        house, query = self.state.house, parse_seat(text)
        if house is None or query is None:
            return None
        return nearest_to_type(find_seats(house.plan, query), house.plan, near)

    def pick_typed(self, text: str, near: int | None) -> bool:
        """Pick the seat that was typed, or say that there is none; False then."""
        unit = self.seek(text, near)
        if unit is None:
            self._board.did(replace(self.state, notice=Notice(Topic.NO_SUCH_SEAT, code=text)))
        elif unit not in self.state.selected:  # typed once more, it is still wanted
            self.tap_unit(unit)
        return unit is not None

    def take_offer(self) -> None:
        """Take the seat that a notice offers."""
        notice = self.state.notice
        if notice is not None and notice.offer is not None:
            if notice.topic is Topic.STILL_ASKING:  # instead of those, not beside them
                self._wishes.forget(notice.units)
            self.tap_unit(notice.offer)

    def best_together(self) -> None:
        """Pick the best seats together, our own first, then any that can be asked for."""
        state = self.state
        if state.house is None or state.is_frozen or state.finding:
            return
        if not state.house.plan.seats:  # nobody has a place of their own: any will do
            self.add_standing(_roomiest(state, state.house))
            return
        self._used_quantity()
        self._board.did(replace(self.state, notice=None, finding=True))
        look = partial(search, self.state, state.house, self._shown.index)
        self._board.run(look, partial(self._found, state.number), self._board.fail)

    def add_standing(self, area_id: str) -> None:
        """Pick as many places of a standing area as the quantity says."""
        state = self.state
        area = state.house.plan.area(area_id) if state.house else None
        if area is None or state.is_frozen:
            return
        self._used_quantity()
        self._board.did(replace(self.state, notice=None))
        ours = state.pickable(area.units, {UnitState.FREE})[: state.quantity]
        missing = state.quantity - len(ours)
        others = state.pickable(area.units, {UnitState.ELSEWHERE})[:missing] if missing else []
        if state.offline or len(others) < missing:
            others = [] if state.offline else others
            could = len(ours) + len(others)
            if could < state.quantity:
                self._board.say(Notice(Topic.TOO_FEW_PLACES, code=area_id, count=could))
                return
        self._board.add(ours)
        if others:
            self._wishes.ask(others)

    def set_quantity(self, quantity: int) -> None:
        """How many seats `best_together` and `add_standing` pick; kept for the event once used."""
        self._board.become(replace(self.state, quantity=min(max(quantity, 1), QUANTITY_MAX)))

    def filter_tier(self, tier_id: str) -> None:
        """Look at one price tier only; the same one again shows all."""
        kept = None if self.state.tier_id == tier_id else tier_id
        self._board.become(replace(self.state, tier_id=kept))

    def change_type(self, number: int, unit: int, ticket_type_id: str) -> None:
        """Sell a line to another kind of buyer."""
        state = self.state
        if state.basket is None or state.house is None or state.is_frozen:
            return
        event = state.house.event
        if priced_line(event, number, unit, ticket_type_id) is None:
            self._board.say(Notice(Topic.TYPE_NOT_SOLD, code=ticket_type_id, units=(unit,)))
            return
        basket = change_ticket_type(state.basket, event, number, unit, ticket_type_id)
        self._board.edit(Deed.TYPE, replace(self.state, basket=basket, notice=None))

    def remove_line(self, number: int, unit: int) -> None:
        """Take a line out of the basket and give its unit back."""
        state = self.state
        if state.basket is None or state.is_frozen or not state.basket.has(number, unit):
            return
        basket = state.basket.without(number, unit)
        self._board.edit(Deed.REMOVE, replace(state, basket=basket, notice=None))
        self._board.give_back(number, [unit])

    def clear(self) -> None:
        """Empty the basket, give its units back and forget what was asked for."""
        state = self.state
        if state.is_frozen:
            return
        self._drop_basket()
        self._board.did(replace(self.state, notice=None, wishes=frozenset()))

    def start_over(self) -> None:
        """Empty the basket for something else than a sale; nothing of it can be undone."""
        self.clear()
        if not self.state.is_frozen:
            self._board.become(replace(self.state, history=History(), toast=None))

    def set_aside(self) -> None:
        """Put the basket aside before something else begins, and begin with an empty one."""
        if self.state.basket is not None and self.state.basket.lines:
            self._parking.park(self.start_over, self.start_over)
        else:
            self.start_over()

    def park_and_open(self) -> None:
        """Put the basket aside and show the performance that a notice is about."""
        notice = self.state.notice
        if notice is not None and notice.topic is Topic.OTHER_EVENT:
            self._parking.park(partial(self.open, int(notice.code)))

    def write_note(self, text: str) -> None:
        """Say something about the order, for whoever looks at it later; one line."""
        basket = self.state.basket
        if basket is not None and not self.state.is_frozen:
            note = clean_note(text)
            self._board.did(replace(self.state, basket=replace(basket, note=note)))

    def tick(self) -> None:
        """A second has passed."""
        toast = self.state.toast
        if toast is not None:
            left = replace(toast, left_s=toast.left_s - 1) if toast.left_s > 1 else None
            self._board.become(replace(self.state, toast=left))
        self._wishes.tick()
        self._parking.tick()
        self._renew_prices()
        minute = self._board.services.now().replace(second=0, microsecond=0)
        if self.state.house is not None and self.state.now != minute:
            self._board.become(replace(self.state, now=minute))

    def _renew_prices(self) -> None:
        """Rules begin and end with a minute."""
        basket = self.state.basket
        if (
            not self._board.is_new_minute()
            or basket is None
            or not basket.lines
            or self.state.is_frozen
        ):
            return
        self._board.become(replace(self.state, basket=replace(basket, quote=None)))
        renewed = self.state.basket
        if renewed is not None and renewed.total_minor != basket.total_minor:
            self._board.say(Notice(Topic.PRICES_RENEWED))

    def dismiss(self) -> None:
        """Close the notice, else the change screen."""
        if self.state.notice is not None:
            self._board.become(replace(self.state, notice=None))
        else:
            self._board.become(replace(self.state, change=None))

    # ------------------------------------------------------------------------- what came back

    def _used_quantity(self) -> None:
        """The number that seats were picked by is the event's from now on."""
        house, quantity = self.state.house, self.state.quantity
        if house is not None:
            work = partial(self._board.services.habits.note_quantity, house.event.id, quantity)
            self._board.run(work, nothing, self._board.fail)

    def _show_status(self, status: SyncStatus) -> None:
        self._board.become(replace(self.state, status=status))

    def _found(self, number: int, units: tuple[int, ...] | None) -> None:
        self._board.become(replace(self.state, finding=False))
        state = self.state
        if number != state.number or state.is_frozen:
            return
        if not units:
            self._board.say(Notice(Topic.NONE_TOGETHER, count=state.quantity))
            return
        ours = state.pickable(units, {UnitState.FREE})
        others = state.pickable(units, {UnitState.ELSEWHERE})
        if len(ours) + len(others) < len(units):  # some went while it was looked for: look again
            self.best_together()
            return
        self._board.add(ours)
        if others:
            self._wishes.ask(others)

    def _drop_basket(self) -> None:
        basket = self.state.basket
        if basket is None or not basket.lines:
            return
        emptied = replace(basket, lines=(), quote=None, note="")
        self._board.edit(Deed.CLEAR, replace(self.state, basket=emptied))
        self._board.give_back_lines(basket.lines)


def _roomiest(state: SellState, house: House) -> str:
    """The standing area with the most places to be had."""
    areas = (area.id for area in house.plan.areas)
    return max(areas, key=lambda area: state.stock.in_area(area, ours_only=state.offline))
