"""Writing a note on the order, on the card of the basket."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Button, Metrics, column, label, row
from pos_app.ui.theme import font
from ticketing.operations import NOTE_CHARS_MAX


class NoteEdit(QPlainTextEdit):
    """A note is one line that is broken where it is shown: Enter ends it."""

    entered = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Tab:
            self.focusNextChild()
        else:
            super().keyPressEvent(event)


class NotePage(QWidget):
    """A field, what is left of its room, and two keys."""

    written = Signal(str)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("note_page")
        self._title = label(18, 700)
        self._hint = label(13, 400, "text2")
        self._hint.setWordWrap(True)
        self.edit = NoteEdit()
        self.edit.setObjectName("note_text")
        self.edit.setFont(font(16, 400))
        self.edit.setFixedHeight(140)
        self.edit.textChanged.connect(self._changed)
        self.edit.entered.connect(self._save)
        self._room = label(13, 500, "text3", "note_room")
        self._back = Button("note_back", "quiet", 14, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.clicked.connect(self.closed)
        self._keep = Button("note_keep", "primary", 18, 700)
        self._keep.clicked.connect(self._save)
        self.setLayout(
            column(
                row(self._title, None, self._back),
                self._hint,
                self.edit,
                row(None, self._room),
                8,
                self._keep,
                None,
                gap=8,
                margins=(18, 16, 18, 16),
            )
        )

    def open(self, note: str) -> None:
        """Begin with the note as it is."""
        self.edit.setPlainText(note)
        self.edit.moveCursor(self.edit.textCursor().MoveOperation.End)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._keep.setFixedHeight(metrics.primary)
        self._back.setFixedHeight(metrics.quick)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._title.setText(_("Note on the order"))
        self._hint.setText(
            _("Kept with the order and shown wherever it is looked up. No names or phone numbers.")
        )
        self.edit.setAccessibleName(_("Note on the order"))
        self._back.say(_("Back"))
        self._keep.say(_("Keep the note"))

    def _changed(self) -> None:
        """No more than fits; what was typed or pasted on top falls off."""
        text = self.edit.toPlainText()
        if len(text) > NOTE_CHARS_MAX:
            self.edit.setPlainText(text[:NOTE_CHARS_MAX])
            self.edit.moveCursor(self.edit.textCursor().MoveOperation.End)
            return
        self._room.setText(f"{len(text)} / {NOTE_CHARS_MAX}")

    def _save(self) -> None:
        self.written.emit(self.edit.toPlainText())
