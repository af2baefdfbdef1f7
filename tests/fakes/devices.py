"""A window's devices in memory: a receipt printer that does what the test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hardware.scanner import WedgeRules
from pos_app.services.device_model import (
    DevicesNow,
    DrawerKind,
    PaperKind,
    Pressed,
    PrinterNow,
    PrintOutcome,
    Trial,
)
from ticketing.paper_template import TicketPaper

A_PRINTER = PrinterNow(PaperKind.SLIPS, "tcp:192.168.1.50", True, (), 80)


@dataclass
class FakeDevices:
    """`DeviceServices` without devices; without a receipt printer unless the test puts one in."""

    state: DevicesNow = field(
        default_factory=lambda: DevicesNow(PrinterNow(PaperKind.FOLDER, "boxgate-tickets"))
    )
    outcome: PrintOutcome = PrintOutcome.PRINTED
    tried: list[Trial] = field(default_factory=list)
    settled: list[tuple[str, bool]] = field(default_factory=list)
    printed_again: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    pictures: Sequence[bytes] = ()
    wedge: WedgeRules | None = field(default_factory=WedgeRules)

    def with_printer(self, *faults: str) -> None:
        """Put a receipt printer in, with a drawer, and these faults."""
        self.state = replace(
            self.state, printer=replace(A_PRINTER, faults=faults), drawer=DrawerKind.PRINTER
        )

    # ----------------------------------------------------------- what DeviceServices promises

    def now(self) -> DevicesNow:
        return self.state

    def try_out(self, trial: Trial) -> Pressed:
        self.tried.append(trial)
        return Pressed(self.outcome)

    def settle(self, job_id: str, *, on_paper: bool) -> bool:
        self.settled.append((job_id, on_paper))
        return self._forget(job_id)

    def print_again(self, job_id: str) -> bool:
        self.printed_again.append(job_id)
        return self._forget(job_id)

    def withdraw(self, job_id: str) -> bool:
        self.withdrawn.append(job_id)
        return self._forget(job_id)

    def choose_receipts(self, *, automatic: bool) -> None:
        self.state = replace(self.state, receipts=automatic)

    def print_receipt(self, order_id: str) -> Pressed:
        self.receipts.append(order_id)
        return Pressed(self.outcome)

    def picture(self, paper: TicketPaper) -> Sequence[bytes]:
        assert paper in TicketPaper
        return self.pictures

    def _forget(self, job_id: str) -> bool:
        kept = tuple(job for job in self.state.jobs if job.id != job_id)
        is_known = len(kept) < len(self.state.jobs)
        self.state = replace(self.state, jobs=kept)
        return is_known
