"""Trial papers: a ticket of the next performance whose code opens no gate, and a receipt."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Final

from PIL import Image

from edge.catalogue import Known
from hardware.escpos import load_painter, render
from hardware.escpos.interpreter import PrinterModel
from hardware.escpos.page import to_image
from hardware.escpos.profile import PROFILES, WIDTH_58_MM, WIDTH_80_MM
from pos_app.services.device_model import Trial
from pos_app.services.model import PrintOutcome
from pos_app.services.paper import TicketFace, render_tickets
from pos_app.services.press import Pressed, print_rows
from pos_app.services.printer import PrinterError
from pos_app.services.printing import PrintDesk, labels_of, paper_of
from pos_app.services.rows import Look, Row
from pos_app.services.slip_printer import SlipOutcome
from pos_app.services.slips import ticket_slips
from pos_app.services.templates import templated
from program.i18n import format_datetime, format_money, format_time, translations
from program.paper_fonts import FontMissing
from ticketing.event import Performance
from ticketing.paper_template import TicketPaper

_SHEET_DPI: Final = 150
_SHEET_TIMEOUT_S: Final = 10.0
TRIAL_CODE: Final = "BOXGATE TRIAL PRINT - THIS IS NO TICKET"
"""No signed code looks like it, so every gate refuses it as a code that is none of ours."""


def print_trial(desk: PrintDesk, trial: Trial, now: datetime) -> Pressed:
    """Print one; what became of it."""
    if trial is Trial.RECEIPT:
        job = f"trial-receipt-{now:%Y%m%d-%H%M%S}"
        return print_rows(desk, _receipt(desk, now), "Trial", job=job)
    face = trial_face(desk, now, paper_of(desk))
    if face is None:
        return Pressed(PrintOutcome.FAILED, "no event has reached this window yet")
    labels = labels_of(desk.language, 1)
    job = f"trial-ticket-{now:%Y%m%d-%H%M%S}"
    slips = desk.ticket_slips
    if slips is not None:
        slip = ticket_slips([face], labels, columns=slips.columns)
        handed = slips.print_slip(job, slip, title="Trial")
        outcome = {
            SlipOutcome.ON_PAPER: PrintOutcome.PRINTED,
            SlipOutcome.WAITING: PrintOutcome.WAITING,
            SlipOutcome.IN_DOUBT: PrintOutcome.IN_DOUBT,
            SlipOutcome.REFUSED: PrintOutcome.FAILED,
        }[handed.outcome]
        return Pressed(outcome, handed.detail, faults=tuple(sorted(handed.faults)))
    try:
        pdf = render_tickets([face], labels, font=desk.font, a4=desk.a4)
        path = desk.printer.print_pdf(pdf, job=job)
    except (PrinterError, FontMissing) as error:
        return Pressed(PrintOutcome.FAILED, str(error))
    return Pressed(PrintOutcome.PRINTED, path=str(path) if path else "")


def pictures(desk: PrintDesk, now: datetime, paper: TicketPaper) -> Sequence[bytes]:
    """The trial ticket on a kind of paper: PNG files; none where it cannot be shown."""
    face = trial_face(desk, now, paper)
    if face is None:
        return ()
    labels = labels_of(desk.language, 1)
    if paper is TicketPaper.SHEET:
        return sheet_pictures(render_tickets([face], labels, font=desk.font))
    width_dots = WIDTH_80_MM if paper is TicketPaper.SLIP_80 else WIDTH_58_MM
    profile = next(each for each in PROFILES.values() if each.width_dots == width_dots)
    painter = load_painter(desk.font)
    document = ticket_slips([face], labels, columns=profile.columns)
    model = PrinterModel(width_dots=width_dots)
    model.receive(render(document, profile, painter))
    model.work()
    return [_png(to_image(sheet, width_dots, painter)) for sheet in model.paper if sheet.items]


def sheet_pictures(pdf: bytes) -> Sequence[bytes]:
    """A PDF's pages as PNG, by poppler where the machine has it."""
    program = shutil.which("pdftoppm")
    if program is None:
        return ()
    argv = [program, "-r", str(_SHEET_DPI), "-png", "-singlefile", "-"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command line, no shell
            argv, input=pdf, capture_output=True, timeout=_SHEET_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return (done.stdout,) if done.returncode == 0 and done.stdout else ()


def _png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def trial_face(desk: PrintDesk, now: datetime, paper: TicketPaper) -> TicketFace | None:
    """A ticket of the next performance, of its first price tier, by its template for a paper.

    None when nothing is known.
    """
    found = _next_performance(desk, now)
    if found is None:
        return None
    known, performance = found
    language, event, zone = desk.language, known.event, known.venue.zone
    _ = translations(language).gettext
    tier, kind = event.price_tiers[0], event.ticket_types[0]
    unit = next(span.first_unit for span in event.tier_spans if span.tier_id == tier.id)
    price = event.price(tier.id, kind.id, performance.number)
    face = TicketFace(
        venue=known.venue.name.in_language(language),
        event=event.name.in_language(language),
        when=format_datetime(performance.starts_at, language, zone=zone),
        doors=format_time(performance.doors_at, language, zone=zone),
        hall=performance.hall.in_language(language),
        place=known.plan.describe(unit, language),
        tier=tier.name.in_language(language),
        ticket_type=kind.name.in_language(language),
        price=format_money(price or 0, event.currency, language),
        code=TRIAL_CODE,
        ticket_no="00000000",
        receipt_no="0000-000000",
        window=desk.window,
        sold_at=format_datetime(now, language, zone=zone),
        watermark=_("TRIAL - no ticket"),
    )
    return templated(face, event, paper, language)


def blank_trial_face(language: str) -> TicketFace:
    """A ticket of no event, for a till that knows none yet; its code opens no gate."""
    _ = translations(language).gettext
    return TicketFace(
        venue="Boxgate",
        event=_("Test ticket"),
        when="2030-12-31 19:30",
        doors="18:30",
        hall="",
        place=_("Row {row} Seat {seat}").format(row="8", seat="12"),
        tier="A",
        ticket_type="中文 English",
        price="0.00",
        code=TRIAL_CODE,
        ticket_no="00000000",
        receipt_no="0000-000000",
        window="",
        sold_at="",
        watermark=_("TRIAL - no ticket"),
    )


def _next_performance(desk: PrintDesk, now: datetime) -> tuple[Known, Performance] | None:
    """The one that is over last of those that are over first; any when all are over."""
    all_of_them = [
        (known, performance)
        for known in desk.catalogue.events()
        for performance in known.event.performances
    ]
    coming = [each for each in all_of_them if each[1].ends_at > now] or all_of_them
    return min(coming, key=lambda each: (each[1].starts_at, each[1].number), default=None)


def _receipt(desk: PrintDesk, now: datetime) -> list[Row]:
    _ = translations(desk.language).gettext
    known = desk.catalogue.events()
    zone = known[0].venue.zone if known else None
    house = known[0].venue.name.in_language(desk.language) if known else "Boxgate"
    when = format_datetime(now, desk.language, zone=zone) if zone else f"{now:%Y-%m-%d %H:%M}"
    return [
        Row(_("TRIAL - no receipt"), look=Look.TITLE),
        Row(house, look=Look.HEAD),
        Row(look=Look.RULE),
        Row(_("Window"), desk.window),
        Row(_("Time"), when),
        Row("ABCDEFG abcdefg 0123456789"),
        Row("售票 取票 退票 龘 €", "¥ 1,234.50"),
        Row(look=Look.RULE),
        Row(_("Total"), "¥ 0.00", Look.STRONG),
    ]
