"""Going to a seat, how many, best together, and the price tiers."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLineEdit, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.reachable import in_words, usual
from pos_app.presenters.seat_query import QUERY_CHARS_MAX
from pos_app.presenters.sell_state import QUANTITY_MAX
from pos_app.ui import theme
from pos_app.ui.controls import (
    REGULAR,
    Button,
    Metrics,
    RichButton,
    card,
    keycap,
    label,
    picture,
    retire,
    row,
)
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from ticketing.event import PriceTier

_SEEK_PX: Final = 236
_SEEK_PX_MIN: Final = 150
_BARE_COUNT: Final = 1
_TIGHT: Final = (2, 4, 5)
_STACKED: Final = 3
_WITHOUT_COUNT: Final = 5
_LEVELS: Final = range(6)
"""How chips make room for each other: from all words in a row, over the name above the figures, to
name and price in narrow type.
"""
LOW_STOCK: Final = 20
"""From so few on, what is left of a tier is shown as a warning."""
_TEXT_PX_MIN: Final = 10


class Swatch(QWidget):
    """A price tier's colour."""

    def __init__(self, colour_index: int, size: QSize) -> None:
        super().__init__()
        self._colour = QColor(theme.tokens().tier(colour_index))
        self.setFixedSize(size)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        corner = min(self.width(), self.height()) * 0.3
        painter.drawRoundedRect(QRectF(self.rect()), corner, corner)
        painter.end()


