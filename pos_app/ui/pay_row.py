"""Taking the money in one tap: quick cash, and the large key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.cash import QUICK_CASH_MAX, notes_of, quick_cash_amounts
from pos_app.presenters.language import _
from pos_app.ui.controls import Button, Metrics, RichButton, column, keycap, label, picture, row

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState


class PayRow(QWidget):
    """The keys below the total. They never move, whatever the basket holds."""

    pay = Signal(object)  # minor units of cash tendered, None for the exact amount

    def __init__(self) -> None:
        super().__init__()
        self._amounts: tuple[int, ...] = ()
        self._quick_word = label(13, 400, "text2")
        self._quick_hint = label(13, 400, "text3")
        self._quick_head = QWidget()
        self._quick_head.setLayout(row(self._quick_word, None, self._quick_hint))
        self._quick = [self._quick_button(at) for at in range(QUICK_CASH_MAX)]
        self._quick_row = QWidget()  # keeps its room when it is empty
        grid = QGridLayout(self._quick_row)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for at, button in enumerate(self._quick):
            grid.addWidget(button, 0, at)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._pay = self._pay_button()
        self.setLayout(column(self._quick_head, self._quick_row, 2, self._pay, gap=6))

    def show_state(self, state: SellState) -> None:
        """Show what is likely to be handed over for this basket."""
        if state.house is None:
            return
        currency, total = state.house.event.currency, state.total_minor
        self._amounts = quick_cash_amounts(total, notes_of(currency))
        for at, button in enumerate(self._quick):
            offered = at < len(self._amounts) and total > 0
            button.setVisible(offered)
            button.setEnabled(state.can_pay)
            if offered:
                text = words.money(self._amounts[at], currency, compact=True)
                button.say(text, _("Take {amount} cash").format(amount=text))
        amount = words.money(total, currency)
        self._pay_amount.setText(amount)
        self._pay.setEnabled(state.can_pay)
        self._pay.setAccessibleName(_("Take {amount} cash, exact").format(amount=amount))

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        for each in (self._quick_row, *self._quick):
            each.setFixedHeight(metrics.quick)
        self._pay.setFixedHeight(metrics.primary)
        self._quick_head.setVisible(not metrics.compact)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._quick_word.setText(_("Quick cash"))
        self._quick_hint.setText(_("one tap takes cash and shows the change"))
        self._pay_word.setText(_("Take cash"))
        for each in (*self._quick, self._pay):
            each.setAccessibleName(_("Take cash"))

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        return (*self._quick, self._pay)

    def _quick_button(self, at: int) -> Button:
        button = Button(f"quick_cash_{at}", "", 15, 600)
        button.clicked.connect(partial(self._pay_quick, at))
        return button

    def _pay_button(self) -> RichButton:
        self._pay_word = label(20, 700, "on_accent")
        self._pay_amount = label(26, 700, "on_accent", "pay_amount")
        content = row(
            picture("banknote", "on_accent", 26),
            4,
            self._pay_word,
            None,
            self._pay_amount,
            4,
            keycap("F9", "keycap_primary"),
            margins=(18, 0, 16, 0),
        )
        button = RichButton("pay_cash", "primary", content)
        button.clicked.connect(partial(self.pay.emit, None))
        return button

    def _pay_quick(self, at: int) -> None:
        if at < len(self._amounts):
            self.pay.emit(self._amounts[at])
