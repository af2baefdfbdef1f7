"""Which part of the field is on screen: a middle and a zoom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

ZOOM_STEP: Final = 2**0.5
ZOOM_MAX: Final = 6.0
_SMALLEST: Final = 0.8
"""How much smaller than "all of it" may be seen."""

Box = tuple[float, float, float, float]
"""left, top, right, bottom"""


@dataclass(frozen=True, slots=True)
class Camera:
    """Screen pixels per field unit, and the field's point in the middle of the view."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    fit_zoom: float = 1.0

    def to_screen(self, x: float, y: float, view: Box) -> tuple[float, float]:
        """Where a point of the field is on screen; `view` is the part of the widget that shows it."""
        return (
            (x - self.x) * self.zoom + (view[0] + view[2]) / 2,
            (y - self.y) * self.zoom + (view[1] + view[3]) / 2,
        )

    def to_field(self, x: float, y: float, view: Box) -> tuple[float, float]:
        """Which point of the field is at a place on screen."""
        return (
            (x - (view[0] + view[2]) / 2) / self.zoom + self.x,
            (y - (view[1] + view[3]) / 2) / self.zoom + self.y,
        )

    def moved(self, dx: float, dy: float) -> Camera:
        """The field dragged by so many pixels."""
        return replace(self, x=self.x - dx / self.zoom, y=self.y - dy / self.zoom)

    def zoomed(self, factor: float, at: tuple[float, float], view: Box) -> Camera:
        """Zoomed so that the point under `at` (pixels) stays there."""
        zoom = min(max(self.zoom * factor, self.fit_zoom * _SMALLEST), ZOOM_MAX)
        field_x, field_y = self.to_field(*at, view)
        off_x, off_y = at[0] - (view[0] + view[2]) / 2, at[1] - (view[1] + view[3]) / 2
        return replace(self, x=field_x - off_x / zoom, y=field_y - off_y / zoom, zoom=zoom)

    def kept_near(self, bounds: Box) -> Camera:
        """The middle kept inside the house, so that nobody gets lost."""
        return replace(
            self,
            x=min(max(self.x, bounds[0]), bounds[2]),
            y=min(max(self.y, bounds[1]), bounds[3]),
        )


def fitted(bounds: Box, view: Box) -> Camera:
    """All of the field in the middle of the view."""
    width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    across = (view[2] - view[0]) / width if width > 0 else 1.0
    down = (view[3] - view[1]) / height if height > 0 else 1.0
    zoom = min(max(min(across, down), 0.01), ZOOM_MAX)
    return Camera((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2, zoom, zoom)
