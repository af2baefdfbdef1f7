"""Choosing a performance: by day, today first, narrowed down by what is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pos_app.presenters.language import LANGUAGES
from pos_app.presenters.observable import Observable
from program import i18n

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.model import PerformanceChoice
    from pos_app.services.till import TillServices
    from ticketing.event import Venue

SLOTS_FROM: Final = 4
"""So many performances of an event on one day are time slots: tiles beside each other."""
PAGE: Final = 72
"""Shown at once: the widgets of more would take longer than a blink. More come when asked for."""
QUERY_CHARS_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class PickerGroup:
    """The performances of one event on one day, soonest first."""

    choices: tuple[PerformanceChoice, ...]

    @property
    def is_slots(self) -> bool:
        """Whether they are time slots, of which one looks at many at a time."""
        return len(self.choices) >= SLOTS_FROM


@dataclass(frozen=True, slots=True)
class PickerDay:
    """The performances of one of the venue's business days."""

    day: date
    choices: tuple[PerformanceChoice, ...]

    @property
    def groups(self) -> tuple[PickerGroup, ...]:
        """Slots of an event together, where its first one stands; everything else by itself."""
        of_event: dict[str, list[PerformanceChoice]] = {}
        for choice in self.choices:
            of_event.setdefault(choice.event_id, []).append(choice)
        groups = [
            group
            for choices in of_event.values()
            for group in (
                [PickerGroup(tuple(choices))]
                if len(choices) >= SLOTS_FROM
                else [PickerGroup((choice,)) for choice in choices]
            )
        ]
        return tuple(sorted(groups, key=lambda group: _when(group.choices[0])))


@dataclass(frozen=True, slots=True)
class PickerState:
    """`today` is the venue's business day; days are in order, so today comes first.

    `days` are what fits `query`, the soonest ones first; `left_out` more fit and are not shown.
    """

    venue: Venue | None = None
    today: date | None = None
    days: tuple[PickerDay, ...] = ()
    query: str = ""
    left_out: int = 0
    loaded: bool = False
    failed: bool = False


class PickerPresenter(Observable[PickerState]):
    """Reads the list each time the picker opens and when the catalogue changes."""

    def __init__(self, services: TillServices, run: Run, now: Callable[[], datetime]) -> None:
        super().__init__(PickerState())
        self._services = services
        self._run = run
        self._now = now
        self._known: tuple[tuple[PerformanceChoice, str], ...] = ()
        self._shown_max = PAGE

    def load(self) -> None:
        """Fetch what can be sold."""
        self._run(self._read, self._show, self._fail)

    def search(self, query: str) -> None:
        """Show what has every word of the query in its name, hall, day or time."""
        self._shown_max = PAGE
        self._filter(query[:QUERY_CHARS_MAX])

    def show_more(self) -> None:
        """Show as many again."""
        self._shown_max += PAGE
        self._filter(self.state.query)

    def forget_query(self) -> bool:
        """Show everything again; False when everything is shown."""
        if not self.state.query:
            return False
        self.search("")
        return True

    def _read(self) -> tuple[Venue | None, tuple[tuple[PerformanceChoice, str], ...]]:
        choices = self._services.performances()
        if not choices:
            return None, ()
        venue = self._services.house(choices[0].number).venue
        return venue, tuple((choice, _findable(choice, venue)) for choice in choices)

    def _show(self, read: tuple[Venue | None, tuple[tuple[PerformanceChoice, str], ...]]) -> None:
        venue, self._known = read
        self._filter(self.state.query, venue or self.state.venue)

    def _filter(self, query: str, venue: Venue | None = None) -> None:
        venue = venue or self.state.venue
        terms = query.casefold().split()
        fitting = [choice for choice, text in self._known if all(term in text for term in terms)]
        fitting.sort(key=_when)
        shown = fitting[: self._shown_max]
        self._become(
            PickerState(
                venue,
                venue.business_day(self._now()) if venue else None,
                by_day(shown, venue) if venue else (),
                query,
                len(fitting) - len(shown),
                loaded=True,
            )
        )

    def _fail(self, _error: Exception) -> None:
        self._become(replace(self.state, loaded=True, failed=True))


def by_day(choices: Iterable[PerformanceChoice], venue: Venue) -> tuple[PickerDay, ...]:
    """Group performances by the venue's business day, soonest first."""

    def day_of(choice: PerformanceChoice) -> date:
        return venue.business_day(choice.starts_at)

    in_order = sorted(choices, key=_when)
    return tuple(PickerDay(day, tuple(group)) for day, group in groupby(in_order, day_of))


def _when(choice: PerformanceChoice) -> tuple[datetime, int]:
    return choice.starts_at, choice.number


def _findable(choice: PerformanceChoice, venue: Venue) -> str:
    """Every text that a cashier may type of it, in all languages."""
    names = [name for text in (choice.event_name, choice.hall) for _language, name in text.names]
    day = venue.business_day(choice.starts_at)
    days = [day.isoformat(), *(i18n.format_date(day, code) for code in LANGUAGES)]
    time = i18n.format_time(choice.starts_at, "en", zone=venue.zone)
    return " ".join((*names, *days, time, time.replace(":", ""))).casefold()
