"""The thread that takes jobs from the spool to one printer, and answers for what became of them."""

from __future__ import annotations

import logging
import secrets
import string
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from hardware.errors import DeviceError
from hardware.escpos.profile import Answers, Profile
from hardware.escpos.protocol import PROCESS_ID_CHARS, Fault, Status
from hardware.escpos.spool import Job, JobState, Settlement, Spool, SpoolError

if TYPE_CHECKING:
    from hardware.escpos.driver import EscPosPrinter

log = logging.getLogger(__name__)

IDLE_S: Final = 5.0
"""How often an idle printer is asked how it is."""
RETRY_S: Final = 1.0
"""How often a printer with a fault is asked while a job waits for it."""
KICK_WITHIN_S: Final = 3.0
"""A drawer that does not open within this time is not opened later, by surprise."""
_KICKS_COUNT_MAX: Final = 4
_PROCESS_ID_CHARACTERS: Final = string.ascii_letters + string.digits


class Point(StrEnum):
    """Where a test may stop the program for good."""

    TAKEN = "taken"  # handed in and on the disk
    CHOSEN = "chosen"  # about to be begun
    MARKED_SENDING = "marked_sending"  # on the disk; no byte is out
    PART_SENT = "part_sent"  # some bytes are out; reached once a part
    ALL_SENT = "all_sent"  # all bytes are out
    MARKED_SENT = "marked_sent"
    HEARD = "heard"  # the printer has confirmed; we have not noted it
    MARKED_CONFIRMED = "marked_confirmed"


@dataclass(frozen=True, slots=True)
class PrinterState:
    """How a printer is, as last heard. `is_drawer_open` is None where no contact is wired."""

    status: Status
    is_drawer_open: bool | None = None


