"""What the map shows of a house: stage, standing areas, and from far away areas, from near seats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPolygonF

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.presenters.seat_field import cell_of
from pos_app.presenters.seat_states import SeatStates
from pos_app.ui import seat_map_paint as paint
from pos_app.ui.seat_areas import Block, paint_blocks, paint_shapes, usual_size
from pos_app.ui.seat_layer import SeatLayer, cells_of
from pos_app.ui.seat_tiles import Tiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pos_app.presenters.seat_field import AreaOutline, Cell, RowLabel, SeatField
    from pos_app.services.model import House, UnitState
    from pos_app.ui.camera import Box, Camera

BLOCKS_FROM_SEATS: Final = 5_000
BLOCKS_BELOW_ZOOM: Final = 0.55
_SPRITE_EFFORT: Final = 4
_BLOCK_EFFORT: Final = 120
_LABEL_REACH: Final = 14.0
"""How far a row's label reaches around its point, in field units."""


class SeatPicture:
    """A house painted in tiles. Says what must be painted again when something changed."""

    def __init__(self, house: House, field: SeatField, ratio: float) -> None:
        self.field = field
        self.states = SeatStates(house)
        self._plan = house.plan
        self._layer = SeatLayer(field, self.states, ratio)
        self.tiles = Tiles(self, ratio)
        self.marks = self._layer.marks
        self._offline = False
        self._tier_id: str | None = None
        self.shapes = {area.area_id: _polygon(area.shape) for area in field.areas}
        """The areas' shapes, in field coordinates."""
        self._boxes = {
            area_id: shape.boundingRect().adjusted(-2, -2, 2, 2)
            for area_id, shape in self.shapes.items()
        }
        self._stage = _polygon(field.stage).boundingRect()
        self._name_sizes: dict[float, int] = {}
        self._blocks: dict[str, Block] = {}
        self._labels: dict[Cell, list[RowLabel]] = {}
        for label in field.row_labels:
            self._labels.setdefault(cell_of(label.x, label.y), []).append(label)

    # ----------------------------------------------------------------------------- what changed

    def update(self, states: Mapping[int, UnitState]) -> list[int]:
        """Take the states of now; the units that changed."""
        changed = self.states.update(states)
        if len(changed) * 2 > len(self.field.spots):
            self._layer.touch_all()
            self._blocks.clear()
            self.tiles.spoil_all()
        elif changed:
            areas = {area.area_id: area for area in map(self.field.area_of, changed)}
            for area_id in areas:
                self._blocks.pop(area_id, None)
            self.tiles.spoil(self._layer.touch(changed), at=self._shows_seats)
            self.tiles.spoil((self._boxes[area_id] for area_id in areas), at=self.shows_areas)
            self.tiles.spoil(self._boxes[area.area_id] for area in areas.values() if area.standing)
        return changed

    def _shows_seats(self, zoom: float) -> bool:
        return not self.shows_areas(zoom)

    def tune(self, *, offline: bool, tier_id: str | None) -> bool:
        """Dim what is out of reach or filtered out; whether that changes anything."""
        self._offline, self._tier_id = offline, tier_id
        changed = self._layer.tune(offline=offline, tier_id=tier_id)
        if changed:
            self._blocks.clear()
            self.tiles.spoil_all()
        return changed

    def forget(self) -> None:
        """Paint everything anew: colours, letters or words changed."""
        self._layer.forget_colours()
        self._name_sizes.clear()
        self._blocks.clear()
        self.tiles.clear()

    # --------------------------------------------------------------------------- what is shown

    def shows_areas(self, zoom: float) -> bool:
        """Whether the house is too far away, and too large, for seats."""
        return len(self.field.spots) > BLOCKS_FROM_SEATS and zoom < BLOCKS_BELOW_ZOOM

    def free_in(self, area_id: str) -> int:
        """How many units of an area may be sold or asked for, of the price tier looked at."""
        return self.states.free_in(area_id, ours_only=self._offline, tier_id=self._tier_id)

    def block(self, outline: AreaOutline) -> Block:
        """An area as it is seen from far away."""
        block = self._blocks.get(outline.area_id)
        if block is None:
            block = self._blocks[outline.area_id] = self._make_block(outline)
        return block

    def _make_block(self, outline: AreaOutline) -> Block:
        area = self._plan.area(outline.area_id)
        tier_id, area_id = self._tier_id, outline.area_id
        tiers = self.states.tiers_in(area_id)
        free = self.free_in(area_id)
        return Block(
            self.shapes[area_id],
            outline.middle,
            outline.room,
            words.name(area.name) if area else "",
            self.states.tiers[tiers[0]].colour_index if tiers else 0,
            free,
            self.states.free_in(area_id, ours_only=True, tier_id=tier_id),
            area.capacity if area else 0,
            tuple(self.states.tiers[tier].id for tier in tiers),
            area.first_unit if area else 0,
            filtered_out=tier_id is not None
            and tier_id not in (self.states.tiers[tier].id for tier in tiers),
            count=words.count(free),
        )

    # ------------------------------------------------------------------------------ one tile

    def effort(self, zoom: float, seen: QRectF) -> int:
        """About how many seats' work it is to paint this part of the field; 0: nothing there."""
        around = seen.adjusted(-_LABEL_REACH, -_LABEL_REACH, _LABEL_REACH, _LABEL_REACH)
        effort = sum(10 for box in (self._stage,) if box.intersects(around))
        for area in self.field.areas:
            if self._boxes[area.area_id].intersects(around):
                effort += _BLOCK_EFFORT if self.shows_areas(zoom) else 1
        if not self.shows_areas(zoom):
            each = _SPRITE_EFFORT if self._layer.draws_sprites(zoom) else 1
            effort += each * self._layer.count_in(seen)
        return effort

    def paint(self, painter: QPainter, camera: Camera, view: Box, seen: QRectF) -> None:
        """Paint this part of the field (field coordinates)."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._stage.intersects(seen):
            paint.paint_stage(painter, camera, view, self.field.stage, _("STAGE"))
        near = [area for area in self.field.areas if self._boxes[area.area_id].intersects(seen)]
        standing = [self.block(area) for area in near if area.standing]
        paint_shapes(painter, camera, view, standing)
        if self.shows_areas(camera.zoom):
            blocks = [self.block(area) for area in near if not area.standing]
            paint_blocks(painter, camera, view, blocks, seen, self._name_size(camera.zoom))
            return
        self._layer.paint(painter, camera, view, seen)
        around = seen.adjusted(-_LABEL_REACH, -_LABEL_REACH, _LABEL_REACH, _LABEL_REACH)
        labels = [label for cell in cells_of(around) for label in self._labels.get(cell, ())]
        paint.paint_rows(painter, camera, view, labels)

    def _name_size(self, zoom: float) -> int:
        """One size for the names of all areas, at this zoom."""
        size_px = self._name_sizes.get(zoom)
        if size_px is None:
            blocks = [self.block(area) for area in self.field.areas if not area.standing]
            size_px = self._name_sizes[zoom] = usual_size(blocks, zoom)
        return size_px


def _polygon(shape: Sequence[tuple[float, float]]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in shape])
