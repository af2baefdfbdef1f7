"""Area names with what is free in them, above their seats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import hypot
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from pos_app.ui import theme
from pos_app.ui.seat_looks import SEAT

if TYPE_CHECKING:
    from pos_app.ui.camera import Box, Camera

_SMALL_BELOW_ZOOM: Final = 1.2
_ACROSS: Final = (0, 1, -1, 2, -2, 3, -3)
_DOWN: Final = (0, 1, -1, 2, -2, 3, -3, 4, -4)
"""Where a name looks for room, in sixths of its width and thirds of its height."""
_BEYOND_PX: Final = 80.0
"""A map is a little larger than the view that the house is fitted to."""
_MANY: Final = 1_000
"""Seats that are covered rather than another name."""
_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

Crowd = Callable[[float, float, float, float], int]
"""How many seats lie between left, top, right and bottom, in field coordinates."""


def _nobody(_left: float, _top: float, _right: float, _bottom: float) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Pill:
    """A name and a count at a point of the field; `clearance` and `away` as for an outline."""

    text: str
    count: str
    x: float
    y: float
    clearance: float
    away: tuple[float, float]
    dimmed: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """Where a pill went to cover nothing: so many pixels away, and without its name at need."""

    dx: float = 0.0
    dy: float = 0.0
    is_bare: bool = False


class Pills:
    """Pills with their sizes, which are measured once."""

    def __init__(self) -> None:
        self._pills: tuple[Pill, ...] = ()
        self._bounds: Box = (0.0, 0.0, 0.0, 0.0)
        self._crowd: Crowd = _nobody
        self._widths: dict[int, list[float]] = {}
        self._placed: tuple[Camera, Box, bool, list[QRectF]] | None = None
        self._seen: list[tuple[int, QRectF]] = []
        self._aside: dict[int, tuple[float, Aside]] = {}
        self._keys: Callable[[], list[QRectF]] = list

    def show(
        self,
        pills: tuple[Pill, ...],
        bounds: Box,
        crowd: Crowd,
        keys: Callable[[], list[QRectF]],
    ) -> None:
        """Show these from now on.

        `bounds` are the field's, `crowd` counts the seats in a box of it, `keys` are the buttons over
        its areas, in pixels.
        """
        if pills != self._pills:
            self._pills, self._bounds, self._crowd, self._keys = pills, bounds, crowd, keys
            self.forget()

    def forget(self) -> None:
        """Measure anew: the size of texts changed."""
        self._widths.clear()
        self._aside.clear()
        self._placed = None

    def paint(
        self, painter: QPainter, camera: Camera, view: Box, clip: QRectF, *, is_still: bool
    ) -> None:
        """Paint those that lie in `clip` (pixels); they look for room once the house stands still."""
        if self._placed is None or self._placed[:3] != (camera, view, is_still):
            boxes = self._boxes(camera, view)
            self._step_aside(boxes, camera, view, is_still=is_still)
            self._placed = camera, view, is_still, boxes
            seen = _canvas(view).adjusted(-_BEYOND_PX, -_BEYOND_PX, _BEYOND_PX, _BEYOND_PX)
            self._seen = [(at, box) for at, box in enumerate(boxes) if box.intersects(seen)]
        near = [(at, box) for at, box in self._seen if box.intersects(clip)]
        if not near:
            return
        size_px, side = _sizes(camera.zoom)
        name_font, count_font = theme.font(size_px, 700), theme.font(size_px, 600)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at, box in near:
            pill = self._pills[at]
            painter.setPen(QPen(theme.colour("border"), 1))
            painter.setBrush(theme.colour("surface"))
            painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
            painter.setFont(name_font)
            painter.setPen(theme.colour("text3" if pill.dimmed else "text"))
            inner = box.adjusted(side, 0, -side, 0)
            if not self._is_bare(at):
                painter.drawText(inner, _LEFT, pill.text)
            painter.setFont(count_font)
            painter.setPen(theme.colour("text3" if pill.dimmed else "ok"))
            painter.drawText(inner, _RIGHT, pill.count)

    def _boxes(self, camera: Camera, view: Box) -> list[QRectF]:
        """Where they are, seen by this camera."""
        size_px, side = _sizes(camera.zoom)
        height = max(size_px + 11.0, QFontMetricsF(theme.font(size_px, 700)).height() + 6)
        boxes = []
        for pill, wide in zip(self._pills, self._measured(size_px), strict=True):
            width = wide + 2 * side + size_px / 2
            x, y = camera.to_screen(pill.x, pill.y, view)
            lift = _lift(pill, camera.zoom, width, height)
            x, y = x + pill.away[0] * lift, y + pill.away[1] * lift
            boxes.append(QRectF(x - width / 2, y - height / 2, width, height))
        return boxes

    def _is_bare(self, at: int) -> bool:
        return at in self._aside and self._aside[at][1].is_bare

    def _step_aside(
        self, boxes: list[QRectF], camera: Camera, view: Box, *, is_still: bool
    ) -> None:
        """Move those that would cover seats, or each other, a little, if that helps."""
        keys = self._keys() if is_still else []
        for at, box in enumerate(boxes):
            zoom, aside = self._aside.get(at, (0.0, Aside()))
            if is_still and zoom != camera.zoom:  # out of view too: the same wherever one looks
                taken = [*keys, *boxes[:at]]
                aside, covered = self._room_near(box, taken, camera, view)
                if covered:  # the name is in the seats' own tips; how many are free is not
                    bare = self._bare_width(at, camera.zoom)
                    short = box.adjusted((box.width() - bare) / 2, 0, (bare - box.width()) / 2, 0)
                    found, still_covered = self._room_near(short, taken, camera, view)
                    if still_covered < covered:
                        aside = replace(found, is_bare=True)
                self._aside[at] = camera.zoom, aside
            if aside.is_bare:
                bare = self._bare_width(at, camera.zoom)
                box.adjust((box.width() - bare) / 2, 0, (bare - box.width()) / 2, 0)
            box.translate(aside.dx, aside.dy)

    def _bare_width(self, at: int, zoom: float) -> float:
        """How wide it is without its name."""
        size_px, side = _sizes(zoom)
        count = QFontMetricsF(theme.font(size_px, 600))
        return count.horizontalAdvance(self._pills[at].count) + 2 * side

    def _room_near(
        self, box: QRectF, taken: list[QRectF], camera: Camera, view: Box
    ) -> tuple[Aside, int]:
        """How far to move: as little as covers nothing, else what covers least, and how much."""
        left, top = camera.to_screen(self._bounds[0], self._bounds[1], view)
        right, bottom = camera.to_screen(self._bounds[2], self._bounds[3], view)
        house = QRectF(left, top, right - left, bottom - top)
        is_inside = house.contains(box.center())
        near = sorted(
            ((x * box.width() / 6, y * box.height() / 3) for x in _ACROSS for y in _DOWN),
            key=lambda step: hypot(*step),
        )
        around = SEAT * camera.zoom / 2 - 1
        best, fewest = Aside(), _MANY * _MANY
        for dx, dy in near:
            moved = box.translated(dx, dy)
            wide = moved.adjusted(-around, -around, around, around)
            left, top = camera.to_field(wide.left(), wide.top(), view)
            right, bottom = camera.to_field(wide.right(), wide.bottom(), view)
            covered = self._crowd(left, top, right, bottom)
            covered += _MANY * sum(moved.intersects(other) for other in taken)
            covered += _MANY * (is_inside and not house.contains(moved))
            if covered < fewest:
                best, fewest = Aside(dx, dy), covered
            if not covered:
                break
        return best, fewest

    def _measured(self, size_px: int) -> list[float]:
        widths = self._widths.get(size_px)
        if widths is None:
            name = QFontMetricsF(theme.font(size_px, 700))
            count = QFontMetricsF(theme.font(size_px, 600))
            widths = self._widths[size_px] = [
                name.horizontalAdvance(pill.text) + count.horizontalAdvance(pill.count)
                for pill in self._pills
            ]
        return widths


def _canvas(view: Box) -> QRectF:
    left, top, right, bottom = view
    return QRectF(left, top, right - left, bottom - top)


def _sizes(zoom: float) -> tuple[int, int]:
    """The texts' size and the margin beside them."""
    return (11, 8) if zoom < _SMALL_BELOW_ZOOM else (13, 12)


def _lift(pill: Pill, zoom: float, width: float, height: float) -> float:
    """How far a name moves away so as not to cover the seats it stands beside."""
    across, down = pill.away
    needed = abs(across) * width / 2 + abs(down) * height / 2 + SEAT * zoom / 2 + 2
    return max(0.0, needed - pill.clearance * zoom)
