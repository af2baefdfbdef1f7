"""Tickets as a PDF: finished text in, one page a ticket out.

Nothing here translates, formats or decides: every string arrives in the sale's language, so the
same faces give the same bytes and a reprint is the ticket that was printed before.

The page is 150 x 70 mm stock with a stub of 38 mm, or A4 with four such tickets to cut out. Everything a ticket must say is solid black:
a thermal head prints grey as a pattern of dots, and small type dissolves in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import segno
from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from pos_app.services.logo import open_logo
from pos_app.services.paper_sheet import (
    A4_HEIGHT_MM,
    A4_WIDTH_MM,
    ASCENT,
    PAGE_HEIGHT_MM,
    PAGE_WIDTH_MM,
    Sheet,
    from_foot,
)
from pos_app.services.paper_text import Fitted
from program.paper_fonts import TicketFont, load_font

FACES_MAX: Final = 50
"""Tickets in one document; more is a bug of the caller (an order holds fewer)."""

A4_TICKETS: Final = 4
"""On one page."""
QR_VERSION: Final = 7
QR_MODULES: Final = 45  # ISO/IEC 18004: 17 + 4 x version
QR_QUIET_MODULES: Final = 4
QR_CHARS_MAX: Final = 178  # ISO/IEC 18004 table 7: version 7-M, alphanumeric
MODULE_MM: Final = 0.625  # five dots of a 203 dpi head, 7.4 of a 300 dpi one

# In millimetres from the left or top edge of the page. 6 mm of margin: few printers reach the edge.
_MARGIN = 6.0
_BAND_HEIGHT = 9.5
_PERFORATION = 112.0
_RIGHT = 106.0
_QR_SIDE = QR_MODULES * MODULE_MM
_QR_LEFT = _RIGHT - _QR_SIDE
_QR_TOP = 26.0
_TEXT_WIDTH = 66.0  # ends before the quiet zone of the code begins
_STUB_LEFT = 117.0
_STUB_WIDTH = PAGE_WIDTH_MM - _MARGIN - _STUB_LEFT

_CAPTION_SIZE = 6.0
_LOGO_WIDTH = 30.0
_LOGO_HEIGHT = 11.0
_LOGO_TOP = 11.5
_NO_TEXTS = frozenset({"code", "lines", "logo"})
_TRAINING = HexColor(0x7A3FE0)
_CODE = re.compile(rf"[0-9A-Z $%*+\-./:]{{1,{QR_CHARS_MAX}}}")  # QR's alphanumeric set


@dataclass(frozen=True, slots=True)
class TicketFace:
    """What one ticket says: finished strings in the sale's language; an empty one is left out."""

    venue: str
    event: str
    when: str
    doors: str
    hall: str
    place: str
    tier: str
    ticket_type: str
    price: str
    code: str
    """The signed ticket code as it goes into the QR symbol: alphanumeric, at most 178 characters."""
    ticket_no: str
    receipt_no: str
    window: str
    sold_at: str
    watermark: str = ""
    """Set for training only: laid across the whole ticket and its band."""
    lines: tuple[str, ...] = ()
    """What the event's template adds."""
    logo: bytes = b""
    """A PNG file; one that cannot be drawn is left out."""


@dataclass(frozen=True, slots=True)
class TicketLabels:
    """The small captions over and before the values, in the sale's language."""

    when: str
    doors: str
    place: str
    tier: str
    ticket_type: str
    price: str
    ticket_no: str
    receipt_no: str
    window: str
    sold_at: str
    stub: str


def warm_up(font: Path | None = None) -> None:
    """Load the font ahead of the first sale (about half a second). Raises FontMissing."""
    with RENDERING:
        load_font(font)


def render_tickets(
    faces: Sequence[TicketFace],
    labels: TicketLabels,
    *,
    font: Path | None = None,
    a4: bool = False,
) -> bytes:
    """One PDF with a page for each face, on A4 for four; the same faces give the same bytes.

    `font` is the TrueType font of the settings; without it WenQuanYi Micro Hei is taken. May be
    called from any thread. Raises FontMissing, and ValueError for no faces, more than `FACES_MAX`,
    or a code that does not fit the symbol.
    """
    if not 1 <= len(faces) <= FACES_MAX:
        raise ValueError(f"{len(faces)} tickets: a document takes 1 to {FACES_MAX}")
    symbols = [qr_rows(face.code) for face in faces]
    with RENDERING:
        loaded = load_font(font)
        output = BytesIO()
        size_mm = (A4_WIDTH_MM, A4_HEIGHT_MM) if a4 else (PAGE_WIDTH_MM, PAGE_HEIGHT_MM)
        canvas = open_canvas(output, loaded, size_mm, "Tickets")
        for at, (face, symbol) in enumerate(zip(faces, symbols, strict=True), start=1):
            if a4:
                _go_to_place(canvas, (at - 1) % A4_TICKETS)
            _draw_ticket(Sheet(canvas, loaded), _printable(face, loaded), labels, symbol)
            if a4:
                canvas.restoreState()
            if not a4 or at % A4_TICKETS == 0 or at == len(faces):
                canvas.showPage()
        canvas.save()
    return output.getvalue()


