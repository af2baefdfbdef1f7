"""F1: the keys of this page, and those that work everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Button, column, keycap, label, retire, row
from pos_app.ui.overlay import Overlay

if TYPE_CHECKING:
    from pos_app.ui.shortcuts import Key

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LINES_MAX = 14
"""Lines of one column; more are shared among several."""
_NO_TITLE = "\N{NO-BREAK SPACE}"
"""As high as one."""


class KeySheet(Overlay):
    """Made anew from the table whenever it opens."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "key_sheet")
        self._title = label(22, 700, name="key_sheet_title")
        self._close = Button("key_sheet_close", "icon")
        self._close.show_icon("x", "text2", 20)
        self._close.setFixedSize(QSize(48, 48))
        self._close.clicked.connect(self.shut)
        self._hint = label(14, 400, "text2")
        self._columns = row(gap=48)
        self._parts: list[QWidget] = []
        self.put(
            column(
                row(self._title, None, self._close),
                self._columns,
                8,
                self._hint,
                gap=8,
                margins=(28, 18, 22, 22),
            )
        )

    def retranslate(self) -> None:
        """Speak the language of now; the keys themselves are said when it opens."""
        self.setAccessibleName(_("Keys"))
        self._close.setAccessibleName(_("Close the keys"))

    def show_keys(self, of_page: tuple[Key, ...], everywhere: tuple[Key, ...]) -> None:
        """Open with these keys."""
        self._title.setText(_("Keys"))
        self._hint.setText(_("Esc closes this."))
        for old in self._parts:
            self._columns.removeWidget(old)
            retire(old)
        self._parts = []
        for title, keys in ((_("On this page"), of_page), (_("Everywhere"), everywhere)):
            columns = -(-len(keys) // _LINES_MAX)
            high = -(-len(keys) // columns) if columns else 1
            for at in range(0, len(keys), high):
                self._add_column(title if at == 0 else _NO_TITLE, keys[at : at + high])
        self.open()

    def _add_column(self, title: str, keys: tuple[Key, ...]) -> None:
        part = QWidget()
        box = QVBoxLayout(part)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(10)
        head = label(14, 600, "text2")
        head.setText(title)
        lines = QGridLayout()
        lines.setHorizontalSpacing(16)
        lines.setVerticalSpacing(9)
        for at, key in enumerate(keys):
            says = label(15)
            says.setText(key.says())
            lines.addWidget(keycap(key.caps), at, 0, _RIGHT)
            lines.addWidget(says, at, 1)
        box.addWidget(head)
        box.addLayout(lines)
        box.addStretch(1)
        self._parts.append(part)
        self._columns.addWidget(part)