class Spooler:
    """Owns one printer on a thread of its own. All methods may be called from any thread.

    `on_change` is called when a job or the printer's state changed, on whichever thread changed it;
    it must be brief and not call back.
    """

    def __init__(
        self,
        spool: Spool,
        name: str,
        printer: EscPosPrinter,
        *,
        on_change: Callable[[], None] = lambda: None,
        reached: Callable[[Point], None] = lambda _point: None,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        draw_process_id: Callable[[], str] | None = None,
    ) -> None:
        self.name: Final = name
        self._spool = spool
        self._printer = printer
        self._on_change = on_change
        self._reached = reached
        self._wall_ms = wall_ms
        self._draw = draw_process_id or _draw_process_id
        self._state: PrinterState | None = None
        self._kicks: list[_Kick] = []
        self._turn = threading.Condition()
        self._changed = threading.Condition()
        self._is_woken = False
        self._stopping = threading.Event()
        # What an earlier life left half sent may still lie open in the printer.
        self._must_clear = bool(spool.in_doubt(name))
        self._has_lost_track = False
        printer.set_stopping(self._stopping.is_set)
        self._thread = threading.Thread(target=self._run, name=f"printer {name}", daemon=True)

    def start(self) -> None:
        """Begin to print."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a job under way is in doubt when the spool is opened again."""
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def profile(self) -> Profile:
        """What the printer can do."""
        return self._printer.profile

    @property
    def state(self) -> PrinterState | None:
        """How the printer is; None before it was asked for the first time."""
        return self._state

    def submit(self, job_id: str, payload: bytes, *, title: str) -> Job:
        """Hand in a job; it is on the disk when this returns. The same id again is the same job.

        Raises SpoolError; then it was not taken.
        """
        job = self._spool.submit(
            job_id,
            payload,
            printer=self.name,
            title=title,
            can_confirm=self._printer.profile.can_confirm,
            process_id=self._draw(),
            now_ms=self._wall_ms(),
        )
        self._reached(Point.TAKEN)
        self._wake()
        return job

    def print_again(
        self, job_id: str, again_id: str, payload: bytes, *, title: str, by: str
    ) -> Job | None:
        """A person wants a job in doubt again; see Spool.print_again."""
        job = self._spool.print_again(
            job_id,
            again_id,
            payload,
            title=title,
            process_id=self._draw(),
            by=by,
            now_ms=self._wall_ms(),
        )
        self._wake()
        return job

    def settle(self, job_id: str, settlement: Settlement, *, by: str) -> bool:
        """A person has looked at the paper; see Spool.settle."""
        is_settled = self._spool.settle(job_id, settlement, by=by, now_ms=self._wall_ms())
        self._tell()
        return is_settled

    def cancel(self, job_id: str) -> bool:
        """Withdraw a job that was not begun; False when it is too late."""
        is_cancelled = self._spool.cancel(job_id, now_ms=self._wall_ms())
        self._tell()
        return is_cancelled

    def wait(self, job_id: str, timeout_s: float) -> Job | None:
        """Wait until a job has ended or is in doubt; the job as it is then or after the time."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                job = self._spool.job(job_id)
                if job is None or job.has_ended or job.state is JobState.IN_DOUBT:
                    return job
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return job
                self._changed.wait(left_s)

    def kick_drawer(self) -> Status:
        """Open the drawer now or not at all; blocks for twice KICK_WITHIN_S at most.

        A Status with faults means that it was not opened: open it by its key. (UNKNOWN means that
        the printer hangs in it and may still obey.) While a job is being sent the drawer waits for
        it. Raises ValueError where no drawer is configured.
        """
        kick = _Kick(time.monotonic() + KICK_WITHIN_S)
        with self._turn:
            if len(self._kicks) >= _KICKS_COUNT_MAX:
                return Status(frozenset({Fault.STALLED}))
            self._kicks.append(kick)
        self._wake()
        wait([kick.done], KICK_WITHIN_S)
        # A kick that was begun can no longer be taken back: its outcome is waited for.
        if kick.done.cancel():
            return Status(frozenset({Fault.STALLED}))
        try:
            return kick.done.result(KICK_WITHIN_S)
        except TimeoutError:
            return Status(frozenset({Fault.UNKNOWN}))

    # ------------------------------------------------------------------- on the printer's thread

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._rest(self._guarded_turn())
        finally:
            self._printer.close()
            self._refuse_kicks()
            self._state = PrinterState(Status(frozenset({Fault.UNKNOWN})))

    def _guarded_turn(self) -> float:
        try:
            return self._one_turn()
        except SpoolError:
            log.exception("printer %s: the spool failed", self.name)
            self._has_lost_track = True
            return RETRY_S

    def _one_turn(self) -> float:
        """Do what is next; how long to rest after it, in seconds."""
        if self._has_lost_track:
            self._spool.doubt_what_was_under_way(self.name)
            self._has_lost_track, self._must_clear = False, True
            self._tell()
        self._kick()
        job = self._spool.next_queued(self.name)
        status = self._look()
        if not status.can_print:
            if job is not None:
                self._spool.note_faults(job.seq, status.faults, now_ms=self._wall_ms())
                self._tell()
            return RETRY_S if job is not None or self._spool.in_doubt(self.name) else IDLE_S
        if job is None:
            return self._idle()
        self._reached(Point.CHOSEN)
        return self._print(job)

    def _look(self) -> Status:
        status = self._printer.status()
        self._note_state(status)
        self._note_heard()
        return status

    def _idle(self) -> float:
        """Keep the line while the printer may still name a job in doubt; else let others at it."""
        if self._spool.in_doubt(self.name):
            return RETRY_S
        self._printer.release()
        return IDLE_S

    def _print(self, job: Job) -> float:
        """Take a job as far as it goes; how long to rest after it, in seconds."""
        try:
            if self._must_clear:
                self._printer.clear_remains()
                self._must_clear = False
        except DeviceError:  # nothing of this job is out: it stays queued
            self._note_fault(job, frozenset({Fault.SILENT}))
            return RETRY_S
        if not self._spool.begin(job.seq, now_ms=self._wall_ms()):
            return 0.0  # withdrawn just now
        self._tell()
        self._reached(Point.MARKED_SENDING)
        try:
            is_sent = self._send(job)
        except DeviceError as error:
            self._doubt(job, error.reason)
            return 0.0
        if not is_sent:
            self._doubt(job, "the printer has had a fault since")
            return 0.0
        self._reached(Point.MARKED_SENT)
        self._tell()
        if job.can_confirm:
            self._confirm(job)
        return 0.0

    def _send(self, job: Job) -> bool:
        """Send all of a job; False when the printer is not well after it. Raises DeviceError."""
        data = job.payload
        if job.can_confirm:
            data += self._printer.confirmation_request(job.process_id)
        self._printer.send(
            data,
            on_fault=lambda fault: self._note_fault(job, frozenset({fault})),
            on_part=lambda _sent: self._reached(Point.PART_SENT),
        )
        self._reached(Point.ALL_SENT)
        if self._printer.profile.answers is Answers.STATUS and not self._printer.await_well(
            lambda status: self._note_waiting(job, status)
        ):
            return False
        return self._spool.note_sent(job.seq, now_ms=self._wall_ms())

    def _confirm(self, job: Job) -> None:
        try:
            is_confirmed = self._printer.await_confirmation(
                job.process_id, lambda status: self._note_waiting(job, status)
            )
        except DeviceError as error:
            self._doubt(job, error.reason)
            return
        if not is_confirmed:
            self._doubt(job, "the printer did not say that it was printed")
            return
        self._reached(Point.HEARD)
        self._spool.note_confirmed(job.seq, now_ms=self._wall_ms())
        self._printer.take_heard()
        self._reached(Point.MARKED_CONFIRMED)
        self._tell()

    def _doubt(self, job: Job, reason: str) -> None:
        log.warning("printer %s: job %s is in doubt: %s", self.name, job.id, reason)
        self._must_clear = True
        self._spool.note_doubt(job.seq, reason, now_ms=self._wall_ms())
        self._tell()

    def _note_fault(self, job: Job, faults: frozenset[Fault]) -> None:
        self._spool.note_faults(job.seq, faults, now_ms=self._wall_ms())
        self._tell()

    def _note_waiting(self, job: Job, status: Status) -> None:
        self._note_state(status)
        self._note_fault(job, status.faults)
        self._kick()  # people pay while a printer waits for paper

    def _note_state(self, status: Status) -> None:
        state = PrinterState(status, self._printer.is_drawer_open(status))
        if state != self._state:
            self._state = state
            self._tell()

    def _note_heard(self) -> None:
        for process_id in self._printer.take_heard():
            if self._spool.note_heard(process_id, now_ms=self._wall_ms()):
                self._tell()

    def _kick(self) -> None:
        with self._turn:
            kicks, self._kicks = self._kicks, []
        for kick in kicks:
            if time.monotonic() >= kick.until or not kick.done.set_running_or_notify_cancel():
                kick.done.cancel()
                continue
            try:
                kick.done.set_result(self._printer.kick_drawer())
            except DeviceError:
                kick.done.set_result(Status(frozenset({Fault.UNREACHABLE})))
            except ValueError as error:  # no drawer here: a mistake of the caller
                kick.done.set_exception(error)

    def _refuse_kicks(self) -> None:
        with self._turn:
            kicks, self._kicks = self._kicks, []
        for kick in kicks:
            kick.done.cancel()

    def _rest(self, delay_s: float) -> None:
        with self._turn:
            if not self._is_woken:
                self._turn.wait(delay_s)
            self._is_woken = False

    def _wake(self) -> None:
        with self._turn:
            self._is_woken = True
            self._turn.notify_all()
        self._tell()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
        self._on_change()


class _Kick:
    """A wish to open the drawer, void after `until` (monotonic seconds)."""

    def __init__(self, until: float) -> None:
        self.until: Final = until
        self.done: Final[Future[Status]] = Future()


def _draw_process_id() -> str:
    return "".join(secrets.choice(_PROCESS_ID_CHARACTERS) for _ in range(PROCESS_ID_CHARS))
