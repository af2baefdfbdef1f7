"""A reconciliation: one scope of the house's doings, each figure beside the one it must equal.

Codes and numbers, and the names as they were; sentences are made at the faces. What a person signs
is exactly this, as text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

Name = Mapping[str, str]
"""A name by language; under "" where it is the same in all."""


class By(StrEnum):
    """What a reconciliation is about. Stored and sent, never renamed."""

    DAY = "day"
    PERFORMANCE = "performance"
    SHIFT = "shift"
    TILL = "till"
    GATE = "gate"


class CheckKind(StrEnum):
    """One equation. Stored, never renamed."""

    TAKINGS = "takings"  # orders less what went back = taken by all tenders
    CASH = "cash"  # what drawers must hold = what was counted
    SHIFTS = "shifts"  # cash by the shifts' own reports = cash of the orders that arrived
    STOCK = "stock"  # capacity = free + held + lent + sold + blocked + returned + written off
    TICKETS = "tickets"  # sold = entered + not come + taken back + disputed
    ENTRIES = "entries"  # who went in, lane by lane
    LATE = "late"  # what arrived long after it happened
    GAPS = "gaps"  # sequences with holes
    MISSING = "missing"  # journals that have not arrived to their end


class LineCode(StrEnum):
    """One figure of a check. Stored, never renamed."""

    ORDERS = "orders"
    BACK = "back"
    FEES = "fees"
    ROUNDING = "rounding"
    DUE = "due"
    TENDER = "tender"
    TAKEN = "taken"
    BOOKED = "booked"
    EXPECTED = "expected"
    COUNTED = "counted"
    REPORTED = "reported"
    ARRIVED = "arrived"
    FREE = "free"
    WRITTEN_OFF = "written_off"
    HELD = "held"
    LENT = "lent"
    SOLD = "sold"
    BLOCKED = "blocked"
    RETURNED = "returned"
    CAPACITY = "capacity"
    VALID = "valid"
    ENTERED = "entered"
    NOT_COME = "not_come"
    TAKEN_BACK = "taken_back"
    DISPUTED = "disputed"
    ISSUED = "issued"
    LANE = "lane"
    LET_IN = "let_in"
    RECORDS = "records"


class NoteCode(StrEnum):
    """What is to be known of a check beside its figures. Stored, never renamed."""

    SHIFT_OPEN = "shift_open"
    SHIFT_COUNTED = "shift_counted"  # with a difference
    SHIFT_INCOMPLETE = "shift_incomplete"  # cash by its report that no order that arrived explains
    OVERFULL = "overfull"
    SOLD_WITHOUT_TICKET = "sold_without_ticket"
    ENTERED_TWICE = "entered_twice"
    ENTERED_UNSOLD = "entered_unsold"
    ENTERED_TAKEN_BACK = "entered_taken_back"
    BOOKED_OTHERWISE = "booked_otherwise"
    LATE = "late"
    JOURNAL_GAP = "journal_gap"
    JOURNAL_FORKED = "journal_forked"
    Z_GAP = "z_gap"
    NOT_ARRIVED = "not_arrived"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Line:
    """A figure: an amount in minor units, or a count where the check has no currency.

    `name` is of a tender or lane. `is_sum`: what stands above it adds up to it.
    """

    code: LineCode
    figure: int
    name: Name | None = None
    is_sum: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something to look into: whose, how many or how much, when (0: at no certain time)."""

    code: NoteCode
    name: Name
    figure: int = 0
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """An equation with its figures. `difference` is 0 where both sides are equal."""

    kind: CheckKind
    lines: tuple[Line, ...]
    difference: int = 0
    currency: str = ""
    notes: tuple[Note, ...] = ()
    name: Name | None = None
    of: str = ""
    """The event, or event and performance, whose rows are behind it; "" where it is the scope's."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """All checks of one scope. `starts_ms` and `ends_ms` are 0 where it has no certain time."""

    by: By
    of: str
    name: Name
    starts_ms: int
    ends_ms: int
    checks: tuple[Check, ...]

    @property
    def open_checks(self) -> tuple[Check, ...]:
        """The checks whose sides differ."""
        return tuple(check for check in self.checks if check.difference)

    def differences(self) -> dict[str, int]:
        """The differences by currency, counts under ""; nothing where all is equal."""
        sums: dict[str, int] = {}
        for check in self.open_checks:
            sums[check.currency] = sums.get(check.currency, 0) + check.difference
        return sums


def to_text(reckoning: Reckoning) -> str:
    """The one text of a reckoning: the same figures give the same text."""
    return json.dumps(
        {"format": "boxgate-reckoning-1", **asdict(reckoning)},
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )


def from_text(text: str) -> Reckoning:
    """What `to_text` wrote."""
    raw = json.loads(text)
    return Reckoning(
        By(raw["by"]),
        raw["of"],
        raw["name"],
        raw["starts_ms"],
        raw["ends_ms"],
        tuple(_check(each) for each in raw["checks"]),
    )


def digest_of(text: str) -> str:
    """SHA-256 of a reckoning's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def total(lines: Iterable[Line]) -> int:
    """The sum of figures."""
    return sum(line.figure for line in lines)


def _check(raw: Mapping[str, object]) -> Check:
    fields: dict[str, object] = dict(raw)
    lines, notes = fields.pop("lines"), fields.pop("notes")
    assert isinstance(lines, list)
    assert isinstance(notes, list)
    kind = CheckKind(str(fields.pop("kind")))
    return Check(
        kind,
        tuple(Line(**(each | {"code": LineCode(each["code"])})) for each in lines),
        notes=tuple(Note(**(each | {"code": NoteCode(each["code"])})) for each in notes),
        **fields,  # type: ignore[arg-type]  # our own text, by the fields' own names
    )
