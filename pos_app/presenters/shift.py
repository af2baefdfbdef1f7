"""The shift: floats and blind counts, movements, X and Z. Every intent returns at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pos_app.presenters.denominations import denominations_of
from pos_app.presenters.observable import Observable
from pos_app.presenters.shift_state import ACTIONS, COUNTING, Page, Paper, ShiftState
from pos_app.presenters.sign_in import PIN_DIGITS_MAX
from pos_app.services.model import PrintOutcome
from pos_app.services.shift_model import (
    Approval,
    CountAgain,
    NeedsApproval,
    OpenShift,
    ReportPrinted,
    ShiftRefusal,
    ShiftRefused,
    XReport,
    ZReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pos_app.presenters.runner import Run
    from pos_app.services.model import Person
    from pos_app.services.shift_model import Done, Reason, ShiftServices
    from pos_app.services.shift_rows import Names

PIECES_MAX: Final = 9_999
AMOUNT_MINOR_MAX: Final = 10**9
_COUNT_PAGES: Final = {0: Page.COUNT, 1: Page.RECOUNT}
"""By counts kept so far; with more, a manager is wanted or the cash has changed since."""

_PAPERS: Final = {
    PrintOutcome.PRINTED: Paper.PRINTED,
    PrintOutcome.FAILED: Paper.FAILED,
    PrintOutcome.WAITING: Paper.WAITING,
    PrintOutcome.IN_DOUBT: Paper.IN_DOUBT,
}


@dataclass(frozen=True, slots=True)
class _Read:
    """The drawer as the worker read it."""

    current: OpenShift | None
    currency: str
    names: Names
    past: tuple[ZReport, ...]
    wanted: NeedsApproval | None
    approvers: tuple[Person, ...]


class ShiftPresenter(Observable[ShiftState]):
    """The shift page's mind; a manager's PIN never leaves it but for the check."""

    def __init__(
        self,
        services: ShiftServices,
        run: Run,
        run_printing: Run,
        opened: Callable[[], None],
    ) -> None:
        """`opened` is told when a shift was begun: the sale can go on."""
        super().__init__(ShiftState())
        self._on_with_the_sale = opened
        self._services = services
        self._run = run
        self._run_printing = run_printing
        self._pin = ""

    def load(self, then: Callable[[], None] | None = None) -> None:
        """Read the drawer again, and begin on the first page; `then` is told when it did or could not."""
        self._pin = ""
        self._become(ShiftState(known=self.state.known, current=self.state.current))

        def show(read: _Read) -> None:
            self._show(read)
            if then is not None:
                then()

        def failed(error: Exception) -> None:
            self._fail(error)
            if then is not None:
                then()

        self._run(self._read, show, failed)

    def open_page(self, page: Page) -> None:
        """Go to a page of the menu; closing goes on where it stopped."""
        if self.state.busy:
            return
        if page is Page.X:
            self._ask_x()
            return
        if page is Page.COUNT:
            page = self._closing_page()
        self._go(page)

    def back(self) -> bool:
        """One step back; False when there is none."""
        if self.state.page is Page.HOME:
            return False
        if not self.state.busy:
            self._go(Page.HOME)
        return True

    # ------------------------------------------------------------------------------- counting

    def choose(self, place: int) -> None:
        """Type the pieces of this denomination from now on."""
        if 0 <= place < len(self.state.denominations):
            self._did(replace(self.state, chosen=place))

    def step(self, place: int, by: int) -> None:
        """A piece more or less."""
        self._set_pieces(place, self.state.pieces[place] + by)

    def digit(self, digit: str) -> None:
        """Type a digit (or "00") into what the page asks for."""
        for each in digit:
            self._type(each)

    def backspace(self) -> None:
        """Forget the last digit."""
        state = self.state
        if state.page in COUNTING:
            self._set_pieces(state.chosen, state.pieces[state.chosen] // 10)
        elif state.page is Page.APPROVE:
            self._type_pin(self._pin[:-1])
        elif state.page in ACTIONS:
            self._did(replace(state, amount_minor=state.amount_minor // 10))

    def clear(self) -> None:
        """Forget what was typed."""
        state = self.state
        if state.page in COUNTING:
            self._set_pieces(state.chosen, 0)
        elif state.page is Page.APPROVE:
            self._type_pin("")
        elif state.page in ACTIONS:
            self._did(replace(state, amount_minor=0))

    def give_reason(self, reason: Reason) -> None:
        """Say why."""
        if reason in self.state.reasons:
            self._did(replace(self.state, reason=reason))

    def choose_approver(self, person_id: str) -> None:
        """Which manager types the PIN; typed digits are forgotten."""
        self._pin = ""
        self._did(replace(self.state, approver_id=person_id, digit_count=0))

    # -------------------------------------------------------------------------------- recording

    def submit(self) -> None:
        """Record what the page asks for; nothing happens while something is missing."""
        state, services = self.state, self._services
        if not state.can_submit:
            return
        self._become(replace(state, busy=True, refused=None, failed=False, done=None))
        count, reason = state.count, str(state.reason or "")
        if state.page is Page.FLOAT:
            self._run(lambda: services.open(count), self._opened, self._fail)
        elif state.page in ACTIONS:
            action, amount = ACTIONS[state.page], state.amount_minor
            self._run(lambda: services.move_cash(action, amount, reason), self._moved, self._fail)
        elif state.page is Page.DRAWER:
            self._run(lambda: services.open_drawer(reason), self._moved, self._fail)
        elif state.page is Page.APPROVE:
            approval, self._pin = Approval(state.approver_id, self._pin, reason), ""
            self._run(lambda: services.approve(approval), self._closed, self._fail)
        else:
            self._run(lambda: services.close(count), self._closed, self._fail)

    def show_z(self, z: ZReport) -> None:
        """Look at a report of before."""
        if not self.state.busy:
            self._go(Page.Z, z=z)

    def print_report(self) -> None:
        """Print the report on screen: an X as it is, a Z as a copy unless its first print failed."""
        state = self.state
        if state.paper is Paper.PRINTING:
            return
        if state.page is Page.X and state.x is not None:
            self._print(partial(self._services.print_x, state.x))
        elif state.page is Page.Z and state.z is not None:
            copy = state.paper in (Paper.NONE, Paper.PRINTED)
            self._print(partial(self._services.print_z, state.z.number, copy=copy))

    # ------------------------------------------------------------------------------ what came back

    def _read(self) -> _Read:
        services = self._services
        return _Read(
            services.current(),
            services.currency(),
            services.names(),
            tuple(services.closed()),
            services.pending(),
            services.approvers(),
        )

    def _show(self, read: _Read) -> None:
        self._become(
            replace(
                self.state,
                known=True,
                current=read.current,
                currency=read.currency or self.state.currency,
                names=read.names,
                past=read.past,
                wanted=read.wanted,
                approvers=read.approvers,
            )
        )

    def _opened(self, answer: OpenShift | ShiftRefused) -> None:
        if isinstance(answer, ShiftRefused):
            self._refuse(answer)
            return
        self._become(replace(self.state, current=answer))
        self._finish()
        self._on_with_the_sale()

    def _moved(self, answer: Done | ShiftRefused) -> None:
        if isinstance(answer, ShiftRefused):
            self._refuse(answer)
            return
        self._finish()

    def _closed(self, answer: ZReport | CountAgain | NeedsApproval | ShiftRefused) -> None:
        self._become(replace(self.state, busy=False, digit_count=0))
        match answer:
            case ShiftRefused():
                self._refuse(answer)
            case CountAgain():
                self._keep_counts(1)
                self._go(Page.RECOUNT)
            case NeedsApproval():
                self._keep_counts(2)
                self._go(Page.APPROVE, wanted=answer)
            case _:
                past = (answer, *self.state.past)
                self._become(replace(self.state, current=None, wanted=None, past=past))
                self._go(Page.Z, z=answer)
                self._become(replace(self.state, done=Page.COUNT))
                self._print(partial(self._services.print_z, answer.number, copy=False))

    def _finish(self) -> None:
        """Back to the first page, which says what was done."""
        page = self.state.page
        self._become(replace(self.state, busy=False))
        self._go(Page.HOME)
        self._become(replace(self.state, done=page))

    def _refuse(self, refused: ShiftRefused) -> None:
        self._become(replace(self.state, busy=False, refused=refused))
        if refused.reason is ShiftRefusal.NOT_COUNTED:
            self._keep_counts(1)
            self._go(Page.RECOUNT)
            self._become(replace(self.state, refused=refused))

    def _ask_x(self) -> None:
        self._become(replace(self.state, busy=True, refused=None, failed=False, done=None))

        def show(answer: XReport | ShiftRefused) -> None:
            self._become(replace(self.state, busy=False))
            if isinstance(answer, ShiftRefused):
                self._refuse(answer)
            else:
                self._go(Page.X)
                self._become(replace(self.state, x=answer))

        self._run(self._services.x_report, show, self._fail)

    def _print(self, job: Callable[[], ReportPrinted]) -> None:
        self._become(replace(self.state, paper=Paper.PRINTING))

        def printed(result: ReportPrinted) -> None:
            self._become(replace(self.state, paper=_PAPERS[result.outcome]))

        def failed(_error: Exception) -> None:
            self._become(replace(self.state, paper=Paper.FAILED))

        self._run_printing(job, printed, failed)

    def _fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it. What was recorded before stands."""
        self._pin = ""
        self._become(replace(self.state, busy=False, digit_count=0, failed=True))

    # ----------------------------------------------------------------------------------- tools

    def _go(
        self, page: Page, *, z: ZReport | None = None, wanted: NeedsApproval | None = None
    ) -> None:
        """Begin a page with nothing typed."""
        self._pin = ""
        state = self.state
        denominations = denominations_of(state.currency)
        approver_id = state.approvers[0].id if len(state.approvers) == 1 else ""
        self._become(
            replace(
                state,
                page=page,
                denominations=denominations,
                pieces=(0,) * len(denominations),
                chosen=0,
                amount_minor=0,
                reason=None,
                x=None,
                z=z,
                wanted=wanted or state.wanted,
                approver_id=approver_id,
                digit_count=0,
                paper=Paper.NONE,
                refused=None,
                failed=False,
                done=None,
            )
        )

    def _closing_page(self) -> Page:
        state = self.state
        kept = state.current.counts_kept if state.current else 0
        if kept >= 2 and state.wanted is not None:
            return Page.APPROVE
        return _COUNT_PAGES.get(kept, Page.RECOUNT)

    def _keep_counts(self, count: int) -> None:
        current = self.state.current
        if current is not None:
            self._become(replace(self.state, current=replace(current, counts_kept=count)))

    def _type(self, digit: str) -> None:
        state = self.state
        if len(digit) != 1 or digit not in "0123456789" or state.busy:
            return
        if state.page in COUNTING:
            self._set_pieces(state.chosen, state.pieces[state.chosen] * 10 + int(digit))
        elif state.page is Page.APPROVE and len(self._pin) < PIN_DIGITS_MAX:
            self._type_pin(self._pin + digit)
        elif state.page in ACTIONS:
            amount = state.amount_minor * 10 + int(digit)
            if amount <= AMOUNT_MINOR_MAX:
                self._did(replace(state, amount_minor=amount))

    def _type_pin(self, pin: str) -> None:
        if self.state.busy:
            return
        self._pin = pin
        self._did(replace(self.state, digit_count=len(pin)))

    def _set_pieces(self, place: int, pieces: int) -> None:
        state = self.state
        if state.busy or state.page not in COUNTING or not 0 <= pieces <= PIECES_MAX:
            return
        counted = list(state.pieces)
        counted[place] = pieces
        self._did(replace(state, pieces=tuple(counted), chosen=place))

    def _did(self, state: ShiftState) -> None:
        """The cashier did something: what was said before has been read."""
        self._become(replace(state, refused=None, failed=False, done=None))
