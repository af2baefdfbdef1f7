"""What lies over the seats: those in the basket, the cursor, what was asked for, and the tip.

Everything here is a small item with a box, so that a change paints its box again and no seat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from pos_app.ui import theme
from pos_app.ui.seat_looks import SEAT, SELECTED_SCALE, Look, Shape, draw_seat

if TYPE_CHECKING:
    from pos_app.presenters.seat_field import Spot
    from pos_app.ui.seat_tips import Tip
    from pos_app.ui.seat_viewport import Viewport

_SELECTED_MIN_PX: Final = 9.0
_RING_MIN_PX: Final = 10.0
_TITLE_PX, _DETAIL_PX = 14, 13
_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True, slots=True)
class Selected:
    """A seat in the basket: larger, ink, with a check mark."""

    spot: Spot

    def box(self, port: Viewport) -> QRectF:
        """Where it is painted, in pixels."""
        return _around(port, self.spot, self._side(port))

    def paint(self, painter: QPainter, port: Viewport) -> None:
        """Paint it."""
        painter.save()
        painter.translate(*port.to_screen(self.spot.x, self.spot.y))
        painter.rotate(self.spot.angle)
        draw_seat(painter, Look(Shape.SELECTED), self._side(port))
        painter.restore()

    @staticmethod
    def _side(port: Viewport) -> float:
        return max(SEAT * SELECTED_SCALE * port.camera.zoom, _SELECTED_MIN_PX)


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring around a seat: the cursor, or (dashed) a seat that was asked for."""

    spot: Spot
    token: str
    dashed: bool = False

    def box(self, port: Viewport) -> QRectF:
        """Where it is painted, in pixels."""
        return _around(port, self.spot, self._side(port) + 4)

    def paint(self, painter: QPainter, port: Viewport) -> None:
        """Paint it."""
        side = self._side(port)
        painter.save()
        painter.translate(*port.to_screen(self.spot.x, self.spot.y))
        painter.rotate(self.spot.angle)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        box = QRectF(-side / 2, -side / 2, side, side)
        painter.setPen(QPen(theme.colour("map"), 4.0))
        painter.drawRoundedRect(box, side * 0.3, side * 0.3)
        pen = QPen(theme.colour(self.token), 1.8)
        if self.dashed:
            pen.setDashPattern([2.0, 1.6])
        painter.setPen(pen)
        painter.drawRoundedRect(box, side * 0.3, side * 0.3)
        painter.restore()

    @staticmethod
    def _side(port: Viewport) -> float:
        return max(SEAT * port.camera.zoom + 6, _RING_MIN_PX)


@dataclass(frozen=True, slots=True)
class AreaRing:
    """A line around an area that the cursor or the mouse is on; `shape` in field coordinates."""

    area_id: str
    token: str
    shape: QPolygonF = field(compare=False)

    def box(self, port: Viewport) -> QRectF:
        """Where it is painted, in pixels."""
        return port.on_screen(self.shape.boundingRect()).adjusted(-4, -4, 4, 4)

    def paint(self, painter: QPainter, port: Viewport) -> None:
        """Paint it."""
        painter.save()
        painter.translate(*port.to_screen(0.0, 0.0))
        painter.scale(port.camera.zoom, port.camera.zoom)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for token, width in (("map", 5.0), (self.token, 2.4)):
            pen = QPen(theme.colour(token), width)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPolygon(self.shape)
        painter.restore()


@dataclass(frozen=True, slots=True)
class TipCard:
    """The card beside a seat or area, at a point of the field."""

    tip: Tip
    x: float
    y: float
    bounds: tuple[int, int]

    def box(self, port: Viewport) -> QRectF:
        """Where it is painted, in pixels: the card and the line that leads to it."""
        at = QPointF(*port.to_screen(self.x, self.y))
        return self._card(port).united(QRectF(at, at).adjusted(-1, -1, 1, 1)).adjusted(-2, -2, 2, 2)

    def paint(self, painter: QPainter, port: Viewport) -> None:
        """Paint it."""
        box = self._card(port)
        ink, paper = theme.colour("seat_selected"), theme.colour("on_selected")
        painter.setPen(QPen(ink, 1.5))
        painter.drawLine(QPointF(*port.to_screen(self.x, self.y)), box.center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawRoundedRect(box, 8, 8)
        painter.setPen(paper)
        top = box.top() + 7
        for at, text in enumerate(self._lines()):
            font = theme.font(_TITLE_PX, 700) if at == 0 else theme.font(_DETAIL_PX)
            painter.setFont(font)
            high = QFontMetricsF(font).height() + 2
            painter.drawText(QRectF(box.left() + 15, top, box.width() - 24, high), _LEFT, text)
            top += high
            paper.setAlphaF(0.82)
            painter.setPen(paper)

    def _lines(self) -> list[str]:
        return [text for text in (self.tip.title, self.tip.detail, self.tip.extra) if text]

    def _card(self, port: Viewport) -> QRectF:
        """Above and right of its point, turned round at the edges."""
        width, height = _measured(tuple(self._lines()), theme.font(100).pixelSize())
        at_x, at_y = port.to_screen(self.x, self.y)
        x, y = at_x + 22, at_y - height - 12
        if x + width > self.bounds[0] - 8:
            x = at_x - width - 22
        if y < 8:
            y = at_y + 18
        return QRectF(max(x, 8.0), y, width, height)


@lru_cache(maxsize=256)
def _measured(lines: tuple[str, ...], _scale_px: int) -> tuple[float, float]:
    """Width and height of a card with these lines, at the text size that `_scale_px` stands for."""
    title = QFontMetricsF(theme.font(_TITLE_PX, 700))
    detail = QFontMetricsF(theme.font(_DETAIL_PX))
    width = 30 + max(
        (title if at == 0 else detail).horizontalAdvance(text) for at, text in enumerate(lines)
    )
    return width, 14 + title.height() + 2 + (len(lines) - 1) * (detail.height() + 2)


Item = Selected | Ring | AreaRing | TipCard


class Overlay:
    """The items on the map now, from below to above, and what to paint when they change."""

    def __init__(self) -> None:
        self._items: dict[Item, QRect] = {}

    def show(self, items: Iterable[Item], port: Viewport) -> list[QRect]:
        """Show these from now on; the boxes in which something came or went."""
        shown = {item: _pixels(item.box(port)) for item in items}
        before = self._items
        changed = [box for item, box in before.items() if shown.get(item) != box]
        changed += [box for item, box in shown.items() if before.get(item) != box]
        self._items = shown
        return changed

    def paint(self, painter: QPainter, port: Viewport, clip: QRect) -> None:
        """Paint what lies in `clip`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for item, box in self._items.items():
            if box.intersects(clip):
                item.paint(painter, port)


def _around(port: Viewport, spot: Spot, side: float) -> QRectF:
    """A square that may be turned, around a seat."""
    x, y = port.to_screen(spot.x, spot.y)
    reach = side * 0.75 + 2
    return QRectF(x - reach, y - reach, 2 * reach, 2 * reach)


def _pixels(box: QRectF) -> QRect:
    return box.toAlignedRect()
