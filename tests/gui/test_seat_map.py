"""The map of 50,000 seats: areas and seats, keyboard, fingers, what is heard, what is repainted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QAccessible, QImage, QPointingDevice, QRegion, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from pos_app.presenters import language
from pos_app.presenters.seat_field import SeatField
from pos_app.presenters.sell_state import SellState, count_stock
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.model import Link, SyncStatus, UnitState
from pos_app.ui import seat_access, theme
from pos_app.ui.app import prepare
from pos_app.ui.camera import ZOOM_STEP
from pos_app.ui.controls import COMPACT
from pos_app.ui.seat_map import SeatMap
from tests.fakes.till import NOW, FakeTill, stocked_till
from tests.gui.robot import turn_loop
from tests.gui.seat_stage import stadium_field, stadium_till

STADIUM = stadium_till()
STADIUM_FIELD = stadium_field()
THEATRE = stocked_till()
THEATRE_FIELD = SeatField(THEATRE.plan())
ONLINE = SyncStatus(Link.ONLINE, None, None, 0, None, 0)
OFFLINE = SyncStatus(Link.OFFLINE, NOW, None, 0, None, 0)
NEAR = 1.0


def evening(till: FakeTill) -> SellState:
    house, states = till.house(1), till.availability(1).states
    stock = count_stock(house, states)
    basket = empty_basket(house.event)
    return SellState(house=house, states=states, stock=stock, basket=basket, status=ONLINE)


def changed(state: SellState, states: dict[int, UnitState]) -> SellState:
    assert state.house is not None
    return replace(state, states=states, stock=count_stock(state.house, states))


def with_units(state: SellState, *units: int) -> SellState:
    assert state.house is not None
    assert state.basket is not None
    basket = state.basket
    for unit in units:
        basket = add_unit(basket, state.house.event, 1, unit)
    return replace(state, basket=basket)


@dataclass
class Desk:
    """A map on screen, and what it said."""

    seat_map: SeatMap
    seats: SeatField
    state: SellState
    tapped: list[int] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)

    def show(self, state: SellState) -> None:
        self.state = state
        self.seat_map.show_state(state, self.seats)

    def press(
        self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    ) -> None:
        QTest.keyClick(self.seat_map, key, modifier)
        self.seat_map.settle()

    def click(self, at: QPoint) -> None:
        QTest.mouseClick(self.seat_map, Qt.MouseButton.LeftButton, pos=at)

    def picture(self) -> QImage:
        """What the map itself paints, without its buttons."""
        turn_loop()
        self.seat_map.settle()
        image = QImage(self.seat_map.size(), QImage.Format.Format_RGB32)
        self.seat_map.render(image, QPoint(), QRegion(), QWidget.RenderFlag(0))
        return image

    def middle_of(self, area_id: str) -> QPoint:
        """Where an area's middle is on screen."""
        area = next(each for each in self.seats.areas if each.area_id == area_id)
        x, y = self.seat_map._port.to_screen(*area.middle)
        return QPoint(round(x), round(y))

    def area_of_cursor(self) -> str:
        assert self.seat_map.cursor_unit is not None
        return self.seats.area_of(self.seat_map.cursor_unit).area_id

    def go_near(self, unit: int, zoom: float = NEAR) -> QPoint:
        """Bring a seat into view, at a zoom at which seats are seen; where it is then."""
        self.seat_map.centre_of(unit)
        self.seat_map.zoom_by(zoom / self.seat_map.zoom)
        return self.seat_map.centre_of(unit)


def open_desk(
    state: SellState, seats: SeatField, size: tuple[int, int] = (1000, 700), *, focus: bool = True
) -> Desk:
    made = SeatMap()
    made.resize(*size)
    made.show()
    if focus:
        made.activateWindow()
        made.setFocus()
    QTest.qWaitForWindowExposed(made)
    desk = Desk(made, seats, state)
    made.tapped.connect(desk.tapped.append)
    made.standing_tapped.connect(desk.areas.append)
    desk.show(state)
    made.settle()
    return desk


