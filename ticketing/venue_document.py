"""The venue's part of a document: reading it, and writing it back."""

from __future__ import annotations

import re
from datetime import time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ticketing.document_reader import Node, nearest, unique
from ticketing.event import DEFAULT_DAY_STARTS, Venue
from ticketing.seating_document import read_text

LANGUAGES_MAX = 8

_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
# Later than noon is a slip of the pen: the evening would be sold on the day before.
_DAY_STARTS = re.compile(r"(?:0\d|1[01]):[0-5]\d\Z|12:00\Z", re.ASCII)
# Only the names of places: "localtime" is the machine's own zone, "right/" counts leap seconds.
_ZONE = re.compile(r"UTC\Z|(?!posix/|right/)[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)+\Z")


def read_venue(node: Node) -> Venue | None:
    """Read the venue; None, with its problems recorded, when anything in it is wrong."""
    mark = node.problems.count
    members = node.members(("id", "name", "timezone", "currency", "languages"), ("day_starts",))
    languages = _read_languages(members["languages"])
    if node.problems.since(mark):  # without them every name would look wrong
        return None
    venue = Venue(
        id=members["id"].identifier(),
        name=read_text(members["name"], languages),
        timezone=_read_timezone(members["timezone"]),
        currency=members["currency"].matching(_CURRENCY, 'an ISO 4217 currency such as "CNY"'),
        languages=languages,
        day_starts=_read_day_starts(members["day_starts"]),
    )
    return None if node.problems.since(mark) else venue


def venue_members(venue: Venue) -> dict[str, Any]:
    """Return the venue as `read_venue` reads it; reading it gives an equal venue."""
    return {
        "id": venue.id,
        "name": venue.name.to_json(),
        "timezone": venue.timezone,
        "day_starts": venue.day_starts.strftime("%H:%M"),
        "currency": venue.currency,
        "languages": list(venue.languages),
    }


def _read_languages(node: Node) -> tuple[str, ...]:
    seen: dict[Any, Node] = {}
    nodes = node.items(1, LANGUAGES_MAX, "languages")
    languages = [inner.matching(_LANGUAGE, 'a language code such as "zh"') for inner in nodes]
    for inner, language in zip(nodes, languages, strict=True):
        unique(seen, language, inner, "language")
    return tuple(dict.fromkeys(language for language in languages if language))


def _read_timezone(node: Node) -> str:
    if not node.present:
        return ""
    name = node.value
    if isinstance(name, str) and _is_timezone(name):
        return name
    # Listing all zones walks a directory, so it is done only to help.
    hint = nearest(name, available_timezones())
    node.refuse(
        'must be an IANA time zone such as "Asia/Shanghai"'
        + (f'; did you mean "{hint}"?' if hint else "")
    )
    return ""


@lru_cache(maxsize=64)
def _is_timezone(name: str) -> bool:
    if not _ZONE.match(name):
        return False
    try:
        ZoneInfo(name)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # OSError: a folder such as "America/Indiana"
        return False
    return True


def _read_day_starts(node: Node) -> time:
    if not node.present:
        return DEFAULT_DAY_STARTS
    written = node.matching(_DAY_STARTS, 'a local time from "00:00" to "12:00"')
    return time.fromisoformat(written) if written else DEFAULT_DAY_STARTS
