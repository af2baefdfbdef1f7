"""One line of the basket."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.presenters.price_words import why_cheaper
from pos_app.ui import theme
from pos_app.ui.controls import Button, ElidedLabel, Metrics, column, label, picture, row
from pos_app.ui.tool_row import Swatch

if TYPE_CHECKING:
    from datetime import date

    from pos_app.services.basket import BasketLine
    from pos_app.services.model import House


_WHY_PX: Final = 16
"""How much higher a line is that says which rule made its price."""
_PACKAGE_PX: Final = 40
_BANNER_PX: Final = 48


class PackageRow(QFrame):
    """A package that was found in the basket, and what it saves; a banner stays in sight."""

    def __init__(self, at: int, found: str, saving: str, *, is_banner: bool) -> None:
        super().__init__()
        self.setProperty("role", "notice" if is_banner else "line")
        self.setProperty("tone", "ok")
        self.setObjectName(f"package_{at}")
        self.setFixedHeight(_BANNER_PX if is_banner else _PACKAGE_PX)
        name = ElidedLabel(14, 600, "ok", f"package_{at}_name")
        name.setText(found)
        saved = label(14, 700, "ok", f"package_{at}_saving")
        saved.setText(saving)
        box = row(picture("circle-check", "ok", 18), gap=8, margins=(10, 0, 12, 0))
        box.addWidget(name, 1)
        box.addWidget(saved)
        self.setLayout(box)
        self.setAccessibleName(f"{found}, {saving}")


class LineRow(QFrame):
    """Tier, seat, ticket type, price, and a key that takes it out."""

    removed = Signal(int, object)  # performance, unit
    type_asked = Signal(object, object)  # the BasketLine, the button beside which to ask

    def __init__(
        self, at: int, line: BasketLine, house: House, metrics: Metrics, today: date
    ) -> None:
        super().__init__()
        self.setProperty("role", "line")
        self.setObjectName(f"line_{at}")
        self.line = line
        self._house = house
        tier = house.event.price_tier(line.tier_id)
        self._title = ElidedLabel(15, 700, name=f"line_{at}_title")
        self._title.setText(self._place())
        self._detail = ElidedLabel(13, 400, "text2", f"line_{at}_detail")
        self._detail.setText(self._details(today))
        self._type = self._type_button(at)
        why = why_cheaper(house.event, line)
        self._why = ElidedLabel(13, 600, "ok", f"line_{at}_rule")
        self._why.setText(why)
        self._why.setVisible(bool(why))
        self.setFixedHeight(metrics.line + (_WHY_PX if why else 0))
        prices = self._prices(at)
        remove = Button(f"line_{at}_remove", "icon")
        remove.show_icon("x", "text2", 18)
        remove.setFixedSize(QSize(40, 48))
        remove.setAccessibleName(
            _("Take out {seat}").format(seat=house.plan.describe(line.unit, words.language()))
        )
        remove.clicked.connect(self.remove)
        bar = Swatch(tier.colour_index if tier else 0, QSize(6, 40))
        texts = column(None, self._title, self._detail, self._why, None, gap=1)
        box = row(bar, gap=6, margins=(10, 0, 2, 0))
        box.addLayout(texts, 1)
        box.addWidget(self._type)
        box.addLayout(prices)
        box.addWidget(remove)
        box.setSpacing(6)
        self.setLayout(box)

    def ask_type(self) -> None:
        """Ask for another ticket type, as its button does."""
        self.type_asked.emit(self.line, self._type)

    def remove(self) -> None:
        """Take this line out."""
        self.removed.emit(self.line.performance, self.line.unit)

    def _prices(self, at: int) -> QVBoxLayout:
        """The price; above it what the list asks, struck out, where that is more."""
        line, currency = self.line, self._house.event.currency
        price = label(18, 600, name=f"line_{at}_price")
        price.setText(words.money(line.price_minor, currency, compact=True))
        price.setMinimumWidth(50)
        listed = label(13, 400, "text3", f"line_{at}_list")
        struck = listed.font()
        struck.setStrikeOut(True)
        listed.setFont(struck)
        is_cheaper = line.list_minor > line.price_minor
        text = words.money(line.list_minor, currency, compact=True)
        listed.setText(text if is_cheaper else "")
        listed.setAccessibleName(_("List price {amount}").format(amount=text))
        listed.setVisible(is_cheaper)
        for each in (listed, price):
            each.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return column(None, listed, price, None, gap=0)

    def _place(self) -> str:
        """Row and seat; a standing place is called by its area."""
        seat = self._house.plan.seat_by_unit(self.line.unit)
        if seat is None:
            return self._house.plan.describe(self.line.unit, words.language())
        return _("Row {row} Seat {seat}").format(row=seat.row, seat=seat.label)

    def _details(self, today: date) -> str:
        """Area and tier; the date as well where the ticket is for another performance."""
        house, line = self._house, self.line
        tier = house.event.price_tier(line.tier_id)
        parts = [words.name(tier.name)] if tier else []
        if house.plan.seat_by_unit(line.unit) is not None:
            parts.insert(0, words.name(house.plan.area_of(line.unit).name))
        performance = house.event.performance(line.performance)
        if performance is not None and line.performance != house.performance.number:
            starts_at = performance.starts_at
            day = words.day(house.venue.business_day(starts_at), today)
            parts.append(f"{day} {words.time_of_day(starts_at, house.venue)}")
        return " · ".join(part for part in parts if part)

    def _type_button(self, at: int) -> Button:
        kind = self._house.event.ticket_type(self.line.ticket_type_id)
        button = Button(f"line_{at}_type", "", 14, 600)
        name = words.name(kind.name) if kind else ""
        button.say(name, _("Ticket type {type}, change").format(type=name))
        button.show_icon("chevron-down", "text2", 16)  # after say: no gap before the word
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the chevron after the word
        button.setFixedSize(QSize(theme.scaled(84), 40))
        button.clicked.connect(partial(self.type_asked.emit, self.line, button))
        return button
