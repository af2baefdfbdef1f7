"""The seat map: one painted widget for mouse, touch and keyboard."""

# ruff: noqa: D102 - Qt's virtual methods and the map's answers to a hand are described elsewhere

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QStyle, QWidget

from pos_app.presenters.language import _
from pos_app.presenters.seat_field import REACH
from pos_app.services.model import UnitState
from pos_app.ui import seat_access
from pos_app.ui.camera import ZOOM_STEP, Camera
from pos_app.ui.seat_input import TouchableMap
from pos_app.ui.seat_legend import legend_height
from pos_app.ui.seat_painter import SeatPainter
from pos_app.ui.seat_picture import SeatPicture
from pos_app.ui.seat_pointer import Pointer, Scene, changes_in_words
from pos_app.ui.seat_standing import StandingKeys
from pos_app.ui.seat_viewport import Viewport
from pos_app.ui.seat_zoom_keys import ZoomKeys

if TYPE_CHECKING:
    from pos_app.presenters.seat_field import AreaOutline, SeatField, Spot
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import House
    from pos_app.ui.controls import Metrics

_EDGE_PX: Final = 14
_SEATS_ZOOM: Final = 1.0
"""How near the map comes by itself when a seat is to be seen."""
_TO_BE_HAD: Final = (UnitState.FREE, UnitState.ELSEWHERE)
_STEPS: Final = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_NEARER: Final = (Qt.Key.Key_PageUp, Qt.Key.Key_Plus, Qt.Key.Key_Equal)
_FURTHER: Final = (Qt.Key.Key_PageDown, Qt.Key.Key_Minus)
_PICKS: Final = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)

_REDRESSED: Final = (
    QEvent.Type.StyleChange,
    QEvent.Type.PaletteChange,
    QEvent.Type.FontChange,
    QEvent.Type.DevicePixelRatioChange,
)


