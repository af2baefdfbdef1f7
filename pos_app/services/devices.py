"""The devices of a window put together: how they are, what waits at them, trials."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from edge.errors import ReplicaError
from edge.journal import get_meta, set_meta
from edge.replica import Replica
from hardware.escpos import HARMLESS, Job, JobState, SpoolError
from hardware.reader import Reader
from hardware.scanner import SerialScanner, WedgeRules
from pos_app.services import printing, receipt, trial_papers
from pos_app.services.device_model import (
    DevicesNow,
    DrawerKind,
    PaperJob,
    PaperKind,
    Pressed,
    PrinterNow,
    ScannerNow,
    Trial,
)
from pos_app.services.model import News, NewsKind, Person, PrintOutcome
from pos_app.services.printer import CommandPrinter
from pos_app.services.printing import PrintDesk
from pos_app.services.scanner_lines import ScannerLine
from program.logs import get_logger
from ticketing.paper_template import TicketPaper

NEWS_GAP_S: Final = 0.2
"""Changes closer together are told once: a printer at work changes many times a second."""
JOIN_S: Final = 3.0
_RECEIPTS: Final = "receipts"
_DOT_MM: Final = 0.125  # 203 dpi
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """What the settings say beside the printer. `place` is where PDFs go."""

    drawer: DrawerKind = DrawerKind.NONE
    scanners: tuple[SerialScanner, ...] = ()
    chips: tuple[Reader, ...] = ()
    wedge: WedgeRules | None = field(default_factory=WedgeRules)
    place: str = ""
    receipts: bool = False


class DeviceDesk:
    """Implements DeviceServices. Every method may be called from any thread."""

    def __init__(
        self,
        desk: PrintDesk,
        parts: DeviceParts,
        person: Callable[[], Person | None],
        tell: Callable[[News], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._desk, self._parts = desk, parts
        self._person, self._tell, self._clock = person, tell, clock
        self._counted: set[str] = set()
        self._receipts = _kept_choice(desk.replica, default=parts.receipts)
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._lines = [
            ScannerLine(each, self._scanned, self._changed.set) for each in parts.scanners
        ]
        self._thread = threading.Thread(target=self._work, name="till-devices", daemon=True)

    @property
    def wedge(self) -> WedgeRules | None:
        """How to tell a scanner that types; None where none does."""
        return self._parts.wedge

    def start(self) -> None:
        """Count what was printed while nobody looked, then begin."""
        slips = self._desk.slips
        if slips is not None:
            self._count()
            slips.listen(self._changed.set)
            slips.start()
        for line in self._lines:
            line.start()
        self._thread.start()

    def stop(self) -> None:
        """End the threads; what is being printed will be in doubt."""
        self._stopping.set()
        self._changed.set()
        for line in self._lines:
            line.close()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        if self._desk.slips is not None:
            self._desk.slips.close()

    # --- DeviceServices

    def now(self) -> DevicesNow:
        """How all devices are."""
        slips = self._desk.slips
        jobs = slips.open_jobs() if slips is not None else ()
        state = slips.state if slips is not None else None
        return DevicesNow(
            self._printer(),
            tuple(map(_paper_job, jobs)),
            self._parts.drawer,
            state.is_drawer_open if state else None,
            tuple(_scanner(each) for each in self._lines),
            self._parts.wedge is not None,
            self._receipts,
        )

    def try_out(self, trial: Trial) -> Pressed:
        """Print a trial ticket or receipt."""
        try:
            return trial_papers.print_trial(self._desk, trial, self._clock())
        except SpoolError as error:
            return Pressed(PrintOutcome.FAILED, str(error))

    def settle(self, job_id: str, *, on_paper: bool) -> bool:
        """End a doubt: somebody has looked."""
        done = printing.settle_doubt(self._desk, job_id, on_paper=on_paper, by=self._who())
        self._changed.set()
        return done

    def print_again(self, job_id: str) -> bool:
        """End a doubt by a copy."""
        done = printing.print_again(self._desk, job_id, by=self._who())
        self._changed.set()
        return done

    def withdraw(self, job_id: str) -> bool:
        """Take a job back that was not begun."""
        done = self._desk.slips is not None and self._desk.slips.cancel(job_id)
        self._changed.set()
        return done

    def choose_receipts(self, *, automatic: bool) -> None:
        """Whether a receipt follows each sale."""
        self._receipts = automatic
        _keep_choice(self._desk.replica, automatic=automatic)
        self._changed.set()

    def print_receipt(self, order_id: str) -> Pressed:
        """Print it, now."""
        return receipt.print_receipt(self._desk, order_id)

    def picture(self, paper: TicketPaper) -> Sequence[bytes]:
        """The trial ticket as pictures."""
        return trial_papers.pictures(self._desk, self._clock(), paper)

    # --- for the window

    def follow(self, order_id: str, outcome: PrintOutcome) -> None:
        """The first tickets of an order were handed in: its receipt follows, where it shall."""
        if self._receipts and outcome in (PrintOutcome.PRINTED, PrintOutcome.WAITING):
            pressed = receipt.print_receipt(self._desk, order_id)
            if pressed.outcome is PrintOutcome.FAILED:
                _log.warning("receipt_not_printed", order_id=order_id, detail=pressed.detail)

    # --- inside

    def _printer(self) -> PrinterNow:
        slips = self._desk.slips
        if slips is None:
            is_command = isinstance(self._desk.printer, CommandPrinter)
            kind = PaperKind.COMMAND if is_command else PaperKind.FOLDER
            return PrinterNow(kind, self._parts.place)
        state = slips.state
        faults = tuple(sorted(state.status.faults)) if state else ()
        paper_mm = 58 if slips.profile.width_dots * _DOT_MM < 58 else 80
        tickets = self._parts.place if self._desk.tickets_as_pdf else ""
        return PrinterNow(
            PaperKind.SLIPS, slips.address, state is not None, faults, paper_mm, tickets
        )

    def _who(self) -> str:
        person = self._person()
        return person.id if person else ""

    def _scanned(self, text: str) -> None:
        self._tell(News(NewsKind.SCANNED, reason=text))

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            self._changed.clear()
            if self._stopping.is_set():
                return
            self._count()
            self._tell(News(NewsKind.DEVICES))
            self._stopping.wait(NEWS_GAP_S)

    def _count(self) -> None:
        try:
            printing.count_what_came_out(self._desk, self._counted)
        except SpoolError as error:
            _log.error("copies_not_counted", error=str(error))


def _paper_job(job: Job) -> PaperJob:
    return PaperJob(
        job.id,
        job.title,
        job.state is JobState.IN_DOUBT,
        job.state is not JobState.QUEUED,
        tuple(sorted(job.faults - HARMLESS)),
        datetime.fromtimestamp(job.created_ms / 1000, UTC),
    )


def _scanner(line: ScannerLine) -> ScannerNow:
    return ScannerNow(line.address, line.fault is not None, line.fault or "")


def _kept_choice(replica: Replica, *, default: bool) -> bool:
    """What the cashier chose last; the settings' word before anything was chosen."""
    with replica.reading() as connection:
        kept = get_meta(connection, _RECEIPTS)
    return kept == "1" if kept else default


def _keep_choice(replica: Replica, *, automatic: bool) -> None:
    try:
        replica.transact(lambda unit: set_meta(unit, _RECEIPTS, str(int(automatic))))
    except ReplicaError as error:  # it holds until the till ends
        _log.warning("choice_not_kept", error=str(error))
