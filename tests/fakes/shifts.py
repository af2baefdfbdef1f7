"""A till's drawer in memory: `ShiftServices` without disk, with every answer the real ones give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pos_app.services.model import (
    Person,
    PrintOutcome,
    SignedIn,
    SignInRefused,
)
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
from ticketing.event import Venue
from ticketing.ids import OrderId
from ticketing.operations import (
    CashAction,
    CashCount,
    CashMoved,
    DrawerOpened,
    ShiftClosed,
    ShiftOpened,
    ShiftReport,
    count_minor,
)
from ticketing.shift import ShiftOperation, is_over_threshold, make_report, recount_over_minor
from ticketing.text import Text

SHIFT = OrderId("0000000000000abc")


@dataclass
class FakeShifts:
    """`events` tells what happened in its order: a record always stands before its kick."""

    now: Callable[[], datetime]
    person: Callable[[], Person | None]
    staff: Callable[[], tuple[Person, ...]]
    check: Callable[[str, str], SignedIn | SignInRefused]
    venue: Venue
    ticket_types: dict[str, Text]
    opened: ShiftOpened | None = None
    operations: list[ShiftOperation] = field(default_factory=list)
    kept: list[CashCount] = field(default_factory=list)
    reports: list[ZReport] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    paper: bool = True
    refusal: ShiftRefusal | None = None
    parked_count: int = 0
    parts_count: Callable[[], int] = lambda: 0
    x_count: int = 0

    def begin(self, count: CashCount = ((100_00, 5),)) -> None:
        """Have a shift open, as the usual test needs it."""
        self.opened = ShiftOpened(SHIFT, "lina", "CNY", count)

    def current(self) -> OpenShift | None:
        if self.opened is None:
            return None
        since = self.now() - timedelta(hours=4, minutes=12)
        return OpenShift(SHIFT, "CNY", self.opened.by, since, len(self.kept))

    def currency(self) -> str:
        return "CNY"

    def open(self, count: CashCount) -> OpenShift | ShiftRefused:
        person = self.person()
        if self.refusal is not None:
            return ShiftRefused(self.refusal)
        if person is None:
            return ShiftRefused(ShiftRefusal.NOT_SIGNED_IN)
        if self.opened is not None:
            return ShiftRefused(ShiftRefusal.ALREADY_OPEN)
        self.opened = ShiftOpened(SHIFT, person.id, "CNY", count)
        self.operations.clear()
        current = self.current()
        assert current is not None
        return current

    def move_cash(self, action: CashAction, amount_minor: int, reason: str) -> Done | ShiftRefused:
        refused = self._why_not()
        if refused is not None:
            return refused
        if amount_minor <= 0:
            return ShiftRefused(ShiftRefusal.NOTHING_TO_MOVE)
        self.operations.append(
            CashMoved(SHIFT, action, amount_minor, "CNY", self._person_id(), reason)
        )
        self.events += [f"{action} {amount_minor} {reason}", "kick"]
        return Done(drawer_opens=True)

    def open_drawer(self, reason: str) -> Done | ShiftRefused:
        refused = self._why_not()
        if refused is not None:
            return refused
        self.operations.append(DrawerOpened(SHIFT, self._person_id(), reason))
        self.events += [f"drawer {reason}", "kick"]
        return Done(drawer_opens=True)

    def x_report(self) -> XReport | ShiftRefused:
        refused = self._why_not()
        if refused is not None:
            return refused
        person = self.person()
        if person is None or person.role != "manager":
            return ShiftRefused(ShiftRefusal.NOT_A_MANAGER)
        self.x_count += 1
        return XReport(self.x_count, self._report())

    def close(self, count: CashCount) -> ZReport | CountAgain | NeedsApproval | ShiftRefused:
        refused = self._why_not()
        if refused is not None:
            return refused
        if self.parked_count:
            return ShiftRefused(ShiftRefusal.PARKED_ORDERS, count=self.parked_count)
        if self.parts_count():
            return ShiftRefused(ShiftRefusal.OPEN_PARTS, count=self.parts_count())
        self.kept.append(count)
        difference = count_minor(count) - self._report().expected_minor
        if not is_over_threshold(difference, "CNY"):
            return self._close()
        if len(self.kept) < 2:
            return CountAgain()
        return NeedsApproval(count_minor(count), difference)

    def approve(self, approval: Approval) -> ZReport | ShiftRefused:
        person = next((one for one in self.staff() if one.id == approval.person_id), None)
        answer = self.check(approval.person_id, approval.pin)
        if isinstance(answer, SignInRefused):
            return ShiftRefused(ShiftRefusal.PIN_REFUSED, sign_in=answer)
        if person is None or person.role != "manager":
            return ShiftRefused(ShiftRefusal.NOT_A_MANAGER)
        return self._close(person.id, approval.reason)

    def pending(self) -> NeedsApproval | None:
        if len(self.kept) < 2:
            return None
        counted = count_minor(self.kept[-1])
        return NeedsApproval(counted, counted - self._report().expected_minor)

    def approvers(self) -> tuple[Person, ...]:
        return tuple(one for one in self.staff() if one.role == "manager")

    def closed(self) -> tuple[ZReport, ...]:
        return tuple(reversed(self.reports))

    def names(self) -> Names:
        return Names(
            "en",
            self.venue.name,
            "POS-01",
            {one.id: one.name for one in self.staff()},
            self.ticket_types,
            self.venue.zone,
        )

    def print_x(self, x: XReport) -> ReportPrinted:
        return self._print(f"X {x.number}")

    def print_z(self, number: int, *, copy: bool) -> ReportPrinted:
        return self._print(f"Z {number}{' copy' if copy else ''}")

    # ------------------------------------------------------------------ inside

    def _print(self, what: str) -> ReportPrinted:
        if not self.paper:
            return ReportPrinted(PrintOutcome.FAILED, "out of paper")
        self.printed.append(what)
        return ReportPrinted(PrintOutcome.PRINTED)

    def _why_not(self) -> ShiftRefused | None:
        if self.refusal is not None:
            return ShiftRefused(self.refusal)
        if self.person() is None:
            return ShiftRefused(ShiftRefusal.NOT_SIGNED_IN)
        return ShiftRefused(ShiftRefusal.NO_SHIFT) if self.opened is None else None

    def _person_id(self) -> str:
        person = self.person()
        assert person is not None
        return person.id

    def _report(self) -> ShiftReport:
        assert self.opened is not None
        at = int(self.now().timestamp() * 1000)
        return make_report(self.opened, at - 4 * 3_600_000, self.operations, at)

    def _close(self, approver: str = "", reason: str = "") -> ZReport:
        closed = ShiftClosed(
            len(self.reports) + 1,
            self._person_id(),
            tuple(self.kept),
            recount_over_minor("CNY"),
            self._report(),
        )
        z = ZReport(replace(closed, approver=approver, reason=reason), self.now())
        self.reports.append(z)
        self.kept.clear()
        self.opened = None
        return z
