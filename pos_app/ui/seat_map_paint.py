"""Everything on the map but the seats: ground, stage, areas, names, overlay, tip and legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from pos_app.ui import theme
from pos_app.ui.seat_looks import SEAT, SELECTED_SCALE, Look, Shape, draw_seat, over_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.presenters.seat_field import AreaOutline, RowLabel, Spot
    from pos_app.ui.camera import Box, Camera

ROWS_FROM_ZOOM: Final = 0.85
PILL_HEIGHT: Final = 26
SMALL_PILL_HEIGHT: Final = 20
SMALL_PILLS_BELOW_ZOOM: Final = 1.2
LEGEND_HEIGHT: Final = 48
_CARD_CORNER: Final = 12.0


@dataclass(frozen=True, slots=True)
class Pill:
    """An area's name and how much of it is free, at a point of the field."""

    text: str
    count: str
    x: float
    y: float
    clearance: float
    dimmed: bool = False


@dataclass(frozen=True, slots=True)
class Tip:
    """The card beside a seat: its name, its price and what a tap does."""

    title: str
    detail: str
    extra: str = ""


def paint_ground(painter: QPainter, box: QRectF) -> None:
    """The card the map lies on."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour("border"), 1))
    painter.setBrush(theme.colour("map"))
    inner = box.adjusted(0.5, 0.5, -0.5, -0.5)
    painter.drawRoundedRect(inner, _CARD_CORNER, _CARD_CORNER)
    around = QPainterPath()
    around.addRoundedRect(inner.adjusted(1, 1, -1, -1), _CARD_CORNER - 1, _CARD_CORNER - 1)
    painter.setClipPath(around, Qt.ClipOperation.IntersectClip)


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
    font = theme.font(min(max(round(11 * camera.zoom), 10), 22), 700)
    painter.setFont(font)
    painter.setPen(theme.colour("text2"))
    painter.drawText(polygon.boundingRect(), Qt.AlignmentFlag.AlignCenter, text)


def paint_standing(
    painter: QPainter, camera: Camera, view: Box, area: AreaOutline, look: Look
) -> None:
    """A standing area: one shape, sold by number."""
    ink = look.colour()
    painter.setPen(QPen(ink, 1.5))
    painter.setBrush(over_map(ink, 0.16))
    painter.drawPolygon(_polygon(camera, view, area.shape))


def paint_area_block(
    painter: QPainter, camera: Camera, view: Box, area: AreaOutline, free_share: float
) -> None:
    """An area too far away for seats: the fuller of free seats, the stronger."""
    ink = theme.colour("accent")
    painter.setPen(QPen(over_map(ink, 0.5), 1))
    painter.setBrush(over_map(ink, 0.08 + 0.5 * free_share))
    painter.drawPolygon(_polygon(camera, view, area.shape))


def paint_rows(
    painter: QPainter, camera: Camera, view: Box, labels: Sequence[RowLabel], clip: QRectF
) -> None:
    """Row labels beside their rows."""
    if camera.zoom < ROWS_FROM_ZOOM:
        return
    painter.setFont(theme.font(min(max(round(6.4 * camera.zoom), 8), 15), 500))
    painter.setPen(theme.colour("text3"))
    room = 12.0 * camera.zoom
    for label in labels:
        x, y = camera.to_screen(label.x, label.y, view)
        box = QRectF(x - room, y - room, 2 * room, 2 * room)
        if clip.intersects(box):
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label.text)


def paint_pills(painter: QPainter, camera: Camera, view: Box, pills: Sequence[Pill]) -> None:
    """Area names with what is free in them; above the first row, however small that is."""
    small = camera.zoom < SMALL_PILLS_BELOW_ZOOM
    height, size_px, side = (SMALL_PILL_HEIGHT, 11, 8) if small else (PILL_HEIGHT, 13, 12)
    name_font, count_font = theme.font(size_px, 700), theme.font(size_px, 600)
    name_width, count_width = QFontMetricsF(name_font), QFontMetricsF(count_font)
    for pill in pills:
        width = name_width.horizontalAdvance(pill.text) + count_width.horizontalAdvance(pill.count)
        width += 2 * side + size_px / 2
        x, y = camera.to_screen(pill.x, pill.y, view)
        y -= _lift(pill, camera.zoom, height)
        box = QRectF(x - width / 2, y - height / 2, width, height)
        painter.setPen(QPen(theme.colour("border"), 1))
        painter.setBrush(theme.colour("surface"))
        painter.drawRoundedRect(box, height / 2, height / 2)
        painter.setFont(name_font)
        painter.setPen(theme.colour("text3" if pill.dimmed else "text"))
        inner = box.adjusted(side, 0, -side, 0)
        painter.drawText(inner, _LEFT, pill.text)
        painter.setFont(count_font)
        painter.setPen(theme.colour("text3" if pill.dimmed else "ok"))
        painter.drawText(inner, _RIGHT, pill.count)


def _lift(pill: Pill, zoom: float, height: float) -> float:
    """How far a name moves up so as not to cover the seats it stands above."""
    if pill.clearance < SEAT:  # it is meant to stand among the seats
        return 0.0
    needed = height / 2 + SEAT * zoom / 2 + 2
    return max(0.0, needed - pill.clearance * zoom)


def paint_selected(painter: QPainter, camera: Camera, view: Box, spot: Spot) -> None:
    """A seat in the basket: larger, ink, with a check mark."""
    painter.save()
    painter.translate(*camera.to_screen(spot.x, spot.y, view))
    painter.rotate(spot.angle)
    draw_seat(painter, Look(Shape.SELECTED), max(SEAT * SELECTED_SCALE * camera.zoom, 9.0))
    painter.restore()


def paint_ring(
    painter: QPainter, camera: Camera, view: Box, spot: Spot, ink: QColor, *, dashed: bool = False
) -> None:
    """A ring around a seat: the cursor, or (dashed) a seat that was asked for."""
    side = SEAT * camera.zoom + 6
    painter.save()
    painter.translate(*camera.to_screen(spot.x, spot.y, view))
    painter.rotate(spot.angle)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    box = QRectF(-side / 2, -side / 2, side, side)
    painter.setPen(QPen(theme.colour("map"), 4.0))
    painter.drawRoundedRect(box, side * 0.3, side * 0.3)
    pen = QPen(ink, 1.8)
    if dashed:
        pen.setDashPattern([2.0, 1.6])
    painter.setPen(pen)
    painter.drawRoundedRect(box, side * 0.3, side * 0.3)
    painter.restore()


def tip_box(tip: Tip, at: tuple[float, float], bounds: QRectF) -> QRectF:
    """Where a tip goes: above and right of its seat, turned round at the edges."""
    title, detail = QFontMetricsF(theme.font(14, 700)), QFontMetricsF(theme.font(13))
    width = 30 + max(
        title.horizontalAdvance(tip.title),
        detail.horizontalAdvance(tip.detail),
        detail.horizontalAdvance(tip.extra),
    )
    height = 56.0 + (19.0 if tip.extra else 0.0)
    x, y = at[0] + 22, at[1] - height - 12
    if x + width > bounds.right() - 8:
        x = at[0] - width - 22
    if y < bounds.top() + 8:
        y = at[1] + 18
    return QRectF(max(x, bounds.left() + 8), y, width, height)


def paint_tip(painter: QPainter, tip: Tip, at: tuple[float, float], bounds: QRectF) -> None:
    """The card beside the seat at `at`."""
    box = tip_box(tip, at, bounds)
    ink, paper = theme.colour("seat_selected"), theme.colour("on_selected")
    painter.setPen(QPen(ink, 1.5))
    painter.drawLine(QPointF(*at), box.center())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)
    painter.drawRoundedRect(box, 8, 8)
    inner = box.adjusted(15, 8, -15, -8)
    painter.setPen(paper)
    painter.setFont(theme.font(14, 700))
    painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), 21), _LEFT, tip.title)
    paper.setAlphaF(0.82)
    painter.setPen(paper)
    painter.setFont(theme.font(13))
    painter.drawText(QRectF(inner.left(), inner.top() + 21, inner.width(), 20), _LEFT, tip.detail)
    if tip.extra:
        painter.drawText(
            QRectF(inner.left(), inner.top() + 40, inner.width(), 20), _LEFT, tip.extra
        )


@dataclass(frozen=True, slots=True)
class LegendItem:
    """A sample seat (several for a row of colours) and its meaning."""

    looks: tuple[Look, ...]
    text: str


def paint_legend(painter: QPainter, items: Sequence[LegendItem], bounds: QRectF) -> None:
    """What the seats mean, bottom left."""
    font = theme.font(13)
    measure = QFontMetricsF(font)
    painter.setFont(font)
    x, y = bounds.left() + 18, bounds.bottom() - LEGEND_HEIGHT / 2 - 2
    for item in items:
        for look in item.looks:
            painter.save()
            painter.translate(x + 7, y)
            draw_seat(painter, look, 14.0 if len(item.looks) == 1 else 12.0)
            painter.restore()
            x += 14 if len(item.looks) > 1 else 16
        x += 7
        painter.setPen(theme.colour("text2"))
        width = measure.horizontalAdvance(item.text)
        painter.drawText(QRectF(x, y - 12, width + 2, 24), _LEFT, item.text)
        x += width + 20


def legend_size(items: Sequence[LegendItem]) -> QSize:
    """The room that the legend needs."""
    measure = QFontMetricsF(theme.font(13))
    width = 18.0
    for item in items:
        width += sum(14 if len(item.looks) > 1 else 16 for _ in item.looks)
        width += 27 + measure.horizontalAdvance(item.text)
    return QSize(round(width), LEGEND_HEIGHT)


def _polygon(camera: Camera, view: Box, shape: Sequence[tuple[float, float]]) -> QPolygonF:
    return QPolygonF([QPointF(*camera.to_screen(x, y, view)) for x, y in shape])


_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
