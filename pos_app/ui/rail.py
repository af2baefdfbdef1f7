"""The rail on the left: what the till can do. Only what works is there."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from pos_app.presenters.language import _, ngettext
from pos_app.ui.controls import Metrics, RichButton, column, label, picture, show_picture
from pos_app.ui.theme import restyle

_ICON_PX: Final = 22


class RailButton(RichButton):
    """An icon over a word."""

    def __init__(self, name: str, drawing: str) -> None:
        self._tone, self._drawing = "text2", drawing
        self._word = label(13, 600, self._tone)
        self._word.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._icon = picture(drawing, self._tone, _ICON_PX)
        content = column(None, self._icon, self._word, None, gap=5, margins=(0, 0, 0, 0))
        content.setAlignment(self._icon, Qt.AlignmentFlag.AlignHCenter)
        super().__init__(name, "rail", content)

    def say_word(self, text: str, accessible: str) -> None:
        """Set the word under the icon."""
        self._word.setText(text)
        self.setAccessibleName(accessible)

    def mark(self, *, on: bool) -> None:
        """Show it as the page that is open, or not."""
        self._tone = "accent" if on else "text2"
        self.setCheckable(on)
        self.setChecked(on)
        restyle(self._word, tone=self._tone)
        show_picture(self._icon, self._drawing, self._tone, _ICON_PX)

    def warn(self, *, on: bool) -> None:
        """Have the word stand out, or not."""
        restyle(self._word, tone="warn" if on else self._tone)


class Rail(QFrame):
    """The pages on top, lock at the bottom. Each page has a rail with its own button checked."""

    lock = Signal()
    sell = Signal()
    orders = Signal()
    pick_up = Signal()
    shift = Signal()
    devices = Signal()

    def __init__(self, current: str = "sell") -> None:
        """`current`: the page that this rail stands beside."""
        super().__init__()
        self.setProperty("role", "rail")
        self._box = QVBoxLayout(self)
        self._owed = 0
        self._pages: dict[str, RailButton] = {}
        self._marked = current
        self._prefix = "" if current == "sell" else f"{current}_"
        self._sell = self._page("sell", "ticket", self.sell)
        self._orders = self._page("orders", "receipt-text", self.orders)
        self._pick_up = self._page("pick_up", "scan-line", self.pick_up)
        self._shift = self._page("shift", "clock", self.shift)
        self._box.addStretch(1)
        self._devices = self._page("devices", "printer", self.devices)
        self._lock = RailButton(f"{self._prefix}rail_lock", "lock")
        self._lock.clicked.connect(self.lock)
        self._box.addWidget(self._lock)
        self.mark(current)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setFixedWidth(metrics.rail)
        side = 6 if metrics.compact else 8
        self._box.setContentsMargins(side, 12 if not metrics.compact else 8, side, 12)
        for each in self.tab_stops():
            each.setFixedSize(QSize(metrics.rail - 2 * side, metrics.rail_button))

    def mark(self, current: str) -> None:
        """Show which page stands beside this rail."""
        for name, each in self._pages.items():
            each.mark(on=name == current)
        self._marked = current
        self._orders.warn(on=self._owed > 0)

    def show_owed(self, count: int) -> None:
        """How many deeds after a sale were begun and have not ended: money may be owed."""
        self._owed = count
        said = _("Find orders, refund and exchange (Ctrl+O)")
        if count:
            left = ngettext("{n} is unfinished", "{n} are unfinished", count).format(n=count)
            self._orders.say_word(_("Orders · {n}").format(n=count), f"{said}. {left}")
        else:
            self._orders.say_word(_("Orders"), said)
        self._orders.warn(on=count > 0)

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        return (*self._pages.values(), self._lock)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._sell.say_word(_("Sell"), _("Sell tickets"))
        self.show_owed(self._owed)
        self._pick_up.say_word(_("Pick up"), _("Hand out tickets that were bought before (Ctrl+K)"))
        self._shift.say_word(_("Shift"), _("Open and close the shift, move cash (Ctrl+S)"))
        self._devices.say_word(_("Devices"), _("Printer, drawer and scanner (Ctrl+D)"))
        self._lock.say_word(_("Lock"), _("Lock the till (Ctrl+L)"))

    def _page(self, name: str, drawing: str, opened: SignalInstance) -> RailButton:
        """A page's button; the one of the page that is shown stays checked."""
        made = RailButton(f"{self._prefix}rail_{name}", drawing)
        self._pages[name] = made

        def open_page() -> None:
            made.setChecked(self._marked == name)
            opened.emit()

        made.clicked.connect(open_page)
        self._box.addWidget(made)
        return made
