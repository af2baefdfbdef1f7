"""When a performance begins, as a catalogue may say it: three forms, one instant.

* `2026-11-28T19:30`: the venue's own wall clock; with `Z` or `+08:00` behind it, any clock
* `D+1T19:30`: that wall time, one day after the business day of the import (for samples)
* `+45m`: so long after the import, up to the next quarter of an hour (for samples)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from ticketing.faults import N_, Facts, Fault

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ticketing.document_reader import Node
    from ticketing.event import Venue

EARLIEST_YEAR = 2000
LATEST_YEAR = 2100  # a ticket code counts seconds since 1970 in four bytes, which end in 2106
FORMS = N_('a time such as "2026-11-28T19:30", "2026-11-28T11:30Z", "D+1T19:30" or "+45m"')

_CLOCK = r"(?P<clock>\d{2}:\d{2})"
_DATED = re.compile(
    rf"(?P<day>\d{{4}}-\d{{2}}-\d{{2}})T{_CLOCK}(?P<offset>Z|[+-]\d{{2}}:\d{{2}})?\Z", re.ASCII
)
_DAYS_AHEAD = re.compile(rf"D\+(?P<days>\d{{1,4}})T{_CLOCK}\Z", re.ASCII)
_MINUTES_AHEAD = re.compile(r"\+(?P<minutes>\d{1,6})m\Z", re.ASCII)
_QUARTER_S = 15 * 60


@dataclass(frozen=True, slots=True)
class UnusableTime:
    """Why a written time is no instant, for the person who wrote it."""

    fault: Fault
    facts: Facts = ()

    def refuse(self, node: Node) -> None:
        """Record it where it was written."""
        node.refuse(self.fault, **dict(self.facts))


def read_start(written: str, venue: Venue, now: datetime) -> datetime | UnusableTime:
    """Return the instant (aware UTC, whole minutes) that `written` means at `venue`, said at `now`."""
    if now.tzinfo is None:
        raise ValueError("`now` must be aware")
    try:
        start = _read(written, venue, now)
    except (ValueError, OverflowError):  # a month 13, an hour 25, a day after the year 9999
        return UnusableTime(Fault.NO_CALENDAR_TIME, (("what", FORMS),))
    if isinstance(start, datetime) and not EARLIEST_YEAR <= start.year <= LATEST_YEAR:
        return UnusableTime(Fault.YEARS, (("low", str(EARLIEST_YEAR)), ("high", str(LATEST_YEAR))))
    return start


def _read(written: str, venue: Venue, now: datetime) -> datetime | UnusableTime:
    if found := _MINUTES_AHEAD.match(written):
        return _next_quarter(now + timedelta(minutes=int(found["minutes"])))
    if found := _DAYS_AHEAD.match(written):
        day = venue.business_day(now) + timedelta(days=int(found["days"]))
        return _at_wall_time(day, time.fromisoformat(found["clock"]), venue.zone)
    if found := _DATED.match(written):
        if found["offset"]:
            return datetime.fromisoformat(written).astimezone(UTC)
        return _at_wall_time(
            date.fromisoformat(found["day"]), time.fromisoformat(found["clock"]), venue.zone
        )
    return UnusableTime(Fault.NO_TIME, (("what", FORMS),))


def _next_quarter(at: datetime) -> datetime:
    whole_s = -(-at.astimezone(UTC).timestamp() // _QUARTER_S) * _QUARTER_S
    return datetime.fromtimestamp(whole_s, UTC)


def _at_wall_time(day: date, clock: time, zone: ZoneInfo) -> datetime | UnusableTime:
    first, second = (
        datetime.combine(day, clock.replace(fold=fold), tzinfo=zone).astimezone(UTC)
        for fold in (0, 1)
    )
    if first == second:
        return first
    wall = f"{day}T{clock:%H:%M}"
    facts = (("wall", wall), ("zone", zone.key))
    if first.astimezone(zone).time() != clock:
        return UnusableTime(Fault.SKIPPED_TIME, facts)
    offset = first.astimezone(zone).isoformat()[-6:]
    return UnusableTime(Fault.DOUBLE_TIME, (*facts, ("offset", offset)))