def _go_to_place(canvas: Canvas, at: int) -> None:
    """Draw from here on in one of the places of an A4 page, which a broken line is cut out along."""
    gap = (A4_HEIGHT_MM - A4_TICKETS * PAGE_HEIGHT_MM) / (A4_TICKETS + 1)
    foot = A4_HEIGHT_MM - (at + 1) * (PAGE_HEIGHT_MM + gap)
    canvas.saveState()
    canvas.translate((A4_WIDTH_MM - PAGE_WIDTH_MM) / 2 * mm, foot * mm)
    canvas.setLineWidth(0.4)
    canvas.setDash(3, 3)
    canvas.rect(0, 0, PAGE_WIDTH_MM * mm, PAGE_HEIGHT_MM * mm)
    canvas.setDash()
    place = canvas.beginPath()
    place.rect(0, 0, PAGE_WIDTH_MM * mm, PAGE_HEIGHT_MM * mm)
    canvas.clipPath(place, stroke=0)


def qr_rows(code: str) -> tuple[bytes, ...]:
    """The symbol's 45 rows of 45 modules, 1 for dark, without the quiet zone.

    Always version 7 with error level M, so every ticket has the same look and module size.
    Raises ValueError for a code that is empty, too long, or not alphanumeric in QR's sense.
    """
    if not _CODE.fullmatch(code):
        raise ValueError(
            f"a ticket code has 1 to {QR_CHARS_MAX} characters of QR's alphanumeric set;"
            f" this one has {len(code)}"
        )
    symbol = segno.make(
        code,
        version=QR_VERSION,
        error="m",
        mode="alphanumeric",
        boost_error=False,
        micro=False,
    )
    return tuple(bytes(row) for row in symbol.matrix)


RENDERING: Final = Lock()
"""ReportLab keeps a font's subset in the font itself: one document at a time."""


def open_canvas(
    output: BytesIO, font: TicketFont, size_mm: tuple[float, float], title: str
) -> Canvas:
    """A canvas that writes no clock and no chance into the file, and names no other font.

    For a page of this width and height. Hold RENDERING from here until it is saved.
    """
    width_mm, height_mm = size_mm
    canvas = Canvas(
        output,
        pagesize=(width_mm * mm, height_mm * mm),
        pageCompression=1,
        invariant=1,
        # Else Helvetica, which is never embedded. (The stubs take the name for a number.)
        initialFontName=font.name,  # type: ignore[arg-type]
    )
    canvas.setTitle(title)
    canvas.setAuthor("Boxgate")
    canvas.setCreator("Boxgate")
    canvas.setSubject(title)
    # A driver that scales to the page would shrink the code's modules.
    canvas.setViewerPreference("PrintScaling", "None")
    return canvas


def _printable(face: TicketFace, font: TicketFont) -> TicketFace:
    """The face with each text as the font can print it; the code is no text and stays."""
    texts = {
        field.name: font.printable(getattr(face, field.name))
        for field in fields(face)
        if field.name not in _NO_TEXTS
    }
    lines = tuple(font.printable(line) for line in face.lines)
    return TicketFace(**{**texts, "code": face.code, "lines": lines, "logo": face.logo})  # type: ignore[arg-type]


def _draw_ticket(
    sheet: Sheet, face: TicketFace, labels: TicketLabels, symbol: Sequence[bytes]
) -> None:
    if face.watermark:
        _draw_watermark(sheet, face.watermark)
    _draw_band(sheet, face, labels)
    _draw_body(sheet, face, labels)
    _draw_code(sheet, face, symbol)
    _draw_foot(sheet, face, labels)
    _draw_perforation(sheet)
    _draw_stub(sheet, face, labels)


