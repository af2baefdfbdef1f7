"""A key for each note and coin: tapped as often as the buyer lays one down."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.handed_over import LETTERS, notes_on_keys, on_key
from pos_app.presenters.language import _
from pos_app.ui.controls import Metrics, RichButton, column, label, retire
from pos_app.ui.theme import font, restyle

if TYPE_CHECKING:
    from pos_app.presenters.handed_over import HandedOver

_ROWS: Final = 4
"""As many as the digits beside them have."""


class NoteKey(RichButton):
    """What it is worth over the letter that taps it, or over how often it was tapped."""

    def __init__(self, minor: int, letter: str) -> None:
        self.minor = minor
        self._letter = letter.upper()
        self._name = label(17, 700, name=f"note_{minor}_name")
        self._under = label(12, 500, "text3", f"note_{minor}_pieces")
        for each in (self._name, self._under):
            each.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._box = column(None, self._name, self._under, None, gap=0, margins=(0, 1, 0, 1))
        super().__init__(f"note_{minor}", "note", self._box)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def apply(self, height: int, columns: int, *, compact: bool) -> None:
        """Take this height, and letters that fit into a column."""
        self.setFixedHeight(height)
        self._name.setFont(font((16 if compact else 18) if columns <= 2 else 13, 700))
        self._under.setFont(font(12 if compact else 13, 600))

    def show_pieces(self, pieces: int, currency: str) -> None:
        """Show how many of it were laid down."""
        name = words.money(self.minor, currency, compact=True)
        self._name.setText(on_key(self.minor, currency))
        counted = f"\N{MULTIPLICATION SIGN} {words.count(pieces)}"
        self._under.setText(counted if pieces else self._letter)
        restyle(self, tapped=pieces > 0)
        restyle(self._under, tone="accent" if pieces else "text3")
        said = _("One {name} more").format(name=name)
        self.setToolTip(f"{said} ({self._letter})")
        if pieces:
            laid = _("{pieces} × {name}").format(pieces=words.count(pieces), name=name)
            said = f"{said}: {laid}"
        self.setAccessibleName(said)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space taps. Enter is left to the panel: it takes the cash, whatever was tapped last."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
        else:
            super().keyPressEvent(event)


class NoteKeys(QWidget):
    """The notes of a currency in columns, the largest first."""

    tapped = Signal(int)  # minor units of the note

    def __init__(self, stop: QWidget) -> None:
        """The Tab key comes here from `stop`."""
        super().__init__()
        self._stop = stop
        self._currency = ""
        self._height = 62
        self._compact = False
        self._keys: list[NoteKey] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)

    @property
    def columns(self) -> int:
        """Columns beside each other; the digits beside them have three."""
        return -(-len(self._keys) // _ROWS)

    def show_given(self, given: HandedOver, currency: str) -> None:
        """Show what was tapped; the keys are made anew for another currency."""
        if currency != self._currency:
            self._make_keys(currency)
        for key in self._keys:
            key.show_pieces(given.pieces(key.minor), currency)

    def tap(self, letter: str) -> bool:
        """Tap the note of this letter; whether there is one."""
        at = LETTERS.find(letter.lower())
        if not letter or not 0 <= at < len(self._keys):
            return False
        self._keys[at].click()
        return True

    def apply(self, metrics: Metrics, height: int, gap: int) -> None:
        """Take these sizes: keys as high as the digits, and as far apart."""
        self._compact, self._height = metrics.compact, height
        self._grid.setSpacing(gap)
        for key in self._keys:
            key.apply(height, self.columns, compact=self._compact)

    def _make_keys(self, currency: str) -> None:
        for old in self._keys:
            self._grid.removeWidget(old)
            retire(old)
        for at in range(self.columns):
            self._grid.setColumnStretch(at, 0)
        self._currency = currency
        minors = notes_on_keys(currency)
        self._keys = [NoteKey(minor, LETTERS[at]) for at, minor in enumerate(minors)]
        before = self._stop
        for at, key in enumerate(self._keys):
            key.apply(self._height, self.columns, compact=self._compact)
            key.clicked.connect(partial(self.tapped.emit, key.minor))
            self._grid.addWidget(key, at // self.columns, at % self.columns)
            key.show()
            QWidget.setTabOrder(before, key)
            before = key
        for at in range(self.columns):
            self._grid.setColumnStretch(at, 1)
