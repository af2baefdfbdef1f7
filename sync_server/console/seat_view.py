"""Who holds what of a performance, ready to show: a drawing by state, and tables beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup

from program.i18n import format_count, translations
from sync_server.console.plan_drawing import (
    AreaLook,
    Drawing,
    Layer,
    Look,
    draw,
    draw_sample,
)
from sync_server.services.seat_states import Holding, SeatState, SeatStates
from ticketing.seating import Area, AreaKind, Row, SeatingPlan

RUNS_SHOWN_MAX = 6
_SHARES = 4  # steps of colour for how much of an area is taken


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


STATE_WORDS = {
    SeatState.FREE: N_("Free"),
    SeatState.HELD: N_("Held for a basket"),
    SeatState.LENT: N_("Lent, not sold"),
    SeatState.SOLD: N_("Sold"),
    SeatState.BLOCKED: N_("Blocked"),
    SeatState.RETURNED: N_("Returned, not free yet"),
    SeatState.WRITTEN_OFF: N_("Free, written off of a lost window"),
}
_LOOKS = {
    SeatState.FREE: Look.SQUARE,
    SeatState.HELD: Look.SLASH,
    SeatState.LENT: Look.DOT,
    SeatState.SOLD: Look.SQUARE,
    SeatState.BLOCKED: Look.CROSS,
    SeatState.RETURNED: Look.SLASH,
    SeatState.WRITTEN_OFF: Look.DIAMOND,
}


@dataclass(frozen=True, slots=True)
class StateRow:
    """A state in the legend, with its look."""

    sample: Markup
    name: str
    count: str


@dataclass(frozen=True, slots=True)
class HolderRow:
    """Places of one state with one holder. `path` marks them on the drawing."""

    sample: Markup
    state: str
    holder: str
    count: str
    places: tuple[str, ...]
    more: str
    path: str
    is_marked: bool


@dataclass(frozen=True, slots=True)
class AreaStates:
    """How many places of an area are free, and how many there are."""

    name: str
    path: str
    free: str
    taken: str
    capacity: str


@dataclass(frozen=True, slots=True)
class SeatsPage:
    """The page, ready to show."""

    svg: Markup
    states: tuple[StateRow, ...]
    total: str
    off_plan: str
    holders: tuple[HolderRow, ...]
    areas: tuple[AreaStates, ...]
    close_up: str
    is_of_areas: bool
    is_chosen_from: bool
    marked: str


def make_seats_page(
    plan: SeatingPlan,
    found: SeatStates,
    language: str,
    base: str,
    *,
    area_id: str,
    marked: str,
    is_chosen_from: bool = False,
) -> SeatsPage:
    """The page. `base` is its own address without a question; `marked` the key of a holding.

    `is_chosen_from`: the drawing tells a script which seat is where.
    """
    return _Maker(plan, found, language, base, area_id, marked, is_chosen_from).page()


@dataclass(frozen=True, slots=True)
class _Maker:
    plan: SeatingPlan
    found: SeatStates
    language: str
    base: str
    area_id: str
    marked: str
    is_chosen_from: bool

    def page(self) -> SeatsPage:
        _ = translations(self.language).gettext
        close_up = self.plan.area(self.area_id) if self.area_id else None
        free = {
            unit
            for each in self.found.holdings
            if each.state in (SeatState.FREE, SeatState.WRITTEN_OFF)
            for unit in each.units
        }
        counts = {area.id: sum(unit in free for unit in area.units) for area in self.plan.areas}
        marked = next((each for each in self.found.holdings if _key(each) == self.marked), None)
        drawing = Drawing(
            self.plan,
            self._layers(marked),
            {area.id: self._area_look(area, counts[area.id], marked) for area in self.plan.areas},
            self.language,
            _("Who holds what of {name}").format(name=self.plan.name.in_language(self.language)),
            _("Stage"),
            close_up.id if close_up else "",
            self.is_chosen_from,
        )
        total = self.plan.unit_count + self.found.off_plan_count
        return SeatsPage(
            draw(drawing),
            tuple(self._state_row(state) for state in SeatState),
            self._n(total),
            self._n(self.found.off_plan_count) if self.found.off_plan_count else "",
            tuple(self._holder_row(each) for each in self.found.holdings),
            tuple(self._area_row(area, counts[area.id]) for area in self.plan.areas),
            close_up.name.in_language(self.language) if close_up else "",
            not drawing.has_seats,
            self.is_chosen_from and drawing.has_seats and bool(self.plan.seats),
            self._who(marked) if marked else "",
        )

    def _n(self, count: int) -> str:
        return format_count(count, self.language)

    def _path(self, **asked: str) -> str:
        kept = {"area": self.area_id, "who": self.marked} | asked
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"{self.base}?{query}" if query else self.base

    def _layers(self, marked: Holding | None) -> list[Layer]:
        """A layer for each holding; with one marked, the others step back."""
        return [
            Layer(
                f"is-{each.state.replace('_', '-')}"
                + (" is-dim" if marked and each is not marked else ""),
                _LOOKS[each.state],
                each.units,
            )
            for each in self.found.holdings
        ]

    def _area_look(self, area: Area, free: int, marked: Holding | None) -> AreaLook:
        _ = translations(self.language).gettext
        part = area.capacity - free
        words = _("{free} free of {capacity}").format(
            free=self._n(free), capacity=self._n(area.capacity)
        )
        if marked:
            part = sum(unit in marked.units for unit in area.units)
            words = _("{count} of {capacity}").format(
                count=self._n(part), capacity=self._n(area.capacity)
            )
        share = -(-part * _SHARES // area.capacity)  # rounded up: a single one is seen
        return AreaLook(f"plan-share share-{share}", words, self._path(area=area.id))

    def _state_row(self, state: SeatState) -> StateRow:
        _ = translations(self.language).gettext
        sample = draw_sample(_LOOKS[state], f"is-{state.replace('_', '-')}")
        return StateRow(sample, _(STATE_WORDS[state]), self._n(self.found.count(state)))

    def _who(self, each: Holding) -> str:
        _ = translations(self.language).gettext
        state = _(STATE_WORDS[each.state])
        return f"{state} · {each.node_name}" if each.node_name else state

    def _holder_row(self, each: Holding) -> HolderRow:
        _ = translations(self.language).gettext
        runs = (
            []
            if each.state is SeatState.FREE
            else list(place_runs(self.plan, each.units, self.language))
        )
        more = sum(count for _text, count in runs[RUNS_SHOWN_MAX:])
        said = translations(self.language).ngettext(
            "and {n} more place", "and {n} more places", more
        )
        return HolderRow(
            draw_sample(_LOOKS[each.state], f"is-{each.state.replace('_', '-')}"),
            _(STATE_WORDS[each.state]),
            each.node_name,
            self._n(len(each.units)),
            tuple(place for place, _count in runs[:RUNS_SHOWN_MAX]),
            said.format(n=self._n(more)) if more else "",
            self._path(who=_key(each)),
            _key(each) == self.marked,
        )

    def _area_row(self, area: Area, free: int) -> AreaStates:
        return AreaStates(
            area.name.in_language(self.language),
            "" if area.kind is AreaKind.STANDING else self._path(area=area.id),
            self._n(free),
            self._n(area.capacity - free),
            self._n(area.capacity),
        )


def place_runs(
    plan: SeatingPlan, units: Collection[int], language: str
) -> Iterator[tuple[str, int]]:
    """Places in words, and how many: seats that stand side by side together."""
    for area in plan.areas:
        if area.kind is AreaKind.STANDING:
            count = sum(unit in units for unit in area.units)
            if count:
                yield f"{area.name.in_language(language)} × {format_count(count, language)}", count
        for row in area.rows:
            yield from _runs_of_row(plan, area, row, units, language)


def _runs_of_row(
    plan: SeatingPlan, area: Area, row: Row, units: Collection[int], language: str
) -> Iterator[tuple[str, int]]:
    _ = translations(language).gettext
    for first, last in _spans([seat.unit in units for seat in row.seats]):
        if first == last:
            yield plan.describe(row.seats[first].unit, language), 1
            continue
        said = _("{area} · Row {row} Seats {first}–{last}").format(
            area=area.name.in_language(language),
            row=row.label,
            first=row.seats[first].label,
            last=row.seats[last].label,
        )
        yield said, last - first + 1


def _key(each: Holding) -> str:
    return f"{each.state}.{each.node_id}" if each.node_id else each.state.value


def _spans(chosen: Sequence[bool]) -> Iterable[tuple[int, int]]:
    """First and last place of each run of chosen ones."""
    begin: int | None = None
    for at, is_chosen in enumerate((*chosen, False)):
        if is_chosen and begin is None:
            begin = at
        elif not is_chosen and begin is not None:
            yield begin, at - 1
            begin = None
