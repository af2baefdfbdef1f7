"""The seat map: one painted widget for mouse, touch and keyboard."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QBoxLayout, QGestureEvent, QPinchGesture, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.services.model import UnitState
from pos_app.ui import seat_map_paint as paint
from pos_app.ui import theme
from pos_app.ui.camera import ZOOM_STEP, Box, Camera, fitted
from pos_app.ui.controls import Button, Metrics, card, retire
from pos_app.ui.seat_layer import SeatLayer
from pos_app.ui.seat_looks import Look, Shape, look_of
from pos_app.ui.seat_tips import seat_tip

if TYPE_CHECKING:
    from pos_app.presenters.seat_field import AreaOutline, SeatField, Spot
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import House

_DRAG_PX: Final = 8
_ZOOM_MS: Final = 120
_EDGE_PX: Final = 14
_STEPS: Final = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
BLOCKS_FROM_SEATS: Final = 5_000
BLOCKS_BELOW_ZOOM: Final = 0.55


class SeatMap(QWidget):
    """Paints a `SellState`; says which unit or standing area was tapped and decides nothing.

    One focus stop: the arrow keys move a cursor, Space taps it, PgUp, PgDn and Home zoom.
    """

    tapped = Signal(object)  # a unit: may be larger than C++'s int
    standing_tapped = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("seat_map")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, on=False)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self.setMinimumSize(320, 240)
        self._state: SellState | None = None
        self._layer: SeatLayer | None = None
        self._camera = Camera()
        self._fits = True  # the camera shows all of the house, and goes on doing so
        self._cursor: int | None = None
        self._hover: int | None = None
        self._pressed_at: QPointF | None = None
        self._dragged = False
        self._standing: dict[str, Button] = {}
        self._zoom_anim = QVariantAnimation(self)
        self._zoom_anim.setDuration(_ZOOM_MS)
        self._zoom_anim.valueChanged.connect(self._zoom_frame)
        self._zoom_from = (Camera(), Camera())
        self._zoom_card = card("card", "zoom_card")
        self._zoom_card.setParent(self)
        self._zoom_box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self._zoom_card)
        self._make_zoom_buttons()
        self.retranslate()

    # ------------------------------------------------------------------------------ what shows

    @property
    def cursor_unit(self) -> int | None:
        """The seat that the arrow keys stand on."""
        return self._cursor

    def show_state(self, state: SellState, field: SeatField | None) -> None:
        """Paint this state from now on."""
        if state.house is None or field is None:
            return
        fresh = self._layer is None or self._layer.field is not field
        if fresh:
            self._show_house(state.house, field)
        before, self._state = self._state, state
        if self._looks_differ(before, state) or fresh:
            self._show_looks(state, state.house)
        if self._cursor is None:
            self._cursor = _first_cursor(state, field)
        if before is not None and not fresh:
            self._follow(state.selected - before.selected, field)
        if before is None or self._overlay_of(before) != self._overlay_of(state):
            self.update()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes; in a low window the zoom keys lie beside the legend."""
        flat = QBoxLayout.Direction.LeftToRight
        self._zoom_box.setDirection(flat if metrics.compact else QBoxLayout.Direction.TopToBottom)
        self._place_zoom_card()

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Seat map"))
        self.setAccessibleDescription(_("Arrow keys move, Space picks, Page Up and Down zoom"))
        for name, text in (
            ("zoom_in", _("Zoom in")),
            ("zoom_out", _("Zoom out")),
            ("zoom_fit", _("Show the whole house")),
        ):
            button = self._zoom_card.findChild(Button, name)
            if button is not None:
                button.setAccessibleName(text)
                button.setToolTip(text)
        self._name_standing()
        self.update()

    def centre_of(self, unit: int) -> QPoint:
        """Where to click for a unit, after bringing it into view; KeyError for an unknown one."""
        if self._layer is None or self._state is None or self._state.house is None:
            raise KeyError(unit)
        spot = self._layer.field.spots.get(unit)
        if spot is None:
            return self._standing[self._state.house.plan.area_of(unit).id].geometry().center()
        self.settle()
        self._bring_into_view(spot)
        x, y = self._on_screen(spot)
        return QPoint(round(x), round(y))

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        zoom = self._zoom_card.findChildren(Button)
        return (self, *self._standing.values(), *zoom)

    def fit(self) -> None:
        """Show the whole house."""
        if self._layer is not None:
            self._fits = True
            self._move_to(fitted(self._layer.field.bounds, self._view()))

    def settle(self) -> None:
        """Be where the camera is going, at once."""
        if self._zoom_anim.state() == QVariantAnimation.State.Running:
            self._zoom_anim.stop()
            self._jump_to(self._zoom_from[1])

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a point of the widget, else around the cursor or the middle."""
        self._fits = False
        gliding = self._zoom_anim.state() == QVariantAnimation.State.Running
        start = self._zoom_from[1] if gliding else self._camera  # no step of many gets lost
        self._move_to(start.zoomed(factor, self._zoom_point(at), self._view()))

    # --------------------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        painter.fillRect(self.rect(), theme.colour("bg"))
        paint.paint_ground(painter, QRectF(self.rect()))
        if self._layer is not None and self._state is not None and self._state.house is not None:
            self._paint_house(painter, self._state, self._layer, QRectF(event.rect()))
        painter.end()

    def _paint_house(
        self, painter: QPainter, state: SellState, layer: SeatLayer, clip: QRectF
    ) -> None:
        camera, view, field = self._camera, self._view(), layer.field
        paint.paint_stage(painter, camera, view, field.stage, _("STAGE"))
        for area in field.areas:
            if area.standing:
                paint.paint_standing(painter, camera, view, area, self._standing_look(area))
        if self._too_far_for_seats(layer):
            self._paint_blocks(painter, state, field)
        else:
            layer.paint(painter, camera, view, clip)
            paint.paint_rows(painter, camera, view, field.row_labels, clip)
        paint.paint_pills(painter, camera, view, self._pills(state, field))
        self._paint_overlay(painter, state, field)
        paint.paint_legend(painter, legend_items(state), QRectF(self.rect()))
        self._paint_tip(painter, state)

    def _paint_blocks(self, painter: QPainter, state: SellState, field: SeatField) -> None:
        for area in field.areas:
            plan_area = state.house.plan.area(area.area_id) if state.house else None
            if plan_area is None or area.standing:
                continue
            free = state.stock.in_area(area.area_id, ours_only=state.offline)
            share = free / plan_area.capacity if plan_area.capacity else 0.0
            paint.paint_area_block(painter, self._camera, self._view(), area, share)

    def _paint_overlay(self, painter: QPainter, state: SellState, field: SeatField) -> None:
        camera, view = self._camera, self._view()
        for unit in state.asking:
            if unit in field.spots:
                ink = theme.colour("accent")
                paint.paint_ring(painter, camera, view, field.spots[unit], ink, dashed=True)
        rings = [
            (self._hover, "text3"),
            (self._cursor if self.hasFocus() else None, "seat_selected"),
        ]
        beneath = [ring for ring in rings if ring[0] not in state.selected]
        self._paint_rings(painter, beneath, field)  # not over the neighbour's check mark
        for unit in state.selected:
            if unit in field.spots:
                paint.paint_selected(painter, camera, view, field.spots[unit])
        self._paint_rings(painter, [ring for ring in rings if ring not in beneath], field)

    def _paint_rings(
        self, painter: QPainter, rings: list[tuple[int | None, str]], field: SeatField
    ) -> None:
        for unit, token in rings:
            if unit in field.spots:
                spot, ink = field.spots[unit], theme.colour(token)
                paint.paint_ring(painter, self._camera, self._view(), spot, ink)

    def _paint_tip(self, painter: QPainter, state: SellState) -> None:
        unit = self._hover
        if unit is None and self.hasFocus():
            unit = self._cursor
        spot = self._layer.field.spots.get(unit) if self._layer and unit is not None else None
        if spot is None or unit is None or state.house is None or self._dragged:
            return
        tip = seat_tip(state, unit, by_keyboard=self._hover is None)
        paint.paint_tip(painter, tip, self._on_screen(spot), QRectF(self.rect()))

    def _pills(self, state: SellState, field: SeatField) -> list[paint.Pill]:
        pills = []
        for area in field.areas:
            plan_area = state.house.plan.area(area.area_id) if state.house else None
            if plan_area is None or area.standing:
                continue
            free = state.stock.in_area(area.area_id, ours_only=state.offline)
            if free or not state.offline:
                name, count = words.name(plan_area.name), words.count(free)
                pills.append(
                    paint.Pill(name, count, area.x, area.y, area.clearance, dimmed=not free)
                )
        return pills

    # ------------------------------------------------------------------------------------ input

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed_at, self._dragged = event.position(), False
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._pressed_at is None:
            self._show_hover(self._unit_at(at))
        elif self._dragged or (at - self._pressed_at).manhattanLength() > _DRAG_PX:
            moved = at - self._pressed_at
            self._pressed_at, self._dragged = at, True
            self._fits = False
            self._jump_to(self._camera.moved(moved.x(), moved.y()))
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was_tap = self._pressed_at is not None and not self._dragged
        self._pressed_at, self._dragged = None, False
        if was_tap and event.button() is Qt.MouseButton.LeftButton:
            self._tap_at(event.position())
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Beside the seats: closer. On a seat nothing: a bouncing tap must not undo itself."""
        if self._unit_at(event.position()) is None:
            self.zoom_by(ZOOM_STEP**2, event.position())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._show_hover(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_by(ZOOM_STEP**steps, event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self._pinch(pinch)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _STEPS:
            self._step(*_STEPS[key])
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat() and self._cursor is not None:
                self.tapped.emit(self._cursor)
        elif key == Qt.Key.Key_PageUp:
            self.zoom_by(ZOOM_STEP)
        elif key == Qt.Key.Key_PageDown:
            self.zoom_by(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_Home:
            self.fit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place_zoom_card()
        if self._fits and self._layer is not None:
            self._jump_to(fitted(self._layer.field.bounds, self._view()))
        else:
            self._place_standing()
        super().resizeEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(880, 560)

    def _pinch(self, pinch: QPinchGesture) -> None:
        if QPinchGesture.ChangeFlag.ScaleFactorChanged in pinch.changeFlags():
            self._fits, self._pressed_at = False, None
            at = self._zoom_point(self.mapFromGlobal(pinch.centerPoint()))
            self._jump_to(self._camera.zoomed(pinch.scaleFactor(), at, self._view()))

    def _tap_at(self, at: QPointF) -> None:
        unit = self._unit_at(at)
        if unit is not None:
            self._cursor = unit
            self.tapped.emit(unit)
            self.update()
        elif self._layer is not None:
            area_id = self._layer.field.standing_at(*self._to_field(at))
            if area_id is not None:
                self.standing_tapped.emit(area_id)

    def _step(self, dx: int, dy: int) -> None:
        if self._layer is None or self._cursor is None:
            return
        self._hover = None
        self._cursor = self._layer.field.step(self._cursor, dx, dy)
        self._bring_into_view(self._layer.field.spots[self._cursor])
        self.setAccessibleDescription(self._cursor_words())
        self.update()

    # ------------------------------------------------------------------------------------ tools

    def _show_house(self, house: House, field: SeatField) -> None:
        self._layer = SeatLayer(field, self.devicePixelRatioF())
        letters = {tier.id: tier.letter for tier in house.event.price_tiers}
        self._layer.name_seats(
            {seat.unit: letters[house.event.tier_of(seat.unit)] for seat in house.plan.seats},
            {seat.unit: seat.label for seat in house.plan.seats},
        )
        self._cursor, self._hover = None, None
        for button in self._standing.values():
            retire(button)
        self._standing = {
            area.area_id: self._add_standing(area) for area in field.areas if area.standing
        }
        self._fits = True
        self._jump_to(fitted(field.bounds, self._view()))

    def _follow(self, added: frozenset[int], field: SeatField) -> None:
        """Seats picked by other means than the cursor: it waits beside the last of them."""
        seats = [unit for unit in added if unit in field.spots]
        if seats and self._cursor not in added:
            self._cursor = field.step(max(seats), 1, 0)

    def _show_looks(self, state: SellState, house: House) -> None:
        if self._layer is None:
            return
        colours = {tier.id: tier.colour_index for tier in house.event.price_tiers}
        known: dict[tuple[UnitState, str], Look] = {}
        looks = {}
        for unit in self._layer.field.spots:
            tier_id = house.event.tier_of(unit)
            key = (state.state_of(unit), tier_id)
            look = known.get(key)
            if look is None:
                filtered = state.tier_id not in (None, tier_id)
                look = look_of(
                    key[0], colours[tier_id], offline=state.offline, filtered_out=filtered
                )
                known[key] = look
            looks[unit] = look
        view = self._view()
        for box in self._layer.show(looks):
            left, top = self._camera.to_screen(box.left(), box.top(), view)
            right, bottom = self._camera.to_screen(box.right(), box.bottom(), view)
            self.update(QRectF(left, top, right - left, bottom - top).toAlignedRect())
        self._name_standing()

    @staticmethod
    def _looks_differ(before: SellState | None, state: SellState) -> bool:
        return before is None or (
            before.states is not state.states
            or before.house is not state.house
            or before.offline != state.offline
            or before.tier_id != state.tier_id
            or before.quantity != state.quantity
        )

    @staticmethod
    def _overlay_of(state: SellState) -> tuple[object, ...]:
        return (
            state.selected,
            state.asking,
            state.stock,
            state.offline,
            state.tier_id,
            state.number,
        )

    def _standing_look(self, area: AreaOutline) -> Look:
        state = self._state
        if state is None or state.house is None:
            return Look(Shape.PALE)
        event, plan_area = state.house.event, state.house.plan.area(area.area_id)
        tier = event.price_tier(event.tier_of(plan_area.first_unit)) if plan_area else None
        if plan_area is None or tier is None:
            return Look(Shape.PALE)
        free = state.stock.in_area(area.area_id, ours_only=state.offline)
        shown = UnitState.FREE if free else UnitState.SOLD
        filtered = state.tier_id not in (None, tier.id)
        return look_of(shown, tier.colour_index, offline=False, filtered_out=filtered)

    def _add_standing(self, area: AreaOutline) -> Button:
        button = Button(f"add_standing_{area.area_id}", "standing", 13, 700)
        button.setParent(self)
        button.clicked.connect(partial(self.standing_tapped.emit, area.area_id))
        button.show()
        return button

    def _name_standing(self) -> None:
        state = self._state
        for area_id, button in self._standing.items():
            area = state.house.plan.area(area_id) if state and state.house else None
            if state is None or area is None:
                continue
            free = state.stock.in_area(area_id, ours_only=state.offline)
            name = words.name(area.name)
            spoken = _("{area}, {free} left, add {n}").format(
                area=name, free=words.count(free), n=state.quantity
            )
            button.say(f"{name}  {words.count(free)}  +{state.quantity}", spoken)
        self._place_standing()

    def _place_standing(self) -> None:
        if self._layer is None:
            return
        for area in self._layer.field.areas:
            button = self._standing.get(area.area_id)
            if button is None:
                continue
            x, y = self._camera.to_screen(area.x, area.y, self._view())
            size = button.sizeHint()
            button.setGeometry(round(x - size.width() / 2), round(y - 15), size.width(), 30)

    def _make_zoom_buttons(self) -> None:
        self._zoom_box.setContentsMargins(1, 1, 1, 1)
        self._zoom_box.setSpacing(2)
        for name, drawing, act in (
            ("zoom_in", "plus", lambda: self.zoom_by(ZOOM_STEP)),
            ("zoom_out", "minus", lambda: self.zoom_by(1 / ZOOM_STEP)),
            ("zoom_fit", "maximize", self.fit),
        ):
            button = Button(name, "icon")
            button.show_icon(drawing, "text")
            button.setFixedSize(46, 46)
            button.clicked.connect(act)
            self._zoom_box.addWidget(button)

    def _place_zoom_card(self) -> None:
        self._zoom_box.activate()
        size = self._zoom_card.sizeHint()
        edge = 4 if self._zoom_box.direction() is QBoxLayout.Direction.LeftToRight else _EDGE_PX
        self._zoom_card.setGeometry(
            self.width() - size.width() - edge,
            self.height() - size.height() - edge,
            size.width(),
            size.height(),
        )

    def _view(self) -> Box:
        """The part of the widget that the house is fitted into: not under the legend."""
        return (
            _EDGE_PX,
            _EDGE_PX,
            max(self.width() - _EDGE_PX, _EDGE_PX + 1),
            max(self.height() - paint.LEGEND_HEIGHT, _EDGE_PX + 1),
        )

    def _too_far_for_seats(self, layer: SeatLayer) -> bool:
        many = len(layer.field.spots) > BLOCKS_FROM_SEATS
        return many and self._camera.zoom < BLOCKS_BELOW_ZOOM

    def _to_field(self, at: QPointF) -> tuple[float, float]:
        return self._camera.to_field(at.x(), at.y(), self._view())

    def _unit_at(self, at: QPointF) -> int | None:
        if self._layer is None or self._too_far_for_seats(self._layer):
            return None
        return self._layer.field.seat_at(*self._to_field(at))

    def _on_screen(self, spot: Spot) -> tuple[float, float]:
        return self._camera.to_screen(spot.x, spot.y, self._view())

    def _is_clear(self, at: tuple[float, float]) -> bool:
        """Whether a point is in view and under no button."""
        point = QPoint(round(at[0]), round(at[1]))
        inside = self.rect().adjusted(20, 20, -20, -paint.LEGEND_HEIGHT)
        covers = (self._zoom_card, *self._standing.values())
        return inside.contains(point) and not any(one.geometry().contains(point) for one in covers)

    def _bring_into_view(self, spot: Spot) -> None:
        """Where a seat is hidden, or too small to be a seat, show it in the middle."""
        too_far = self._layer is not None and self._too_far_for_seats(self._layer)
        if not too_far and self._is_clear(self._on_screen(spot)):
            return
        self._fits = False
        zoom = max(self._camera.zoom, 1.0)
        self._jump_to(Camera(spot.x, spot.y, zoom, self._camera.fit_zoom))

    def _zoom_point(self, at: QPointF | QPoint | None) -> tuple[float, float]:
        if at is not None:
            return float(at.x()), float(at.y())
        spots = self._layer.field.spots if self._layer else {}
        if self._cursor in spots and self.hasFocus():
            return self._on_screen(spots[self._cursor])
        view = self._view()
        return (view[0] + view[2]) / 2, (view[1] + view[3]) / 2

    def _show_hover(self, unit: int | None) -> None:
        if unit != self._hover:
            self._hover = unit
            self.update()

    def _cursor_words(self) -> str:
        if self._state is None or self._cursor is None:
            return ""
        tip = seat_tip(self._state, self._cursor, by_keyboard=True)
        return f"{tip.title}. {tip.detail}"

    def _move_to(self, camera: Camera) -> None:
        """Glide there, in a tenth of a second."""
        self._zoom_anim.stop()
        self._zoom_from = (self._camera, camera)
        self._zoom_anim.setStartValue(0.0)
        self._zoom_anim.setEndValue(1.0)
        self._zoom_anim.start()

    def _zoom_frame(self, share: float) -> None:
        start, end = self._zoom_from
        self._jump_to(
            Camera(
                start.x + (end.x - start.x) * share,
                start.y + (end.y - start.y) * share,
                start.zoom + (end.zoom - start.zoom) * share,
                end.fit_zoom,
            )
        )

    def _jump_to(self, camera: Camera) -> None:
        bounds = self._layer.field.bounds if self._layer else (0.0, 0.0, 0.0, 0.0)
        self._camera = camera.kept_near(bounds)
        self._place_standing()
        self.update()


def _first_cursor(state: SellState, field: SeatField) -> int | None:
    """Where the arrow keys begin: on a seat to be had, as near the middle as there is one."""
    free = state.pickable(field.spots, {UnitState.FREE})
    return field.middle_seat(free) or field.middle_seat(field.spots)


def legend_items(state: SellState) -> list[paint.LegendItem]:
    """What the legend explains: the states that can be seen now."""
    event = state.house.event if state.house else None
    tiers = [tier.colour_index for tier in event.price_tiers] if event else []
    filled = tuple(Look(Shape.FILLED, tier) for tier in tiers)
    items = [paint.LegendItem(filled, _("Sold here"))]
    if not state.offline:
        outlined = (Look(Shape.OUTLINED, tiers[1 if len(tiers) > 1 else 0]),) if tiers else ()
        items.append(paint.LegendItem(outlined, _("On request")))
    items += [
        paint.LegendItem((Look(Shape.SELECTED),), _("Selected")),
        paint.LegendItem((Look(Shape.SLASHED),), _("Held elsewhere")),
        paint.LegendItem(
            (Look(Shape.PALE),), _("Sold or not ours") if state.offline else _("Sold")
        ),
    ]
    return items
