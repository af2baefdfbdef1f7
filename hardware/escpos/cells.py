"""Text on a grid of half-width cells: how wide it is, where it breaks, how columns stand. Pure.

The grid is that of the printers' own fonts: a Latin letter takes one cell, a Han character two. A
painted line keeps to the same grid, so that a slip looks alike whoever draws it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hardware.escpos.document import Align, Cell

WidthOf = Callable[[str], int]
"""The cells that one character takes."""

# Marks that may not begin a line or end one (GB/T 15834); they stay with their neighbour.
_CLOSING: Final = frozenset("，。、；：？！…》」』）】〉〕”’·,.;:?!)]}%")
_OPENING: Final = frozenset("《「『（【〈〔“‘([{¥￥$€£")


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line: its first cell, counted in cells of normal width, and what stands there."""

    at: int
    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it will be printed; `wide` and `high` hold for all of it."""

    runs: tuple[Run, ...]
    wide: int = 1
    high: int = 1


def clean(text: str) -> str:
    """The text in one line, NFC, without control and format characters.

    A control character inside a text would be a command to the printer.
    """
    composed = unicodedata.normalize("NFC", text)
    return "".join(_harmless(char) for char in composed)


def unicode_width(char: str) -> int:
    """One cell, or two for what East Asian typography sets full width; marks join the one before."""
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def device_width(char: str) -> int:
    """In a double-byte font everything but ASCII takes two cells.

    Except narrow letters (é, я): set two cells wide they tear a word apart, so they are painted.
    """
    return 1 if char.isascii() or is_narrow_letter(char) else 2


def is_narrow_letter(char: str) -> bool:
    """A letter of an alphabet, beyond ASCII."""
    is_letter = unicodedata.category(char)[0] in "LM"
    return is_letter and not char.isascii() and unicode_width(char) < 2


def measure(text: str, width_of: WidthOf) -> int:
    """The cells that a text takes."""
    return sum(map(width_of, text))


def wrap(text: str, width: int, width_of: WidthOf) -> list[str]:
    """Break a text into lines of at most `width` cells; a word breaks only where it must.

    An empty text is one empty line. A character wider than the line has a line of its own.
    """
    lines: list[str] = []
    rest = text.strip(" ")
    while rest:
        end = _end_of_line(rest, width, width_of)
        lines.append(rest[:end].rstrip(" "))
        rest = rest[end:].lstrip(" ")
    return lines or [""]


def place(text: str, width: int, align: Align, width_of: WidthOf) -> int:
    """The cell at which a text that fits `width` begins."""
    room = max(0, width - measure(text, width_of))
    match align:
        case Align.LEFT:
            return 0
        case Align.CENTRE:
            return room // 2
        case Align.RIGHT:
            return room


def columns(cells: tuple[Cell, ...], width: int, width_of: WidthOf) -> Iterator[Line]:
    """The lines of cells side by side in `width` cells."""
    widths = cell_widths([cell.width for cell in cells], width)
    wrapped = [
        wrap(clean(cell.text), each, width_of) for cell, each in zip(cells, widths, strict=True)
    ]
    for row in range(max(map(len, wrapped))):
        runs: list[Run] = []
        left = 0
        for cell, cell_width, lines in zip(cells, widths, wrapped, strict=True):
            if row < len(lines) and lines[row]:
                at = left + place(lines[row], cell_width, cell.align, width_of)
                runs.append(Run(at, lines[row], cell.bold))
            left += cell_width + 1
        yield Line(tuple(runs))


def cell_widths(asked: Iterable[int | None], width: int) -> list[int]:
    """What each cell gets of a line: open ones share what is left, and nobody gets less than one.

    On paper narrower than what was asked for, the widest cells give way first.
    """
    given = list(asked)
    room = width - (len(given) - 1)
    open_count = given.count(None)
    fixed = [1 if each is None else each for each in given]
    while sum(fixed) > room and max(fixed) > 1:
        fixed[fixed.index(max(fixed))] -= 1
    left = max(0, room - sum(fixed))
    for index, each in enumerate(given):
        if each is None:
            share = left // open_count
            fixed[index] += share
            left -= share
            open_count -= 1
    return fixed


def _harmless(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Cc", "Zs", "Zl", "Zp"}:
        return "　" if char == "　" else " "
    return "" if category in {"Cf", "Cs", "Co", "Cn"} else char


def _end_of_line(text: str, width: int, width_of: WidthOf) -> int:
    """Where the first line of `text` ends, at least after its first character."""
    longest = _longest_start(text, width, width_of)
    if longest == len(text):
        return longest
    for at in range(longest, 0, -1):
        if _may_break(text, at):
            return at
    return longest


def _longest_start(text: str, width: int, width_of: WidthOf) -> int:
    used = 0
    for count, char in enumerate(text):
        used += width_of(char)
        if used > width:
            return max(count, 1)
    return len(text)


def _may_break(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after == " " or before == " ":
        return True
    if after in _CLOSING or before in _OPENING:
        return False
    return unicode_width(before) == 2 or unicode_width(after) == 2
