"""Tickets and reports as slips of a receipt printer: finished text in, a document out. Pure.

A slip says what the PDF says, from top to bottom, on paper as wide as the printer's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hardware.escpos.cells import clean, measure, unicode_width, wrap
from hardware.escpos.document import (
    Align,
    Cell,
    Columns,
    Cut,
    Document,
    Element,
    Feed,
    Qr,
    Rule,
    Text,
)
from hardware.escpos.painter import to_raster
from hardware.escpos.profile import CELL_DOTS
from pos_app.services.logo import open_logo
from pos_app.services.paper import TicketFace, TicketLabels
from pos_app.services.rows import Look, Row

QR_MODULE_DOTS: Final = 6
"""0.75 mm at 203 dpi: the 45 squares of a ticket's code are 34 mm wide, on narrow paper too."""
_FIGURE_SHARE_MAX: Final = 0.6
"""What a figure may take of a line before it is broken; the words at its left get the rest."""


def ticket_slips(
    faces: Sequence[TicketFace], labels: TicketLabels, *, columns: int, copy: str = ""
) -> Document:
    """A slip for each face, cut apart; `copy` is what a copy says of itself."""
    elements = [each for face in faces for each in _ticket(face, labels, columns, copy)]
    return Document(tuple(elements))


def rows_slip(rows: Sequence[Row], *, columns: int) -> Document:
    """A report, a receipt or a buyer's slip, cut off at its end."""
    elements = [each for row in rows for each in _row(row, columns)]
    return Document((*elements, Cut()))


def _ticket(face: TicketFace, labels: TicketLabels, columns: int, copy: str) -> Iterator[Element]:
    if face.watermark:
        yield from _headline(face.watermark, columns)
    yield from _logo(face.logo, columns)
    yield from _centred(face.venue)
    yield Feed()
    yield from _headline(face.event, columns)
    yield Feed()
    yield Text(face.when, bold=True, align=Align.CENTRE, high=2)
    doors = f"{labels.doors} {face.doors}" if face.doors else ""
    yield from _centred(_joined(doors, face.hall))
    yield Rule()
    yield from _headline(face.place, columns)
    yield Rule()
    yield from _pair(_joined(face.tier, face.ticket_type), face.price, columns, bold=True)
    yield Qr(face.code, QR_MODULE_DOTS)
    yield Text(face.ticket_no, bold=True, align=Align.CENTRE)
    for line in face.lines:
        yield Text(line, align=Align.CENTRE)
    if copy:
        yield from _headline(copy, columns)
    if face.watermark:
        yield from _headline(face.watermark, columns)
    yield Rule()
    for caption, value in (
        (labels.receipt_no, face.receipt_no),
        (labels.window, face.window),
        (labels.sold_at, face.sold_at),
    ):
        if value:
            yield from _pair(caption, value, columns)
    yield Cut()


def _logo(png: bytes, columns: int) -> Iterator[Element]:
    """The logo as dots, made smaller where it is wider than the paper."""
    picture = open_logo(png)
    if picture is None:
        return
    width = columns * CELL_DOTS
    if picture.width > width:
        picture = picture.resize((width, max(1, picture.height * width // picture.width)))
    yield to_raster(picture.convert("RGB"))
    yield Feed()


def _row(row: Row, columns: int) -> Iterator[Element]:
    match row.look:
        case Look.RULE:
            yield Rule()
        case Look.TITLE:
            yield from _headline(_joined(row.left, row.right), columns)
        case Look.HEAD:
            yield Text(_joined(row.left, row.right), align=Align.CENTRE)
        case Look.PLAIN | Look.STRONG:
            yield from _pair(row.left, row.right, columns, bold=row.look is Look.STRONG)


def _headline(text: str, columns: int) -> Iterator[Text]:
    """As large as it can be on at most two lines, of which none is left with a single word."""
    wide = 2 if _cells(text) <= columns else 1
    for line in _balanced(clean(text), columns // wide):
        yield Text(line, bold=True, align=Align.CENTRE, wide=wide, high=2)


def _balanced(text: str, width: int) -> list[str]:
    """The text on as few lines as it needs, set as narrow as these allow."""
    lines = wrap(text, width, unicode_width)
    while width > 1:
        width -= 1
        narrower = wrap(text, width, unicode_width)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def _centred(text: str) -> Iterator[Element]:
    if text:
        yield Text(text, align=Align.CENTRE)


def _pair(left: str, right: str, columns: int, *, bold: bool = False) -> Iterator[Element]:
    """Words at the left, a figure at the right."""
    if not right:
        if left:
            yield Text(left, bold=bold)
        return
    width = min(_cells(right), int(columns * _FIGURE_SHARE_MAX) if left else columns)
    yield Columns((Cell(left, bold=bold), Cell(right, width, Align.RIGHT, bold)))


def _cells(text: str) -> int:
    """How many cells a text takes; printers set the yuan sign in full width."""
    return max(1, measure(clean(text).replace("¥", "￥"), unicode_width))


def _joined(*parts: str) -> str:
    """Two blanks apart: printers set a middle dot as wide as a Han character."""
    return "  ".join(part for part in parts if part)
