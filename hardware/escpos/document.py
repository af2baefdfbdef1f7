"""A slip of paper as data: what is on it, from top to bottom. Pure; knows no printer.

A document is finished text: sums are added, dates are written out. What does not fit a line is
broken by the renderer. Control characters in texts mean nothing and are printed as spaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

SCALE_MAX: Final = 8
"""How many times a character may be widened and heightened (GS !)."""
TEXT_CHARS_MAX: Final = 2000
ELEMENTS_COUNT_MAX: Final = 2000
CELLS_COUNT_MAX: Final = 8
FEED_LINES_MAX: Final = 50
QR_CHARS_MAX: Final = 1000
"""Well below what a code can hold (2,331 at level M): more is no longer read off thermal paper."""
BARS_CHARS_MAX: Final = 48
RASTER_ROWS_MAX: Final = 8000
"""One metre at 203 dpi."""


class Align(StrEnum):
    """Where on its line something stands."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


class QrLevel(StrEnum):
    """How much of a code may be lost and still be read: 7, 15, 25, 30 percent."""

    L = "l"
    M = "m"
    Q = "q"
    H = "h"


@dataclass(frozen=True, slots=True)
class Text:
    """One paragraph, broken into as many lines as it needs. `wide` and `high` are multiples."""

    text: str
    bold: bool = False
    align: Align = Align.LEFT
    wide: int = 1
    high: int = 1

    def __post_init__(self) -> None:
        _check_text(self.text)
        for scale in (self.wide, self.high):
            if not 1 <= scale <= SCALE_MAX:
                raise ValueError(f"characters are enlarged 1 to {SCALE_MAX} times, not {scale}")


@dataclass(frozen=True, slots=True)
class Cell:
    """One part of a Columns line. `width` in half-width characters; None takes what is left."""

    text: str
    width: int | None = None
    align: Align = Align.LEFT
    bold: bool = False

    def __post_init__(self) -> None:
        _check_text(self.text)
        if self.width is not None and self.width < 1:
            raise ValueError(f"a cell is at least one character wide, not {self.width}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells side by side, one blank between them; a long text goes on below in its own cell."""

    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.cells) <= CELLS_COUNT_MAX:
            raise ValueError(f"a line has 1 to {CELLS_COUNT_MAX} cells, not {len(self.cells)}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the paper; `double` under a total."""

    double: bool = False


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code of printable ASCII: other texts are read differently by different readers.

    `module_dots` is the side of one dark square; 4 dots are 0.5 mm at 203 dpi.
    """

    payload: str
    module_dots: int = 6
    level: QrLevel = QrLevel.M
    align: Align = Align.CENTRE

    def __post_init__(self) -> None:
        _check_ascii(self.payload, QR_CHARS_MAX)
        if not 2 <= self.module_dots <= 16:
            raise ValueError(f"the squares of a code are 2 to 16 dots wide, not {self.module_dots}")


@dataclass(frozen=True, slots=True)
class Bars:
    """A Code 128 of printable ASCII, its text below it."""

    payload: str
    height_dots: int = 80
    module_dots: int = 2
    align: Align = Align.CENTRE

    def __post_init__(self) -> None:
        _check_ascii(self.payload, BARS_CHARS_MAX)
        if not 2 <= self.module_dots <= 6:
            raise ValueError(f"bars are 2 to 6 dots wide, not {self.module_dots}")
        if not 1 <= self.height_dots <= 255:
            raise ValueError(f"bars are 1 to 255 dots high, not {self.height_dots}")


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture of black dots: rows from the top, eight dots a byte, the leftmost in the high bit.

    Each row is padded to whole bytes.
    """

    width_dots: int
    height_dots: int
    rows: bytes
    align: Align = Align.CENTRE

    def __post_init__(self) -> None:
        if self.width_dots < 1 or not 1 <= self.height_dots <= RASTER_ROWS_MAX:
            raise ValueError(f"no picture: {self.width_dots} by {self.height_dots} dots")
        if len(self.rows) != self.row_bytes * self.height_dots:
            raise ValueError(
                f"{self.width_dots} by {self.height_dots} dots are"
                f" {self.row_bytes * self.height_dots} bytes, not {len(self.rows)}"
            )

    @property
    def row_bytes(self) -> int:
        """How many bytes a row has."""
        return (self.width_dots + 7) // 8


@dataclass(frozen=True, slots=True)
class Feed:
    """Blank lines."""

    lines: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.lines <= FEED_LINES_MAX:
            raise ValueError(f"1 to {FEED_LINES_MAX} blank lines, not {self.lines}")


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut the paper below what was printed so far; a printer without a cutter feeds past its edge."""


@dataclass(frozen=True, slots=True)
class KickDrawer:
    """Open the cash drawer when the printer gets here; nothing where none is configured.

    For a sale the drawer is better kicked by itself: a job in doubt would open it again.
    """


Element: TypeAlias = Text | Columns | Rule | Qr | Bars | Raster | Feed | Cut | KickDrawer


@dataclass(frozen=True, slots=True)
class Document:
    """Elements from top to bottom."""

    elements: tuple[Element, ...]

    def __post_init__(self) -> None:
        if len(self.elements) > ELEMENTS_COUNT_MAX:
            raise ValueError(f"a document has at most {ELEMENTS_COUNT_MAX} elements")


def _check_text(text: str) -> None:
    if len(text) > TEXT_CHARS_MAX:
        raise ValueError(f"a text has at most {TEXT_CHARS_MAX} characters, not {len(text)}")


def _check_ascii(payload: str, chars_max: int) -> None:
    if not 1 <= len(payload) <= chars_max:
        raise ValueError(f"a code holds 1 to {chars_max} characters, not {len(payload)}")
    if not all(" " <= char <= "~" for char in payload):
        raise ValueError("a code holds printable ASCII only")
