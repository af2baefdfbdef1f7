"""The orders screen's "at the gate": what a gate would say now of the tickets scanned or chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.gate_words import GateAnswer, GatePanel, gate_panel, gate_says, is_for_later
from pos_app.presenters.language import _
from pos_app.ui.controls import card, column, label, picture, retire, row
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from pos_app.presenters.after_sale_state import AfterSaleState
    from pos_app.services.after_sale_model import OrderDetail, SoldTicket


class GateView(QWidget):
    """Shows nothing where no ticket is scanned or chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("gate_panel")
        self._shown: object = None
        self._answers: list[QWidget] = []
        self._title = label(14, 700, name="gate_title")
        self._source = label(13, 400, "text2", "gate_source")
        self._source.setWordWrap(True)
        self._box = QVBoxLayout()
        self._box.setSpacing(6)
        box = column(self._title, gap=6, margins=(0, 6, 0, 0))
        box.addLayout(self._box)
        box.addWidget(self._source)
        self.setLayout(box)
        self.hide()

    def show_state(self, state: AfterSaleState) -> None:
        """Say what holds for the tickets that are scanned or chosen now."""
        detail = state.detail
        panel = gate_panel(detail, state.at_gate) if detail is not None else None
        key = (panel, words.language())
        if key == self._shown:
            return
        self._shown = key
        self.setVisible(panel is not None)
        for old in self._answers:
            self._box.removeWidget(old)
            retire(old)
        self._answers = []
        if panel is not None:
            self._say(panel)

    def draw_again(self) -> None:
        """Forget what is shown: the theme or the language is another one."""
        self._shown = None

    def _say(self, panel: GatePanel) -> None:
        self._title.setText(_("At the gate now"))
        self._source.setText(panel.source)
        self._answers = [_answer(at, each) for at, each in enumerate(panel.answers)]
        for each in self._answers:
            self._box.addWidget(each)
            each.show()
        told = [f"{one.says.word} {one.about} {one.sentence}" for one in panel.answers]
        self.setAccessibleName(" ".join((_("At the gate now"), *told, panel.source)))


def mark_of(at: int, ticket: SoldTicket, detail: OrderDetail) -> tuple[QWidget | None, str]:
    """The gate's icon and word for a ticket's row, and the word alone; not of another day's."""
    if ticket.at_gate is None or is_for_later(ticket.at_gate):
        return None, ""
    says = gate_says(ticket.at_gate, detail.venue)
    word = label(13, 600, says.level, f"ticket_{at}_gate")
    word.setText(says.word)
    made = QWidget()
    made.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    made.setLayout(row(None, picture(says.icon, says.level, 14), word, gap=5))
    return made, says.word


def _answer(at: int, answer: GateAnswer) -> QFrame:
    says = answer.says
    made = card("notice", f"gate_answer_{at}")
    restyle(made, tone=says.level)
    icon = picture(says.icon, says.level, 22)
    word = label(16, 700, name=f"gate_word_{at}")
    word.setText(" · ".join(filter(None, (says.word, answer.about))))
    sentence = label(13, 400, name=f"gate_sentence_{at}")
    sentence.setText(answer.sentence)
    sentence.setWordWrap(True)
    if not answer.sentence:  # shown without a parent it would be a window, and take the keyboard
        sentence.hide()
    sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
    box = row(icon, gap=10, margins=(12, 6, 12, 6))
    box.addLayout(column(word, sentence, gap=1), 1)
    made.setLayout(box)
    return made
