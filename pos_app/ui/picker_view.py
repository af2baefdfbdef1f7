"""Choosing a performance: a list by day, today first."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    RichButton,
    column,
    label,
    retire,
    row,
)

if TYPE_CHECKING:
    from pos_app.presenters.picker import PickerPresenter, PickerState
    from pos_app.services.model import PerformanceChoice
    from ticketing.event import Venue


class ChoiceButton(RichButton):
    """One performance: when, what, where, and what can be sold."""

    def __init__(self, choice: PerformanceChoice, venue: Venue) -> None:
        self.number = choice.number
        time = label(26, 700)
        time.setText(words.time_of_day(choice.starts_at, venue))
        ends = label(13, 400, "text2")
        ends.setText(_("until {time}").format(time=words.time_of_day(choice.ends_at, venue)))
        title = ElidedLabel(18, 700)
        title.setText(words.name(choice.event_name))
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        place = label(14, 400, "text2")
        place.setText(
            _("{hall} · doors {time}").format(
                hall=words.name(choice.hall), time=words.time_of_day(choice.doors_at, venue)
            )
        )
        left = label(17, 600, "ok" if choice.venue_free_count else "text3")
        left.setText(_("{n} left").format(n=words.count(choice.venue_free_count)))
        left.setAlignment(Qt.AlignmentFlag.AlignRight)
        ours = label(13, 400, "text2")
        ours.setText(_("{n} at this window").format(n=words.count(choice.allotted_free_count)))
        ours.setAlignment(Qt.AlignmentFlag.AlignRight)
        content = row(gap=20, margins=(22, 12, 22, 12))
        when = QWidget()
        when.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        when.setLayout(column(None, time, ends, None, gap=0))
        when.setFixedWidth(120)
        content.addWidget(when)
        content.addLayout(column(None, title, place, None, gap=3), 1)
        content.addLayout(column(None, left, ours, None, gap=3))
        super().__init__(f"performance_{choice.number}", "choice", content)
        self.setMinimumHeight(88)
        self.setAccessibleName(f"{title.text()}, {time.text()}, {left.text()}, {ours.text()}")


class PickerView(QWidget):
    """Renders a `PickerState`."""

    chosen = Signal(int)
    closed = Signal()

    def __init__(self, presenter: PickerPresenter) -> None:
        super().__init__()
        self.setObjectName("picker_view")
        self.setProperty("role", "page")
        self._presenter = presenter
        self._buttons: list[ChoiceButton] = []
        self._shown: object = None
        self._title = label(26, 700, name="picker_title")
        self._back = Button("picker_back", "quiet", 15, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.setFixedHeight(48)
        self._back.clicked.connect(self.closed)
        self._message = label(15, 400, "text2", "picker_message")
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(2, 2, 12, 2)
        self._list.setSpacing(10)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        middle = QWidget()
        middle.setMaximumWidth(980)
        self._middle = column(
            row(self._title, None, self._back), self._message, self._scroll, gap=12
        )
        middle.setLayout(self._middle)
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(middle, 8)
        outer.addStretch(1)
        presenter.watch(self._show)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        top = 12 if metrics.compact else 32
        self._middle.setContentsMargins(0, top, 0, 12)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._title.setText(_("Choose a performance"))
        self._back.say(_("Back (Esc)"), _("Back to the sale"))
        self._scroll.setAccessibleName(_("Performances"))
        self._shown = None
        self._show(self._presenter.state)

    def allow_back(self, allowed: bool) -> None:
        """Whether there is a sale to go back to."""
        self._back.setVisible(allowed)

    def focus_first(self) -> None:
        """Put the keyboard on the soonest performance."""
        if self._buttons:
            self._buttons[0].setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        focused = self.focusWidget()
        at = next((i for i, one in enumerate(self._buttons) if one is focused), None)
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self._buttons:
            by = 1 if event.key() == Qt.Key.Key_Down else -1
            to = 0 if at is None else min(max(at + by, 0), len(self._buttons) - 1)
            self._buttons[to].setFocus()
            self._scroll.ensureWidgetVisible(self._buttons[to])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and at is not None:
            self._buttons[at].click()
        else:
            super().keyPressEvent(event)

    def _show(self, state: PickerState) -> None:
        self._message.setText(self._message_for(state))
        self._message.setVisible(bool(self._message.text()))
        if self._shown == (state, words.language()):
            return
        self._shown = (state, words.language())
        had_focus = any(button.hasFocus() for button in self._buttons)
        self._clear()
        for day in state.days:
            if state.venue is None:
                break
            heading = label(16, 700, "text2")
            heading.setText(words.day(day.day, state.today))
            self._list.addSpacing(4)
            self._list.addWidget(heading)
            for choice in day.choices:
                button = ChoiceButton(choice, state.venue)
                button.clicked.connect(partial(self.chosen.emit, choice.number))
                self._buttons.append(button)
                self._list.addWidget(button)
        self._list.addStretch(1)
        if had_focus or self.isVisible():
            self.focus_first()

    def _clear(self) -> None:
        self._buttons = []
        while (item := self._list.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                retire(old)

    @staticmethod
    def _message_for(state: PickerState) -> str:
        if state.failed:
            return _("The list could not be read. Try again, and tell the manager if it stays.")
        if not state.loaded:
            return _("Reading the performances…")
        if not state.days:
            return _("Nothing is on sale. A manager puts performances on sale in the console.")
        return ""
