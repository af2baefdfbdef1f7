"""The map for those who hear it: a table whose value is the seat under the cursor."""

# ruff: noqa: D102 - Qt's virtual methods are named and described by Qt

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from PySide6.QtCore import QObject
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QAccessibleInterface,
    QAccessibleValueChangeEvent,
)
from PySide6.QtWidgets import QAccessibleWidget, QWidget


@runtime_checkable
class Spoken(Protocol):
    """A widget that can say where its cursor stands."""

    def spoken(self) -> str:
        """The seat or area under the cursor: name, price tier, price, state."""


class SeatMapInterface(QAccessibleWidget):
    """What assistive technology reads of the map."""

    def __init__(self, seat_map: QWidget) -> None:
        super().__init__(seat_map, QAccessible.Role.Table)
        self._map = seat_map

    def text(self, kind: QAccessible.Text) -> str:
        if kind == QAccessible.Text.Value:
            return _spoken(self._map)
        return super().text(kind)


class _Factory:
    """Keeps the interfaces that Python made for as long as Qt may ask for them."""

    def __init__(self) -> None:
        self.installed = False
        self.kept: dict[int, SeatMapInterface] = {}

    def __call__(self, _class_name: str, made: QObject) -> QAccessibleInterface | None:
        if not isinstance(made, QWidget) or not isinstance(made, Spoken):
            return None
        interface = SeatMapInterface(made)
        key = id(made)
        self.kept[key] = interface
        made.destroyed.connect(lambda: self.kept.pop(key, None))
        return interface


_FACTORY: Final = _Factory()


def install() -> None:
    """Have Qt describe seat maps in our words; once for a process."""
    if not _FACTORY.installed:
        QAccessible.installFactory(_FACTORY)
        _FACTORY.installed = True


def value_changed(seat_map: QWidget) -> None:
    """The cursor stands elsewhere: its seat is read out as the new value."""
    event = QAccessibleValueChangeEvent(seat_map, _spoken(seat_map))
    QAccessible.updateAccessibility(event)


def announce(seat_map: QWidget, message: str) -> None:
    """Say something at once."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(seat_map, message))


def _spoken(seat_map: object) -> str:
    return seat_map.spoken() if isinstance(seat_map, Spoken) else ""
