"""Devices in plain words: how each of them is, what that means, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pos_app.presenters.language import _, ngettext
from pos_app.services.device_model import DrawerKind, PaperKind
from pos_app.services.model import PrintOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pos_app.services.device_model import DevicesNow, PaperJob, PrinterNow, ScannerNow
    from pos_app.services.model import UnprintedOrder

# Of several faults the first of these is told: what has to be mended first.
_ORDER: Final = (
    "unreachable",
    "broken",
    "cover_open",
    "paper_out",
    "cutter",
    "overheated",
    "offline",
    "silent",
    "stalled",
    "unknown",
    "paper_near_end",
)
FAULTS: Final = frozenset(_ORDER)
"""Every fault that a printer may have."""


def worst(faults: Iterable[str]) -> str:
    """The fault to tell of; "" without any."""
    found = set(faults)
    return next((each for each in _ORDER if each in found), "")


def fault_words(fault: str) -> str:
    """A few words, for a chip; "" for no fault."""
    words = {
        "": "",
        "unreachable": _("Printer not reachable"),
        "broken": _("Printer broken"),
        "cover_open": _("Cover open"),
        "paper_out": _("No paper"),
        "cutter": _("Paper jam"),
        "overheated": _("Printer too hot"),
        "offline": _("Printer paused"),
        "silent": _("Printer does not answer"),
        "stalled": _("Printer stuck"),
        "unknown": _("Printer unclear"),
        "paper_near_end": _("Paper low"),
    }
    return words[fault]


def fault_help(fault: str) -> str:
    """What to do about it; "" for no fault."""
    words = {
        "": "",
        "unreachable": _(
            "Check that the printer is switched on and its cable is in. What waits is printed by "
            "itself once it is there again."
        ),
        "broken": _("Switch the printer off and on again. If it stays broken, call the manager."),
        "cover_open": _("Close the printer's cover. Printing goes on by itself."),
        "paper_out": _("Put in a new roll. Printing goes on by itself."),
        "cutter": _("Open the cover, take out the paper that is stuck, close it again."),
        "overheated": _("Wait a minute: it cools down and goes on by itself."),
        "offline": _("Press the feed key, or switch the printer off and on again."),
        "silent": _("Switch the printer off and on again, then print a trial."),
        "stalled": _("It takes no more. Switch the printer off and on again."),
        "unknown": _("Its answers make no sense. Check the printer's address and kind."),
        "paper_near_end": _("Have a new roll ready."),
    }
    return words[fault]


def printer_title(printer: PrinterNow) -> str:
    """What prints."""
    match printer.kind:
        case PaperKind.SLIPS:
            return _("Receipt printer, {n} mm").format(n=printer.paper_mm)
        case PaperKind.COMMAND:
            return _("PDF, by a print command")
        case PaperKind.FOLDER:
            return _("PDF, into a folder")


def tickets_words(printer: PrinterNow) -> str:
    """Where tickets go if not where receipts go; "" for the same."""
    if not printer.tickets_place:
        return ""
    return _("Tickets go as PDF to: {command}").format(command=printer.tickets_place)


def printer_words(printer: PrinterNow) -> tuple[str, str]:
    """How it is, and the tone to say it in."""
    if printer.kind is not PaperKind.SLIPS:
        return _("Ready. Whether paper comes out is not known here."), "text2"
    if not printer.is_known:
        return _("Looking for the printer…"), "text2"
    fault = worst(printer.faults)
    if not fault:
        return _("Ready"), "ok"
    return fault_words(fault), "warn" if fault == "paper_near_end" else "danger"


def chip(now: DevicesNow | None, *, short: bool = False) -> tuple[str, str]:
    """The paper chip: its words and its tone ("ok", "warn", "danger"); no words hide it."""
    if now is None or now.printer.kind is not PaperKind.SLIPS or not now.printer.is_known:
        return "", ""
    fault = worst(now.printer.faults)
    if fault and fault != "paper_near_end":
        return (_short_words(fault) if short else fault_words(fault)), "danger"
    if now.doubts:
        pattern = _("Paper? · {n}") if short else _("Look at the paper · {n}")
        return pattern.format(n=len(now.doubts)), "danger"
    if fault:
        return fault_words(fault), "warn"
    return _("Paper OK"), "ok"


def _short_words(fault: str) -> str:
    """The same where there is little room."""
    if fault in ("unreachable", "silent", "unknown"):
        return _("No printer")
    if fault in ("broken", "overheated", "stalled", "offline"):
        return _("Printer fault")
    return fault_words(fault)


def drawer_words(now: DevicesNow) -> tuple[str, str]:
    """How the drawer is, and the tone."""
    if now.drawer is DrawerKind.NONE:
        return _("None is set up. Cash goes into the drawer that you open by its key."), "text2"
    if now.is_drawer_open is None:
        how = {
            DrawerKind.PRINTER: _("Opened by the printer. It does not say whether it is open."),
            DrawerKind.COMMAND: _("Opened by a command. It does not say whether it is open."),
        }
        return how[now.drawer], "text2"
    return (_("Open"), "warn") if now.is_drawer_open else (_("Closed"), "ok")


def scanner_words(scanner: ScannerNow) -> tuple[str, str]:
    """How a serial scanner is, and the tone."""
    if not scanner.is_known:
        return _("Looking for the scanner…"), "text2"
    words = {
        "": (_("Ready"), "ok"),
        "gone": (_("Not there: put its cable in. It is looked for by itself."), "danger"),
        "busy": (_("Another program holds it: close that program."), "danger"),
        "refused": (_("It does not take these settings: check its address."), "danger"),
    }
    return words[scanner.fault]


def scanned_words(text: str, *, is_whole: bool) -> str:
    """A code as the trial field shows it: never all of a ticket's, which opens a door."""
    if not is_whole:
        return _("Cut short: scan again")
    shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
    characters = ngettext("{n} character", "{n} characters", len(text)).format(n=len(text))
    return f"{shown} ({characters})"


