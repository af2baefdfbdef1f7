"""Choosing a performance: by day, today first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from pos_app.presenters.observable import Observable

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.model import PerformanceChoice
    from pos_app.services.till import TillServices
    from ticketing.event import Venue


@dataclass(frozen=True, slots=True)
class PickerDay:
    """The performances of one of the venue's business days."""

    day: date
    choices: tuple[PerformanceChoice, ...]


@dataclass(frozen=True, slots=True)
class PickerState:
    """`today` is the venue's business day; days are in order, so today comes first."""

    venue: Venue | None = None
    today: date | None = None
    days: tuple[PickerDay, ...] = ()
    loaded: bool = False
    failed: bool = False


class PickerPresenter(Observable[PickerState]):
    """Reads the list each time the picker opens and when the catalogue changes."""

    def __init__(self, services: TillServices, run: Run, now: Callable[[], datetime]) -> None:
        super().__init__(PickerState())
        self._services = services
        self._run = run
        self._now = now

    def load(self) -> None:
        """Fetch what can be sold."""
        self._run(self._read, self._become, self._fail)

    def _read(self) -> PickerState:
        choices = self._services.performances()
        if not choices:
            return PickerState(venue=self.state.venue, loaded=True)
        venue = self._services.house(choices[0].number).venue
        return PickerState(
            venue, venue.business_day(self._now()), by_day(choices, venue), loaded=True
        )

    def _fail(self, _error: Exception) -> None:
        self._become(replace(self.state, loaded=True, failed=True))


def by_day(choices: tuple[PerformanceChoice, ...], venue: Venue) -> tuple[PickerDay, ...]:
    """Group performances by the venue's business day, soonest first."""

    def day_of(choice: PerformanceChoice) -> date:
        return venue.business_day(choice.starts_at)

    in_order = sorted(choices, key=lambda choice: (choice.starts_at, choice.number))
    return tuple(PickerDay(day, tuple(group)) for day, group in groupby(in_order, day_of))
