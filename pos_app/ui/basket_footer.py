"""The row at the foot of the basket: empty it, write a note, put it aside or take one out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Button, RichButton, keycap, label, picture, row

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from pos_app.ui.controls import Metrics

_HEIGHT_PX = 48
_ADDED_MAX_PX = 150
"""A long name leaves the other keys their room."""


class BasketFooter(QWidget):
    """Three keys; the last one says what F8 does now."""

    cleared = Signal()
    note_wanted = Signal()
    park = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._clear = Button("clear", "quiet", 14, 500)
        self._clear.show_icon("trash-2", "text2")
        self._clear.clicked.connect(self.cleared)
        self._note = Button("write_note", "quiet", 14, 500)
        self._note.show_icon("square-pen", "text2")
        self._note.clicked.connect(self.note_wanted)
        self._added: Button | None = None
        self._word = label(14, 500, "text2")
        self._icon = picture("circle-pause", "text2")
        self._park = RichButton(
            "park",
            "quiet",
            row(
                self._icon,
                self._word,
                keycap("F8"),
                gap=5,
                margins=(2, 0, 2, 0),
            ),
        )
        self._park.clicked.connect(self.park)
        for each in (self._clear, self._note, self._park):
            each.setFixedHeight(_HEIGHT_PX)
        self._box = row(self._clear, None, self._note, self._park, gap=0)
        self.setLayout(self._box)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes; in a low window the last key's cap says enough."""
        self._icon.setVisible(not metrics.compact)

    def show_state(self, state: SellState) -> None:
        """Switch on what can be done."""
        filled = bool(state.basket and state.basket.lines)
        free = not state.is_frozen
        self._clear.setEnabled(free and filled)
        self._note.setEnabled(free and filled)
        self._park.setEnabled(free and (filled or bool(state.parked)))
        recalls = not filled and bool(state.parked)
        self._word.setText(_("Recall") if recalls else _("Park"))
        self._park.setAccessibleName(
            _("Recall a parked order (F8)") if recalls else _("Park this order (F8)")
        )

    def retranslate(self) -> None:
        """Speak the language of now; what F8 does comes with the state."""
        self._clear.say(_("Clear"), _("Clear the basket"))
        self._note.say(_("Note"), _("Write a note on this order"))
        self._park.setAccessibleName(_("Park this order (F8)"))

    def focus_note(self) -> None:
        """The note was written, or not."""
        self._note.setFocus()

    def put_in(self, key: Button) -> None:
        """Show one more key behind the first; its owner says what it does."""
        key.setFixedHeight(_HEIGHT_PX)
        key.setMaximumWidth(_ADDED_MAX_PX)
        self._box.insertWidget(1, key)
        self._added = key

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        added = (self._added,) if self._added is not None else ()
        return self._clear, *added, self._note, self._park
