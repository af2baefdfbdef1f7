"""Printed paper as text and as a picture, so that a person can look at what a printer was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import segno
from PIL import Image, ImageDraw

from hardware.escpos import code128
from hardware.escpos.cells import Line, Run
from hardware.escpos.document import Align, Raster
from hardware.escpos.interpreter import Fed, PrintedBars, PrintedQr, PrintedText
from hardware.escpos.profile import CELL_DOTS, LINE_ROWS

if TYPE_CHECKING:
    from hardware.escpos.interpreter import Printed, Sheet
    from hardware.escpos.painter import LinePainter

MARGIN_DOTS: Final = 24
_PAPER: Final = 252
_EDGE: Final = 200


def to_text(sheet: Sheet) -> str:
    """The sheet in words, a line each; pictures and codes in brackets."""
    lines = [_words(item) for item in sheet.items]
    end = "[cut]" if sheet.is_cut else "[not cut off]"
    return "\n".join([*(line for line in lines if line is not None), end]) + "\n"


def to_image(sheet: Sheet, width_dots: int, painter: LinePainter) -> Image.Image:
    """The sheet as a grey picture, a dot a pixel, with its edges."""
    strips = [_strip(item, width_dots, painter) for item in sheet.items]
    height = sum(strip.height for strip in strips) + 2 * MARGIN_DOTS
    page = Image.new("L", (width_dots + 2 * MARGIN_DOTS, height), _PAPER)
    top = MARGIN_DOTS
    for strip in strips:
        page.paste(0, (MARGIN_DOTS, top), strip)
        top += strip.height
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width - 1, page.height - 1), outline=_EDGE)
    return page


def _words(item: Printed) -> str | None:
    match item:
        case PrintedText():
            return item.text.rstrip()
        case PrintedQr():
            return f"[QR {item.payload}]"
        case PrintedBars():
            return f"[bars {item.payload}]"
        case Raster():
            return f"[picture {item.width_dots}x{item.height_dots}]"
        case Fed():
            return "" if item.rows >= LINE_ROWS else None


def _strip(item: Printed, width: int, painter: LinePainter) -> Image.Image:
    """The ink of one item as a mask over the whole width."""
    match item:
        case Fed():
            return Image.new("L", (width, item.rows))
        case PrintedText():
            return _aligned(_text(item, painter), item.align, width)
        case Raster():
            ink = Image.frombytes("1", (item.row_bytes * 8, item.height_dots), item.rows)
            return _aligned(ink.convert("L"), item.align, width)
        case PrintedQr():
            return _aligned(_qr(item), item.align, width)
        case PrintedBars():
            return _aligned(_bars(item, painter), item.align, width)


def _aligned(ink: Image.Image, align: Align, width: int) -> Image.Image:
    room = width - ink.width
    left = {Align.LEFT: 0, Align.CENTRE: room // 2, Align.RIGHT: room}[align]
    strip = Image.new("L", (width, ink.height))
    strip.paste(ink, (left, 0))
    return strip


def _text(item: PrintedText, painter: LinePainter) -> Image.Image:
    runs: list[Run] = []
    at = 0
    for char, is_bold, cells in zip(item.text, item.bold, item.cells, strict=True):
        runs.append(Run(at, char, is_bold))
        at += cells
    width = max(8, at * CELL_DOTS * item.wide)
    painted = painter(Line(tuple(runs), item.wide, item.high), width)
    size = (painted.row_bytes * 8, painted.height_dots)
    return Image.frombytes("1", size, painted.rows).convert("L")


def _qr(item: PrintedQr) -> Image.Image:
    level = item.level.value
    symbol = segno.make_qr(item.payload, error=level, boost_error=False, encoding="latin-1")
    return _modules(symbol.matrix, item.module_dots)


def _modules(matrix: tuple[bytearray, ...], dots: int) -> Image.Image:
    side = len(matrix)
    flat = bytes(255 if dark else 0 for row in matrix for dark in row)
    return Image.frombytes("L", (side, side), flat).resize((side * dots,) * 2, Image.Resampling.BOX)


def _bars(item: PrintedBars, painter: LinePainter) -> Image.Image:
    modules = code128.modules(item.payload)
    row = bytes(255 if dark else 0 for dark in modules)
    bars = Image.frombytes("L", (len(row), 1), row).resize(
        (len(row) * item.module_dots, item.height_dots), Image.Resampling.BOX
    )
    image = Image.new("L", (bars.width, bars.height + LINE_ROWS))
    image.paste(bars, (0, 0))
    words = painter(Line((Run(0, item.payload),)), bars.width)
    ink = Image.frombytes("1", (words.row_bytes * 8, words.height_dots), words.rows)
    image.paste(255, (max(0, (bars.width - words.width_dots) // 2), bars.height), ink.convert("L"))
    return image
