"""The page for signing in: the till is locked as long as it is shown."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Metrics, card, column, label, picture, row
from pos_app.ui.sign_in_card import SignInCard

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from pos_app.presenters.sign_in import SignInPresenter


class SignInView(QWidget):
    """The card in the middle of the page."""

    def __init__(self, presenter: SignInPresenter) -> None:
        super().__init__()
        self.setObjectName("sign_in_view")
        self.setProperty("role", "page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._title = label(26, 700, name="sign_in_title")
        self._hint = label(15, 400, "text2", "sign_in_hint")
        self._card = SignInCard(presenter, "sign_in", "pin")
        self._card.chosen.connect(self.setFocus)
        box = card("card", "sign_in_card")
        box.setLayout(
            column(
                row(picture("ticket", "accent", 32), self._title, None, gap=12),
                self._hint,
                18,
                self._card,
                gap=6,
                margins=(36, 30, 36, 34),
            )
        )
        grid = QGridLayout(self)
        grid.addWidget(box, 0, 0, Qt.AlignmentFlag.AlignCenter)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._card.apply(metrics)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Sign in"))
        self._title.setText(_("Sign in"))
        self._hint.setText(_("Choose your name and type your PIN."))
        self._card.retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._card.take_key(event):
            super().keyPressEvent(event)
