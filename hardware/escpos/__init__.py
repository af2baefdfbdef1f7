"""Receipt and ticket printers that speak ESC/POS, and the cash drawer that hangs on them."""

from __future__ import annotations

from hardware.escpos.driver import EscPosPrinter, Timings, make_printer
from hardware.escpos.painter import LinePainter, NoFont, load_painter
from hardware.escpos.profile import PROFILES, Profile
from hardware.escpos.protocol import HARMLESS, Fault, Status
from hardware.escpos.render import DoesNotFit, render
from hardware.escpos.spool import Job, JobState, Settlement, Spool, SpoolError
from hardware.escpos.spooler import PrinterState, Spooler

__all__ = [
    "HARMLESS",
    "PROFILES",
    "DoesNotFit",
    "EscPosPrinter",
    "Fault",
    "Job",
    "JobState",
    "LinePainter",
    "NoFont",
    "PrinterState",
    "Profile",
    "Settlement",
    "Spool",
    "SpoolError",
    "Spooler",
    "Status",
    "Timings",
    "load_painter",
    "make_printer",
    "render",
]
