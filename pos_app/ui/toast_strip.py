"""What was just taken away, with the key that brings it back. Gone by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from pos_app.presenters.basket_words import toast_sentence
from pos_app.presenters.language import _
from pos_app.ui.controls import ElidedLabel, RichButton, keycap, label, picture, row

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState


class ToastStrip(QFrame):
    """One line above the total; nothing has to be done about it."""

    undone = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("toast")
        self.setProperty("role", "notice")
        self.setProperty("tone", "info")
        self._text = ElidedLabel(13, 600, name="toast_text")
        self._word = label(13, 600)
        self._undo = RichButton(
            "toast_undo",
            "",
            row(
                picture("undo-2", "text", 16),
                self._word,
                keycap("Ctrl+Z"),
                gap=6,
                margins=(10, 0, 8, 0),
            ),
        )
        self._undo.setFixedHeight(40)
        self._undo.clicked.connect(self.undone)
        box = row(gap=8, margins=(12, 4, 4, 4))
        box.addWidget(self._text, 1)
        box.addWidget(self._undo)
        self.setLayout(box)
        self.hide()

    def show_state(self, state: SellState) -> None:
        """Show what was taken away, or nothing."""
        toast = state.toast
        self.setVisible(toast is not None and state.change is None)
        if toast is not None:
            self._text.setText(toast_sentence(toast, state.house))

    def retranslate(self) -> None:
        """Speak the language of now; the sentence comes with the state."""
        self._word.setText(_("Undo"))
        self._undo.setAccessibleName(_("Undo (Ctrl+Z)"))
