"""The till's window: the top bar, one of three pages, and the keys that work everywhere."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.after_sale import AfterSalePresenter
from pos_app.presenters.idle import IdleWatch
from pos_app.presenters.language import _
from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.picker import PickerPresenter
from pos_app.presenters.sell import SellPresenter
from pos_app.presenters.shift import ShiftPresenter
from pos_app.presenters.shift_state import Page
from pos_app.presenters.sign_in import SignInPresenter
from pos_app.services.model import News, NewsKind
from pos_app.services.shift_model import ShiftRefusal
from pos_app.ui.after_sale_exchange import ExchangeCard
from pos_app.ui.after_sale_view import AfterSaleView
from pos_app.ui.banner import OfflineBanner
from pos_app.ui.basket_keys import add_basket_keys
from pos_app.ui.buyer_part import BuyerPart
from pos_app.ui.chip_panel import ChipPart
from pos_app.ui.controls import REGULAR, Metrics, metrics_for
from pos_app.ui.device_part import DevicePart
from pos_app.ui.idle_bar import DeedFilter, IdleBar
from pos_app.ui.key_sheet import KeySheet
from pos_app.ui.options import PLAIN, Options
from pos_app.ui.pay_row import TENDER_KEYS
from pos_app.ui.picker_view import PickerView
from pos_app.ui.sell_view import SellView
from pos_app.ui.shift_view import ShiftView
from pos_app.ui.shortcuts import Shortcuts
from pos_app.ui.sign_in_view import SignInView
from pos_app.ui.switch_panel import SwitchPanel
from pos_app.ui.sync_panel import SyncPart
from pos_app.ui.theme import TEXT_SIZES, set_text_size, text_size
from pos_app.ui.top_bar import TopBar
from pos_app.ui.training_banner import FRAME_PX, TrainingBanner
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
        self,
        services: TillServices,
        run: Run,
        run_printing: Run,
        now: Callable[[], datetime],
        options: Options = PLAIN,
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
        self._options = options
        self._idle = IdleWatch(options.lock_after_s, options.monotonic())
        self.sell = SellPresenter(services, run, run_printing)
        self.picker = PickerPresenter(services, run, now)
        self.shift = ShiftPresenter(services.shifts, run, run_printing, self._leave_shift)
        self.sign_in = SignInPresenter(services, run, self._signed_in)
        self.switch = SignInPresenter(services, run, self._took_over, self._person_id)
        self.top_bar = TopBar(is_training=bool(options.training_pin))
        self.banner = OfflineBanner()
        self.idle_bar = IdleBar()
        self.training_banner = TrainingBanner(options.training_pin)
        self.sign_in_view = SignInView(self.sign_in, options.train)
        self.picker_view = PickerView(self.picker)
        self.sell_view = SellView(self.sell, now)
        self.shift_view = ShiftView(self.shift)
        self.after_sale = AfterSalePresenter(
            services.after_sale, run, run_printing, services.print_order, services
        )
        self.after_sale_view = AfterSaleView(self.after_sale, now, lambda: self.sell.state.number)
        self.exchange = ExchangeCard()
        self.sell_view.put_beside(self.exchange)
        self.devices = DevicePart(self, services, run, run_printing, self.top_bar)
        self.buyers = BuyerPart(self, services.buyers, run)
        self.chips = ChipPart(self, services.chips, run)
        self.sync = SyncPart(self, services, run, now, self._venue)
        self.pages = QStackedWidget()
        self._lay_out(framed=bool(options.training_pin))
        self.switch_panel = SwitchPanel(self, self.switch)
        self.key_sheet = KeySheet(self)
        self.keys = Shortcuts(self, self.pages.currentWidget, self._may_act)
        self._connect()
        self._add_shortcuts()
        self.retranslate()
        self._apply(REGULAR)
        self.sell.watch(lambda _state: self._show_link())
        self.picker.watch(lambda _state: self._show_time())
        self.shift.watch(lambda _state: self._show_time())
        self._clock = self._make_clock()

    def _make_clock(self) -> QTimer:
        clock = QTimer(self)
        clock.setInterval(TICK_MS)
        clock.timeout.connect(self._tick)
        return clock

    def start(self) -> None:
        """Read what there is and wait for somebody to sign in."""
        self._clock.start()
        self._run(self._services.habits.text_size, self._take_text_size, _nothing)
        self.sign_in.load()
        self.picker.load()
        self.sell.refresh()
        self.after_sale.warm_up()
        self.devices.presenter.load()
        self._go_to(self.sign_in_view)
        self.sign_in_view.setFocus()

    def on_news(self, news: News) -> None:
        """Take news; on this thread."""
        self.sell.on_news(news)
        self.after_sale.on_news(news)
        if news.kind is NewsKind.CHIP and self._person is not None:
            self.find_code(news.reason)
        self.devices.on_news(news)
        if news.kind is NewsKind.CATALOGUE:
            self.picker.load()
            if self._person is None:
                self.sign_in.refresh()

    def touched(self) -> None:
        """Somebody did something: a key, a tap, or (called by whoever hears it) a scan."""
        self._idle.touched(self._options.monotonic())
        self.idle_bar.show_left(None)

    def switch_person(self) -> None:
        """Ask who takes over; the basket, the page and the shift stay as they are."""
        if self._person is not None and not self._is_recording():
            self.switch_panel.ask()

    def show_keys(self) -> None:
        """Show which keys there are; the same key closes it again."""
        if not self.key_sheet.shut():
            page = self.pages.currentWidget()
            self.key_sheet.show_keys(self.keys.of_page(page), self.keys.of_page(None))

    def lock(self) -> None:
        """Sign out and keep the basket; not in the middle of a payment."""
        if self._person is None or self._is_recording():
            return
        self._close_overlays()
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
        self.after_sale_view.pick_up(on=False)
        self.after_sale_view.focus_first()

    def show_pick_up(self) -> None:
        """Show the orders to hand one out: what was bought elsewhere, or is not printed yet."""
        if self._person is None or self.after_sale.state.exchange is not None:
            return
        self.show_orders()
        self.after_sale_view.pick_up(on=True)

    def show_shift(self) -> None:
        """Show the shift; the float's count at once when none is open."""
        if self._person is None or self.sell.state.paying:
            return
        self._go_to(self.shift_view)
        self.shift_view.setFocus()
        self.shift.load(self._offer_float)

    def show_devices(self) -> None:
        """Show printer, drawer and scanner."""
        if self._person is None or self.sell.state.paying:
            return
        self.devices.presenter.open()
        self._go_to(self.devices.view)
        self.devices.view.setFocus()

    def find_code(self, text: str) -> None:
        """Show the order of a code that was scanned, or of a chip, wherever the keyboard is."""
        if self._person is None or self.chips.presenter.hold(text):
            return
        state = self.after_sale.state
        if state.is_busy or state.exchange is not None or self.sell.state.paying:
            self.sell.say(Notice(Topic.SCAN_NOT_NOW))
            return
        self.show_orders()
        self.after_sale_view.show_code(text)

    def switch_language(self) -> None:
        """Speak the other language, at once and everywhere."""
        words.set_language(words.other_language())
        self.retranslate()

    def switch_text_size(self) -> None:
        """Make all text larger, and after the largest size as it was."""
        at = TEXT_SIZES.index(text_size())
        wanted = TEXT_SIZES[(at + 1) % len(TEXT_SIZES)]
        self._take_text_size(wanted)
        self._run(partial(self._services.habits.note_text_size, wanted), _nothing, _nothing)

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
            self.switch_panel,
            self.key_sheet,
            self.devices.view,
            self.buyers,
            self.chips,
            self.sync,
            self.training_banner,
        ):
            part.retranslate()
        self.devices.show_chip()
        self._show_link()
        self._show_time()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._apply(metrics_for(event.size().height(), text_size()))
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    # ------------------------------------------------------------------------------------ tools

    def _lay_out(self, *, framed: bool) -> None:
        for page in (
            self.sign_in_view,
            self.picker_view,
            self.sell_view,
            self.after_sale_view,
            self.shift_view,
            self.devices.view,
        ):
            page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            self.pages.addWidget(page)
        box = QVBoxLayout(self)
        frame = FRAME_PX if framed else 0
        box.setContentsMargins(frame, frame, frame, frame)
        box.setSpacing(0)
        self.training_banner.setVisible(framed)
        self.setProperty("training", framed)
        bars = (self.top_bar, self.training_banner, self.banner, self.idle_bar)
        for part in (*bars, self.pages):
            box.addWidget(part)

    def _connect(self) -> None:
        self.buyers.serve_basket(self.sell_view.cart.customer, self.sell)
        self.buyers.serve_orders(self.after_sale_view.buyer, self.after_sale)
        self.chips.serve_orders(self.after_sale_view.chip, self.after_sale)
        self.sync.serve(self.sell, self.top_bar, self.banner)
        self.top_bar.pick.connect(self.pick)
        self.top_bar.switch_language.connect(self.switch_language)
        self.top_bar.switch_person.connect(self.switch_person)
        self.top_bar.switch_text_size.connect(self.switch_text_size)
        if self._options.lock_after_s:  # it is asked about every event there is
            DeedFilter(self).done.connect(self.touched)
        self.devices.touched.connect(self.touched)
        self.picker_view.chosen.connect(self._open)
        self.picker_view.closed.connect(self._back_to_sale)
        self.sell_view.lock.connect(self.lock)
        self.sell_view.shift.connect(self.show_shift)
        self.sell_view.order_sought.connect(self.find_code)
        self.shift_view.closed.connect(self._leave_shift)
        self.shift_view.led.connect(self._lead_to)
        for rail in (self.sell_view.rail, self.after_sale_view.rail, self.devices.view.rail):
            rail.orders.connect(self.show_orders)
            rail.pick_up.connect(self.show_pick_up)
        self.after_sale_view.lock.connect(self.lock)
        self.after_sale_view.rail.shift.connect(self.show_shift)
        self.after_sale_view.sell.connect(self._back_to_sale)
        self.devices.wanted.connect(self.show_devices)
        self.devices.connect_rails(self.sell_view.rail, self.after_sale_view.rail)
        self.devices.connect_strip(self.sell_view.cart.unprinted)
        self.sell_view.cart.change.receipt_wanted.connect(self.devices.presenter.print_receipt)
        self.devices.code.connect(self.find_code)
        self.devices.code_cut.connect(lambda: self.sell.say(Notice(Topic.SCAN_CUT_SHORT)))
        self.devices.view.closed.connect(self._leave_shift)
        self.devices.view.rail.sell.connect(self._leave_shift)
        self.devices.view.rail.shift.connect(self.show_shift)
        self.devices.view.rail.lock.connect(self.lock)
        self.exchange.swap.connect(self._swap)
        self.exchange.number.entered.connect(self.after_sale.answer_number)
        self.exchange.number.closed.connect(self.after_sale.stop_numbering)
        self.exchange.approve.approved.connect(self.after_sale.approve)
        self.exchange.cancelled.connect(self.after_sale.cancel_exchange)
        self.exchange.removed.connect(self.sell.remove_line)
        self.exchange.wait_no_longer.connect(self.after_sale.wait_no_longer)
        self.after_sale.watch(lambda _state: self._show_exchange())
        self.sell.watch(lambda _state: self._show_exchange())

    def _take_text_size(self, percent: int) -> None:
        """Have all text this large; 0, or what is no size of ours, leaves it as it is."""
        if percent in TEXT_SIZES and percent != text_size():
            application = QApplication.instance()
            assert isinstance(application, QApplication)
            set_text_size(application, percent)
            self._apply(metrics_for(self.height(), text_size()))
            self.retranslate()

    def _add_shortcuts(self) -> None:
        """All keys of the window: what each does, and what F1 says of it."""
        sell, orders, keys = self.sell_view, self.after_sale_view, self.keys
        keys.add("F6", lambda: _("Best together"), self.sell.best_together, sell)
        keys.add("F9", lambda: _("Take cash"), self._pay, sell)
        keys.add_row(TENDER_KEYS, lambda: _("Pay by the tenders of the house"), self._pay_by, sell)
        keys.add("+", lambda: _("One ticket more"), partial(self._change_quantity, 1), sell)
        keys.add("-", lambda: _("One ticket less"), partial(self._change_quantity, -1), sell)
        tiers = tuple(f"Alt+{at + 1}" for at in range(5))
        keys.add_row(tiers, lambda: _("Show one price tier"), self._filter_tier, sell)
        keys.add("\N{UPWARDS ARROW}\N{DOWNWARDS ARROW}\N{LEFTWARDS ARROW}\N{RIGHTWARDS ARROW}",
                 lambda: _("Move on the seat map"), on=sell)  # fmt: skip
        keys.add("Space", lambda: _("Pick a seat, or put it back"), on=sell)
        keys.add("PgUp / PgDn", lambda: _("Nearer, further"), on=sell)
        keys.add("Home", lambda: _("Show the whole house"), on=sell)
        add_basket_keys(keys, sell, self.sell, self._park)
        keys.add("Ctrl+R", lambda: _("Refund: find the order"), self.show_orders, sell)
        orders_show = self.after_sale.preview
        keys.add("F3", lambda: _("Find an order"), orders.focus_first, orders)
        keys.add("Ctrl+R", lambda: _("Refund"), partial(orders_show, Deed.REFUND), orders)
        keys.add("Ctrl+E", lambda: _("Exchange"), partial(orders_show, Deed.EXCHANGE), orders)
        keys.add("Ctrl+U", lambda: _("Void"), partial(orders_show, Deed.VOID), orders)
        keys.add("Ctrl+T", lambda: _("Replace a lost ticket"),
                 partial(orders_show, Deed.REPLACEMENT), orders)  # fmt: skip
        keys.add("Ctrl+P", lambda: _("Print again"), self.after_sale.reprint, orders)
        keys.add("0 \N{HORIZONTAL ELLIPSIS} 9", lambda: _("Type a count or an amount"),
                 on=self.shift_view)  # fmt: skip
        keys.add("Enter", lambda: _("Go on"), on=self.shift_view)
        keys.add("0 \N{HORIZONTAL ELLIPSIS} 9", lambda: _("Type the PIN"), on=self.sign_in_view)
        keys.add("Enter", lambda: _("Sign in"), on=self.sign_in_view)
        keys.add("F1", lambda: _("These keys"), self.show_keys)
        keys.add("F2", lambda: _("Choose the performance"), self.pick)
        keys.add("Ctrl+O", lambda: _("Orders"), self.show_orders)
        keys.add("Ctrl+K", lambda: _("Pick up"), self.show_pick_up)
        keys.add("Ctrl+S", lambda: _("Shift"), self.show_shift)
        keys.add("Ctrl+D", lambda: _("Devices"), self.show_devices)
        keys.add("Ctrl+W", lambda: _("Another person takes over"), self.switch_person)
        keys.add("Ctrl+L", lambda: _("Lock"), self.lock)
        keys.add("Esc", lambda: _("One step back; nothing is lost"), self._escape)

    def _may_act(self, keys: str) -> bool:
        """Under an open card only what closes it acts."""
        covered = any(
            each.isVisible()
            for each in (
                self.key_sheet,
                self.switch_panel,
                self.buyers.panel,
                self.chips.panel,
                self.sync.panel,
            )
        )
        return (
            not covered
            or keys in ("Esc", "Ctrl+L")
            or (keys == "F1" and self.key_sheet.isVisible())
        )

    def _close_overlays(self) -> bool:
        return (
            self.key_sheet.shut()
            or self.switch_panel.shut()
            or self.buyers.presenter.close()
            or self.chips.presenter.close()
            or self.sync.presenter.close()
        )

    def _is_recording(self) -> bool:
        """Whether money is being recorded right now: nobody signs out in the middle of it."""
        working = self.after_sale.state.is_working or self.shift.state.busy
        return self.sell.state.paying or working

    def _person_id(self) -> str:
        return self._person.id if self._person is not None else ""

    def _took_over(self, answer: SignedIn) -> None:
        """Another person is signed in now; what is on screen stays."""
        self.switch_panel.shut()
        self._person = answer.person
        self.top_bar.show_person(answer.person)
        self.sell.refresh()
        if self.pages.currentWidget() is self.shift_view:
            self.shift.load()  # a manager may do more there, and half a count is another's

    def _pay(self) -> None:
        """Take cash for the basket; while tickets are exchanged, for the difference."""
        if self.after_sale.state.exchange is not None:
            self.exchange.settle()
        else:
            self.sell.pay_cash()

    def _park(self) -> None:
        """Put the basket aside or take one out; what an exchange picks is no basket."""
        if self.after_sale.state.exchange is None:
            self.sell.park_or_recall()

    def _pay_by(self, at: int) -> None:
        """Take the whole rest by the tender of a key; of an exchange, its difference."""
        if self.after_sale.state.exchange is not None:
            self.exchange.settle_by(at)
        else:
            self.sell.tendering.take_by_key(at)

    def _swap(self, tendered_minor: int, tender: str) -> None:
        self.after_sale.swap(self.sell.state.basket, tendered_minor, tender)

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
            self.sell.start_over()  # what a swap took or waits for is not given back by that
            self.show_orders()

    def _pick_instead(self) -> None:
        """Show the map of the first ticket's performance, over an empty basket."""
        detail = self.after_sale.state.detail
        self.sell.set_aside()
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
        if self._close_overlays():
            return
        if page is self.sign_in_view:
            self.sign_in.clear()
        elif page is self.picker_view:
            if not self.picker_view.step_back():
                self._back_to_sale()
        elif page is self.shift_view:
            self.shift_view.step_back()
        elif page is self.devices.view:
            self._leave_shift()
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

    def _lead_to(self, in_the_way: ShiftRefusal) -> None:
        """From the shift to what keeps it from being closed."""
        self._leave_shift()
        if in_the_way is ShiftRefusal.OPEN_PARTS:
            self.sell.tendering.open_panel()
        else:
            self.sell.list_parked()

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
            self.idle_bar,
            self.training_banner,
            self.switch_panel,
            self.devices.view,
        ):
            part.apply(metrics)
        self.devices.show_chip()
        self._show_link()

    def _venue(self) -> Venue | None:
        house = self.sell.state.house
        return house.venue if house else self.picker.state.venue

    def _show_link(self) -> None:
        state = self.sell.state
        selling = self._person is not None
        self.top_bar.show_state(state, self._now(), selling=selling)
        self.banner.show_state(state, self._now())

    def _show_time(self) -> None:
        venue = self._venue()
        self.top_bar.show_venue(venue)
        self.top_bar.show_time(words.time_of_day(self._now(), venue) if venue else "")
        current = self.shift.state.current
        self.top_bar.show_shift(None if current is None else self._now() - current.opened_at)

    def _tick(self) -> None:
        self._ticks += 1
        self._count_down()
        self._show_time()
        self._show_link()
        self.sell.tick()
        self.sell_view.tick()
        if self._ticks % POLL_TICKS == 0:
            self.sell.refresh_status()

    def _count_down(self) -> None:
        """Lock when nobody was here for long; a payment under way is waited for."""
        left_s = None if self._person is None else self._idle.left_s(self._options.monotonic())
        if left_s == 0:
            self.lock()
        self.idle_bar.show_left(left_s or None)


def _nothing(_result: object) -> None:
    """For work whose answer nobody waits for."""
