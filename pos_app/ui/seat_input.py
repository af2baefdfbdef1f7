"""Mouse, fingers and wheel over the map, as taps, drags and pinches."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEventPoint, QGuiApplication, QMouseEvent, QTouchEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

DRAG_PX: Final = 8
FINGER_DRAG_PX: Final = 14
"""A finger is never quite still."""
FINGER_REACH_PX: Final = 20
"""A finger means the nearest seat, if that is no further than this."""
_PINCH_PX_MIN: Final = 10.0
_WHEEL_STEP: Final = 120


class TouchableMap(QWidget):
    """What a cashier's hand does, for a map to answer. Positions are pixels of the widget."""

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self._pressed_at: QPointF | None = None
        self._dragged = False
        self._fingers: dict[int, QPointF] = {}
        self._last_tap: tuple[QPointF, int] | None = None

    # --------------------------------------------------------------- for the map to answer

    def tap_at(self, at: QPointF, reach_px: float) -> None:
        """A tap: on the nearest thing within `reach_px`; 0 for the mouse, which is exact."""

    def double_tap_at(self, at: QPointF) -> None:
        """Two taps in quick succession."""

    def drag_by(self, dx: float, dy: float) -> None:
        """The map is held and moved."""

    def pinch_by(self, factor: float, at: QPointF) -> None:
        """Two fingers around a point moved apart or together."""

    def let_go(self) -> None:
        """No button or finger is down any more."""

    def hover_at(self, at: QPointF | None) -> None:
        """The mouse stands here, or has left."""

    def wheel_by(self, steps: float, at: QPointF) -> None:
        """The wheel was turned."""

    @property
    def is_dragged(self) -> bool:
        """Whether the map is being moved by hand."""
        return self._dragged

    # -------------------------------------------------------------------------------- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed_at, self._dragged = event.position(), False
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed_at is None:
            self.hover_at(event.position())
        else:
            self._drag_to(event.position(), DRAG_PX)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was_tap = self._pressed_at is not None and not self._dragged
        self._pressed_at, self._dragged = None, False
        self.let_go()
        if was_tap and event.button() is Qt.MouseButton.LeftButton:
            self.tap_at(event.position(), 0.0)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_tap_at(event.position())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.hover_at(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / _WHEEL_STEP
        if steps:
            self.wheel_by(steps, event.position())
        event.accept()

    def _drag_to(self, at: QPointF, threshold_px: int) -> None:
        """Move by what the hand moved, once it has left the place where it went down."""
        if self._pressed_at is None:
            return
        moved = at - self._pressed_at
        if self._dragged or moved.manhattanLength() > threshold_px:
            self._pressed_at, self._dragged = at, True
            self.drag_by(moved.x(), moved.y())

    # ------------------------------------------------------------------------------- fingers

    def event(self, event: QEvent) -> bool:
        if not isinstance(event, QTouchEvent):
            return super().event(event)
        kind = event.type()
        if kind == QEvent.Type.TouchBegin and self.childAt(event.points()[0].position().toPoint()):
            event.ignore()  # a button's: it hears it as a click
            return True
        if kind == QEvent.Type.TouchCancel:
            self._forget_fingers()
        else:
            self._touch(event)
        event.accept()
        return True

    def _touch(self, event: QTouchEvent) -> None:
        down = {
            point.id(): point.position()
            for point in event.points()
            if point.state() is not QEventPoint.State.Released
        }
        if len(down) != len(self._fingers):
            self._fingers_changed(event, down)
        elif len(down) == 1:
            self._drag_to(next(iter(down.values())), FINGER_DRAG_PX)
        elif len(down) > 1:
            self._pinch(down)
        self._fingers = down

    def _fingers_changed(self, event: QTouchEvent, down: dict[int, QPointF]) -> None:
        if not down:
            was_tap = self._pressed_at is not None and not self._dragged
            at = self._pressed_at or event.points()[0].position()  # where it went down
            self._forget_fingers()
            if was_tap:
                self._finger_tap(at, event.timestamp())
        elif len(down) == 1 and not self._fingers:
            self._pressed_at, self._dragged = next(iter(down.values())), False
        elif len(down) == 1:  # one of two was lifted: the other goes on dragging
            self.let_go()
            self._pressed_at, self._dragged = next(iter(down.values())), True
        else:
            self._pressed_at, self._dragged = None, True

    def _pinch(self, down: dict[int, QPointF]) -> None:
        ids = [one for one in down if one in self._fingers][:2]
        if len(ids) < 2:
            return
        before, after = [self._fingers[one] for one in ids], [down[one] for one in ids]
        apart_before, apart = _apart(*before), _apart(*after)
        middle_before, middle = (before[0] + before[1]) / 2, (after[0] + after[1]) / 2
        if min(apart_before, apart) >= _PINCH_PX_MIN:
            self.pinch_by(apart / apart_before, middle)
        moved = middle - middle_before
        if not moved.isNull():
            self.drag_by(moved.x(), moved.y())

    def _finger_tap(self, at: QPointF, at_ms: int) -> None:
        last, self._last_tap = self._last_tap, (at, at_ms)
        within_ms = QGuiApplication.styleHints().mouseDoubleClickInterval()
        if (
            last is not None
            and 0 < at_ms - last[1] < within_ms
            and _apart(last[0], at) < 2 * FINGER_REACH_PX
        ):
            self._last_tap = None
            self.double_tap_at(at)
        else:
            self.tap_at(at, FINGER_REACH_PX)

    def _forget_fingers(self) -> None:
        self._fingers = {}
        self._pressed_at, self._dragged = None, False
        self.let_go()


def _apart(one: QPointF, other: QPointF) -> float:
    between = other - one
    return float((between.x() ** 2 + between.y() ** 2) ** 0.5)
