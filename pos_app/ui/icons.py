"""Lucide's drawings in our colours, sharp at twice the screen's density."""

from __future__ import annotations

from functools import cache
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_RATIO = 2.0


@cache
def _drawing(name: str) -> str:
    return (resources.files("resources") / "icons" / f"{name}.svg").read_text("utf-8")


def pixmap(name: str, colour: str, size_px: int = 20) -> QPixmap:
    """One icon; FileNotFoundError for a name that resources/icons lacks."""
    source = _drawing(name).replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(source.encode()))
    drawn = QPixmap(round(size_px * _RATIO), round(size_px * _RATIO))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter, QRectF(0, 0, drawn.width(), drawn.height()))
    painter.end()
    drawn.setDevicePixelRatio(_RATIO)
    return drawn


def icon(name: str, colour: str, size_px: int = 20) -> QIcon:
    """One icon for a button."""
    return QIcon(pixmap(name, colour, size_px))
