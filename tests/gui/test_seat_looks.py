"""Seats differ by shape, not by colour alone: states far away, attributes from near."""

from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from pos_app.presenters.seat_states import SeatStates
from pos_app.services.model import UnitState
from pos_app.ui import theme
from pos_app.ui.camera import Camera
from pos_app.ui.seat_layer import SeatLayer
from pos_app.ui.seat_looks import Look, Mark, Shape, draw_seat, mark_of, marked
from tests.gui.seat_stage import stadium_field, stadium_till
from ticketing.seating import SeatAttribute

MARKS = list(Mark)


def drawn(look: Look, side: float, *, lettered: bool = False) -> QImage:
    """A seat as if all inks were one: only what is drawn where."""
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    image.fill(theme.colour("map"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(20, 20)
    draw_seat(painter, look, side, lettered=lettered)
    painter.end()
    return image.convertToFormat(QImage.Format.Format_Grayscale8)


@pytest.mark.parametrize("side", [9.0, 12.0, 24.0])
@pytest.mark.parametrize("shape", [Shape.FILLED, Shape.OUTLINED])
def test_what_a_seller_must_know_is_a_shape_of_its_own(shape: Shape, side: float) -> None:
    for one, other in combinations(MARKS, 2):
        assert drawn(Look(shape, mark=one), side) != drawn(Look(shape, mark=other), side)


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_leaves_room_for_a_number(mark: Mark) -> None:
    image = drawn(Look(Shape.FILLED, mark=mark), 28, lettered=True)
    plain = drawn(Look(Shape.FILLED), 28)
    middle = [(x, y) for x in range(14, 27) for y in range(15, 26)]
    assert all(image.pixel(x, y) == plain.pixel(x, y) for x, y in middle)


def test_a_seat_that_is_gone_shows_no_mark() -> None:
    for shape in (Shape.PALE, Shape.SLASHED, Shape.BARRED, Shape.SELECTED):
        assert marked(Look(shape), Mark.WHEELCHAIR).mark is Mark.NONE
    assert marked(Look(Shape.OUTLINED), Mark.WHEELCHAIR).mark is Mark.WHEELCHAIR


@pytest.mark.parametrize(
    ("attributes", "mark"),
    [
        pytest.param((), Mark.NONE, id="none"),
        pytest.param((SeatAttribute.AISLE,), Mark.AISLE, id="aisle"),
        pytest.param(
            (SeatAttribute.AISLE, SeatAttribute.WHEELCHAIR), Mark.WHEELCHAIR, id="the weightiest"
        ),
        pytest.param(
            (SeatAttribute.AISLE, SeatAttribute.RESTRICTED_VIEW),
            Mark.RESTRICTED_VIEW,
            id="view before aisle",
        ),
    ],
)
def test_a_seat_shows_one_mark(attributes: tuple[SeatAttribute, ...], mark: Mark) -> None:
    assert mark_of(attributes) is mark


def test_as_points_seats_of_ours_to_ask_for_and_held_elsewhere_differ_by_shape() -> None:
    field, house = stadium_field(), stadium_till().house(1)
    spot = next(iter(field.spots.values()))
    ground = theme.colour("map").rgb()
    seen = {}
    for state in (UnitState.FREE, UnitState.ELSEWHERE, UnitState.LENT):
        states = SeatStates(house)
        states.update({spot.unit: state})
        image = QImage(16, 16, QImage.Format.Format_RGB32)
        image.fill(ground)
        painter = QPainter(image)
        layer, box = SeatLayer(field, states, 1.0), QRectF(spot.x - 2, spot.y - 2, 4, 4)
        layer.paint(painter, Camera(spot.x, spot.y, 1.0), (0.0, 0.0, 16.0, 16.0), box)
        painter.end()
        seen[state] = [image.pixel(x, 8) for x in (4, 5, 8)]  # edge, side, middle of the seat
    edge, side, middle = seen[UnitState.FREE]
    assert edge != ground
    assert side == middle != ground
    edge, side, middle = seen[UnitState.ELSEWHERE]
    assert edge != ground
    assert side != middle
    edge, side, middle = seen[UnitState.LENT]
    assert edge == ground != middle
