"""The buyer's screen: a second window, on the second screen where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from pos_app.presenters.customer import BuyerLine, Showing, buyer_screen, said
from pos_app.ui.controls import card, column, label, retire, row, rule

if TYPE_CHECKING:
    from PySide6.QtWidgets import QFrame

    from pos_app.presenters.after_sale import AfterSalePresenter
    from pos_app.presenters.customer import BuyerScreen, Said
    from pos_app.presenters.sell import SellPresenter

_SIZE = (1024, 768)


class CustomerDisplay(QWidget):
    """Shows what the cashier sells; takes no keys, and the program ends without it."""

    def __init__(self, sell: SellPresenter, after_sale: AfterSalePresenter) -> None:
        super().__init__()
        self.setObjectName("customer_display")
        self.setWindowTitle("Boxgate")
        self.setProperty("role", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, on=False)
        self.setWindowFlag(Qt.WindowType.WindowDoesNotAcceptFocus)
        self._sell, self._after_sale = sell, after_sale
        self._shown: BuyerScreen | None = None
        self._title = label(40, 700, name="buyer_title")
        self._second_title = label(24, 400, "text2")
        self._under = label(28, 600, "text2")
        self._second_under = label(20, 400, "text3")
        for each in (self._title, self._second_title, self._under, self._second_under):
            each.setWordWrap(True)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(10)
        self._more = label(20, 400, "text2", "buyer_more")
        self._sums = card("card", "buyer_sums")
        self._sum_rows = {
            word: (_SumLabel(), label(size, 700, name=f"buyer_{word.lower()}"))
            for word, size in (("Total", 64), ("Received", 36), ("Change", 64))
        }
        self._lay_out()
        sell.watch(lambda _state: self.refresh())
        after_sale.watch(lambda _state: self.refresh())

    def refresh(self) -> None:
        """Show the state and the language of now."""
        after = self._after_sale.state
        state = self._sell.state
        due = after.difference_minor(state.basket) if after.exchange is not None else None
        screen = buyer_screen(state, due)
        if screen != self._shown:
            self._shown = screen
            self._show(screen)

    def place(self) -> None:
        """Fill the second screen; a window of its own where there is only one."""
        screens = QGuiApplication.screens()
        if len(screens) > 1:
            self.setGeometry(screens[1].geometry())
            self.showFullScreen()
        else:
            self.resize(*_SIZE)
            self.show()

    # ------------------------------------------------------------------------------------ parts

    def _lay_out(self) -> None:
        sums = QVBoxLayout(self._sums)
        sums.setContentsMargins(32, 20, 32, 20)
        sums.setSpacing(12)
        for words, amount in self._sum_rows.values():
            amount.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            line = row(words, gap=16)
            line.addWidget(amount, 1)
            sums.addLayout(line)
        box = column(self._title, self._second_title, 8, gap=4, margins=(48, 40, 48, 40))
        box.addWidget(self._under)
        box.addWidget(self._second_under)
        box.addWidget(rule())
        box.addSpacing(12)
        box.addLayout(self._lines)
        box.addWidget(self._more)
        box.addStretch(1)
        box.addWidget(self._sums)
        self.setLayout(box)

    def _show(self, screen: BuyerScreen) -> None:
        _say(self._title, self._second_title, screen.title)
        _say(self._under, self._second_under, screen.under)
        centre = screen.showing is not Showing.BASKET
        side = Qt.AlignmentFlag.AlignHCenter if centre else Qt.AlignmentFlag.AlignLeft
        for each in (self._title, self._second_title, self._under, self._second_under):
            each.setAlignment(side)
        self._show_lines(screen.lines)
        more = " · ".join(text for text in (screen.more.first, screen.more.second) if text)
        self._more.setText(more)
        self._more.setVisible(bool(more))
        amounts = {
            "Total": screen.total,
            "Received": screen.received,
            "Change": screen.change,
        }
        for word, (words, amount) in self._sum_rows.items():
            words.say(said(word))
            amount.setText(amounts[word])
            words.setVisible(bool(amounts[word]))
            amount.setVisible(bool(amounts[word]))
        self._sums.setVisible(bool(screen.total))

    def _show_lines(self, lines: tuple[BuyerLine, ...]) -> None:
        while (item := self._lines.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                retire(old)
        for at, line in enumerate(lines):
            self._lines.addWidget(_line_row(line, at))


class _SumLabel(QWidget):
    """What an amount is, in both languages."""

    def __init__(self) -> None:
        super().__init__()
        self._first = label(26, 600)
        self._second = label(18, 400, "text2")
        self.setLayout(column(self._first, self._second, gap=0))

    def say(self, words: Said) -> None:
        """Say it in both."""
        self._first.setText(words.first)
        self._second.setText(words.second)


def _say(first: QLabel, second: QLabel, words: Said) -> None:
    first.setText(words.first)
    second.setText(words.second if words.second != words.first else "")
    first.setVisible(bool(words.first))
    second.setVisible(bool(second.text()))


def _line_row(line: BuyerLine, at: int) -> QFrame:
    made = card("line", f"buyer_line_{at}")
    place, kind = label(24, 600), label(18, 400, "text2")
    place.setText(line.place)
    kind.setText(line.kind)
    was, price = label(18, 400, "text3"), label(26, 700)
    struck = was.font()
    struck.setStrikeOut(True)
    was.setFont(struck)
    was.setText(line.was)
    price.setText(line.price)
    box = row(gap=16, margins=(20, 8, 20, 8))
    box.addWidget(place, 1)
    for each in (kind, was, price):
        box.addWidget(each)
    made.setLayout(box)
    return made
