"""Ten keys and what was typed with them: a PIN as dots, or an amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QWidget

from pos_app.ui.controls import column, label
from pos_app.ui.keypad import Keypad
from pos_app.ui.pin_dots import PinDots

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent


class PinPad(QWidget):
    """Says what was pressed, on screen or (by `take_key`) on the keyboard; knows no digits.

    The keys are named `<prefix>_key_<digit>`; the amount is `amount_name`.
    """

    digit = Signal(str)
    back = Signal()
    clear = Signal()
    submit = Signal()

    def __init__(
        self, prefix: str, key: QSize, *, amount_name: str = "", between: QWidget | None = None
    ) -> None:
        """`between` stands between the dots and the keys: a place for words."""
        super().__init__()
        self._amount = label(34, 700, name=amount_name)
        self._amount.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._amount.hide()
        self._dots = PinDots()
        self._keypad = Keypad(prefix, key)
        self._keypad.digit.connect(self.digit)
        self._keypad.back.connect(self.back)
        self._keypad.extra.connect(self.clear)
        above = [self._amount, self._dots, *([between] if between is not None else [])]
        self.setLayout(column(*above, 4, self._keypad, gap=6))

    def show_pin(self, digit_count: int) -> None:
        """A PIN is being typed: as many dots as it has digits so far."""
        self._amount.hide()
        self._dots.show_count(digit_count)
        self._dots.show()
        self._keypad.show()

    def show_amount(self, text: str, *, typing: bool = True) -> None:
        """An amount is being typed, or is only shown."""
        self._dots.hide()
        self._amount.setText(text)
        self._amount.show()
        self._keypad.setVisible(typing)

    def show_nothing(self) -> None:
        """There is nothing to type."""
        for each in (self._amount, self._dots, self._keypad):
            each.hide()

    def resize_keys(self, key: QSize) -> None:
        """Make the keys this large."""
        self._keypad.resize_keys(key)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._keypad.retranslate()

    def take_key(self, event: QKeyEvent) -> bool:
        """Take a key of the keyboard; False for one that is not a pad's."""
        if event.text() and event.text() in "0123456789":
            self.digit.emit(event.text())
        elif event.key() == Qt.Key.Key_Backspace:
            self.back.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.submit.emit()
        else:
            return False
        return True
