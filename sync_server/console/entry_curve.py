"""How people came in, minute by minute, as a chart that is drawn on the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from program.i18n import format_count, format_datetime, format_time
from sync_server.services.takings import Crowd

BARS_MAX = 96
_DAY_MIN = 1_440
"""From so long on a time of day alone would say nothing."""
_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1_440)


@dataclass(frozen=True, slots=True)
class Bar:
    """So many within `step_min` minutes from `time` on; x and height in percent of the chart."""

    time: str
    count: str
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The chart, ready to draw."""

    bars: tuple[Bar, ...]
    step_min: int
    peak: str
    begins: str
    ends: str


def make_curve(
    crowds: Iterable[Crowd], language: str, zone: ZoneInfo, *, step_min: int = 1
) -> Curve | None:
    """The curve of these entries, which were counted within `step_min` minutes each; None where
    there are none.
    """
    minutes: dict[int, int] = {}
    for each in crowds:
        minutes[each.minute] = minutes.get(each.minute, 0) + each.count
    if not minutes:
        return None
    first, last = min(minutes), max(minutes)
    steps = (each for each in _STEPS_MIN if each >= step_min)
    step = next((each for each in steps if (last - first) // each < BARS_MAX), _STEPS_MIN[-1])
    begin = first // step
    sums: dict[int, int] = {}
    for minute, count in minutes.items():
        place = min(minute // step - begin, BARS_MAX * 4)
        sums[place] = sums.get(place, 0) + count
    places = max(sums) + 1
    peak = max(sums.values())

    def time_of(place: int) -> str:
        at = datetime.fromtimestamp((begin + place) * step * 60, UTC)
        if last - first >= _DAY_MIN:
            return format_datetime(at, language, zone=zone, year=False)
        return format_time(at, language, zone=zone)

    width = 100 / places
    bars = tuple(
        Bar(
            time_of(place),
            format_count(count, language),
            round(place * width, 3),
            round(min(width * 0.8, 4), 3),
            round(100 * count / peak, 2),
        )
        for place, count in sorted(sums.items())
    )
    return Curve(bars, step, format_count(peak, language), time_of(0), time_of(places))
