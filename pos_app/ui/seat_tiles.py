"""A large picture in tiles, kept at the zooms that were seen last, and painted a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPixmap

from pos_app.ui import theme
from pos_app.ui.camera import Camera

if TYPE_CHECKING:
    from pos_app.ui.camera import Box

TILE_PX: Final = 256
"""Side of a tile in the screen's own pixels, so that tiles meet without a seam."""
LEVELS_MAX: Final = 4
TILES_MAX: Final = 160
"""A quarter of a megabyte each: about four screens."""
EFFORT_MAX: Final = 1_500
"""How much is painted before a frame is shown, in seats drawn as points: a few milliseconds."""
_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)

Key = tuple[int, int]


def _at_any_zoom(_zoom: float) -> bool:
    return True


class Motif(Protocol):
    """What the tiles show."""

    def effort(self, zoom: float, seen: QRectF) -> int:
        """About how many seats' work it is to paint this part of the field; 0: nothing there."""

    def paint(self, painter: QPainter, camera: Camera, view: Box, seen: QRectF) -> None:
        """Paint this part of the field (field coordinates)."""


@dataclass(slots=True)
class _Tile:
    pixmap: QPixmap | None  # None: nothing there but ground
    stale: bool = False


class Tiles:
    """Pictures of a motif at some zooms. A tile that is out of date shows until it is painted anew."""

    def __init__(self, motif: Motif, ratio: float) -> None:
        self._motif = motif
        self._ratio = ratio
        self._side = TILE_PX / ratio
        self._levels: dict[float, dict[Key, _Tile]] = {}  # the zoom used last comes last
        self.kept_zoom = 0.0
        """The zoom whose tiles are never given up: the one that shows all."""

    def clear(self) -> None:
        """Forget all pictures."""
        self._levels.clear()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever painted."""
        return not any(self._levels.values())

    def spoil(self, boxes: Iterable[QRectF], at: Callable[[float], bool] = _at_any_zoom) -> None:
        """Something changed in these parts of the field, as they are shown at some zooms."""
        boxes = list(boxes)
        for zoom, level in self._levels.items():
            for box in boxes if at(zoom) else ():
                for key in self._keys(zoom, box):
                    tile = level.get(key)
                    if tile is not None:
                        tile.stale = True

    def spoil_all(self) -> None:
        """Everything changed its looks."""
        for level in self._levels.values():
            for tile in level.values():
                tile.stale = True

    def is_ready(self, zoom: float, seen: QRectF) -> bool:
        """Whether this part of the field is painted at this zoom, and up to date."""
        return next(self._missing(zoom, seen), None) is None

    def advance(self, zoom: float, seen: QRectF, effort: int = EFFORT_MAX) -> bool:
        """Paint tiles of this part of the field until that was work enough; whether any was painted."""
        level = self._level(zoom)
        middle = seen.center()
        wanted = sorted(
            self._missing(zoom, seen),
            key=lambda key: (self._box(zoom, key).center() - middle).manhattanLength(),
        )
        for key in wanted:
            if effort <= 0:
                break
            effort -= self._make(zoom, level, key)
        if wanted:
            self._give_up(zoom, seen)
        return bool(wanted)

    def draw(self, painter: QPainter, camera: Camera, view: Box, clip: QRectF) -> None:
        """Draw what there is of the camera's own zoom, and beneath it what other zooms have."""
        seen = field_box(camera, view, clip)
        if not self._covers(camera.zoom, seen):
            for zoom in self._beneath(camera.zoom, seen):
                self._draw_level(painter, camera, view, zoom, seen)
        self._draw_level(painter, camera, view, camera.zoom, seen)

    def _beneath(self, zoom: float, seen: QRectF) -> list[float]:
        """The zooms that help out: the nearest one, after the one that shows all if need be."""
        others = [other for other in self._levels if other not in (zoom, self.kept_zoom)]
        nearest = others[-1:]
        if nearest and self._covers(nearest[0], seen):
            return nearest
        return [self.kept_zoom, *nearest] if self.kept_zoom != zoom else nearest

    def _covers(self, zoom: float, seen: QRectF) -> bool:
        level = self._levels.get(zoom)
        return level is not None and all(key in level for key in self._keys(zoom, seen))

    def _draw_level(
        self, painter: QPainter, camera: Camera, view: Box, zoom: float, seen: QRectF
    ) -> None:
        level = self._levels.get(zoom)
        if not level:
            return
        painter.save()
        painter.translate(*camera.to_screen(0.0, 0.0, view))
        scale = camera.zoom / zoom
        if scale != 1.0:
            painter.scale(scale, scale)
        for key in self._keys(zoom, seen):
            tile = level.get(key)
            if tile is not None and tile.pixmap is not None:
                painter.drawPixmap(QPointF(key[0] * self._side, key[1] * self._side), tile.pixmap)
        painter.restore()

    def _make(self, zoom: float, level: dict[Key, _Tile], key: Key) -> int:
        box = self._box(zoom, key)
        effort = self._motif.effort(zoom, box)
        if effort == 0:
            level[key] = _Tile(None)
            return 1
        old = level.get(key)
        pixmap = old.pixmap if old is not None and old.pixmap is not None else self._blank()
        pixmap.fill(theme.colour("map"))
        painter = QPainter(pixmap)
        self._motif.paint(painter, Camera(box.left(), box.top(), zoom), _NOWHERE, box)
        painter.end()
        level[key] = _Tile(pixmap)
        return effort

    def _blank(self) -> QPixmap:
        made = QPixmap(TILE_PX, TILE_PX)
        made.setDevicePixelRatio(self._ratio)
        return made

    def _missing(self, zoom: float, seen: QRectF) -> Iterator[Key]:
        level = self._levels.get(zoom, {})
        for key in self._keys(zoom, seen):
            tile = level.get(key)
            if tile is None or tile.stale:
                yield key

    def _level(self, zoom: float) -> dict[Key, _Tile]:
        """The tiles of a zoom; it is the one used last now."""
        level = self._levels.pop(zoom, {})
        self._levels[zoom] = level
        while len(self._levels) > LEVELS_MAX:
            del self._levels[next(one for one in self._levels if one != self.kept_zoom)]
        return level

    def _give_up(self, zoom: float, seen: QRectF) -> None:
        """Keep within the limit: other zooms go first, then what is far out of view."""
        while self._count() > TILES_MAX and len(self._levels) > 1:
            others = (one for one in self._levels if one not in (zoom, self.kept_zoom))
            del self._levels[next(others, next(iter(self._levels)))]
        if self._count() > TILES_MAX:
            near = set(self._keys(zoom, seen.adjusted(*_around(self._side / zoom))))
            kept = {key: tile for key, tile in self._levels[zoom].items() if key in near}
            self._levels[zoom] = kept

    def _count(self) -> int:
        return sum(
            tile.pixmap is not None for level in self._levels.values() for tile in level.values()
        )

    def _keys(self, zoom: float, seen: QRectF) -> list[Key]:
        side = self._side / zoom
        left, top = floor(seen.left() / side), floor(seen.top() / side)
        right, bottom = floor(seen.right() / side), floor(seen.bottom() / side)
        return [(x, y) for y in range(top, bottom + 1) for x in range(left, right + 1)]

    def _box(self, zoom: float, key: Key) -> QRectF:
        side = self._side / zoom
        return QRectF(key[0] * side, key[1] * side, side, side)


def field_box(camera: Camera, view: Box, clip: QRectF) -> QRectF:
    """The part of the field that lies in `clip` (pixels)."""
    left, top = camera.to_field(clip.left(), clip.top(), view)
    return QRectF(left, top, clip.width() / camera.zoom, clip.height() / camera.zoom)


def _around(side: float) -> tuple[float, float, float, float]:
    return -side, -side, side, side
