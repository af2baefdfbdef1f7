"""The device page's mind: how everything is, trials, and what a person has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pos_app.presenters.observable import Observable
from pos_app.services.device_model import PaperKind, Trial
from pos_app.services.model import News, NewsKind
from pos_app.services.shift_model import Reason, ShiftRefused
from ticketing.paper_template import TicketPaper

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.device_model import DevicesNow, Pressed
    from pos_app.services.shift_model import Done
    from pos_app.services.till import TillServices


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scanner sent last; not whole when its end was missing."""

    text: str
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class DevicesState:
    """The device page. `now` is None before anything was read."""

    now: DevicesNow | None = None
    trying: Trial | None = None  # is being printed
    tried: Pressed | None = None  # what became of the last trial
    drawer_refused: ShiftRefused | None = None
    is_drawer_kicked: bool = False
    scanned: Scanned | None = None
    pictures: tuple[bytes, ...] = ()
    preview: TicketPaper = TicketPaper.SHEET
    is_late: bool = False  # somebody else ended the doubt, or the job was begun meanwhile
    failed: bool = False


class DevicesPresenter(Observable[DevicesState]):
    """Every intent returns at once; what may wait for a printer runs on the printing lane."""

    def __init__(self, services: TillServices, run: Run, run_printing: Run) -> None:
        super().__init__(DevicesState())
        self._services = services
        self._run = run
        self._run_printing = run_printing

    def load(self) -> None:
        """Read how everything is."""
        self._run(self._services.devices.now, self._show, self._fail)

    def open(self) -> None:
        """The page is shown: begin anew, with a picture of the ticket."""
        self._become(DevicesState(now=self.state.now, preview=self._paper()))

        def show(now: DevicesNow) -> None:
            self._show(now)
            self.preview(self._paper())

        self._run(self._services.devices.now, show, self._fail)

    def on_news(self, news: News) -> None:
        """Take a piece of news."""
        if news.kind is NewsKind.DEVICES:
            self.load()

    def try_out(self, trial: Trial) -> None:
        """Print a trial; one at a time."""
        if self.state.trying is not None:
            return
        self._become(replace(self.state, trying=trial, tried=None, failed=False))
        self._run_printing(partial(self._services.devices.try_out, trial), self._tried, self._fail)

    def open_drawer(self) -> None:
        """Open it without a sale, which is recorded in the shift."""
        self._become(replace(self.state, drawer_refused=None, is_drawer_kicked=False))
        work = partial(self._services.shifts.open_drawer, Reason.CHECK.value)
        self._run(work, self._kicked, self._fail)

    def settle(self, job_id: str, *, on_paper: bool) -> None:
        """Somebody has looked at the paper."""
        work = partial(self._services.devices.settle, job_id, on_paper=on_paper)
        self._run(work, self._ended, self._fail)

    def print_again(self, job_id: str) -> None:
        """Print what is in doubt once more."""
        work = partial(self._services.devices.print_again, job_id)
        self._run(work, self._ended, self._fail)

    def withdraw(self, job_id: str) -> None:
        """Take back what waits."""
        self._run(partial(self._services.devices.withdraw, job_id), self._ended, self._fail)

    def print_receipt(self, order_id: str) -> None:
        """The buyer asks for a receipt; the chip tells when it does not come out."""
        work = partial(self._services.devices.print_receipt, order_id)
        self._run_printing(work, lambda _pressed: self.load(), self._fail)

    def choose_receipts(self, *, automatic: bool) -> None:
        """Whether a receipt follows each sale."""
        work = partial(self._services.devices.choose_receipts, automatic=automatic)
        self._run(work, lambda _done: self.load(), self._fail)

    def scanned(self, text: str, *, is_whole: bool) -> None:
        """A scanner sent something while the page is shown."""
        self._become(replace(self.state, scanned=Scanned(text, is_whole)))

    def preview(self, paper: TicketPaper) -> None:
        """Show the ticket on a kind of paper."""
        self._become(replace(self.state, preview=paper))
        work = partial(self._services.devices.picture, paper)
        self._run(work, self._show_pictures, self._fail)

    # ------------------------------------------------------------------------------- came back

    def _show(self, now: DevicesNow) -> None:
        self._become(replace(self.state, now=now))

    def _tried(self, pressed: Pressed) -> None:
        self._become(replace(self.state, trying=None, tried=pressed))
        self.load()

    def _kicked(self, answer: Done | ShiftRefused) -> None:
        if isinstance(answer, ShiftRefused):
            self._become(replace(self.state, drawer_refused=answer))
        else:
            self._become(replace(self.state, is_drawer_kicked=True))

    def _ended(self, in_time: bool) -> None:
        self._become(replace(self.state, is_late=not in_time))
        self.load()

    def _show_pictures(self, pictures: Sequence[bytes]) -> None:
        self._become(replace(self.state, pictures=tuple(pictures)))

    def _fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it."""
        self._become(replace(self.state, trying=None, failed=True))

    def _paper(self) -> TicketPaper:
        """What this window prints on."""
        now = self.state.now
        if now is None or now.printer.kind is not PaperKind.SLIPS or now.printer.tickets_place:
            return TicketPaper.SHEET
        return TicketPaper.SLIP_58 if now.printer.paper_mm == 58 else TicketPaper.SLIP_80
