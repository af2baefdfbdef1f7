"""The orders screen: find on the left, the order in the middle, what can be done on the right."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from pos_app.presenters import after_sale_words as say
from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.services.after_sale_model import Standing
from pos_app.services.chips_model import is_held
from pos_app.ui.after_sale_card import DeedCard
from pos_app.ui.after_sale_rows import OrderButton, TicketButton, when
from pos_app.ui.controls import (
    REGULAR,
    Button,
    ElidedLabel,
    Metrics,
    card,
    column,
    keycap,
    label,
    picture,
    retire,
    row,
)
from pos_app.ui.gate_panel import GateView
from pos_app.ui.rail import Rail
from pos_app.ui.theme import font, restyle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from pos_app.presenters.after_sale import AfterSalePresenter
    from pos_app.presenters.after_sale_state import AfterSaleState
    from pos_app.services.after_sale_model import OrderDetail, Unfinished
    from ticketing.event import Venue

_QUERY_CHARS_MAX: Final = 200
_UNFINISHED_MAX: Final = 3
_STANDING_TONES: Final = {
    Standing.PAID: "ok",
    Standing.PARTLY_BACK: "warn",
    Standing.BACK: "danger",
}


class FindField(QFrame):
    """Type or scan; Enter finds."""

    entered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "stepper")
        self.edit = QLineEdit()
        self.edit.setObjectName("find_order")
        self.edit.setFont(font(16, 500))
        self.edit.setMaxLength(_QUERY_CHARS_MAX)
        self.edit.setFrame(False)
        self.edit.returnPressed.connect(lambda: self.entered.emit(self.edit.text()))
        self.setLayout(
            row(picture("search", "text2", 20), self.edit, keycap("F3"), margins=(14, 0, 12, 0))
        )


class UnfinishedStrip(QFrame):
    """What was begun and has not ended, with the keys that end it."""

    finish = Signal(str)
    instead = Signal(str)
    drop = Signal(str)

    def __init__(self, at: int, one: Unfinished, *, is_busy: bool, is_armed: bool) -> None:
        super().__init__()
        self.setObjectName(f"unfinished_{at}")
        self.setProperty("role", "notice")
        self.setProperty("tone", "warn")
        text = label(13, 600, name=f"unfinished_{at}_text")
        text.setWordWrap(True)
        text.setText(say.unfinished_sentence(one))
        text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        box = row(picture("triangle-alert", "warn"), text, margins=(12, 6, 6, 6))
        keys: list[tuple[str, str, object]] = []
        if one.is_granted:
            keys = [("finish", _("Finish"), self.finish), ("drop", _("Drop"), self.drop)]
            if is_armed:  # once more, and it is never paid
                text.setText(_("Drop it? Nothing is paid then, and the tickets stay dead."))
                keys[1] = ("drop", _("Yes, drop"), self.drop)
            if one.deed.value == "exchange":
                keys.insert(1, ("instead", _("Money back"), self.instead))
        for name, said, signal in keys:
            button = Button(f"unfinished_{at}_{name}", "", 13, 600)
            button.say(said)
            button.setFixedHeight(48)
            button.setEnabled(not is_busy)
            button.clicked.connect(partial(signal.emit, one.op_id))  # type: ignore[attr-defined]
            box.addWidget(button)
        self.setLayout(box)


class AfterSaleView(QWidget):
    """Keyboard first: the field has the keyboard, Down goes to the list, keys do the deeds."""

    lock = Signal()
    sell = Signal()

    def __init__(
        self,
        presenter: AfterSalePresenter,
        now: Callable[[], datetime],
        shown_performance: Callable[[], int],
    ) -> None:
        super().__init__()
        self.setObjectName("after_sale_view")
        self.setProperty("role", "page")
        self._presenter, self._now, self._performance = presenter, now, shown_performance
        self._metrics = REGULAR
        self._hands_out = False
        self._handed_key: object = None
        self._list_for: object = None
        self._tickets_for: object = None
        self._strips_for: object = None
        self._orders: list[OrderButton] = []
        self._tickets: list[TicketButton] = []
        self._strips: list[QWidget] = []
        self.rail = Rail("orders")
        self.field = FindField()
        self.deeds = DeedCard()
        self.gate = GateView()
        self._content = QHBoxLayout()
        self._content.addWidget(self._list_card(), 5)
        self._content.addWidget(self._order_card(), 6)
        self._content.addWidget(self.deeds)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.rail)
        outer.addLayout(self._content, 1)
        self._connect(presenter)
        presenter.watch(self._show)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._metrics = metrics
        self._content.setContentsMargins(metrics.gap, metrics.gap, metrics.gap, metrics.gap)
        self._content.setSpacing(metrics.gap)
        self.field.setFixedHeight(metrics.tool + 4)
        self.rail.apply(metrics)
        self.deeds.apply(metrics)
        self._draw_again()

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.field.edit.setPlaceholderText(_("Scan, number, seat, name, phone"))
        self.field.edit.setAccessibleName(_("Find an order"))
        self._list_scroll.setAccessibleName(_("Orders found"))
        self._ticket_scroll.setAccessibleName(_("Tickets of the order"))
        self._all.say(_("All tickets"), _("Choose all tickets or none"))
        self._close.setAccessibleName(_("Close this message"))
        self._clear.setAccessibleName(_("Back to the last orders"))
        self.rail.retranslate()
        self.deeds.retranslate()
        self._draw_again()

    def pick_up(self, *, on: bool) -> None:
        """Hand orders out: the first thing to do with one that is opened is to print its tickets."""
        self._hands_out = on
        self.rail.mark("pick_up" if on else "orders")
        self._show(self._presenter.state)

    def show_code(self, text: str) -> None:
        """Search for a code that was scanned, as if it had been typed, or for a chip."""
        self.field.edit.setText("" if is_held(text) else text)
        self._find(text)

    def focus_first(self) -> None:
        """Put the keyboard where the next thing begins."""
        self.field.edit.setFocus()
        self.field.edit.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What is typed or scanned beside the field goes into it; Up and Down walk the list."""
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._walk(1 if event.key() == Qt.Key.Key_Down else -1)
        elif event.text().isprintable() and event.text().strip():
            self.field.edit.setFocus()
            self.field.edit.setText(event.text())
        else:
            super().keyPressEvent(event)

    # ------------------------------------------------------------------------------------ parts

    def _list_card(self) -> QFrame:
        self._list_title = label(18, 700, name="list_title")
        self._clear = Button("clear_find", "icon")
        self._clear.show_icon("x", "text2", 18)
        self._clear.setFixedSize(40, 40)
        self._clear.clicked.connect(self._forget_query)
        self._note = label(13, 600, "warn", "find_note")
        self._note.setWordWrap(True)
        self._list_scroll, self._list = _scrolled("order_list")
        self._strip_box = QVBoxLayout()
        self._strip_box.setSpacing(6)
        made = card("card")
        box = column(
            self.field, row(self._list_title, None, self._clear), self._note, gap=8,
            margins=(14, 14, 14, 14),
        )  # fmt: skip
        box.insertLayout(1, self._strip_box)
        box.addWidget(self._list_scroll, 1)
        made.setLayout(box)
        return made

    def _order_card(self) -> QFrame:
        self._title = ElidedLabel(18, 700, name="order_title")
        self._standing = label(15, 700, name="order_standing")
        self._about = ElidedLabel(14, 400, "text2", "order_about")
        self._sold = ElidedLabel(13, 400, "text2", "order_sold")
        self._written = label(14, 600, "accent", "order_note")
        self._written.setWordWrap(True)
        self._refused = label(13, 600, name="after_sale_refused")
        self._refused.setWordWrap(True)
        self._refused_box = card("notice", "after_sale_notice")
        restyle(self._refused_box, tone="danger")
        self._close = Button("dismiss_refused", "icon")
        self._close.show_icon("x", "text2", 18)
        self._close.setFixedSize(40, 40)
        self._close.clicked.connect(self._presenter.back)
        notice = row(picture("triangle-alert", "danger"), self._refused, margins=(12, 6, 4, 6))
        notice.setStretch(1, 1)
        notice.addWidget(self._close)
        self._refused_box.setLayout(notice)
        self.buyer = Button("order_buyer", "quiet", 14, 600)
        self.buyer.show_icon("user", "text2")
        self.buyer.setFixedHeight(40)
        self.chip = Button("order_chip", "quiet", 14, 600)
        self.chip.show_icon("scan-line", "text2")
        self.chip.setFixedHeight(40)
        self.chip.setVisible(False)
        self._all = Button("choose_all", "link", 14, 600)
        self._all.setFixedHeight(40)
        self._all.clicked.connect(self._presenter.choose_all)
        self._ticket_scroll, self._ticket_box = _scrolled("ticket_list")
        for each in (self._title, self._about, self._sold):
            each.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        made = card("card", "order_card")
        box = column(
            row(self._title, self.chip, self.buyer, self._standing),
            self._about,
            row(self._sold, self._all),
            self._written,
            self._refused_box,
            gap=4,
            margins=(18, 14, 18, 14),
        )
        box.addWidget(self._ticket_scroll, 1_000)  # all the room there is, as far as it needs it
        box.addWidget(self.gate)
        box.addStretch(1)
        made.setLayout(box)
        return made

    def _connect(self, presenter: AfterSalePresenter) -> None:
        self.rail.lock.connect(self.lock)
        self.rail.sell.connect(self.sell)
        self.field.entered.connect(self._find)
        self.deeds.asked.connect(presenter.preview)
        self.deeds.reprint.connect(presenter.reprint)
        self.deeds.hand_out.connect(presenter.hand_out)
        self.deeds.approve.approved.connect(presenter.approve)
        self.deeds.number.entered.connect(presenter.answer_number)
        self.deeds.number.closed.connect(presenter.stop_numbering)
        self.deeds.confirmed.connect(presenter.confirm)
        self.deeds.reason_chosen.connect(presenter.choose_reason)
        self.deeds.back.connect(presenter.back)
        self.deeds.next_order.connect(self._next_order)
        self.deeds.wait_no_longer.connect(presenter.wait_no_longer)

    # ------------------------------------------------------------------------------ what shows

    def _draw_again(self) -> None:
        self._list_for = self._tickets_for = self._strips_for = None
        self.gate.draw_again()
        self._show(self._presenter.state)

    def _show(self, state: AfterSaleState) -> None:
        venue = state.detail.venue if state.detail else self._venue_of(state)
        today = venue.business_day(self._now()) if venue else None
        self._show_strips(state)
        self._show_list(state, venue, today)
        self._show_order(state, today)
        self._show_tickets(state)
        self.gate.show_state(state)
        self.deeds.show_state(state)
        self._order_tab_stops()
        opened = state.detail.found.key if state.detail else None
        if self._hands_out and opened not in (None, self._handed_key):
            self.deeds.focus_hand_out()
        self._handed_key = opened

    @staticmethod
    def _venue_of(state: AfterSaleState) -> Venue | None:
        return state.detail.venue if state.detail else None

    def _show_strips(self, state: AfterSaleState) -> None:
        shown = state.owed[:_UNFINISHED_MAX]
        key = (shown, state.is_busy, state.armed, words.language())
        if key == self._strips_for:
            return
        self._strips_for = key
        for old in self._strips:
            self._strip_box.removeWidget(old)
            retire(old)
        self._strips = []
        for at, one in enumerate(shown):
            strip = UnfinishedStrip(
                at, one, is_busy=state.is_busy, is_armed=state.armed == one.op_id
            )
            strip.finish.connect(self._presenter.finish)
            strip.instead.connect(self._presenter.refund_instead)
            strip.drop.connect(self._presenter.drop)
            self._strip_box.addWidget(strip)
            self._strips.append(strip)

    def _show_list(self, state: AfterSaleState, venue: Venue | None, today: date | None) -> None:
        if state.is_search:
            title = ngettext("{n} order found", "{n} orders found", len(state.orders)).format(
                n=len(state.orders)
            )
        else:
            title = _("Last orders")
        self._list_title.setText(title)
        self._clear.setVisible(state.is_search)
        self._note.setText(say.find_note(state.note) if state.note else "")
        self._note.setVisible(state.note is not None)
        key = (state.orders, words.language(), self._metrics.compact, venue and venue.id, today)
        if key != self._list_for:
            self._list_for = key
            focused = next((at for at, each in enumerate(self._orders) if each.hasFocus()), None)
            for old in self._orders:
                self._list.removeWidget(old)
                retire(old)
            self._orders = [
                OrderButton(at, found, venue, today, compact=self._metrics.compact)
                for at, found in enumerate(state.orders)
            ]
            for at, each in enumerate(self._orders):
                each.clicked.connect(partial(self._presenter.pick, each.found))
                self._list.insertWidget(at, each)
                each.show()
            if focused is not None and self._orders:
                self._orders[min(focused, len(self._orders) - 1)].setFocus()
        open_key = state.detail.found.key if state.detail else None
        for each in self._orders:
            each.setChecked(each.found.key == open_key)

    def _show_order(self, state: AfterSaleState, today: date | None) -> None:
        detail = state.detail
        self._refused_box.setVisible(state.refused is not None)
        if state.refused is not None:
            self._refused.setText(say.refused(state.refused.code))
        self._all.setVisible(detail is not None and bool(detail.tickets))
        if detail is None:
            if self._hands_out:
                self._title.setText(_("Pick up"))
                self._about.setText(_("Scan the order, or type its number, a name or a phone."))
            else:
                self._title.setText(_("No order open"))
                self._about.setText(_("Scan a ticket, or pick an order on the left."))
            self._standing.setText("")
            self._sold.setText("")
            self.buyer.hide()
            self._written.hide()
            return
        found = detail.found
        self.buyer.setVisible(bool(found.order_id))
        self.buyer.say(found.buyer or _("Buyer"), _("The buyer's name and number"))
        self._title.setText(say.receipt(found))
        self._standing.setText(say.order_standing(found.standing))
        restyle(self._standing, tone=_STANDING_TONES[found.standing])
        total = words.money(found.total_minor, found.currency) if found.total_minor else ""
        about = (words.name(found.event_name), _dates(detail, today), total)
        self._about.setText(" · ".join(part for part in about if part))
        sold = when(found, detail.venue, today)
        parts = (
            _("Sold {when}").format(when=sold) if sold else "",
            detail.sold_by,
            "" if detail.is_acknowledged else _("not sent to the server yet"),
        )
        self._written.setText(detail.note)
        self._written.setVisible(bool(detail.note))
        known = found.is_own or bool(detail.tickets)
        said = " · ".join(part for part in (detail.window, *parts) if part)
        self._sold.setText(said if known else say.bar("elsewhere"))

    def _show_tickets(self, state: AfterSaleState) -> None:
        detail = state.detail
        tickets = detail.tickets if detail else ()
        key = (detail, state.chosen, state.scanned, words.language(), self._metrics.compact)
        if key == self._tickets_for:
            return
        self._tickets_for = key
        focused = next((at for at, each in enumerate(self._tickets) if each.hasFocus()), None)
        for old in self._tickets:
            self._ticket_box.removeWidget(old)
            retire(old)
        self._tickets = [
            TicketButton(
                at,
                ticket,
                detail,
                is_chosen=ticket.id in state.chosen,
                is_scanned=ticket.id in state.scanned,
                compact=self._metrics.compact,
            )
            for at, ticket in enumerate(tickets)
            if detail is not None
        ]
        for at, each in enumerate(self._tickets):
            each.clicked.connect(partial(self._presenter.toggle, each.ticket.id))
            self._ticket_box.insertWidget(at, each)
            each.show()
        gap = self._ticket_box.spacing()
        needs = sum(each.maximumHeight() + gap for each in self._tickets)
        self._ticket_scroll.setMaximumHeight(needs)
        if focused is not None and focused < len(self._tickets):
            self._tickets[focused].setFocus()

    # ------------------------------------------------------------------------------------ tools

    def _find(self, text: str) -> None:
        self._presenter.search(text, self._performance())
        self.field.edit.selectAll()

    def _forget_query(self) -> None:
        self.field.edit.clear()
        self._presenter.search("", self._performance())
        self.field.edit.setFocus()

    def _next_order(self) -> None:
        self._presenter.back()
        self.focus_first()

    def _walk(self, by: int) -> None:
        """Move the keyboard along the list of orders, or from the field into it."""
        at = next((n for n, each in enumerate(self._orders) if each.hasFocus()), None)
        if at is None:
            at = -1 if by > 0 else len(self._orders)
        if 0 <= at + by < len(self._orders):
            button = self._orders[at + by]
            button.setFocus()
            self._list_scroll.ensureWidgetVisible(button)

    def _order_tab_stops(self) -> None:
        stops: list[QWidget] = [
            self.field.edit,
            *(button for strip in self._strips for button in strip.findChildren(Button)),
            self._clear,
            *self._orders,
            self.buyer,
            self._all,
            *self._tickets,
            *self.deeds.findChildren(Button),
            *self.rail.tab_stops(),
        ]
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)


def _scrolled(name: str) -> tuple[QScrollArea, QVBoxLayout]:
    """A list that scrolls, and where its rows go."""
    area = QScrollArea()
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    inside = QWidget()
    box = QVBoxLayout(inside)
    box.setContentsMargins(0, 0, 4, 0)
    box.setSpacing(6)
    box.addStretch(1)
    area.setWidget(inside)
    return area, box


def _dates(detail: OrderDetail, today: date | None) -> str:
    """When the performances of its tickets begin; more than two are counted."""
    numbers = sorted({ticket.performance for ticket in detail.tickets})
    found = [detail.event.performance(number) for number in numbers]
    starts = [one.starts_at for one in found if one is not None]
    said = [
        f"{words.day(detail.venue.business_day(at), today)} {words.time_of_day(at, detail.venue)}"
        for at in starts
    ]
    if len(said) > 2:
        return ngettext("{n} performance", "{n} performances", len(said)).format(n=len(said))
    return _(", ").join(said)
