"""A seat as people type it: "8-12", "8排12座", "Stalls 8 12", "101 8 12". Pure, in both languages."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ticketing.seating import Area, SeatingPlan

QUERY_CHARS_MAX: Final = 200
"""A ticket's code fits as well: it may be scanned into the same field."""
_WORDS: Final = re.compile(
    r"\b(?:row|seat|no)\b\.?|(?<=[0-9A-Za-z])[排座号行列]|(?<=[\u4e00-\u9fff])(?=[0-9A-Za-z])",
    re.IGNORECASE,
)
"""What stands between the parts, also the place where Chinese ends and a number begins."""
_GAPS: Final = re.compile(r"[\s,，、;/·:：\-–—_]+")
_AREA_WORDS: Final = re.compile(
    r"\b(?:area|section|block|zone)\b\.?|(?<=[0-9A-Za-z])区$", re.IGNORECASE
)
_CODE: Final = re.compile(
    r"BXG[0-9A-Z].*|[0-9A-F]{4}-\d{6}|[0-9a-f]{16}|(?=\w*\d)\w{13,}", re.IGNORECASE
)
_GLUED: Final = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")


@dataclass(frozen=True, slots=True)
class SeatQuery:
    """What was typed. `area` is "" where none was named."""

    area: str
    row: str
    seat: str


def is_order_query(text: str) -> bool:
    """Whether a text looks like a ticket's code or an order's number, and not like a seat."""
    return _CODE.fullmatch(text.strip()) is not None


def parse_seat(text: str) -> SeatQuery | None:
    """Row and seat are the last two words, an area what is before them; None with fewer words."""
    plain = unicodedata.normalize("NFKC", text)[:QUERY_CHARS_MAX]
    words = [word for word in _GAPS.split(_WORDS.sub(" ", plain)) if word]
    if len(words) < 2:
        return None
    *area, row, seat = words
    named = _AREA_WORDS.sub("", " ".join(area)).strip()
    return SeatQuery(named.casefold(), row.casefold(), seat.casefold())


def find_seats(plan: SeatingPlan, query: SeatQuery) -> tuple[int, ...]:
    """The units of all seats called so, in the order of the plan.

    Where an area's name is the very word that was typed, only those of that area.
    """
    areas = [area for area in plan.areas if not query.area or _may_be(area, query.area)]
    exact = [area for area in areas if query.area in _names(area)]
    if query.area and not areas:
        areas = [area for area in plan.areas if _may_be_glued(area, query.area)]
    return tuple(unit for area in exact or areas for unit in _units(area, query))


def nearest_to_type(units: tuple[int, ...], plan: SeatingPlan, near: int | None) -> int | None:
    """Of several, the one in the area of `near`, else the first."""
    if not units:
        return None
    here = plan.seat_by_unit(near) if near is not None else None
    seats = ((unit, plan.seat_by_unit(unit)) for unit in units)
    alike = (unit for unit, seat in seats if seat and here and seat.area_id == here.area_id)
    return next(alike, units[0])


def _names(area: Area) -> set[str]:
    return {area.id.casefold(), *(name.casefold() for _language, name in area.name.names)}


def _may_be(area: Area, typed: str) -> bool:
    """Whether every word that was typed begins, or is in, one of the area's names."""
    return any(all(word in name for word in typed.split()) for name in _names(area))


def _may_be_glued(area: Area, typed: str) -> bool:
    """As above, for a letter and a number typed without a gap."""
    return _may_be(area, _GLUED.sub(" ", typed))


def _units(area: Area, query: SeatQuery) -> Iterator[int]:
    for line in area.rows:
        if line.label.casefold() == query.row:
            yield from (one.unit for one in line.seats if one.label.casefold() == query.seat)
