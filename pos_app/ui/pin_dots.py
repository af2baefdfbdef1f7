"""A PIN as dots."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from pos_app.ui import theme


class PinDots(QWidget):
    """As many dots as digits were typed; never the digits."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self.setFixedHeight(56)

    def show_count(self, count: int) -> None:
        """Show so many dots."""
        self._count = count
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        ink = theme.colour("accent" if self._count else "border2")
        painter.setPen(QPen(ink, 1.5))
        painter.setBrush(theme.colour("surface2"))
        painter.drawRoundedRect(box, 10, 10)
        places = max(self._count, 6)
        step = min(26.0, (self.width() - 40) / places)
        left = self.width() / 2 - step * (places - 1) / 2
        for at in range(places):
            filled = at < self._count
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("text" if filled else "border2"))
            size = 13.0 if filled else 7.0
            x = left + at * step
            painter.drawEllipse(QRectF(x - size / 2, self.height() / 2 - size / 2, size, size))
        painter.end()
