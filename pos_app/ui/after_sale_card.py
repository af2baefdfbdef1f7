"""The card on the right of the orders screen: what can be done, at what terms, and what was done."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QScrollArea,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from pos_app.presenters import after_sale_words as say
from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.tender_words import tender_icon, tender_name
from pos_app.services.after_sale_model import GoReason
from pos_app.ui.approve_page import ApprovePage
from pos_app.ui.controls import (
    REGULAR,
    Button,
    ElidedLabel,
    Metrics,
    RichButton,
    card,
    column,
    keycap,
    label,
    picture,
    retire,
    row,
    rule,
    show_picture,
)
from pos_app.ui.number_page import NumberPage
from pos_app.ui.theme import restyle
from ticketing.operations import LEGS_MAX
from ticketing.refund_rules import Deed

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLabel

    from pos_app.presenters.after_sale_state import AfterSaleState, Approving
    from pos_app.services.after_sale_model import AsksNumber, Offer
    from ticketing.event import Venue

_DEEDS: Final = (
    (Deed.REFUND, "banknote", "Ctrl+R"),
    (Deed.EXCHANGE, "arrow-left-right", "Ctrl+E"),
    (Deed.VOID, "undo-2", "Ctrl+U"),
    (Deed.REPLACEMENT, "ticket", "Ctrl+T"),
)
_REASONS: Final = {
    Deed.VOID: (GoReason.MISTAKE, GoReason.BUYER, GoReason.OTHER),
    Deed.REPLACEMENT: (GoReason.LOST, GoReason.OTHER),
}
_USUAL: Final = (GoReason.BUYER, GoReason.MISTAKE, GoReason.EVENT, GoReason.OTHER)

_DONE_LINES: Final = 3 + LEGS_MAX
"""Fee, due, received; and a line for each tender that pays back."""


class DeedButton(RichButton):
    """One thing that can be done; switched off, it says why."""

    def __init__(self, deed: Deed, drawing: str, key: str) -> None:
        self.deed = deed
        self._name = label(16, 700)
        self._why = label(13, 400, "text2", f"deed_{deed}_why")
        self._why.setWordWrap(True)
        self._icon, self._drawing = picture(drawing, "accent", 22), drawing
        self._cap = keycap(key)
        box = row(self._icon, gap=12, margins=(16, 8, 12, 8))
        box.addLayout(column(None, self._name, self._why, None, gap=1), 1)
        box.addWidget(self._cap)
        super().__init__(f"deed_{deed}", "choice", box)

    def show_offer(self, offer: Offer | None, *, is_busy: bool) -> None:
        """What it would do, or why it can't."""
        may = offer is not None and (offer.can_be_done or offer.approval is not None)
        can = may and not is_busy
        if offer is None or offer.can_be_done:
            why = say.deed_hint(self.deed)
        elif offer.approval is not None:
            why = say.by_approval(offer)
        else:
            why = say.bar(offer.bars[0] if offer.bars else "no_tickets")
        self._name.setText(say.deed_name(self.deed))
        self._why.setText(why)
        restyle(self._name, tone="" if can else "text3")
        restyle(self._why, tone="text2" if can else "text3")
        show_picture(self._icon, self._drawing, "accent" if can else "text3", 22)
        self._cap.setVisible(can)
        self.setEnabled(can)
        self.setAccessibleName(f"{say.deed_name(self.deed)}. {why}")


