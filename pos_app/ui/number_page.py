"""The number on a machine's slip, for a tender that is recorded by hand."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Button, Metrics, column, label, picture, row, show_picture
from pos_app.ui.keypad import Keypad

NUMBER_MAX: Final = 32
"""Characters of a number; slips have twelve or so."""


class NumberPage(QWidget):
    """Typed, tapped or scanned; Enter records. Without a number it is recorded as well."""

    entered = Signal(str)
    closed = Signal()

    def __init__(self, name: str = "number") -> None:
        super().__init__()
        self.setObjectName(f"{name}_page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._typed = ""
        self._amount = ""
        self._title = label(18, 700)
        self._icon = picture("wallet", "text2", 24)
        self._tender = label(15, 600, name=f"{name}_tender")
        self._hint = label(14, 400, "text2")
        self._hint.setWordWrap(True)
        self._shown = label(30, 700, name=f"{name}_typed")
        self._shown.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._back = Button(f"{name}_back", "quiet", 14, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.clicked.connect(self.closed)
        self._keypad = Keypad(name, QSize(90, 60))
        self._keypad.digit.connect(self._type)
        self._keypad.back.connect(self._rub_out)
        self._keypad.extra.connect(self.open)
        self._record = Button(f"{name}_record", "primary", 18, 700)
        self._record.clicked.connect(lambda: self.entered.emit(self._typed))
        self.setLayout(
            column(
                row(self._title, None, self._back),
                row(self._icon, self._tender, None),
                self._hint,
                None,
                self._shown,
                8,
                self._keypad,
                10,
                self._record,
                margins=(18, 12, 18, 18),
            )
        )

    def open(self) -> None:
        """Begin with nothing typed."""
        self._typed = ""
        self._render()

    def show_for(self, tender: str, icon: str, amount: str) -> None:
        """What is recorded."""
        show_picture(self._icon, icon, "text2", 24)
        self._tender.setText(f"{tender} · {amount}")
        self._amount = amount
        self._render()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._record.setFixedHeight(metrics.primary)
        self._back.setFixedHeight(48)
        self._keypad.resize_keys(QSize(84, 52 if metrics.compact else 64))

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Number on the slip"))
        self._title.setText(_("Number on the slip"))
        self._hint.setText(_("Type what the machine printed, then record it."))
        self._back.say(_("Back"))
        self._keypad.retranslate()
        self._render()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Backspace:
            self._rub_out()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._record.click()
        elif event.text().isprintable() and event.text().strip():
            self._type(event.text())
        else:
            super().keyPressEvent(event)

    def _type(self, text: str) -> None:
        self._typed = (self._typed + text)[:NUMBER_MAX]
        self._render()

    def _rub_out(self) -> None:
        self._typed = self._typed[:-1]
        self._render()

    def _render(self) -> None:
        self._shown.setText(self._typed or "–")
        said = _("Record {amount}") if self._typed else _("Record {amount} without a number")
        self._record.say(said.format(amount=self._amount))
