"""Names on the left, the PIN on the right: who it is, by finger or by keyboard."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from pos_app.presenters.language import _
from pos_app.presenters.sentences import sign_in_refusal
from pos_app.ui.controls import Button, Metrics, RichButton, column, label, picture, retire, row
from pos_app.ui.pin_pad import PinPad
from pos_app.ui.theme import scaled

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from pos_app.presenters.sign_in import SignInPresenter, SignInState
    from pos_app.services.model import Person

_ROLES = {
    "admin": lambda: _("Administrator"),
    "manager": lambda: _("Manager"),
    "supervisor": lambda: _("Supervisor"),
    "cashier": lambda: _("Cashier"),
    "agent": lambda: _("Agent"),
    "security": lambda: _("Security"),
    "auditor": lambda: _("Auditor"),
}


class SignInCard(QWidget):
    """Renders a `SignInState`: tiles and a PIN pad. `prefix` begins the names of its keys."""

    chosen = Signal()

    def __init__(self, presenter: SignInPresenter, prefix: str, pad: str) -> None:
        super().__init__()
        self._presenter, self._prefix = presenter, prefix
        self._people: tuple[Person, ...] = ()
        self._buttons: dict[str, Button] = {}
        self._list = QVBoxLayout()
        self._list.setSpacing(10)
        self._message = label(14, 600, "danger", f"{prefix}_message")
        self._message.setWordWrap(True)
        self._message.setMinimumHeight(44)
        self._message.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.pad = PinPad(pad, QSize(92, 64), between=self._message)
        self.pad.digit.connect(presenter.digit)
        self.pad.back.connect(presenter.backspace)
        self.pad.clear.connect(presenter.clear)
        self.pad.submit.connect(presenter.submit)
        self._submit = Button(f"{prefix}_submit", "primary", 18, 700)
        self._submit.clicked.connect(presenter.submit)
        self._lay_out()
        presenter.watch(self._show)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.pad.resize_keys(QSize(92, 56 if metrics.compact else 68))
        self._submit.setFixedHeight(metrics.primary - 4)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._submit.say(_("Sign in"))
        self.pad.retranslate()
        self._scroll.setAccessibleName(_("People"))
        self._show_people(self._people, force=True)
        self._show(self._presenter.state)

    def take_key(self, event: QKeyEvent) -> bool:
        """Take a key of the keyboard; False for one that means nothing here."""
        if self.pad.take_key(event):
            return True
        if event.key() == Qt.Key.Key_Escape:
            self._presenter.clear()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._walk(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            return False
        return True

    def _lay_out(self) -> None:
        people = QWidget()
        people.setLayout(self._list)
        self._list.setContentsMargins(2, 2, 2, 2)
        self._scroll = QScrollArea()
        self._scroll.setObjectName(f"{self._prefix}_people")
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(people)
        self._scroll.setFixedWidth(360)
        inner = row(self._scroll, gap=40)
        inner.addLayout(column(self.pad, 4, self._submit, gap=8))
        self.setLayout(inner)

    def _show(self, state: SignInState) -> None:
        self._show_people(state.people)
        for person_id, button in self._buttons.items():
            button.setChecked(person_id == state.chosen_id)
        self.pad.show_pin(state.digit_count)
        self._submit.setEnabled(bool(state.chosen_id and state.digit_count) and not state.checking)
        if state.failed:
            self._message.setText(
                _("The till could not check the PIN. Try again, and tell the manager if it stays.")
            )
        elif state.refused is not None:
            self._message.setText(sign_in_refusal(state.refused))
        else:
            self._message.setText("")

    def _show_people(self, people: tuple[Person, ...], *, force: bool = False) -> None:
        if people == self._people and not force:
            return
        self._people = people
        while (item := self._list.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                retire(old)
        self._buttons = {person.id: self._person_button(person) for person in people}
        for button in self._buttons.values():
            self._list.addWidget(button)
        self._list.addStretch(1)

    def _person_button(self, person: Person) -> Button:
        role = _ROLES[person.role]() if person.role in _ROLES else person.role
        name = label(17, 600)
        name.setText(person.name)
        below = label(13, 400, "text2")
        below.setText(role)
        content = row(picture("user", "text2", 24), gap=14, margins=(16, 8, 16, 8))
        content.addLayout(column(name, below, gap=0), 1)
        button = RichButton(f"{self._prefix}_{person.id}", "person", content)
        button.setFixedHeight(scaled(68))
        button.setCheckable(True)
        button.setAccessibleName(f"{person.name}, {role}")
        button.clicked.connect(partial(self._choose, person.id))
        return button

    def _choose(self, person_id: str) -> None:
        self._presenter.choose(person_id)
        self._show(self._presenter.state)
        self.chosen.emit()

    def _walk(self, by: int) -> None:
        ids = [person.id for person in self._people]
        if ids:
            chosen = self._presenter.state.chosen_id
            at = (ids.index(chosen) + by) % len(ids) if chosen in ids else 0
            self._presenter.choose(ids[at])
