"""The window's buyers: the card, the key in the basket, and the key of an open order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from pos_app.presenters.buyer import BuyerPresenter, along_words
from pos_app.presenters.language import _
from pos_app.ui.buyer_panel import BuyerPanel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from pos_app.presenters.after_sale import AfterSalePresenter
    from pos_app.presenters.runner import Run
    from pos_app.presenters.sell import SellPresenter
    from pos_app.services.buyers_model import BuyerServices
    from pos_app.ui.controls import Button


class BuyerPart(QObject):
    """Puts presenter, card and keys together."""

    def __init__(self, window: QWidget, services: BuyerServices, run: Run) -> None:
        super().__init__(window)
        self.presenter = BuyerPresenter(services, run)
        self.panel = BuyerPanel(window, self.presenter)
        self._keys: list[Button] = []

    def serve_basket(self, key: Button, sell: SellPresenter) -> None:
        """The key beside the basket; who buys goes with it."""
        self._keys.append(key)
        key.clicked.connect(self.presenter.open_for_basket)
        sell.watch(
            lambda state: self.presenter.basket_has(
                lines=bool(state.basket is not None and state.basket.lines)
            )
        )
        self.presenter.watch(lambda _state: self._say())

    def serve_orders(self, key: Button, orders: AfterSalePresenter) -> None:
        """The key of the order that is open."""

        def show() -> None:
            detail = orders.state.detail
            if detail is not None and detail.found.order_id:
                self.presenter.open_for_order(detail.found.event_id, detail.found.order_id)

        key.clicked.connect(show)
        was_open = [False]

        def closed(is_open: bool) -> None:
            if was_open[0] and not is_open:
                orders.refresh()
            was_open[0] = is_open

        self.presenter.watch(lambda state: closed(state.is_open))

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.panel.retranslate()
        self._say()

    def _say(self) -> None:
        for key in self._keys:
            key.say(along_words(self.presenter.state.along), _("The buyer's name and number"))
