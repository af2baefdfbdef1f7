"""Pictures of a garden's till: its time slots, and a sale of one."""

from __future__ import annotations

from pos_app.services.model import UnitState
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill, park_catalogue
from tests.gui.robot import click, settle, sign_in


def park_till() -> FakeTill:
    """A gate house with places of all slots, some nearly full, some sold out."""
    till = FakeTill(catalogue=park_catalogue())
    for event in till.catalogue.events:
        plan = till.catalogue.plan(event.plan_id)
        assert plan is not None
        places = tuple(plan.areas[0].units)
        for at, performance in enumerate(event.performances):
            sold = len(places) * (at % 5) // 4
            till.set_states(performance.number, UnitState.SOLD, places[:sold])
            till.set_states(performance.number, UnitState.FREE, places[sold : sold + 10])
    return till


def slots(window: TillWindow, _till: FakeTill) -> None:
    """The slots of today and of the next days."""
    sign_in(window)


def slot_sale(window: TillWindow, till: FakeTill) -> None:
    """Three people for one slot, a child among them."""
    slots(window, till)
    click(window, "performance_1")
    settle(window)
    click(window, "quantity_plus")
    click(window, "add_standing_grounds")
    basket = window.sell.state.basket
    assert basket is not None
    window.sell.change_type(1, basket.lines[2].unit, "child")


PARK_SCENES = {"slots": slots, "slot_sale": slot_sale}