def close_desk(desk: Desk) -> None:
    desk.seat_map.close()
    desk.seat_map.deleteLater()
    turn_loop()


@pytest.fixture
def stadium() -> Iterator[Desk]:
    desk = open_desk(evening(STADIUM), STADIUM_FIELD)
    yield desk
    close_desk(desk)


@pytest.fixture
def theatre() -> Iterator[Desk]:
    desk = open_desk(evening(THEATRE), THEATRE_FIELD)
    yield desk
    close_desk(desk)


def unit_of(till: FakeTill, area_id: str, row: str, seat: str) -> int:
    return till.unit(area_id, row, seat)


class TestFromFarAway:
    def test_a_tap_on_an_area_brings_its_seats_near_and_picks_none(self, stadium: Desk) -> None:
        stadium.click(stadium.middle_of("area-214"))
        stadium.seat_map.settle()
        assert stadium.tapped == []
        assert stadium.seat_map.zoom >= NEAR
        assert stadium.area_of_cursor() == "area-214"
        unit = stadium.seat_map.cursor_unit
        assert unit is not None
        stadium.click(stadium.seat_map.centre_of(unit))
        assert stadium.tapped == [unit]

    def test_arrow_keys_walk_from_area_to_area_and_enter_goes_there(self, stadium: Desk) -> None:
        start = stadium.middle_of(stadium.area_of_cursor())
        stadium.press(Qt.Key.Key_Right)
        there = stadium.middle_of(stadium.area_of_cursor())
        assert (there.x() > start.x(), there.y()) == (True, start.y())
        stadium.press(Qt.Key.Key_Return)
        assert stadium.seat_map.zoom >= NEAR
        assert stadium.tapped == []
        before = stadium.seat_map.cursor_unit
        stadium.press(Qt.Key.Key_Right)
        assert stadium.seat_map.cursor_unit == (before or 0) - 1  # numbered clockwise
        stadium.press(Qt.Key.Key_Return)
        assert stadium.tapped == [stadium.seat_map.cursor_unit]

    def test_an_area_shows_how_many_are_free(self, stadium: Desk) -> None:
        before = stadium.picture()
        states = dict(stadium.state.states)
        for unit in STADIUM.plan().areas[20].units:
            states[unit] = UnitState.SOLD
        stadium.show(changed(stadium.state, states))
        after = stadium.picture()
        at = stadium.middle_of("area-121")
        around = [(x, y) for x in range(-12, 13) for y in range(-12, 13)]
        assert any(
            before.pixel(at.x() + x, at.y() + y) != after.pixel(at.x() + x, at.y() + y)
            for x, y in around
        )
        assert stadium.seat_map._picture is not None
        assert stadium.seat_map._picture.free_in("area-121") == 0

    def test_the_price_tier_looked_at_dims_the_other_areas(self, stadium: Desk) -> None:
        one, other = stadium.middle_of("area-104"), stadium.middle_of("area-111")
        corner = QPoint(12, -12)
        before = stadium.picture()
        stadium.show(replace(stadium.state, tier_id="one"))
        after = stadium.picture()
        assert before.pixel(one + corner) == after.pixel(one + corner)
        assert before.pixel(other + corner) != after.pixel(other + corner)
        assert stadium.seat_map._picture is not None
        assert stadium.seat_map._picture.free_in("area-111") == 0

    def test_what_is_ours_is_outlined_whole_and_what_is_not_is_broken(self, stadium: Desk) -> None:
        assert stadium.seat_map._picture is not None
        blocks = {
            area.area_id: stadium.seat_map._picture.block(area) for area in stadium.seats.areas
        }
        ours, theirs = blocks["area-101"], blocks["area-102"]
        assert (ours.ours_count > 0, theirs.ours_count, theirs.free_count > 0) == (True, 0, True)
        assert ours.line().style() is Qt.PenStyle.SolidLine
        assert theirs.line().style() is not Qt.PenStyle.SolidLine

    @pytest.mark.parametrize("name", theme.THEMES)
    def test_names_can_be_read_on_every_area(self, name: str) -> None:
        prepare("en", name)
        desk = open_desk(evening(STADIUM), STADIUM_FIELD, focus=False)
        picture = desk.seat_map._picture
        assert picture is not None
        for area in desk.seats.areas:
            block = picture.block(area)
            assert contrast(block.ink().name(), block.fill().name()) >= 4.5, area.area_id
        close_desk(desk)


