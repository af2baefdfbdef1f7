"""An 80 mm roll: rows of words and figures in, a page as long as they need out; or pages of A4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from pos_app.services.paper import RENDERING, open_canvas
from pos_app.services.paper_sheet import A4_HEIGHT_MM, A4_WIDTH_MM
from pos_app.services.paper_text import Box, fit
from pos_app.services.rows import Look, Row
from program.paper_fonts import TicketFont, load_font

ROLL_MM: Final = 80.0
_MARGIN_MM = 5.0
_A4_MARGIN_MM = 15.0
_WIDTH_MM = ROLL_MM - 2 * _MARGIN_MM
_BOLD_STROKE = 0.026  # Micro Hei has one weight: bold is its outline drawn as well

_WATERMARK_SIZE = 15.0
_WATERMARK_PITCH_MM = 32.0
_TRAINING = HexColor(0x7A3FE0)

_SIZES = {Look.TITLE: 14.0, Look.HEAD: 8.5, Look.PLAIN: 9.0, Look.STRONG: 11.0}
_PITCH_MM = {Look.TITLE: 8.0, Look.HEAD: 5.0, Look.PLAIN: 4.8, Look.STRONG: 6.2, Look.RULE: 3.0}


def render(
    rows: Sequence[Row],
    title: str,
    *,
    font: Path | None = None,
    watermark: str = "",
    a4: bool = False,
) -> bytes:
    """The same rows give the same bytes. Any thread may call it. Raises FontMissing.

    One page as long as it must be, or on A4 as many as it takes, the roll in their middle.
    `watermark` is set for training only: it stands across the whole page.
    """
    height_mm = sum(_PITCH_MM[one.look] for one in rows) + 2 * _MARGIN_MM
    size_mm = (A4_WIDTH_MM, A4_HEIGHT_MM) if a4 else (ROLL_MM, height_mm)
    with RENDERING:
        loaded = load_font(font)
        output = BytesIO()
        canvas = open_canvas(output, loaded, size_mm, title)
        for page in _a4_pages(rows) if a4 else (rows,):
            if a4:
                canvas.translate((A4_WIDTH_MM - ROLL_MM) / 2 * mm, 0)
            if watermark:
                _draw_watermark(canvas, loaded, watermark, size_mm[1])
            top = size_mm[1] - (_A4_MARGIN_MM if a4 else _MARGIN_MM)
            for one in page:
                top -= _PITCH_MM[one.look]
                _draw(canvas, loaded, one, top)
            canvas.showPage()
        canvas.save()
    return output.getvalue()


def _a4_pages(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Rows page by page, as many as each has room for."""
    page: list[Row] = []
    left = room = A4_HEIGHT_MM - 2 * _A4_MARGIN_MM
    for one in rows:
        if _PITCH_MM[one.look] > left:
            yield page
            page, left = [], room
        page.append(one)
        left -= _PITCH_MM[one.look]
    yield page


def _draw_watermark(canvas: Canvas, font: TicketFont, text: str, height_mm: float) -> None:
    """Slanting outlines from top to bottom: plain to see, and the figures stay legible."""
    shown = font.printable(text)
    canvas.saveState()
    canvas.setFont(font.name, _WATERMARK_SIZE)
    canvas.setStrokeColor(_TRAINING)
    canvas.setLineWidth(0.4)
    for at in range(1, int(height_mm / _WATERMARK_PITCH_MM) + 1):
        canvas.saveState()
        canvas.translate(_MARGIN_MM * mm, (height_mm - at * _WATERMARK_PITCH_MM) * mm)
        canvas.rotate(12)
        canvas.drawString(0, 0, shown, mode=1)
        canvas.restoreState()
    canvas.restoreState()


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
