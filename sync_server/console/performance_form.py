"""What the forms about performances bring: a day, a time, and the minutes around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_server.console.performance_words import Slip
from sync_server.services.audit import TEXT_CHARS_MAX
from sync_server.services.performance_changes import Times
from ticketing.event import Performance, Venue
from ticketing.performance_document import DOORS_MINUTES_MAX, RUNS_MINUTES_MAX
from ticketing.schedule import UnusableTime, read_start

_DIGITS_MAX = 6


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as they were sent, to be shown and sent again."""

    date: str
    time: str
    doors: str
    runs: str

    @property
    def fields(self) -> dict[str, str]:
        """By the names of the form's fields."""
        return {"date": self.date, "time": self.time, "doors": self.doors, "runs": self.runs}


def typed_of(form: Mapping[str, str]) -> Typed:
    """What somebody filled in."""
    return Typed(*(form.get(name, "").strip()[:16] for name in ("date", "time", "doors", "runs")))


def typed_as(performance: Performance, venue: Venue) -> Typed:
    """The fields filled in as a performance is now."""
    start = performance.starts_at.astimezone(venue.zone)
    return Typed(
        f"{start:%Y-%m-%d}",
        f"{start:%H:%M}",
        str(_minutes(performance.starts_at - performance.doors_at)),
        str(_minutes(performance.ends_at - performance.starts_at)),
    )


def read_times(typed: Typed, venue: Venue, now: datetime) -> Times | Slip:
    """The three instants, or what is wrong with the fields."""
    minutes = read_minutes(typed.doors, typed.runs)
    if minutes is None:
        return Slip.MINUTES
    doors, runs = minutes
    is_plain = len(typed.date) == len("2026-11-28") and len(typed.time) == len("19:30")
    start = read_start(f"{typed.date}T{typed.time}", venue, now) if is_plain else None
    if start is None or isinstance(start, UnusableTime):
        return Slip.TIME
    return Times(start - timedelta(minutes=doors), start, start + timedelta(minutes=runs))


def read_minutes(doors: str, runs: str) -> tuple[int, int] | None:
    """The minutes from doors to start, and to the end; None for what cannot be."""
    before, takes = _count(doors), _count(runs)
    if before is None or takes is None:
        return None
    fits = before <= DOORS_MINUTES_MAX and 1 <= takes <= RUNS_MINUTES_MAX
    return (before, takes) if fits else None


def read_reason(form: Mapping[str, str]) -> str | Slip:
    """Why, in the person's own words."""
    reason = form.get("reason", "").strip()
    return reason if reason and len(reason) <= TEXT_CHARS_MAX else Slip.REASON


def read_version(form: Mapping[str, str]) -> int:
    """The version that the form was shown with; 0, which none has, for none."""
    return _count(form.get("seen", "")) or 0


def _count(written: str) -> int | None:
    fits = written.isascii() and written.isdecimal() and len(written) <= _DIGITS_MAX
    return int(written) if fits else None


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)
