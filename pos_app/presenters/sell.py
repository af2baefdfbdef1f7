"""Selling: taps become basket lines, wishes and payments. Every intent returns at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pos_app.presenters.giving import (
    Denied,
    Given,
    Giving,
    Waiting,
    approved,
    begin_giving,
    can_approve,
    drop_unsettled,
    try_giving,
)
from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.observable import Observable
from pos_app.presenters.seat_field import SeatField
from pos_app.presenters.sell_state import QUANTITY_MAX, SellState, Stock, count_stock
from pos_app.services.basket import (
    LINES_MAX,
    Basket,
    BasketLine,
    add_unit,
    change_ticket_type,
    empty_basket,
    give_by_hand,
    priced_line,
    reprice,
)
from pos_app.services.model import (
    Availability,
    House,
    Link,
    News,
    NewsKind,
    Person,
    PrintOutcome,
    PrintResult,
    SaleRefusal,
    SaleRefused,
    SignInRefused,
    Sold,
    SyncStatus,
    UnitState,
    UnprintedOrder,
)
from pos_app.services.people import role_of
from ticketing.best_seats import SeatIndex, best_seats, nearest_free
from ticketing.pricing import Context, Role

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.till import TillServices

_NOT_TO_HAVE: Final = {
    UnitState.SOLD: Topic.SEAT_SOLD,
    UnitState.LENT: Topic.SEAT_LENT,
    UnitState.BLOCKED: Topic.SEAT_BLOCKED,
}
_TAKEN_OUT: Final = frozenset(
    {SaleRefusal.UNIT_NOT_OURS, SaleRefusal.TERM_OVER, SaleRefusal.LATE_LIMIT}
)
"""Refusals whose units leave the basket."""

Counted = tuple[Availability, Stock]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A performance as the worker read it."""

    house: House
    availability: Availability
    stock: Stock
    field: SeatField
    index: SeatIndex


