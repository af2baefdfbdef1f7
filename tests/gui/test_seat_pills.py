"""Names of areas on the map: they give way to the seats, and to each other."""

from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtCore import QRectF

from pos_app.ui import theme
from pos_app.ui.camera import Box, Camera
from tests.fakes.till import FakeTill
from tests.gui.conftest import close
from tests.gui.robot import at_sale, open_window, settle


@pytest.mark.parametrize("percent", [100, 125])
def test_at_the_smallest_window_they_cover_neither_a_seat_nor_each_other(
    till: FakeTill, percent: int
) -> None:
    window = open_window(till, (1366, 768))
    at_sale(window)
    while theme.text_size() != percent:
        window.switch_text_size()
    settle(window)
    seat_map = window.sell_view.map
    seat_map.grab()
    picture = seat_map._painter.picture
    placed = seat_map._painter._pills._placed
    assert picture is not None
    assert placed is not None
    camera, view, is_still, boxes = placed
    assert is_still
    covered = [picture.field.count_in(*_in_field(box, camera, view)) for box in boxes]
    touching = [one.intersects(other) for one, other in combinations(boxes, 2)]
    while theme.text_size() != 100:
        window.switch_text_size()
    close(window)
    assert len(boxes) == 9
    assert covered == [0] * 9
    assert not any(touching)


def _in_field(box: QRectF, camera: Camera, view: Box) -> tuple[float, float, float, float]:
    left, top = camera.to_field(box.left(), box.top(), view)
    right, bottom = camera.to_field(box.right(), box.bottom(), view)
    return left, top, right, bottom
