"""The buyer's slip of what was given back or swapped: a page as wide as a receipt roll."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Final

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from pos_app.services.after_sale_model import Done
from pos_app.services.paper_fonts import FontMissing, load_font
from pos_app.services.printer import PrinterError
from pos_app.services.printing import PrintDesk
from program.i18n import format_datetime, format_money, translations
from ticketing.refund_rules import Deed

_WIDTH_MM: Final = 80.0
_MARGIN_MM: Final = 6.0
_LINE_MM: Final = 6.5
_TITLE_SIZE, _TEXT_SIZE, _TOTAL_SIZE = 14, 10, 13


def print_slip(desk: PrintDesk, done: Done, now: datetime) -> str:
    """Print it; "" or what went wrong in plain words. What was recorded stands either way."""
    known = desk.catalogue.event(done.event_id)
    zone = known.venue.zone if known else None
    house = known.venue.name.in_language(desk.language) if known else ""
    when = format_datetime(now, desk.language, zone=zone) if zone else ""
    job = f"{done.receipt_no}-{done.deed}"
    try:
        pdf = render_slip(desk, done, (house, desk.window, when))
        desk.printer.print_pdf(pdf, job=f"{job}-{done.new_receipt_no}".rstrip("-"))
    except (PrinterError, FontMissing) as error:
        return str(error)
    return ""


def render_slip(desk: PrintDesk, done: Done, head: tuple[str, ...]) -> bytes:
    """The slip's page. Raises FontMissing."""
    font = load_font(desk.font)
    rows = _rows(desk, done)
    heads = [text for text in head if text]
    height = 2 * _MARGIN_MM + _LINE_MM * (len(rows) + len(heads) + 2)
    output = BytesIO()
    canvas = Canvas(
        output,
        pagesize=(_WIDTH_MM * mm, height * mm),
        pageCompression=1,
        invariant=1,
        initialFontName=font.name,  # type: ignore[arg-type]  # the stubs take it for a number
    )
    top = height - _MARGIN_MM - _LINE_MM
    canvas.setFont(font.name, _TITLE_SIZE)
    canvas.drawString(_MARGIN_MM * mm, top * mm, font.printable(_title(desk, done.deed)))
    canvas.setFont(font.name, _TEXT_SIZE)
    for text in heads:
        top -= _LINE_MM
        canvas.drawString(_MARGIN_MM * mm, top * mm, font.printable(text))
    top -= _LINE_MM / 2
    canvas.line(_MARGIN_MM * mm, top * mm, (_WIDTH_MM - _MARGIN_MM) * mm, top * mm)
    for at, (what, amount) in enumerate(rows, 1):
        top -= _LINE_MM
        canvas.setFont(font.name, _TOTAL_SIZE if at == len(rows) else _TEXT_SIZE)
        canvas.drawString(_MARGIN_MM * mm, top * mm, font.printable(what))
        right = (_WIDTH_MM - _MARGIN_MM) * mm
        canvas.drawRightString(right, top * mm, font.printable(amount))
    canvas.showPage()
    canvas.save()
    return output.getvalue()


def _title(desk: PrintDesk, deed: Deed) -> str:
    _ = translations(desk.language).gettext
    titles = {
        Deed.VOID: _("Sale undone"),
        Deed.REFUND: _("Refund"),
        Deed.EXCHANGE: _("Exchange"),
        Deed.REPLACEMENT: _("Ticket replaced"),
    }
    return titles[deed]


def _rows(desk: PrintDesk, done: Done) -> list[tuple[str, str]]:
    _ = translations(desk.language).gettext
    rows = [(_("Receipt no."), done.receipt_no)]
    if done.new_receipt_no:
        rows.append((_("New receipt no."), done.new_receipt_no))
    rows.append((_("Tickets"), str(done.ticket_count)))
    if done.fee_minor:
        rows.append((_("Fee"), format_money(done.fee_minor, done.currency, desk.language)))
    if done.take_in_minor:
        rows.append((_("Paid"), format_money(done.take_in_minor, done.currency, desk.language)))
    else:
        out = format_money(done.pay_out_minor, done.currency, desk.language)
        rows.append((_("Paid back"), out))
    return rows
