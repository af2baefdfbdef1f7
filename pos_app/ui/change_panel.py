"""After a payment: the change, large. Gone at the next thing the cashier does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from pos_app.presenters import language as words
from pos_app.presenters import tender_words as say
from pos_app.presenters.language import _, ngettext
from pos_app.services.model import PrintOutcome
from pos_app.ui.banner import NoticeStrip
from pos_app.ui.controls import Button, Metrics, card, column, label, picture, row, show_picture
from pos_app.ui.theme import restyle
from ticketing.operations import LEGS_MAX

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.model import Sold
    from ticketing.event import Venue

PARTS_SHOWN: Final = LEGS_MAX
"""Every leg that an order may have has its line."""


class ChangePanel(QWidget):
    """The sale is committed; this is its confirmation."""

    next_sale = Signal()
    receipt_wanted = Signal(str)  # the order whose receipt the buyer asks for

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("change_panel")
        self._done = label(18, 700, "ok", "change_title")
        self._order_id = ""
        self._order = label(13, 400, "text2", "change_order")
        self._word = label(17, 600, "text2")
        self._amount = label(56, 700, name="change_amount")
        self._due = self._line()
        self._received = self._line()
        self._rounded = self._line()
        self._paid = [self._line() for _at in range(PARTS_SHOWN)]
        self._print_icon = picture("printer", "text2")
        self._print_text = label(14, 600, "text2", "change_printing")
        self.notice = NoticeStrip()
        self.notice.dismissed.connect(self.next_sale)
        self._receipt = Button("print_receipt", "", 14, 600)
        self._receipt.show_icon("receipt-text", "text", 18)
        self._receipt.setFixedHeight(48)
        self._receipt.clicked.connect(lambda: self.receipt_wanted.emit(self._order_id))
        self._next = Button("next_sale", "soft", 16, 700)
        self._next.setFixedHeight(60)
        self._next.clicked.connect(self.next_sale)
        amounts = card("line")
        amounts.setLayout(
            column(
                row(*self._due[:1], None, self._due[1]),
                *(row(what, None, amount) for what, amount in self._paid),
                row(self._rounded[0], None, self._rounded[1]),
                row(self._received[0], None, self._received[1]),
                margins=(16, 12, 16, 12),
            )
        )
        for each in (self._word, self._amount):
            each.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._box = column(
            row(picture("circle-check", "ok", 28), self._done, None),
            self._order,
            None,
            self._word,
            self._amount,
            14,
            amounts,
            6,
            row(None, self._print_icon, self._print_text, 12, self._receipt, None),
            None,
            self.notice,
            self._next,
            margins=(18, 16, 18, 18),
        )
        self.setLayout(self._box)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._next.setFixedHeight(metrics.primary)

    def show_state(self, state: SellState) -> None:
        """Show the sale just made."""
        sold, house = state.change, state.house
        if sold is None or house is None:
            return
        currency = house.event.currency
        self._order_id = sold.order_id
        self._order.setText(
            ngettext(
                "Order {no} · {n} ticket", "Order {no} · {n} tickets", sold.ticket_count
            ).format(no=sold.receipt_no, n=sold.ticket_count)
        )
        self._amount.setText(words.money(sold.change_minor, currency))
        self._due[1].setText(words.money(sold.total_minor, currency))
        self._received[1].setText(words.money(sold.tendered_minor, currency))
        self._rounded[1].setText(say.rounding_words(sold.rounding_minor, currency))
        self._show_tenders(sold, house.venue, currency)
        self._show_printing(state, sold.order_id)
        self.notice.show_state(state)

    def _show_tenders(self, sold: Sold, venue: Venue, currency: str) -> None:
        """What was paid how: a line for each tender, and cash only where there was any."""
        for at, (what, amount) in enumerate(self._paid):
            shown = at < len(sold.legs)
            what.setVisible(shown)
            amount.setVisible(shown)
            if shown:
                leg = sold.legs[at]
                what.setText(say.with_number(say.tender_name(venue, leg.tender), leg.reference))
                amount.setText(words.money(leg.amount_minor, currency))
        in_cash = sold.tendered_minor > 0 or not sold.legs
        for each, is_shown in (
            (self._received, in_cash),
            (self._rounded, sold.rounding_minor != 0),
            ((self._word, self._amount), in_cash),
        ):
            for part in each:
                part.setVisible(is_shown)
        if in_cash and sold.legs:
            self._done.setText(_("Paid"))
        elif in_cash:
            self._done.setText(_("Paid in cash"))
        else:
            name = say.tender_name(venue, sold.legs[0].tender)
            self._done.setText(_("Paid by {tender}").format(tender=name))

    def take_focus(self) -> None:
        """Put the keyboard on the way on."""
        self._next.setFocus()

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.notice.retranslate()
        self._word.setText(_("Change"))
        self._due[0].setText(_("Total due"))
        self._received[0].setText(_("Cash received"))
        self._receipt.say(_("Receipt"), _("Print a receipt for the buyer"))
        self._next.say(_("Next sale"), _("Next sale (Esc, or just go on)"))

    def _show_printing(self, state: SellState, order_id: str) -> None:
        if order_id in state.printing:
            text, drawing, tone = _("Printing…"), "printer", "text2"
        elif any(order.order_id == order_id for order in state.unprinted):
            text, drawing, tone = _not_printed(state, order_id), "triangle-alert", "danger"
        else:
            text, drawing, tone = _("Tickets printed"), "check", "ok"
        self._print_text.setText(text)
        restyle(self._print_text, tone=tone)
        show_picture(self._print_icon, drawing, tone)

    @staticmethod
    def _line() -> tuple[QLabel, QLabel]:
        return label(14, 400, "text2"), label(14, 600)


def _not_printed(state: SellState, order_id: str) -> str:
    """Whether the paper of this order waits, may be out, or did not come."""
    order = next(one for one in state.unprinted if one.order_id == order_id)
    if order.paper is PrintOutcome.WAITING:
        return _("Waits for the printer")
    if order.paper is PrintOutcome.IN_DOUBT:
        return _("Look at the paper")
    return _("Not printed")
