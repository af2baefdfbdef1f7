"""The card beside the map while tickets are exchanged: what goes back, what comes, the difference."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from pos_app.presenters import after_sale_words as say
from pos_app.presenters import language as words
from pos_app.presenters.cash import QUICK_CASH_MAX, notes_of, quick_cash_amounts
from pos_app.presenters.language import _
from pos_app.ui.after_sale_card import show_number, why_barred
from pos_app.ui.approve_page import ApprovePage
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    card,
    column,
    label,
    picture,
    retire,
    row,
    rule,
)
from pos_app.ui.number_page import NumberPage
from pos_app.ui.tender_keys import TenderKeys
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from pos_app.presenters.after_sale_state import AfterSaleState
    from pos_app.presenters.sell_state import SellState
    from ticketing.event import Venue


class ExchangeCard(QFrame):
    """Takes the cart's place; the map stays what it is."""

    swap = Signal(int, str)  # minor units tendered in cash, or the tender that pays it all
    cancelled = Signal()
    removed = Signal(int, object)  # performance, unit
    wait_no_longer = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("exchange_card")
        self.setProperty("role", "card")
        self._state: AfterSaleState | None = None
        self._sell: SellState | None = None
        self._rows: list[QWidget] = []
        self._amounts: tuple[int, ...] = ()
        self._title = label(18, 700)
        self._cancel = Button("exchange_cancel", "quiet", 14, 500)
        self._cancel.show_icon("arrow-left", "text2")
        self._cancel.setFixedHeight(48)
        self._cancel.clicked.connect(self.cancelled)
        self._lines = QVBoxLayout()
        self._lines.setContentsMargins(0, 0, 4, 0)
        self._lines.setSpacing(6)
        self._lines.addStretch(1)
        inside = QWidget()
        inside.setLayout(self._lines)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("exchange_lines")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        self._notice = label(13, 600, "danger", "exchange_refused")
        self._notice.setWordWrap(True)
        self._sums = [(label(14, 400, "text2"), label(14, 600)) for _at in range(3)]
        self._word = label(17, 700)
        self._difference = label(34, 700, name="exchange_difference")
        self._quick = [Button(f"exchange_cash_{at}", "", 15, 600) for at in range(QUICK_CASH_MAX)]
        for at, button in enumerate(self._quick):
            button.setFixedHeight(48)
            button.clicked.connect(partial(self._pay_quick, at))
        self._confirm = Button("exchange_confirm", "primary", 19, 700)
        self._confirm.clicked.connect(self.settle)
        self._later = Button("exchange_wait_no_longer", "", 15, 500)
        self._later.setFixedHeight(48)
        self._later.clicked.connect(self.wait_no_longer)
        self.tenders = TenderKeys("exchange_tender")
        self.tenders.chosen.connect(self.settle_by)
        self._way = label(14, 400, "text2", "exchange_way_back")
        self._way.setWordWrap(True)
        self.number = NumberPage("swap_number")
        self.approve = ApprovePage("swap_approve")
        self.approve.back.connect(self.cancelled)
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._both_sides = QWidget()
        self._lay_out()
        for page in (self._both_sides, self.number, self.approve):
            self._pages.addWidget(page)
        self.hide()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setFixedWidth(metrics.cart)
        self._confirm.setFixedHeight(metrics.primary)
        self.tenders.apply(metrics)
        self.number.apply(metrics)
        self.approve.apply(metrics)

    def show_state(self, state: AfterSaleState, sell: SellState) -> None:
        """Show both sides and what lies between."""
        self._state, self._sell = state, sell
        offer = state.exchange
        if offer is None:
            return
        self._show_lines()
        basket, currency = sell.basket, offer.currency
        money = partial(words.money, currency=currency)
        fee = state.fee_minor(basket)
        sums = (
            (_("New tickets"), money(basket.total_minor if basket else 0)),
            (_("Returned tickets count for"), f"−{money(offer.back_minor)}"),
            (_("Fee"), money(fee)),
        )
        for (what, value), (said, amount) in zip(self._sums, sums, strict=True):
            what.setText(said)
            value.setText(amount)
        for each in self._sums[2]:
            each.setVisible(fee > 0)
        due = state.difference_minor(basket)
        self._word.setText(_("Goes back") if due < 0 else _("To pay"))
        self._difference.setText(money(abs(due)))
        venue = sell.house.venue if sell.house else None
        self._way.setText(say.way_back_of_exchange(offer, due, venue))
        self._way.setVisible(bool(self._way.text()))
        self.tenders.show_tenders(venue, shown=due > 0, can=self._can_swap())
        self._show_keys(due, currency, can=self._can_swap())
        refused = state.refused
        self._notice.setText(say.refused(refused.code) if refused else "")
        if state.asked is not None:
            self._notice.setText(_("Asking the server… Take no money yet."))
        restyle(self._notice, tone="danger" if refused else "accent")
        self._notice.setVisible(refused is not None or state.asked is not None)
        self._later.setVisible(state.asked is not None)
        self._cancel.setEnabled(not state.is_busy)
        self._turn_page(state, venue)

    def settle(self) -> None:
        """Swap for the exact difference."""
        state, sell = self._state, self._sell
        if state is not None and sell is not None and self._can_swap():
            self.swap.emit(max(0, state.difference_minor(sell.basket)), "")

    def settle_by(self, at: int) -> None:
        """Swap, all of the difference by the tender of a key; nothing where none is to pay."""
        state, sell = self._state, self._sell
        if state is None or sell is None or sell.house is None or not self._can_swap():
            return
        tenders = sell.house.venue.tenders
        if at < len(tenders) and state.difference_minor(sell.basket) > 0:
            self.swap.emit(0, tenders[at].id)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._title.setText(_("Exchange"))
        self._cancel.say(_("Cancel"), _("Cancel the exchange, nothing changes (Esc)"))
        self._scroll.setAccessibleName(_("Tickets going back and coming"))
        self._later.say(_("Go on with others"), _("Go on with other things; it stays in the list"))
        self._confirm.say(_("Swap, nothing to pay"))
        self.tenders.retranslate()
        self.number.retranslate()
        self.approve.retranslate()
        for button in self._quick:
            button.setAccessibleName(_("Take cash"))
        if self._state is not None and self._sell is not None:
            self.show_state(self._state, self._sell)

    # ------------------------------------------------------------------------------------ tools

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(8)
        for at, button in enumerate(self._quick):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            grid.addWidget(button, 0, at)
        box = column(row(self._title, None, self._cancel), margins=(18, 10, 18, 18))
        box.addWidget(self._scroll, 1)
        box.addWidget(self._notice)
        for what, value in self._sums:
            box.addLayout(row(what, None, value))
        box.addWidget(rule())
        box.addLayout(row(self._word, None, self._difference))
        box.addWidget(self._way)
        box.addLayout(grid)
        box.addWidget(self._later)
        box.addWidget(self._confirm)
        box.addWidget(self.tenders)
        self._both_sides.setLayout(box)

    def _turn_page(self, state: AfterSaleState, venue: Venue | None) -> None:
        """To the number of a payment, to a second person's PIN, and back."""
        asks, wanted = state.numbering, self._both_sides
        self.approve.show_state(state.approving, why_barred(state.approving))
        if asks is not None:
            show_number(self.number, asks, venue)
            wanted = self.number
        elif state.approving is not None:
            wanted = self.approve
        if self._pages.currentWidget() is wanted:
            return
        self._pages.setCurrentWidget(wanted)
        if asks is not None:
            self.number.open()
        if wanted is not self._both_sides:
            wanted.setFocus()

    def _can_swap(self) -> bool:
        state, sell = self._state, self._sell
        if state is None or sell is None or state.is_busy or state.approving or sell.paying:
            return False
        return bool(sell.basket and sell.basket.lines) and not sell.wishes

    def _show_keys(self, due: int, currency: str, *, can: bool) -> None:
        offered = quick_cash_amounts(due, notes_of(currency))[1:] if due > 0 else ()
        self._amounts = offered
        for at, button in enumerate(self._quick):
            button.setVisible(at < len(offered))
            button.setEnabled(can)
            if at < len(offered):
                text = words.money(offered[at], currency, compact=True)
                button.say(text, _("Take {amount} cash").format(amount=text))
        self._confirm.setEnabled(can)
        self._confirm.say(say.swap_words(due, currency))

    def _pay_quick(self, at: int) -> None:
        if at < len(self._amounts) and self._can_swap():
            self.swap.emit(self._amounts[at], "")

    def _show_lines(self) -> None:
        for old in self._rows:
            self._lines.removeWidget(old)
            retire(old)
        self._rows = []
        state, sell = self._state, self._sell
        assert state is not None, "shown before"
        offer, detail = state.exchange, state.detail
        if offer is None or sell is None:
            return
        going = {each.ticket_id for each in offer.preview.tickets}
        for ticket in detail.tickets if detail else ():
            if ticket.id in going and detail is not None:
                place = detail.plan.describe(ticket.unit, words.language())
                self._add_row(_("goes back"), place, -ticket.price_minor, offer.currency, "danger")
        house = sell.house
        for line in sell.basket.lines if sell.basket else ():
            if house is not None:
                place = house.plan.describe(line.unit, words.language())
                made = self._add_row(
                    _("comes instead"), place, line.price_minor, offer.currency, "ok"
                )
                remove = Button(f"exchange_remove_{len(self._rows)}", "icon")
                remove.show_icon("x", "text2", 18)
                remove.setFixedSize(40, 48)
                remove.setAccessibleName(_("Take out {seat}").format(seat=place))
                remove.clicked.connect(partial(self.removed.emit, line.performance, line.unit))
                remove.setEnabled(not state.is_busy)
                layout = made.layout()
                assert layout is not None, "made with one"
                layout.addWidget(remove)

    def _add_row(self, what: str, place: str, minor: int, currency: str, tone: str) -> QFrame:
        made = card("line")
        made.setFixedHeight(56)
        title, detail = ElidedLabel(15, 700), label(13, 600, tone)
        title.setText(place)
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        detail.setText(what)
        price = label(16, 600)
        price.setText(words.money(minor, currency, compact=True))
        box = row(
            picture("undo-2" if minor < 0 else "ticket", tone, 20), gap=10, margins=(12, 0, 8, 0)
        )
        box.addLayout(column(None, title, detail, None, gap=1), 1)
        box.addWidget(price)
        made.setLayout(box)
        self._lines.insertWidget(len(self._rows), made)
        self._rows.append(made)
        made.show()
        return made
