"""Paints the map from below to above: tiles, names, legend, overlay; some now, the rest soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton

from pos_app.ui import seat_map_paint as paint
from pos_app.ui import theme
from pos_app.ui.seat_legend import Legend, legend_height, legend_items
from pos_app.ui.seat_overlay import Overlay
from pos_app.ui.seat_pills import Pill, Pills
from pos_app.ui.seat_tiles import EFFORT_MAX, field_box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtWidgets import QWidget

    from pos_app.presenters.sell_state import SellState
    from pos_app.ui.seat_overlay import Item
    from pos_app.ui.seat_picture import SeatPicture
    from pos_app.ui.seat_viewport import Viewport

_ALL: Final = 10**9
"""More effort than any house is."""
_AHEAD: Final = 1_000
"""Effort at a time for what is not in view: a tap in between must not wait."""
_AHEAD_MS: Final = 15
_AROUND_PX: Final = 200
"""How far around the view is painted ahead."""


class SeatPainter:
    """What is on a widget that shows a house through a viewport.

    A frame paints as many tiles as it has time for and shows older ones for the rest, which follows
    as soon as the loop turns; at rest, what is just out of view is painted ahead.
    """

    def __init__(self, shown: QWidget, port: Viewport) -> None:
        self._shown = shown
        self._port = port
        self.picture: SeatPicture | None = None
        self._pills = Pills()
        self._overlay = Overlay()
        self._legend = Legend()
        self._more = QTimer(shown)
        self._more.setSingleShot(True)
        self._more.timeout.connect(shown.update)
        self._ahead = QTimer(shown)
        self._ahead.setSingleShot(True)
        self._ahead.setInterval(_AHEAD_MS)
        self._ahead.timeout.connect(self._paint_ahead)

    @property
    def is_done(self) -> bool:
        """Whether nothing in view waits to be painted."""
        picture = self.picture
        return picture is None or picture.tiles.is_ready(self._port.goal.zoom, self._seen_at_rest())

    def finish(self) -> None:
        """Paint all that will be in view when the camera has arrived."""
        if self.picture is not None:
            self.picture.tiles.advance(self._port.goal.zoom, self._seen_at_rest(), _ALL)
            self._shown.update()

    def forget(self) -> None:
        """Paint everything anew: colours, words or the size of texts changed."""
        if self.picture is not None:
            self.picture.forget()
        self._pills.forget()
        self._legend.forget()
        self._shown.update()

    def name_areas(self, *, ours_only: bool) -> None:
        """Say beside each area how much of it is free."""
        pills = []
        for area in self.picture.field.areas if self.picture else ():
            if area.standing or self.picture is None:
                continue
            block = self.picture.block(area)
            if block.free_count or not ours_only:
                dimmed = not block.free_count or block.filtered_out
                pills.append(
                    Pill(block.name, block.count, area.x, area.y, area.clearance, area.away, dimmed)
                )
        if self.picture is not None:
            field = self.picture.field
            self._pills.show(tuple(pills), field.bounds, field.count_in, self._keys)

    def _keys(self) -> list[QRectF]:
        """Where buttons lie on the map."""
        keys = self._shown.findChildren(QAbstractButton)
        return [QRectF(each.geometry()) for each in keys if each.property("role") == "standing"]

    def lay_over(self, items: Iterable[Item]) -> None:
        """Show these over the seats, and paint only where something came or went."""
        for box in self._overlay.show(items, self._port):
            self._shown.update(box)

    def paint(self, event: QPaintEvent, state: SellState | None, legend_width: float) -> None:
        """Answer a paint event; the legend may be so wide."""
        painter = QPainter(self._shown)
        clip, bounds = QRectF(event.rect()), QRectF(self._shown.rect())
        painter.setClipRegion(event.region())
        painter.fillRect(clip, theme.colour("map"))
        if self.picture is not None and state is not None:
            self._paint_house(painter, self.picture, clip)
            foot = bounds.adjusted(0, bounds.height() - legend_height(), 0, 0)
            if foot.intersects(clip):
                as_areas = self.picture.shows_areas(self._port.goal.zoom)
                items = legend_items(state, self.picture.marks, as_areas=as_areas)
                self._legend.paint(painter, items, bounds, legend_width)
            self._overlay.paint(painter, self._port, event.rect())
        if paint.frame_is_in(clip, bounds):
            paint.paint_frame(painter, bounds)
        painter.end()

    def _paint_house(self, painter: QPainter, picture: SeatPicture, clip: QRectF) -> None:
        port, goal = self._port, self._port.goal
        if not port.is_held:
            wanted = QRectF(self._shown.rect()) if port.is_gliding else clip
            seen = field_box(goal, port.view, wanted)
            effort = _ALL if picture.tiles.is_empty else EFFORT_MAX
            picture.tiles.advance(goal.zoom, seen, effort)
            if not picture.tiles.is_ready(goal.zoom, seen):
                self._more.start(0)
        picture.tiles.draw(painter, port.camera, port.view, clip)
        if not picture.shows_areas(port.camera.zoom):
            is_still = not (port.is_held or port.is_gliding)
            self._pills.paint(painter, port.camera, port.view, clip, is_still=is_still)
        self._ahead.start()

    def _paint_ahead(self) -> None:
        """At rest, paint what is just out of view: a drag finds it ready."""
        picture, port = self.picture, self._port
        if picture is None or port.is_held or port.is_gliding or not self._shown.isVisible():
            return
        canvas = QRectF(self._shown.rect())
        around = canvas.adjusted(-_AROUND_PX, -_AROUND_PX, _AROUND_PX, _AROUND_PX)
        seen = field_box(port.camera, port.view, around)
        if picture.tiles.advance(port.camera.zoom, seen, _AHEAD):
            self._ahead.start()

    def _seen_at_rest(self) -> QRectF:
        return field_box(self._port.goal, self._port.view, QRectF(self._shown.rect()))
