"""From a document to the bytes of one kind of printer. Pure: who paints lines is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeAlias

import segno

from hardware.escpos import commands
from hardware.escpos.cells import (
    Line,
    Run,
    WidthOf,
    clean,
    columns,
    device_width,
    is_narrow_letter,
    measure,
    unicode_width,
    wrap,
)
from hardware.escpos.document import (
    Align,
    Bars,
    Columns,
    Cut,
    Document,
    Element,
    Feed,
    KickDrawer,
    Qr,
    Raster,
    Rule,
    Text,
)
from hardware.escpos.profile import Codes, Profile, TextMode

Painter: TypeAlias = Callable[[Line, int], Raster]
"""Paints a line on paper so many dots wide; the picture may be narrower and stands at the left."""

MODULE_DOTS_MIN: Final = 3
"""0.375 mm: below it thermal paper and a phone's camera no longer agree on a code."""
QUIET_MODULES: Final = 4
"""The white around a QR code (ISO/IEC 18004, 6.3.8)."""
JOB_BYTES_MAX: Final = 4_000_000
RULE_ROWS: Final = (11, 2)  # white above and below, ink

_GETA: Final = "〓"  # what printers set for a character they have no type for
_CODECS: Final = {
    TextMode.GB18030: "gb18030",
    TextMode.GBK: "gbk",
    TextMode.BIG5: "big5",
    TextMode.SHIFT_JIS: "cp932",
}


class DoesNotFit(ValueError):
    """The document cannot be printed on this paper; the sentence says what is too large."""


def render(document: Document, profile: Profile, painter: Painter | None = None) -> bytes:
    """The whole job for one printer: settings first, then each element.

    A line with a character that the printer lacks is painted; without a painter the character is
    printed as 〓. Raises DoesNotFit, and ValueError when the profile paints and nobody can.
    """
    job = b"".join(_Renderer(profile, painter).job(document))
    if len(job) > JOB_BYTES_MAX:
        raise DoesNotFit(f"the job has {len(job)} bytes, more than {JOB_BYTES_MAX}")
    return job


def has_character(char: str, profile: Profile) -> bool:
    """Whether the printer's own fonts have a character, as wide as it should be."""
    if profile.text in _CODECS and is_narrow_letter(char):
        return False
    return char.isascii() or _encoded(char, profile) is not None