def _draw_band(sheet: Sheet, face: TicketFace, labels: TicketLabels) -> None:
    sheet.bar(0, 0, PAGE_WIDTH_MM, _BAND_HEIGHT, _TRAINING if face.watermark else black)
    side = sheet.fit(face.watermark or face.hall, width=40, height=6, sizes=(9.5, 6))
    _draw_centred_in_band(sheet, side, _RIGHT - _widest(sheet, side))
    left = _RIGHT - _MARGIN - _widest(sheet, side) - 4
    _draw_centred_in_band(
        sheet, sheet.fit(face.venue, width=left, height=6, sizes=(11, 7)), _MARGIN, bold=True
    )
    stub = sheet.fit(labels.stub, width=_STUB_WIDTH, height=6, sizes=(9.5, 6))
    _draw_centred_in_band(sheet, stub, _STUB_LEFT)


def _draw_centred_in_band(sheet: Sheet, fitted: Fitted, x: float, *, bold: bool = False) -> None:
    top = (_BAND_HEIGHT - fitted.height / mm) / 2
    sheet.block(fitted, x, top, bold=bold, ink=white)


def _widest(sheet: Sheet, fitted: Fitted) -> float:
    return max((sheet.width(text, fitted.size) for text in fitted.lines), default=0.0)


def _draw_body(sheet: Sheet, face: TicketFace, labels: TicketLabels) -> None:
    logo_width = _draw_logo(sheet, face.logo)
    width = _RIGHT - _MARGIN - (logo_width + 4 if logo_width else 0)
    title = sheet.fit(face.event, width=width, height=11, sizes=(20, 10), lines=2)
    sheet.block(title, _MARGIN, 11.5 + (11 - title.height / mm) / 2, bold=True)
    doors_width = 16.0
    _draw_fact(sheet, labels.when, face.when, _MARGIN, 25.5, width=_TEXT_WIDTH - doors_width - 3)
    doors_left = _MARGIN + _TEXT_WIDTH - doors_width
    _draw_fact(sheet, labels.doors, face.doors, doors_left, 25.5, width=doors_width)
    sheet.rule(_MARGIN, 35.3, _TEXT_WIDTH)
    _draw_caption(sheet, labels.place, _MARGIN, 37)
    place = sheet.fit(face.place, width=_TEXT_WIDTH, height=10.5, sizes=(25, 8), lines=2)
    sheet.block(place, _MARGIN, 39.8 + (10.5 - place.height / mm) / 2, bold=True)
    sheet.rule(_MARGIN, 51.6, _TEXT_WIDTH)
    columns = (
        (labels.tier, face.tier),
        (labels.ticket_type, face.ticket_type),
        (labels.price, face.price),
    )
    pitch = _TEXT_WIDTH / len(columns)
    for index, (caption, value) in enumerate(columns):
        _draw_fact(sheet, caption, value, _MARGIN + index * pitch, 53.3, width=pitch - 2)


def _draw_logo(sheet: Sheet, png: bytes) -> float:
    """The event's logo at the right of its title; how wide it is in millimetres, 0 without one."""
    picture = open_logo(png)
    if picture is None:
        return 0.0
    scale = min(_LOGO_WIDTH / picture.width, _LOGO_HEIGHT / picture.height)
    width, height = picture.width * scale, picture.height * scale
    top = _LOGO_TOP + (_LOGO_HEIGHT - height) / 2
    sheet.canvas.drawInlineImage(
        picture, (_RIGHT - width) * mm, from_foot(top + height), width * mm, height * mm
    )
    return width


def _draw_caption(sheet: Sheet, caption: str, x: float, top: float) -> None:
    sheet.line(caption, x, top + _CAPTION_SIZE * ASCENT / mm, _CAPTION_SIZE)


def _draw_fact(
    sheet: Sheet, caption: str, value: str, x: float, top: float, *, width: float
) -> None:
    """A value under its caption, all values of a row on one baseline; nothing without a value."""
    if not value:
        return
    _draw_caption(sheet, caption, x, top)
    fitted = sheet.fit(value, width=width, height=4.5, sizes=(12, 7))
    sheet.block(fitted, x, top + 3.3 + (12 - fitted.size) * ASCENT / mm, bold=True)


def _draw_code(sheet: Sheet, face: TicketFace, symbol: Sequence[bytes]) -> None:
    """The symbol on white, as one path: no seams between modules at any resolution."""
    quiet = QR_QUIET_MODULES * MODULE_MM
    side = _QR_SIDE + 2 * quiet
    sheet.bar(_QR_LEFT - quiet, _QR_TOP - quiet, side, side, white)
    module = MODULE_MM * mm
    path = sheet.canvas.beginPath()
    for row, modules in enumerate(symbol):
        foot = from_foot(_QR_TOP + (row + 1) * MODULE_MM)
        for column, length in _dark_runs(modules):
            path.rect(_QR_LEFT * mm + column * module, foot, length * module, module)
    sheet.canvas.setFillColor(black)
    sheet.canvas.drawPath(path, stroke=0, fill=1)
    number = sheet.fit(face.ticket_no, width=side - 2 * quiet, height=4, sizes=(9, 6))
    left = _QR_LEFT + (_QR_SIDE - _widest(sheet, number)) / 2
    sheet.block(number, left, _QR_TOP + _QR_SIDE + quiet + 0.4, bold=True)