def contrast(one: str, other: str) -> float:
    from tests.gui.test_look import contrast as ratio

    return ratio(one, other)


class TestTheKeyboard:
    def test_zooms_and_shows_all(self, stadium: Desk) -> None:
        control = Qt.KeyboardModifier.ControlModifier
        fit = stadium.seat_map.zoom
        stadium.press(Qt.Key.Key_PageUp)
        assert stadium.seat_map.zoom == pytest.approx(fit * ZOOM_STEP, rel=1e-3)
        stadium.press(Qt.Key.Key_Plus, control)
        assert stadium.seat_map.zoom == pytest.approx(fit * 2, rel=1e-3)
        stadium.press(Qt.Key.Key_Minus, control)
        stadium.press(Qt.Key.Key_PageDown)
        assert stadium.seat_map.zoom == pytest.approx(fit, rel=1e-3)
        stadium.press(Qt.Key.Key_PageUp)
        stadium.press(Qt.Key.Key_Home)
        assert stadium.seat_map.zoom == fit

    def test_comes_nearer_to_the_cursor(self, stadium: Desk) -> None:
        unit = stadium.seat_map.cursor_unit
        assert unit is not None
        for _step in range(6):
            stadium.press(Qt.Key.Key_PageUp)
        at = stadium.seat_map._port.to_screen(
            stadium.seats.spots[unit].x, stadium.seats.spots[unit].y
        )
        assert at == pytest.approx(stadium.seat_map._port.middle, abs=2)

    def test_shows_no_void_beyond_the_house_on_the_way(self, theatre: Desk) -> None:
        theatre.seat_map._pointer.cursor = unit_of(THEATRE, "stalls-centre", "1", "7")
        theatre.press(Qt.Key.Key_PageUp)
        top = theatre.seat_map._port.to_screen(*theatre.seats.bounds[:2])[1]
        assert top == pytest.approx(theatre.seat_map._port.view[1], abs=2)

    def test_shift_and_an_arrow_pick_along_the_row(self, theatre: Desk) -> None:
        start = unit_of(THEATRE, "stalls-centre", "7", "7")
        theatre.show(changed(theatre.state, dict.fromkeys(range(start, start + 3), UnitState.FREE)))
        theatre.seat_map._pointer.cursor = start
        shift = Qt.KeyboardModifier.ShiftModifier
        theatre.press(Qt.Key.Key_Right, shift)
        assert theatre.tapped == [start, start + 1]
        theatre.show(with_units(theatre.state, start, start + 1))
        theatre.press(Qt.Key.Key_Right, shift)
        assert theatre.tapped == [start, start + 1, start + 2]

    def test_a_held_enter_key_picks_once(self, theatre: Desk) -> None:
        theatre.press(Qt.Key.Key_Space)
        QTest.keyPress(theatre.seat_map, Qt.Key.Key_Space)
        assert len(theatre.tapped) == 2


@pytest.fixture(scope="module")
def fingers() -> QPointingDevice:
    return QTest.createTouchDevice()


