"""The performances of an event document: when doors open, when it starts, when it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from ticketing.document_reader import Node, unique
from ticketing.event import Performance, Venue
from ticketing.faults import N_, Fault
from ticketing.schedule import EARLIEST_YEAR, FORMS, LATEST_YEAR, UnusableTime, read_start
from ticketing.seating import SeatingPlan
from ticketing.seating_document import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

PERFORMANCES_MAX = 5_000
PERFORMANCE_NUMBER_MAX = 2**32 - 1  # four bytes in the ticket code
DEFAULT_DOORS_MINUTES = 60
DEFAULT_RUNS_MINUTES = 180
# A ticket is valid from doors to end, and its code has two bytes for the minutes between.
DOORS_MINUTES_MAX = 1_440
RUNS_MINUTES_MAX = 60_000
VALID_MINUTES_MAX = 65_535
INSTANT = N_('an instant in UTC, a whole minute, such as "2026-11-28T11:30:00Z"')

_UTC_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:00Z\Z", re.ASCII)
_WRITTEN_KEYS = (
    ("number", "starts"),
    (*("hall", "doors_minutes", "runs_minutes", "on_sale", "cancelled"),),
)
_STORED_KEYS = ("number", "hall", "starts_at", "doors_at", "ends_at", "on_sale"), ("cancelled",)


class Form(Enum):
    """Which of its two forms an event is read in."""

    WRITTEN = auto()
    STORED = auto()


@dataclass(frozen=True, slots=True)
class Setting:
    """What an event is read against. `plans` has every declared plan, None for a faulty one."""

    venue: Venue
    plans: Mapping[str, SeatingPlan | None]
    form: Form
    now: datetime


def read_performances(
    node: Node, event_id: str, plan: SeatingPlan | None, setting: Setting
) -> tuple[Performance, ...]:
    """Read the performances, by start; faulty ones are recorded and left out."""
    seen: dict[Any, Node] = {}
    performances = []
    for inner in node.items(1, PERFORMANCES_MAX, N_("performances")):
        performance = _read_performance(inner, event_id, plan, setting)
        if performance is not None:
            unique(seen, performance.number, inner, N_("performance number"))
            performances.append(performance)
    return tuple(sorted(performances, key=lambda one: (one.starts_at, one.number)))


def declared_numbers(node: Node) -> set[int]:
    """Return the numbers the document gives, also those of faulty performances."""
    inners = node.value if isinstance(node.value, list) else []
    numbers = (inner.get("number") for inner in inners if isinstance(inner, dict))
    return {number for number in numbers if type(number) is int}


def _read_performance(
    node: Node, event_id: str, plan: SeatingPlan | None, setting: Setting
) -> Performance | None:
    mark = node.problems.count
    written = setting.form is Form.WRITTEN
    members = node.members(*(_WRITTEN_KEYS if written else _STORED_KEYS))
    number = members["number"].integer(1, PERFORMANCE_NUMBER_MAX)
    times = _written_times(members, setting) if written else _stored_times(node, members)
    hall = members["hall"]
    usual_hall = plan.name if plan else setting.venue.name
    named = read_text(hall, setting.venue.languages) if hall.present else usual_hall
    on_sale = members["on_sale"].flag(default=True)
    is_cancelled = members["cancelled"].flag(default=False)
    if node.problems.since(mark) or times is None:
        return None
    starts_at, doors_at, ends_at = times
    return Performance(
        number=number,
        event_id=event_id,
        hall=named,
        starts_at=starts_at,
        doors_at=doors_at,
        ends_at=ends_at,
        on_sale=on_sale and not is_cancelled,
        is_cancelled=is_cancelled,
    )


_Times = tuple[datetime, datetime, datetime]


def _written_times(members: Mapping[str, Node], setting: Setting) -> _Times | None:
    """Read start, doors and end of a catalogue's performance."""
    doors, runs, starts = (members[key] for key in ("doors_minutes", "runs_minutes", "starts"))
    doors_minutes = doors.integer(0, DOORS_MINUTES_MAX) if doors.present else DEFAULT_DOORS_MINUTES
    runs_minutes = runs.integer(1, RUNS_MINUTES_MAX) if runs.present else DEFAULT_RUNS_MINUTES
    written = starts.string(FORMS)
    start = read_start(written, setting.venue, setting.now) if written else None
    if isinstance(start, UnusableTime):
        start.refuse(starts)
    if not isinstance(start, datetime):
        return None
    return (
        start,
        start - timedelta(minutes=doors_minutes),
        start + timedelta(minutes=runs_minutes),
    )


def _stored_times(node: Node, members: Mapping[str, Node]) -> _Times | None:
    """Read the three instants of a stored document's performance."""
    mark = node.problems.count
    starts_at, doors_at, ends_at = (
        _read_instant(members[key]) for key in ("starts_at", "doors_at", "ends_at")
    )
    if starts_at is None or doors_at is None or ends_at is None:
        return None
    if not doors_at <= starts_at < ends_at:
        node.refuse(Fault.DOORS_START_END)
    if ends_at - doors_at > timedelta(minutes=VALID_MINUTES_MAX):
        node.refuse(Fault.TOO_LONG, most=VALID_MINUTES_MAX)
    return None if node.problems.since(mark) else (starts_at, doors_at, ends_at)


def _read_instant(node: Node) -> datetime | None:
    written = node.matching(_UTC_MINUTE, INSTANT)
    if not written:
        return None
    try:
        at = datetime.fromisoformat(written).astimezone(UTC)
    except ValueError:
        node.refuse(Fault.NO_CALENDAR_INSTANT, what=INSTANT)
        return None
    # A day of grace: doors may open in the year before a start in January.
    if not EARLIEST_YEAR - 1 <= at.year <= LATEST_YEAR + 1:
        node.refuse(Fault.YEARS, low=EARLIEST_YEAR, high=LATEST_YEAR)
        return None
    return at


def read_instant(written: str) -> datetime | None:
    """A stored instant; None for a text that is none."""
    return datetime.fromisoformat(written) if _UTC_MINUTE.match(written) else None


def performance_members(one: Performance) -> dict[str, Any]:
    """Return the performance in its stored form."""
    return {
        "number": one.number,
        "hall": one.hall.to_json(),
        "starts_at": _instant(one.starts_at),
        "doors_at": _instant(one.doors_at),
        "ends_at": _instant(one.ends_at),
        "on_sale": one.on_sale,
        **({"cancelled": True} if one.is_cancelled else {}),
    }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:00Z")
