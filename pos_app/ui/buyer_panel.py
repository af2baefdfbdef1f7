"""The card for a buyer's name and number, over the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from pos_app.presenters.buyer import no_buyer
from pos_app.presenters.language import _
from pos_app.ui.controls import Button, column, label, row
from pos_app.ui.overlay import Overlay
from pos_app.ui.theme import font
from ticketing.personal import NAME_CHARS_MAX, PHONE_CHARS_MAX

if TYPE_CHECKING:
    from pos_app.presenters.buyer import BuyerPresenter, BuyerState

_WIDTH = 460


class BuyerPanel(Overlay):
    """Two fields, one key that keeps them. Both may stay empty."""

    def __init__(self, parent: QWidget, presenter: BuyerPresenter) -> None:
        super().__init__(parent, "buyer_panel")
        self._presenter = presenter
        self._filled: object = None
        self._title = label(22, 700, name="buyer_title")
        self._hint = label(14, 400, "text2")
        self._hint.setWordWrap(True)
        self._close = Button("buyer_close", "icon")
        self._close.show_icon("x", "text2", 20)
        self._close.setFixedSize(QSize(48, 48))
        self._close.clicked.connect(presenter.close)
        self._words = (label(13, 600, "text2"), label(13, 600, "text2"))
        self.name = _field("buyer_name", NAME_CHARS_MAX)
        self.phone = _field("buyer_phone", PHONE_CHARS_MAX)
        self.phone.setInputMethodHints(Qt.InputMethodHint.ImhDialableCharactersOnly)
        self._refused = label(14, 600, "danger", "buyer_refused")
        self._refused.setWordWrap(True)
        self._save = Button("buyer_save", "primary", 17, 700)
        self._save.setFixedHeight(60)
        self._save.clicked.connect(self._keep)
        self.name.returnPressed.connect(self.phone.setFocus)
        self.phone.returnPressed.connect(self._keep)
        content = column(
            row(self._title, None, self._close),
            self._hint,
            10,
            self._words[0],
            _framed(self.name),
            6,
            self._words[1],
            _framed(self.phone),
            self._refused,
            10,
            self._save,
            gap=6,
            margins=(28, 18, 24, 26),
        )
        self.put(content)
        self.box.setFixedWidth(_WIDTH)
        presenter.watch(self._show)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Buyer"))
        self._title.setText(_("Buyer"))
        self._hint.setText(_("Only to find the order again. Kept sealed; never on the ticket."))
        self._words[0].setText(_("Buyer's name"))
        self._words[1].setText(_("Telephone"))
        self.name.setAccessibleName(_("Buyer's name"))
        self.phone.setAccessibleName(_("Telephone"))
        self._close.setAccessibleName(_("Close, nothing changes"))
        self._save.say(_("Keep"), _("Keep name and number (Enter)"))
        self._show(self._presenter.state)

    # ------------------------------------------------------------------------------------ tools

    def _show(self, state: BuyerState) -> None:
        if not state.is_open:
            self._filled = None
            for each in (self.name, self.phone):
                each.clear()
            self.shut()
            return
        self._refused.setText(no_buyer(state.refused) if state.refused else "")
        self._refused.setVisible(state.refused is not None)
        self._save.setEnabled(state.can_save)
        for each in (self.name, self.phone):
            each.setEnabled(state.can_save)
        if not self.isVisible():
            self.open()
        known = (state.order, state.shown)
        if state.refused is None and self._filled != known:  # else somebody may be typing
            self._filled = known
            self.name.setText(state.shown.name)
            self.phone.setText(state.shown.phone)
            self.name.setFocus()

    def _keep(self) -> None:
        self._presenter.save(self.name.text(), self.phone.text())


def _field(name: str, chars_max: int) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(name)
    field.setFont(font(18, 500))
    field.setMaxLength(chars_max)
    field.setFrame(False)
    return field


def _framed(field: QLineEdit) -> QFrame:
    frame = QFrame()
    frame.setProperty("role", "stepper")
    frame.setFixedHeight(52)
    frame.setLayout(row(field, margins=(14, 0, 12, 0)))
    return frame
