"""The venue's business day: it begins at the venue's own hour (04:00 unless set), not at midnight.

A late sale belongs to the evening it ends. Every rule and report with a day in it uses these two
functions and the venue's IANA zone, never the machine's.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_ONE_DAY = timedelta(days=1)


def business_day(at: datetime, timezone: str, day_starts: time) -> date:
    """Return the business day that `at` (aware) lies in, in the IANA zone `timezone`.

    Agrees with `business_day_bounds` at every instant, also while clocks go back and the same wall
    time comes twice: once a business day has begun it does not un-begin.
    """
    if at.tzinfo is None:
        raise ValueError("a business day is asked for an aware instant, not for a naive time")
    wall_on = at.astimezone(ZoneInfo(timezone)).date()
    return next(
        day
        for day in (wall_on + _ONE_DAY, wall_on, wall_on - _ONE_DAY, wall_on - 2 * _ONE_DAY)
        if _start_of(day, timezone, day_starts) <= at
    )


def business_day_bounds(day: date, timezone: str, day_starts: time) -> tuple[datetime, datetime]:
    """Return the first instant of business day `day` and that of the next one, aware UTC.

    The day is 23 or 25 hours long when clocks change within it. A starting hour that comes twice
    starts the day the first time; one that clocks skip is counted by the offset before the change.
    """
    start = _start_of(day, timezone, day_starts)
    return start, _start_of(day + _ONE_DAY, timezone, day_starts)


def _start_of(day: date, timezone: str, day_starts: time) -> datetime:
    # PEP 495: fold=0 is the first of two equal wall times, and the earlier offset for a skipped one.
    wall = datetime.combine(day, day_starts.replace(fold=0), tzinfo=ZoneInfo(timezone))
    return wall.astimezone(UTC)
