"""How a seat looks: a small value per seat, a colour for far away, a sprite for near."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap

from pos_app.services.model import UnitState
from pos_app.ui import theme
from ticketing.seating import SeatAttribute

SEAT: Final = 7.8
"""Side of a seat in field units; seats stand ten apart."""
SELECTED_SCALE: Final = 1.38
"""Selected seats are as much larger as the room between seats allows."""
_CORNER: Final = 0.3
_DIMMED: Final = 0.55
_FILTERED: Final = 0.22
_TINT: Final = 0.20
_ANGLE_STEP: Final = 3.0
_SPRITES_MAX: Final = 4_000
_MARKS_FROM_PX: Final = 7.0
"""Smaller seats show no marks: they would be blots."""


class Shape(StrEnum):
    """What is drawn: a state never differs by colour alone."""

    FILLED = "filled"  # ours: may be sold now
    OUTLINED = "outlined"  # free in the venue: may be asked for
    PALE = "pale"  # sold, or out of reach
    SLASHED = "slashed"  # held by another window
    BARRED = "barred"  # kept back by the house
    SELECTED = "selected"


class Mark(StrEnum):
    """What a seller must know of a seat, as the shape of a seat that can be had."""

    NONE = ""
    WHEELCHAIR = "wheelchair"  # a wheel
    COMPANION = "companion"  # the wheel's hub: beside one
    RESTRICTED_VIEW = "restricted_view"  # a corner is missing
    AISLE = "aisle"  # square corners


@dataclass(frozen=True, slots=True)
class Look:
    """One way for a seat to look; `tier` is a colour index, `strength` 1 or dimmed."""

    shape: Shape
    tier: int = 0
    strength: float = 1.0
    mark: Mark = Mark.NONE

    def colour(self) -> QColor:
        """What the seat is from far away."""
        values = theme.tokens()
        plain = {
            Shape.FILLED: values.tier(self.tier),
            Shape.OUTLINED: values.tier(self.tier),
            Shape.PALE: values.seat_sold,
            Shape.SLASHED: values.seat_held,
            Shape.BARRED: values.seat_sold,
            Shape.SELECTED: values.seat_selected,
        }[self.shape]
        share = self.strength * (0.45 if self.shape is Shape.OUTLINED else 1.0)
        return over_map(QColor(plain), share)


def mark_of(attributes: Collection[SeatAttribute]) -> Mark:
    """The mark of a seat with these attributes: the weightiest of them."""
    order = (
        (SeatAttribute.WHEELCHAIR, Mark.WHEELCHAIR),
        (SeatAttribute.COMPANION, Mark.COMPANION),
        (SeatAttribute.RESTRICTED_VIEW, Mark.RESTRICTED_VIEW),
        (SeatAttribute.AISLE, Mark.AISLE),
    )
    return next((mark for attribute, mark in order if attribute in attributes), Mark.NONE)


def marked(look: Look, mark: Mark) -> Look:
    """The look of a seat with this mark; only seats that can be had show one."""
    can_be_had = look.shape in (Shape.FILLED, Shape.OUTLINED)
    return replace(look, mark=mark) if can_be_had else look


def look_of(state: UnitState, tier: int, *, offline: bool, filtered_out: bool) -> Look:
    """How a seat in this state looks; offline, what is not ours falls back."""
    dimmed = _DIMMED if offline else 1.0
    if state is UnitState.FREE:
        look = Look(Shape.FILLED, tier)
    elif state in (UnitState.LENT, UnitState.PARKED):
        look = Look(Shape.SLASHED, 0, dimmed)
    elif state is UnitState.BLOCKED:
        look = Look(Shape.BARRED, 0, dimmed)
    elif state is UnitState.SOLD or offline:
        look = Look(Shape.PALE, 0, dimmed)
    else:
        look = Look(Shape.OUTLINED, tier)
    return replace(look, strength=look.strength * _FILTERED) if filtered_out else look


def tint_of(look: Look, *, line: bool) -> QColor:
    """The line around a seat that can be asked for, and what is inside of it."""
    ink = QColor(theme.tokens().tier(look.tier))
    return over_map(ink, look.strength * (1.0 if line else _TINT))


def over_map(ink: QColor, share: float) -> QColor:
    """`ink` laid over the map's ground: dimming without transparency, so that points may overlap."""
    ground = theme.colour("map")
    return QColor(
        round(ground.red() + (ink.red() - ground.red()) * share),
        round(ground.green() + (ink.green() - ground.green()) * share),
        round(ground.blue() + (ink.blue() - ground.blue()) * share),
    )


