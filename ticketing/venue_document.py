"""The venue's part of a document: reading it, and writing it back."""

from __future__ import annotations

import re
from datetime import time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ticketing.cash_rounding import UNIT_MAX
from ticketing.document_reader import Node, nearest, unique
from ticketing.event import DEFAULT_DAY_STARTS, Venue
from ticketing.faults import N_, Fault
from ticketing.house_tender import TENDERS_MAX, HouseTender, TenderIcon
from ticketing.operations import CASH
from ticketing.seating_document import read_text

LANGUAGES_MAX = 8
_TENDER_FLAGS = {"asks_reference": False, "opens_drawer": False, "refunds": True}

_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
# Later than noon is a slip of the pen: the evening would be sold on the day before.
_DAY_STARTS = re.compile(r"(?:0\d|1[01]):[0-5]\d\Z|12:00\Z", re.ASCII)
# Only the names of places: "localtime" is the machine's own zone, "right/" counts leap seconds.
_ZONE = re.compile(r"UTC\Z|(?!posix/|right/)[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)+\Z")


def read_venue(node: Node) -> Venue | None:
    """Read the venue; None, with its problems recorded, when anything in it is wrong."""
    mark = node.problems.count
    members = node.members(
        ("id", "name", "timezone", "currency", "languages"),
        ("day_starts", "cash_unit", "tenders"),
    )
    languages = _read_languages(members["languages"])
    if node.problems.since(mark):  # without them every name would look wrong
        return None
    venue = Venue(
        id=members["id"].identifier(),
        name=read_text(members["name"], languages),
        timezone=_read_timezone(members["timezone"]),
        currency=members["currency"].matching(_CURRENCY, N_('an ISO 4217 currency such as "CNY"')),
        languages=languages,
        day_starts=_read_day_starts(members["day_starts"]),
        cash_unit_minor=members["cash_unit"].integer(1, UNIT_MAX),
        tenders=_read_tenders(members["tenders"], languages),
    )
    return None if node.problems.since(mark) else venue


def venue_members(venue: Venue) -> dict[str, Any]:
    """Return the venue as `read_venue` reads it; reading it gives an equal venue.

    A house that rounds nothing and names no tender is written as it always was.
    """
    members: dict[str, Any] = {
        "id": venue.id,
        "name": venue.name.to_json(),
        "timezone": venue.timezone,
        "day_starts": venue.day_starts.strftime("%H:%M"),
        "currency": venue.currency,
        "languages": list(venue.languages),
    }
    if venue.cash_unit_minor != 1:
        members["cash_unit"] = venue.cash_unit_minor
    if venue.tenders:
        members["tenders"] = [_tender_members(tender) for tender in venue.tenders]
    return members


def _tender_members(tender: HouseTender) -> dict[str, Any]:
    return {
        "id": tender.id,
        "name": tender.name.to_json(),
        "icon": tender.icon.value,
        "asks_reference": tender.asks_reference,
        "opens_drawer": tender.opens_drawer,
        "refunds": tender.refunds,
    }


def _read_tenders(node: Node, languages: tuple[str, ...]) -> tuple[HouseTender, ...]:
    if not node.present:
        return ()
    seen: dict[Any, Node] = {}
    tenders = []
    for inner in node.items(0, TENDERS_MAX, N_("tenders")):
        members = inner.members(("id", "name"), ("icon", *_TENDER_FLAGS))
        tender_id = members["id"].identifier()
        unique(seen, tender_id, inner, N_("tender"))
        if tender_id == CASH:
            members["id"].refuse(Fault.CASH_IS_TAKEN)
        icon = members["icon"].one_of(list(TenderIcon), N_("what its key shows"))
        flags = {name: members[name].flag(default=usual) for name, usual in _TENDER_FLAGS.items()}
        name = read_text(members["name"], languages)
        tenders.append(HouseTender(tender_id, name, TenderIcon(icon or TenderIcon.OTHER), **flags))
    return tuple(tenders)


def _read_languages(node: Node) -> tuple[str, ...]:
    seen: dict[Any, Node] = {}
    nodes = node.items(1, LANGUAGES_MAX, N_("languages"))
    languages = [inner.matching(_LANGUAGE, N_('a language code such as "zh"')) for inner in nodes]
    for inner, language in zip(nodes, languages, strict=True):
        unique(seen, language, inner, N_("language"))
    return tuple(dict.fromkeys(language for language in languages if language))


def _read_timezone(node: Node) -> str:
    if not node.present:
        return ""
    name = node.value
    if isinstance(name, str) and _is_timezone(name):
        return name
    # Listing all zones walks a directory, so it is done only to help.
    near = nearest(name, available_timezones())
    if near:
        node.refuse(Fault.NO_TIME_ZONE_NEAR, near=near)
    else:
        node.refuse(Fault.NO_TIME_ZONE)
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
    written = node.matching(_DAY_STARTS, N_('a local time from "00:00" to "12:00"'))
    return time.fromisoformat(written) if written else DEFAULT_DAY_STARTS
