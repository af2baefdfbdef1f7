"""Typing what the buyer handed over, when it is none of the quick amounts."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.ui.controls import Button, Metrics, column, label, row
from pos_app.ui.keypad import Keypad
from pos_app.ui.theme import restyle
from program.i18n import currency_exponent

TYPED_MAX: Final = 9
"""Digits of an amount; nobody pays a billion in notes."""


class CashPad(QWidget):
    """Whole units are typed: notes have no minor ones."""

    pay = Signal(int)  # minor units
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("cash_pad")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._typed = ""
        self._total_minor = 0
        self._currency = "CNY"
        self._title = label(18, 700)
        self._due = label(14, 400, "text2")
        self._amount = label(38, 700, name="cash_pad_amount")
        self._change = label(15, 600, "text2", "cash_pad_change")
        for each in (self._amount, self._change):
            each.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._back = Button("cash_pad_back", "quiet", 14, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.clicked.connect(self.closed)
        self._keypad = Keypad("cash", QSize(90, 60), "00")
        self._keypad.digit.connect(self._type)
        self._keypad.back.connect(self._rub_out)
        self._keypad.extra.connect(lambda: self._type("00"))
        self._pay = Button("cash_pad_pay", "primary", 20, 700)
        self._pay.clicked.connect(self._submit)
        self.setLayout(
            column(
                row(self._title, None, self._back),
                self._due,
                None,
                self._amount,
                self._change,
                12,
                self._keypad,
                12,
                self._pay,
                margins=(18, 12, 18, 18),
            )
        )

    def open(self) -> None:
        """Begin with nothing typed."""
        self._typed = ""
        self._render()

    def show_total(self, total_minor: int, currency: str) -> None:
        """What is due."""
        self._total_minor, self._currency = total_minor, currency
        self._render()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._pay.setFixedHeight(metrics.primary)
        self._back.setFixedHeight(metrics.quick)
        self._keypad.resize_keys(QSize(90, 52 if metrics.compact else 64))

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Cash received"))
        self._title.setText(_("Cash received"))
        self._back.say(_("Back"))
        self._pay.say(_("Take cash"))
        self._keypad.retranslate()
        self._render()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text() in tuple("0123456789"):
            self._type(event.text())
        elif event.key() == Qt.Key.Key_Backspace:
            self._rub_out()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._submit()
        else:
            super().keyPressEvent(event)

    def _tendered_minor(self) -> int:
        whole = int(self._typed or "0")
        return whole * int(10 ** currency_exponent(self._currency))

    def _type(self, digits: str) -> None:
        self._typed = (self._typed + digits).lstrip("0")[:TYPED_MAX]
        self._render()

    def _rub_out(self) -> None:
        self._typed = self._typed[:-1]
        self._render()

    def _submit(self) -> None:
        if self._typed:
            self.pay.emit(self._tendered_minor())

    def _render(self) -> None:
        tendered, currency = self._tendered_minor(), self._currency
        over = tendered - self._total_minor
        self._due.setText(
            _("Total due {amount}").format(amount=words.money(self._total_minor, currency))
        )
        self._amount.setText(words.money(tendered, currency))
        if over >= 0:
            said = _("Change {amount}").format(amount=words.money(over, currency))
        else:
            said = _("{amount} missing").format(amount=words.money(-over, currency))
        self._change.setText(said)
        restyle(self._change, tone="ok" if over >= 0 else "text2")
        self._pay.setEnabled(over >= 0)