class Sprites:
    """Seats drawn once per look, size, turn and text; emptied when there are too many."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._made: dict[tuple[Look, int, int, str], QPixmap] = {}

    def get(self, look: Look, side: float, turn: int, text: str = "") -> QPixmap:
        """A seat of about `side` pixels; `turn` as `turn_of` says."""
        quarter_px = round(side * 4)
        key = (look, quarter_px, turn, text)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _SPRITES_MAX:
                self._made.clear()
            made = self._draw(look, quarter_px / 4, turn * _ANGLE_STEP, text)
            self._made[key] = made
        return made

    def _draw(self, look: Look, side: float, angle: float, text: str) -> QPixmap:
        room = int(side * 1.5) + 4
        made = QPixmap(round(room * self._ratio), round(room * self._ratio))
        made.setDevicePixelRatio(self._ratio)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(room / 2, room / 2)
        painter.save()
        if look.shape is not Shape.SLASHED:  # a round one; its slash always leans the same way
            painter.rotate(angle)
        draw_seat(painter, look, side, lettered=bool(text))
        painter.restore()
        if text:
            _draw_text(painter, look, side, text)
        painter.end()
        return made


def turn_of(angle: float) -> int:
    """A row's direction in the steps in which seats are drawn turned."""
    return round(angle / _ANGLE_STEP)


def draw_seat(painter: QPainter, look: Look, side: float, *, lettered: bool = False) -> None:
    """Draw a seat around the painter's origin; `lettered`: its mark leaves room for a text."""
    half = side / 2
    box = QRectF(-half, -half, side, side)
    mark = look.mark if side >= _MARKS_FROM_PX else Mark.NONE
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.colour())
    if look.shape is Shape.OUTLINED:
        line = max(1.0, side * 0.14)
        ink = tint_of(look, line=True)
        painter.setBrush(tint_of(look, line=False))
        painter.setPen(QPen(ink, line))
        _draw_body(painter, box.adjusted(line / 2, line / 2, -line / 2, -line / 2), mark)
        _draw_mark(painter, mark, side, ink, lettered=lettered)
    elif look.shape is Shape.SLASHED:
        line = max(1.0, side * 0.11)
        painter.setPen(QPen(look.colour(), line))
        painter.setBrush(theme.colour("map"))
        painter.drawEllipse(box.adjusted(line / 2, line / 2, -line / 2, -line / 2))
        reach = half * 0.5
        painter.drawLine(QPointF(-reach, reach), QPointF(reach, -reach))
    else:
        _draw_body(painter, box, mark)
        if look.shape is Shape.SELECTED:
            _draw_check(painter, side)
        elif look.shape is Shape.BARRED:
            painter.setPen(QPen(over_map(theme.colour("seat_held"), look.strength), side * 0.14))
            painter.drawLine(QPointF(-half * 0.5, 0), QPointF(half * 0.5, 0))
        _draw_mark(painter, mark, side, theme.colour("map"), lettered=lettered)


def _draw_body(painter: QPainter, box: QRectF, mark: Mark) -> None:
    if mark is Mark.RESTRICTED_VIEW:
        cut = box.width() * 0.5
        path = QPainterPath(box.topLeft())
        path.lineTo(box.right() - cut, box.top())
        path.lineTo(box.right(), box.top() + cut)
        path.lineTo(box.bottomRight())
        path.lineTo(box.bottomLeft())
        path.closeSubpath()
        painter.drawPath(path)
        return
    corner = 0.0 if mark is Mark.AISLE else box.width() * _CORNER
    painter.drawRoundedRect(box, corner, corner)


def _draw_mark(painter: QPainter, mark: Mark, side: float, ink: QColor, *, lettered: bool) -> None:
    """The wheel, or its hub; around a text, or beside it."""
    if mark is Mark.WHEELCHAIR:
        radius, line = (0.40, 0.07) if lettered else (0.27, 0.12)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(ink, max(1.0, side * line)))
        painter.drawEllipse(QPointF(0, 0), side * radius, side * radius)
    elif mark is Mark.COMPANION:
        at, radius = (0.32, 0.09) if lettered else (0.0, 0.14)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawEllipse(QPointF(side * at, -side * at), side * radius, side * radius)


def _draw_check(painter: QPainter, side: float) -> None:
    pen = QPen(theme.colour("on_selected"), max(1.3, side * 0.13))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    unit = side / 24
    painter.drawPolyline(
        [
            QPointF(-5.5 * unit, 0.5 * unit),
            QPointF(-1.5 * unit, 4.5 * unit),
            QPointF(6 * unit, -4 * unit),
        ]
    )


def _draw_text(painter: QPainter, look: Look, side: float, text: str) -> None:
    inks = {
        Shape.FILLED: theme.colour("on_accent"),
        Shape.OUTLINED: QColor(theme.tokens().tier(look.tier)),
    }
    ink = inks.get(look.shape)
    if ink is None:
        return
    share = 0.56 if len(text) < 2 else 0.46
    font = theme.font(10, 600)
    font.setPixelSize(max(6, round(side * share)))  # as large as the seat, not as other texts
    painter.setFont(font)
    painter.setPen(ink)
    painter.drawText(QRectF(-side, -side, 2 * side, 2 * side), Qt.AlignmentFlag.AlignCenter, text)