class SeatMap(TouchableMap):
    """Paints a `SellState`; says which unit or standing area was tapped and decides nothing.

    One focus stop. The arrow keys move a cursor from seat to seat, from far away from area to area;
    Space or Enter picks the seat or goes to the area, Shift with an arrow picks along the row,
    PgUp and PgDn, or Ctrl with + and -, zoom (the till's window takes + and - for itself), Home shows
    all.
    """

    tapped = Signal(object)  # a unit: may be larger than C++'s int
    standing_tapped = Signal(str)

    def __init__(self) -> None:
        seat_access.install()
        super().__init__()
        self.setObjectName("seat_map")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, on=False)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(320, 240)
        self._state: SellState | None = None
        self._is_sought = False  # somebody types where the cursor is to be
        self._pointer = Pointer()
        self._port = Viewport(self)
        self._port.moved.connect(self._moved)
        self._painter = SeatPainter(self, self._port)
        self._standing = StandingKeys(self, self.standing_tapped.emit)
        self._zoom_keys = ZoomKeys(self)
        self._zoom_keys.nearer.connect(lambda: self.zoom_by(ZOOM_STEP))
        self._zoom_keys.further.connect(lambda: self.zoom_by(1 / ZOOM_STEP))
        self._zoom_keys.fit.connect(self.fit)
        self.retranslate()

    # ------------------------------------------------------------------------------ what shows

    @property
    def cursor_unit(self) -> int | None:
        """The seat that the arrow keys stand on."""
        return self._pointer.cursor

    @property
    def zoom(self) -> float:
        """Pixels per tenth of the distance between neighbours, when the map is at rest."""
        return self._port.goal.zoom

    @property
    def is_painted(self) -> bool:
        """Whether nothing in view waits to be painted."""
        return self._painter.is_done

    def show_state(self, state: SellState, field: SeatField | None) -> None:
        """Paint this state from now on."""
        house = state.house
        if house is None or field is None:
            return
        before, self._state = self._state, state
        picture = self._picture
        fresh = picture is None or picture.field is not field
        if picture is None or fresh or before is None or before.house is not house:
            picture = self._show_house(house, field, fresh=fresh)
            before = None
        self._show_units(picture, before, state)
        self._pointer.start(state, field)
        if before is not None:
            self._pointer.follow(state.selected - before.selected, field)
            for change in changes_in_words(before, state, self._pointer.cursor):
                seat_access.announce(self, change)
        self._show_overlay()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._zoom_keys.apply(metrics)
        self.update()  # the legend may be wider or less wide now

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Seat map"))
        self.setAccessibleDescription(_("Arrow keys move, Space picks, Page Up and Down zoom"))
        self._zoom_keys.retranslate()
        self._painter.forget()
        if self._state is not None:
            self._name_areas(self._state)
            self._show_overlay()

    def spoken(self) -> str:
        """What is under the cursor, for those who hear the map."""
        scene = self._scene()
        return self._pointer.spoken(scene) if scene else ""

    def centre_of(self, unit: int) -> QPoint:
        """Where to click for a unit, after bringing it into view; KeyError for an unknown one."""
        if self._picture is None:
            raise KeyError(unit)
        spot = self._picture.field.spots.get(unit)
        if spot is None:
            return self._standing.centre_of(self._picture.field.area_of(unit).area_id)
        self.settle()
        self._bring_into_view(spot)
        self.settle()
        x, y = self._port.to_screen(spot.x, spot.y)
        return QPoint(round(x), round(y))

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        return (self, *self._standing.buttons, *self._zoom_keys.buttons)

    def point_to(self, unit: int) -> None:
        """Put the cursor on a seat and bring it into view, wherever the keyboard is."""
        spot = self._picture.field.spots.get(unit) if self._picture else None
        if spot is None:
            return
        self._pointer.leave()
        self._pointer.cursor = unit
        self._is_sought = True
        self._bring_into_view(spot)
        self._cursor_moved()

    def stop_seeking(self) -> None:
        """The cursor shows again only while the keyboard is here."""
        if self._is_sought:
            self._is_sought = False
            self._show_overlay()

    def fit(self) -> None:
        """Show the whole house."""
        if self._picture is not None:
            self._port.fit(animated=self._is_animated())

    def settle(self) -> None:
        """Be where the camera is going, at once, and paint all that is in view."""
        self._port.stop()
        self._painter.finish()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a point of the widget, else around the middle; nearer, to the cursor."""
        port, animated = self._port, self._is_animated()
        spot = self._cursor_spot() if at is None and factor > 1.0 else None
        if spot is not None:
            port.come_to(spot.x, spot.y, factor, animated=animated)
        else:
            place = port.middle if at is None else (at.x(), at.y())
            port.zoom_by(factor, place, animated=animated)

    def _cursor_spot(self) -> Spot | None:
        """The cursor's seat, while the keyboard is here."""
        cursor = self._pointer.cursor
        if self._picture is None or cursor is None or not self.hasFocus():
            return None
        return self._picture.field.spots.get(cursor)

    def paintEvent(self, event: QPaintEvent) -> None:
        keys = self._zoom_keys
        right = keys.geometry().left() if keys.is_flat else self.width()
        self._painter.paint(event, self._state, right - 8.0)

    # ------------------------------------------------------------------------------------ a hand

    def tap_at(self, at: QPointF, reach_px: float) -> None:
        picture = self._picture
        if picture is None:
            return
        x, y = self._port.to_field(at.x(), at.y())
        area = picture.field.area_at(x, y)
        if picture.shows_areas(self._port.camera.zoom):
            if area is not None and not area.standing:
                self._go_to(area)
                return
        elif (unit := self._unit_at(at, reach_px)) is not None:
            self._pointer.cursor = unit
            self.tapped.emit(unit)
            self._show_overlay()
            return
        if area is not None and area.standing:
            self.standing_tapped.emit(area.area_id)

    def double_tap_at(self, at: QPointF) -> None:
        """Beside the seats: closer. On a seat nothing: a bouncing tap must not undo itself."""
        picture = self._picture
        if picture is None or picture.shows_areas(self._port.goal.zoom) or self._port.is_gliding:
            return
        if self._unit_at(at, 0.0) is None:
            self.zoom_by(ZOOM_STEP**2, at)

    def drag_by(self, dx: float, dy: float) -> None:
        self._pointer.leave()
        self._port.drag_by(dx, dy)

    def pinch_by(self, factor: float, at: QPointF) -> None:
        self._port.pinch_by(factor, (at.x(), at.y()))

    def let_go(self) -> None:
        self._port.release()
        self._show_overlay()

    def hover_at(self, at: QPointF | None) -> None:
        picture = self._picture
        unit = area = None
        if at is not None and picture is not None:
            if picture.shows_areas(self._port.camera.zoom):
                found = picture.field.area_at(*self._port.to_field(at.x(), at.y()))
                area = found if found is not None and not found.standing else None
            else:
                unit = self._unit_at(at, 0.0)
        if self._pointer.point_at(unit, area):
            self._show_overlay()

    def wheel_by(self, steps: float, at: QPointF) -> None:
        self.zoom_by(ZOOM_STEP**steps, at)

    # ------------------------------------------------------------------------------ the keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _STEPS:
            extends = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._step(*_STEPS[key], extends=extends)
        elif key in _PICKS:
            if not event.isAutoRepeat():
                self._pick()
        elif key in _NEARER:
            self.zoom_by(ZOOM_STEP)
        elif key in _FURTHER:
            self.zoom_by(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_Home:
            self.fit()
        else:
            super().keyPressEvent(event)

    def _step(self, dx: int, dy: int, *, extends: bool) -> None:
        scene, before = self._scene(), self._pointer.cursor
        if scene is None or before is None:
            return
        self._pointer.leave()
        field, area = scene.picture.field, self._pointer.cursor_area(scene)
        if area is not None:
            there = field.area_step(area, dx, dy)
            self._pointer.cursor = before if there is area else field.seat_in(there)
        else:
            after = self._pointer.cursor = field.step(before, dx, dy)
            self._bring_into_view(field.spots[after])
            if extends:
                self._extend(before, after)
        self._cursor_moved()

    def _extend(self, before: int, after: int) -> None:
        """Pick the seat that the cursor left and the one it came to, as far as they are to be had."""
        for unit in (before, after):
            state = self._state
            if state is not None and unit in state.pickable([unit], _TO_BE_HAD):
                self.tapped.emit(unit)

    def _pick(self) -> None:
        scene, cursor = self._scene(), self._pointer.cursor
        area = self._pointer.cursor_area(scene) if scene else None
        if area is not None:
            self._go_to(area)
        elif cursor is not None:
            self.tapped.emit(cursor)

    def _go_to(self, area: AreaOutline) -> None:
        """Come near enough to an area to see its seats."""
        picture = self._picture
        if picture is None:
            return
        self._pointer.leave()
        self._pointer.cursor = picture.field.seat_in(area) or self._pointer.cursor
        self._port.show_box(area.box, _SEATS_ZOOM, animated=self._is_animated())
        self._cursor_moved()

    def _cursor_moved(self) -> None:
        self._show_overlay()
        seat_access.value_changed(self)

    # -------------------------------------------------------------------------- Qt's own events

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._show_overlay()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._show_overlay()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Another theme, another text size: everything is painted anew."""
        if event.type() in _REDRESSED:
            self._painter.forget()
            self._zoom_keys.redress()
            self._place()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()
        super().resizeEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(880, 560)

    # ------------------------------------------------------------------------------------ tools

    def _show_house(self, house: House, field: SeatField, *, fresh: bool) -> SeatPicture:
        picture = SeatPicture(house, field, self.devicePixelRatioF())
        self._painter.picture = picture
        if fresh:
            self._pointer.forget()
            self._standing.show_areas(field.areas)
            self._port.show_house(field.bounds, self.devicePixelRatioF())
        self._keep_fit()
        self.update()
        return picture

    def _show_units(self, picture: SeatPicture, before: SellState | None, state: SellState) -> None:
        """Take what became of the units, and paint again what shows it."""
        tuned = picture.tune(offline=state.offline, tier_id=state.tier_id)
        changed = picture.update(state.states)
        if before is None or tuned or changed:
            self.update()
        if before is None or changed or tuned or before.quantity != state.quantity:
            self._name_areas(state)

    def _name_areas(self, state: SellState) -> None:
        """Say at each area how much of it is free."""
        self._standing.name(state)
        self._standing.place(self._port)
        self._painter.name_areas(ours_only=state.offline)

    def _show_overlay(self) -> None:
        scene = self._scene()
        self._painter.lay_over(self._pointer.items(scene) if scene else ())

    def _scene(self) -> Scene | None:
        state, picture = self._state, self._picture
        if state is None or picture is None:
            return None
        return Scene(
            state,
            picture,
            picture.shows_areas(self._port.goal.zoom),
            self.hasFocus() or self._is_sought,
            self.is_dragged,
            (self.width(), self.height()),
        )

    def _moved(self) -> None:
        """The camera did."""
        self._standing.place(self._port)
        self._show_overlay()
        self.update()

    def _place(self) -> None:
        """Lay out what lies on the map."""
        self._zoom_keys.place()
        right = max(self.width() - _EDGE_PX, _EDGE_PX + 1)
        bottom = max(self.height() - legend_height(), _EDGE_PX + 1)
        self._port.set_view((_EDGE_PX, _EDGE_PX, right, bottom))
        self._keep_fit()

    def _keep_fit(self) -> None:
        """The tiles of the whole house are never given up."""
        if self._picture is not None:
            self._picture.tiles.kept_zoom = self._port.fit_zoom

    @property
    def _picture(self) -> SeatPicture | None:
        return self._painter.picture

    def _unit_at(self, at: QPointF, reach_px: float) -> int | None:
        """The seat at a point; a finger's is the nearest one."""
        picture, zoom = self._picture, self._port.camera.zoom
        if picture is None or picture.shows_areas(zoom):
            return None
        x, y = self._port.to_field(at.x(), at.y())
        return picture.field.seat_at(x, y, max(REACH, reach_px / zoom))

    def _is_clear(self, at: tuple[float, float]) -> bool:
        """Whether a point is in view and under no button."""
        point = QPoint(round(at[0]), round(at[1]))
        inside = self.rect().adjusted(20, 20, -20, -legend_height())
        covers = (self._zoom_keys, *self._standing.buttons)
        return inside.contains(point) and not any(one.geometry().contains(point) for one in covers)

    def _bring_into_view(self, spot: Spot) -> None:
        """Where a seat is hidden, or too small to be a seat, show it in the middle."""
        port, goal = self._port, self._port.goal
        far = self._picture is not None and self._picture.shows_areas(goal.zoom)
        if not far and self._is_clear(goal.to_screen(spot.x, spot.y, port.view)):
            return
        port.fits = False
        zoom = max(goal.zoom, _SEATS_ZOOM)
        port.jump_to(Camera(spot.x, spot.y, zoom, goal.fit_zoom))

    def _is_animated(self) -> bool:
        """Whether this desk wants things to move."""
        hint = QStyle.StyleHint.SH_Widget_Animation_Duration
        return self.isVisible() and self.style().styleHint(hint, None, self) > 0
