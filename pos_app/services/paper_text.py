"""Set a text into a box on paper: shrink it, break it in two, and cut it only at the end.

Pure: the width of a text comes from the caller's `measure`, so the rules hold for any font.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import floor
from typing import Final, Literal

Measure = Callable[[str], float]
"""The width of a text at size 1: linear in the size and additive over characters (no kerning)."""

LINE_PITCH: Final = 1.2
"""From one baseline to the next, in sizes."""

_SIZE_STEP = 0.25  # sizes are tidy quarters of a point
_ROUNDING = 1e-9
# Marks that may not begin a line (they stay with the word before) or end one (GB/T 15834).
_CLOSING = frozenset("，。、；：？！…》」』）】〉〕”’·,.;:?!)]}%")
_OPENING = frozenset("《「『（【〈〔“‘([{¥￥$€£")

# What a break costs, as a share of the size: a smaller text broken at its comma reads better than
# a larger one broken inside a word of Han characters, which no dictionary helps us to see.
_AFTER_MARK = 1.0
_AT_SPACE = 0.95
_BETWEEN_HAN = 0.8


@dataclass(frozen=True, slots=True)
class Box:
    """Room for a text: its width and height and the sizes to try, all in points."""

    width: float
    height: float
    size_max: float
    size_min: float
    lines_max: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text as it will be printed. `is_cut` says that its end was replaced by an ellipsis."""

    lines: tuple[str, ...]
    size: float
    is_cut: bool = False

    @property
    def height(self) -> float:
        """From the top of the first line to the foot of the last, in points."""
        return _line_heights(len(self.lines)) * self.size


@dataclass(frozen=True, slots=True)
class _Setting:
    lines: tuple[str, ...]
    size: float
    score: float
    width: float


def fit(text: str, box: Box, measure: Measure) -> Fitted:
    """The best setting of `text` inside `box`; cut with an ellipsis at the smallest size.

    The largest size wins, weighed by how well the break reads; of equals the most even lines.
    Words are broken only when even the smallest size leaves no other way. White space counts as
    one space; an empty text has no lines.
    """
    text = " ".join(text.split())
    if not text:
        return Fitted((), box.size_max)
    possible = [setting for setting in _settings(text, box, measure) if _is_legible(setting, box)]
    if not possible:
        return _cut(text, box, measure)
    best = max(possible, key=lambda setting: (setting.score, -setting.width))
    return Fitted(best.lines, best.size)


def _line_heights(count: int) -> float:
    """The height of so many lines in sizes, without the space after the last."""
    return 1 + LINE_PITCH * (count - 1) if count else 0.0


def _is_legible(setting: _Setting, box: Box) -> bool:
    return setting.size >= box.size_min


def _settings(text: str, box: Box, measure: Measure) -> Iterator[_Setting]:
    """The text on one line and, where the box takes two, each way to break it."""
    yield _setting((text,), measure(text), 1.0, box)
    if box.lines_max == 1:
        return
    widths = [0.0, *accumulate(measure(char) for char in text)]
    for at in range(1, len(text)):
        weight = _break_weight(text, at)
        if weight:
            before, after = text[:at].rstrip(), text[at:]
            width = max(widths[len(before)], widths[-1] - widths[at])
            yield _setting((before, after), width, weight, box)


def _setting(lines: tuple[str, ...], width: float, weight: float, box: Box) -> _Setting:
    """These lines as large as the box allows; `width` is the widest line's at size 1."""
    room = min(
        box.size_max, box.height / _line_heights(len(lines)), box.width / max(width, _ROUNDING)
    )
    size = floor(room / _SIZE_STEP + _ROUNDING) * _SIZE_STEP
    return _Setting(lines, size, size * weight, width)


def _break_weight(text: str, at: int) -> float:
    """How well a line ends before the character `at`; 0 where it may not."""
    before, after = text[at - 1], text[at]
    if before == " ":
        return _AFTER_MARK if text[at - 2] in _CLOSING else _AT_SPACE
    if after == " " or after in _CLOSING or before in _OPENING:
        return 0.0
    if not (_is_wide(before) or _is_wide(after)):
        return 0.0
    return _AFTER_MARK if before in _CLOSING or after in _OPENING else _BETWEEN_HAN


def _is_wide(char: str) -> bool:
    """Whether a line may be broken beside this character, as between two Han characters."""
    return unicodedata.east_asian_width(char) in "WF"


def _cut(text: str, box: Box, measure: Measure) -> Fitted:
    """At the smallest size: fill the lines and end in an ellipsis what is left over."""
    width = box.width / box.size_min
    lines: list[str] = []
    if box.lines_max == 2 and box.height >= _line_heights(2) * box.size_min:
        head = _first_line(text, width, measure)
        lines.append(head.rstrip())
        text = text[len(head) :].lstrip()
    if measure(text) <= width:
        return Fitted((*lines, text), box.size_min)
    ellipsis = "..." if text.isascii() else "…"
    last = _longest_start(text, width - measure(ellipsis), measure).rstrip() + ellipsis
    return Fitted((*lines, last), box.size_min, is_cut=True)


def _first_line(text: str, width: float, measure: Measure) -> str:
    """As many whole words as the width holds; part of one only when the first is too wide."""
    longest = _longest_start(text, width, measure)
    for at in range(len(longest), 0, -1):
        if at == len(text) or _break_weight(text, at):
            return text[:at]
    return longest


def _longest_start(text: str, width: float, measure: Measure) -> str:
    """As many characters as the width holds, and at least one."""
    used = 0.0
    for count, char in enumerate(text):
        used += measure(char)
        if used > width:
            return text[: max(count, 1)]
    return text
