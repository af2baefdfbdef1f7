"""A house from far away: its areas, filled as there is something to be had, with names and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from pos_app.presenters import language as words
from pos_app.ui import theme
from pos_app.ui.seat_looks import over_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.ui.camera import Box, Camera

_NAME_SIZES_PX: Final = (17, 15, 13, 11, 10)
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
    filtered_out: bool = False

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


def paint_blocks(painter: QPainter, camera: Camera, view: Box, blocks: Sequence[Block]) -> None:
    """Paint areas, each with its name and below it how many places are free, if these fit in."""
    paint_shapes(painter, camera, view, blocks)
    for block in blocks:
        x, y = camera.to_screen(*block.middle, view)
        across, down = block.room
        paint_words(painter, block, QPointF(x, y), across * camera.zoom, down * camera.zoom)


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


def paint_words(painter: QPainter, block: Block, at: QPointF, across: float, down: float) -> None:
    """Name and count as large as they fit; the count alone where there is no room for both."""
    count = words.count(block.free_count)
    for size_px in _NAME_SIZES_PX:
        name_font, count_font = theme.font(size_px, 700), theme.font(max(size_px - 2, 10), 500)
        name, number = QFontMetricsF(name_font), QFontMetricsF(count_font)
        high = name.height() + number.height() - 2
        wide = max(name.horizontalAdvance(block.name), number.horizontalAdvance(count))
        if high <= down - 4 and wide <= across - 8:
            painter.setPen(block.ink())
            top = at.y() - high / 2
            _write(painter, name_font, block.name, at.x(), top, name.height())
            _write(painter, count_font, count, at.x(), top + name.height() - 2, number.height())
            return
    small = theme.font(10, 600)
    measure = QFontMetricsF(small)
    if measure.height() <= down and measure.horizontalAdvance(count) <= across - 4:
        painter.setPen(block.ink())
        _write(painter, small, count, at.x(), at.y() - measure.height() / 2, measure.height())


def _write(
    painter: QPainter, font: QFont, text: str, middle: float, top: float, height: float
) -> None:
    painter.setFont(font)
    painter.drawText(QRectF(middle - 200, top, 400, height), Qt.AlignmentFlag.AlignCenter, text)
