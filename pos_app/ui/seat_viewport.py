"""Where the map looks, and how it gets there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QRectF, QVariantAnimation, Signal

from pos_app.ui.camera import Camera, fitted

if TYPE_CHECKING:
    from pos_app.ui.camera import Box

GLIDE_MS: Final = 120
_ZOOM_DIGITS: Final = 4
"""In and out again is the same zoom, so that its tiles are found again."""
_EMPTY: Final = (0.0, 0.0, 1.0, 1.0)


class Viewport(QObject):
    """A camera over the house. At rest it stands on whole pixels, so that tiles are sharp."""

    moved = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.camera = Camera()
        self.view: Box = _EMPTY
        """The part of the widget that the house is fitted into, in pixels."""
        self.fits = True
        """Whether the camera shows all of the house, and goes on doing so."""
        self._bounds: Box = (0.0, 0.0, 0.0, 0.0)
        self._ratio = 1.0
        self._from = self._to = self.camera
        self._held = False
        self._glide = QVariantAnimation(self)
        self._glide.setDuration(GLIDE_MS)
        self._glide.setStartValue(0.0)
        self._glide.setEndValue(1.0)
        self._glide.valueChanged.connect(self._frame)

    @property
    def goal(self) -> Camera:
        """Where the camera will be when it has arrived; where it is, unless it glides."""
        return self._to if self.is_gliding else self.camera

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the view, in pixels."""
        left, top, right, bottom = self.view
        return (left + right) / 2, (top + bottom) / 2

    @property
    def is_gliding(self) -> bool:
        """Whether the camera is on its way."""
        return self._glide.state() == QVariantAnimation.State.Running

    @property
    def is_held(self) -> bool:
        """Whether it is between two fingers: the zoom is about to change again."""
        return self._held

    @property
    def fit_zoom(self) -> float:
        """The zoom that shows all of the house."""
        return round(fitted(self._bounds, self.view).zoom, _ZOOM_DIGITS)

    def show_house(self, bounds: Box, ratio: float) -> None:
        """Look at another house, all of it."""
        self._bounds, self._ratio = bounds, ratio
        self.jump_to_fit()

    def set_view(self, view: Box) -> None:
        """The widget has another size: show all of the house if it did, else the same place."""
        self.view = view
        if self.fits:
            self.jump_to_fit()
        else:
            fit = fitted(self._bounds, view)
            self.jump_to(replace(self.camera, fit_zoom=fit.zoom))

    def jump_to_fit(self) -> None:
        """Show all of the house, at once."""
        self.fits = True
        self.jump_to(fitted(self._bounds, self.view))

    def fit(self, animated: bool = True) -> None:
        """Show all of the house."""
        self.fits = True
        self.glide_to(fitted(self._bounds, self.view), animated=animated)

    def show_box(self, box: Box, zoom_min: float, *, animated: bool) -> None:
        """Show a part of the field, as large as it fits but no smaller than `zoom_min`."""
        self.fits = False
        there = fitted(box, self.view)
        zoom = max(there.zoom, zoom_min)
        self.glide_to(replace(there, zoom=zoom, fit_zoom=self.camera.fit_zoom), animated=animated)

    def zoom_by(self, factor: float, at: tuple[float, float], *, animated: bool) -> None:
        """Zoom around a point (pixels); no step of many gets lost."""
        self.fits = False
        self.glide_to(self.goal.zoomed(factor, at, self.view), animated=animated)

    def come_to(self, x: float, y: float, factor: float, *, animated: bool) -> None:
        """Zoom with a point of the field in the middle, or as near to it as the house's edges let."""
        self.fits = False
        nearer = self.goal.zoomed(factor, self.middle, self.view)
        left, top, right, bottom = self.view
        half_x, half_y = (right - left) / 2 / nearer.zoom, (bottom - top) / 2 / nearer.zoom
        x = _between(self._bounds[0] + half_x, x, self._bounds[2] - half_x)
        y = _between(self._bounds[1] + half_y, y, self._bounds[3] - half_y)
        self.glide_to(replace(nearer, x=x, y=y), animated=animated)

    def pinch_by(self, factor: float, at: tuple[float, float]) -> None:
        """Zoom between two fingers, until `release`."""
        self.stop()
        self.fits = False
        self._held = True
        self._become(self.camera.zoomed(factor, at, self.view))

    def release(self) -> None:
        """The fingers are gone."""
        if self._held:
            self._held = False
            self.jump_to(self.camera)

    def drag_by(self, dx: float, dy: float) -> None:
        """The field was dragged by so many pixels."""
        self.stop()
        self.fits = False
        self._become(self.camera.moved(dx, dy))

    def jump_to(self, camera: Camera) -> None:
        """Be there."""
        self._glide.stop()
        self._become(camera)

    def glide_to(self, camera: Camera, *, animated: bool) -> None:
        """Be there soon."""
        self._glide.stop()
        there = self._at_rest(camera)
        if animated and there != self.camera:
            self._from, self._to = self.camera, there
            self._glide.start()
        else:
            self._become(there)

    def stop(self) -> None:
        """Arrive at once."""
        if self.is_gliding:
            self.jump_to(self._to)

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the field is on screen."""
        return self.camera.to_screen(x, y, self.view)

    def to_field(self, x: float, y: float) -> tuple[float, float]:
        """Which point of the field is at a place on screen."""
        return self.camera.to_field(x, y, self.view)

    def on_screen(self, box: QRectF) -> QRectF:
        """A part of the field, in pixels."""
        left, top = self.to_screen(box.left(), box.top())
        zoom = self.camera.zoom
        return QRectF(left, top, box.width() * zoom, box.height() * zoom)

    def _frame(self, share: float) -> None:
        start, end = self._from, self._to
        if share >= 1.0 or start.zoom == end.zoom:
            part, zoom = share, end.zoom
        else:  # what stays in its place does so all the way
            zoom = start.zoom * (end.zoom / start.zoom) ** share
            part = (zoom - start.zoom) / (end.zoom - start.zoom) * end.zoom / zoom
        x, y = start.x + (end.x - start.x) * part, start.y + (end.y - start.y) * part
        self.camera = Camera(x, y, zoom, end.fit_zoom)
        self.moved.emit()

    def _become(self, camera: Camera) -> None:
        self.camera = camera.kept_near(self._bounds) if self._held else self._at_rest(camera)
        self.moved.emit()

    def _at_rest(self, camera: Camera) -> Camera:
        """Inside the house, and the field's origin on a whole pixel of the screen."""
        kept = replace(camera.kept_near(self._bounds), zoom=round(camera.zoom, _ZOOM_DIGITS))
        left, top = kept.to_screen(0.0, 0.0, self.view)
        off_x = round(left * self._ratio) / self._ratio - left
        off_y = round(top * self._ratio) / self._ratio - top
        return replace(kept, x=kept.x - off_x / kept.zoom, y=kept.y - off_y / kept.zoom)


def _between(least: float, value: float, most: float) -> float:
    """The value within its limits; the middle of limits that cross."""
    if least > most:
        return (least + most) / 2
    return min(max(value, least), most)
