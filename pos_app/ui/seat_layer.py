"""The seats of a house as paint: points when far, sprites when near, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from pos_app.presenters.seat_field import CELL, Cell, SeatField, cell_of
from pos_app.ui.seat_looks import SEAT, Look, Sprites

if TYPE_CHECKING:
    from pos_app.ui.camera import Box, Camera

SPRITES_FROM_ZOOM: Final = 1.15
SMALL_HOUSE_ZOOM: Final = 0.55
SMALL_HOUSE_SEATS: Final = 2_500
"""Houses this small are drawn with sprites even at a lower zoom: it is quick enough, and finer."""
LETTERS_FROM_ZOOM: Final = 1.6
LABELS_FROM_ZOOM: Final = 2.6


class SeatLayer:
    """What every seat looks like, ready to paint. A change touches only its cell."""

    def __init__(self, field: SeatField, ratio: float) -> None:
        self.field = field
        self._looks: dict[int, Look] = {}
        self._points: dict[Cell, list[tuple[QColor, QPolygonF]]] = {}
        self._sprites = Sprites(ratio)
        self._letters: dict[int, str] = {}
        self._labels: dict[int, str] = {}

    def name_seats(self, letters: Mapping[int, str], labels: Mapping[int, str]) -> None:
        """Set the tier letter and the seat number of every unit."""
        self._letters, self._labels = dict(letters), dict(labels)

    def show(self, looks: Mapping[int, Look]) -> list[QRectF]:
        """Take new looks; the boxes (field coordinates) in which something changed."""
        changed = {
            cell_of(spot.x, spot.y)
            for unit, spot in self.field.spots.items()
            if looks[unit] is not self._looks.get(unit) and looks[unit] != self._looks.get(unit)
        }
        self._looks = dict(looks)
        for cell in changed:
            self._points.pop(cell, None)
        return [cell_box(cell) for cell in changed]

    def paint(self, painter: QPainter, camera: Camera, view: Box, clip: QRectF) -> None:
        """Paint the seats whose cells touch `clip` (pixels)."""
        left, top = camera.to_field(clip.left(), clip.top(), view)
        right, bottom = camera.to_field(clip.right(), clip.bottom(), view)
        seen = QRectF(left, top, right - left, bottom - top)
        cells = [cell for cell in self.field.cells if cell_box(cell).intersects(seen)]
        small = len(self.field.spots) <= SMALL_HOUSE_SEATS and camera.zoom >= SMALL_HOUSE_ZOOM
        if small or camera.zoom >= SPRITES_FROM_ZOOM:
            self._paint_sprites(painter, camera, view, cells)
        else:
            self._paint_points(painter, camera, view, cells)

    def _paint_points(
        self, painter: QPainter, camera: Camera, view: Box, cells: Iterable[Cell]
    ) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(*camera.to_screen(0, 0, view))
        painter.scale(camera.zoom, camera.zoom)
        for cell in cells:
            for colour, points in self._points_of(cell):
                pen = QPen(colour, SEAT)
                pen.setCapStyle(Qt.PenCapStyle.SquareCap)
                painter.setPen(pen)
                painter.drawPoints(points)
        painter.restore()

    def _points_of(self, cell: Cell) -> list[tuple[QColor, QPolygonF]]:
        made = self._points.get(cell)
        if made is None:
            by_look: dict[Look, list[QPointF]] = {}
            for spot in self.field.in_cell(cell):
                by_look.setdefault(self._looks[spot.unit], []).append(QPointF(spot.x, spot.y))
            made = [(look.colour(), QPolygonF(points)) for look, points in by_look.items()]
            self._points[cell] = made
        return made

    def _paint_sprites(
        self, painter: QPainter, camera: Camera, view: Box, cells: Iterable[Cell]
    ) -> None:
        side = SEAT * camera.zoom
        texts = self._texts_at(camera.zoom)
        off_x, off_y = camera.to_screen(0, 0, view)
        zoom, looks, sprites = camera.zoom, self._looks, self._sprites
        for cell in cells:
            for spot in self.field.in_cell(cell):
                unit = spot.unit
                made = sprites.get(looks[unit], side, spot.angle, texts.get(unit, ""))
                half = made.deviceIndependentSize().width() / 2
                painter.drawPixmap(
                    QPointF(spot.x * zoom + off_x - half, spot.y * zoom + off_y - half), made
                )

    def _texts_at(self, zoom: float) -> Mapping[int, str]:
        if zoom >= LABELS_FROM_ZOOM:
            return self._labels
        return self._letters if zoom >= LETTERS_FROM_ZOOM else {}


def cell_box(cell: Cell) -> QRectF:
    """A cell with the overhang of seats whose centres lie at its edge."""
    return QRectF(cell[0] * CELL - SEAT, cell[1] * CELL - SEAT, CELL + 2 * SEAT, CELL + 2 * SEAT)
