"""The seats of a house as paint: points when far, sprites when near, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

from pos_app.presenters.seat_field import CELL, Cell, SeatField, cell_of
from pos_app.ui.seat_looks import (
    SEAT,
    Look,
    Mark,
    Shape,
    Sprites,
    look_of,
    mark_of,
    marked,
    tint_of,
    turn_of,
)

if TYPE_CHECKING:
    from pos_app.presenters.seat_states import SeatStates
    from pos_app.ui.camera import Box, Camera

SPRITES_FROM_ZOOM: Final = 1.15
SMALL_HOUSE_ZOOM: Final = 0.55
SMALL_HOUSE_SEATS: Final = 2_500
"""Houses this small are drawn with sprites even at a lower zoom: it is quick enough, and finer."""
LETTERS_FROM_ZOOM: Final = 1.6
LABELS_FROM_ZOOM: Final = 2.6
_HOLE: Final = 4.4
"""Far away, a seat to be asked for has a hole, and one that another window has is no larger."""

Points = tuple[tuple[int, QPolygonF], ...]
Placed = tuple[int, float, float, int]
"""A seat ready to paint: unit, x, y, turn."""


class SeatLayer:
    """What every seat looks like, ready to paint. A change touches only its cell."""

    def __init__(self, field: SeatField, states: SeatStates, ratio: float) -> None:
        self.field = field
        self._states = states
        self._ratio = ratio
        self._offline = False
        self._tier_id: str | None = None
        self._looks: dict[tuple[int, Mark], Look] = {}
        self._pens: dict[int, tuple[QPen, ...]] = {}
        marks = {said: mark_of(said) for said in set(field.attributes.values())}
        self._marks = {unit: marks[said] for unit, said in field.attributes.items()}
        self.marks = frozenset(marks.values())
        """The marks that some seats have."""
        self._points: dict[Cell, Points] = {}
        self._placed: dict[Cell, tuple[Placed, ...]] = {}
        self._sprites = Sprites(ratio)

    def tune(self, *, offline: bool, tier_id: str | None) -> bool:
        """Dim what is out of reach or filtered out; whether that changes anything."""
        if (offline, tier_id) == (self._offline, self._tier_id):
            return False
        self._offline, self._tier_id = offline, tier_id
        self._looks.clear()
        self._pens.clear()
        return True

    def forget_colours(self) -> None:
        """Draw everything anew: the theme or the text size changed."""
        self._looks.clear()
        self._pens.clear()
        self._sprites = Sprites(self._ratio)

    def touch_all(self) -> None:
        """Most seats changed."""
        self._points.clear()

    def touch(self, units: Iterable[int]) -> list[QRectF]:
        """These seats changed; the boxes (field coordinates) in which to paint again."""
        spots = self.field.spots
        found = (spots.get(unit) for unit in units)
        changed = {cell_of(spot.x, spot.y) for spot in found if spot is not None}
        for cell in changed:
            self._points.pop(cell, None)
        return [cell_box(cell) for cell in changed]

    def draws_sprites(self, zoom: float) -> bool:
        """Whether seats at this zoom are drawn one by one."""
        small = len(self.field.spots) <= SMALL_HOUSE_SEATS and zoom >= SMALL_HOUSE_ZOOM
        return small or zoom >= SPRITES_FROM_ZOOM

    def count_in(self, seen: QRectF) -> int:
        """How many seats there are about this part of the field."""
        return sum(len(self.field.in_cell(cell)) for cell in cells_of(seen))

    def paint(self, painter: QPainter, camera: Camera, view: Box, seen: QRectF) -> None:
        """Paint the seats whose cells touch `seen` (field coordinates)."""
        cells = [cell for cell in cells_of(seen) if self.field.in_cell(cell)]
        if self.draws_sprites(camera.zoom):
            self._paint_sprites(painter, camera, view, cells, seen)
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
            for code, points in self._points_of(cell):
                for pen in self._pens_of(code):
                    painter.setPen(pen)
                    painter.drawPoints(points)
        painter.restore()

    def _pens_of(self, code: int) -> tuple[QPen, ...]:
        """What to draw a code's points with, one over the other."""
        pens = self._pens.get(code)
        if pens is None:
            look = self._look(code, Mark.NONE)
            if look.shape is Shape.OUTLINED:
                hole = _square(tint_of(look, line=False), _HOLE)
                pens = (_square(tint_of(look, line=True), SEAT), hole)
            else:
                pens = (_square(look.colour(), _HOLE if look.shape is Shape.SLASHED else SEAT),)
            self._pens[code] = pens
        return pens

    def _points_of(self, cell: Cell) -> Points:
        made = self._points.get(cell)
        if made is None:
            codes = self._states.codes
            by_code: dict[int, list[QPointF]] = {}
            for unit, x, y, _turn in self._placed_in(cell):
                by_code.setdefault(codes[unit], []).append(QPointF(x, y))
            made = tuple((code, QPolygonF(points)) for code, points in by_code.items())
            self._points[cell] = made
        return made

    def _paint_sprites(
        self, painter: QPainter, camera: Camera, view: Box, cells: Iterable[Cell], seen: QRectF
    ) -> None:
        off_x, off_y = camera.to_screen(0, 0, view)
        zoom, codes, marks = camera.zoom, self._states.codes, self._marks
        left, top = seen.left() - SEAT, seen.top() - SEAT
        right, bottom = seen.right() + SEAT, seen.bottom() + SEAT
        made: dict[tuple[int, Mark, int, str], tuple[QPixmap, float]] = {}
        for cell in cells:
            for unit, x, y, turn in self._placed_in(cell):
                if not (left <= x <= right and top <= y <= bottom):
                    continue
                key = (codes[unit], marks.get(unit, Mark.NONE), turn, self._text(unit, zoom))
                found = made.get(key)
                if found is None:
                    look = self._look(key[0], key[1])
                    sprite = self._sprites.get(look, SEAT * zoom, turn, key[3])
                    found = made[key] = sprite, sprite.deviceIndependentSize().width() / 2
                sprite, half = found
                painter.drawPixmap(
                    QPointF(x * zoom + off_x - half, y * zoom + off_y - half), sprite
                )

    def _placed_in(self, cell: Cell) -> tuple[Placed, ...]:
        placed = self._placed.get(cell)
        if placed is None:
            spots = self.field.in_cell(cell)
            placed = tuple((spot.unit, spot.x, spot.y, turn_of(spot.angle)) for spot in spots)
            self._placed[cell] = placed
        return placed

    def _text(self, unit: int, zoom: float) -> str:
        if zoom < LETTERS_FROM_ZOOM:
            return ""
        if zoom < LABELS_FROM_ZOOM:
            return self._states.tiers[self._states.look_of(self._states.codes[unit])[1]].letter
        seat = self.field.plan.seat_by_unit(unit)
        return seat.label if seat else ""

    def _look(self, code: int, mark: Mark) -> Look:
        look = self._looks.get((code, mark))
        if look is None:
            state, at = self._states.look_of(code)
            tier = self._states.tiers[at]
            plain = look_of(
                state,
                tier.colour_index,
                offline=self._offline,
                filtered_out=self._tier_id not in (None, tier.id),
            )
            look = self._looks[code, mark] = marked(plain, mark)
        return look


def _square(colour: QColor, side: float) -> QPen:
    """Points as squares of one colour: by far the quickest way to draw many."""
    pen = QPen(colour, side)
    pen.setCapStyle(Qt.PenCapStyle.SquareCap)
    return pen


def cells_of(seen: QRectF) -> list[Cell]:
    """The cells whose seats may reach into a part of the field."""
    left, top = cell_of(seen.left() - SEAT, seen.top() - SEAT)
    right, bottom = cell_of(seen.right() + SEAT, seen.bottom() + SEAT)
    return [(x, y) for y in range(top, bottom + 1) for x in range(left, right + 1)]


def cell_box(cell: Cell) -> QRectF:
    """A cell with the overhang of seats whose centres lie at its edge."""
    return QRectF(cell[0] * CELL - SEAT, cell[1] * CELL - SEAT, CELL + 2 * SEAT, CELL + 2 * SEAT)