def _dark_runs(modules: bytes) -> list[tuple[int, int]]:
    """(first column, length) of each run of dark modules in a row."""
    return [(match.start(), len(match.group())) for match in re.finditer(rb"\x01+", modules)]


def _draw_foot(sheet: Sheet, face: TicketFace, labels: TicketLabels) -> None:
    if face.lines:
        added = "  ·  ".join(face.lines)
        fitted = sheet.fit(added, width=_RIGHT - _MARGIN, height=2.6, sizes=(6.5, 5))
        sheet.block(fitted, _MARGIN, 61.6)
    parts = (
        (labels.receipt_no, face.receipt_no),
        (labels.window, face.window),
        (labels.sold_at, face.sold_at),
    )
    text = "   ·   ".join(f"{caption} {value}".strip() for caption, value in parts if value)
    fitted = sheet.fit(text, width=_RIGHT - _MARGIN, height=3, sizes=(6.5, 5))
    sheet.block(fitted, _MARGIN, 64.5 if face.lines else 63.6)


def _draw_perforation(sheet: Sheet) -> None:
    """Where the stub tears off: a dashed line, white across the band."""
    canvas = sheet.canvas
    x = _PERFORATION * mm
    canvas.setLineWidth(0.7)
    canvas.setDash(2, 2)
    canvas.setStrokeColor(white)
    canvas.line(x, from_foot(0), x, from_foot(_BAND_HEIGHT))
    canvas.setStrokeColor(black)
    canvas.line(x, from_foot(_BAND_HEIGHT), x, from_foot(PAGE_HEIGHT_MM))
    canvas.setDash()


def _draw_stub(sheet: Sheet, face: TicketFace, labels: TicketLabels) -> None:
    title = _fit_stub(sheet, face.event, 8.5, (10, 7), lines=2)
    sheet.block(title, _STUB_LEFT, 12.5, bold=True)
    sheet.block(_fit_stub(sheet, face.when, 6.8, (8.5, 6.5), lines=2), _STUB_LEFT, 22.8)
    sheet.rule(_STUB_LEFT, 31.4, _STUB_WIDTH)
    # Down to a size that is hard to read, for a seat number cut off says less than a small one.
    place = _fit_stub(sheet, face.place, 11.5, (15, 5), lines=2)
    sheet.block(place, _STUB_LEFT, 33.2 + (11.5 - place.height / mm) / 2, bold=True)
    sheet.rule(_STUB_LEFT, 46.6, _STUB_WIDTH)
    kind = " · ".join(text for text in (face.tier, face.ticket_type) if text)
    sheet.block(_fit_stub(sheet, kind, 3.5, (8.5, 6)), _STUB_LEFT, 49)
    sheet.block(_fit_stub(sheet, face.price, 5, (12, 7)), _STUB_LEFT, 53.8, bold=True)
    number = f"{labels.ticket_no} {face.ticket_no}".strip()
    sheet.block(_fit_stub(sheet, number, 3, (6.5, 5)), _STUB_LEFT, 63.6)


def _fit_stub(
    sheet: Sheet, text: str, height: float, sizes: tuple[float, float], *, lines: Literal[1, 2] = 1
) -> Fitted:
    return sheet.fit(text, width=_STUB_WIDTH, height=height, sizes=sizes, lines=lines)


def _draw_watermark(sheet: Sheet, text: str) -> None:
    """Slanting outlines under the text: plain to see in colour and on a thermal head alike."""
    fitted = sheet.fit(text, width=90, height=12, sizes=(26, 12))
    row_text = "   ".join(fitted.lines * 3)
    half = sheet.width(row_text, fitted.size) * mm / 2
    canvas = sheet.canvas
    canvas.saveState()
    canvas.translate(PAGE_WIDTH_MM * mm / 2, PAGE_HEIGHT_MM * mm / 2)
    canvas.rotate(18)
    canvas.setFont(sheet.font.name, fitted.size)
    canvas.setStrokeColor(_TRAINING)
    canvas.setLineWidth(0.4)
    for row in range(-3, 4):
        canvas.drawString(row * 14 * mm - half, row * 17 * mm, row_text, mode=1)
    canvas.restoreState()