class TestFingers:
    def test_a_tap_beside_a_seat_means_the_nearest(
        self, theatre: Desk, fingers: QPointingDevice
    ) -> None:
        at = theatre.seat_map.centre_of(unit := unit_of(THEATRE, "stalls-centre", "1", "7"))
        beside = at - QPoint(0, 12)
        theatre.click(beside)
        assert theatre.tapped == []  # the mouse is exact
        touch(theatre, fingers, [beside], [beside + QPoint(6, 4)])
        assert theatre.tapped == [unit]

    def test_one_finger_drags_and_picks_nothing(
        self, theatre: Desk, fingers: QPointingDevice
    ) -> None:
        unit = unit_of(THEATRE, "stalls-centre", "7", "8")
        before = theatre.seat_map.centre_of(unit)
        touch(theatre, fingers, [before], [before + QPoint(30, 10)], [before + QPoint(60, 20)])
        moved = theatre.seat_map.centre_of(unit) - before
        assert (moved.x(), moved.y()) == (60, 20)
        assert theatre.tapped == []

    def test_two_fingers_zoom_around_what_is_between_them(
        self, theatre: Desk, fingers: QPointingDevice
    ) -> None:
        unit = unit_of(THEATRE, "stalls-centre", "7", "8")
        at, zoom = theatre.seat_map.centre_of(unit), theatre.seat_map.zoom
        left, right = QPoint(-40, 0), QPoint(40, 0)
        pinch(theatre, fingers, [at + left, at + right], [at + left * 2, at + right * 2])
        assert theatre.seat_map.zoom == pytest.approx(zoom * 2, rel=0.01)
        apart = theatre.seat_map.centre_of(unit) - at
        assert apart.manhattanLength() <= 2
        assert theatre.tapped == []

    def test_two_taps_beside_the_seats_come_nearer(
        self, theatre: Desk, fingers: QPointingDevice
    ) -> None:
        zoom, at = theatre.seat_map.zoom, QPoint(30, 330)
        touch(theatre, fingers, [at])
        touch(theatre, fingers, [at])
        theatre.seat_map.settle()
        assert theatre.seat_map.zoom == pytest.approx(zoom * 2, rel=0.01)

    def test_a_finger_on_a_button_presses_it(self, theatre: Desk, fingers: QPointingDevice) -> None:
        theatre.seat_map.apply(COMPACT)
        (standing,) = theatre.seat_map._standing.buttons
        touch(theatre, fingers, [standing.geometry().center()])
        assert theatre.areas == ["standing"]
        zoom = theatre.seat_map.zoom
        nearer = theatre.seat_map._zoom_keys.buttons[0]
        touch(theatre, fingers, [nearer.mapTo(theatre.seat_map, nearer.rect().center())])
        theatre.seat_map.settle()
        assert theatre.seat_map.zoom > zoom

    def test_a_finger_on_a_standing_area_adds_places(
        self, theatre: Desk, fingers: QPointingDevice
    ) -> None:
        (standing,) = theatre.seat_map._standing.buttons
        beside = standing.geometry().topLeft() + QPoint(-20, 14)
        touch(theatre, fingers, [beside])
        assert theatre.areas == ["standing"]


def touch(desk: Desk, device: QPointingDevice, down: list[QPoint], *moves: list[QPoint]) -> None:
    """Put fingers down, move them, lift them."""
    sequence = QTest.touchEvent(desk.seat_map, device)
    for at, point in enumerate(down):
        sequence = sequence.press(at, point, desk.seat_map)
    sequence.commit()
    last = down
    for move in moves:
        sequence = QTest.touchEvent(desk.seat_map, device)
        for at, point in enumerate(move):
            sequence = sequence.move(at, point, desk.seat_map)
        sequence.commit()
        last = move
    sequence = QTest.touchEvent(desk.seat_map, device)
    for at, point in enumerate(last):
        sequence = sequence.release(at, point, desk.seat_map)
    sequence.commit()
    turn_loop()


pinch = touch


