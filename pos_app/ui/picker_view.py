"""Choosing a performance: a list by day, today first, and a field that narrows it down."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.picker import QUERY_CHARS_MAX
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    card,
    column,
    label,
    picture,
    retire,
    row,
)
from pos_app.ui.picker_buttons import STEPS, ChoiceButton, PickButton, SlotButton
from pos_app.ui.theme import font

if TYPE_CHECKING:
    from pos_app.presenters.picker import PickerGroup, PickerPresenter, PickerState
    from pos_app.services.model import PerformanceChoice
    from ticketing.event import Venue

_SLOT_COLUMNS: Final = 5
_WIDTH_MAX: Final = 980
_PICKS: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PickerView(QWidget):
    """Renders a `PickerState`. Arrows move, Enter opens, a letter begins a search."""

    chosen = Signal(int)
    closed = Signal()

    def __init__(self, presenter: PickerPresenter) -> None:
        super().__init__()
        self.setObjectName("picker_view")
        self.setProperty("role", "page")
        self._presenter = presenter
        self._buttons: list[PickButton] = []
        self._kept: dict[tuple[PerformanceChoice, bool], PickButton] = {}
        self._shown: object = None
        self._title = label(26, 700, name="picker_title")
        self._search = QLineEdit()
        self._search.setObjectName("picker_search")
        self._search.setFont(font(16, 500))
        self._search.setMaxLength(QUERY_CHARS_MAX)
        self._search.setFrame(False)
        self._search.textChanged.connect(presenter.search)
        self._search.returnPressed.connect(self._open_first)
        self._back = Button("picker_back", "quiet", 15, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.setFixedHeight(48)
        self._back.clicked.connect(self.closed)
        self._message = label(15, 400, "text2", "picker_message")
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._more = Button("picker_more", "", 15, 600)
        self._more.setMinimumHeight(52)
        self._more.clicked.connect(presenter.show_more)
        self._middle = self._lay_out()
        presenter.watch(self._show)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        top = 12 if metrics.compact else 32
        self._middle.setContentsMargins(0, top, 0, 12)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._title.setText(_("Choose a performance"))
        self._search.setPlaceholderText(_("Name, hall, day or time"))
        self._search.setAccessibleName(_("Search the performances"))
        self._back.say(_("Back (Esc)"), _("Back to the sale"))
        self._scroll.setAccessibleName(_("Performances"))
        self._forget()
        self._show(self._presenter.state)

    def allow_back(self, allowed: bool) -> None:
        """Whether there is a sale to go back to."""
        self._back.setVisible(allowed)

    def focus_first(self) -> None:
        """Put the keyboard on the soonest performance."""
        if self._buttons:
            self._buttons[0].setFocus()
            self._scroll.ensureWidgetVisible(self._buttons[0])

    def step_back(self) -> bool:
        """Take the search back; False when there is none."""
        if not self._presenter.forget_query():
            return False
        self.focus_first()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        at = next((one for one in self._buttons if one.hasFocus()), None)
        if key in STEPS and self._buttons:  # from the search: it has no use for them
            self._go(*STEPS[key])
        elif key in _PICKS and at is not None:
            at.click()
        elif at is not None and event.text().isprintable() and event.text().strip():
            self._search.setFocus()
            self._search.insert(event.text())
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> QVBoxLayout:
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(2, 2, 12, 2)
        self._list.setSpacing(10)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        field = card("stepper")
        field.setLayout(row(picture("search", "text2"), self._search, margins=(14, 0, 12, 0)))
        field.setFixedSize(320, 48)
        middle = QWidget()
        middle.setMaximumWidth(_WIDTH_MAX)
        made = column(
            row(self._title, None, field, self._back), self._message, self._scroll, gap=12
        )
        middle.setLayout(made)
        outer = QHBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(middle, 8)
        outer.addStretch(1)
        return made

    def _open_first(self) -> None:
        if self._buttons:
            self._buttons[0].click()

    def _choose(self, number: int) -> None:
        """Open it; the next choice begins with everything."""
        self.chosen.emit(number)
        self._presenter.forget_query()

    def _go(self, dx: int, dy: int) -> None:
        """Move the keyboard: to the nearest one above or below, to the next one to the side."""
        at = next((one for one in self._buttons if one.hasFocus()), None)
        if at is None:
            target = self._buttons[0]
        elif dx:
            to = self._buttons.index(at) + dx
            target = self._buttons[min(max(to, 0), len(self._buttons) - 1)]
        else:
            target = self._nearest(at, dy)
        target.setFocus()
        self._scroll.ensureWidgetVisible(target)

    def _nearest(self, at: PickButton, dy: int) -> PickButton:
        here = self._place(at)
        rows = [(self._place(one), one) for one in self._buttons]
        beyond = [
            (abs(place.top() - here.top()), abs(place.center().x() - here.center().x()), number)
            for number, (place, _one) in enumerate(rows)
            if (place.top() >= here.bottom() if dy > 0 else place.bottom() <= here.top())
        ]
        return rows[min(beyond)[2]][1] if beyond else at

    def _place(self, button: PickButton) -> QRect:
        return QRect(button.mapTo(self, QPoint(0, 0)), button.size())

    # ----------------------------------------------------------------------------- what shows

    def _show(self, state: PickerState) -> None:
        self._message.setText(self._message_for(state))
        self._message.setVisible(bool(self._message.text()))
        if self._search.text() != state.query:
            self._search.setText(state.query)
        if self._shown == (state, words.language()):
            return
        self._shown = (state, words.language())
        types = self._search.hasFocus()
        self._rebuild(state)
        if not types and self.isVisible():
            self.focus_first()

    def _rebuild(self, state: PickerState) -> None:
        """Put the list together of the buttons there are, as far as they still say the truth."""
        old, self._kept, self._buttons = self._kept, {}, []
        self._take_apart()
        if state.venue is not None:
            for day in state.days:
                heading = label(16, 700, "text2")
                heading.setText(words.day(day.day, state.today))
                self._list.addSpacing(4)
                self._list.addWidget(heading)
                for group in day.groups:
                    self._add(group, state.venue, old)
        for button in old.values():
            retire(button)
        self._more.say(
            ngettext("Show {n} more", "Show {n} more", state.left_out).format(
                n=words.count(state.left_out)
            )
        )
        self._list.addWidget(self._more)
        self._more.setVisible(state.left_out > 0)
        self._list.addStretch(1)

    def _add(
        self,
        group: PickerGroup,
        venue: Venue,
        old: dict[tuple[PerformanceChoice, bool], PickButton],
    ) -> None:
        slots = group.is_slots
        grid = self._slot_card(group) if slots else None
        for at, choice in enumerate(group.choices):
            button = old.pop((choice, slots), None)
            if button is None:
                button = SlotButton(choice, venue) if slots else ChoiceButton(choice, venue)
                button.stepped.connect(self._go)
                button.clicked.connect(partial(self._choose, choice.number))
            self._kept[choice, slots] = button
            self._buttons.append(button)
            if grid is None:
                self._list.addWidget(button)
            else:
                grid.addWidget(button, at // _SLOT_COLUMNS, at % _SLOT_COLUMNS)
            button.show()

    def _slot_card(self, group: PickerGroup) -> QGridLayout:
        """A card with an event's name, and room for its slots."""
        first = group.choices[0]
        frame: QFrame = card("card")
        title = ElidedLabel(17, 700)
        title.setText(words.name(first.event_name))
        title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        hall = label(14, 400, "text2")
        hall.setText(words.name(first.hall))
        grid = QGridLayout()
        grid.setSpacing(8)
        for at in range(_SLOT_COLUMNS):
            grid.setColumnStretch(at, 1)
        frame.setLayout(column(row(title, hall), grid, gap=10, margins=(16, 12, 16, 14)))
        self._list.addWidget(frame)
        return grid

    def _take_apart(self) -> None:
        """Empty the list; the buttons stay for the next one."""
        keep = {*self.findChildren(PickButton), self._more}
        for button in keep:
            button.hide()
            button.setParent(self._scroll.widget())
        while (item := self._list.takeAt(0)) is not None:
            old = item.widget()
            if old is not None and old not in keep:
                retire(old)

    def _forget(self) -> None:
        """Make every button anew: it speaks another language now."""
        self._take_apart()
        for button in self._kept.values():
            retire(button)
        self._kept, self._buttons, self._shown = {}, [], None

    @staticmethod
    def _message_for(state: PickerState) -> str:
        if state.failed:
            return _("The list could not be read. Try again, and tell the manager if it stays.")
        if not state.loaded:
            return _("Reading the performances…")
        if not state.days and state.query:
            return _("Nothing fits “{query}”. Esc shows everything.").format(query=state.query)
        if not state.days:
            return _("Nothing is on sale. A manager puts performances on sale in the console.")
        return ""
