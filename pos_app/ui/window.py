"""The till's window: the top bar, one of three pages, and the keys that work everywhere."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.after_sale import AfterSalePresenter
from pos_app.presenters.picker import PickerPresenter
from pos_app.presenters.sell import SellPresenter
from pos_app.presenters.shift import ShiftPresenter
from pos_app.presenters.shift_state import Page
from pos_app.presenters.sign_in import SignInPresenter
from pos_app.services.model import News, NewsKind
from pos_app.ui.after_sale_exchange import ExchangeCard
from pos_app.ui.after_sale_view import AfterSaleView
from pos_app.ui.banner import OfflineBanner
from pos_app.ui.controls import REGULAR, Metrics, metrics_for
from pos_app.ui.picker_view import PickerView
from pos_app.ui.sell_view import SellView
from pos_app.ui.shift_view import ShiftView
from pos_app.ui.sign_in_view import SignInView
from pos_app.ui.top_bar import TopBar
from ticketing.refund_rules import Deed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pos_app.presenters.runner import Run
    from pos_app.services.model import Person, SignedIn
    from pos_app.services.till import TillServices
    from ticketing.event import Venue

TICK_MS: Final = 1_000
POLL_TICKS: Final = 2
"""Every other second the link is read anew: its age counts even when nobody sends news."""
SMALLEST: Final = (1280, 720)


class TillWindow(QWidget):
    """Puts the presenters and their views together."""

    def __init__(
        self, services: TillServices, run: Run, run_printing: Run, now: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self.setObjectName("till_window")
        self.setWindowTitle("Boxgate")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumSize(*SMALLEST)
        self._services = services
        self._run = run
        self._now = now
        self._person: Person | None = None
        self._metrics: Metrics | None = None
        self._ticks = 0
        self._exchanging = False
        self.sell = SellPresenter(services, run, run_printing)
        self.picker = PickerPresenter(services, run, now)
        self.shift = ShiftPresenter(services.shifts, run, run_printing, self._leave_shift)
        self.sign_in = SignInPresenter(services, run, self._signed_in)
        self.top_bar = TopBar()
        self.banner = OfflineBanner()
        self.sign_in_view = SignInView(self.sign_in)
        self.picker_view = PickerView(self.picker)
        self.sell_view = SellView(self.sell, now)
        self.shift_view = ShiftView(self.shift)
        self.after_sale = AfterSalePresenter(
            services.after_sale, run, run_printing, services.print_order
        )
        self.after_sale_view = AfterSaleView(self.after_sale, now, lambda: self.sell.state.number)
        self.exchange = ExchangeCard()
        self.sell_view.put_beside(self.exchange)
        self.pages = QStackedWidget()
        for page in (
            self.sign_in_view,
            self.picker_view,
            self.sell_view,
            self.after_sale_view,
            self.shift_view,
        ):
            page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            self.pages.addWidget(page)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for part in (self.top_bar, self.banner, self.pages):
            box.addWidget(part)
        self._connect()
        self._add_shortcuts()
        self.retranslate()
        self._apply(REGULAR)
        self.sell.watch(lambda _state: self._show_link())
        self.picker.watch(lambda _state: self._show_time())
        self._clock = QTimer(self)
        self._clock.setInterval(TICK_MS)
        self._clock.timeout.connect(self._tick)

    def start(self) -> None:
        """Read what there is and wait for somebody to sign in."""
        self._clock.start()
        self.sign_in.load()
        self.picker.load()
        self.sell.refresh()
        self.after_sale.warm_up()
        self._go_to(self.sign_in_view)
        self.sign_in_view.setFocus()

    def on_news(self, news: News) -> None:
        """Take news; on this thread."""
        self.sell.on_news(news)
        self.after_sale.on_news(news)
        if news.kind is NewsKind.CATALOGUE:
            self.picker.load()
            if self._person is None:
                self.sign_in.refresh()

    def lock(self) -> None:
        """Sign out and keep the basket."""
        if self._person is None or self.sell.state.paying:
            return
        self._person = None
        self._run(self._services.sign_out, _nothing, _nothing)
        self.top_bar.show_person(None)
        self.sign_in.load()
        self._go_to(self.sign_in_view)
        self.sign_in_view.setFocus()

    def pick(self) -> None:
        """Show the performances to choose from."""
        if self._person is None:
            return
        self.picker.load()
        self.picker_view.allow_back(self.sell.state.house is not None)
        self._go_to(self.picker_view)
        self.picker_view.focus_first()

    def show_orders(self) -> None:
        """Show the orders: find one, give it back, exchange it."""
        if self._person is None or self.after_sale.state.exchange is not None:
            return
        self.after_sale.open()
        self._go_to(self.after_sale_view)
        self.after_sale_view.focus_first()

    def show_shift(self) -> None:
        """Show the shift; the float's count at once when none is open."""
        if self._person is None or self.sell.state.paying:
            return
        self._go_to(self.shift_view)
        self.shift_view.setFocus()
        self.shift.load(self._offer_float)

    def switch_language(self) -> None:
        """Speak the other language, at once and everywhere."""
        words.set_language(words.other_language())
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the language of now."""
        for part in (
            self.top_bar,
            self.sign_in_view,
            self.picker_view,
            self.sell_view,
            self.after_sale_view,
            self.exchange,
            self.shift_view,
        ):
            part.retranslate()
        self._show_link()
        self._show_time()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._apply(metrics_for(event.size().height()))
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    # ------------------------------------------------------------------------------------ tools

    def _connect(self) -> None:
        self.top_bar.pick.connect(self.pick)
        self.top_bar.switch_language.connect(self.switch_language)
        self.picker_view.chosen.connect(self._open)
        self.picker_view.closed.connect(self._back_to_sale)
        self.sell_view.lock.connect(self.lock)
        self.sell_view.shift.connect(self.show_shift)
        self.shift_view.closed.connect(self._leave_shift)
        self.sell_view.rail.orders.connect(self.show_orders)
        self.after_sale_view.lock.connect(self.lock)
        self.after_sale_view.rail.shift.connect(self.show_shift)
        self.after_sale_view.sell.connect(self._back_to_sale)
        self.exchange.swap.connect(self._swap)
        self.exchange.cancelled.connect(self.after_sale.cancel_exchange)
        self.exchange.removed.connect(self.sell.remove_line)
        self.exchange.wait_no_longer.connect(self.after_sale.wait_no_longer)
        self.after_sale.watch(lambda _state: self._show_exchange())
        self.sell.watch(lambda _state: self._show_exchange())

    def _add_shortcuts(self) -> None:
        on_sale: tuple[tuple[str, Callable[[], object]], ...] = (
            ("F6", self.sell.best_together),
            ("F9", self._pay),
            ("+", partial(self._change_quantity, 1)),
            ("-", partial(self._change_quantity, -1)),
            *((f"Alt+{at + 1}", partial(self._filter_tier, at)) for at in range(5)),
        )
        for keys, act in on_sale:
            self._add_shortcut(keys, partial(self._if_selling, act))
        in_orders: tuple[tuple[str, Callable[[], object]], ...] = (
            ("F3", self.after_sale_view.focus_first),
            ("Ctrl+R", partial(self.after_sale.preview, Deed.REFUND)),
            ("Ctrl+E", partial(self.after_sale.preview, Deed.EXCHANGE)),
            ("Ctrl+U", partial(self.after_sale.preview, Deed.VOID)),
            ("Ctrl+T", partial(self.after_sale.preview, Deed.REPLACEMENT)),
            ("Ctrl+P", self.after_sale.reprint),
        )
        for keys, act in in_orders:
            self._add_shortcut(keys, partial(self._if_in_orders, act))
        self._add_shortcut("Ctrl+O", self.show_orders)
        self._add_shortcut("F2", self.pick)
        self._add_shortcut("Ctrl+L", self.lock)
        self._add_shortcut("Ctrl+S", self.show_shift)
        self._add_shortcut("Esc", self._escape)

    def _add_shortcut(self, keys: str, act: Callable[[], object]) -> None:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setAutoRepeat(False)  # a key held down is pressed once
        shortcut.activated.connect(act)

    def _if_selling(self, act: Callable[[], object]) -> None:
        if self.pages.currentWidget() is self.sell_view:
            act()

    def _if_in_orders(self, act: Callable[[], object]) -> None:
        if self.pages.currentWidget() is self.after_sale_view:
            act()

    def _pay(self) -> None:
        """Take cash for the basket; while tickets are exchanged, for the difference."""
        if self.after_sale.state.exchange is not None:
            self.exchange.settle()
        else:
            self.sell.pay_cash()

    def _swap(self, tendered_minor: int) -> None:
        self.after_sale.swap(self.sell.state.basket, tendered_minor)

    def _show_exchange(self) -> None:
        """The sell screen while an exchange picks there, and back when it is done."""
        state, was = self.after_sale.state, self._exchanging
        self.exchange.show_state(state, self.sell.state)
        self._exchanging = state.exchange is not None
        self.sell_view.show_beside(shown=self._exchanging)
        for view in (self.sell_view, self.after_sale_view):
            view.rail.show_owed(len(state.owed))
        if self._exchanging and not was:
            self._pick_instead()
        elif was and not self._exchanging:
            self.sell.clear()  # what a swap took or still waits for is not given back by that
            self.show_orders()

    def _pick_instead(self) -> None:
        """Show the map of the first ticket's performance, over an empty basket."""
        detail = self.after_sale.state.detail
        self.sell.clear()
        if detail is not None and detail.tickets:
            self._open(detail.tickets[0].performance)

    def _change_quantity(self, by: int) -> None:
        self.sell.set_quantity(self.sell.state.quantity + by)

    def _filter_tier(self, at: int) -> None:
        house = self.sell.state.house
        if house is not None and at < len(house.event.price_tiers):
            self.sell.filter_tier(house.event.price_tiers[at].id)

    def _escape(self) -> None:
        page = self.pages.currentWidget()
        if page is self.sign_in_view:
            self.sign_in.clear()
        elif page is self.picker_view:
            self._back_to_sale()
        elif page is self.shift_view:
            self.shift_view.step_back()
        elif page is self.after_sale_view:
            if not self.after_sale.back():
                self._back_to_sale()
        elif self.after_sale.state.exchange is not None and not self.sell.state.notice:
            self.after_sale.cancel_exchange()
        else:
            self.sell_view.back()

    def _signed_in(self, answer: SignedIn) -> None:
        self._person = answer.person
        self.top_bar.show_person(answer.person)
        self.sell.refresh()
        self.shift.load(self._begin)

    def _begin(self) -> None:
        """Somebody has signed in: count a float first when no shift is open."""
        if self._person is None or self.pages.currentWidget() is not self.sign_in_view:
            return
        if self.shift.state.known and self.shift.state.current is None:
            self._go_to(self.shift_view)
            self.shift_view.setFocus()
            self._offer_float()
        else:
            self._leave_shift()

    def _offer_float(self) -> None:
        if self.shift.state.known and self.shift.state.current is None:
            self.shift.open_page(Page.FLOAT)

    def _leave_shift(self) -> None:
        """On with the sale."""
        if self._person is None:
            return
        if self.sell.state.house is None:
            self.pick()
        else:
            self._back_to_sale()

    def _open(self, number: int) -> None:
        self.sell.open(number)
        self._go_to(self.sell_view)
        self.sell_view.map.setFocus()

    def _back_to_sale(self) -> None:
        if self.sell.state.house is not None:
            self._go_to(self.sell_view)
            self.sell_view.map.setFocus()

    def _go_to(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
        self._show_link()

    def _apply(self, metrics: Metrics) -> None:
        if metrics is self._metrics:
            return
        self._metrics = metrics
        for part in (
            self.top_bar,
            self.banner,
            self.sign_in_view,
            self.picker_view,
            self.sell_view,
            self.after_sale_view,
            self.exchange,
            self.shift_view,
        ):
            part.apply(metrics)
        self._show_link()

    def _venue(self) -> Venue | None:
        house = self.sell.state.house
        return house.venue if house else self.picker.state.venue

    def _show_link(self) -> None:
        state = self.sell.state
        selling = self._person is not None
        self.top_bar.show_state(state, self._now(), selling=selling)
        self.banner.show_state(state)

    def _show_time(self) -> None:
        venue = self._venue()
        self.top_bar.show_venue(venue)
        self.top_bar.show_time(words.time_of_day(self._now(), venue) if venue else "")

    def _tick(self) -> None:
        self._ticks += 1
        self._show_time()
        self._show_link()
        self.sell.tick()
        if self._ticks % POLL_TICKS == 0:
            self.sell.refresh_status()


def _nothing(_result: object) -> None:
    """For work whose answer nobody waits for."""
