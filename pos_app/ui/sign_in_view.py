"""The page for signing in: the till is locked as long as it is shown."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from pos_app.presenters.language import _
from pos_app.ui.controls import Button, Metrics, card, column, label, picture, row
from pos_app.ui.sign_in_card import SignInCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QKeyEvent

    from pos_app.presenters.sign_in import SignInPresenter


class SignInView(QWidget):
    """The card in the middle of the page."""

    def __init__(self, presenter: SignInPresenter, train: Callable[[], bool] | None = None) -> None:
        """`train` opens a training beside; without it there is no key for that."""
        super().__init__()
        self.setObjectName("sign_in_view")
        self.setProperty("role", "page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._title = label(26, 700, name="sign_in_title")
        self._hint = label(15, 400, "text2", "sign_in_hint")
        self._card = SignInCard(presenter, "sign_in", "pin")
        self._card.chosen.connect(self.setFocus)
        self._open_training = train
        self._train = Button("sign_in_training", "quiet", 15, 500)
        self._train.show_icon("users", "training")
        self._train.setFixedHeight(48)
        self._train.setVisible(train is not None)
        self._train.clicked.connect(self._begin_training)
        box = card("card", "sign_in_card")
        box.setLayout(
            column(
                row(picture("ticket", "accent", 32), self._title, None, gap=12),
                self._hint,
                18,
                self._card,
                row(self._train, None),
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
        self._train.say(_("Training"), _("Open a training in a window of its own"))
        self._train.setToolTip(self._train.accessibleName())
        self._card.retranslate()

    def _begin_training(self) -> None:
        if self._open_training is not None and not self._open_training():
            self._hint.setText(_("The training could not be opened; the log says why."))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._card.take_key(event):
            super().keyPressEvent(event)
