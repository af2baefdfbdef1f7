"""What the till tells of its devices: immutable values, no Qt, no bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hardware.scanner import WedgeRules
from pos_app.services.model import PrintOutcome
from pos_app.services.press import Pressed
from ticketing.paper_template import TicketPaper


class PaperKind(StrEnum):
    """Where tickets and reports go."""

    SLIPS = "slips"  # a receipt printer, which tells how it is
    COMMAND = "command"  # a PDF for a print command
    FOLDER = "folder"  # a PDF in a folder


@dataclass(frozen=True, slots=True)
class PrinterNow:
    """How the printer is. `faults` are codes; `is_known` is False before it was asked.

    A printer for PDFs has no faults that we hear of. `tickets_place` is the print command that
    tickets go to beside a receipt printer, "" where they come out of that.
    """

    kind: PaperKind
    place: str = ""  # its address, command or folder
    is_known: bool = False
    faults: tuple[str, ...] = ()
    paper_mm: int = 0
    tickets_place: str = ""


@dataclass(frozen=True, slots=True)
class PaperJob:
    """A slip that is not done: it waits, is being printed, or is in doubt."""

    id: str
    title: str
    is_in_doubt: bool
    is_begun: bool
    faults: tuple[str, ...]
    created_at: datetime


class DrawerKind(StrEnum):
    """How the drawer is opened."""

    NONE = "none"
    PRINTER = "printer"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class ScannerNow:
    """A serial scanner; `fault` is a code: `gone`, `busy`, `refused`, or "" when it is well."""

    place: str
    is_known: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DevicesNow:
    """All devices of this window."""

    printer: PrinterNow
    jobs: tuple[PaperJob, ...] = ()
    drawer: DrawerKind = DrawerKind.NONE
    is_drawer_open: bool | None = None  # None where nobody can tell
    scanners: tuple[ScannerNow, ...] = ()
    has_wedge: bool = True
    receipts: bool = False  # a receipt comes out after each sale by itself

    @property
    def doubts(self) -> tuple[PaperJob, ...]:
        """What a person has to look at."""
        return tuple(job for job in self.jobs if job.is_in_doubt)

    @property
    def waiting(self) -> tuple[PaperJob, ...]:
        """What comes out by itself."""
        return tuple(job for job in self.jobs if not job.is_in_doubt)


class Trial(StrEnum):
    """What can be printed to see whether it works."""

    TICKET = "ticket"
    RECEIPT = "receipt"


class DeviceServices(Protocol):
    """Use cases of the devices. They may block on a device, so never on the window's thread."""

    @property
    def wedge(self) -> WedgeRules | None:
        """How to tell a scanner that types from a person; None where none does. At once."""

    def now(self) -> DevicesNow:
        """How all devices are; cheap."""

    def try_out(self, trial: Trial) -> Pressed:
        """Print a trial ticket, whose code opens no gate, or a trial receipt."""

    def settle(self, job_id: str, *, on_paper: bool) -> bool:
        """A person has looked at the paper of a job in doubt; False when it is no doubt any more."""

    def print_again(self, job_id: str) -> bool:
        """Print a job in doubt once more, as a copy; False when it is no doubt any more."""

    def withdraw(self, job_id: str) -> bool:
        """Take back a job that was not begun; False when it is too late."""

    def choose_receipts(self, *, automatic: bool) -> None:
        """Whether a receipt comes out after each sale by itself; kept over a restart."""

    def print_receipt(self, order_id: str) -> Pressed:
        """Print the receipt of a sale of this window, as often as asked."""

    def picture(self, paper: TicketPaper) -> Sequence[bytes]:
        """The trial ticket as it would come out: PNG files; none where that cannot be shown."""


__all__ = [
    "DeviceServices",
    "DevicesNow",
    "DrawerKind",
    "PaperJob",
    "PaperKind",
    "Pressed",
    "PrintOutcome",
    "PrinterNow",
    "ScannerNow",
    "Trial",
]
