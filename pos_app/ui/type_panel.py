# ruff: noqa: D102 - Qt's virtual methods are described by Qt

"""Choosing a ticket type: a panel in the window, not a window of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.presenters.reachable import reachable
from pos_app.ui import theme
from pos_app.ui.controls import RichButton, label, retire, row

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.services.basket import BasketLine
    from pos_app.services.model import House

_ROW: QSize = QSize(264, 48)


def _row_size() -> QSize:
    return QSize(theme.scaled(_ROW.width()), _ROW.height())


class TypePanel(QFrame):
    """The ticket types with their prices; those not sold are grey. Gone when it loses the keyboard."""

    chosen = Signal(int, object, str)  # performance, unit, ticket type id
    giving_asked = Signal(int, object)  # performance, unit

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self.setObjectName("ticket_types")
        self.setProperty("role", "panel")
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(6, 6, 6, 6)
        self._box.setSpacing(2)
        self._buttons: list[MenuButton] = []
        self._asked_by = ""
        self.hide()

    def ask(self, line: BasketLine, house: House, now: datetime | None, beside: QWidget) -> None:
        """Open under a widget and take the keyboard. `now`: the minute whose prices are shown."""
        self._clear()
        self._asked_by = beside.objectName()
        for kind in house.event.ticket_types:
            price = reachable(house.event, line.performance, line.tier_id, kind.id, now)
            shown = (
                _("not sold")
                if price is None
                else words.money(price.price_minor, house.event.currency, compact=True)
            )
            button = MenuButton(f"ticket_type_{kind.id}", words.name(kind.name), shown)
            button.setEnabled(price is not None)
            button.setChecked(kind.id == line.ticket_type_id)
            button.clicked.connect(partial(self._choose, line, kind.id))
            button.left.connect(self._close_if_left)
            self._buttons.append(button)
            self._box.addWidget(button)
        rules = house.event.price_rules
        if rules.discounts or rules.house_rates:
            self._add_giving(line)
        self._place(beside)
        self.show()
        self.raise_()
        chosen = [each for each in self._buttons if each.isChecked()]
        (chosen or self._buttons)[0].setFocus()

    def close_panel(self) -> bool:
        """Close without a choice; False when it was not open."""
        if self.isHidden():
            return False
        self.hide()
        self._give_back_focus()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        usable = [each for each in self._buttons if each.isEnabled()]
        at = next((i for i, each in enumerate(usable) if each.hasFocus()), 0)
        if event.key() == Qt.Key.Key_Down:
            usable[(at + 1) % len(usable)].setFocus()
        elif event.key() == Qt.Key.Key_Up:
            usable[at - 1].setFocus()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            usable[at].click()
        else:
            super().keyPressEvent(event)

    def _choose(self, line: BasketLine, ticket_type_id: str) -> None:
        self.hide()
        self._give_back_focus()
        self.chosen.emit(line.performance, line.unit, ticket_type_id)

    def _add_giving(self, line: BasketLine) -> None:
        """The way to what may be given by hand."""
        button = MenuButton("give_by_hand", _("Discount or house ticket…"))
        button.clicked.connect(partial(self._ask_giving, line))
        button.left.connect(self._close_if_left)
        self._buttons.append(button)
        self._box.addWidget(button)

    def _ask_giving(self, line: BasketLine) -> None:
        self.hide()
        self._give_back_focus()
        self.giving_asked.emit(line.performance, line.unit)

    def _close_if_left(self) -> None:
        """The keyboard went somewhere that is not another type."""
        if not any(each.hasFocus() for each in self._buttons):
            self.hide()

    def _give_back_focus(self) -> None:
        window = self.window()
        asked_by = window.findChild(QWidget, self._asked_by)
        if asked_by is not None:
            asked_by.setFocus()

    def _place(self, beside: QWidget) -> None:
        """Under the widget, or above it where the card ends."""
        parent = self._parent
        margins = self._box.contentsMargins()
        size = _row_size()
        height = len(self._buttons) * (size.height() + 2) - 2 + margins.top() + margins.bottom()
        width = size.width() + margins.left() + margins.right()
        below = beside.mapTo(parent, QPoint(beside.width(), beside.height() + 4))
        top = below.y()
        if top + height > parent.height() - 8:
            top -= height + beside.height() + 8
        self.setGeometry(max(below.x() - width, 8), max(top, 8), width, height)

    def _clear(self) -> None:
        for button in self._buttons:
            button.blockSignals(True)
            self._box.removeWidget(button)
            retire(button)
        self._buttons = []


class MenuButton(RichButton):
    """A line of the panel; a ticket type has its price on the right."""

    left = Signal()

    def __init__(self, name: str, text: str, price: str = "") -> None:
        who, how_much = label(15, 600), label(15, 600)
        who.setText(text)
        how_much.setText(price)
        super().__init__(name, "menu", row(who, None, how_much, margins=(14, 0, 14, 0)))
        self.setCheckable(bool(price))
        self.setFixedSize(_row_size())
        self.setAccessibleName(f"{text}, {price}" if price else text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()