class TierChip(RichButton):
    """One price tier: what it costs and what is left; a tap shows only its seats."""

    def __init__(self, tier: PriceTier) -> None:
        self.tier = tier
        self.compact = False
        self._is_stacked: bool | None = None
        self._shows: tuple[object, ...] = ()
        self._count = 0
        self._name = label(14, 600)
        self._price = label(14, 600)
        self._left = label(13, 400, "text3")
        self._content = QGridLayout()
        self._content.setContentsMargins(12, 0, 12, 0)
        self._content.setHorizontalSpacing(8)
        self._content.setVerticalSpacing(0)
        self._content.addWidget(Swatch(tier.colour_index, QSize(12, 12)), 0, 0, 2, 1)
        super().__init__(f"tier_{tier.id}", "tier", self._content)
        self.setCheckable(True)
        self._place(is_stacked=False)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes; in a low window there is room for the bare number only."""
        self.compact = metrics.compact
        self.setFixedHeight(metrics.tool)

    def _place(self, *, is_stacked: bool) -> None:
        """Side by side, or the name over the figures."""
        if is_stacked == self._is_stacked:
            return
        self._is_stacked = is_stacked
        for each in (self._name, self._price, self._left):
            self._content.removeWidget(each)
        if is_stacked:
            self._content.addWidget(self._name, 0, 1, 1, 2)
            self._content.addWidget(self._price, 1, 1)
            self._content.addWidget(self._left, 1, 2)
        else:
            for at, each in enumerate((self._name, self._price, self._left), 1):
                self._content.addWidget(each, 0, at, 2, 1)

    def show_state(self, state: SellState) -> None:
        """Show price and what is left."""
        house = state.house
        if house is None:
            return
        price = usual(state, self.tier.id)
        currency = house.event.currency
        shown = words.money(price.price_minor, currency, compact=True) if price else ""
        left = state.stock.in_tier(self.tier.id, ours_only=state.offline)
        self.setChecked(state.tier_id == self.tier.id)  # a tap has set it already, right or wrong
        shows = (price, left, currency, words.language())
        if shows == self._shows:
            return
        self._shows = shows
        self._name.setText(words.name(self.tier.name))
        self._price.setText(shown)
        restyle(self._price, tone="ok" if price is not None and price.is_cheaper else "")
        self._count = left
        restyle(self._left, tone="warn" if left <= LOW_STOCK else "text3")
        self.setAccessibleName(
            _("Show only {tier}, {price}, {n} left").format(
                tier=words.name(self.tier.name),
                price=in_words(price, currency),
                n=words.count(left),
            )
        )

    @property
    def said(self) -> tuple[str, str, int]:
        """What its width depends on: name, price and count."""
        return self._name.text(), self._price.text(), self._count

    def take_room(self, level: int) -> None:
        """The less room there is, the higher the level: words go, then gaps, then the number."""
        bare = self.compact or level >= _BARE_COUNT
        larger = theme.text_size() > theme.TEXT_SIZES[0]
        stacked = level >= _STACKED or (self.compact and larger)
        self._place(is_stacked=stacked)
        self._left.setText(("{n}" if bare else _("{n} left")).format(n=words.count(self._count)))
        self._left.setVisible(level < _WITHOUT_COUNT)
        tight = level in _TIGHT
        self._content.setContentsMargins(*((6, 0, 6, 0) if tight else (12, 0, 12, 0)))
        self._content.setHorizontalSpacing(4 if tight else 8)
        for size_px in range(13 if tight else 14, _TEXT_PX_MIN - 1, -1):
            for each in (self._name, self._price):
                each.setFont(theme.font(size_px, 600))
            self._left.setFont(theme.font(min(size_px, 13), 400))
            figures = max(self._price.sizeHint().height(), self._left.sizeHint().height())
            if not stacked or self._name.sizeHint().height() + figures <= self.maximumHeight():
                break  # what is larger would be cut in a low chip
        self._content.invalidate()
        self.updateGeometry()


class TierBar(QWidget):
    """The chips of an event's price tiers, side by side."""

    filtered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._box = QHBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(8)
        self._chips: list[TierChip] = []
        self._tiers: tuple[PriceTier, ...] = ()
        self._metrics = REGULAR
        self._full_width = 0
        self._shared_for: tuple[object, ...] = ()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._metrics = metrics
        for chip in self._chips:
            chip.apply(metrics)

    def show_state(self, state: SellState) -> None:
        """Show the tiers of the event in sale."""
        tiers = state.house.event.price_tiers if state.house else ()
        if tiers != self._tiers:
            self._make_chips(tiers)
        for chip in self._chips:
            chip.show_state(state)
        self._share_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def sizeHint(self) -> QSize:
        """Wide enough for everything there is to say."""
        return QSize(self._full_width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """As narrow as the map is: the chips find out what fits."""
        return QSize(0, super().minimumSizeHint().height())

    def _share_room(self) -> None:
        """Every name and price is shown whole, as long as that can be."""
        said = tuple(chip.said for chip in self._chips)
        asked = (self.width(), self._metrics, theme.text_size(), words.language(), said)
        if asked == self._shared_for:
            return  # fonts are set on the way, and each has the whole chip laid out anew
        self._shared_for = asked
        for level in _LEVELS:
            for chip in self._chips:
                chip.take_room(level)
            gaps = self._box.spacing() * max(len(self._chips) - 1, 0)
            width = sum(chip.sizeHint().width() for chip in self._chips) + gaps
            if level == 0 and width != self._full_width:
                self._full_width = width
                self.updateGeometry()
            if width <= self.width():
                return

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        return tuple(self._chips)

    def _make_chips(self, tiers: tuple[PriceTier, ...]) -> None:
        for chip in self._chips:
            self._box.removeWidget(chip)
            retire(chip)
        self._tiers, self._chips = tiers, [TierChip(tier) for tier in tiers]
        for chip in self._chips:
            chip.apply(self._metrics)
            chip.clicked.connect(partial(self.filtered.emit, chip.tier.id))
            self._box.addWidget(chip)


class SeekField(QFrame):
    """Type a seat, or scan a ticket; Enter picks the one and finds the other."""

    typed = Signal(str)
    entered = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("seek")
        self.setProperty("role", "stepper")
        self.edit = SeekEdit()
        self.edit.setObjectName("seek_seat")
        self.edit.setFont(theme.font(15, 500))
        self.edit.setMaxLength(QUERY_CHARS_MAX)
        self.edit.setFrame(False)
        self.edit.textEdited.connect(self.typed)
        self.edit.returnPressed.connect(lambda: self.entered.emit(self.edit.text()))
        self.edit.left.connect(self.left)
        self._keycap = keycap("F3")
        self.setLayout(
            row(picture("search", "text2", 18), self.edit, self._keycap, margins=(12, 0, 10, 0))
        )

    def take_focus(self) -> None:
        """What stands there is typed over."""
        self.edit.setFocus()
        self.edit.selectAll()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setFixedHeight(metrics.tool)
        self.setMinimumWidth(_SEEK_PX_MIN if metrics.compact else _SEEK_PX)
        self.setMaximumWidth(_SEEK_PX)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.edit.setPlaceholderText(_("Seat / order / scan"))
        self.edit.setAccessibleName(_("Go to a seat, or find an order"))


class SeekEdit(QLineEdit):
    """A line of text that says when the keyboard leaves it."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class ToolRow(QWidget):
    """A field to go to a seat, quantity, best together; in a high window the tiers as well."""

    quantity_changed = Signal(int)
    best = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._number = 1
        self._stepper = card("stepper", "stepper")
        self._less = Button("quantity_minus", "step")
        self._less.show_icon("minus", "text")
        self._more = Button("quantity_plus", "step")
        self._more.show_icon("plus", "text")
        self._quantity = label(20, 700, name="quantity")
        self._quantity.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stepper.setLayout(
            row(self._less, self._quantity, self._more, gap=0, margins=(0, 0, 0, 0))
        )
        self._stepper.setFixedWidth(150)
        for button, by in ((self._less, -1), (self._more, 1)):
            button.setFixedWidth(50)
            button.clicked.connect(partial(self._step, by))
        self._best_word = label(15, 600, "accent")
        self._best = RichButton(
            "best_together",
            "soft",
            row(
                picture("sparkles", "accent"),
                self._best_word,
                6,
                keycap("F6", "keycap_accent"),
                margins=(14, 0, 12, 0),
            ),
        )
        self._best.clicked.connect(self.best)
        self.seek = SeekField()
        self.box = row(self.seek, self._stepper, self._best, gap=10)
        self.box.setStretchFactor(self.seek, 1)
        self.box.addStretch(0)
        self.setLayout(self.box)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.seek.apply(metrics)
        for each in (self._stepper, self._best):
            each.setFixedHeight(metrics.tool)
        for button in (self._less, self._more):
            button.setFixedHeight(metrics.tool - 2)

    def show_state(self, state: SellState) -> None:
        """Show the quantity."""
        self._number = state.quantity
        self._quantity.setText(str(state.quantity))
        self._less.setEnabled(state.quantity > 1)
        self._more.setEnabled(state.quantity < QUANTITY_MAX)
        self._best.setEnabled(not state.paying and state.house is not None)
        n = state.quantity
        self._best.setAccessibleName(
            ngettext("Best seat", "Best {n} seats together", n).format(n=n)
        )

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.seek.retranslate()
        self._less.setAccessibleName(_("One ticket less"))
        self._more.setAccessibleName(_("One ticket more"))
        self._best_word.setText(_("Best together"))

    def tab_stops(self) -> tuple[QWidget, ...]:
        """What the Tab key stops at, in order."""
        return self.seek.edit, self._less, self._more, self._best

    def _step(self, by: int) -> None:
        self.quantity_changed.emit(self._number + by)
