"""A key for each of the house's first tenders: it pays the whole of what is due."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from pos_app.presenters import language as words
from pos_app.presenters import tender_words as say
from pos_app.presenters.language import _
from pos_app.ui.controls import REGULAR, Metrics, retire, row
from pos_app.ui.pay_row import TENDER_KEYS, TenderKey

if TYPE_CHECKING:
    from ticketing.event import Venue
    from ticketing.house_tender import HouseTender


class TenderKeys(QWidget):
    """Made anew only when the house names other tenders, or another language is spoken."""

    chosen = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._metrics = REGULAR
        self._shown_for: tuple[object, ...] = ()
        self._keys: list[TenderKey] = []
        self._box = row(gap=8)
        self.setLayout(self._box)

    def show_tenders(self, venue: Venue | None, *, shown: bool, can: bool) -> None:
        """Show them where something is due."""
        tenders = venue.tenders[: len(TENDER_KEYS)] if venue is not None else ()
        self._fill(tenders)
        for key in self._keys:
            key.setEnabled(can)
        self.setVisible(shown and bool(tenders))

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._metrics = metrics
        for key in self._keys:
            key.apply(metrics)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self._shown_for = ()

    def _fill(self, tenders: tuple[HouseTender, ...]) -> None:
        wanted = (tenders, words.language())
        if wanted == self._shown_for:
            return
        self._shown_for = wanted
        for old in self._keys:
            self._box.removeWidget(old)
            retire(old)
        self._keys = []
        for at, tender in enumerate(tenders):
            key = TenderKey(f"{self._name}_{at}", say.ICONS[tender.icon], TENDER_KEYS[at])
            name = words.name(tender.name)
            key.say_on_key(name, _("Take the whole rest by {tender}").format(tender=name))
            key.clicked.connect(partial(self.chosen.emit, at))
            key.apply(self._metrics)
            self._box.addWidget(key, 1)
            key.show()
            self._keys.append(key)
