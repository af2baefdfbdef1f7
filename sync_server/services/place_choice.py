"""Places by the words that people use: a section, rows, seats and ranges of them. Pure.

`1-10, 12` are the seats 1 to 10 and 12, `A-C` the rows from A to C; no seats: the whole rows; no
rows: the whole section. Of a standing area, so many places. Or unit numbers, from a click on the
plan.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from ticketing.seating import UNIT_MAX, Area, AreaKind, Row, Seat, SeatingPlan

CHOICE_CHARS_MAX = 40_000
_BETWEEN = re.compile(r"[,;\s，；、]+")
_RANGE = re.compile(r"(.+?)[-\u2010-\u2015~～至](.+)\Z")
_DIGITS_MAX = len(str(UNIT_MAX))
T = TypeVar("T", Row, Seat)


class WrongPart(StrEnum):
    """What of a choice cannot be understood."""

    AREA = "area"
    ROW = "row"
    SEAT = "seat"
    COUNT = "count"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Misnamed:
    """What there is not; `what` as it was written."""

    part: WrongPart
    what: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody wrote: `units` came from the plan, the rest from fields."""

    area_id: str = ""
    rows: str = ""
    seats: str = ""
    count: str = ""
    units: str = ""


def chosen_units(
    plan: SeatingPlan, choice: Choice, wanted: Collection[int] | None
) -> tuple[int, ...] | Misnamed:
    """The units, each once and in order; none where nothing was chosen.

    `wanted` are the units that a count is taken from (the free ones, or the blocked ones).
    """
    clicked = _numbers(plan, choice.units)
    named = _named(plan, choice, wanted)
    if isinstance(clicked, Misnamed):
        return clicked
    return named if isinstance(named, Misnamed) else tuple(sorted({*clicked, *named}))


def runs_of(units: Iterable[int]) -> str:
    """Unit numbers as text, in their order: `1-20,44`."""
    runs: list[list[int]] = []
    for unit in units:
        if runs and unit == runs[-1][1] + 1:
            runs[-1][1] = unit
        else:
            runs.append([unit, unit])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _numbers(plan: SeatingPlan, written: str) -> list[int] | Misnamed:
    found: list[int] = []
    for part in _parts(written):
        first, _dash, last = part.partition("-")
        if not all(_is_number(each) for each in (first, last or first)):
            return Misnamed(WrongPart.UNIT, part)
        span = range(int(first), int(last or first) + 1)
        if len(span) > plan.unit_count or not span:
            return Misnamed(WrongPart.UNIT, part)
        lacking = next((unit for unit in span if not plan.has_unit(unit)), None)
        if lacking is not None:
            return Misnamed(WrongPart.UNIT, str(lacking))
        found += span
    return found


def _named(
    plan: SeatingPlan, choice: Choice, wanted: Collection[int] | None
) -> list[int] | Misnamed:
    if not choice.area_id:
        return []
    area = plan.area(choice.area_id)
    if area is None:
        return Misnamed(WrongPart.AREA, choice.area_id)
    if area.kind is AreaKind.STANDING:
        return _so_many(area, choice.count.strip(), wanted)
    found: list[int] = []
    rows = _among(area.rows, choice.rows, WrongPart.ROW)
    if isinstance(rows, Misnamed):
        return rows
    for row in rows:
        seats = _among(row.seats, choice.seats, WrongPart.SEAT)
        if isinstance(seats, Misnamed):
            return seats
        found += [seat.unit for seat in seats]
    return found


def _so_many(area: Area, written: str, wanted: Collection[int] | None) -> list[int] | Misnamed:
    """The last ones, so that the first numbers stay for sale; all where no number is written."""
    units = [unit for unit in area.units if wanted is None or unit in wanted]
    if not written:
        return units
    if not _is_number(written) or not 1 <= int(written) <= len(units):
        return Misnamed(WrongPart.COUNT, written)
    return units[-int(written) :]


def _among(things: Sequence[T], written: str, part: WrongPart) -> list[T] | Misnamed:
    """Those whose labels are named, in their own order."""
    parts = list(_parts(written))
    if not parts:
        return list(things)
    places: set[int] = set()
    for each in parts:
        found = set(_places([thing.label for thing in things], each))
        if not found:
            return Misnamed(part, each)
        places |= found
    return [thing for at, thing in enumerate(things) if at in places]


def _places(labels: Sequence[str], written: str) -> Iterator[int]:
    """Where a label or a range of labels is: numbers by their size, others by their order."""
    exact = [at for at, label in enumerate(labels) if label.casefold() == written.casefold()]
    if exact:
        yield from exact
        return
    span = _RANGE.match(written)
    if span is None:
        return
    first, last = (each.strip().casefold() for each in span.groups())
    if _is_number(first) and _is_number(last):
        low, high = sorted((int(first), int(last)))
        yield from (
            at for at, label in enumerate(labels) if _is_number(label) and low <= int(label) <= high
        )
        return
    ends = [at for at, label in enumerate(labels) if label.casefold() in (first, last)]
    if len(ends) > 1:
        yield from range(min(ends), max(ends) + 1)


def _parts(written: str) -> Iterator[str]:
    yield from [part for part in _BETWEEN.split(written[:CHOICE_CHARS_MAX]) if part]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
