"""What the till's services tell of a shift: immutable values, no Qt, no SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pos_app.services.model import Person, PrintOutcome, SignInRefused
from ticketing.operations import CashAction, CashCount, ShiftClosed, ShiftReport

if TYPE_CHECKING:
    from pos_app.services.shift_rows import Names


class ShiftRefusal(StrEnum):
    """Why nothing was done. Nothing was recorded, and the drawer stays shut."""

    NOT_SIGNED_IN = "not_signed_in"
    NO_SHIFT = "no_shift"
    ALREADY_OPEN = "already_open"
    NO_CURRENCY = "no_currency"  # no event has reached this window yet: money has no name
    NOTHING_TO_MOVE = "nothing_to_move"
    PARKED_ORDERS = "parked_orders"  # `count` of them wait: take or drop them first
    OPEN_PARTS = "open_parts"  # `count` parts of an order that is not paid yet: take or return them
    NOT_COUNTED = "not_counted"  # the cash changed since the count: count it again
    NOT_A_MANAGER = "not_a_manager"
    PIN_REFUSED = "pin_refused"  # `sign_in` says why
    LOCKED = "locked"  # this window was fenced or needs re-enrolment
    DISK_FULL = "disk_full"


@dataclass(frozen=True, slots=True)
class ShiftRefused:
    """Nothing was done."""

    reason: ShiftRefusal
    count: int = 0
    sign_in: SignInRefused | None = None


@dataclass(frozen=True, slots=True)
class OpenShift:
    """The shift that is open. `counts_kept` blind counts were too far off to close it."""

    id: str
    currency: str
    opened_by: str
    opened_at: datetime
    counts_kept: int = 0


class Reason(StrEnum):
    """Why cash moves, the drawer opens, or a difference is taken. Stored, never renamed."""

    CHANGE = "change"  # small money brought or fetched
    EXPENSE = "expense"  # bought something for the house
    DEPOSIT = "deposit"  # money that buyers leave, or get back
    TOO_MUCH = "too_much"  # more in the drawer than there should be
    END_OF_DAY = "end_of_day"
    CHECK = "check"  # to look what is in it
    WRONG_CHANGE = "wrong_change"
    NOT_FOUND = "not_found"  # counted twice, looked for and not found
    OTHER = "other"


MOVE_REASONS = {
    CashAction.PAY_IN: (Reason.CHANGE, Reason.DEPOSIT, Reason.OTHER),
    CashAction.PAY_OUT: (Reason.EXPENSE, Reason.CHANGE, Reason.DEPOSIT, Reason.OTHER),
    CashAction.SAFE_DROP: (Reason.TOO_MUCH, Reason.END_OF_DAY, Reason.OTHER),
}
DRAWER_REASONS = (Reason.CHANGE, Reason.CHECK, Reason.OTHER)
APPROVAL_REASONS = (Reason.WRONG_CHANGE, Reason.NOT_FOUND, Reason.OTHER)


@dataclass(frozen=True, slots=True)
class Done:
    """It is recorded; `drawer_opens` where there is a drawer to open."""

    drawer_opens: bool = False


@dataclass(frozen=True, slots=True)
class XReport:
    """The figures so far. Numbered by the till, never recorded."""

    number: int
    report: ShiftReport


@dataclass(frozen=True, slots=True)
class ZReport:
    """A shift that was closed."""

    closed: ShiftClosed
    closed_at: datetime

    @property
    def number(self) -> int:
        """Its Z number."""
        return self.closed.z_number


@dataclass(frozen=True, slots=True)
class CountAgain:
    """Too far off: count once more, blind as before."""


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """Counted twice and still too far off: a manager's PIN and a reason close it."""

    counted_minor: int
    difference_minor: int


@dataclass(frozen=True, slots=True)
class Approval:
    """A manager takes a difference."""

    person_id: str
    pin: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportPrinted:
    """What became of a printed report."""

    outcome: PrintOutcome
    detail: str = ""
    path: str = ""


class ShiftServices(Protocol):
    """Use cases of the drawer. They block on the local disk alone, as all of `TillServices`."""

    def current(self) -> OpenShift | None:
        """The shift that is open; it outlives the program."""

    def currency(self) -> str:
        """What the drawer holds: the open shift's currency, else the events'; '' when unknown."""

    def open(self, count: CashCount) -> OpenShift | ShiftRefused:
        """Begin a shift with this float."""

    def move_cash(self, action: CashAction, amount_minor: int, reason: str) -> Done | ShiftRefused:
        """Record that cash comes or goes, then open the drawer for it."""

    def open_drawer(self, reason: str) -> Done | ShiftRefused:
        """Record that the drawer opens without a sale, then open it."""

    def x_report(self) -> XReport | ShiftRefused:
        """The figures so far, under the next X number; for a manager: a count stays blind."""

    def close(self, count: CashCount) -> ZReport | CountAgain | NeedsApproval | ShiftRefused:
        """Hand in a blind count: it closes the shift when it is near enough."""

    def approve(self, approval: Approval) -> ZReport | ShiftRefused:
        """Close with the difference of the last count."""

    def pending(self) -> NeedsApproval | None:
        """What waits for a manager; None when the next step is a count."""

    def approvers(self) -> tuple[Person, ...]:
        """Who may take a difference."""

    def closed(self) -> Sequence[ZReport]:
        """The Z reports of this till, the newest first, as far as a list shows them."""

    def names(self) -> Names:
        """What people and ticket types are called, to show a report."""

    def print_x(self, x: XReport) -> ReportPrinted:
        """Print the figures so far."""

    def print_z(self, number: int, *, copy: bool) -> ReportPrinted:
        """Print a Z report from the journal; `copy` stands on it when it is not the first."""
