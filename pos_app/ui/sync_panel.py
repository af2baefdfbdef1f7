"""The card about the server, over the window: tapped open at the pill or the banner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from pos_app.presenters import sync_words as say
from pos_app.presenters.language import _
from pos_app.presenters.sync_page import SyncPresenter
from pos_app.services.queue import CASES_MAX, Waits
from pos_app.ui.controls import Button, column, label, row, rule
from pos_app.ui.overlay import Overlay
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pos_app.presenters.runner import Run
    from pos_app.presenters.sell import SellPresenter
    from pos_app.presenters.sync_page import SyncPage
    from pos_app.services.till import TillServices
    from pos_app.ui.banner import OfflineBanner
    from pos_app.ui.top_bar import TopBar
    from ticketing.event import Venue

_WIDTH: Final = 560


class SyncPanel(Overlay):
    """How the link is, what waits, the last error, and two keys."""

    def __init__(
        self,
        parent: QWidget,
        presenter: SyncPresenter,
        now: Callable[[], datetime],
        venue: Callable[[], Venue | None],
    ) -> None:
        super().__init__(parent, "sync_panel")
        self._presenter, self._now, self._venue = presenter, now, venue
        self._title = label(22, 700, name="sync_title")
        self._close = Button("sync_close", "icon")
        self._close.show_icon("x", "text2", 20)
        self._close.setFixedSize(QSize(48, 48))
        self._close.clicked.connect(presenter.close)
        self._link = label(16, 700, name="sync_link")
        self._meaning = label(14, 400, "text2", "sync_meaning")
        self._total_word = label(15, 700)
        self._total = label(15, 700, name="sync_total")
        self._kinds = {
            kind: (label(14, 400, "text2"), label(14, 600, name=f"sync_{kind}")) for kind in Waits
        }
        self._cases = label(14, 600, "danger", "sync_cases")
        self._case_lines = [label(13, 400, "text2", f"sync_case_{at}") for at in range(CASES_MAX)]
        self._error = label(13, 400, "text3", "sync_error")
        for each in (self._link, self._meaning, self._cases, self._error):
            each.setWordWrap(True)
        self._send = Button("sync_send", "soft", 15, 600)
        self._send.clicked.connect(presenter.send_now)
        self._copy = Button("sync_copy", "", 15, 600)
        self._copy.clicked.connect(self._copy_details)
        for button in (self._send, self._copy):
            button.setFixedHeight(52)
        self._lay_out()
        presenter.watch(self._show)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("What waits for the server"))
        self._title.setText(_("What waits for the server"))
        self._close.setAccessibleName(_("Close what waits for the server"))
        self._total_word.setText(_("Records that wait"))
        for kind, (word, _count) in self._kinds.items():
            word.setText(say.kind_name(kind))
        self._send.say(_("Send now"), _("Send what waits at once"))
        self._say_copy(self._presenter.state)
        self._show(self._presenter.state)

    # ------------------------------------------------------------------------------------ inside

    def _lay_out(self) -> None:
        kinds = QGridLayout()
        kinds.setColumnStretch(0, 1)
        kinds.setVerticalSpacing(4)
        for at, (word, count) in enumerate(self._kinds.values()):
            kinds.addWidget(word, at, 0)
            kinds.addWidget(count, at, 1)
        content = column(
            row(self._title, None, self._close),
            self._link,
            self._meaning,
            6,
            rule(),
            row(self._total_word, None, self._total),
            gap=6,
            margins=(28, 18, 24, 26),
        )
        content.addLayout(kinds)
        for each in (self._cases, *self._case_lines, self._error):
            content.addWidget(each)
        content.addSpacing(10)
        keys = row(gap=10)
        keys.addWidget(self._send, 1)
        keys.addWidget(self._copy, 1)
        content.addLayout(keys)
        self.put(content)
        self.box.setFixedWidth(_WIDTH)

    def _show(self, page: SyncPage) -> None:
        status = page.status
        if not page.is_open or status is None:
            self.shut()
            return
        link, tone = say.link_sentence(status, self._venue())
        self._link.setText(link)
        restyle(self._link, tone=tone)
        self._meaning.setText(say.meaning(status, self._now()))
        self._total.setText(str(status.unsynced_count))
        counts = dict(page.queue.waiting) if status.unsynced_count else {}
        for kind, (word, count) in self._kinds.items():
            count.setText(str(counts.get(kind, "")))
            word.setVisible(kind in counts)
            count.setVisible(kind in counts)
        self._show_cases(page)
        self._error.setText(
            _("For support: {detail}").format(detail=status.last_error) if status.last_error else ""
        )
        self._error.setVisible(bool(status.last_error))
        self._say_copy(page)
        if not self.isVisible():
            self.open()

    def _say_copy(self, page: SyncPage) -> None:
        said = _("Copied") if page.copied else _("Copy details")
        self._copy.say(said, _("Copy the details for support"))

    def _show_cases(self, page: SyncPage) -> None:
        count = page.status.rejected_count if page.status is not None else 0
        self._cases.setText(say.cases_sentence(count))
        self._cases.setVisible(bool(count))
        cases = page.queue.cases if count else ()
        for at, line in enumerate(self._case_lines):
            shown = at < len(cases)
            line.setText(say.case_line(cases[at], self._now(), self._venue()) if shown else "")
            line.setVisible(shown)

    def _copy_details(self) -> None:
        page = self._presenter.state
        if page.status is not None:
            QGuiApplication.clipboard().setText(say.details(page.status, page.queue))
            self._presenter.copied()


class SyncPart(QObject):
    """Puts presenter, card, pill and banner together."""

    def __init__(
        self,
        window: QWidget,
        services: TillServices,
        run: Run,
        now: Callable[[], datetime],
        venue: Callable[[], Venue | None],
    ) -> None:
        super().__init__(window)
        self.presenter = SyncPresenter(services, run)
        self.panel = SyncPanel(window, self.presenter, now, venue)

    def serve(self, sell: SellPresenter, top_bar: TopBar, banner: OfflineBanner) -> None:
        """Follow the link; open by its pill and its banner."""
        sell.watch(lambda state: self.presenter.show_status(state.status))
        top_bar.sync_pill.wanted.connect(self.presenter.open)
        banner.tapped.connect(self.presenter.open)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.panel.retranslate()