_SHOWN_CHARS: Final = 16


def job_words(job: PaperJob) -> str:
    """Why a job is not done."""
    if job.is_in_doubt:
        return _("The line broke while it was printed. Is it whole, and on paper?")
    fault = worst(job.faults)
    if fault:
        return _("Waits: {why}").format(why=fault_words(fault))
    return _("Is being printed") if job.is_begun else _("Waits for its turn")


def outcome_words(outcome: PrintOutcome, faults: Iterable[str]) -> tuple[str, str]:
    """What became of a trial, and the tone."""
    match outcome:
        case PrintOutcome.PRINTED:
            return _("It came out."), "ok"
        case PrintOutcome.WAITING:
            fault = fault_words(worst(faults)) or _("the printer is busy")
            return _("It waits: {why}").format(why=fault), "warn"
        case PrintOutcome.IN_DOUBT:
            return _("The line broke: look whether it is on paper."), "danger"
        case PrintOutcome.FAILED:
            return _("It could not be printed; the log says why."), "danger"


def strip_words(orders: tuple[UnprintedOrder, ...]) -> str:
    """What of the sales has no paper yet; a doubt goes before the rest. "" when all has."""
    doubted = [one for one in orders if one.paper is PrintOutcome.IN_DOUBT]
    if doubted:
        count = doubted[0].ticket_count
        return ngettext(
            "Order {no}: {n} ticket may be printed. Look at the paper.",
            "Order {no}: {n} tickets may be printed. Look at the paper.",
            count,
        ).format(no=doubted[0].receipt_no, n=count)
    waiting = [one for one in orders if one.paper is PrintOutcome.WAITING]
    count = sum(one.ticket_count for one in orders)
    sold = ngettext("{n} ticket sold, not printed", "{n} tickets sold, not printed", count).format(
        n=count
    )
    fault = worst(fault for one in waiting for fault in one.faults)
    if count and len(waiting) == len(orders):
        why = fault_words(fault) or _("the printer is busy")
        return _("{sold}: {why}. They come by themselves.").format(sold=sold, why=why)
    return sold if count else ""