class DeedCard(QFrame):
    """Pages: what can be done; the preview; the wait; the money."""

    asked = Signal(object)  # Deed
    reprint = Signal()
    hand_out = Signal()
    confirmed = Signal()
    reason_chosen = Signal(object)  # GoReason
    back = Signal()
    next_order = Signal()
    wait_no_longer = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("deed_card")
        self.setProperty("role", "card")
        self._metrics = REGULAR
        self._state: AfterSaleState | None = None
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._pages = tuple(QWidget() for _at in range(4))
        self.approve = ApprovePage()
        self.approve.back.connect(self.back)
        layouts = (
            self._deeds_page(),
            self._preview_page(),
            self._wait_page(),
            self._done_page(),
        )
        for page, layout in zip(self._pages, layouts, strict=True):
            page.setLayout(layout)
            self._stack.addWidget(page)
        self._stack.addWidget(self.approve)
        self.number = NumberPage("deed_number")
        self._stack.addWidget(self.number)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._metrics = metrics
        self.setFixedWidth(metrics.cart)
        self.approve.apply(metrics)
        self.number.apply(metrics)
        for each in (self._confirm, self._next):
            each.setFixedHeight(metrics.primary)
        for deed in self._deeds:
            deed.setFixedHeight(72 if metrics.compact else 84)

    def show_state(self, state: AfterSaleState) -> None:
        """Show the page that the state calls for."""
        before, self._state = self._stack.currentIndex(), state
        self._show_deeds(state)
        if state.card is not None:
            self._show_preview(state.card, state)
        self._show_done(state)
        self.approve.show_state(state.approving, why_barred(state.approving))
        at = 0
        if state.done is not None:
            at = 3
        elif state.numbering is not None and state.exchange is None:  # else beside the map
            at = 5
            show_number(self.number, state.numbering, state.detail.venue if state.detail else None)
        elif state.is_busy:
            at = 2
        elif state.approving is not None and state.exchange is None:  # the same
            at = 4
        elif state.card is not None:
            at = 1
        if at == before:
            return
        had_focus = any(each.hasFocus() for each in self.findChildren(QWidget))
        self._stack.setCurrentIndex(at)
        if had_focus or at in (1, 3, 4, 5):
            self._focus_page(at)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.approve.retranslate()
        self.number.retranslate()
        self._deeds_title.setText(_("What to do"))
        self._preview_back.say(_("Back"), _("Back, nothing is done (Esc)"))
        self._total_word.setText(_("Goes back"))
        self._why_word.setText(_("Reason"))
        self._scroll.setAccessibleName(_("What each ticket gives back"))
        self._wait_title.setText(_("Asking the server…"))
        self._wait_text.setText(
            _(
                "The tickets must be dead at the gates before any money goes out. "
                "Pay nothing until this page says so."
            )
        )
        self._later.say(_("Go on with others"), _("Go on with other things; it stays in the list"))
        self._next.say(_("Next"), _("Next (Esc)"))
        self._hand_out.say(
            _("Hand out here"),
            _("Print the tickets here, if the window that sold them has not: it is asked first"),
        )
        self._reprint.say(
            _("Print a copy"), _("Print the tickets again, marked as a copy (Ctrl+P)")
        )
        self._confirm.say(_("Pay back"))
        for button, reason in zip(self._reasons, GoReason, strict=True):
            button.say(say.reason_name(reason))
        if self._state is not None:
            self.show_state(self._state)

    # ------------------------------------------------------------------------------------ parts

    def _deeds_page(self) -> QVBoxLayout:
        self._deeds_title = label(18, 700)
        self._chosen = label(13, 400, "text2", "chosen_count")
        self._deeds = [DeedButton(*each) for each in _DEEDS]
        for each in self._deeds:
            each.clicked.connect(partial(self.asked.emit, each.deed))
        self._printing = label(13, 600, "text2", "reprint_state")
        self._printing.setWordWrap(True)
        self._reprint = Button("reprint_order", "", 15, 600)
        self._reprint.show_icon("printer", "text", 20)
        self._reprint.setFixedHeight(52)
        self._reprint.clicked.connect(self.reprint)
        self._hand_out = Button("hand_out", "soft", 15, 700)
        self._hand_out.show_icon("ticket", "accent", 20)
        self._hand_out.setFixedHeight(52)
        self._hand_out.clicked.connect(self.hand_out)
        return column(
            self._deeds_title,
            self._chosen,
            6,
            *self._deeds,
            None,
            self._printing,
            self._hand_out,
            self._reprint,
            margins=(18, 16, 18, 18),
        )

    def _preview_page(self) -> QVBoxLayout:
        self._preview_title = label(18, 700, name="preview_title")
        self._preview_back = Button("preview_back", "quiet", 14, 500)
        self._preview_back.show_icon("arrow-left", "text2")
        self._preview_back.setFixedHeight(48)
        self._preview_back.clicked.connect(self.back)
        inside = QWidget()
        self._lines = QVBoxLayout(inside)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(6)
        self._lines.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("preview_lines")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        self._line_widgets: list[QWidget] = []
        self._sum_fee_word, self._sum_fee = (
            label(14, 400, "text2"),
            label(14, 600, name="fee_total"),
        )
        self._total_word = label(17, 700)
        self._total = label(34, 700, name="refund_total")
        self._way = label(14, 600, "text2", "way_back")
        self._way.setWordWrap(True)
        self._way.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._why_word = label(13, 400, "text2")
        self._reasons = [Button(f"reason_{each}", "tier", 14, 600) for each in GoReason]
        for button, reason in zip(self._reasons, GoReason, strict=True):
            button.setCheckable(True)
            button.setFixedHeight(48)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(partial(self.reason_chosen.emit, reason))
        self._confirm = Button("confirm_deed", "primary", 20, 700)
        self._confirm.clicked.connect(self.confirmed)
        page = column(
            row(self._preview_title, None, self._preview_back), 4, margins=(18, 10, 18, 18)
        )
        page.addWidget(self._scroll, 1)
        page.addLayout(row(self._sum_fee_word, None, self._sum_fee))
        page.addWidget(rule())
        page.addLayout(row(self._total_word, None, self._total))
        page.addWidget(self._way)
        page.addWidget(self._why_word)
        grid = QGridLayout()
        grid.setSpacing(8)
        self._reason_grid = grid
        for at, each in enumerate(self._reasons):  # at home before they are shown
            grid.addWidget(each, at // 2, at % 2)
        page.addLayout(grid)
        page.addSpacing(4)
        page.addWidget(self._confirm)
        return page

    def _wait_page(self) -> QVBoxLayout:
        self._wait_title = label(20, 700)
        self._wait_text = label(14, 400, "text2")
        self._wait_text.setWordWrap(True)
        for each in (self._wait_title, self._wait_text):
            each.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._later = Button("wait_no_longer", "", 15, 500)
        self._later.setFixedHeight(52)
        self._later.clicked.connect(self.wait_no_longer)
        icon = picture("cloud-upload", "accent", 40)
        return column(
            None,
            row(None, icon, None),
            6,
            self._wait_title,
            self._wait_text,
            None,
            self._later,
            margins=(24, 16, 24, 18),
        )

    def _done_page(self) -> QVBoxLayout:
        self._done_title = label(18, 700, "ok", "done_title")
        self._done_order = label(13, 400, "text2", "done_order")
        self._done_word = label(17, 600, "text2", "done_word")
        self._done_amount = label(52, 700, name="done_amount")
        for each in (self._done_word, self._done_amount):
            each.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._done_lines = [(label(14, 400, "text2"), label(14, 600)) for _at in range(_DONE_LINES)]
        self._done_box = box = card("line")
        box.setLayout(
            column(
                *(row(what, None, amount) for what, amount in self._done_lines),
                margins=(16, 12, 16, 12),
            )
        )
        self._next = Button("next_order", "soft", 16, 700)
        self._next.clicked.connect(self.next_order)
        return column(
            row(picture("circle-check", "ok", 28), self._done_title, None),
            self._done_order,
            None,
            self._done_word,
            self._done_amount,
            14,
            box,
            None,
            self._next,
            margins=(18, 16, 18, 18),
        )

    # ------------------------------------------------------------------------------------ tools

    def _focus_page(self, at: int) -> None:
        if at == 1:
            self._confirm.setFocus()
        elif at == 2:
            self._later.setFocus()
        elif at == 3:
            self._next.setFocus()
        elif at == 4:
            self.approve.setFocus()
        elif at == 5:
            self.number.open()
            self.number.setFocus()
        else:
            next((each for each in self._deeds if each.isEnabled()), self._reprint).setFocus()

    def _show_deeds(self, state: AfterSaleState) -> None:
        detail = state.detail
        known = detail is not None and bool(detail.tickets)
        count = len(state.chosen)
        if known:
            self._chosen.setText(
                ngettext("{n} ticket chosen", "{n} tickets chosen", count).format(n=count)
            )
        else:
            self._chosen.setText(_("Find an order and open it first.") if detail is None else "")
        for each in self._deeds:
            each.setVisible(known)
            each.show_offer(state.offers.get(each.deed), is_busy=state.is_busy)
        self._show_printing(state)

    def focus_hand_out(self) -> None:
        """Give the keyboard to the key that hands the order out, where it can be."""
        if self._hand_out.isEnabled() and not self._hand_out.isHidden():
            self._hand_out.setFocus()

    def _show_printing(self, state: AfterSaleState) -> None:
        detail = state.detail
        own = detail is not None and detail.found.is_own and not detail.gone_to
        order_id = detail.found.order_id if detail is not None else ""
        text, tone = "", "text2"
        if order_id and order_id in state.printing:
            text = _("Printing…")
        elif order_id and order_id == state.print_failed:
            text, tone = say.unprinted_line(state.paper), "danger"
        elif detail is not None and (detail.gone_to or detail.handout):
            text, tone = say.handout_line(detail), "warn"
        elif detail is not None and own and detail.copies:
            text = ngettext("Printed {n} time", "Printed {n} times", detail.copies).format(
                n=detail.copies
            )
        self._printing.setText(text)
        restyle(self._printing, tone=tone)
        self._hand_out.setVisible(detail is not None and detail.can_be_handed_out)
        self._hand_out.setEnabled(not state.is_busy and not state.handing)
        self._reprint.setVisible(own)
        self._reprint.setEnabled(own and order_id not in state.printing)

    def _show_preview(self, offer: Offer, state: AfterSaleState) -> None:
        self._preview_title.setText(say.deed_name(offer.deed))
        for old in self._line_widgets:
            self._lines.removeWidget(old)
            retire(old)
        self._line_widgets = [self._preview_line(at, offer, state) for at in range(
            len(offer.preview.tickets)
        )]  # fmt: skip
        for at, each in enumerate(self._line_widgets):
            self._lines.insertWidget(at, each)
        self._sum_fee_word.setText(_("Kept as fee"))
        self._sum_fee.setText(words.money(offer.fee_minor, offer.currency))
        replaced = offer.deed is Deed.REPLACEMENT
        self._total_word.setText(_("To pay") if replaced else _("Goes back"))
        total = offer.fee_minor if replaced else offer.back_minor
        self._total.setText(words.money(total, offer.currency))
        self._sum_fee.setVisible(not replaced)
        self._sum_fee_word.setVisible(not replaced)
        self._show_reasons(_REASONS.get(offer.deed, _USUAL), state.reason)
        self._way.setText(say.way_back(offer, state.detail.venue if state.detail else None))
        self._way.setVisible(bool(self._way.text()))
        self._confirm.say(say.confirm_words(offer))

    def _show_reasons(self, offered: tuple[GoReason, ...], chosen: GoReason) -> None:
        """Two in a row: their names are words, not codes."""
        buttons = dict(zip(GoReason, self._reasons, strict=True))
        for reason, button in buttons.items():
            button.setVisible(reason in offered)
            button.say(say.reason_name(reason))
            button.setChecked(reason is chosen)
        for at, reason in enumerate(offered):
            self._reason_grid.addWidget(buttons[reason], at // 2, at % 2)

    def _preview_line(self, at: int, offer: Offer, state: AfterSaleState) -> QWidget:
        each, detail = offer.preview.tickets[at], state.detail
        ticket = next(
            (one for one in (detail.tickets if detail else ()) if one.id == each.ticket_id), None
        )
        place = ElidedLabel(14, 600)
        place.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        if detail is not None and ticket is not None and detail.plan.has_unit(ticket.unit):
            place.setText(detail.plan.describe(ticket.unit, words.language()))
        amounts = label(14, 400, "text2", f"preview_{at}")
        if offer.deed is Deed.REPLACEMENT:
            amounts.setText(_("new code"))
        else:
            money = partial(words.money, currency=offer.currency, compact=True)
            paid = money(each.refund_minor + each.fee_minor)
            amounts.setText(
                _("{paid} − {fee} = {back}").format(
                    paid=paid, fee=money(each.fee_minor), back=money(each.refund_minor)
                )
                if each.fee_minor
                else money(each.refund_minor)
            )
        box = card("line")
        box.setFixedHeight(44)
        box.setLayout(row(place, amounts, margins=(12, 0, 12, 0)))
        return box

    def _show_done(self, state: AfterSaleState) -> None:
        done = state.done
        if done is None:
            return
        self._done_title.setText(say.done_title(done))
        count = ngettext("{n} ticket", "{n} tickets", done.ticket_count).format(n=done.ticket_count)
        numbers = " → ".join(one for one in (done.receipt_no, done.new_receipt_no) if one)
        self._done_order.setText(f"{numbers} · {count}")
        word, amount = say.done_amount(done, state.detail.venue if state.detail else None)
        self._done_word.setText(word)
        self._done_amount.setText(words.money(amount, done.currency))
        lines = [(_("Fee"), done.fee_minor)] if done.fee_minor else []
        if done.take_in_minor and not done.legs:
            lines += [
                (_("Total due"), done.take_in_minor),
                (_("Cash received"), done.take_in_minor + done.change_minor),
            ]
        lines += say.done_by_tender(done, state.detail.venue if state.detail else None)
        self._done_box.setVisible(bool(lines))
        for at, (what, value) in enumerate(self._done_lines):
            self._fill_line(what, value, lines[at] if at < len(lines) else None, done.currency)

    @staticmethod
    def _fill_line(
        what: QLabel, value: QLabel, shown: tuple[str, int] | None, currency: str
    ) -> None:
        what.setVisible(shown is not None)
        value.setVisible(shown is not None)
        if shown is not None:
            what.setText(shown[0])
            value.setText(words.money(shown[1], currency))


def show_number(page: NumberPage, asks: AsksNumber, venue: Venue | None) -> None:
    """What is paid now, and by what."""
    amount = words.money(asks.amount_minor, asks.currency)
    page.show_for(tender_name(venue, asks.tender), tender_icon(venue, asks.tender), amount)


def why_barred(approving: Approving | None) -> str:
    """What speaks against it unless somebody lets it be."""
    return say.bar(approving.why) if approving is not None and approving.why else ""
