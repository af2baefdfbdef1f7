"""One line of the basket."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.ui.controls import Button, ElidedLabel, Metrics, column, label, row
from pos_app.ui.tool_row import Swatch

if TYPE_CHECKING:
    from datetime import date

    from pos_app.services.basket import BasketLine
    from pos_app.services.model import House


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
        self.setFixedHeight(metrics.line)
        self._line = line
        self._house = house
        tier = house.event.price_tier(line.tier_id)
        self._title = ElidedLabel(15, 700, name=f"line_{at}_title")
        self._title.setText(self._place())
        self._detail = ElidedLabel(13, 400, "text2", f"line_{at}_detail")
        self._detail.setText(self._details(today))
        self._type = self._type_button(at)
        price = label(18, 600, name=f"line_{at}_price")
        price.setText(words.money(line.price_minor, house.event.currency, compact=True))
        price.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        price.setMinimumWidth(50)
        remove = Button(f"line_{at}_remove", "icon")
        remove.show_icon("x", "text2", 18)
        remove.setFixedSize(QSize(40, 48))
        remove.setAccessibleName(
            _("Take out {seat}").format(seat=house.plan.describe(line.unit, words.language()))
        )
        remove.clicked.connect(partial(self.removed.emit, line.performance, line.unit))
        bar = Swatch(tier.colour_index if tier else 0, QSize(6, 40))
        texts = column(None, self._title, self._detail, None, gap=1)
        box = row(bar, gap=6, margins=(10, 0, 2, 0))
        box.addLayout(texts, 1)
        for each in (self._type, price, remove):
            box.addWidget(each)
        box.setSpacing(6)
        self.setLayout(box)

    def _place(self) -> str:
        """Row and seat; a standing place is called by its area."""
        seat = self._house.plan.seat_by_unit(self._line.unit)
        if seat is None:
            return self._house.plan.describe(self._line.unit, words.language())
        return _("Row {row} Seat {seat}").format(row=seat.row, seat=seat.label)

    def _details(self, today: date) -> str:
        """Area and tier; the date as well where the ticket is for another performance."""
        house, line = self._house, self._line
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
        kind = self._house.event.ticket_type(self._line.ticket_type_id)
        button = Button(f"line_{at}_type", "", 14, 600)
        name = words.name(kind.name) if kind else ""
        button.say(name, _("Ticket type {type}, change").format(type=name))
        button.show_icon("chevron-down", "text2", 16)  # after say: no gap before the word
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the chevron after the word
        button.setFixedSize(QSize(84, 40))
        button.clicked.connect(partial(self.type_asked.emit, self._line, button))
        return button
