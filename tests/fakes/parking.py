"""Parked baskets and habits in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pos_app.services.basket import Basket
from pos_app.services.habits import DEFAULT_QUANTITY
from pos_app.services.model import Person, UnitState
from pos_app.services.parking_model import (
    PARK_S,
    PARKED_MAX,
    Parked,
    ParkRefusal,
    ParkRefused,
    Recalled,
)
from ticketing.text import Text


@dataclass
class FakeHabits:
    """`HabitServices` without a disk."""

    quantities: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def quantity(self, event_id: str) -> int:
        return self.quantities.get(event_id, DEFAULT_QUANTITY)

    def note_quantity(self, event_id: str, quantity: int) -> None:
        self.quantities[event_id] = quantity

    def text_size(self) -> int:
        return self.size

    def note_text_size(self, percent: int) -> None:
        self.size = percent


@dataclass
class FakeParking:
    """`ParkingServices` without a disk. `gone` are units that a recall does not find any more."""

    now: Callable[[], datetime]
    person: Callable[[], Person | None]
    event_name: Callable[[str], Text]
    set_state: Callable[[int, UnitState, list[int]], None]
    parked: list[Parked] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    firm: set[tuple[int, int]] = field(default_factory=set)
    refusal: ParkRefusal | None = None
    given_back: list[Parked] = field(default_factory=list)
    _last: int = 0

    def all(self) -> tuple[Parked, ...]:
        return tuple(sorted(self.parked, key=lambda each: (each.until, each.number)))

    def park(self, basket: Basket) -> Parked | ParkRefused:
        person = self.person()
        if self.refusal is not None:
            return ParkRefused(self.refusal)
        if person is None:
            return ParkRefused(ParkRefusal.NOT_SIGNED_IN)
        if not basket.lines:
            return ParkRefused(ParkRefusal.EMPTY)
        if len(self.parked) >= PARKED_MAX:
            return ParkRefused(ParkRefusal.TOO_MANY)
        self._last += 1
        made = Parked(
            self._last,
            basket.event_id,
            self.event_name(basket.event_id),
            basket.lines[0].performance,
            basket.picked,
            basket.note,
            person.name,
            self.now(),
            self.now() + timedelta(seconds=PARK_S),
            basket.total_minor,
            basket.currency,
        )
        self.parked.append(made)
        self._become(made, UnitState.PARKED)
        return made

    def recall(self, number: int) -> Recalled | ParkRefused:
        found = self._take_out(number)
        if found is None:
            return ParkRefused(ParkRefusal.NOT_PARKED)
        lost = tuple(line for line in found.lines if line.unit in self.gone)
        for line in lost:
            self.set_state(line.performance, UnitState.SOLD, [line.unit])
        places = {line.place for line in found.lines}
        return Recalled(found, lost, frozenset(self.firm & places))

    def extend(self, number: int) -> bool:
        for at, each in enumerate(self.parked):
            if each.number == number:
                self.parked[at] = replace(each, until=self.now() + timedelta(seconds=PARK_S))
                return True
        return False

    def give_back(self, number: int) -> Parked | None:
        found = self._take_out(number)
        if found is not None:
            self.given_back.append(found)
        return found

    def expire(self) -> tuple[Parked, ...]:
        over = [each for each in self.parked if each.until <= self.now()]
        for each in over:
            self.give_back(each.number)
        return tuple(over)

    def _take_out(self, number: int) -> Parked | None:
        found = next((each for each in self.parked if each.number == number), None)
        if found is not None:
            self.parked.remove(found)
            self._become(found, UnitState.FREE)
        return found

    def _become(self, parked: Parked, state: UnitState) -> None:
        for line in parked.lines:
            self.set_state(line.performance, state, [line.unit])
