"""The drawer's use cases over a till's journal, its people, its drawer and its printer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from edge.env import Env
from edge.errors import ReplicaFull
from edge.id_mint import IdMint
from edge.journal import JournalLocked, Unit
from edge.replica import Replica
from pos_app.services import people, shift_paper, shifts, tender_legs
from pos_app.services.drawer import DrawerLine
from pos_app.services.model import Person, SignInRefused
from pos_app.services.printing import PrintDesk
from pos_app.services.shift_model import (
    Approval,
    CountAgain,
    Done,
    NeedsApproval,
    OpenShift,
    ReportPrinted,
    ShiftRefusal,
    ShiftRefused,
    XReport,
    ZReport,
)
from pos_app.services.shift_rows import Names
from program.logs import get_logger
from ticketing.operations import CashAction, CashCount, ShiftClosed

T = TypeVar("T")
_SEES_FIGURES = "manager"
_TAKES_DIFFERENCE = frozenset({"manager", "agent"})
"""An agency's window knows agents alone; what they take is theirs to pay, and a case at the centre."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Counter:
    """What the drawer's use cases need of the window they belong to.

    `parked_count` is how many orders wait for their buyers: none may be left behind by a shift.
    """

    env: Env
    ids: IdMint
    venue_id: str
    replica: Replica
    desk: PrintDesk
    drawer: DrawerLine
    person: Callable[[], Person | None]
    recorded: Callable[[], None]
    parked_count: Callable[[], int]


