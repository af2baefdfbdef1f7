"""The panels of the shift page: counting, moving cash, a manager's word, and reports."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.presenters.shift_state import ACTIONS, Paper
from pos_app.presenters.shift_words import paper_words, reason_words, report_rows, submit_words
from pos_app.services.rows import Look, Row
from pos_app.services.shift_rows import signed
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    RichButton,
    column,
    label,
    retire,
    row,
    rule,
)
from pos_app.ui.pin_pad import PinPad
from pos_app.ui.theme import restyle, scaled

if TYPE_CHECKING:
    from pos_app.presenters.shift_state import ShiftState
    from pos_app.services.model import Person
    from pos_app.services.shift_model import Reason

_ROWS_MAX: Final = 7
_KEYPAD_WIDTH: Final = 280


_PAPER_TONES = {Paper.FAILED: "danger", Paper.IN_DOUBT: "danger", Paper.WAITING: "warn"}


class DenominationRow(RichButton):
    """One note or coin: how many, and what they come to. A tap has the keys type into it."""

    stepped = Signal(int)

    def __init__(self, minor: int) -> None:
        self._minor = minor
        self._name = label(16, 700)
        self._pieces = label(17, 600, name=f"pieces_{minor}")
        self._pieces.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sum = label(14, 400, "text2")
        self._sum.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._less = Button(f"less_{minor}", "step")
        self._less.show_icon("minus", "text", 18)
        self._more = Button(f"more_{minor}", "step")
        self._more.show_icon("plus", "text", 18)
        content = row(
            self._name, None, self._less, self._pieces, self._more, self._sum,
            gap=0, margins=(14, 0, 14, 0),
        )  # fmt: skip
        super().__init__(f"denomination_{minor}", "person", content)
        self.setCheckable(True)
        for button, by in ((self._less, -1), (self._more, 1)):
            button.setFixedSize(QSize(44, 44))
            button.clicked.connect(partial(self.stepped.emit, by))

    def apply(self, height: int) -> None:
        """Take this height, and columns as wide as the text is large."""
        self.setFixedHeight(height)
        self._name.setMinimumWidth(scaled(64))
        self._pieces.setFixedWidth(scaled(48))
        self._sum.setMinimumWidth(scaled(92))

    def show_count(self, pieces: int, currency: str, *, chosen: bool) -> None:
        """Show so many."""
        name = words.money(self._minor, currency, compact=True)
        self._name.setText(name)
        self._pieces.setText(words.count(pieces))
        self._sum.setText(words.money(self._minor * pieces, currency) if pieces else "")
        self.setChecked(chosen)
        self._less.setEnabled(pieces > 0)
        self.setAccessibleName(_("{pieces} × {name}").format(pieces=pieces, name=name))
        self._less.setAccessibleName(_("One {name} less").format(name=name))
        self._more.setAccessibleName(_("One {name} more").format(name=name))


class CountPanel(QWidget):
    """Counting by note and coin: what it should come to is not shown."""

    chosen = Signal(int)
    stepped = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[int, ...] = ()
        self._rows: list[DenominationRow] = []
        self._height = 52
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(8)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._height = 56 if metrics.compact else 64
        for each in self._rows:
            each.apply(self._height)

    def show_state(self, state: ShiftState) -> None:
        """Show the count so far."""
        if state.denominations != self._shown:
            self._make_rows(state.denominations)
        for place, each in enumerate(self._rows):
            each.show_count(state.pieces[place], state.currency, chosen=place == state.chosen)

    def _make_rows(self, denominations: tuple[int, ...]) -> None:
        for each in self._rows:
            self._grid.removeWidget(each)
            retire(each)
        self._shown = denominations
        self._rows = [DenominationRow(minor) for minor in denominations]
        high = max(4, -(-len(denominations) // 2))
        for place, each in enumerate(self._rows):
            each.apply(self._height)
            each.clicked.connect(partial(self.chosen.emit, place))
            each.stepped.connect(partial(self.stepped.emit, place))
            self._grid.addWidget(each, place % high, place // high)
        self._grid.setRowStretch(high, 1)


class ReasonBar(QWidget):
    """Reasons to choose one from."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Reason, ...] = ()
        self._buttons: dict[Reason, Button] = {}
        self._title = label(14, 600, "text2")
        self._box = QGridLayout()
        self._box.setSpacing(8)
        self.setLayout(column(self._title, self._box, gap=8))

    def show_state(self, state: ShiftState) -> None:
        """Show the reasons of this page."""
        self._title.setText(_("Reason"))
        self.setVisible(bool(state.reasons))
        if state.reasons != self._shown:
            self._make(state.reasons)
        for reason, button in self._buttons.items():
            button.say(reason_words(reason))
            button.setChecked(reason is state.reason)

    def _make(self, reasons: tuple[Reason, ...]) -> None:
        for button in self._buttons.values():
            self._box.removeWidget(button)
            retire(button)
        self._shown, self._buttons = reasons, {}
        for at, reason in enumerate(reasons):
            button = Button(f"reason_{reason}", "tier", 15, 500)
            button.setCheckable(True)
            button.setFixedHeight(48)
            button.clicked.connect(partial(self._choose, reason))
            self._buttons[reason] = button
            self._box.addWidget(button, at // 2, at % 2)

    def _choose(self, reason: Reason) -> None:
        self._buttons[reason].setChecked(True)
        self.chosen.emit(reason)


class ApprovePanel(QWidget):
    """Counted, apart by so much: which manager takes it."""

    chosen = Signal(str)
    recount = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._people: tuple[Person, ...] = ()
        self._buttons: dict[str, Button] = {}
        self._counted = _pair()
        self._expected = _pair()
        self._difference_word = label(16, 600)
        self._difference = label(30, 700, name="shift_difference")
        self._title = label(14, 600, "text2")
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self._recount = Button("shift_recount", "quiet", 15, 500)
        self._recount.setFixedHeight(48)
        self._recount.clicked.connect(self.recount)
        self.setLayout(
            column(
                row(self._counted[0], None, self._counted[1]),
                row(self._expected[0], None, self._expected[1]),
                rule(),
                row(self._difference_word, None, self._difference),
                10,
                self._title,
                self._list,
                None,
                row(None, self._recount),
                gap=8,
            )
        )

    def show_state(self, state: ShiftState) -> None:
        """Show the difference and the managers."""
        wanted = state.wanted
        if wanted is not None:
            money = partial(words.money, currency=state.currency)
            expected = wanted.counted_minor - wanted.difference_minor
            self._counted[1].setText(money(wanted.counted_minor))
            self._expected[1].setText(money(expected))
            self._difference.setText(signed(wanted.difference_minor, money))
        if state.approvers != self._people:
            self._make(state.approvers)
        for person_id, button in self._buttons.items():
            button.setChecked(person_id == state.approver_id)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._counted[0].setText(_("Counted"))
        self._expected[0].setText(_("Expected in the drawer"))
        self._difference_word.setText(_("Difference"))
        restyle(self._difference, tone="danger")
        self._title.setText(_("Manager"))
        self._recount.say(_("Count again"))

    def _make(self, people: tuple[Person, ...]) -> None:
        for button in self._buttons.values():
            self._list.removeWidget(button)
            retire(button)
        self._people, self._buttons = people, {}
        for person in people:
            button = Button(f"approver_{person.id}", "tier", 16, 600)
            button.setCheckable(True)
            button.setFixedHeight(48)
            button.setText(person.name)
            button.setAccessibleName(person.name)
            button.clicked.connect(partial(self.chosen.emit, person.id))
            self._buttons[person.id] = button
            self._list.addWidget(button)


class ReportPanel(QWidget):
    """A report as it stands on paper."""

    print_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._inside = QWidget()
        self._list = QVBoxLayout(self._inside)
        self._list.setContentsMargins(4, 0, 16, 0)
        self._list.setSpacing(5)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("shift_report")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._inside)
        self._scroll.setMaximumWidth(620)
        self._paper = label(14, 600, "text2", "report_paper")
        self._paper.setWordWrap(True)
        self._print = Button("print_report", "soft", 16, 700)
        self._print.show_icon("printer", "accent")
        self._print.setFixedHeight(56)
        self._print.setMinimumWidth(220)
        self._print.clicked.connect(self.print_wanted)
        middle = QHBoxLayout()
        middle.addWidget(self._scroll, 1)
        side = column(self._print, self._paper, None, gap=12)
        middle.addLayout(side)
        middle.setSpacing(24)
        self.setLayout(middle)

    def show_state(self, state: ShiftState) -> None:
        """Show the report, and what became of its print."""
        rows = report_rows(state)
        if rows != self._rows:
            self._rows = rows
            self._make(rows)
            self._scroll.verticalScrollBar().setValue(0)
        self._paper.setText(paper_words(state.paper))
        restyle(self._paper, tone=_PAPER_TONES.get(state.paper, "text2"))

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._print.say(_("Print"))
        self._scroll.setAccessibleName(_("Report"))

    def take_focus(self) -> None:
        """Put the keyboard on the print."""
        self._print.setFocus()

    def _make(self, rows: list[Row]) -> None:
        while (item := self._list.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                retire(old)
        for each in rows:
            self._list.addWidget(_report_line(each))
        self._list.addStretch(1)


class Typing(QWidget):
    """The right-hand column of what is typed: the amount or the PIN, the keys, the large button."""

    digit = Signal(str)
    back = Signal()
    clear = Signal()
    submit = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._word = label(14, 400, "text2")
        self.pad = PinPad("shift", QSize(84, 56), amount_name="shift_amount")
        self.pad.digit.connect(self.digit)
        self.pad.back.connect(self.back)
        self.pad.clear.connect(self.clear)
        self.pad.submit.connect(self.submit)
        self._submit = Button("shift_submit", "primary", 17, 700)
        self._submit.clicked.connect(self.submit)
        self._word.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setLayout(column(self._word, self.pad, None, self._submit, gap=4))

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setFixedWidth(scaled(_KEYPAD_WIDTH))
        self.pad.resize_keys(QSize(84, 52 if metrics.compact else 64))
        self._submit.setFixedHeight(metrics.primary)

    def show_state(self, state: ShiftState, *, counting: bool, approving: bool) -> None:
        """Show what was typed."""
        moves = state.page in ACTIONS
        self._word.setVisible(counting or moves)
        shown = state.counted_minor if counting else state.amount_minor
        self._word.setText(_("Counted") if counting else _("Amount"))
        if counting or moves:
            self.pad.show_amount(words.money(shown, state.currency))
        elif approving:
            self.pad.show_pin(state.digit_count)
        else:
            self.pad.show_nothing()
        self._submit.say(submit_words(state.page))
        self._submit.setEnabled(state.can_submit)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.pad.retranslate()


def _pair() -> tuple[QLabel, QLabel]:
    return label(15, 400, "text2"), label(16, 600)


def _report_line(each: Row) -> QWidget:
    """A row of a report as a widget."""
    if each.look is Look.RULE:
        return rule()
    sizes = {Look.TITLE: (20, 700), Look.STRONG: (17, 700), Look.HEAD: (13, 600)}
    size, weight = sizes.get(each.look, (15, 400))
    left, right = ElidedLabel(size, weight), label(size, max(weight, 500))
    left.setText(each.left)
    right.setText(each.right)
    line = QWidget()
    box = row(gap=16)
    box.addWidget(left, 1)
    box.addWidget(right)
    line.setLayout(box)
    return line
