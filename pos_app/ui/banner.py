"""The full-width banner and the inline notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy

from pos_app.presenters import language as words
from pos_app.presenters import status_words
from pos_app.presenters.language import _
from pos_app.presenters.notice import Tone, Topic, tone_of
from pos_app.presenters.sentences import notice_sentence
from pos_app.services.model import SaleRefusal
from pos_app.ui import theme
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    column,
    label,
    picture,
    row,
    show_picture,
)
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from datetime import datetime

    from pos_app.presenters.sell_state import SellState

_TEXT_PX = (15, 14, 13, 12, 11, 10)
_PICTURES = {
    Tone.OK: ("circle-check", "ok"),
    Tone.INFO: ("info", "accent"),
    Tone.WARN: ("triangle-alert", "warn"),
    Tone.DANGER: ("triangle-alert", "danger"),
}


class OfflineBanner(QFrame):
    """Amber while offline, red while this window may not sell; gone by itself.

    Tapped anywhere, it shows what waits for the server, as the pill above it does.
    """

    tapped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("offline_banner")
        self.setProperty("role", "banner")
        self._icon = picture("cloud-off", "warn", 20)
        self._text = ElidedLabel(15, 600, name="offline_text")
        self._queue = label(15, 700, name="offline_queue")
        self._more = label(15, 700, name="offline_more")
        self.setLayout(
            row(self._icon, 4, self._text, 12, self._queue, 8, self._more, margins=(20, 0, 24, 0))
        )
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.hide()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes; in a low window the whole width is for the sentence."""
        self.setFixedHeight(metrics.banner)
        self._more.setVisible(not metrics.compact)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A tap is this banner's own."""
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Show what waits."""
        event.accept()
        if self.rect().contains(event.position().toPoint()):
            self.tapped.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Larger text in a narrow window: the whole sentence in a smaller size."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        for size_px in _TEXT_PX:
            self._text.setFont(theme.font(size_px, 600))
            if self.sizeHint().width() <= self.width():
                return

    def show_state(self, state: SellState, now: datetime) -> None:
        """Show the banner, or hide it."""
        text = status_words.offline_banner(state, now)
        barred = status_words.is_barred(state.status)
        self._text.setText(text)
        self._queue.setText(status_words.queue_words(state.status.unsynced_count))
        show_picture(
            self._icon, "cloud-alert" if barred else "cloud-off", "danger" if barred else "warn"
        )
        self._more.setText(_("View queue"))
        restyle(self, tone="danger" if barred else "warn")
        self.setVisible(bool(text))
        self._fit()


class NoticeStrip(QFrame):
    """One sentence with, sometimes, one thing to do about it. Never a dialog."""

    dismissed = Signal()
    offer_taken = Signal()
    shift_wanted = Signal()
    park_and_open = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("role", "notice")
        self._icon = picture("info", "accent")
        self._text = label(13, 600, name="notice_text")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self._offer = Button("take_offer", "", 13, 600)
        self._offer.setFixedHeight(40)
        self._offer.clicked.connect(self.offer_taken)
        self._open_shift = Button("open_shift", "", 13, 600)
        self._open_shift.setFixedHeight(40)
        self._open_shift.clicked.connect(self.shift_wanted)
        self._park = Button("park_and_open", "", 13, 600)
        self._park.setFixedHeight(40)
        self._park.clicked.connect(self.park_and_open)
        self._close = Button("dismiss_notice", "icon")
        self._close.show_icon("x", "text2", 18)
        self._close.setFixedSize(QSize(40, 40))
        self._close.clicked.connect(self.dismissed)
        words_and_offer = column(
            self._text, self._offer, self._open_shift, self._park, gap=6, margins=(0, 8, 0, 8)
        )
        box = row(self._icon, gap=10, margins=(12, 0, 4, 0))
        box.addLayout(words_and_offer)
        box.addWidget(self._close)
        self.setLayout(box)
        self.hide()

    def retranslate(self) -> None:
        """Speak the language of now; the sentence itself comes with the state."""
        self._close.setAccessibleName(_("Close this message"))
        self._open_shift.say(_("Open a shift"))
        self._park.say(_("Park the order and open it"))
        self._offer.setAccessibleName(_("Take the seat offered"))

    def show_state(self, state: SellState) -> None:
        """Show the notice, or hide the strip."""
        notice = state.notice
        self.setVisible(notice is not None)
        if notice is None:
            return
        tone = tone_of(notice.topic)
        drawing, token = _PICTURES[tone]
        show_picture(self._icon, drawing, token)
        self._text.setText(notice_sentence(notice, state.house))
        self._open_shift.setVisible(notice.code == SaleRefusal.NO_SHIFT)
        self._park.setVisible(notice.topic is Topic.OTHER_EVENT)
        offer = notice.offer
        self._offer.setVisible(offer is not None)
        if offer is not None and state.house is not None:
            place = state.house.plan.describe(offer, words.language())
            self._offer.say(_("Take {seat}").format(seat=place))
        restyle(self, tone=tone.value)
