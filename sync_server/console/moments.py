"""When something was or will be, in a line of a page."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from program.i18n import format_datetime


def moment(at_ms: int, language: str, zone: ZoneInfo) -> str:
    """A time of the server's clock, in the venue's zone; with its year when that is not this one."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    this_year = at.astimezone(zone).year == datetime.now(zone).year
    return format_datetime(at, language, zone=zone, year=not this_year)
