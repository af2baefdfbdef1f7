"""Behind "More": an amount is typed or tapped in notes, then the means that pays it; so it is split."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters import tender_words as say
from pos_app.presenters.handed_over import NOTHING
from pos_app.presenters.language import _
from pos_app.ui.controls import (
    REGULAR,
    Button,
    ElidedLabel,
    Metrics,
    RichButton,
    card,
    column,
    label,
    picture,
    retire,
    row,
)
from pos_app.ui.keypad import Keypad
from pos_app.ui.note_keys import NoteKeys
from pos_app.ui.number_page import NumberPage
from pos_app.ui.theme import font, restyle, scaled
from ticketing.house_tender import HouseTender

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.tender_model import RecordedLeg

_IN_A_ROW: Final = 3
"""Keys of tenders beside each other."""
_KEY_GAP: Final = 8


class PayPanel(QWidget):
    """Whole units are typed, and minor ones behind a point; or each note laid down is tapped.

    Neither means all that is left.
    """

    cash = Signal(object)  # minor units handed over, None for what is due
    tender = Signal(str, object)  # id of a named tender, minor units or None for the rest
    number = Signal(str)  # what the machine's slip says
    given_back = Signal(str)  # id of a recorded part
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("pay_panel")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._given = NOTHING
        self._state: SellState | None = None
        self._metrics = REGULAR
        self._parts_for: object = None
        self._keys_for: object = None
        self._parts: list[QWidget] = []
        self._keys: list[Button] = []
        self._make_parts()
        self._amounts = QWidget()
        self._amounts.setLayout(self._layout())
        self._number = NumberPage()
        self._number.entered.connect(self.number)
        self._number.closed.connect(self.closed)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self._amounts)
        self._stack.addWidget(self._number)

    def open(self) -> None:
        """Begin with nothing handed over."""
        self._given = NOTHING
        self._render()

    def show_state(self, state: SellState) -> None:
        """Show what is due, what was paid of it, and what could pay the rest."""
        if state.house is None or state.pay_panel is None:
            return
        if self._state is None or state.payment != self._state.payment:
            self._given = NOTHING
        self._state = state
        venue, currency = state.house.venue, state.house.event.currency
        self._show_parts(state, currency)
        self._show_tenders(venue.tenders)
        panel = state.pay_panel
        if panel.asks:
            name = say.tender_name(venue, panel.asks)
            icon = say.tender_icon(venue, panel.asks)
            self._number.show_for(name, icon, words.money(panel.amount_minor, currency))
        wanted = self._number if panel.asks else self._amounts
        if self._stack.currentWidget() is not wanted:
            self._stack.setCurrentWidget(wanted)
            if panel.asks:
                self._number.open()
                self._number.setFocus()
            else:
                self.setFocus()
        self._render()

    def take_focus(self) -> None:
        """Put the keyboard where something is typed."""
        shown = self._stack.currentWidget()
        (self._number if shown is self._number else self).setFocus()

    def start_over(self) -> None:
        """Take back all that was typed or tapped."""
        if self._clear.hasFocus():
            self.setFocus()  # it is about to be switched off
        self._given = NOTHING
        self._render()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._metrics = metrics
        compact = metrics.compact
        self._box.setContentsMargins(14 if compact else 18, 8, 14 if compact else 18, 12)
        self._pay.setFixedHeight(metrics.primary)
        self._back.setFixedHeight(48)
        self._rest.setFont(font(24 if compact else 32, 700))
        self._amount.setFont(font(26 if compact else 34, 700))
        high = max(48 if compact else 62, scaled(36))
        self._keypad.resize_keys(QSize(40, high), _KEY_GAP)
        self._notes.apply(metrics, high, _KEY_GAP)
        self._clear.setFixedHeight(48)
        self._number.apply(metrics)
        self._parts_for = self._keys_for = None

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Payment in parts"))
        self._title.setText(_("Payment"))
        self._back.say(_("Back"))
        self._rest_word.setText(_("Left to pay"))
        self._typed_word.setText(_("Amount"))
        self._clear.say(_("Clear"), _("Clear the amount"))
        self._notes.setAccessibleName(_("Notes and coins"))
        self._pay.say(_("Take cash"))
        self._keypad.retranslate()
        self._number.retranslate()
        self._parts_for = self._keys_for = None
        self._render()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text() and event.text() in "0123456789.":
            self._type(event.text())
        elif event.key() == Qt.Key.Key_Backspace:
            self._rub_out()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pay.click()
        elif not self._is_note(event):
            super().keyPressEvent(event)

    # ------------------------------------------------------------------------------------ parts

    def _make_parts(self) -> None:
        self._title = label(18, 700)
        self._due = label(13, 400, "text2", "pay_panel_due")
        self._rest_word = label(15, 600)
        self._rest = label(32, 700, name="pay_panel_rest")
        self._typed_word = label(15, 600, "text2")
        self._amount = label(34, 700, name="pay_panel_amount")
        self._change = label(14, 600, "text2", "pay_panel_change")
        self._change.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._back = Button("pay_panel_back", "quiet", 14, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.clicked.connect(self.closed)
        self._clear = Button("pay_clear", "quiet", 14, 500)
        self._clear.show_icon("x", "text2", 18)
        self._clear.clicked.connect(self.start_over)
        self._notes = NoteKeys(self._clear)
        self._notes.tapped.connect(self._tap)
        self._keypad = Keypad("pay", QSize(40, 60), "00")
        self._keypad.digit.connect(self._type)
        self._keypad.back.connect(self._rub_out)
        self._keypad.extra.connect(partial(self._type, "00"))
        self._pay = Button("pay_panel_cash", "primary", 20, 700)
        self._pay.clicked.connect(self._submit)

    def _layout(self) -> QVBoxLayout:
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        self._pads = row(self._notes, self._keypad, gap=12)
        self._box = column(
            row(self._title, None, self._back),
            self._due,
            self._list,
            row(self._rest_word, None, self._rest),
            None,
            row(self._typed_word, self._clear, None, self._amount),
            self._change,
            4,
            self._pads,
            6,
            self._pay,
            self._grid,
            gap=6,
            margins=(18, 12, 18, 14),
        )
        return self._box

    def _show_parts(self, state: SellState, currency: str) -> None:
        key = (state.payment.recorded, currency)
        if key == self._parts_for or state.house is None:
            return
        self._parts_for = key
        for old in self._parts:
            self._list.removeWidget(old)
            retire(old)
        venue = state.house.venue
        self._parts = []
        for at, leg in enumerate(state.payment.recorded):
            name = say.with_number(say.tender_name(venue, leg.tender), leg.reference)
            part = self._part(at, leg, name, say.tender_icon(venue, leg.tender), currency)
            self._list.addWidget(part)
            part.show()
            self._parts.append(part)

    def _part(self, at: int, leg: RecordedLeg, name: str, icon: str, currency: str) -> QFrame:
        made = card("line", f"part_{at}")
        text = ElidedLabel(14, 600, name=f"part_{at}_text")
        text.setText(name)
        amount = label(15, 700, name=f"part_{at}_amount")
        amount.setText(words.money(leg.amount_minor, currency))
        back = Button(f"part_{at}_back", "icon")
        back.show_icon("x", "text2", 18)
        back.setFixedSize(40, 44)
        said = _("Given back: {tender} {amount}").format(tender=name, amount=amount.text())
        back.setAccessibleName(said)
        back.setToolTip(said)
        back.clicked.connect(partial(self.given_back.emit, leg.id))
        inner = row(picture(icon, "text2", 18), text, amount, back, margins=(12, 0, 4, 0))
        inner.setStretchFactor(text, 1)
        made.setLayout(inner)
        made.setFixedHeight(46)
        return made

    def _show_tenders(self, tenders: tuple[HouseTender, ...]) -> None:
        key = (tenders, words.language())
        if key == self._keys_for:
            return
        self._keys_for = key
        for old in self._keys:
            self._grid.removeWidget(old)
            retire(old)
        self._keys = []
        for at, tender in enumerate(tenders):
            name = words.name(tender.name)
            text = ElidedLabel(13 if self._metrics.compact else 14, 600)
            text.setText(name)
            inner = row(picture(say.ICONS[tender.icon], "text", 18), text, margins=(10, 0, 6, 0))
            inner.setStretchFactor(text, 1)
            button = RichButton(f"pay_by_{tender.id}", "", inner)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setAccessibleName(_("Pay this amount by {tender}").format(tender=name))
            button.setFixedHeight(48)
            button.clicked.connect(partial(self._take, tender.id))
            self._grid.addWidget(button, at // self._columns(tenders), at % self._columns(tenders))
            button.show()
            self._keys.append(button)

    @staticmethod
    def _columns(tenders: tuple[HouseTender, ...]) -> int:
        return min(_IN_A_ROW, 2 if len(tenders) in (2, 4) else _IN_A_ROW)

    # ------------------------------------------------------------------------------------ typing

    def _given_minor(self) -> int | None:
        """The amount that stands there; None where nothing was typed or tapped."""
        if self._state is None or self._state.house is None:
            return None
        return self._given.amount_minor(self._state.house.event.currency)

    def _is_note(self, event: QKeyEvent) -> bool:
        """Tap a note by its letter. One held down is pressed once: each tap is money."""
        plain = event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        if plain != Qt.KeyboardModifier.NoModifier or event.isAutoRepeat():
            return False
        return self._notes.tap(event.text())

    def _type(self, digits: str) -> None:
        self._given = self._given.with_digits(digits)
        self._render()

    def _tap(self, minor: int) -> None:
        self._given = self._given.with_note(minor)
        self._render()

    def _rub_out(self) -> None:
        self._given = self._given.without_last()
        self._render()

    def _submit(self) -> None:
        self.cash.emit(self._given_minor())

    def _take(self, tender_id: str) -> None:
        self.setFocus()  # the key may be switched off by what it does
        self.tender.emit(tender_id, self._given_minor())

    def _render(self) -> None:
        state = self._state
        if state is None or state.house is None:
            return
        currency, rest, due = state.house.event.currency, state.rest_minor, state.cash_due_minor
        typed = self._given_minor()
        self._notes.show_given(self._given, currency)
        for at, share in enumerate((self._notes.columns, 3)):
            self._pads.setStretch(at, share)
        self._clear.setEnabled(self._given.is_given)
        self._due.setText(
            _("Total due {amount}").format(amount=words.money(state.total_minor, currency))
        )
        self._rest.setText(words.money(max(rest, 0), currency))
        amount = due if typed is None else typed
        self._amount.setText(words.money(amount, currency))
        restyle(self._amount, tone="text3" if typed is None else "text")
        self._change.setText(self._change_words(amount, currency))
        cash = words.money(amount, currency)
        part = typed is not None and typed < due
        said = _("Part in cash {amount}") if part else _("Take cash {amount}")
        self._pay.say(said.format(amount=cash))
        self._pay.setEnabled(state.can_pay and rest >= 0 and amount >= 0)
        fits = 0 < (rest if typed is None else typed) <= rest
        for key in self._keys:
            key.setEnabled(state.can_pay and fits)

    def _change_words(self, amount_minor: int, currency: str) -> str:
        """What becomes of the typed amount."""
        assert self._state is not None, "it is shown"
        rest, due = self._state.rest_minor, self._state.cash_due_minor
        over = amount_minor - due
        if rest < 0:
            restyle(self._change, tone="danger")
            much = words.money(-rest, currency)
            return _("{amount} too much was recorded: give a part back").format(amount=much)
        restyle(self._change, tone="ok" if over > 0 else "text2")
        if over > 0:
            return _("Change {amount}").format(amount=words.money(over, currency))
        if over < 0:
            return _("then {amount} is left").format(amount=words.money(-over, currency))
        rounding = due - rest
        if rounding and due:
            told = say.rounding_words(rounding, currency)
            return _("rounded {amount}").format(amount=told)
        return ""
