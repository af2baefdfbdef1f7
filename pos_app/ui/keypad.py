"""Keys for fingers: numbers are typed on screen as well as on a keyboard."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Button

_ROWS: Final = ("123", "456", "789")


class Keypad(QWidget):
    """Ten digits, back, and one key of the owner's choice; names are `<prefix>_key_<digit>`."""

    digit = Signal(str)
    back = Signal()
    extra = Signal()

    def __init__(self, prefix: str, key: QSize, extra: str = "clear") -> None:
        super().__init__()
        self._extra_name = extra
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(10)
        self._keys: list[Button] = []
        for line, digits in enumerate(_ROWS):
            for place, each in enumerate(digits):
                self._add_digit(prefix, each, line, place)
        self._extra = self._add(f"{prefix}_key_{extra}", 3, 0)
        self._extra.clicked.connect(self.extra)
        self._add_digit(prefix, "0", 3, 1)
        self._back = self._add(f"{prefix}_key_back", 3, 2)
        self._back.show_icon("delete", "text2", 24)
        self._back.clicked.connect(self.back)
        self.resize_keys(key)

    def resize_keys(self, key: QSize, gap: int = 10) -> None:
        """Make the keys this large, and this far apart."""
        self._grid.setSpacing(gap)
        for each in self._keys:
            each.setMinimumSize(key)
            each.setFixedHeight(key.height())

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._back.setAccessibleName(_("Delete the last digit"))
        if self._extra_name == "00":
            self._extra.say("00")
        else:
            self._extra.say("C", _("Delete all digits"))

    def _add_digit(self, prefix: str, digit: str, line: int, place: int) -> None:
        button = self._add(f"{prefix}_key_{digit}", line, place)
        button.say(digit)
        button.clicked.connect(partial(self.digit.emit, digit))

    def _add(self, name: str, line: int, place: int) -> Button:
        button = Button(name, "key", 24, 600)
        self._keys.append(button)
        self._grid.addWidget(button, line, place)
        return button
