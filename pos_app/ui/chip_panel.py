"""The card for binding chips, over the window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.chips import ChipPresenter, Place, bound_sentence, chip_name, no_chip
from pos_app.presenters.language import _
from pos_app.services.after_sale_model import TicketStanding
from pos_app.services.chips_model import ForTicket
from pos_app.ui.controls import Button, card, column, label, retire, row
from pos_app.ui.overlay import Overlay
from pos_app.ui.theme import font, restyle

if TYPE_CHECKING:
    from pos_app.presenters.after_sale import AfterSalePresenter
    from pos_app.presenters.after_sale_state import AfterSaleState
    from pos_app.presenters.chips import ChipState
    from pos_app.presenters.runner import Run
    from pos_app.services.chips_model import BoundChip, ChipServices

_WIDTH = 520
_NUMBER_CHARS_MAX = 80
_LIVING = (TicketStanding.VALID, TicketStanding.ENTERED)


class ChipPanel(Overlay):
    """The ticket whose turn it is, what is bound to it, and a field for a number."""

    def __init__(self, parent: QWidget, presenter: ChipPresenter) -> None:
        super().__init__(parent, "chip_panel")
        self._presenter = presenter
        self._rows: list[QWidget] = []
        self._title = label(22, 700, name="chip_title")
        self._place = label(17, 700, name="chip_place")
        self._turn = label(14, 400, "text2", "chip_turn")
        self._hint = label(14, 400, "text2")
        self._said = label(14, 600, name="chip_said")
        for each in (self._hint, self._said, self._place):
            each.setWordWrap(True)
        self._close = Button("chip_close", "icon")
        self._close.show_icon("x", "text2", 20)
        self._close.setFixedSize(QSize(48, 48))
        self._close.clicked.connect(presenter.close)
        self.number = QLineEdit()
        self.number.setObjectName("chip_number")
        self.number.setFont(font(18, 500))
        self.number.setMaxLength(_NUMBER_CHARS_MAX)
        self.number.setFrame(False)
        self.number.setInputMethodHints(Qt.InputMethodHint.ImhLatinOnly)
        self.number.returnPressed.connect(self._hold)
        field = QFrame()
        field.setProperty("role", "stepper")
        field.setFixedHeight(52)
        field.setLayout(row(self.number, margins=(14, 0, 12, 0)))
        self._bound = QVBoxLayout()
        self._bound.setSpacing(6)
        self._ticket_before = Button("chip_before", "", 15, 600)
        self._ticket_next = Button("chip_next", "soft", 15, 700)
        for button, by in ((self._ticket_before, -1), (self._ticket_next, 1)):
            button.setFixedHeight(52)
            button.clicked.connect(partial(presenter.go, by))
        placed = row(self._place, self._turn)
        placed.setStretch(0, 1)
        content = column(
            row(self._title, None, self._close),
            placed,
            self._hint,
            6,
            field,
            self._said,
            4,
            gap=6,
            margins=(28, 18, 24, 24),
        )
        content.addLayout(self._bound)
        content.addSpacing(8)
        content.addLayout(row(self._ticket_before, None, self._ticket_next))
        self.put(content)
        self.box.setFixedWidth(_WIDTH)
        presenter.watch(self._show)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Bind a chip"))
        self._title.setText(_("Bind a chip"))
        self._hint.setText(_("Hold the chip to the reader, or type its number (hexadecimal)."))
        self.number.setAccessibleName(_("Number of the chip"))
        self._close.setAccessibleName(_("Close, nothing changes"))
        self._ticket_before.say(_("Ticket before"))
        self._ticket_next.say(_("Next ticket"))
        self._show(self._presenter.state)

    # ------------------------------------------------------------------------------------ tools

    def _hold(self) -> None:
        text = self.number.text()
        self.number.clear()
        self._presenter.hold(text)

    def _show(self, state: ChipState) -> None:
        place = state.place
        if place is None:
            self.number.clear()
            self.shut()
            return
        self._place.setText(place.name)
        count = len(state.places)
        self._turn.setText(_("{n} of {count}").format(n=state.at + 1, count=count))
        self._turn.setVisible(count > 1)
        for button, can in (
            (self._ticket_before, state.at > 0),
            (self._ticket_next, state.at + 1 < count),
        ):
            button.setVisible(count > 1)
            button.setEnabled(can and not state.is_working)
        said, tone = "", "ok"
        if state.refused is not None:
            said, tone = no_chip(state.refused), "danger"
        elif state.made is not None:
            said = bound_sentence(state.made.kind)
        self._said.setText(said)
        self._said.setVisible(bool(said))
        restyle(self._said, tone=tone)
        self._show_bound(state)
        if not self.isVisible():
            self.open()
            self.number.setFocus()

    def _show_bound(self, state: ChipState) -> None:
        for old in self._rows:
            self._bound.removeWidget(old)
            retire(old)
        self._rows = [self._row(at, chip, state) for at, chip in enumerate(state.chips)]
        for each in self._rows:
            self._bound.addWidget(each)

    def _row(self, at: int, chip: BoundChip, state: ChipState) -> QWidget:
        is_new = state.made is not None and chip.ref == state.made.ref
        name = label(14, 600, name=f"chip_{at}")
        name.setText(chip_name(chip.kind))
        off = Button(f"chip_{at}_off", "", 13, 600)
        off.say(_("Undo") if is_new else _("Take off"))
        off.clicked.connect(lambda: self._presenter.take_off(chip))
        lost = Button(f"chip_{at}_lost", "", 13, 600)
        lost.say(_("Lost"), _("The chip is lost or stolen: gates say so when it is shown"))
        lost.clicked.connect(lambda: self._presenter.take_off(chip, lost=True))
        for button in (off, lost):
            button.setFixedHeight(44)
            button.setEnabled(not state.is_working)
        box = card("line")
        box.setLayout(row(name, None, off, lost, margins=(14, 4, 6, 4)))
        return box


class ChipPart(QObject):
    """Puts presenter, card and the key of an open order together."""

    def __init__(self, window: QWidget, services: ChipServices, run: Run) -> None:
        super().__init__(window)
        self.presenter = ChipPresenter(services, run)
        self.panel = ChipPanel(window, self.presenter)
        self._key: Button | None = None

    def serve_orders(self, key: Button, orders: AfterSalePresenter) -> None:
        """The key of the order that is open; about the tickets that are chosen, or all."""
        self._key = key
        key.clicked.connect(lambda: self.presenter.open(places_of(orders.state)))
        orders.watch(lambda state: key.setVisible(bool(places_of(state))))

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.panel.retranslate()
        if self._key is not None:
            self._key.say(_("Chip"), _("Bind a wristband or a card to a ticket"))


def places_of(state: AfterSaleState) -> tuple[Place, ...]:
    """The tickets of the open order that a chip could stand for."""
    detail = state.detail
    if detail is None:
        return ()
    plan, event_id = detail.plan, detail.found.event_id
    every = [each for each in detail.tickets if each.standing in _LIVING]
    chosen = [each for each in every if each.id in state.chosen]
    return tuple(
        Place(
            ForTicket(event_id, each.id, each.ticket_type_id, is_valid=True),
            plan.describe(each.unit, words.language()),
        )
        for each in chosen or every
    )
