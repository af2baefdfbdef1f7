"""Another person takes over the window: the basket and the page stay as they are."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt

from pos_app.presenters.language import _
from pos_app.ui.controls import Button, Metrics, column, label, row
from pos_app.ui.overlay import Overlay
from pos_app.ui.sign_in_card import SignInCard

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QWidget

    from pos_app.presenters.sign_in import SignInPresenter


class SwitchPanel(Overlay):
    """Who, and their PIN; until it is right, nobody is signed out."""

    def __init__(self, parent: QWidget, presenter: SignInPresenter) -> None:
        super().__init__(parent, "switch_panel")
        self._presenter = presenter
        self._title = label(22, 700, name="switch_title")
        self._hint = label(15, 400, "text2")
        self._close = Button("switch_close", "icon")
        self._close.show_icon("x", "text2", 20)
        self._close.setFixedSize(QSize(48, 48))
        self._close.clicked.connect(self.shut)
        self._card = SignInCard(presenter, "switch", "switch")
        self._card.chosen.connect(self.setFocus)
        self.put(
            column(
                row(self._title, None, self._close),
                self._hint,
                14,
                self._card,
                gap=6,
                margins=(32, 20, 24, 30),
            )
        )

    def ask(self) -> None:
        """Open over the window."""
        self._presenter.choose("")
        self._presenter.load()
        self.open()

    def shut(self) -> bool:
        self._presenter.clear()
        return super().shut()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._card.apply(metrics)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Change the person"))
        self._title.setText(_("Who takes over?"))
        self._hint.setText(_("The basket stays, and so does the shift."))
        self._close.setAccessibleName(_("Close, nobody takes over"))
        self._card.retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape or not self._card.take_key(event):
            super().keyPressEvent(event)