class _Renderer:
    def __init__(self, profile: Profile, painter: Painter | None) -> None:
        if profile.text is TextMode.RASTER and painter is None:
            raise ValueError(f"the profile {profile.name} needs somebody who paints its lines")
        self._profile = profile
        self._painter = painter
        self._width_of: WidthOf = (
            device_width if profile.text in _CODECS else unicode_width  # one byte, one cell
        )

    def job(self, document: Document) -> Iterator[bytes]:
        """The bytes, element by element."""
        yield commands.INIT
        yield self._character_set()
        for element in document.elements:
            yield from self._element(element)

    def _character_set(self) -> bytes:
        match self._profile.text:
            case TextMode.CODE_PAGE:
                return commands.HAN_OFF + commands.code_page(self._profile.code_page[0])
            case TextMode.SHIFT_JIS:
                return commands.HAN_ON + commands.SHIFT_JIS
            case TextMode.RASTER:
                return b""
            case TextMode.GB18030 | TextMode.GBK | TextMode.BIG5:
                return commands.HAN_ON

    def _element(self, element: Element) -> Iterator[bytes]:
        match element:
            case Text() | Columns():
                for line in self._lines(element):
                    yield from self._line(line, _side(element))
            case Rule():
                yield from self._rule(element)
            case Qr():
                yield from self._qr(element)
            case Bars():
                yield from self._bars(element)
            case Raster():
                yield from self._picture(element, element.align)
            case Feed() | Cut() | KickDrawer():
                yield self._motion(element)

    def _motion(self, element: Feed | Cut | KickDrawer) -> bytes:
        match element:
            case Feed(lines):
                return commands.feed_lines(lines)
            case Cut():
                feed = commands.feed_lines(self._profile.feed_before_cut_lines)
                return feed + commands.cut(self._profile.cutter)
            case KickDrawer():
                drawer = self._profile.drawer
                return b"" if drawer is None else commands.kick(drawer)

    def _lines(self, element: Text | Columns) -> Iterator[Line]:
        width = self._profile.columns
        if isinstance(element, Columns):
            cells = tuple(replace(cell, text=self._spelt(cell.text)) for cell in element.cells)
            yield from columns(cells, width, self._width_of)
            return
        words = clean(self._spelt(element.text))
        for text in wrap(words, width // element.wide, self._width_of):
            run = (Run(0, text, element.bold),) if text else ()
            yield Line(run, element.wide, element.high)

    def _spelt(self, text: str) -> str:
        """Double-byte fonts have the yuan sign in full width only."""
        return text.replace("¥", "￥") if self._profile.text in _CODECS else text

    def _line(self, line: Line, side: Align) -> Iterator[bytes]:
        if self._painter is not None and not self._can_set(line):
            picture = self._painter(self._spread(line), self._profile.width_dots)
            yield from self._picture(picture, side)
            return
        if not line.runs:
            yield commands.LINE_FEED
            return
        body = b"".join(self._runs(line.runs))
        is_scaled = (line.wide, line.high) != (1, 1)
        if is_scaled:
            body = commands.scale(line.wide, line.high) + body
        if side is not Align.LEFT:
            body = commands.align(side) + body
        yield body + commands.LINE_FEED
        if is_scaled:
            yield commands.scale(1, 1)
        if side is not Align.LEFT:
            yield commands.align(Align.LEFT)

    def _runs(self, runs: tuple[Run, ...]) -> Iterator[bytes]:
        at = 0
        for run in runs:
            yield b" " * (run.at - at)
            if run.bold:
                yield commands.bold(True)
            yield self._encode(run.text)
            if run.bold:
                yield commands.bold(False)
            at = run.at + measure(run.text, self._width_of)

    def _spread(self, line: Line) -> Line:
        """Each character a run of its own, where this printer's font would have put it."""
        runs: list[Run] = []
        for run in line.runs:
            at = run.at
            for char in run.text:
                runs.append(Run(at, char, run.bold))
                at += self._width_of(char)
        return Line(tuple(runs), line.wide, line.high)

    def _can_set(self, line: Line) -> bool:
        """Whether the printer itself has every character of a line."""
        if self._profile.text is TextMode.RASTER:
            return False
        return all(has_character(char, self._profile) for run in line.runs for char in run.text)

    def _encode(self, text: str) -> bytes:
        if text.isascii():
            return text.encode("ascii")
        return b"".join(
            _encoded(char, self._profile) or _stand_in(char, self._profile) for char in text
        )

    def _rule(self, rule: Rule) -> Iterator[bytes]:
        width_dots = self._profile.width_dots
        if self._profile.text is not TextMode.RASTER:
            yield (b"=" if rule.double else b"-") * self._profile.columns + commands.LINE_FEED
            return
        row_bytes = (width_dots + 7) // 8
        white, ink = (bytes(row_bytes) * RULE_ROWS[0], b"\xff" * row_bytes * RULE_ROWS[1])
        rows = white + ink + (bytes(row_bytes) * 3 + ink if rule.double else b"") + white
        yield from self._picture(Raster(width_dots, len(rows) // row_bytes, rows), Align.LEFT)

    def _qr(self, code: Qr) -> Iterator[bytes]:
        symbol = segno.make_qr(
            code.payload, error=code.level.value, mode=None, boost_error=False, encoding="latin-1"
        )
        side = len(symbol.matrix)
        module_dots = min(code.module_dots, self._profile.width_dots // side)
        if module_dots < min(MODULE_DOTS_MIN, code.module_dots):
            raise DoesNotFit(
                f"a code of {side} squares is too large for {self._profile.width_dots} dots"
            )
        yield commands.feed_dots(QUIET_MODULES * module_dots)
        if self._profile.codes is Codes.RASTER:
            yield from self._picture(_enlarged(symbol, module_dots), code.align)
        else:
            yield commands.align(code.align)
            yield commands.qr(code.payload.encode("ascii"), module_dots, code.level)
            yield commands.align(Align.LEFT)
        yield commands.feed_dots(QUIET_MODULES * module_dots)

    def _bars(self, bars: Bars) -> Iterator[bytes]:
        modules = 11 * (len(bars.payload) + 2) + 13  # ISO/IEC 15417, 4.1: start, data, check, stop
        module_dots = min(bars.module_dots, self._profile.width_dots // modules)
        if module_dots < 2:
            raise DoesNotFit(
                f"{len(bars.payload)} characters of bars are too wide for"
                f" {self._profile.width_dots} dots"
            )
        yield commands.align(bars.align)
        yield commands.bars(bars.payload.encode("ascii"), bars.height_dots, module_dots)
        yield commands.LINE_FEED
        yield commands.align(Align.LEFT)

    def _picture(self, picture: Raster, side: Align) -> Iterator[bytes]:
        if picture.width_dots > self._profile.width_dots:
            raise DoesNotFit(
                f"a picture {picture.width_dots} dots wide on paper of {self._profile.width_dots}"
            )
        if side is not Align.LEFT:
            yield commands.align(side)
        yield from commands.raster(picture, self._profile.band_rows)
        if side is not Align.LEFT:
            yield commands.align(Align.LEFT)


def _side(element: Text | Columns) -> Align:
    return element.align if isinstance(element, Text) else Align.LEFT


def _encoded(char: str, profile: Profile) -> bytes | None:
    """The character in the printer's encoding; None where its fonts lack it."""
    if profile.text is TextMode.CODE_PAGE:
        return _try(char, profile.code_page[1])
    encoded = _try(char, _CODECS[profile.text])
    if encoded is None or char.isascii() or len(encoded) == 2:
        return encoded
    # Of the four-byte characters GB 18030-2000 asks printers for extension A only; for the others,
    # alphabets and emoji, firmware has no glyphs.
    if profile.text is TextMode.GB18030 and "\u3400" <= char <= "\u4dbf":
        return encoded
    return None


def _try(char: str, codec: str) -> bytes | None:
    try:
        return char.encode(codec)
    except UnicodeEncodeError:
        return None


def _stand_in(char: str, profile: Profile) -> bytes:
    """As wide as the character that is missing, so that columns stay where they are."""
    if unicode_width(char) == 0:
        return b""
    if profile.text is TextMode.CODE_PAGE:
        return b"?" * unicode_width(char)
    return _try(_GETA, _CODECS[profile.text]) or b"??"


def _enlarged(symbol: segno.QRCode, module_dots: int) -> Raster:
    rows = bytearray()
    side = len(symbol.matrix) * module_dots
    for matrix_row in symbol.matrix:
        bits = "".join(("1" if dark else "0") * module_dots for dark in matrix_row)
        padded = bits.ljust(-(-side // 8) * 8, "0")
        rows += int(padded, 2).to_bytes(len(padded) // 8, "big") * module_dots
    return Raster(side, side, bytes(rows))
