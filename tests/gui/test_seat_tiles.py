"""Tiles: painted a few at a time, kept within limits, never given up where they are needed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from pos_app.ui.camera import Box, Camera
from pos_app.ui.seat_tiles import LEVELS_MAX, TILE_PX, TILES_MAX, Tiles, field_box

VIEW: Box = (0.0, 0.0, 600.0, 400.0)
CLIP = QRectF(0, 0, 600, 400)


@dataclass
class Chequers:
    """Squares of fifty units; nothing beyond five thousand."""

    colour: Qt.GlobalColor = Qt.GlobalColor.red
    cost: int = 100
    painted: list[QRectF] = field(default_factory=list)

    def effort(self, _zoom: float, seen: QRectF) -> int:
        return self.cost if seen.intersects(QRectF(-5_000, -5_000, 10_000, 10_000)) else 0

    def paint(self, painter: QPainter, camera: Camera, view: Box, seen: QRectF) -> None:
        self.painted.append(seen)
        for x in range(int(seen.left() // 100) - 1, int(seen.right() // 100) + 2):
            for y in range(int(seen.top() // 100) - 1, int(seen.bottom() // 100) + 2):
                left, top = camera.to_screen(x * 100, y * 100, view)
                side = 50 * camera.zoom
                painter.fillRect(QRectF(left, top, side, side), self.colour)


def shown(tiles: Tiles, camera: Camera) -> QImage:
    image = QImage(600, 400, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    tiles.draw(painter, camera, VIEW, CLIP)
    painter.end()
    return image


def seen_from(camera: Camera) -> QRectF:
    return field_box(camera, VIEW, CLIP)


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("x", [0.0, 332.0])
def test_tiles_meet_without_a_seam(zoom: float, x: float) -> None:
    motif, camera = Chequers(), Camera(x, -120.0, zoom)
    tiles = Tiles(motif, 1.0)
    tiles.advance(zoom, seen_from(camera), 10**6)
    whole = QImage(600, 400, QImage.Format.Format_RGB32)
    whole.fill(Qt.GlobalColor.white)
    painter = QPainter(whole)
    motif.paint(painter, camera, VIEW, seen_from(camera))
    painter.end()
    found = shown(tiles, camera)
    red = sum(found.pixelColor(a, b).green() < 128 for a in range(600) for b in range(0, 400, 7))
    assert red > 0
    wrong = [
        (a, b)
        for a in range(600)
        for b in range(0, 400, 7)
        if (found.pixelColor(a, b).green() < 128) != (whole.pixelColor(a, b).green() < 128)
    ]
    assert wrong == []


def test_a_frame_paints_no_more_than_it_has_effort_for() -> None:
    motif, camera = Chequers(), Camera(0.0, 0.0, 1.0)
    tiles = Tiles(motif, 1.0)
    tiles.advance(1.0, seen_from(camera), 250)
    assert len(motif.painted) == 3
    assert not tiles.is_ready(1.0, seen_from(camera))
    while tiles.advance(1.0, seen_from(camera), 250):
        pass
    assert tiles.is_ready(1.0, seen_from(camera))
    count = len(motif.painted)
    assert not tiles.advance(1.0, seen_from(camera), 250)
    assert len(motif.painted) == count


def test_the_middle_is_painted_first() -> None:
    motif, camera = Chequers(), Camera(640.0, 640.0, 1.0)
    Tiles(motif, 1.0).advance(1.0, seen_from(camera), 1)
    assert motif.painted[0].contains(640.0, 640.0)


def test_what_changed_shows_as_it_was_until_it_is_painted_anew() -> None:
    motif, camera = Chequers(), Camera(0.0, 0.0, 1.0)
    tiles = Tiles(motif, 1.0)
    tiles.advance(1.0, seen_from(camera), 10**6)
    before, count = shown(tiles, camera), len(motif.painted)
    motif.colour = Qt.GlobalColor.blue
    tiles.spoil([QRectF(10, 10, 5, 5)])
    assert shown(tiles, camera) == before
    tiles.advance(1.0, seen_from(camera), 10**6)
    assert len(motif.painted) == count + 1
    assert shown(tiles, camera).pixelColor(310, 210) == Qt.GlobalColor.blue
    assert shown(tiles, camera).pixelColor(210, 110) == Qt.GlobalColor.red


def test_a_change_may_concern_some_zooms_only() -> None:
    motif = Chequers()
    tiles = Tiles(motif, 1.0)
    box = QRectF(0, 0, 100, 100)
    for zoom in (0.5, 2.0):
        tiles.advance(zoom, box, 10**6)
    tiles.spoil([box], at=lambda zoom: zoom > 1)
    assert tiles.is_ready(0.5, box)
    assert not tiles.is_ready(2.0, box)


def test_another_zoom_helps_out() -> None:
    motif, near = Chequers(), Camera(0.0, 0.0, 2.0)
    tiles = Tiles(motif, 1.0)
    tiles.advance(1.0, seen_from(Camera(0.0, 0.0, 1.0)), 10**6)
    assert shown(tiles, near).pixelColor(350, 250) == Qt.GlobalColor.red
    assert shown(tiles, near).pixelColor(250, 150) == shown(tiles, near).pixelColor(290, 190)


def test_zooms_and_tiles_stay_within_their_limits_and_all_of_the_house_is_kept() -> None:
    motif = Chequers()
    tiles = Tiles(motif, 1.0)
    tiles.kept_zoom = 0.5
    tiles.advance(0.5, QRectF(0, 0, 100, 100), 10**6)
    for at in range(40):
        zoom = 1.0 + at % 7
        side = TILE_PX / zoom
        for step in range(6):
            tiles.advance(zoom, QRectF(step * 5 * side, 0, 4 * side, 4 * side), 10**6)
            assert len(tiles._levels) <= LEVELS_MAX
            assert tiles._count() <= TILES_MAX
    assert tiles.is_ready(0.5, QRectF(0, 0, 100, 100))


def test_a_long_drag_gives_up_what_is_far_behind() -> None:
    motif = Chequers()
    tiles = Tiles(motif, 1.0)
    for step in range(60):
        seen = QRectF(-4_900 + step * 150, 0, 600, 1_000)
        tiles.advance(1.0, seen, 10**6)
        assert tiles.is_ready(1.0, seen)
        assert tiles._count() <= TILES_MAX


def test_nothing_is_painted_where_nothing_is() -> None:
    motif, camera = Chequers(), Camera(90_000.0, 0.0, 1.0)
    tiles = Tiles(motif, 1.0)
    tiles.advance(1.0, seen_from(camera), 10**6)
    assert tiles.is_ready(1.0, seen_from(camera))
    assert motif.painted == []
    assert tiles._count() == 0


@pytest.mark.parametrize("ratio", [1.25, 1.5, 2.0])
def test_tiles_are_whole_pixels_of_the_screen(ratio: float) -> None:
    motif, camera = Chequers(), Camera(0.0, 0.0, 1.0)
    tiles = Tiles(motif, ratio)
    tiles.advance(1.0, seen_from(camera), 10**6)
    (level,) = tiles._levels.values()
    sizes = {
        (tile.pixmap.width(), tile.pixmap.height(), tile.pixmap.devicePixelRatio())
        for tile in level.values()
        if tile.pixmap is not None
    }
    assert sizes == {(TILE_PX, TILE_PX, ratio)}
