"""A ticket's page as a drawing surface: millimetres from its top left corner, text in points."""

from __future__ import annotations

from typing import Final, Literal

from reportlab.lib.colors import Color, black
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from pos_app.services.paper_text import LINE_PITCH, Box, Fitted, fit
from program.paper_fonts import TicketFont

PAGE_WIDTH_MM: Final = 150.0
PAGE_HEIGHT_MM: Final = 70.0
A4_WIDTH_MM: Final = 210.0
A4_HEIGHT_MM: Final = 297.0
ASCENT: Final = 0.86
"""From the top of a Han character to its baseline, in sizes."""

# Micro Hei has one weight: bold is its outline drawn as well, this thick in sizes. Below a few
# points that would fill the counters of dense characters (鹅, 蕾), so small type stays regular.
_BOLD_STROKE = 0.026
_BOLD_SIZE_MIN = 8.0
# Text render modes, PDF 32000-1 table 106.
_FILL: Final = 0
_FILL_AND_STROKE: Final = 2


def from_foot(y: float) -> float:
    """Points from the bottom of the page, as ReportLab counts, for millimetres from its top."""
    return (PAGE_HEIGHT_MM - y) * mm


class Sheet:
    """One page of a canvas, drawn in one font."""

    def __init__(self, canvas: Canvas, font: TicketFont) -> None:
        self.canvas = canvas
        self.font = font

    def fit(
        self,
        text: str,
        *,
        width: float,
        height: float,
        sizes: tuple[float, float],
        lines: Literal[1, 2] = 1,
    ) -> Fitted:
        """The text set into a box in millimetres; `sizes` are the largest and the smallest."""
        box = Box(width * mm, height * mm, sizes[0], sizes[1], lines)
        return fit(text, box, self.font.measure)

    def width(self, text: str, size: float) -> float:
        """How wide a text is, in millimetres."""
        return self.font.measure(text) * size / mm

    def line(
        self,
        text: str,
        x: float,
        baseline: float,
        size: float,
        *,
        bold: bool = False,
        ink: Color = black,
    ) -> None:
        """One line of text from `x` to the right."""
        is_stroked = bold and size >= _BOLD_SIZE_MIN
        canvas = self.canvas
        canvas.setFont(self.font.name, size)
        canvas.setFillColor(ink)
        canvas.setStrokeColor(ink)
        canvas.setLineWidth(size * _BOLD_STROKE)
        mode: Literal[0, 2] = _FILL_AND_STROKE if is_stroked else _FILL
        canvas.drawString(x * mm, from_foot(baseline), text, mode=mode)

    def block(
        self, fitted: Fitted, x: float, top: float, *, bold: bool = False, ink: Color = black
    ) -> None:
        """Fitted lines below `top`, flush left at `x`."""
        baseline = top + fitted.size * ASCENT / mm
        for text in fitted.lines:
            self.line(text, x, baseline, fitted.size, bold=bold, ink=ink)
            baseline += fitted.size * LINE_PITCH / mm

    def rule(self, x: float, y: float, width: float) -> None:
        """A thin line to the right."""
        self.canvas.setStrokeColor(black)
        self.canvas.setLineWidth(0.5)
        self.canvas.line(x * mm, from_foot(y), (x + width) * mm, from_foot(y))

    def bar(self, x: float, top: float, width: float, height: float, ink: Color) -> None:
        """A filled rectangle."""
        self.canvas.setFillColor(ink)
        self.canvas.rect(x * mm, from_foot(top + height), width * mm, height * mm, stroke=0, fill=1)
