"""The line at the bottom: which keys do what, and the last sale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel

from pos_app.presenters import language as words
from pos_app.presenters.language import _, ngettext
from pos_app.ui.controls import Metrics, keycap, label

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState

_KEYS: Final = ("↑ ↓ ← →", "Space", "F3", "F4", "F6", "F8", "F9", "Ctrl+Z", "Esc", "F1")


class HintBar(QFrame):
    """Left out in a low window."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "hint_bar")
        self._words: list[QLabel] = []
        self._last = label(13, 400, "text2", "last_sale")
        box = QHBoxLayout(self)
        box.setContentsMargins(16, 0, 20, 0)
        box.setSpacing(8)
        for key in _KEYS:
            word = label(13, 400, "text2")
            self._words.append(word)
            box.addWidget(keycap(key))
            box.addWidget(word)
            box.addSpacing(10)
        box.addStretch(1)
        box.addWidget(self._last)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setVisible(metrics.hint_bar > 0)
        self.setFixedHeight(max(metrics.hint_bar, 1))

    def show_state(self, state: SellState) -> None:
        """Show the last sale."""
        sold = state.last_sale
        if sold is None or state.house is None:
            self._last.setText("")
            return
        change = words.money(sold.change_minor, state.house.event.currency)
        self._last.setText(
            ngettext(
                "Last order {no}: {n} ticket, change {change}",
                "Last order {no}: {n} tickets, change {change}",
                sold.ticket_count,
            ).format(no=sold.receipt_no, n=sold.ticket_count, change=change)
        )

    def retranslate(self) -> None:
        """Speak the language of now."""
        said = (
            _("Move"),
            _("Pick / put back"),
            _("Find"),
            _("Ticket type"),
            _("Best together"),
            _("Park"),
            _("Take cash"),
            _("Undo"),
            _("Back"),
            _("All keys"),
        )
        for word, text in zip(self._words, said, strict=True):
            word.setText(text)
