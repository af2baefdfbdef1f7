"""Area names with what is free in them, above their seats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from pos_app.ui import theme
from pos_app.ui.seat_looks import SEAT

if TYPE_CHECKING:
    from pos_app.ui.camera import Box, Camera

_SMALL_BELOW_ZOOM: Final = 1.2
_LEFT: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


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


class Pills:
    """Pills with their sizes, which are measured once."""

    def __init__(self) -> None:
        self._pills: tuple[Pill, ...] = ()
        self._widths: dict[bool, list[float]] = {}

    def show(self, pills: tuple[Pill, ...]) -> None:
        """Show these from now on."""
        if pills != self._pills:
            self._pills = pills
            self._widths.clear()

    def forget(self) -> None:
        """Measure anew: the size of texts changed."""
        self._widths.clear()

    def paint(self, painter: QPainter, camera: Camera, view: Box, clip: QRectF) -> None:
        """Paint those that lie in `clip` (pixels)."""
        small = camera.zoom < _SMALL_BELOW_ZOOM
        size_px, side = (11, 8) if small else (13, 12)
        name_font, count_font = theme.font(size_px, 700), theme.font(size_px, 600)
        height = max(20.0 if small else 26.0, QFontMetricsF(name_font).height() + 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pill, wide in zip(self._pills, self._measured(small), strict=True):
            x, y = camera.to_screen(pill.x, pill.y, view)
            width = wide + 2 * side + size_px / 2
            lift = _lift(pill, camera.zoom, width, height)
            x, y = x + pill.away[0] * lift, y + pill.away[1] * lift
            box = QRectF(x - width / 2, y - height / 2, width, height)
            if not box.intersects(clip):
                continue
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

    def _measured(self, small: bool) -> list[float]:
        widths = self._widths.get(small)
        if widths is None:
            size_px = 11 if small else 13
            name = QFontMetricsF(theme.font(size_px, 700))
            count = QFontMetricsF(theme.font(size_px, 600))
            widths = self._widths[small] = [
                name.horizontalAdvance(pill.text) + count.horizontalAdvance(pill.count)
                for pill in self._pills
            ]
        return widths


def _lift(pill: Pill, zoom: float, width: float, height: float) -> float:
    """How far a name moves away so as not to cover the seats it stands beside."""
    across, down = pill.away
    needed = abs(across) * width / 2 + abs(down) * height / 2 + SEAT * zoom / 2 + 2
    return max(0.0, needed - pill.clearance * zoom)
