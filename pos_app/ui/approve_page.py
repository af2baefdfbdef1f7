# ruff: noqa: D102 - Qt's virtual methods are described by Qt

"""Somebody of a higher role lets a deed be, by their PIN, beside who is signed in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from pos_app.presenters.language import _
from pos_app.presenters.price_words import denied, role_name
from pos_app.ui.controls import Button, Metrics, column, label, retire, row
from pos_app.ui.give_page import PIN_DIGITS_MAX, Choice
from pos_app.ui.pin_pad import PinPad

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from pos_app.presenters.giving import Denied
    from pos_app.services.model import Person, SignInRefused
    from ticketing.pricing import Role

_SHOWN_MAX: Final = 6


class Approval(Protocol):
    """What waits for somebody of a role: who could let it be, and what became of the last try."""

    @property
    def role(self) -> Role:
        """Of this role or above."""

    @property
    def people(self) -> tuple[Person, ...]:
        """Who could."""

    @property
    def checking(self) -> bool:
        """A PIN is being checked, or people are looked up."""

    @property
    def refused(self) -> SignInRefused | Denied | None:
        """Why the last PIN did not count."""


class ApprovePage(QWidget):
    """The digits of a PIN never leave it but for the check."""

    approved = Signal(str, str)  # person id, PIN
    back = Signal()

    def __init__(self, name: str = "approve") -> None:
        super().__init__()
        self.setObjectName(f"{name}_page")
        self._said_why, self._choice_name = "", f"{name}_by"
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._approving: Approval | None = None
        self._typed = self._chosen = ""
        self._choices: list[Choice] = []
        self._title = label(18, 700, name=f"{name}_title")
        self._back = Button(f"{name}_back", "quiet", 14, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.setFixedHeight(48)
        self._back.clicked.connect(self.back)
        self._why = label(14, 400, "text2", f"{name}_why")
        self._why.setWordWrap(True)
        self._choice_box = QVBoxLayout()
        self._choice_box.setSpacing(6)
        self._note = label(13, 600, "danger", f"{name}_note")
        self._note.setWordWrap(True)
        self._pad = PinPad(name, QSize(90, 60))
        self._pad.digit.connect(self._type)
        self._pad.back.connect(lambda: self._become(self._typed[:-1]))
        self._pad.clear.connect(lambda: self._become(""))
        self._pad.submit.connect(self._submit)
        self._do = Button(f"{name}_do", "primary", 20, 700)
        self._do.clicked.connect(self._submit)
        self.setLayout(
            column(
                row(self._title, None, self._back),
                self._why,
                6,
                self._choice_box,
                None,
                self._note,
                self._pad,
                6,
                self._do,
                margins=(18, 10, 18, 18),
            )
        )

    def show_state(self, approving: Approval | None, why: str = "") -> None:
        """What needs it, who could let it be, and what is wrong with the last try."""
        before, self._approving = self._approving, approving
        self._said_why = why
        if approving is None:
            self._typed = self._chosen = ""
            return
        if before is None or before.people != approving.people:
            self._fill(approving)
        if approving.refused is not None:
            self._typed = ""
        self._render()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._do.setFixedHeight(metrics.primary)
        self._pad.resize_keys(QSize(90, 48 if metrics.compact else 60))

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Approval"))
        self._back.say(_("Back"), _("Back, nothing is done (Esc)"))
        self._do.say(_("Approve"))
        self._pad.retranslate()
        self._render()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._pad.take_key(event):
            super().keyPressEvent(event)

    # ------------------------------------------------------------------------------------ tools

    def _fill(self, approving: Approval) -> None:
        for old in self._choices:
            self._choice_box.removeWidget(old)
            retire(old)
        self._choices = [
            Choice(f"{self._choice_name}_{person.id}", person.id, person.name, "")
            for person in approving.people[:_SHOWN_MAX]
        ]
        for each in self._choices:
            each.clicked.connect(partial(self._choose, each.key))
            self._choice_box.addWidget(each)
            each.show()
        self._chosen = self._choices[0].key if self._choices else ""

    def _render(self) -> None:
        approving = self._approving
        if approving is None:
            return
        self._title.setText(_("{role}'s approval").format(role=role_name(approving.role)))
        self._why.setText(self._said_why)
        for each in self._choices:
            each.setChecked(each.key == self._chosen)
        self._pad.show_pin(len(self._typed))
        said = ""
        if approving.refused is not None:
            said = denied(approving.refused)
        elif not approving.people and not approving.checking:
            said = _("Nobody who may approve this has a PIN at this window.")
        self._note.setText(said)
        self._note.setVisible(bool(said))
        self._do.setEnabled(bool(self._typed and self._chosen) and not approving.checking)

    def _choose(self, key: str) -> None:
        self._chosen, self._typed = key, ""
        self._render()
        self.setFocus()

    def _type(self, digit: str) -> None:
        self._become((self._typed + digit)[:PIN_DIGITS_MAX])

    def _become(self, typed: str) -> None:
        self._typed = typed
        self._render()

    def _submit(self) -> None:
        if self._approving is not None and self._do.isEnabled():
            pin, self._typed = self._typed, ""
            self.approved.emit(self._chosen, pin)
