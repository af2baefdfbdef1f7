"""Nine thousand seats: areas when far, points when nearer, and a change touches what it must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from pos_app.services.model import News, NewsKind, UnitState
from pos_app.ui import theme
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill, sample_catalogue
from tests.gui.conftest import close
from tests.gui.robot import at_sale, open_window, settle, tap_unit
from ticketing.event import TierSpan
from ticketing.seating import Area, AreaKind, Row, Seat, SeatingPlan
from ticketing.text import Text

AREAS, ROWS, SEATS = 3, 20, 150


def hall() -> SeatingPlan:
    """Three blocks side by side."""
    return SeatingPlan("opera-house", Text((("en", "Hall"),)), tuple(map(block, range(AREAS))))


def block(at: int) -> Area:
    left = at * (SEATS + 10) * 10.0
    right, bottom = left + SEATS * 10, ROWS * 12.0
    first = at * ROWS * SEATS + 1
    rows = tuple(
        Row(
            str(row + 1),
            tuple(
                Seat(
                    first + row * SEATS + seat,
                    f"block-{at}",
                    str(row + 1),
                    str(seat + 1),
                    left + seat * 10.0,
                    row * 12.0,
                    frozenset(),
                    row,
                    seat,
                )
                for seat in range(SEATS)
            ),
        )
        for row in range(ROWS)
    )
    return Area(
        id=f"block-{at}",
        name=Text((("en", f"Block {at + 1}"), ("zh", f"{at + 1} 区"))),
        kind=AreaKind.SEATED,
        rows=rows,
        capacity=ROWS * SEATS,
        first_unit=first,
        shape=((left - 6, -6.0), (right, -6.0), (right, bottom), (left - 6, bottom)),
        label_at=((left + right) / 2, -24.0),
    )


@pytest.fixture(scope="module")
def plan() -> SeatingPlan:
    return hall()


@pytest.fixture
def till(plan: SeatingPlan) -> FakeTill:
    sample = sample_catalogue()
    event = replace(sample.events[0], tier_spans=(TierSpan(1, plan.unit_count, "a"),))
    made = FakeTill(catalogue=replace(sample, plans=(plan,), events=(event,)))
    made.set_states(1, UnitState.FREE, [seat.unit for seat in plan.seats])
    return made


@pytest.fixture
def window(till: FakeTill) -> Iterator[TillWindow]:
    made = open_window(till)
    at_sale(made)
    made.sell_view.map.clearFocus()
    yield made
    close(made)


def colour_at(window: TillWindow, at: QPoint) -> str:
    settle(window)
    return window.sell_view.map.grab().toImage().pixelColor(at).name().upper()


def test_far_away_an_area_is_one_shape_and_a_tap_picks_no_seat(window: TillWindow) -> None:
    seat_map = window.sell_view.map
    middle = QPoint(seat_map.width() // 2, seat_map.height() // 2 - 10)
    assert colour_at(window, middle) not in (theme.tokens().tier1, theme.tokens().map)
    QTest.mouseClick(seat_map, Qt.MouseButton.LeftButton, pos=middle)
    basket = window.sell.state.basket
    assert basket is not None
    assert basket.lines == ()


def test_nearer_the_seats_are_points_that_can_be_tapped(window: TillWindow) -> None:
    unit = 4_711
    assert colour_at(window, window.sell_view.map.centre_of(unit)) == theme.tokens().tier1
    tap_unit(window, unit)
    assert window.sell.state.selected == {unit}


def test_a_seat_sold_elsewhere_is_repainted_and_its_neighbour_is_not(
    window: TillWindow, till: FakeTill
) -> None:
    seat_map = window.sell_view.map
    here, beside = seat_map.centre_of(4_711), seat_map.centre_of(4_712)
    till.set_states(1, UnitState.SOLD, [4_711])
    till.tell(News(NewsKind.AVAILABILITY, 1))
    assert colour_at(window, here) == theme.tokens().seat_sold
    assert colour_at(window, beside) == theme.tokens().tier1
