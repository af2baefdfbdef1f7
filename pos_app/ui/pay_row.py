"""Taking the money in one tap: quick cash, the large key, and the other means of payment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from pos_app.presenters import language as words
from pos_app.presenters import tender_words as say
from pos_app.presenters.cash import QUICK_CASH_MAX, notes_of, quick_cash_amounts
from pos_app.presenters.language import _
from pos_app.ui.controls import (
    REGULAR,
    Button,
    ElidedLabel,
    Metrics,
    RichButton,
    column,
    keycap,
    label,
    picture,
    retire,
    row,
)
from pos_app.ui.theme import font, scaled

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from ticketing.house_tender import HouseTender

TENDER_KEYS: Final = ("F10", "F11", "F12")
"""Keys of the first named tenders; the others stand in the panel."""


class PayRow(QWidget):
    """The keys below the total. They never move, whatever the basket holds."""

    pay = Signal(object)  # minor units of cash tendered, None for the exact amount
    tender = Signal(int)  # the whole rest by the tender of this key
    more = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._amounts: tuple[int, ...] = ()
        self._metrics = REGULAR
        self._keys_for: tuple[object, ...] = ()
        self._keys: list[TenderKey] = []
        self._quick_word = label(13, 400, "text2")
        self._quick_hint = label(13, 400, "text3", "quick_hint")
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
        self._more = TenderKey("pay_more", "ellipsis")
        self._more.clicked.connect(self.more)
        self._tender_row = QHBoxLayout()
        self._tender_row.setSpacing(8)
        self._tender_row.addWidget(self._more, 1)
        self.setLayout(
            column(self._quick_head, self._quick_row, 2, self._pay, self._tender_row, gap=6)
        )

    def show_state(self, state: SellState) -> None:
        """Show what is likely to be handed over for this basket, and what was paid of it."""
        if state.house is None:
            return
        currency, due = state.house.event.currency, state.cash_due_minor
        self._show_tenders(state.house.venue.tenders[: len(TENDER_KEYS)])
        can_take_cash = state.can_pay and state.rest_minor >= 0
        self._amounts = quick_cash_amounts(due, notes_of(currency))
        for at, button in enumerate(self._quick):
            offered = at < len(self._amounts) and due > 0
            button.setVisible(offered)
            button.setEnabled(can_take_cash)
            if offered:
                text = words.money(self._amounts[at], currency, compact=True)
                button.say(text, _("Take {amount} cash").format(amount=text))
        amount = words.money(due, currency)
        self._pay_amount.setText(amount)
        self._pay.setEnabled(can_take_cash)
        self._pay.setAccessibleName(_("Take {amount} cash, exact").format(amount=amount))
        self._show_parts(state, currency)
        why = "" if state.can_pay else _why_off(state)
        for each in (self._pay, self._more, *self._quick, *self._keys):
            each.setToolTip(why)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._metrics = metrics
        for each in (self._quick_row, *self._quick):
            each.setFixedHeight(metrics.quick)
        self._pay.setFixedHeight(metrics.primary)
        for key in (*self._keys, self._more):
            key.apply(metrics)
        self._quick_head.setVisible(not metrics.compact)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._quick_word.setText(_("Quick cash"))
        self._pay_word.setText(_("Take cash"))
        self._more.say_on_key(_("More"), _("Other amounts, and payment in parts"))
        for each in (*self._quick, self._pay):
            each.setAccessibleName(_("Take cash"))
        self._keys_for = ()

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        return (*self._quick, self._pay, *self._keys, self._more)

    def focus_more(self) -> None:
        """Put the keyboard on the key that the panel stands behind."""
        self._more.setFocus()

    def _show_parts(self, state: SellState, currency: str) -> None:
        """The key of the panel says what is paid; the line above, how cash was rounded."""
        paid = state.total_minor - state.rest_minor
        rounding = state.cash_due_minor - state.rest_minor
        if paid:
            amount = words.money(paid, currency, compact=True)
            said = _("{amount} paid: show the parts").format(amount=amount)
            self._more.say_on_key(_("{amount} paid").format(amount=amount), said)
        else:
            self._more.say_on_key(_("More"), _("Other amounts, and payment in parts"))
        if rounding and state.cash_due_minor > 0:
            hint = _("rounded {amount}").format(amount=say.rounding_words(rounding, currency))
        else:
            hint = _("one tap takes cash and shows the change")
        self._quick_hint.setText(hint)
        self._more.setEnabled(state.can_pay)
        for key in self._keys:
            key.setEnabled(state.can_pay and state.rest_minor >= 0)

    def _show_tenders(self, tenders: tuple[HouseTender, ...]) -> None:
        """A key for each; made anew only when the house names others, or speaks another language."""
        wanted = (tenders, words.language())
        if wanted == self._keys_for:
            return
        self._keys_for = wanted
        for old in self._keys:
            self._tender_row.removeWidget(old)
            retire(old)
        self._keys = []
        for at, tender in enumerate(tenders):
            key = TenderKey(f"pay_tender_{at}", say.ICONS[tender.icon], TENDER_KEYS[at])
            name = words.name(tender.name)
            key.say_on_key(name, _("Take the whole rest by {tender}").format(tender=name))
            key.clicked.connect(partial(self.tender.emit, at))
            key.apply(self._metrics)
            self._tender_row.insertWidget(at, key, 1)
            key.show()
            self._keys.append(key)
        before: QWidget = self._pay
        for each in (*self._keys, self._more):
            QWidget.setTabOrder(before, each)
            before = each

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


class TenderKey(RichButton):
    """An icon over a name, with the cap of the key that does the same in the corner."""

    def __init__(self, name: str, icon: str, key: str = "") -> None:
        self._icon = picture(icon, "text", 22)
        self._cap = label(11, 500, "text3")
        self._cap.setText(key)
        self._cap.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        self._name = ElidedLabel(14, 600)
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._box = column(
            row(22, None, self._icon, None, self._cap, gap=0),
            self._name,
            gap=3,
            margins=(6, 7, 6, 6),
        )
        super().__init__(name, "", self._box)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say_on_key(self, text: str, accessible: str) -> None:
        """What stands on it, and what a screen reader says."""
        self._name.setText(text)
        self.setAccessibleName(accessible)
        self.setToolTip(accessible)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setFixedHeight(metrics.pay_key)
        self._cap.setFixedWidth(scaled(22))
        self._box.setContentsMargins(3, 4 if metrics.compact else 8, 3, 4 if metrics.compact else 7)
        self._box.setSpacing(1 if metrics.compact else 3)
        self._name.setFont(font(13 if metrics.compact else 14, 600))


def _why_off(state: SellState) -> str:
    """Why no payment may start now."""
    if state.locked:
        return _("This window may not sell; the bar on top says why.")
    if state.basket is None or not state.basket.lines:
        return _("Pick seats first.")
    return _("One moment…")
