"""A house from far away: its areas, filled as there is something to be had, with names and counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from pos_app.presenters import language as words
from pos_app.ui import theme
from pos_app.ui.seat_looks import over_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.ui.camera import Box, Camera

_NAME_SIZES_PX: Final = (17, 15, 13, 11, 10)
_SMALLEST_PX: Final = 10
_NEARLY_ALL: Final = 0.8
_CENTRED: Final = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip)
_FULL: Final = 0.40
_EMPTY: Final = 0.12
_FILTERED: Final = 0.35


@dataclass(frozen=True, slots=True)
class Block:
    """An area as it is shown from far away. `ours_count` is what can be sold at once."""

    shape: QPolygonF
    """In field coordinates, as are the point well inside of it and the room about that."""
    middle: tuple[float, float]
    room: tuple[float, float]
    name: str
    tier: int
    """Colour index of the price tier that most of its seats have."""
    free_count: int
    ours_count: int
    capacity: int
    tier_ids: tuple[str, ...] = ()
    """The price tiers of its units; with only one, `sample_unit` has its price."""
    sample_unit: int = 0
    filtered_out: bool = False
    count: str = ""
    """`free_count`, as people write it."""

    def fill(self) -> QColor:
        """The more there is to be had, the stronger; what cannot be sold at once is a ground only."""
        ink = QColor(theme.tokens().tier(self.tier))
        if not self.free_count:
            return over_map(theme.colour("seat_sold"), 0.5 * self._strength)
        share = min(1.0, self.ours_count / self.capacity) if self.capacity else 0.0
        full = _EMPTY + (_FULL - _EMPTY) * share if self.ours_count else 0.05
        return over_map(ink, full * self._strength)

    def line(self) -> QPen:
        """A whole line around what is ours, a broken one around what must be asked for."""
        if not self.free_count:
            return QPen(over_map(theme.colour("seat_sold"), self._strength), 1.0)
        ink = over_map(QColor(theme.tokens().tier(self.tier)), 0.85 * self._strength)
        if self.ours_count:
            return QPen(ink, 1.6)
        pen = QPen(ink, 1.2)
        pen.setDashPattern([3.0, 3.0])
        return pen

    def ink(self) -> QColor:
        """The colour of its texts."""
        return theme.colour("text" if self.free_count and not self.filtered_out else "text3")

    @property
    def _strength(self) -> float:
        return _FILTERED if self.filtered_out else 1.0


def paint_blocks(
    painter: QPainter,
    camera: Camera,
    view: Box,
    blocks: Sequence[Block],
    seen: QRectF,
    size_px: int,
) -> None:
    """Paint areas, each with its name and below it how many places are free, if these fit in.

    Names are `size_px` high (see `usual_size`), lower where that does not fit.
    """
    paint_shapes(painter, camera, view, blocks)
    left, top = camera.to_screen(seen.left(), seen.top(), view)
    clip = QRectF(left, top, seen.width() * camera.zoom, seen.height() * camera.zoom)
    for block in blocks:
        lines = _lines(block, block.count, camera.zoom, size_px)
        middle_x, middle_y = camera.to_screen(*block.middle, view)
        high = sum(line.high for line in lines)
        wide = max((line.wide for line in lines), default=0.0) + 2
        box = QRectF(middle_x - wide / 2, middle_y - high / 2, wide, high)
        if box.intersects(clip):
            painter.setPen(block.ink())
            _write(painter, lines, box)


def usual_size(blocks: Sequence[Block], zoom: float) -> int:
    """The largest size of names that fits nearly all of these areas, at their fullest."""
    wanted = len(blocks) * _NEARLY_ALL
    for size_px in _NAME_SIZES_PX:
        fitting = (_lines(each, words.count(each.capacity), zoom, size_px) for each in blocks)
        if sum(bool(lines) and lines[0].size_px == size_px for lines in fitting) >= wanted:
            return size_px
    return _SMALLEST_PX


def paint_shapes(painter: QPainter, camera: Camera, view: Box, blocks: Sequence[Block]) -> None:
    """Paint areas without words."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(*camera.to_screen(0.0, 0.0, view))
    painter.scale(camera.zoom, camera.zoom)
    for block in blocks:
        pen = block.line()
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(block.fill())
        painter.drawPolygon(block.shape)
    painter.restore()


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size_px: int
    font: QFont
    wide: float
    high: float


def _lines(block: Block, count: str, zoom: float, size_px: int) -> tuple[_Line, ...]:
    across, down = round(block.room[0] * zoom), round(block.room[1] * zoom)
    return _fitting(block.name, count, across, down, size_px, theme.font(100).pixelSize())


@lru_cache(maxsize=2_048)
def _fitting(
    name: str, count: str, across: int, down: int, largest_px: int, _scale_px: int
) -> tuple[_Line, ...]:
    """Name and count as large as they fit; the count alone where there is no room for both.

    `_scale_px` is what a hundred pixels are at the text size of now: with another, all differs.
    """
    for size_px in _NAME_SIZES_PX:
        if size_px > largest_px:
            continue
        lines = (_line(name, size_px, 700), _line(count, max(size_px - 2, _SMALLEST_PX), 500))
        if _fit(lines, across, down):
            return lines
    alone = (_line(count, _SMALLEST_PX, 600),)
    return alone if _fit(alone, across, down) else ()


def _line(text: str, size_px: int, weight: int) -> _Line:
    font = theme.font(size_px, weight)
    measure = QFontMetricsF(font)
    return _Line(text, size_px, font, measure.horizontalAdvance(text), measure.height() - 1)


def _fit(lines: tuple[_Line, ...], across: int, down: int) -> bool:
    high = sum(line.high for line in lines)
    return high <= down - 3 and max(line.wide for line in lines) <= across - 4


def _write(painter: QPainter, lines: tuple[_Line, ...], box: QRectF) -> None:
    top = box.top()
    for line in lines:
        painter.setFont(line.font)
        within = QRectF(box.left(), top, box.width(), line.high)
        painter.drawText(within, _CENTRED, line.text)
        top += line.high
