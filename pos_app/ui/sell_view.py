"""The sell screen: rail, tools, map, basket, hints."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pos_app.presenters.seat_query import is_order_query
from pos_app.ui.cart_card import CartCard
from pos_app.ui.controls import Metrics
from pos_app.ui.hint_bar import HintBar
from pos_app.ui.rail import Rail
from pos_app.ui.seat_map import SeatMap
from pos_app.ui.tool_row import TierBar, ToolRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pos_app.presenters.sell import SellPresenter
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import House


class SellView(QWidget):
    """Renders a `SellState` and sends intents to its presenter."""

    lock = Signal()
    shift = Signal()
    order_sought = Signal(str)

    def __init__(self, presenter: SellPresenter, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.setObjectName("sell_view")
        self.setProperty("role", "page")
        self._presenter = presenter
        self._now = now
        self._ordered_for: House | None = None
        self.rail = Rail()
        self.tools = ToolRow()
        self.tiers = TierBar()
        self.map = SeatMap()
        self.cart = CartCard()
        self._hints = HintBar()
        self._middle = QVBoxLayout()
        self._middle.addWidget(self.tools)
        self._middle.addWidget(self.map, 1)
        self._content = QHBoxLayout()
        self._content.addLayout(self._middle, 1)
        self._content.addWidget(self.cart)
        self._beside: QWidget | None = None
        above = QHBoxLayout()
        above.setSpacing(0)
        above.addWidget(self.rail)
        above.addLayout(self._content, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(above, 1)
        outer.addWidget(self._hints)
        self._connect(presenter)
        presenter.watch(self._show)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes; in a low window the tiers stand under the map."""
        gap = metrics.gap
        self._content.setContentsMargins(gap, gap, gap, gap)
        self._content.setSpacing(gap)
        self._middle.setSpacing(gap - 4)
        self._middle.removeWidget(self.tiers)
        self.tools.box.removeWidget(self.tiers)
        if metrics.compact:
            self._middle.addWidget(self.tiers)
        else:
            self.tools.box.addWidget(self.tiers)
        for part in (self.rail, self.tools, self.tiers, self.map, self.cart, self._hints):
            part.apply(metrics)
        self._order_tab_stops()
        self._show(self._presenter.state)

    def retranslate(self) -> None:
        """Speak the language of now."""
        for part in (self.rail, self.tools, self.map, self.cart, self._hints):
            part.retranslate()
        self._show(self._presenter.state)

    def tick(self) -> None:
        """A second has passed."""
        self.cart.show_time(self._now())

    def put_beside(self, other: QWidget) -> None:
        """Give the map another card, which takes the cart's place when `show_beside` says so."""
        self._beside = other
        self._content.addWidget(other)

    def show_beside(self, *, shown: bool) -> None:
        """Show the other card in the cart's place, or the cart again."""
        if self._beside is not None:
            self.cart.setVisible(not shown)
            self._beside.setVisible(shown)

    def back(self) -> None:
        """One step back: the payment panel, the notice, the change; never what was picked."""
        presenter = self._presenter
        if (
            self.cart.step_back()
            or presenter.stop_late()
            or presenter.stop_giving()
            or presenter.close_parked()
        ):
            return
        if not presenter.tendering.close_panel():
            presenter.dismiss()

    def _connect(self, presenter: SellPresenter) -> None:
        self.rail.lock.connect(self.lock)
        self.rail.shift.connect(self.shift)
        self.rail.sell.connect(self.map.setFocus)
        self.tools.quantity_changed.connect(presenter.set_quantity)
        self.tools.best.connect(presenter.best_together)
        self.tools.seek.typed.connect(self._seek)
        self.tools.seek.entered.connect(self._pick_typed)
        self.tools.seek.left.connect(self.map.stop_seeking)
        self.tiers.filtered.connect(presenter.filter_tier)
        self.map.tapped.connect(presenter.tap_unit)
        self.map.standing_tapped.connect(presenter.add_standing)
        self.cart.line_removed.connect(presenter.remove_line)
        self.cart.type_changed.connect(presenter.change_type)
        self.cart.giving_asked.connect(presenter.begin_giving)
        self.cart.give.given.connect(presenter.give)
        self.cart.give.approved.connect(presenter.approve)
        self.cart.give.taken_back.connect(presenter.take_back)
        self.cart.give.closed.connect(presenter.stop_giving)
        self.cart.late.approved.connect(presenter.approve_late)
        self.cart.late.back.connect(presenter.stop_late)
        self.cart.pay.connect(presenter.pay_cash)
        self.cart.pay_row.tender.connect(presenter.tendering.take_by_key)
        self.cart.pay_row.more.connect(presenter.tendering.open_panel)
        self.cart.pay_panel.cash.connect(presenter.tendering.take_cash)
        self.cart.pay_panel.tender.connect(presenter.tendering.take)
        self.cart.pay_panel.number.connect(presenter.tendering.answer)
        self.cart.pay_panel.given_back.connect(presenter.tendering.give_back)
        self.cart.pay_panel.closed.connect(presenter.tendering.close_panel)
        self.cart.cleared.connect(presenter.clear)
        self.cart.park.connect(presenter.park_or_recall)
        self.cart.note_written.connect(presenter.write_note)
        self.cart.toast.undone.connect(presenter.undo)
        self.cart.hold.extended.connect(presenter.extend_hold)
        self.cart.parked_strip.opened.connect(presenter.list_parked)
        self.cart.parked_strip.extended.connect(presenter.extend_parked)
        self.cart.parked.recalled.connect(presenter.recall)
        self.cart.parked.extended.connect(presenter.extend_parked)
        self.cart.parked.given_back.connect(presenter.give_back_parked)
        self.cart.parked.closed.connect(presenter.close_parked)
        self.cart.notice.park_and_open.connect(presenter.park_and_open)
        self.cart.reprint.connect(presenter.print_waiting)
        self.cart.dismissed.connect(presenter.dismiss)
        self.cart.offer_taken.connect(presenter.take_offer)
        self.cart.shift_wanted.connect(self.shift)
        self.cart.finished.connect(self.map.setFocus)

    def _seek(self, text: str) -> None:
        """The cursor goes along with what is typed."""
        unit = self._presenter.seek(text, self.map.cursor_unit)
        if unit is None:
            self.map.stop_seeking()
        else:
            self.map.point_to(unit)

    def _pick_typed(self, text: str) -> None:
        """Pick the seat typed; a ticket or a number is looked for among the orders."""
        if not text.strip():
            self.map.setFocus()
        elif is_order_query(text):
            self.tools.seek.edit.clear()
            self.order_sought.emit(text.strip())
        elif self._presenter.pick_typed(text.strip(), self.map.cursor_unit):
            self.tools.seek.edit.selectAll()

    def _show(self, state: SellState) -> None:
        today = state.house.venue.business_day(self._now()) if state.house else None
        self.tools.show_state(state)
        self.tiers.show_state(state)
        self.map.show_state(state, self._presenter.field)
        if state.house is not self._ordered_for:  # chips and standing areas are its own
            self._ordered_for = state.house
            self._order_tab_stops()
        self.cart.show_state(state, today)
        self.cart.show_time(self._now())
        self._hints.show_state(state)

    def _order_tab_stops(self) -> None:
        """Search, quantity, best, tiers, map, basket, payment, rail."""
        stops = (
            *self.tools.tab_stops(),
            *self.tiers.tab_stops(),
            *self.map.tab_stops(),
            *self.cart.tab_stops(),
            *self.rail.tab_stops(),
        )
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)