class TestMouse:
    def test_the_wheel_zooms_around_what_it_stands_on(self, stadium: Desk) -> None:
        at = stadium.middle_of("area-127")
        zoom = stadium.seat_map.zoom
        for _step in range(3):
            wheel(stadium, at, 120)
        stadium.seat_map.settle()
        assert stadium.seat_map.zoom == pytest.approx(zoom * ZOOM_STEP**3, rel=1e-3)
        assert (stadium.middle_of("area-127") - at).manhattanLength() <= 2

    def test_a_fine_wheel_zooms_finely(self, stadium: Desk) -> None:
        zoom = stadium.seat_map.zoom
        wheel(stadium, QPoint(500, 300), 30)
        stadium.seat_map.settle()
        assert stadium.seat_map.zoom == pytest.approx(zoom * ZOOM_STEP**0.25, rel=1e-3)

    def test_the_house_cannot_be_dragged_out_of_sight(self, stadium: Desk) -> None:
        for _drag in range(5):
            QTest.mousePress(stadium.seat_map, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
            QTest.mouseMove(stadium.seat_map, QPoint(900, 600))
            QTest.mouseRelease(stadium.seat_map, Qt.MouseButton.LeftButton, pos=QPoint(900, 600))
        corner = stadium.seat_map._port.to_screen(*stadium.seats.bounds[:2])
        assert corner[0] <= 510
        assert corner[1] <= 360


def wheel(desk: Desk, at: QPoint, delta: int) -> None:
    point = QPointF(at)
    event = QWheelEvent(
        point,
        desk.seat_map.mapToGlobal(point),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(desk.seat_map, event)


ZOOMS = [
    pytest.param(None, id="all of the house"),
    pytest.param(0.75, id="points"),
    pytest.param(1.5, id="seats"),
    pytest.param(3.0, id="numbers"),
]


class TestWhatIsPaintedAgain:
    """A map that changed must look like one that was opened afterwards."""

    @pytest.mark.parametrize("zoom", ZOOMS)
    def test_changes_all_over_the_house(self, zoom: float | None) -> None:
        first, second = evening(STADIUM), changed(evening(STADIUM), mixed(STADIUM))
        desk = at_zoom(first, zoom)
        before = desk.picture()
        desk.show(second)
        after = desk.picture()
        assert after != before
        assert after == at_zoom_picture(second, zoom)
        desk.show(first)
        assert desk.picture() == before
        close_desk(desk)

    @pytest.mark.parametrize("zoom", ZOOMS)
    def test_one_seat(self, zoom: float | None) -> None:
        first = evening(STADIUM)
        desk = at_zoom(first, zoom)
        desk.picture()
        unit = desk.seat_map.cursor_unit
        assert unit is not None
        second = changed(first, {**first.states, unit: UnitState.SOLD})
        desk.show(second)
        assert desk.picture() == at_zoom_picture(second, zoom)
        close_desk(desk)

    @pytest.mark.parametrize("zoom", ZOOMS)
    def test_offline_and_a_price_tier(self, zoom: float | None) -> None:
        first = evening(STADIUM)
        second = replace(first, status=OFFLINE, tier_id="one")
        desk = at_zoom(first, zoom)
        desk.picture()
        desk.show(second)
        assert desk.picture() == at_zoom_picture(second, zoom)
        close_desk(desk)

    def test_a_seat_in_the_basket_and_back(self) -> None:
        state = evening(STADIUM)
        desk = at_zoom(state, 1.5)
        empty = desk.picture()
        unit = desk.seat_map.cursor_unit
        assert unit is not None
        desk.show(with_units(state, unit))
        assert desk.picture() != empty
        desk.show(state)
        assert desk.picture() == empty
        close_desk(desk)

    def test_a_drag_in_many_steps_ends_where_one_step_does(self) -> None:
        pictures = []
        for steps in (1, 7):
            desk = at_zoom(evening(STADIUM), 0.75)
            at, by = QPoint(500, 300), QPoint(-35, 21)
            QTest.mousePress(desk.seat_map, Qt.MouseButton.LeftButton, pos=at)
            for step in range(1, steps + 1):
                QTest.mouseMove(desk.seat_map, at + by * 7 * step / steps)
                turn_loop()
            QTest.mouseRelease(desk.seat_map, Qt.MouseButton.LeftButton, pos=at + by * 7)
            desk.seat_map.hover_at(None)
            pictures.append(desk.picture())
            close_desk(desk)
        assert pictures[0] == pictures[1]

    def test_in_and_out_again_is_the_same_picture(self) -> None:
        desk = at_zoom(evening(STADIUM), None)
        before = desk.picture()
        for factor in (ZOOM_STEP, ZOOM_STEP, 1 / ZOOM_STEP, 1 / ZOOM_STEP):
            desk.seat_map.zoom_by(factor)
            desk.picture()
        desk.seat_map.fit()
        assert desk.picture() == before
        close_desk(desk)

    def test_another_theme_and_language(self) -> None:
        desk = at_zoom(evening(THEATRE), None, THEATRE_FIELD)
        desk.picture()
        prepare("zh_CN", "dark")
        desk.seat_map.retranslate()
        fresh = at_zoom(evening(THEATRE), None, THEATRE_FIELD)
        assert desk.picture() == fresh.picture()
        for one, other in zip(
            desk.seat_map._zoom_keys.buttons, fresh.seat_map._zoom_keys.buttons, strict=True
        ):
            assert one.icon().pixmap(20).toImage() == other.icon().pixmap(20).toImage()
        close_desk(desk)
        close_desk(fresh)

    def test_the_loop_paints_what_a_frame_had_no_time_for(self, stadium: Desk) -> None:
        stadium.seat_map.zoom_by(0.6 / stadium.seat_map.zoom, QPointF(500, 300))
        stadium.seat_map._port.stop()
        turns = 0
        while not stadium.seat_map.is_painted and turns < 200:
            QApplication.processEvents()
            turns += 1
        assert 0 < turns < 200


def mixed(till: FakeTill) -> dict[int, UnitState]:
    """Every fiftieth unit is something else."""
    states = dict(till.states[1])
    kinds = [UnitState.FREE, UnitState.LENT, UnitState.SOLD, UnitState.BLOCKED, UnitState.ASKING]
    for at, seat in enumerate(till.plan().seats[::50]):
        states[seat.unit] = kinds[at % len(kinds)]
    return states


def at_zoom(state: SellState, zoom: float | None, seats: SeatField = STADIUM_FIELD) -> Desk:
    """A map at rest over the seat in the middle, without keyboard and mouse."""
    desk = open_desk(evening(STADIUM) if seats is STADIUM_FIELD else state, seats, focus=False)
    desk.seat_map.clearFocus()
    if zoom is not None:
        assert desk.seat_map.cursor_unit is not None
        spot = seats.spots[desk.seat_map.cursor_unit]
        desk.seat_map.zoom_by(zoom / desk.seat_map.zoom, QPointF(*screen(desk, spot.x, spot.y)))
        desk.seat_map.settle()
    desk.show(state)
    return desk


def at_zoom_picture(state: SellState, zoom: float | None) -> QImage:
    desk = at_zoom(state, zoom)
    made = desk.picture()
    close_desk(desk)
    return made


def screen(desk: Desk, x: float, y: float) -> tuple[float, float]:
    return desk.seat_map._port.to_screen(x, y)


class TestWhatIsHeard:
    def test_the_map_is_a_table_whose_value_is_the_seat_under_the_cursor(
        self, theatre: Desk
    ) -> None:
        heard = QAccessible.queryAccessibleInterface(theatre.seat_map)
        assert heard.role() == QAccessible.Role.Table
        assert heard.text(QAccessible.Text.Name) == "Seat map"
        unit = unit_of(THEATRE, "stalls-centre", "7", "8")
        theatre.seat_map._pointer.cursor = unit
        said = heard.text(QAccessible.Text.Value)
        assert said.startswith("Stalls Centre · Row 7 Seat 8. Tier A   ¥580")
        assert said.endswith("Space to select")

    def test_from_far_away_it_is_the_area(self, stadium: Desk) -> None:
        heard = QAccessible.queryAccessibleInterface(stadium.seat_map)
        area = stadium.area_of_cursor().removeprefix("area-")
        said = heard.text(QAccessible.Text.Value)
        assert said.startswith(f"{area}. Category 1   ¥1,280")
        assert said.endswith("left")

    def test_what_a_seat_is_for_is_said(self, theatre: Desk) -> None:
        heard = QAccessible.queryAccessibleInterface(theatre.seat_map)
        marked = {
            "Wheelchair place": "wheelchair",
            "Restricted view": "restricted_view",
        }
        for words, attribute in marked.items():
            theatre.seat_map._pointer.cursor = next(
                seat.unit for seat in THEATRE.plan().seats if attribute in seat.attributes
            )
            assert words in heard.text(QAccessible.Text.Value)

    def test_the_value_is_told_anew_with_every_step(
        self, theatre: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[str] = []
        monkeypatch.setattr(seat_access, "value_changed", lambda shown: told.append(shown.spoken()))
        theatre.press(Qt.Key.Key_Right)
        theatre.press(Qt.Key.Key_Right)
        assert len(set(told)) == 2

    def test_what_is_picked_put_back_or_lost_is_announced(
        self, theatre: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said: list[str] = []
        monkeypatch.setattr(seat_access, "announce", lambda _map, words: said.append(words))
        unit = unit_of(THEATRE, "stalls-centre", "7", "8")
        empty = theatre.state
        theatre.show(with_units(empty, unit))
        assert said == ["Stalls Centre · Row 7 Seat 8. Selected"]
        theatre.show(empty)
        assert said[1].startswith("Stalls Centre · Row 7 Seat 8. Tier A")
        theatre.seat_map._pointer.cursor = unit
        theatre.show(changed(empty, {**empty.states, unit: UnitState.SOLD}))
        assert said[2] == "Stalls Centre · Row 7 Seat 8. Sold"
        theatre.show(
            changed(empty, {**empty.states, unit: UnitState.SOLD, unit + 1: UnitState.SOLD})
        )
        assert len(said) == 3  # not under the cursor

    def test_announcements_reach_qt(self, theatre: Desk) -> None:
        seat_access.announce(theatre.seat_map, "hello")
        seat_access.value_changed(theatre.seat_map)

    def test_a_map_that_is_gone_leaves_nothing_behind(self) -> None:
        desk = open_desk(evening(THEATRE), THEATRE_FIELD)
        QAccessible.queryAccessibleInterface(desk.seat_map)
        kept = len(seat_access._FACTORY.kept)
        close_desk(desk)
        assert len(seat_access._FACTORY.kept) == kept - 1


class TestTextSize:
    @pytest.mark.parametrize("percent", [100, 125, 150])
    @pytest.mark.parametrize("spoken", language.LANGUAGES)
    @pytest.mark.parametrize("size", [(864, 588), (1330, 884)], ids=["small", "large"])
    def test_names_fit_their_areas(
        self,
        percent: int,
        spoken: str,
        size: tuple[int, int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from pos_app.ui import seat_areas, seat_legend

        plain = theme.font
        monkeypatch.setattr(
            theme, "font", lambda px, weight=400: plain(px * percent // 100, weight)
        )
        language.set_language(spoken)
        desk = open_desk(evening(STADIUM), STADIUM_FIELD, size)
        picture = desk.seat_map._picture
        assert picture is not None
        zoom = desk.seat_map.zoom
        shown = 0
        for area in desk.seats.areas:
            block = picture.block(area)
            count = language.count(block.capacity)
            lines = seat_areas._lines(block, count, zoom, 17)
            shown += bool(lines)
            assert sum(line.high for line in lines) <= area.room[1] * zoom
            assert all(line.wide <= area.room[0] * zoom for line in lines)
        assert shown == len(desk.seats.areas)  # never less than a number
        assert seat_legend.legend_height() >= 48
        close_desk(desk)

    def test_seats_and_rows_keep_their_texts_in_bounds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What stands in a seat grows with the seat alone."""
        state = evening(THEATRE)
        pictures = []
        plain = theme.font
        for percent in (100, 150):
            monkeypatch.setattr(
                theme, "font", lambda px, weight=400, by=percent: plain(px * by // 100, weight)
            )
            desk = open_desk(state, THEATRE_FIELD, focus=False)
            unit = unit_of(THEATRE, "stalls-centre", "7", "8")
            at = desk.go_near(unit, 3.0)
            box = QRect(at.x() - 40, at.y() - 40, 80, 80)  # this seat and its neighbours
            pictures.append(desk.picture().copy(box))
            close_desk(desk)
        assert pictures[0] == pictures[1]
