"""Which slots are how full: days beside each other, times of day below each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from program.i18n import format_count, format_date, translations
from sync_server.services.attendance_report import Slot
from ticketing.event import Venue

DAYS_MAX = 31
TIMES_MAX = 48
_SHADES = 4
CELL_WIDTH, CELL_HEIGHT, LEFT, TOP = 62, 34, 64, 30


@dataclass(frozen=True, slots=True)
class Label:
    """A day or time beside the map, and where it stands."""

    text: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class MapCell:
    """A day's slot: where it is, its shade from 0 to 4, and what it says."""

    x: int
    y: int
    shade: int
    figure: str
    title: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The picture, ready to draw. `left_out`: how many days more there are."""

    width: int
    height: int
    days: tuple[Label, ...]
    times: tuple[Label, ...]
    cells: tuple[MapCell, ...]
    left_out: int


def make_heat_map(
    slots: Iterable[Slot], venue: Venue, language: str, *, of_entries: bool
) -> HeatMap | None:
    """What is sold, or who went in, of each slot's places; None with fewer than two slots.

    Slots of one day and time are one. Cancelled ones are none.
    """
    found: dict[tuple[date, str], tuple[int, int]] = {}
    for slot in slots:
        if not slot.is_cancelled and slot.capacity > 0:
            at = datetime.fromtimestamp(slot.starts_ms / 1000, UTC)
            key = (venue.business_day(at), f"{at.astimezone(venue.zone):%H:%M}")
            count, capacity = found.get(key, (0, 0))
            more = slot.entered if of_entries else slot.sold
            found[key] = (count + more, capacity + slot.capacity)
    if len(found) < 2:
        return None
    all_days = sorted({day for day, _time in found})
    days = all_days[:DAYS_MAX]
    times = sorted(
        {time for day, time in found if day in days}, key=lambda each: _order(each, venue)
    )
    times = times[:TIMES_MAX]
    cells = tuple(
        _cell((days.index(day), times.index(time)), (day, time), figures, language)
        for (day, time), figures in sorted(found.items())
        if day in days and time in times
    )
    return HeatMap(
        LEFT + len(days) * CELL_WIDTH,
        TOP + len(times) * CELL_HEIGHT,
        tuple(
            Label(
                format_date(day, language, weekday=False, year=False),
                LEFT + at * CELL_WIDTH + CELL_WIDTH // 2,
                TOP // 2,
            )
            for at, day in enumerate(days)
        ),
        tuple(
            Label(time, LEFT // 2, TOP + at * CELL_HEIGHT + CELL_HEIGHT // 2)
            for at, time in enumerate(times)
        ),
        cells,
        len(all_days) - len(days),
    )


def percent(count: int, capacity: int, language: str) -> str:
    """How much of it: `97 %` is never rounded up to all of it, nor a little down to nothing."""
    if capacity <= 0:
        return "–"
    share = count * 100 // capacity
    if share == 0 and count > 0:
        share = 1
    return translations(language).gettext("{n}%").format(n=format_count(share, language))


def _order(time: str, venue: Venue) -> tuple[bool, str]:
    """Times after midnight belong to the evening before."""
    return time < f"{venue.day_starts:%H:%M}", time


def _cell(
    place: tuple[int, int], key: tuple[date, str], figures: tuple[int, int], language: str
) -> MapCell:
    (column, row), (day, time), (count, capacity) = place, key, figures
    said = percent(count, capacity, language)
    title = translations(language).gettext("{day}, {time}: {count} of {capacity} ({share})")
    return MapCell(
        LEFT + column * CELL_WIDTH,
        TOP + row * CELL_HEIGHT,
        min(_SHADES, -(-count * _SHADES // capacity)) if count > 0 else 0,
        said,
        title.format(
            day=format_date(day, language),
            time=time,
            count=format_count(count, language),
            capacity=format_count(capacity, language),
            share=said,
        ),
    )
