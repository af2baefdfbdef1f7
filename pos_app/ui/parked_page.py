"""The list of parked orders, on the card of the basket."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.basket_words import (
    countdown,
    countdown_tone,
    parked_title,
    seconds_left,
)
from pos_app.presenters.language import _
from pos_app.presenters.notice import Tone
from pos_app.ui.controls import (
    REGULAR,
    Button,
    ElidedLabel,
    Metrics,
    column,
    keycap,
    label,
    retire,
    row,
)
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.presenters.sell_state import SellState
    from pos_app.services.parking_model import Parked
    from ticketing.event import Venue

_STEPS: Final = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
_TONES: Final = {Tone.INFO: "text2", Tone.WARN: "warn", Tone.DANGER: "danger"}


class RowButton(Button):
    """Up and Down walk the list instead of scrolling it; Enter does what a click does."""

    walked = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _STEPS:
            self.walked.emit(_STEPS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class ParkedRow(QFrame):
    """One order: whose, what for, how long it still waits, and what can be done with it."""

    recalled = Signal(int)
    extended = Signal(int)
    given_back = Signal(int)
    walked = Signal(int)

    def __init__(self, parked: Parked, venue: Venue | None) -> None:
        super().__init__()
        self.parked = parked
        number = parked.number
        self.setProperty("role", "line")
        self.setObjectName(f"parked_{number}")
        title = label(16, 700, name=f"parked_{number}_title")
        title.setText(parked_title(parked))
        amount = label(16, 600)
        amount.setText(words.money(parked.total_minor, parked.currency, compact=True))
        self._left = label(15, 700, "text2", f"parked_{number}_left")
        detail = ElidedLabel(13, 400, "text2", f"parked_{number}_detail")
        when = words.time_of_day(parked.parked_at, venue) if venue else ""
        event = words.name(parked.event_name) if parked.event_name else ""
        detail.setText(" · ".join(each for each in (when, parked.by, event) if each))
        note = ElidedLabel(13, 600, "accent", f"parked_{number}_note")
        note.setText(parked.note)
        note.setVisible(bool(parked.note))
        self.recall = RowButton(f"parked_{number}_recall", "soft", 14, 600)
        self.recall.say(_("Recall"), _("Recall order no. {number}").format(number=number))
        self.recall.clicked.connect(partial(self.recalled.emit, number))
        more = RowButton(f"parked_{number}_extend", "icon")
        more.show_icon("timer-reset", "text2", 20)
        more.setAccessibleName(_("Keep order no. {number} for longer").format(number=number))
        more.clicked.connect(partial(self.extended.emit, number))
        self._drop = RowButton(f"parked_{number}_drop", "icon")
        self._drop.show_icon("trash-2", "text2", 18)
        self._drop.setAccessibleName(
            _("Give the seats of order no. {number} back").format(number=number)
        )
        self._drop.clicked.connect(self._give_back)
        self._sure = RowButton(f"parked_{number}_sure", "", 13, 600)
        self._sure.say(_("Give back"))
        self._sure.clicked.connect(partial(self.given_back.emit, number))
        self._sure.hide()
        for each in (self.recall, self._sure):
            each.setFixedHeight(48)
        for each in (more, self._drop):
            each.setFixedSize(QSize(44, 48))
        for each in (self.recall, more, self._drop, self._sure):
            each.walked.connect(self.walked)
        top = row(title, None, amount, gap=10)
        below = row(self._left, None, more, self._drop, self._sure, self.recall, gap=4)
        self.setLayout(column(top, detail, note, below, gap=2, margins=(14, 8, 8, 6)))

    @property
    def has_keyboard(self) -> bool:
        """Whether one of its keys has."""
        return any(each.hasFocus() for each in self.findChildren(RowButton))

    def show_time(self, now: datetime) -> None:
        """Show what is left."""
        left_s = seconds_left(self.parked.until, now)
        self._left.setText(countdown(left_s))
        restyle(self._left, tone=_TONES[countdown_tone(left_s)])

    def _give_back(self) -> None:
        """Asked for twice: it cannot be undone."""
        self._drop.hide()
        self._sure.show()
        self._sure.setFocus()


class ParkedPage(QWidget):
    """All that is parked, the first to end at first. Up and Down walk, Enter recalls."""

    recalled = Signal(int)
    extended = Signal(int)
    given_back = Signal(int)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("parked_page")
        self._metrics = REGULAR
        self._rows: list[ParkedRow] = []
        self._rows_for: object = None
        self._title = label(18, 700)
        self._hint = label(13, 400, "text2")
        self._hint.setWordWrap(True)
        self._back = Button("parked_back", "quiet", 14, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.clicked.connect(self.closed)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("parked_list")
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        self._box = QVBoxLayout(inside)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(8)
        self._box.addStretch(1)
        self._scroll.setWidget(inside)
        box = column(
            row(self._title, keycap("F8"), None, self._back),
            self._hint,
            self._scroll,
            gap=8,
            margins=(18, 16, 18, 16),
        )
        box.setStretchFactor(self._scroll, 1)
        self.setLayout(box)

    def show_state(self, state: SellState) -> None:
        """Show what is parked."""
        key = (state.parked, words.language(), state.house.venue if state.house else None)
        if key != self._rows_for:
            self._rows_for = key
            self._fill(state)

    def show_time(self, now: datetime) -> None:
        """Show how long each of them still waits."""
        for each in self._rows:
            each.show_time(now)

    def take_focus(self) -> None:
        """The keyboard is for the first of them."""
        if self._rows:
            self._rows[0].recall.setFocus()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._back.setFixedHeight(metrics.quick)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._title.setText(_("Parked orders"))
        self._hint.setText(_("Their seats are kept here until the time is up."))
        self._back.say(_("Back"))
        self._rows_for = None

    def _walk(self, step: int) -> None:
        keys = [each.recall for each in self._rows]
        here = next((i for i, each in enumerate(self._rows) if each.has_keyboard), 0)
        keys[(here + step) % len(keys)].setFocus()
        self._scroll.ensureWidgetVisible(self._rows[(here + step) % len(keys)])

    def _fill(self, state: SellState) -> None:
        had_focus = any(each.hasFocus() for each in self.findChildren(QWidget))
        for old in self._rows:
            self._box.removeWidget(old)
            retire(old)
        venue = state.house.venue if state.house else None
        self._rows = [ParkedRow(parked, venue) for parked in state.parked]
        for at, each in enumerate(self._rows):
            each.recalled.connect(self.recalled)
            each.extended.connect(self.extended)
            each.given_back.connect(self.given_back)
            each.walked.connect(self._walk)
            self._box.insertWidget(at, each)
            each.show()
        if had_focus:
            self.take_focus()
