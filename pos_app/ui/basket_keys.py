"""The keys that work on the basket: what each does, and what F1 says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pos_app.presenters.language import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from pos_app.presenters.sell import SellPresenter
    from pos_app.ui.sell_view import SellView
    from pos_app.ui.shortcuts import Shortcuts


def add_basket_keys(
    keys: Shortcuts, view: SellView, sell: SellPresenter, park: Callable[[], None]
) -> None:
    """`park` puts the basket aside, or takes one out."""
    keys.add("F3", lambda: _("Go to a seat, or find an order"), view.tools.seek.take_focus, view)
    keys.add("F4", lambda: _("Ticket type of the line"), view.cart.ask_type, view)
    keys.add("F5", lambda: _("Sync now"), sell.sync_now, view)
    keys.add("F7", lambda: _("Discount or house ticket for the line"), view.cart.ask_giving, view)
    keys.add("F8", lambda: _("Park the order, or recall one"), park, view)
    keys.add("Del", lambda: _("Take out the line"), view.cart.remove_focused, view)
    keys.add("A B C \N{HORIZONTAL ELLIPSIS}", lambda: _("A note handed over (payment)"), on=view)
    keys.add("Ctrl+Z", lambda: _("Undo"), sell.undo, view)
    keys.add("Ctrl+Y", lambda: _("Do it again"), sell.redo, view)
    keys.add("Ctrl+P", lambda: _("Print the last order again"), sell.reprint_last, view)
