"""The receipt printer of a till: slips go through its spool, and what is in doubt is never repeated.

A job has the name its caller gives it. A name whose job is queued, under way or in doubt prints
nothing again; one whose job has ended may be printed once more, as a job of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from hardware.errors import BadDeviceAddress, DeviceError
from hardware.escpos import (
    HARMLESS,
    DoesNotFit,
    EscPosPrinter,
    Fault,
    Job,
    JobState,
    LinePainter,
    NoFont,
    PrinterState,
    Profile,
    Settlement,
    Spool,
    Spooler,
    SpoolError,
    load_painter,
    make_printer,
    render,
)
from hardware.escpos.document import Align, Document, Feed, Rule, Text
from program.errors import SettingsError

PRINTER_NAME: Final = "till"
WAIT_S: Final = 20.0
"""How long a printer that reports no fault is waited for; after it the job is told as waiting."""
_LOOK_S: Final = 0.25
_RECENT_MAX: Final = 200
_NAME_TRIES_MAX: Final = 500
_TITLE_CHARS: Final = 120
_WIDTHS: Final = {80: "chinese-80", 58: "chinese-58"}


class SlipOutcome(StrEnum):
    """What became of a job so far."""

    ON_PAPER = "on_paper"
    WAITING = "waiting"  # it will be printed when the printer can; `faults` says what it lacks
    IN_DOUBT = "in_doubt"  # nobody knows whether it is on paper: a person has to look
    REFUSED = "refused"  # it was not taken; `detail` says why


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a slip that was handed in."""

    outcome: SlipOutcome
    faults: frozenset[Fault] = frozenset()
    detail: str = ""


