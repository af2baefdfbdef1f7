"""How long the seats that were acquired for this basket stay in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from pos_app.presenters.basket_words import countdown, countdown_tone, seconds_left
from pos_app.presenters.language import _
from pos_app.presenters.notice import Tone
from pos_app.ui.controls import Button, label, picture, row, show_picture
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.presenters.sell_state import SellState

_PICTURES = {Tone.INFO: "text2", Tone.WARN: "warn", Tone.DANGER: "danger"}


class HoldChip(QFrame):
    """A countdown; near its end it warns, and can be begun anew."""

    extended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("hold")
        self.setProperty("role", "notice")
        self._icon = picture("timer", "text2", 18)
        self._left = label(16, 700, name="hold_left")
        self._extend = Button("extend_hold", "", 13, 600)
        self._extend.setFixedHeight(40)
        self._extend.clicked.connect(self.extended)
        self.setLayout(row(self._icon, self._left, self._extend, gap=6, margins=(12, 2, 4, 2)))
        self.setFixedHeight(44)
        self.hide()

    def show_time(self, state: SellState, now: datetime) -> None:
        """Show what is left, or nothing."""
        until = state.hold_until
        self.setVisible(until is not None)
        if until is None:
            return
        left_s = seconds_left(until, now)
        tone = countdown_tone(left_s)
        self._left.setText(countdown(left_s))
        self._left.setAccessibleName(_("Seats kept for {time}").format(time=countdown(left_s)))
        show_picture(self._icon, "timer", _PICTURES[tone], 18)
        self._extend.setVisible(tone is not Tone.INFO)
        margin = 12 if tone is Tone.INFO else 4
        layout = self.layout()
        assert layout is not None, "it was made with one"
        layout.setContentsMargins(12, 2, margin, 2)
        restyle(self, tone="" if tone is Tone.INFO else tone.value)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._extend.say(_("Extend"), _("Keep the seats for longer"))
