"""X and Z reports on 80 mm paper: finished rows in, one page as long as it must be out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from io import BytesIO
from pathlib import Path
from typing import Final

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from edge.errors import ReplicaError
from pos_app.services import people
from pos_app.services.model import PrintOutcome
from pos_app.services.paper import RENDERING
from pos_app.services.paper_fonts import FontMissing, TicketFont, load_font
from pos_app.services.paper_text import Box, fit
from pos_app.services.printer import PrinterError
from pos_app.services.printing import PrintDesk
from pos_app.services.shift_model import ReportPrinted, XReport, ZReport
from pos_app.services.shift_rows import Look, Names, Row, x_rows, z_rows

ROLL_MM: Final = 80.0
_MARGIN_MM = 5.0
_WIDTH_MM = ROLL_MM - 2 * _MARGIN_MM
_BOLD_STROKE = 0.026  # Micro Hei has one weight: bold is its outline drawn as well


_SIZES = {Look.TITLE: 14.0, Look.HEAD: 8.5, Look.PLAIN: 9.0, Look.STRONG: 11.0}
_PITCH_MM = {Look.TITLE: 8.0, Look.HEAD: 5.0, Look.PLAIN: 4.8, Look.STRONG: 6.2, Look.RULE: 3.0}


def print_x(desk: PrintDesk, x: XReport) -> ReportPrinted:
    """Print the figures so far."""
    rows = x_rows(x, names_of(desk))
    return _print(desk, rows, f"X-{desk.window}-{x.number:06d}")


def print_z(desk: PrintDesk, z: ZReport, *, copy: bool) -> ReportPrinted:
    """Print a Z report: the same figures each time; `copy` stands on it when asked for."""
    rows = z_rows(z, names_of(desk), copy=copy)
    return _print(desk, rows, f"Z-{desk.window}-{z.number:06d}{'-copy' if copy else ''}")


def names_of(desk: PrintDesk) -> Names:
    """What everybody and everything is called, as the mirror knows it now."""
    known = desk.catalogue.events()
    return Names(
        desk.language,
        known[0].venue.name if known else None,
        desk.window,
        {one.id: one.name for one in people.people(desk.replica)},
        {each.id: each.name for one in known for each in one.event.ticket_types},
        known[0].venue.zone if known else UTC,
    )


def render(rows: Sequence[Row], *, font: Path | None = None) -> bytes:
    """One page of 80 mm; the same rows give the same bytes. Raises FontMissing."""
    height = sum(_PITCH_MM[one.look] for one in rows) + 2 * _MARGIN_MM
    with RENDERING:
        loaded = load_font(font)
        output = BytesIO()
        canvas = Canvas(
            output,
            pagesize=(ROLL_MM * mm, height * mm),
            pageCompression=1,
            invariant=1,
            initialFontName=loaded.name,  # type: ignore[arg-type]
        )
        canvas.setTitle("Report")
        canvas.setAuthor("Boxgate")
        canvas.setCreator("Boxgate")
        canvas.setSubject("Report")
        top = height - _MARGIN_MM
        for one in rows:
            top -= _PITCH_MM[one.look]
            _draw(canvas, loaded, one, top)
        canvas.showPage()
        canvas.save()
    return output.getvalue()


def _print(desk: PrintDesk, rows: Iterable[Row], job: str) -> ReportPrinted:
    try:
        pdf = render(list(rows), font=desk.font)
        path = desk.printer.print_pdf(pdf, job=_job(job))
    except (PrinterError, FontMissing, ReplicaError) as error:
        return ReportPrinted(PrintOutcome.FAILED, str(error))
    return ReportPrinted(PrintOutcome.PRINTED, path=str(path) if path else "")


def _job(text: str) -> str:
    """A job's name of what a window may be called: letters, digits and dashes."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in text)


def _draw(canvas: Canvas, font: TicketFont, row: Row, foot_mm: float) -> None:
    """One row whose foot is so many millimetres above the page's."""
    if row.look is Look.RULE:
        canvas.setLineWidth(0.5)
        middle = (foot_mm + _PITCH_MM[Look.RULE] / 2) * mm
        canvas.line(_MARGIN_MM * mm, middle, (ROLL_MM - _MARGIN_MM) * mm, middle)
        return
    size = _SIZES[row.look]
    baseline = (foot_mm + 1.3) * mm
    right = _fitted(font, row.right, size, _WIDTH_MM if not row.left else _WIDTH_MM * 0.6)
    used = font.measure(right[0]) * right[1] / mm if row.right else 0.0
    left = _fitted(font, row.left, size, _WIDTH_MM - used - (2 if used else 0))
    bold = row.look in (Look.TITLE, Look.STRONG)
    _text(canvas, font, left, _MARGIN_MM, baseline, bold=bold)
    if row.right:
        _text(canvas, font, right, ROLL_MM - _MARGIN_MM - used, baseline, bold=bold)


def _fitted(font: TicketFont, text: str, size: float, width_mm: float) -> tuple[str, float]:
    box = Box(width_mm * mm, size * 1.3, size, 6.0)
    fitted = fit(font.printable(text), box, font.measure)
    return (fitted.lines[0] if fitted.lines else ""), fitted.size


def _text(
    canvas: Canvas,
    font: TicketFont,
    fitted: tuple[str, float],
    x_mm: float,
    baseline: float,
    *,
    bold: bool,
) -> None:
    text, size = fitted
    canvas.setFont(font.name, size)
    canvas.setLineWidth(size * _BOLD_STROKE)
    canvas.drawString(x_mm * mm, baseline, text, mode=2 if bold else 0)
