# ruff: noqa: D102 - Qt's virtual methods are described by Qt

"""Giving something by hand: reasons with their caps, the percentage, a second person's PIN."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.giving import HUNDRED_PERCENT, Unit, given_of
from pos_app.presenters.language import _
from pos_app.presenters.notice import Topic
from pos_app.presenters.price_words import denied, offer_detail, role_name
from pos_app.presenters.sentences import notice_sentence
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    RichButton,
    column,
    label,
    retire,
    row,
)
from pos_app.ui.pin_pad import PinPad
from pos_app.ui.theme import restyle
from program.i18n import currency_exponent

if TYPE_CHECKING:
    from pos_app.presenters.giving import Giving, Offer
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import House

PIN_DIGITS_MAX: Final = 12
_UNIT_KEYS: Final = {Qt.Key.Key_Percent: Unit.PERCENT, Qt.Key.Key_Asterisk: Unit.MONEY}
_SHOWN_MAX: Final = 6
"""Reasons, or people, shown at once; the rest is reached by the arrow keys."""


class GivePage(QWidget):
    """Shows `SellState.giving`; the digits of a PIN never leave it but for the check."""

    given = Signal(object)  # Discounted or AsHouse
    approved = Signal(str, str)  # person id, PIN
    taken_back = Signal()
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("give_page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._giving: Giving | None = None
        self._house: House | None = None
        self._typed = ""
        self._unit = Unit.PERCENT
        self._chosen = ""
        self._refused = ""  # why what was asked for is not given
        self._choices: list[Choice] = []
        self._shown_for: tuple[object, ...] = ()
        self._title = label(18, 700, name="give_title")
        self._place = ElidedLabel(14, 400, "text2", "give_place")
        self._back = Button("give_back", "quiet", 14, 500)
        self._back.show_icon("arrow-left", "text2")
        self._back.clicked.connect(self.closed)
        self._choice_box = QVBoxLayout()
        self._choice_box.setSpacing(6)
        self._note = label(13, 500, "danger", "give_note")
        self._note.setWordWrap(True)
        self._units = {unit: Button(f"give_unit_{unit}", "tier", 18, 600) for unit in Unit}
        for unit, button in self._units.items():
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the page has the keyboard
            button.clicked.connect(partial(self._count_in, unit))
        self._pad = PinPad("give", QSize(90, 60), amount_name="give_percent")
        self._pad.digit.connect(self._type)
        self._pad.back.connect(self._rub_out)
        self._pad.clear.connect(self._clear)
        self._pad.submit.connect(self._submit)
        self._take_back = Button("give_take_back", "quiet", 14, 500)
        self._take_back.show_icon("undo-2", "text2")
        self._take_back.clicked.connect(self.taken_back)
        self._do = Button("give_do", "primary", 20, 700)
        self._do.clicked.connect(self._submit)
        self.setLayout(
            column(
                row(self._title, None, self._back),
                row(self._place, None, *self._units.values()),
                self._choice_box,
                None,
                self._note,
                self._pad,
                6,
                self._take_back,
                self._do,
                margins=(18, 12, 18, 18),
            )
        )

    def show_state(self, state: SellState) -> None:
        """Show what may be given, or who has to approve."""
        self._giving, self._house = state.giving, state.house
        notice = state.notice
        is_ours = notice is not None and notice.topic is Topic.NOT_GIVEN
        self._refused = notice_sentence(notice, state.house) if notice and is_ours else ""
        if self._giving is None or self._house is None:
            self._shown_for, self._typed, self._chosen = (), "", ""
            return
        waiting = self._giving.waiting
        phase = (self._giving.unit, waiting is None, waiting.people if waiting else ())
        if phase != self._shown_for:
            self._shown_for, self._typed = phase, ""
            self._fill()
        if waiting is not None and waiting.refused is not None:
            self._typed = ""
        self._render()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._do.setFixedHeight(metrics.primary)
        self._back.setFixedHeight(metrics.quick)
        self._take_back.setFixedHeight(metrics.quick)
        for button in self._units.values():
            button.setFixedSize(60, 40)
        self._pad.resize_keys(QSize(90, 48 if metrics.compact else 60))

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Discount or house ticket"))
        self._do.say(_("Give"))
        self._back.say(_("Back"))
        self._take_back.say(_("Take it back"))
        self._units[Unit.PERCENT].say("%", _("Percent off (%)"))
        self._pad.retranslate()
        self._shown_for = ()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = (Qt.Key.Key_Up, Qt.Key.Key_Down)
        if self._pad.take_key(event):
            return
        unit = _UNIT_KEYS.get(Qt.Key(event.key()))
        if unit is not None and self._units[Unit.PERCENT].isVisible():
            self._count_in(unit)
            return
        if event.key() in keys and self._choices:
            at = next((i for i, each in enumerate(self._choices) if each.key == self._chosen), 0)
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            self._choose(self._choices[(at + step) % len(self._choices)].key)
        else:
            super().keyPressEvent(event)

    # ------------------------------------------------------------------------------------ tools

    def _fill(self) -> None:
        """The reasons, or the people who could approve."""
        for old in self._choices:
            self._choice_box.removeWidget(old)
            retire(old)
        giving, house = self._giving, self._house
        assert giving is not None
        assert house is not None
        if giving.waiting is None:
            self._choices = [
                Choice(
                    f"give_{offer.id}",
                    offer.id,
                    words.name(offer.name),
                    offer_detail(offer, house.event.currency),
                )
                for offer in giving.offers
            ]
        else:
            self._choices = [
                Choice(f"approver_{person.id}", person.id, person.name, "")
                for person in giving.waiting.people[:_SHOWN_MAX]
            ]
        for each in self._choices:
            each.clicked.connect(partial(self._choose, each.key))
            self._choice_box.addWidget(each)
            each.show()
        self._chosen = self._choices[0].key if self._choices else ""
        self._unit = Unit.PERCENT

    def _render(self) -> None:
        giving, house = self._giving, self._house
        if giving is None or house is None:
            return
        waiting, offer = giving.waiting, self._offer()
        self._place.setText(house.plan.describe(giving.unit, words.language()))
        for each in self._choices:
            each.setChecked(each.key == self._chosen)
        typing = waiting is not None or (offer is not None and not offer.is_house)
        if waiting is not None:
            self._pad.show_pin(len(self._typed))
        elif typing:
            self._pad.show_amount(self._amount(int(self._typed or "0"), house.event.currency))
        else:
            self._pad.show_nothing()
        for unit, button in self._units.items():
            button.setChecked(unit is self._unit)
            button.setVisible(waiting is None and typing)
        symbol = words.money(0, house.event.currency, compact=True).strip("0")
        self._units[Unit.MONEY].say(symbol, _("An amount off (*)"))
        self._take_back.setVisible(waiting is None and giving.has_something)
        if waiting is None:
            self._title.setText(_("Discount or house ticket"))
            self._do.say(_("Give"))
            self._do.setEnabled(self._can_give())
            said = self._refused or self._warning(offer)
            self._note.setText(said)
            is_wrong = bool(self._refused) or not self._can_give()
            restyle(self._note, tone="danger" if is_wrong else "text2")
        else:
            self._title.setText(_("{role}'s approval").format(role=role_name(waiting.role)))
            self._do.say(_("Approve"))
            self._do.setEnabled(bool(self._typed and self._chosen) and not waiting.checking)
            self._note.setText(self._why_not(giving))
            restyle(self._note, tone="danger")
        self._note.setVisible(bool(self._note.text()))

    def _warning(self, offer: Offer | None) -> str:
        """What stands in the way of a number that was typed."""
        if offer is None or offer.is_house or int(self._typed or "0") <= offer.own_max(self._unit):
            return ""
        most = offer.most_max(self._unit)
        if int(self._typed) > most:
            return _("For this reason nobody may take off more than {most}.").format(
                most=self._amount(most, offer.currency)
            )
        return _("More than you may give alone: somebody else approves it with a PIN.")

    @staticmethod
    def _why_not(giving: Giving) -> str:
        waiting = giving.waiting
        if waiting is None:
            return ""
        if waiting.refused is not None:
            return denied(waiting.refused)
        if not waiting.people and not waiting.checking:
            return _("Nobody who may approve this has a PIN at this window.")
        return ""

    def _offer(self) -> Offer | None:
        offers = self._giving.offers if self._giving else ()
        return next((each for each in offers if each.id == self._chosen), None)

    def _can_give(self) -> bool:
        offer = self._offer()
        if offer is None:
            return False
        return offer.is_house or 1 <= int(self._typed or "0") <= offer.most_max(self._unit)

    def _amount(self, number: int, currency: str) -> str:
        """A number of what is counted now."""
        if self._unit is Unit.PERCENT:
            return f"{number} %"
        return words.money(number * 10 ** currency_exponent(currency), currency, compact=True)

    def _count_in(self, unit: Unit) -> None:
        """Type percent, or money, from now on."""
        self._unit, self._typed, self._refused = unit, "", ""
        self._render()
        self.setFocus()

    def _choose(self, key: str) -> None:
        self._chosen, self._typed, self._refused = key, "", ""
        self._render()
        self.setFocus()

    def _type(self, digit: str) -> None:
        if self._giving is None:
            return
        if self._giving.waiting is not None:
            self._typed = (self._typed + digit)[:PIN_DIGITS_MAX]
        else:
            typed = (self._typed + digit).lstrip("0")
            offer = self._offer()
            most = HUNDRED_PERCENT
            if self._unit is Unit.MONEY and offer is not None:
                most = offer.list_minor
            self._typed = typed if int(typed or "0") <= most else self._typed
        self._render()

    def _rub_out(self) -> None:
        self._typed = self._typed[:-1]
        self._render()

    def _clear(self) -> None:
        self._typed = ""
        self._render()

    def _submit(self) -> None:
        giving, offer = self._giving, self._offer()
        if giving is None or not self._do.isEnabled():
            return
        if giving.waiting is not None:
            pin, self._typed = self._typed, ""
            self.approved.emit(self._chosen, pin)
        elif offer is not None:
            given = given_of(offer, int(self._typed or "0"), self._unit)
            if given is not None:
                self.given.emit(given)


class Choice(RichButton):
    """A reason with its cap, or a person."""

    def __init__(self, name: str, key: str, text: str, detail: str) -> None:
        who, what = label(15, 600), label(13, 500, "text2")
        who.setText(text)
        what.setText(detail)
        super().__init__(name, "menu", row(who, None, what, margins=(14, 0, 14, 0)))
        self.key = key
        self.setCheckable(True)
        self.setFixedHeight(48)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the page has the keyboard
        self.setAccessibleName(f"{text}, {detail}" if detail else text)
