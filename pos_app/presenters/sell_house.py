"""A performance as the sell screen reads it, and a basket at its prices of today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pos_app.presenters.seat_field import SeatField
from pos_app.presenters.sell_state import SellState, Stock, count_stock
from pos_app.services.basket import Basket, add_unit, empty_basket
from pos_app.services.model import Availability, House, UnitState
from ticketing.best_seats import SeatIndex, best_seats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pos_app.services.till import TillServices

Counted = tuple[Availability, Stock]
_TO_BE_HAD: Final = (UnitState.FREE, UnitState.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Opened:
    """A performance as the worker read it. `quantity`: how many seats are picked at once there."""

    house: House
    availability: Availability
    stock: Stock
    field: SeatField
    index: SeatIndex
    quantity: int


def read_house(
    services: TillServices, number: int, field: SeatField | None, index: SeatIndex | None
) -> Opened:
    """Read a performance; where its seats lie only when the plan is another one. On a worker."""
    house = services.house(number)
    if field is None or index is None or index.plan != house.plan:
        field, index = SeatField(house.plan), SeatIndex(house.plan)
    quantity = services.habits.quantity(house.event.id)
    return Opened(house, *count(services, house), field, index, quantity)


def count(services: TillServices, house: House) -> Counted:
    """What is free now. On a worker."""
    availability = services.availability(house.performance.number)
    return availability, count_stock(house, availability.states)


def search(state: SellState, house: House, index: SeatIndex | None) -> tuple[int, ...] | None:
    """The best seats together among our own; failing that, among all that can be had online.

    Touches every unit: on a worker.
    """
    for free in _grounds(state, house):
        found = best_seats(
            house.plan, house.event, free, state.quantity, tier_id=state.tier_id, index=index
        )
        if found:
            return found
    return None


def _grounds(state: SellState, house: House) -> Iterator[set[int]]:
    """Where to look, in turn."""
    ours = {unit for unit, each in state.states.items() if each is UnitState.FREE}
    yield ours - state.selected
    if not state.offline:
        barred = {unit for unit, each in state.states.items() if each not in _TO_BE_HAD}
        yield {seat.unit for seat in house.plan.seats} - barred - state.selected


def repriced(basket: Basket | None, house: House) -> Basket:
    """The same units and ticket types at today's prices; what is no longer sold falls out."""
    renewed = replace(empty_basket(house.event), note=basket.note if basket else "")
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


def differ(renewed: Basket | None, basket: Basket) -> bool:
    """Whether other lines, or the same at another price."""
    before = [(line.key, line.price_minor) for line in basket.lines]
    lines = renewed.lines if renewed else ()
    return bool(before) and before != [(line.key, line.price_minor) for line in lines]
