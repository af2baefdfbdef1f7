"""What the cashier points at: the cursor of the keyboard, the mouse, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pos_app.presenters import language as words
from pos_app.services.model import UnitState
from pos_app.ui.seat_overlay import AreaRing, Item, Ring, Selected, TipCard
from pos_app.ui.seat_tips import Tip, area_tip, seat_tip, state_words

if TYPE_CHECKING:
    from pos_app.presenters.seat_field import AreaOutline, SeatField
    from pos_app.presenters.sell_state import SellState
    from pos_app.ui.seat_picture import SeatPicture

SPOKEN_MAX: Final = 8
"""Changes read out at once; nobody listens to more."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the map shows now. `as_areas`: it is too far away for seats."""

    state: SellState
    picture: SeatPicture
    as_areas: bool
    has_focus: bool
    is_dragged: bool
    size: tuple[int, int]


class Pointer:
    """Cursor and mouse over seats, or over areas from far away. The cursor is always on a seat."""

    def __init__(self) -> None:
        self.cursor: int | None = None
        self.hover: int | None = None
        self.hover_area: AreaOutline | None = None

    def forget(self) -> None:
        """Another house is shown."""
        self.cursor = None
        self.leave()

    def leave(self) -> None:
        """The mouse points at nothing."""
        self.hover, self.hover_area = None, None

    def point_at(self, unit: int | None, area: AreaOutline | None) -> bool:
        """The mouse is over this; whether that is new."""
        before = self.hover, self.hover_area
        self.hover, self.hover_area = unit, area
        return before != (unit, area)

    def start(self, state: SellState, field: SeatField) -> None:
        """Stand on a seat to be had, as near the middle as there is one."""
        if self.cursor is None:
            free = field.middle_seat_where(lambda unit: state.state_of(unit) is UnitState.FREE)
            self.cursor = free or field.middle_seat_where(lambda _unit: True)

    def follow(self, added: frozenset[int], field: SeatField) -> None:
        """Seats were picked by other means than the cursor: it waits beside the last of them."""
        seats = [unit for unit in added if unit in field.spots]
        if seats and self.cursor not in added:
            self.cursor = field.step(max(seats), 1, 0)

    def cursor_area(self, scene: Scene) -> AreaOutline | None:
        """The area that the cursor stands on where areas are shown instead of seats."""
        if self.cursor is None or not scene.as_areas:
            return None
        return scene.picture.field.area_of(self.cursor)

    def spoken(self, scene: Scene) -> str:
        """What is under the cursor, for those who hear the map."""
        tip = _tip(scene, self.cursor, self.cursor_area(scene), by_keyboard=True)
        return tip.spoken if tip else ""

    def items(self, scene: Scene) -> list[Item]:
        """What to paint over the seats, from below to above."""
        state, spots = scene.state, scene.picture.field.spots
        asked: list[Item] = [
            Ring(spots[unit], "accent", dashed=True) for unit in state.asking if unit in spots
        ]
        selected: list[Item] = [
            Selected(spots[unit]) for unit in sorted(state.selected) if unit in spots
        ]
        rings = self._rings(scene)
        beneath = [ring for on_selected, ring in rings if not on_selected]
        above = [ring for on_selected, ring in rings if on_selected]
        return [*asked, *beneath, *selected, *above, *self._tips(scene)]

    def _rings(self, scene: Scene) -> list[tuple[bool, Item]]:
        """Mouse and cursor; those around other seats lie under their neighbours' check marks."""
        cursor_area = self.cursor_area(scene) if scene.has_focus else None
        if scene.as_areas:
            areas = ((self.hover_area, "text3"), (cursor_area, "seat_selected"))
            return [
                (False, AreaRing(area.area_id, token, scene.picture.shapes[area.area_id]))
                for area, token in areas
                if area is not None
            ]
        spots = scene.picture.field.spots
        cursor = self.cursor if scene.has_focus else None
        return [
            (unit in scene.state.selected, Ring(spots[unit], token))
            for unit, token in ((self.hover, "text3"), (cursor, "seat_selected"))
            if unit is not None and unit in spots
        ]

    def _tips(self, scene: Scene) -> list[Item]:
        if scene.is_dragged:
            return []
        unit, area = self.hover, self.hover_area
        hovers = unit is not None or area is not None
        if not hovers and scene.has_focus:
            unit, area = self.cursor, self.cursor_area(scene)
        tip = _tip(scene, unit, area, by_keyboard=not hovers)
        if tip is None:
            return []
        if area is not None or unit is None:
            x, y = area.middle if area is not None else (0.0, 0.0)
        else:
            spot = scene.picture.field.spots[unit]
            x, y = spot.x, spot.y
        return [TipCard(tip, x, y, scene.size)]


def changes_in_words(before: SellState, state: SellState, cursor: int | None) -> list[str]:
    """What was picked, put back, or became of the seat under the cursor, to be read out."""
    house = state.house
    if house is None:
        return []
    changed = sorted(state.selected ^ before.selected)
    if not changed and cursor is not None and state.state_of(cursor) != before.state_of(cursor):
        changed = [cursor]
    said = []
    for unit in changed[:SPOKEN_MAX]:
        place = house.plan.describe(unit, words.language())
        how = state_words(state, unit) or seat_tip(state, unit, by_keyboard=True).detail
        said.append(f"{place}. {how}")
    return said


def _tip(
    scene: Scene, unit: int | None, area: AreaOutline | None, *, by_keyboard: bool
) -> Tip | None:
    if area is not None:
        return area_tip(scene.state, scene.picture.block(area))
    if unit is None or unit not in scene.picture.field.spots:
        return None
    return seat_tip(scene.state, unit, by_keyboard=by_keyboard)
