"""The card on the right: what is being sold, what it costs, and taking the money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.late_words import late_reason
from pos_app.presenters.price_words import basket_sums, package_lines
from pos_app.ui.approve_page import ApprovePage
from pos_app.ui.banner import NoticeStrip
from pos_app.ui.basket_footer import BasketFooter
from pos_app.ui.basket_line import LineRow, PackageRow
from pos_app.ui.change_panel import ChangePanel
from pos_app.ui.controls import (
    REGULAR,
    Button,
    ElidedLabel,
    Metrics,
    column,
    label,
    retire,
    row,
    rule,
)
from pos_app.ui.give_page import GivePage
from pos_app.ui.hold_chip import HoldChip
from pos_app.ui.note_page import NotePage
from pos_app.ui.parked_page import ParkedPage
from pos_app.ui.parked_strip import ParkedStrip
from pos_app.ui.pay_panel import PayPanel
from pos_app.ui.pay_row import PayRow
from pos_app.ui.theme import font
from pos_app.ui.toast_strip import ToastStrip
from pos_app.ui.type_panel import TypePanel
from pos_app.ui.unprinted_strip import UnprintedStrip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from pos_app.presenters.sell_state import SellState
    from pos_app.services.basket import Basket, BasketLine
    from pos_app.services.model import House
    from ticketing.pricing import FoundPackage

_BANNERS_MAX: Final = 2
"""Packages named below the lines; more of them share the last banner."""
_SUMMARY_MAX: Final = 3
"""Kinds of buyers listed above the total; more of them share one line."""


class CartCard(QFrame):
    """Lines scroll; total and payment keys never move."""

    line_removed = Signal(int, object)
    type_changed = Signal(int, object, str)
    giving_asked = Signal(int, object)  # performance, unit
    pay = Signal(object)  # minor units tendered, None for the exact amount
    cleared = Signal()
    park = Signal()
    note_written = Signal(str)
    reprint = Signal()
    dismissed = Signal()
    offer_taken = Signal()
    shift_wanted = Signal()
    finished = Signal()  # the keyboard has nothing left to do on this card

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._metrics = REGULAR
        self._state: SellState | None = None
        self._rows: list[LineRow] = []
        self._packages: list[PackageRow] = []
        self._rows_for: tuple[object, ...] = ()
        self._make_parts()
        self._types = TypePanel(self)
        self._types.chosen.connect(self.type_changed)
        self._types.giving_asked.connect(self.giving_asked)
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._basket_page = QWidget()
        self._basket_page.setLayout(self._basket_layout())
        self.change = ChangePanel()
        self.change.next_sale.connect(self.dismissed)
        self.pay_panel = PayPanel()
        self.give = GivePage()
        self.late = ApprovePage("late")
        self.parked = ParkedPage()
        self.note = NotePage()
        self.note.written.connect(self._keep_note)
        self.note.closed.connect(self.close_note)
        for page in (
            self._basket_page,
            self.change,
            self.pay_panel,
            self.give,
            self.late,
            self.parked,
            self.note,
        ):
            self._stack.addWidget(page)

    # ------------------------------------------------------------------------------ what shows

    def show_state(self, state: SellState, today: date | None) -> None:
        """Show basket, total and what a payment led to."""
        self._state = state
        if state.house is None or today is None:
            return
        if state.paying and _has_focus(self._basket_page):
            self._scroll.setFocus()  # a key that is switched off hands the keyboard to anybody
        self._show_head(state)
        self._show_lines(state, state.house, today)
        self._show_totals(state, state.house)
        self.unprinted.show_state(state)
        self.notice.show_state(state)
        self.change.show_state(state)
        self.pay_panel.show_state(state)
        self.give.show_state(state)
        self.late.show_state(state.late, late_reason(state))
        self.toast.show_state(state)
        self.parked.show_state(state)
        self.footer.show_state(state)
        self._turn_page(state)

    def show_time(self, now: datetime) -> None:
        """Show what is counted down."""
        if self._state is not None:
            self.hold.show_time(self._state, now)
            self.parked_strip.show_time(self._state, now)
            self.parked.show_time(now)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._metrics = metrics
        self._types.close_panel()  # it was made for the sizes of before
        self.setFixedWidth(metrics.cart)
        side = 14 if metrics.compact else 18
        self._page_box.setContentsMargins(side, 10 if metrics.compact else 16, side, 6)
        self._total.setFont(font(metrics.total_font, 700))
        self.pay_row.apply(metrics)
        self._title.setFont(font(16 if metrics.compact else 18, 700))
        self._rows_for = ()
        self.change.apply(metrics)
        self.pay_panel.apply(metrics)
        self.give.apply(metrics)
        self.late.apply(metrics)
        self.parked.apply(metrics)
        self.note.apply(metrics)
        self.footer.apply(metrics)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._types.close_panel()
        self._title.setText(_("Current order"))
        self._empty.setText(_("Tap seats on the map, or press Best together."))
        self._total_word.setText(_("Total due"))
        self.pay_row.retranslate()
        self._scroll.setAccessibleName(_("Tickets in the basket"))
        self._rows_for = ()
        self.unprinted.retranslate()
        self.notice.retranslate()
        self.change.retranslate()
        self.pay_panel.retranslate()
        self.give.retranslate()
        self.late.retranslate()
        for part in (
            self.parked,
            self.note,
            self.footer,
            self.hold,
            self.parked_strip,
            self.toast,
        ):
            part.retranslate()

    def step_back(self) -> bool:
        """Close the panel of ticket types or the note; False when neither was open."""
        return self._types.close_panel() or self.close_note()

    def open_note(self) -> None:
        """Write on the order."""
        basket = self._state.basket if self._state else None
        if basket is not None and basket.lines:
            self.note.open(basket.note)
            self._stack.setCurrentWidget(self.note)
            self.note.edit.setFocus()

    def close_note(self) -> bool:
        """Go back from the note to the basket; False when it was not open."""
        if self._stack.currentWidget() is not self.note:
            return False
        self._stack.setCurrentWidget(self._basket_page)
        self.footer.focus_note()
        return True

    def ask_type(self) -> None:
        """Ask for the ticket type of the line that has the keyboard, else of the last one."""
        at = self._focused_line()
        if self._stack.currentWidget() is self._basket_page and self._rows:
            self._rows[-1 if at is None else at].ask_type()

    def ask_giving(self) -> None:
        """Ask what may be given by hand for the line that has the keyboard, else for the last."""
        at = self._focused_line()
        if self.isVisible() and self._stack.currentWidget() is self._basket_page and self._rows:
            line = self._rows[-1 if at is None else at].line
            self._types.close_panel()
            self.giving_asked.emit(line.performance, line.unit)

    def remove_focused(self) -> None:
        """Take out the line that has the keyboard; while cash is counted out, its amount."""
        if self._stack.currentWidget() is self.pay_panel:
            self.pay_panel.start_over()
        at = self._focused_line()
        if at is not None:
            self._rows[at].remove()

    def _focused_line(self) -> int | None:
        return next(
            (
                at
                for at, each in enumerate(self._rows)
                if any(button.hasFocus() for button in each.findChildren(Button))
            ),
            None,
        )

    def _keep_note(self, text: str) -> None:
        self.close_note()
        self.note_written.emit(text)

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order; the lines come after the first."""
        stops = (*self.pay_row.tab_stops(), *self.footer.tab_stops())
        return (self._scroll, *stops)

    # ------------------------------------------------------------------------------------ parts

    def _make_parts(self) -> None:
        self._title = label(18, 700, name="cart_title")
        self._sub = ElidedLabel(13, 400, "text2", "cart_summary")
        self._note_line = ElidedLabel(13, 600, "accent", "cart_note")
        self.hold = HoldChip()
        self.parked_strip = ParkedStrip()
        self.toast = ToastStrip()
        self.footer = BasketFooter()
        self.footer.cleared.connect(self.cleared)
        self.footer.note_wanted.connect(self.open_note)
        self.footer.park.connect(self.park)
        self.unprinted = UnprintedStrip()
        self.unprinted.reprint.connect(self.reprint)
        self.notice = NoticeStrip()
        self.notice.dismissed.connect(self.dismissed)
        self.notice.offer_taken.connect(self.offer_taken)
        self.notice.shift_wanted.connect(self.shift_wanted)
        self._empty = label(14, 400, "text3", "cart_empty")
        self._empty.setWordWrap(True)
        self._empty.setMinimumHeight(120)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("cart_lines")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        self._lines_box = QVBoxLayout(inside)
        self._lines_box.setContentsMargins(0, 0, 0, 0)
        self._lines_box.setSpacing(8)
        self._lines_box.addWidget(self._empty)
        self._lines_box.addStretch(1)
        self._scroll.setWidget(inside)
        self._banners = QVBoxLayout()
        self._banners.setSpacing(6)
        self._summary = [
            (label(14, 400, "text2", f"sum_{at}"), label(14, 400, "text2", f"sum_{at}_amount"))
            for at in range(_SUMMARY_MAX)
        ]
        self._total_word = label(17, 700)
        self._total = label(38, 700, name="total")
        self.pay_row = PayRow()
        self.pay_row.pay.connect(self.pay)
        self.customer = Button("customer", "quiet", 14, 500)
        self.customer.show_icon("user", "text2")
        self.footer.put_in(self.customer)

    def _basket_layout(self) -> QVBoxLayout:
        summary = QGridLayout()
        summary.setContentsMargins(0, 0, 0, 0)
        summary.setVerticalSpacing(3)
        for at, (what, amount) in enumerate(self._summary):
            summary.addWidget(what, at, 0)
            summary.addWidget(amount, at, 1, Qt.AlignmentFlag.AlignRight)
        head = row(gap=8)
        head.addLayout(column(self._title, self._sub, self._note_line, gap=2), 1)
        head.addWidget(self.hold, 0, Qt.AlignmentFlag.AlignTop)
        self._page_box = column(
            head,
            2,
            self.parked_strip,
            self.unprinted,
            self._scroll,
            self._banners,
            self.toast,
            self.notice,
            2,
            summary,
            rule(),
            row(self._total_word, None, self._total),
            self.pay_row,
            self.footer,
            gap=6,
        )
        self._page_box.setStretchFactor(self._scroll, 1)
        return self._page_box

    # ------------------------------------------------------------------------------------ tools

    def _show_head(self, state: SellState) -> None:
        count = len(state.basket.lines) if state.basket else 0
        parts = [ngettext("{n} ticket", "{n} tickets", count).format(n=count)]
        if count:
            parts.append(_("seats kept for this order"))
        if state.basket and state.house and state.basket.saving_minor:
            saved = words.money(state.basket.saving_minor, state.house.event.currency, compact=True)
            parts.append(_("saves {amount}").format(amount=saved))
        asking = len(state.wishes)
        if asking:
            parts.append(ngettext("asking for {n}…", "asking for {n}…", asking).format(n=asking))
        self._sub.setText(" · ".join(parts))
        note = state.basket.note if state.basket else ""
        self._note_line.setText(note)
        self._note_line.setVisible(bool(note))

    def _show_lines(self, state: SellState, house: House, today: date) -> None:
        lines = state.basket.lines if state.basket else ()
        found = state.basket.quote.packages if state.basket and state.basket.quote else ()
        key = (lines, found, house.performance.number, words.language(), self._metrics.line, today)
        if key == self._rows_for:
            return
        grown = len(lines) > len(self._rows)
        focused = self._focused_in_lines()
        self._rows_for = key
        for old in (*self._rows, *self._packages):
            self._lines_box.removeWidget(old)
            self._banners.removeWidget(old)
            retire(old)
        self._rows = [
            LineRow(at, line, house, self._metrics, today) for at, line in enumerate(lines)
        ]
        for at, made in enumerate(self._rows):
            made.removed.connect(self.line_removed)
            made.type_asked.connect(self._ask_type)
            self._lines_box.insertWidget(at + 1, made)
            made.show()  # at once: the keyboard cannot be put on what is not there
        self._show_packages(found, house)
        self._order_line_stops()
        if focused:
            (self.findChild(QWidget, focused) or self._scroll).setFocus()
        self._empty.setVisible(not lines)
        if grown and self._rows:
            self._lines_box.activate()
            self._scroll.ensureWidgetVisible(self._rows[-1])

    def _show_packages(self, found: Sequence[FoundPackage], house: House) -> None:
        """Below the lines and always in sight; in a low window behind the last line."""
        is_banner = not self._metrics.compact
        most = _BANNERS_MAX if is_banner else max(1, len(found))
        said = package_lines(house.event, found, most)
        self._packages = [
            PackageRow(at, name, saving, is_banner=is_banner)
            for at, (name, saving) in enumerate(said)
        ]
        for at, package in enumerate(self._packages):
            if is_banner:
                self._banners.addWidget(package)
            else:
                self._lines_box.insertWidget(len(self._rows) + at + 1, package)
            package.show()

    def _turn_page(self, state: SellState) -> None:
        """Show the change, a panel or the basket; the keyboard goes along."""
        page = self._stack.currentWidget()
        wanted = self._page_for(state, page)
        if wanted is page:
            return
        had_focus = _has_focus(page)
        self._stack.setCurrentWidget(wanted)
        if wanted in (self.give, self.late):
            wanted.setFocus()
        elif wanted is self.parked:
            self.parked.take_focus()
        elif wanted is self.pay_panel:
            self.pay_panel.open()
            self.pay_panel.take_focus()
        elif had_focus:
            self._keyboard_back(state, page)

    def _page_for(self, state: SellState, page: QWidget | None) -> QWidget:
        if state.change is not None:
            return self.change
        if state.late is not None:
            return self.late
        if state.giving is not None:
            return self.give
        if state.recalling:
            return self.parked
        if state.pay_panel is not None and (state.can_pay or state.paying):
            return self.pay_panel
        if page is self.note and state.basket and state.basket.lines and not state.is_frozen:
            return self.note
        return self._basket_page

    def _keyboard_back(self, state: SellState, page: QWidget | None) -> None:
        """The page that had the keyboard is gone."""
        if state.change is not None:
            self.change.take_focus()
        elif page is self.pay_panel and state.can_pay:
            self.pay_row.focus_more()
        elif page in (self.give, self.parked):
            self._scroll.setFocus()
        else:
            self.finished.emit()

    def _focused_in_lines(self) -> str:
        buttons = (button for each in self._rows for button in each.findChildren(Button))
        return next((button.objectName() for button in buttons if button.hasFocus()), "")

    def _order_line_stops(self) -> None:
        before: QWidget = self._scroll
        for each in self._rows:
            for stop in each.findChildren(Button):
                QWidget.setTabOrder(before, stop)
                before = stop
        QWidget.setTabOrder(before, self.pay_row.tab_stops()[0])

    def _show_totals(self, state: SellState, house: House) -> None:
        currency = house.event.currency
        total = state.total_minor
        self._show_summary(state.basket, house)
        self._total.setText(words.money(total, currency))
        self.pay_row.show_state(state)

    def _show_summary(self, basket: Basket | None, house: House) -> None:
        """What makes the total."""
        shown = basket_sums(basket, house.event, _SUMMARY_MAX) if basket is not None else []
        for at, (what, amount) in enumerate(self._summary):
            listed = at < len(shown)
            what.setVisible(listed)
            amount.setVisible(listed)
            what.setText(shown[at][0] if listed else "")
            amount.setText(shown[at][1] if listed else "")

    def _ask_type(self, line: BasketLine, button: Button) -> None:
        if self._state is not None and self._state.house is not None:
            self._types.ask(line, self._state.house, self._state.now, button)


def _has_focus(page: QWidget | None) -> bool:
    if page is None:
        return False
    return any(each.hasFocus() for each in (page, *page.findChildren(QWidget)))