class SlipPrinter:
    """One receipt printer with its spool. Any thread may call; `start` begins to print."""

    def __init__(
        self,
        spool: Spool,
        printer: EscPosPrinter,
        painter: LinePainter,
        *,
        wait_s: float = WAIT_S,
    ) -> None:
        self.address: Final = printer.address
        self._spool = spool
        self._painter = painter
        self._painting = threading.Lock()
        self._wait_s = wait_s
        self._changed: Callable[[], None] = _nobody
        self._spooler = Spooler(spool, PRINTER_NAME, printer, on_change=self._tell)
        self._is_started = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to print what waits; nothing more happens when it has begun."""
        if not self._is_started:
            self._is_started = True
            self._spooler.start()

    def close(self) -> None:
        """End the thread and close the spool; what is under way will be in doubt."""
        self._spooler.stop()
        self._spool.close()

    def listen(self, changed: Callable[[], None]) -> None:
        """Call `changed`, on any thread, when a job or the printer's state changed: briefly."""
        self._changed = changed

    @property
    def profile(self) -> Profile:
        """What the printer can do."""
        return self._spooler.profile

    @property
    def columns(self) -> int:
        """How many Latin letters a line holds."""
        return self.profile.columns

    @property
    def state(self) -> PrinterState | None:
        """How it is, as last heard; None before it was asked."""
        return self._spooler.state

    # --------------------------------------------------------------------------------- printing

    def print_slip(self, name: str, document: Document, *, title: str) -> Handed:
        """Hand a slip in, and wait for what becomes of it, unless its job is open already."""
        try:
            job_id = self._free_or_open(name)
            payload = self._render(document)
            self._spooler.submit(job_id, payload, title=title[:_TITLE_CHARS])
        except (DoesNotFit, SpoolError) as error:
            return Handed(SlipOutcome.REFUSED, detail=str(error))
        return self._await(job_id)

    def await_job(self, name: str) -> Handed | None:
        """What becomes of the latest job of this name; None when there is none or it failed."""
        job = self.latest(name)
        if job is None or (job.has_ended and not job.is_on_paper):
            return None
        return self._await(job.id)

    def latest(self, name: str) -> Job | None:
        """The last job that was handed in by this name."""
        found = None
        for job_id in _ids(name):
            job = self._spool.job(job_id)
            if job is None:
                break
            found = job
        return found

    def print_again(self, job: Job, name: str, document: Document | None, *, by: str) -> bool:
        """End a doubt by printing once more; False when it is no doubt any more.

        Without a document the same slip comes again under a line that calls it a copy.
        """
        payload = self._render(_COPY) + job.payload if document is None else self._render(document)
        again_id = self._next_free(name)
        made = self._spooler.print_again(job.id, again_id, payload, title=job.title, by=by)
        return made is not None

    def settle(self, job_id: str, *, on_paper: bool, by: str) -> bool:
        """A person has looked: it is there, or it is not and nobody wants it."""
        settlement = Settlement.PRINTED if on_paper else Settlement.NOT_NEEDED
        return self._spooler.settle(job_id, settlement, by=by)

    def cancel(self, job_id: str) -> bool:
        """Withdraw a job that was not begun; False when it is too late."""
        return self._spooler.cancel(job_id)

    def open_jobs(self) -> tuple[Job, ...]:
        """Queued, under way or in doubt; oldest first."""
        return self._spool.open_jobs(PRINTER_NAME)

    def recent_jobs(self) -> tuple[Job, ...]:
        """The last ones, whatever became of them; newest first."""
        return self._spool.recent(PRINTER_NAME, _RECENT_MAX)

    def job(self, job_id: str) -> Job | None:
        """One job by its id."""
        return self._spool.job(job_id)

    # -------------------------------------------------------------------------------- the drawer

    @property
    def has_drawer(self) -> bool:
        """Whether a drawer hangs on it."""
        return self.profile.drawer is not None

    def kick_drawer(self) -> frozenset[Fault]:
        """Open the drawer now or not at all; what kept it shut, nothing when it was kicked."""
        return self._spooler.kick_drawer().faults - HARMLESS

    # ------------------------------------------------------------------------------------ inside

    def _await(self, job_id: str) -> Handed:
        """Until it is on paper, in doubt, or the printer has a fault."""
        until = time.monotonic() + self._wait_s
        while True:
            job = self._spooler.wait(job_id, _LOOK_S)
            assert job is not None, "it was handed in"
            if job.state is JobState.IN_DOUBT:
                return Handed(SlipOutcome.IN_DOUBT, detail=job.detail)
            if job.has_ended:
                outcome = SlipOutcome.ON_PAPER if job.is_on_paper else SlipOutcome.REFUSED
                return Handed(outcome, detail=job.detail)
            faults = job.faults - HARMLESS
            if faults or time.monotonic() >= until or not self._is_started:
                return Handed(SlipOutcome.WAITING, faults)

    def _render(self, document: Document) -> bytes:
        with self._painting:
            return render(document, self.profile, self._painter)

    def _free_or_open(self, name: str) -> str:
        """The id of the job of this name that is open, else the next one that is free."""
        for job_id in _ids(name):
            job = self._spool.job(job_id)
            if job is None or not job.has_ended:
                return job_id
        raise SpoolError(f"{name} was printed {_NAME_TRIES_MAX} times")

    def _next_free(self, name: str) -> str:
        for job_id in _ids(name):
            if self._spool.job(job_id) is None:
                return job_id
        raise SpoolError(f"{name} was printed {_NAME_TRIES_MAX} times")

    def _tell(self) -> None:
        self._changed()


def open_slip_printer(
    address: str, *, spool: Path, paper_mm: int, font: Path | None
) -> SlipPrinter:
    """The printer of an address, on paper so wide unless its profile is named. Raises SettingsError."""
    try:
        printer = make_printer(_with_profile(address, paper_mm))
        painter = load_painter(font)
        jobs = Spool(spool)
    except BadDeviceAddress as error:
        raise SettingsError(f"printer.device: {error}") from error
    except (NoFont, SpoolError, DeviceError) as error:
        raise SettingsError(str(error)) from error
    return SlipPrinter(jobs, printer, painter)


def _with_profile(address: str, paper_mm: int) -> str:
    if "profile=" in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}profile={_WIDTHS[paper_mm]}"


def name_of(job_id: str) -> str:
    """The name by which a job was handed in."""
    return job_id.partition("#")[0]


def _ids(name: str) -> Iterator[str]:
    yield name
    for at in range(2, _NAME_TRIES_MAX + 1):
        yield f"{name}#{at}"


def _nobody() -> None:
    """Nobody listens yet."""


_COPY: Final = Document(
    (Text("副本 COPY", bold=True, align=Align.CENTRE, wide=2, high=2), Rule(), Feed())
)
