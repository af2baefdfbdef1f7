"""What the card beside a seat or an area says, and what is read out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.presenters.reachable import in_words, usual
from pos_app.services.model import UnitState
from ticketing.seating import SeatAttribute

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from pos_app.ui.seat_areas import Block


@dataclass(frozen=True, slots=True)
class Tip:
    """Name, price and what a tap does; below it what a buyer must know."""

    title: str
    detail: str
    extra: str = ""

    @property
    def spoken(self) -> str:
        """All of it as one sentence after the other."""
        return ". ".join(text for text in (self.title, self.detail, self.extra) if text)


def area_tip(state: SellState, block: Block) -> Tip:
    """What an area says from far away: its price tier, the price, how much is free."""
    left = _("{n} left").format(n=words.count(block.free_count))
    house = state.house
    if house is None or len(block.tier_ids) != 1:
        return Tip(block.name, left)
    tier = house.event.price_tier(block.tier_ids[0])
    price = in_words(usual(state, block.tier_ids[0]), house.event.currency)
    parts = [words.name(tier.name) if tier else "", price, left]
    return Tip(block.name, "   ".join(part for part in parts if part))


def state_words(state: SellState, unit: int) -> str:
    """How a seat stands, without what can be done about it."""
    if unit in state.selected:
        return _("Selected")
    return "" if state.state_of(unit) is UnitState.FREE else _hint(state, unit, by_keyboard=True)


def seat_tip(state: SellState, unit: int, *, by_keyboard: bool) -> Tip:
    """Name, tier, price and what a tap does; what a buyer must know of the seat below."""
    house = state.house
    if house is None:
        return Tip("", "")
    tier_id = house.event.tier_of(unit)
    tier = house.event.price_tier(tier_id)
    price = in_words(usual(state, tier_id), house.event.currency)
    hint = _hint(state, unit, by_keyboard=by_keyboard)
    parts = [words.name(tier.name) if tier else "", price, hint]
    title = house.plan.describe(unit, words.language())
    return Tip(title, "   ".join(part for part in parts if part), _attributes(state, unit))


def _hint(state: SellState, unit: int, *, by_keyboard: bool) -> str:
    if unit in state.selected:
        return _("Space to put back") if by_keyboard else _("Tap to put back")
    if unit in state.asking:
        return _("Asking the server…")
    match state.state_of(unit):
        case UnitState.FREE:
            return _("Space to select") if by_keyboard else _("Tap to select")
        case UnitState.SOLD:
            return _("Sold")
        case UnitState.LENT:
            return _("Held by another window")
        case UnitState.BLOCKED:
            return _("Kept back by the house")
        case UnitState.PARKED:
            return _("In a parked order")
        case _ if state.offline:
            return _("Not ours while offline")
        case _:
            return _("Will be asked for")


def _attributes(state: SellState, unit: int) -> str:
    seat = state.house.plan.seat_by_unit(unit) if state.house else None
    said = {
        SeatAttribute.WHEELCHAIR: _("Wheelchair place"),
        SeatAttribute.COMPANION: _("Companion seat"),
        SeatAttribute.RESTRICTED_VIEW: _("Restricted view"),
    }
    return " · ".join(text for one, text in said.items() if seat and one in seat.attributes)
