"""Orders that wait for their buyers: how many, and how long the first of them still does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from pos_app.presenters.basket_words import countdown, countdown_tone, seconds_left
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.notice import Tone
from pos_app.ui.controls import Button, ElidedLabel, label, picture, row, show_picture
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.presenters.sell_state import SellState

_PICTURES = {Tone.INFO: "text2", Tone.WARN: "warn", Tone.DANGER: "danger"}


class ParkedStrip(QFrame):
    """One line while something is parked; near an end it warns and offers more time."""

    opened = Signal()
    extended = Signal(int)  # the number of the one that ends first

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("parked_strip")
        self.setProperty("role", "notice")
        self._number = 0
        self._icon = picture("circle-pause", "text2", 18)
        self._text = ElidedLabel(13, 600, name="parked_text")
        self._left = label(14, 700, name="parked_left")
        self._extend = Button("extend_parked", "", 13, 600)
        self._extend.clicked.connect(lambda: self.extended.emit(self._number))
        self._open = Button("show_parked", "", 13, 600)
        self._open.clicked.connect(self.opened)
        for each in (self._extend, self._open):
            each.setFixedHeight(40)
        box = row(self._icon, gap=8, margins=(12, 4, 4, 4))
        box.addWidget(self._text, 1)
        for widget in (self._left, self._extend, self._open):
            box.addWidget(widget)
        self.setLayout(box)
        self.hide()

    def show_time(self, state: SellState, now: datetime) -> None:
        """Show how many wait, and how long; or nothing."""
        parked = state.parked
        self.setVisible(bool(parked))
        if not parked:
            return
        first = parked[0]
        self._number = first.number
        left_s = seconds_left(first.until, now)
        tone = countdown_tone(left_s)
        count = len(parked)
        said = ngettext("{n} order parked", "{n} orders parked", count).format(n=count)
        warned = tone is not Tone.INFO
        self._text.setText(
            _("No. {number} ends in").format(number=first.number) if warned else said
        )
        self._left.setText(countdown(left_s))
        self._extend.setVisible(warned)
        show_picture(self._icon, "circle-pause", _PICTURES[tone], 18)
        restyle(self, tone=tone.value if warned else "")

    def retranslate(self) -> None:
        """Speak the language of now; the rest comes with the state."""
        self._extend.say(_("Extend"), _("Keep the order for longer"))
        self._open.say(_("Show"), _("Show the parked orders"))