class SellPresenter(Observable[SellState]):
    """The sell screen's mind. `run_printing` is a lane of its own: paper never delays a sale."""

    def __init__(self, services: TillServices, run: Run, run_printing: Run) -> None:
        super().__init__(SellState())
        self._services = services
        self._run = run
        self._run_printing = run_printing
        self._field: SeatField | None = None
        self._index: SeatIndex | None = None
        self._counting = False  # an availability is on its way
        self._stale = False  # and it will be out of date when it is here
        self._lots: dict[tuple[int, int], str] = {}  # by (performance, unit)
        self._shares: Mapping[tuple[str, str], int] = {}
        self._priced_at = services.now()

    @property
    def field(self) -> SeatField | None:
        """Where the seats of the performance shown lie."""
        return self._field

    # ------------------------------------------------------------------ the performance shown

    def open(self, number: int) -> None:
        """Show a performance. A basket of another event stays, and so does its performance."""
        self._did(replace(self.state, notice=None))
        self._run(lambda: self._read_house(number), self._show_house, self._fail)

    def refresh(self) -> None:
        """Read everything that may have changed while nobody looked."""
        self.refresh_status()
        self._refresh_availability()
        self._run(self._services.unprinted, self._show_unprinted, self._fail)

    def refresh_status(self) -> None:
        """Read link and queue."""
        self._run(self._services.status, self._show_status, self._fail)

    def on_news(self, news: News) -> None:
        """Take a piece of news; on the presenter's thread."""
        match news.kind:
            case NewsKind.STATUS:
                self.refresh_status()
            case NewsKind.CATALOGUE:
                self._renew_house()
            case NewsKind.AVAILABILITY if news.performance == self.state.number:
                self._refresh_availability()
            case NewsKind.GRANTED:
                self._granted(news)
            case NewsKind.NOT_GRANTED:
                self._not_granted(news)
            case NewsKind.SYNCED:
                self._become(replace(self.state, notice=Notice(Topic.SYNCED, count=news.count)))
                self.refresh_status()
            case _:
                pass

    # ------------------------------------------------------------------------------- choosing

    def tap_unit(self, unit: int) -> None:
        """Pick a seat, put it back, ask for it, or say why none of these can be."""
        state = self.state
        if state.house is None or state.paying:
            return
        self._did(replace(self.state, notice=None))
        if unit in state.selected:
            self.remove_line(state.number, unit)
        elif unit in state.asking:
            self._forget_wishes([unit])
        elif (topic := _NOT_TO_HAVE.get(state.state_of(unit))) is not None:
            self._say(Notice(topic, units=(unit,), offer=self._nearest_free(unit)))
        elif state.state_of(unit) is UnitState.FREE:
            self._add([unit])
        else:
            self._ask([unit])

    def take_offer(self) -> None:
        """Take the seat that a notice offers."""
        notice = self.state.notice
        if notice is not None and notice.offer is not None:
            self.tap_unit(notice.offer)

    def best_together(self) -> None:
        """Pick the best seats together, our own first, then any that can be asked for."""
        state = self.state
        if state.house is None or state.paying or state.finding:
            return
        self._did(replace(self.state, notice=None, finding=True))
        search = partial(_search, self.state, state.house, self._index)
        self._run(search, partial(self._found, state.number), self._fail)

    def add_standing(self, area_id: str) -> None:
        """Pick as many places of a standing area as the quantity says."""
        state = self.state
        area = state.house.plan.area(area_id) if state.house else None
        if area is None or state.paying:
            return
        self._did(replace(self.state, notice=None))
        ours = state.pickable(area.units, {UnitState.FREE})[: state.quantity]
        missing = state.quantity - len(ours)
        others = state.pickable(area.units, {UnitState.ELSEWHERE})[:missing] if missing else []
        if state.offline or len(others) < missing:
            others = [] if state.offline else others
            could = len(ours) + len(others)
            if could < state.quantity:
                self._say(Notice(Topic.TOO_FEW_PLACES, code=area_id, count=could))
                return
        self._add(ours)
        if others:
            self._ask(others)

    def set_quantity(self, quantity: int) -> None:
        """How many seats `best_together` and `add_standing` pick; kept from sale to sale."""
        self._become(replace(self.state, quantity=min(max(quantity, 1), QUANTITY_MAX)))

    def filter_tier(self, tier_id: str) -> None:
        """Look at one price tier only; the same one again shows all."""
        kept = None if self.state.tier_id == tier_id else tier_id
        self._become(replace(self.state, tier_id=kept))

    def change_type(self, number: int, unit: int, ticket_type_id: str) -> None:
        """Sell a line to another kind of buyer."""
        state = self.state
        if state.basket is None or state.house is None or state.paying:
            return
        event = state.house.event
        if priced_line(event, number, unit, ticket_type_id) is None:
            self._say(Notice(Topic.TYPE_NOT_SOLD, code=ticket_type_id, units=(unit,)))
            return
        basket = change_ticket_type(state.basket, event, number, unit, ticket_type_id)
        self._did(replace(self.state, basket=basket, notice=None))

    def remove_line(self, number: int, unit: int) -> None:
        """Take a line out of the basket and give its unit back."""
        state = self.state
        if state.basket is None or state.paying or not state.basket.has(number, unit):
            return
        self._did(replace(self.state, basket=state.basket.without(number, unit), notice=None))
        self._give_back(number, [unit])

    def clear(self) -> None:
        """Empty the basket, give its units back and forget what was asked for."""
        state = self.state
        if state.paying:
            return
        self._drop_basket()
        self._did(replace(self.state, notice=None, wishes=frozenset()))

    def tick(self) -> None:
        """Time passes: rules begin and end with a minute."""
        now = self._services.now()
        is_same = now.replace(second=0, microsecond=0) <= self._priced_at
        basket = self.state.basket
        if is_same or basket is None or not basket.lines or self.state.paying:
            return
        self._become(replace(self.state, basket=replace(basket, quote=None)))
        renewed = self.state.basket
        if renewed is not None and renewed.total_minor != basket.total_minor:
            self._say(Notice(Topic.PRICES_RENEWED))

    # ------------------------------------------------------------------------ given by hand

    def begin_giving(self, number: int, unit: int) -> None:
        """Show what may be given for a line."""
        state = self.state
        line = state.basket.line(number, unit) if state.basket else None
        if line is None or state.house is None or state.paying:
            return
        role = role_of(self._services.signed_in)
        giving = begin_giving(state.house.event, line, role)
        self._did(replace(self.state, giving=giving, notice=None))

    def give(self, given: Given) -> None:
        """Give it, ask for an approval, or say why it may not be."""
        state, giving = self.state, self.state.giving
        if giving is None or state.basket is None or state.house is None or state.paying:
            return
        event = state.house.event
        tried = try_giving(state.basket, event, giving, given, self._context())
        quote, key = tried.quote, f"{giving.performance}:{giving.unit}"
        assert quote is not None, "it was just priced"
        refused = next((each for each in quote.refused if each.key == key), None)
        needed = next((each for each in quote.approvals if each.key == key), None)
        if refused is not None:
            self._become(replace(state, giving=replace(giving, waiting=None)))
            self._say(Notice(Topic.NOT_GIVEN, code=refused.refusal))
        elif needed is not None:
            self._wait_for(giving, given, needed.role)
        else:
            self._did(replace(state, basket=tried, giving=None, notice=None))

    def take_back(self) -> None:
        """The line costs what the rules say."""
        state, giving = self.state, self.state.giving
        if giving is not None and state.basket is not None and not state.paying:
            basket = give_by_hand(state.basket, giving.performance, giving.unit, None)
            self._did(replace(state, basket=basket, giving=None, notice=None))

    def approve(self, person_id: str, pin: str) -> None:
        """A second person lets it be, by their PIN."""
        waiting = self.state.giving.waiting if self.state.giving else None
        if waiting is None or waiting.checking:
            return
        self._change_waiting(replace(waiting, checking=True, refused=None))
        check = partial(self._services.approve, person_id, pin)
        self._run(check, self._checked, self._fail_giving)

    def stop_giving(self) -> bool:
        """Go back, from the approval to the reasons or from these; False when nothing was open."""
        giving = self.state.giving
        if giving is None:
            return False
        back = replace(giving, waiting=None) if giving.waiting else None
        self._become(replace(self.state, giving=back))
        return True

    def _wait_for(self, giving: Giving, given: Given, role: Role) -> None:
        waiting = Waiting(given, role)
        self._become(replace(self.state, giving=replace(giving, waiting=waiting)))

        def show(people: tuple[Person, ...]) -> None:
            now = self.state.giving.waiting if self.state.giving else None
            if now is not None and now.given == given:
                able = can_approve(people, role, self._services.signed_in)
                self._change_waiting(replace(now, people=able))

        self._run(self._services.people, show, self._fail_giving)

    def _checked(self, answer: Person | SignInRefused) -> None:
        waiting = self.state.giving.waiting if self.state.giving else None
        if waiting is None:  # somebody went back meanwhile
            return
        seller = self._services.signed_in
        refused: SignInRefused | Denied | None = None
        if isinstance(answer, SignInRefused):
            refused = answer
        elif seller is not None and answer.id == seller.id:
            refused = Denied.SAME_PERSON
        elif not role_of(answer).covers(waiting.role):
            refused = Denied.ROLE
        self._change_waiting(replace(waiting, checking=False, refused=refused))
        if refused is None and not isinstance(answer, SignInRefused):
            self.give(approved(waiting.given, answer))

    def _change_waiting(self, waiting: Waiting) -> None:
        giving = self.state.giving
        if giving is not None:
            self._become(replace(self.state, giving=replace(giving, waiting=waiting)))

    def _fail_giving(self, error: Exception) -> None:
        self._become(replace(self.state, giving=None))
        self._fail(error)

    def dismiss(self) -> None:
        """Close the notice, else the change screen."""
        if self.state.notice is not None:
            self._become(replace(self.state, notice=None))
        else:
            self._become(replace(self.state, change=None))

    # ------------------------------------------------------------------------ paying, printing

    def pay_cash(self, tendered_minor: int | None = None) -> None:
        """Sell the basket for cash, exactly paid when no amount is given. One at a time."""
        state = self.state
        if state.paying:
            return
        if state.basket is None or not state.basket.lines:
            if state.change is None:  # else the key was pressed once too often: all is done
                self._say(Notice(Topic.SALE_REFUSED, code=SaleRefusal.EMPTY))
            return
        basket = state.basket
        tendered = basket.total_minor if tendered_minor is None else tendered_minor
        self._did(replace(self.state, paying=True, notice=None))
        self._run(
            lambda: self._services.pay_cash(basket, tendered), self._paid, self._payment_broke
        )

    def print_waiting(self) -> None:
        """Print every order that was sold and has no paper yet."""
        for order in self.state.unprinted:
            self._print(order.order_id)

    # ------------------------------------------------------------------------- what came back

    def _show_house(self, opened: _Opened) -> None:
        house, state = opened.house, self.state
        basket = state.basket
        if basket is not None and basket.event_id != house.event.id:
            if basket.lines:
                self._say(Notice(Topic.OTHER_EVENT))
                return
            basket = None
        basket = basket or empty_basket(house.event)
        self._become(replace(self._with(opened), basket=basket, tier_id=None))
        number = house.performance.number
        self._run(lambda: self._services.stock(number), _nothing, self._fail)

    def _renew_house(self) -> None:
        if self.state.house is not None:
            number = self.state.number
            self._run(lambda: self._read_house(number), self._show_renewed, self._fail)

    def _show_renewed(self, opened: _Opened) -> None:
        house, state = opened.house, self.state
        if house.performance.number != state.number:
            return
        before = self._with(opened)
        kept = state.basket if state.paying else _repriced(state.basket, house)
        renewed = self._priced(replace(before, basket=kept)).basket
        repriced = state.basket is not None and _differ(renewed, state.basket)
        refused = state.notice is not None and state.notice.topic is Topic.SALE_REFUSED
        notice = Notice(Topic.PRICES_RENEWED) if repriced and not refused else state.notice
        self._become(replace(before, basket=renewed, notice=notice))

    def _with(self, opened: _Opened) -> SellState:
        self._field, self._index = opened.field, opened.index
        self._learn(opened.availability)
        return replace(
            self.state,
            house=opened.house,
            version=opened.availability.version,
            states=opened.availability.states,
            stock=opened.stock,
        )

    def _refresh_availability(self) -> None:
        """One reading at a time; changes meanwhile lead to one more, not to a queue of them."""
        house = self.state.house
        if house is None:
            return
        if self._counting:
            self._stale = True
            return
        self._counting = True
        self._run(lambda: self._count(house), self._show_availability, self._fail_counting)

    def _show_availability(self, counted: Counted) -> None:
        self._counting = False
        availability, stock = counted
        if availability.performance == self.state.number:
            self._learn(availability)
            self._become(
                replace(
                    self.state,
                    basket=self._unpriced(),
                    version=availability.version,
                    states=availability.states,
                    stock=stock,
                )
            )
        if self._stale:
            self._stale = False
            self._refresh_availability()

    def _fail_counting(self, error: Exception) -> None:
        self._counting = self._stale = False
        self._fail(error)

    def _show_status(self, status: SyncStatus) -> None:
        self._become(replace(self.state, status=status))

    def _show_unprinted(self, orders: tuple[UnprintedOrder, ...]) -> None:
        self._become(replace(self.state, unprinted_orders=orders))

    def _found(self, number: int, units: tuple[int, ...] | None) -> None:
        self._become(replace(self.state, finding=False))
        state = self.state
        if number != state.number or state.paying:
            return
        if not units:
            self._say(Notice(Topic.NONE_TOGETHER, count=state.quantity))
            return
        self._add(state.pickable(units, {UnitState.FREE}))
        others = state.pickable(units, {UnitState.ELSEWHERE})
        if others:
            self._ask(others)

    def _granted(self, news: News) -> None:
        """Units are ours: into the basket with those still wished for, back with the others."""
        wanted = [unit for unit in news.units if (news.performance, unit) in self.state.wishes]
        held = self.state.basket
        unwanted = [
            unit
            for unit in news.units
            if unit not in wanted and not (held and held.has(news.performance, unit))
        ]
        wishes = self.state.wishes - {(news.performance, unit) for unit in wanted}
        self._become(replace(self.state, wishes=wishes))
        if self.state.paying or not self._holds_event_of(news.performance):
            unwanted, wanted = [*unwanted, *wanted], []
        self._add(wanted, number=news.performance)
        if unwanted:
            self._give_back(news.performance, unwanted)
        self._refresh_availability()

    def _not_granted(self, news: News) -> None:
        wished = [unit for unit in news.units if (news.performance, unit) in self.state.wishes]
        wishes = self.state.wishes - {(news.performance, unit) for unit in wished}
        self._become(replace(self.state, wishes=wishes))
        if wished and news.performance == self.state.number:
            offer = self._nearest_free(wished[0])
            self._say(Notice(Topic.NOT_GRANTED, code=news.reason, units=tuple(wished), offer=offer))
        self._refresh_availability()

    def _paid(self, answer: Sold | SaleRefused) -> None:
        if isinstance(answer, SaleRefused):
            self._refused(answer)
            return
        state = self.state
        basket = empty_basket(state.house.event) if state.house else None
        self._become(
            replace(
                state, paying=False, basket=basket, change=answer, last_sale=answer, notice=None
            )
        )
        self._print(answer.order_id)
        self.refresh()

    def _refused(self, refused: SaleRefused) -> None:
        """Nothing was sold. Take out what cannot be, so that the rest can be paid at once."""
        basket = self.state.basket
        if basket is not None and refused.reason in _TAKEN_OUT:
            kept = tuple(line for line in basket.lines if line.unit not in refused.units)
            self._give_back_lines(line for line in basket.lines if line.unit in refused.units)
            basket = replace(basket, lines=kept, quote=None)
        notice = Notice(Topic.SALE_REFUSED, code=refused.reason, units=refused.units)
        self._become(replace(self.state, paying=False, basket=basket, notice=notice))
        if refused.reason is SaleRefusal.PRICE_CHANGED:
            self._renew_house()
        self.refresh()

    def _payment_broke(self, _error: Exception) -> None:
        """Whether the sale was recorded is unknown here: what waits for paper will tell."""
        self._become(replace(self.state, paying=False, notice=Notice(Topic.PAYMENT_BROKEN)))
        self.refresh()

    def _print(self, order_id: str) -> None:
        if order_id in self.state.printing:
            return
        self._become(replace(self.state, printing=self.state.printing | {order_id}))

        def failed(_error: Exception) -> None:
            self._printed(PrintResult(order_id, PrintOutcome.FAILED, 0))

        self._run_printing(lambda: self._services.print_order(order_id), self._printed, failed)

    def _printed(self, result: PrintResult) -> None:
        printing = self.state.printing - {result.order_id}
        kept = self.state.unprinted_orders
        if result.outcome is PrintOutcome.PRINTED:
            kept = tuple(one for one in kept if one.order_id != result.order_id)
        self._become(replace(self.state, printing=printing, unprinted_orders=kept))
        if result.outcome is PrintOutcome.FAILED:
            self._say(Notice(Topic.NOT_PRINTED, count=result.ticket_count))
        self._run(self._services.unprinted, self._show_unprinted, self._fail)

    # ------------------------------------------------------------------------------ the basket

    def _add(self, units: Iterable[int], number: int | None = None) -> None:
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
                self._did(replace(self.state, basket=basket, notice=notice))
                return
            basket = grown
        self._did(replace(self.state, basket=basket))

    def _ask(self, units: Sequence[int]) -> None:
        state = self.state
        if state.status.link in (Link.OFFLINE, Link.LOCKED):
            self._say_offline(units)
            return
        number = state.number
        wishes = state.wishes | {(number, unit) for unit in units}
        self._become(replace(state, wishes=wishes))

        def asked(taken: bool) -> None:
            if not taken:
                self._forget_wishes(units)
                self._say_offline(units)

        self._run(lambda: self._services.ask_for(number, units), asked, self._fail)

    def _say_offline(self, units: Sequence[int]) -> None:
        offer = self._nearest_free(units[0])
        self._say(Notice(Topic.SEAT_NOT_OURS_OFFLINE, units=tuple(units), offer=offer))

    def _forget_wishes(self, units: Iterable[int]) -> None:
        gone = {(self.state.number, unit) for unit in units}
        self._become(replace(self.state, wishes=self.state.wishes - gone))

    def _drop_basket(self) -> None:
        basket = self.state.basket
        if basket is None or not basket.lines:
            return
        self._become(replace(self.state, basket=replace(basket, lines=(), quote=None)))
        self._give_back_lines(basket.lines)

    def _give_back_lines(self, lines: Iterable[BasketLine]) -> None:
        units: dict[int, list[int]] = {}
        for line in lines:
            units.setdefault(line.performance, []).append(line.unit)
        for number in sorted(units):
            self._give_back(number, units[number])

    def _give_back(self, number: int, units: Sequence[int]) -> None:
        self._run(lambda: self._services.give_back(number, units), _nothing, self._fail)

    def _holds_event_of(self, number: int) -> bool:
        house = self.state.house
        return house is not None and house.event.performance(number) is not None

    def _nearest_free(self, unit: int) -> int | None:
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

    def _become(self, state: SellState) -> None:
        """Every basket that is shown is priced."""
        super()._become(self._priced(state))

    def _priced(self, state: SellState) -> SellState:
        """The state with its basket at the prices of now; one that was priced stays as it is."""
        basket, house = state.basket, state.house
        if basket is None or house is None or not basket.lines or basket.quote is not None:
            return state
        if state.paying or basket.event_id != house.event.id:
            return state
        lines = tuple(
            replace(line, allotment=self._lots.get((line.performance, line.unit), line.allotment))
            for line in basket.lines
        )
        priced = reprice(replace(basket, lines=lines), house.event, self._context())
        notice = state.notice
        kept = drop_unsettled(priced)
        if kept is not priced:
            priced = reprice(kept, house.event, self._context())
            notice = Notice(Topic.GIVEN_DROPPED)
        giving = state.giving
        if giving is not None and not priced.has(giving.performance, giving.unit):
            giving = None
        return replace(state, basket=priced, notice=notice, giving=giving)

    def _unpriced(self) -> Basket | None:
        """The basket, to be priced again; while it is being paid it stays."""
        basket = self.state.basket
        return basket if basket is None or self.state.paying else replace(basket, quote=None)

    def _context(self) -> Context:
        """When, by whom and with which shares it is priced."""
        person, now = self._services.signed_in, self._services.now()
        self._priced_at = now
        return Context(now, role_of(person), person.id if person else "", self._shares)

    def _learn(self, availability: Availability) -> None:
        number = availability.performance
        self._lots = {key: lot for key, lot in self._lots.items() if key[0] != number}
        self._lots |= {(number, unit): lot for unit, lot in availability.lots.items()}
        self._shares = availability.shares

    # ----------------------------------------------------------------------------------- tools

    def _read_house(self, number: int) -> _Opened:
        house = self._services.house(number)
        field, index = self._field, self._index
        if field is None or index is None or index.plan != house.plan:
            field, index = SeatField(house.plan), SeatIndex(house.plan)
        return _Opened(house, *self._count(house), field, index)

    def _count(self, house: House) -> Counted:
        availability = self._services.availability(house.performance.number)
        return availability, count_stock(house, availability.states)

    def _did(self, state: SellState) -> None:
        """The cashier did something: the change screen has been read."""
        self._become(replace(state, change=None))

    def _say(self, notice: Notice) -> None:
        self._become(replace(self.state, notice=notice))

    def _fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it. The basket stands."""
        self._become(replace(self.state, finding=False, notice=Notice(Topic.BROKEN)))


def _search(state: SellState, house: House, index: SeatIndex | None) -> tuple[int, ...] | None:
    """The best seats together among our own; failing that, among all that can be had online."""
    units = [seat.unit for seat in house.plan.seats]
    for wanted in _grounds(state.offline):
        free = frozenset(state.pickable(units, wanted))
        found = best_seats(
            house.plan, house.event, free, state.quantity, tier_id=state.tier_id, index=index
        )
        if found:
            return found
    return None


def _grounds(offline: bool) -> tuple[frozenset[UnitState], ...]:
    ours = frozenset({UnitState.FREE})
    return (ours,) if offline else (ours, frozenset({UnitState.FREE, UnitState.ELSEWHERE}))


def _repriced(basket: Basket | None, house: House) -> Basket:
    """The same units and ticket types at today's prices; what is no longer sold falls out."""
    renewed = empty_basket(house.event)
    for line in basket.lines if basket else ():
        key = (line.performance, line.unit)
        again = add_unit(renewed, house.event, *key, line.ticket_type_id)
        lines = tuple(
            replace(new, allotment=line.allotment, by_hand=line.by_hand)
            if (new.performance, new.unit) == key
            else new
            for new in again.lines
        )
        renewed = replace(again, lines=lines)
    return renewed


def _differ(renewed: Basket | None, basket: Basket) -> bool:
    """Whether other lines, or the same at another price."""
    before = [(line.key, line.price_minor) for line in basket.lines]
    lines = renewed.lines if renewed else ()
    return bool(before) and before != [(line.key, line.price_minor) for line in lines]


def _nothing(_result: object) -> None:
    """For work whose answer comes as news."""
