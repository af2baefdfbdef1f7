"""Seats as people type them: "8-12", "8排12座", "Stalls 8 12"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketing.seating import SeatingPlan

_WORDS = re.compile(r"\b(row|seat)\b|(?<=[0-9A-Za-z])[排座号行]", re.IGNORECASE)
_GAPS = re.compile(r"[\s\-–—/,·]+")


def read_seat(text: str) -> tuple[str, str, str] | None:
    """Area ("" for any), row and seat; None where it says no seat."""
    *area, row, seat = ["", "", *_GAPS.split(_WORDS.sub(" ", text).strip())]
    return (" ".join(area).strip(), row, seat) if row and seat else None


def units_called(plan: SeatingPlan, area: str, row: str, seat: str) -> Iterator[int]:
    """Units of the seats called so, in the areas whose name has these letters."""
    sought = _plain(area)
    for each in plan.areas:
        names = [each.id, *each.name.to_json().values()]
        if sought and not any(sought in _plain(name) for name in names):
            continue
        for line in each.rows:
            if line.label.casefold() == row.casefold():
                yield from (
                    one.unit for one in line.seats if one.label.casefold() == seat.casefold()
                )


def _plain(name: str) -> str:
    """A name without what people type in different ways."""
    return _GAPS.sub(" ", name).casefold()
