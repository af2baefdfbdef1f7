"""Buttons on the areas that are sold by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.ui.controls import Button, retire

if TYPE_CHECKING:
    from pos_app.presenters.seat_field import AreaOutline
    from pos_app.presenters.sell_state import SellState
    from pos_app.ui.seat_viewport import Viewport


class StandingKeys:
    """One button for each standing area, over its middle."""

    def __init__(self, parent: QWidget, tapped: Callable[[str], object]) -> None:
        self._parent = parent
        self._tapped = tapped
        self._buttons: dict[str, Button] = {}
        self._areas: tuple[AreaOutline, ...] = ()

    @property
    def buttons(self) -> tuple[Button, ...]:
        """All of them, in the plan's order."""
        return tuple(self._buttons.values())

    def centre_of(self, area_id: str) -> QPoint:
        """Where to click for an area; KeyError for one that is not standing."""
        return self._buttons[area_id].geometry().center()

    def show_areas(self, areas: Iterable[AreaOutline]) -> None:
        """Make buttons for the areas of a house."""
        for button in self._buttons.values():
            retire(button)
        self._areas = tuple(area for area in areas if area.standing)
        self._buttons = {area.area_id: self._add(area) for area in self._areas}

    def name(self, state: SellState) -> None:
        """Say how much is free, and how many a tap adds."""
        for area_id, button in self._buttons.items():
            area = state.house.plan.area(area_id) if state.house else None
            if area is None:
                continue
            free = words.count(state.stock.in_area(area_id, ours_only=state.offline))
            name = words.name(area.name)
            spoken = _("{area}, {free} left, add {n}").format(
                area=name, free=free, n=state.quantity
            )
            button.say(f"{name}  {free}  +{state.quantity}", spoken)

    def place(self, port: Viewport) -> None:
        """Lie over the areas."""
        for area in self._areas:
            button = self._buttons[area.area_id]
            x, y = port.to_screen(area.x, area.y)
            size = button.sizeHint()
            height = max(30, size.height())
            button.setGeometry(
                round(x - size.width() / 2), round(y - height / 2), size.width(), height
            )

    def _add(self, area: AreaOutline) -> Button:
        button = Button(f"add_standing_{area.area_id}", "standing", 13, 700)
        button.setParent(self._parent)
        button.clicked.connect(partial(self._tapped, area.area_id))
        button.show()
        return button
