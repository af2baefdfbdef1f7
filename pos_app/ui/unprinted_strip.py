"""Sold and not printed: shown until the paper is out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from pos_app.presenters.language import _, ngettext
from pos_app.ui.controls import Button, label, picture, row

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState


class UnprintedStrip(QFrame):
    """How many tickets wait for paper, and the key that prints them."""

    reprint = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("unprinted")
        self.setProperty("role", "notice")
        self.setProperty("tone", "warn")
        self._text = label(13, 600, name="unprinted_text")
        self._print = Button("reprint", "", 13, 600)
        self._print.show_icon("printer", "text", 18)
        self._print.setFixedHeight(40)
        self._print.clicked.connect(self.reprint)
        self.setLayout(
            row(picture("printer", "warn"), self._text, None, self._print, margins=(12, 4, 4, 4))
        )
        self.hide()

    def show_state(self, state: SellState) -> None:
        """Show the strip while something waits."""
        count = sum(order.ticket_count for order in state.unprinted)
        self.setVisible(count > 0)
        self._text.setText(
            ngettext("{n} ticket sold, not printed", "{n} tickets sold, not printed", count).format(
                n=count
            )
        )

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._print.say(_("Print again"), _("Print the waiting tickets again"))
