"""The performances to choose from: a wide button for an evening, a tile for a time slot."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QLayout, QSizePolicy, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.ui.controls import ElidedLabel, RichButton, column, label, row
from pos_app.ui.theme import scaled

if TYPE_CHECKING:
    from pos_app.services.model import PerformanceChoice
    from ticketing.event import Venue

_LOW_STOCK: Final = 20
STEPS: Final = {
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
}


class PickButton(RichButton):
    """A performance. The arrow keys are its list's, before what scrolls it takes them."""

    stepped = Signal(int, int)

    def __init__(self, choice: PerformanceChoice, role: str, content: QLayout, spoken: str) -> None:
        super().__init__(f"performance_{choice.number}", role, content)
        self.number = choice.number
        self.setAccessibleName(spoken)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = STEPS.get(Qt.Key(event.key()))
        if step is not None:
            self.stepped.emit(*step)
        else:
            super().keyPressEvent(event)


class ChoiceButton(PickButton):
    """One evening: when, what, where, and what can be sold."""

    def __init__(self, choice: PerformanceChoice, venue: Venue) -> None:
        time = label(26, 700)
        time.setText(words.time_of_day(choice.starts_at, venue))
        ends = label(13, 400, "text2")
        ends.setText(_("until {time}").format(time=words.time_of_day(choice.ends_at, venue)))
        title = ElidedLabel(18, 700)
        title.setText(words.name(choice.event_name))
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        place = ElidedLabel(14, 400, "text2")
        place.setText(
            _("{hall} · doors {time}").format(
                hall=words.name(choice.hall), time=words.time_of_day(choice.doors_at, venue)
            )
        )
        left = _left(choice, 17)
        ours = label(13, 400, "text2")
        ours.setText(_ours(choice))
        ours.setAlignment(Qt.AlignmentFlag.AlignRight)
        left.setAlignment(Qt.AlignmentFlag.AlignRight)
        content = row(gap=20, margins=(22, 12, 22, 12))
        when = QWidget()
        when.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        when.setLayout(column(None, time, ends, None, gap=0))
        when.setFixedWidth(scaled(120))
        content.addWidget(when)
        content.addLayout(column(None, title, place, None, gap=3), 1)
        content.addLayout(column(None, left, ours, None, gap=3))
        spoken = ", ".join(each.text() for each in (title, time, left, ours))
        super().__init__(choice, "choice", content, spoken)
        self.setMinimumHeight(scaled(88))


class SlotButton(PickButton):
    """One time slot: when it begins and how many may still come."""

    def __init__(self, choice: PerformanceChoice, venue: Venue) -> None:
        time = label(20, 700)
        time.setText(words.time_of_day(choice.starts_at, venue))
        left = _left(choice, 14)
        ours = label(12, 400, "text2")
        ours.setText(_("{n} here").format(n=words.count(choice.allotted_free_count)))
        content = column(row(time, None, left, gap=6), ours, gap=2, margins=(14, 8, 14, 8))
        name = words.name(choice.event_name)
        spoken = ", ".join((name, time.text(), left.text(), _ours(choice)))
        super().__init__(choice, "choice", content, spoken)
        self.setToolTip(spoken)
        self.setMinimumHeight(scaled(64))


def _left(choice: PerformanceChoice, size_px: int) -> QLabel:
    free = choice.venue_free_count
    made = label(size_px, 600, "text3" if not free else "warn" if free <= _LOW_STOCK else "ok")
    made.setText(_("{n} left").format(n=words.count(free)) if free else _("sold out"))
    return made


def _ours(choice: PerformanceChoice) -> str:
    return _("{n} at this window").format(n=words.count(choice.allotted_free_count))
