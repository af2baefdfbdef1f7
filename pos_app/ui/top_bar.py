"""The bar on top: whose window, what is sold, how it stands with the server, what time it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout

from pos_app.presenters import language as words
from pos_app.presenters import status_words
from pos_app.presenters.language import _
from pos_app.services.model import Link
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    RichButton,
    column,
    keycap,
    label,
    picture,
    row,
    show_picture,
)
from pos_app.ui.paper_chip import PaperChip
from pos_app.ui.theme import TEXT_SIZES, font, restyle, text_size

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.device_model import DevicesNow
    from pos_app.services.model import Person, SyncStatus
    from ticketing.event import Venue

_LINK_PICTURES = {
    Link.ONLINE: ("cloud-check", "chip_ok"),
    Link.CONNECTING: ("cloud-upload", "chip_text2"),
    Link.OFFLINE: ("cloud-off", "chip_warn"),
    Link.LOCKED: ("cloud-alert", "chip_danger"),
}
_TIGHT_BELOW_PX = 1_200
"""At 100 % text: 1366 pixels at 125 % are less than that."""
_NAMELESS_BELOW_PX = 950
"""Beside a performance there is no room for whose till it is: 1366 pixels at 150 % are less."""
_ROOMY_FROM_PX = 1_500
"""From here on there is room for how long the shift has been open."""
_ALERTS = {Link.OFFLINE: "warn", Link.LOCKED: "danger"}


class SyncPill(RichButton):
    """Link and queue in one chip; the number of unsynced records is always there.

    Tapped, it shows what waits. A training has no server, and nothing to show.
    """

    wanted = Signal()

    def __init__(self, *, is_training: bool = False) -> None:
        self._is_training = is_training
        self._icon = picture("cloud-upload", "chip_text2", 18)
        self._text = label(14, 600, "chip_text", "sync_text")
        self._queue_icon = picture("cloud-upload", "chip_text2", 16)
        self._count = label(14, 600, "chip_text2", "unsynced_count")
        content = row(
            self._icon, self._text, 4, self._queue_icon, self._count, margins=(12, 0, 14, 0)
        )
        super().__init__("sync_pill", "chip", content)
        if not is_training:
            self.clicked.connect(self.wanted)

    def show_status(
        self, status: SyncStatus, now: datetime, *, compact: bool, tight: bool = False
    ) -> None:
        """Show link, age and queue; where it is tight, the link as its picture alone."""
        if self._is_training:
            self._show_training(tight=tight)
            return
        self._text.setVisible(not tight)
        self._queue_icon.setVisible(not tight)
        drawing, token = _LINK_PICTURES[status.link]
        waiting = status.unsynced_count
        show_picture(self._icon, drawing, token, 18)
        self._text.setText(status_words.link_words(status, now, compact=compact))
        self._count.setText(status_words.queue_words(waiting))
        tone = "chip_warn" if waiting else "chip_text2"
        show_picture(self._queue_icon, "cloud-upload", tone, 16)
        restyle(self._count, tone=tone)
        rejected = status.rejected_count > 0
        restyle(self, alert="danger" if rejected else _ALERTS.get(status.link, ""))
        self.setToolTip(status_words.status_sentence(status, now))
        self.setAccessibleName(f"{self._text.text()}, {self._count.text()}")
        self.updateGeometry()

    def _show_training(self, *, tight: bool) -> None:
        """There is no server behind a training."""
        said = status_words.training_words()
        show_picture(self._icon, "cloud-off", "chip_text2", 18)
        self._text.setText(said)
        self._text.setVisible(not tight)
        self._queue_icon.hide()
        self._count.hide()
        self.setToolTip(said)
        self.setAccessibleName(said)


class EventChip(RichButton):
    """The performance being sold; opens the picker."""

    def __init__(self) -> None:
        self._icon = picture("calendar-days", "chip_text2", 18)
        self._title = ElidedLabel(17, 700, "chip_text", "event_title")
        self._when = label(14, 400, "chip_text2", "event_when")
        self._left = label(14, 600, "chip_ok", "event_left")
        self._key = keycap("F2", "keycap_chip")
        self._chevron = picture("chevron-down", "chip_text2", 18)
        content = row(
            self._icon,
            self._title,
            self._when,
            self._left,
            4,
            self._key,
            self._chevron,
            gap=10,
            margins=(16, 0, 12, 0),
        )
        super().__init__("event_chip", "chip", content)

    def show_state(
        self, state: SellState, now: datetime, *, compact: bool, tight: bool = False
    ) -> None:
        """Show the performance, or nothing before one was opened; its name first of all."""
        self._icon.setVisible(not tight)
        self._left.setVisible(not tight)
        self._chevron.setVisible(not tight)
        self._title.setFont(font(15 if tight else 17, 700))
        house = state.house
        self.setVisible(house is not None)
        if house is None:
            return
        title = words.name(house.event.name)
        self._title.setText(title)
        today = house.venue.business_day(now)
        starts_at = house.performance.starts_at
        day = words.day(house.venue.business_day(starts_at), today)
        when = f"{day} {words.time_of_day(starts_at, house.venue)}"
        hall = words.name(house.performance.hall)
        self._when.setText(when if compact else f"{when} · {hall}")
        free = state.stock.total(ours_only=state.offline)
        pattern = _("{n} allotted") if state.offline else _("{n} left")
        self._left.setText(pattern.format(n=words.count(free)))
        self._key.setVisible(not compact)
        self.setAccessibleName(
            _("Choose performance, now {title} {when}").format(title=title, when=when)
        )


class TopBar(QFrame):
    """Always on screen, signed in or not."""

    pick = Signal()
    switch_language = Signal()
    switch_person = Signal()
    switch_text_size = Signal()
    devices = Signal()

    def __init__(self, *, is_training: bool = False) -> None:
        super().__init__()
        self.setProperty("role", "topbar")
        self._compact = False
        self._venue = label(16, 700, "chip_text", "venue_name")
        self._window = label(12, 400, "chip_text2", "window_name")
        self.event_chip = EventChip()
        self.event_chip.hide()
        self.event_chip.clicked.connect(self.pick)
        self.sync_pill = SyncPill(is_training=is_training)
        self.paper_chip = PaperChip()
        self.paper_chip.clicked.connect(self.devices)
        self._cashier_name = label(14, 600, "chip_text", "cashier_name")
        self._shift = label(14, 600, "chip_text2", "shift_length")
        self._cashier = RichButton(
            "cashier_chip",
            "chip",
            row(
                picture("user", "chip_text2", 18),
                self._cashier_name,
                self._shift,
                margins=(12, 0, 14, 0),
            ),
        )
        self._cashier.clicked.connect(self.switch_person)
        self._language = Button("language", "chip", 14, 600)
        self._language.show_icon("languages", "chip_text2", 18)
        self._language.clicked.connect(self.switch_language)
        self._text_size = Button("text_size", "chip", 15, 700)
        self._text_size.clicked.connect(self.switch_text_size)
        self._clock = label(20, 600, "chip_text", "clock")
        self._bar = QHBoxLayout(self)
        self.show_person(None)
        names = column(None, self._venue, self._window, None, gap=1)
        self._bar.addWidget(picture("ticket", "chip_brand", 28))
        self._bar.addLayout(names)
        self._bar.addWidget(self.event_chip)
        self._bar.addStretch(1)
        for each in (
            self.sync_pill,
            self.paper_chip,
            self._cashier,
            self._text_size,
            self._language,
            self._clock,
        ):
            self._bar.addWidget(each)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self._compact = metrics.compact
        self.setFixedHeight(metrics.topbar)
        side = 12 if metrics.compact else 20
        self._bar.setContentsMargins(side, 0, side + 4, 0)
        larger = text_size() > TEXT_SIZES[0]
        self._bar.setSpacing((5 if larger else 8) if metrics.compact else 12)
        self.event_chip.setFixedHeight(metrics.chip + (8 if not metrics.compact else 4))
        for each in (
            self.sync_pill,
            self.paper_chip,
            self._cashier,
            self._text_size,
            self._language,
        ):
            each.setFixedHeight(metrics.chip)

    def show_person(self, person: Person | None) -> None:
        """Show who is signed in."""
        self._cashier.setVisible(person is not None)
        self._cashier_name.setText(person.name if person else "")
        self._name_cashier()

    def show_shift(self, length: timedelta | None) -> None:
        """Show how long the shift has been open; None where none is."""
        said = ""
        if length is not None:
            hours, minutes = divmod(max(0, int(length.total_seconds())) // 60, 60)
            lasted = f"{hours}:{minutes:02}"
            said = _("Shift {length}").format(length=lasted)
        self._shift.setText(said)
        self._give_shift_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What there is room for."""
        super().resizeEvent(event)
        self._give_shift_room()
        self._give_names_room()

    def _give_names_room(self) -> None:
        """Beside a performance a narrow bar goes without them; a low one writes them smaller."""
        narrow = self.width() * 100 < _NAMELESS_BELOW_PX * text_size()
        for each, size_px, small_px, weight in (
            (self._venue, 16, 13, 700),
            (self._window, 12, 10, 400),
        ):
            each.setFont(font(small_px if narrow else size_px, weight))
            each.setVisible(not narrow or self.event_chip.isHidden())

    def _give_shift_room(self) -> None:
        has_room = self.width() * 100 >= _ROOMY_FROM_PX * text_size()
        self._shift.setVisible(bool(self._shift.text()) and has_room)

    def show_venue(self, venue: Venue | None) -> None:
        """Show whose till this is."""
        self._venue.setText(words.name(venue.name) if venue else "Boxgate")

    def show_state(self, state: SellState, now: datetime, *, selling: bool) -> None:
        """Show performance and link."""
        tight = self.width() * 100 < _TIGHT_BELOW_PX * text_size()
        self.event_chip.show_state(state, now, compact=self._compact, tight=tight)
        self.event_chip.setVisible(selling and state.house is not None)
        self._give_names_room()
        self.sync_pill.show_status(state.status, now, compact=self._compact, tight=tight)
        self._window.setText(state.status.window_name or _("Box office"))

    def show_devices(self, now: DevicesNow | None) -> None:
        """Show how the printer is."""
        self.paper_chip.show_devices(now, compact=self._compact)

    def show_time(self, text: str) -> None:
        """Show the time at the venue."""
        self._clock.setText(text)

    def retranslate(self) -> None:
        """Speak the language of now."""
        names = {"en": "EN", "zh_CN": "中文"}
        self._language.say(names[words.other_language()], _("Switch language"))
        self._text_size.say("Aa", _("Text size {n} %").format(n=text_size()))
        self._text_size.setToolTip(self._text_size.accessibleName())
        self._name_cashier()

    def _name_cashier(self) -> None:
        who = self._cashier_name.text()
        said = _("{name} is signed in; another person takes over (Ctrl+W)").format(name=who)
        self._cashier.setAccessibleName(said)
        self._cashier.setToolTip(said)
