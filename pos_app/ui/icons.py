"""Lucide's drawings in our colours, sharp at twice the screen's density."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_RATIO = 2.0
_DRAWN_MAX = 512


@cache
def _drawing(name: str) -> str:
    return (resources.files("resources") / "icons" / f"{name}.svg").read_text("utf-8")


def pixmap(name: str, colour: str, size_px: int = 20) -> QPixmap:
    """One icon; FileNotFoundError for a name that resources/icons lacks."""
    made = QPixmap.fromImage(_drawn(name, colour, size_px))
    made.setDevicePixelRatio(_RATIO)
    return made


def icon(name: str, colour: str, size_px: int = 20) -> QIcon:
    """One icon for a button."""
    return QIcon(pixmap(name, colour, size_px))


@lru_cache(_DRAWN_MAX)
def _drawn(name: str, colour: str, size_px: int) -> QImage:
    """Drawn once: chips show theirs anew at every tap. An image outlives the application, a pixmap
    may not.
    """
    source = _drawing(name).replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(source.encode()))
    side = round(size_px * _RATIO)
    made = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    return made
