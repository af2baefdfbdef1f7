"""Sold and not printed: shown until the paper is out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from pos_app.presenters.device_words import strip_words
from pos_app.presenters.language import _
from pos_app.services.model import PrintOutcome
from pos_app.ui.controls import Button, column, label, picture, row

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState


class UnprintedStrip(QFrame):
    """How many tickets wait for paper, and the key that prints them.

    Tickets that may be on paper are asked about: nothing prints them again unasked.
    """

    reprint = Signal()
    settled = Signal(str)  # a job in doubt: its paper is there
    wanted_again = Signal(str)  # a job in doubt: print it once more

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("unprinted")
        self.setProperty("role", "notice")
        self.setProperty("tone", "warn")
        self._job_id = ""
        self._text = label(13, 600, name="unprinted_text")
        self._text.setWordWrap(True)
        self._print = self._button("reprint", "printer")
        self._there = self._button("paper_is_there", "check")
        self._again = self._button("paper_again", "printer")
        self._print.clicked.connect(self.reprint)
        self._there.clicked.connect(lambda: self.settled.emit(self._job_id))
        self._again.clicked.connect(lambda: self.wanted_again.emit(self._job_id))
        first = row(picture("printer", "warn"), gap=8)
        first.addWidget(self._text, 1)
        first.addWidget(self._print)
        second = row(None, self._there, self._again, gap=8)
        self.setLayout(column(first, second, gap=4, margins=(12, 4, 4, 4)))
        self.hide()

    def show_state(self, state: SellState) -> None:
        """Show the strip while something waits."""
        words = strip_words(state.unprinted)
        self.setVisible(bool(words))
        self._text.setText(words)
        doubt = next((one for one in state.unprinted if one.paper is PrintOutcome.IN_DOUBT), None)
        self._job_id = doubt.job_id if doubt else ""
        is_to_print = any(one.paper is PrintOutcome.FAILED for one in state.unprinted)
        self._print.setVisible(is_to_print and doubt is None)
        self._there.setVisible(doubt is not None)
        self._again.setVisible(doubt is not None)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._print.say(_("Print again"), _("Print the waiting tickets again"))
        self._there.say(_("It is there"), _("The tickets are on paper, whole"))
        self._again.say(_("Print a copy"), _("Print the tickets once more, marked as a copy"))

    @staticmethod
    def _button(name: str, drawing: str) -> Button:
        made = Button(name, "", 13, 600)
        made.show_icon(drawing, "text", 18)
        made.setFixedHeight(40)
        return made