class ShiftDesk:
    """Implements ShiftServices. Every method may be called from any thread."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._env, self._replica = counter.env, counter.replica

    def current(self) -> OpenShift | None:
        """The shift that is open."""
        with self._replica.reading() as connection:
            return _open_shift(connection)

    def currency(self) -> str:
        """What the drawer holds."""
        current = self.current()
        if current is not None:
            return current.currency
        known = self._counter.desk.catalogue.events()
        return known[0].event.currency if known else ""

    def open(self, count: CashCount) -> OpenShift | ShiftRefused:
        """Begin a shift with this float."""
        currency = self.currency()
        if not currency:
            return ShiftRefused(ShiftRefusal.NO_CURRENCY)
        begun = self._record(lambda unit, clerk: shifts.begin(unit, clerk, currency, count))
        return begun if isinstance(begun, ShiftRefused) else _told(begun)

    def move_cash(self, action: CashAction, amount_minor: int, reason: str) -> Done | ShiftRefused:
        """Record that cash comes or goes, then open the drawer for it."""
        return self._with_drawer(
            lambda unit, clerk: shifts.move(unit, clerk, action, amount_minor, reason)
        )

    def open_drawer(self, reason: str) -> Done | ShiftRefused:
        """Record that the drawer opens without a sale, then open it."""
        return self._with_drawer(lambda unit, clerk: shifts.note_drawer(unit, clerk, reason))

    def x_report(self) -> XReport | ShiftRefused:
        """The figures so far, under the next X number."""
        person = self._counter.person()
        if person is not None and person.role != _SEES_FIGURES:
            return ShiftRefused(ShiftRefusal.NOT_A_MANAGER)  # whoever counts must not know
        made = self._record(lambda unit, _clerk: shifts.next_x(unit, self._env.wall_ms()))
        return made if isinstance(made, ShiftRefused) else XReport(*made)

    def close(self, count: CashCount) -> ZReport | CountAgain | NeedsApproval | ShiftRefused:
        """Hand in a blind count: it closes the shift when it is near enough."""
        waits = self._left_behind()
        if waits is not None:
            return waits
        handed = self._record(lambda unit, clerk: shifts.hand_in(unit, clerk, count))
        match handed:
            case ShiftRefused():
                return handed
            case ShiftClosed():
                return self._closed(handed)
            case _:
                return _wanted(handed)

    def approve(self, approval: Approval) -> ZReport | ShiftRefused:
        """Close with the difference of the last count."""
        waits = self._left_behind()
        if waits is not None:
            return waits
        checked = people.check_pin(
            self._replica, approval.person_id, approval.pin, self._env.wall_ms()
        )
        if isinstance(checked, SignInRefused):
            return ShiftRefused(ShiftRefusal.PIN_REFUSED, sign_in=checked)
        if checked.role not in _TAKES_DIFFERENCE:
            return ShiftRefused(ShiftRefusal.NOT_A_MANAGER)
        closed = self._record(
            lambda unit, clerk: shifts.close_approved(unit, clerk, checked.id, approval.reason)
        )
        return closed if isinstance(closed, ShiftRefused) else self._closed(closed)

    def _left_behind(self) -> ShiftRefused | None:
        """What a shift may not leave to the next: orders that wait for buyers, and half payments."""
        parked = self._counter.parked_count()
        if parked:
            return ShiftRefused(ShiftRefusal.PARKED_ORDERS, count=parked)
        with self._replica.reading() as connection:
            parts = tender_legs.unfinished_count(connection)
        return ShiftRefused(ShiftRefusal.OPEN_PARTS, count=parts) if parts else None

    def pending(self) -> NeedsApproval | None:
        """What waits for a manager."""
        with self._replica.reading() as connection:
            if shifts.opening(connection) is None:
                return None
            kept = shifts.kept_counts(connection)
            if len(kept) < 2:
                return None
            figures = shifts.report(connection, self._env.wall_ms())
        if kept[-1].expected_minor != figures.expected_minor:
            return None
        wanted = _wanted(kept)
        return wanted if isinstance(wanted, NeedsApproval) else None

    def approvers(self) -> tuple[Person, ...]:
        """Who may take a difference."""
        return tuple(one for one in people.people(self._replica) if one.role in _TAKES_DIFFERENCE)

    def closed(self) -> tuple[ZReport, ...]:
        """The Z reports of this till, the newest first."""
        with self._replica.reading() as connection:
            found = shifts.closed_shifts(connection)
        return tuple(ZReport(closed, _instant(ms)) for closed, ms in found)

    def names(self) -> Names:
        """What people and ticket types are called."""
        return shift_paper.names_of(self._counter.desk)

    def print_x(self, x: XReport) -> ReportPrinted:
        """Print the figures so far."""
        return shift_paper.print_x(self._counter.desk, x)

    def print_z(self, number: int, *, copy: bool) -> ReportPrinted:
        """Print a Z report from the journal."""
        with self._replica.reading() as connection:
            found = shifts.closed_shift(connection, number)
        if found is None:
            raise LookupError(f"no Z report {number} at this till")
        return shift_paper.print_z(
            self._counter.desk, ZReport(found[0], _instant(found[1])), copy=copy
        )

    def _closed(self, closed: ShiftClosed) -> ZReport:
        return ZReport(closed, _instant(closed.report.made_ms))

    def _with_drawer(self, work: Callable[[Unit, shifts.Clerk], None]) -> Done | ShiftRefused:
        """Record first; only what is on the disk opens the drawer."""
        done = self._record(work)
        if isinstance(done, ShiftRefused):
            return done
        self._env.maybe_crash("before_drawer_kick")
        self._counter.drawer.kick()
        return Done(self._counter.drawer.is_there)

    def _record(self, work: Callable[[Unit, shifts.Clerk], T]) -> T | ShiftRefused:
        counter, person = self._counter, self._counter.person()
        if person is None:
            return ShiftRefused(ShiftRefusal.NOT_SIGNED_IN)
        clerk = shifts.Clerk(counter.env, counter.ids, counter.venue_id, person.id)
        try:
            done = self._replica.transact(lambda unit: work(unit, clerk))
        except shifts.ShiftRefusedHere as refused:
            return ShiftRefused(refused.reason)
        except JournalLocked:
            return ShiftRefused(ShiftRefusal.LOCKED)
        except ReplicaFull as error:
            _log.error("disk_full", error=str(error))
            return ShiftRefused(ShiftRefusal.DISK_FULL)
        counter.recorded()
        return done


def _open_shift(connection: sqlite3.Connection) -> OpenShift | None:
    found = shifts.opening(connection)
    return _told(found, len(shifts.kept_counts(connection))) if found else None


def _told(found: shifts.Opening, counts_kept: int = 0) -> OpenShift:
    opened = found.opened
    return OpenShift(
        opened.shift_id, opened.currency, opened.by, _instant(found.wall_ms), counts_kept
    )


def _wanted(kept: tuple[shifts.KeptCount, ...]) -> CountAgain | NeedsApproval:
    """One recount; then a manager."""
    if len(kept) < 2:
        return CountAgain()
    last = kept[-1]
    return NeedsApproval(last.expected_minor + last.difference_minor, last.difference_minor)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
