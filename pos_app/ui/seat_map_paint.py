"""What lies under the seats and around them: stage, standing areas, row labels, the map's frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from pos_app.ui import theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.presenters.seat_field import RowLabel
    from pos_app.ui.camera import Box, Camera

ROWS_FROM_ZOOM: Final = 0.85
_ROW_PITCH: Final = 9.5
"""A row's label may be so high, in field units."""
_CARD_CORNER: Final = 12.0


def paint_frame(painter: QPainter, box: QRectF) -> None:
    """The edge of the card the map lies on, and the window's ground outside its corners."""
    inner = box.adjusted(0.5, 0.5, -0.5, -0.5)
    card = QPainterPath()
    card.addRoundedRect(inner, _CARD_CORNER, _CARD_CORNER)
    outside = QPainterPath()
    outside.addRect(box)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(outside.subtracted(card), theme.colour("bg"))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.colour("border"), 1))
    painter.drawPath(card)


def frame_is_in(region: QRectF, box: QRectF) -> bool:
    """Whether painting this region touches the frame or one of its corners."""
    edge = _CARD_CORNER / 3
    return not box.adjusted(edge, edge, -edge, -edge).contains(region)


def paint_stage(
    painter: QPainter, camera: Camera, view: Box, shape: Sequence[tuple[float, float]], text: str
) -> None:
    """Where everybody looks."""
    if len(shape) < 3:
        return
    polygon = _polygon(camera, view, shape)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("stage"))
    painter.drawPolygon(polygon)
    box = polygon.boundingRect()
    size_px = min(max(11 * camera.zoom, min(box.width() / 12, 14), 10), 22)
    painter.setFont(theme.font(round(size_px), 700))
    painter.setPen(theme.colour("text2"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def paint_rows(painter: QPainter, camera: Camera, view: Box, labels: Sequence[RowLabel]) -> None:
    """Row labels beside their rows."""
    if camera.zoom < ROWS_FROM_ZOOM:
        return
    font = theme.font(min(max(round(6.4 * camera.zoom), 8), 15), 500)
    highest_px = max(
        8, round(_ROW_PITCH * camera.zoom)
    )  # larger texts must not run into each other
    font.setPixelSize(min(font.pixelSize(), highest_px))
    painter.setFont(font)
    painter.setPen(theme.colour("text3"))
    room = 12.0 * camera.zoom
    for label in labels:
        x, y = camera.to_screen(label.x, label.y, view)
        box = QRectF(x - room, y - room, 2 * room, 2 * room)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label.text)


def _polygon(camera: Camera, view: Box, shape: Sequence[tuple[float, float]]) -> QPolygonF:
    return QPolygonF([QPointF(*camera.to_screen(x, y, view)) for x, y in shape])
