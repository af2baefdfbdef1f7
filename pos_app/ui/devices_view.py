"""The device page: printer, drawer and scanner on the left, papers and the ticket on the right."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from pos_app.presenters import device_words
from pos_app.presenters.language import _
from pos_app.presenters.shift_words import shift_refusal
from pos_app.services.device_model import DrawerKind, Trial
from pos_app.ui.controls import (
    Button,
    ElidedLabel,
    Metrics,
    card,
    column,
    label,
    picture,
    retire,
    row,
)
from pos_app.ui.rail import Rail
from pos_app.ui.theme import restyle, scaled
from ticketing.paper_template import TicketPaper

if TYPE_CHECKING:
    from pos_app.presenters.devices import DevicesPresenter, DevicesState
    from pos_app.services.device_model import DevicesNow, PaperJob

_LEFT_WIDTH = 560
_LEFT_WIDTH_COMPACT = 500
_PREVIEW_SHARE = 0.62  # of the dots of the paper: a 203 dpi slip is large on a screen
_JOBS_SHOWN_MAX = 20


class DeviceCard(QFrame):
    """One device: its name, how it is, what to do about it, and its keys."""

    def __init__(self, name: str, drawing: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("role", "card")
        self.title = label(17, 700)
        self.place = ElidedLabel(13, 400, "text3", f"{name}_place")
        self.status = label(15, 600, "text2", f"{name}_status")
        self.status.setWordWrap(True)
        self.help = label(14, 400, "text2", f"{name}_help")
        self.help.setWordWrap(True)
        self.keys = QHBoxLayout()
        self.keys.setSpacing(8)
        head = row(picture(drawing, "text2", 22), self.title, 8, gap=10)
        head.addWidget(self.place, 1)
        box = column(head, self.status, self.help, gap=6, margins=(16, 12, 16, 12))
        box.addLayout(self.keys)
        self.setLayout(box)

    def say(self, status: str, tone: str, what_to_do: str = "") -> None:
        """Show how it is."""
        self.status.setText(status)
        restyle(self.status, tone=tone)
        self.help.setText(what_to_do)
        self.help.setVisible(bool(what_to_do))

    def add_key(self, name: str, role: str = "") -> Button:
        """One more key at the foot."""
        made = Button(name, role, 14, 600)
        made.setFixedHeight(48)
        self.keys.addWidget(made)
        return made


class DevicesView(QWidget):
    """Renders a `DevicesState` and sends intents to its presenter."""

    closed = Signal()

    def __init__(self, presenter: DevicesPresenter) -> None:
        super().__init__()
        self.setObjectName("devices_view")
        self.setProperty("role", "page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._presenter = presenter
        self._jobs: tuple[PaperJob, ...] = ()
        self._pictures: tuple[bytes, ...] = ()
        self.rail = Rail("devices")
        self._title = label(24, 700, name="devices_title")
        self._back = Button("devices_back", "quiet", 15, 500)
        self._make_cards()
        self._make_right()
        self._lay_out()
        self._back.clicked.connect(self.closed)
        self._connect(presenter)
        presenter.watch(self._show)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        gap = metrics.gap
        self._content.setContentsMargins(gap, gap, gap, gap)
        self._content.setSpacing(gap)
        self._left_box.setSpacing(gap - 4)
        self._left.setFixedWidth(scaled(_LEFT_WIDTH_COMPACT if metrics.compact else _LEFT_WIDTH))
        self.rail.apply(metrics)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Devices"))
        self._title.setText(_("Devices"))
        self._back.say(_("Back (Esc)"), _("Back to the sale"))
        self._drawer.title.setText(_("Cash drawer"))
        self._scanner.title.setText(_("Scanner"))
        self._ticket.say(_("Trial ticket"), _("Print a trial ticket"))
        self._receipt.say(_("Trial receipt"), _("Print a trial receipt"))
        self._open.say(_("Open the drawer"), _("Open the drawer; it is recorded in the shift"))
        self._papers_title.setText(_("Papers that wait"))
        self._preview_title.setText(_("Preview: a ticket of the next performance"))
        papers = {
            TicketPaper.SHEET: (_("Sheet"), _("Show the ticket on a sheet")),
            TicketPaper.SLIP_80: (_("80 mm"), _("Show the ticket on paper of 80 mm")),
            TicketPaper.SLIP_58: (_("58 mm"), _("Show the ticket on paper of 58 mm")),
        }
        for paper, button in self._previews.items():
            button.say(*papers[paper])
        self._papers_scroll.setAccessibleName(_("Papers that wait"))
        self._preview_scroll.setAccessibleName(_("Preview of a ticket"))
        self.rail.retranslate()
        self._show_jobs((), force=True)
        self._show(self._presenter.state)

    # ------------------------------------------------------------------------------------ parts

    def _make_cards(self) -> None:
        self._printer = DeviceCard("device_printer", "printer")
        self._ticket = self._printer.add_key("try_ticket", "soft")
        self._receipt = self._printer.add_key("try_receipt", "soft")
        self._auto = self._printer.add_key("receipts_automatic", "tier")
        self._auto.setCheckable(True)
        self._printer.keys.addStretch(1)
        self._tried = label(14, 600, "text2", "trial_outcome")
        self._tried.setWordWrap(True)
        layout = self._printer.layout()
        assert layout is not None
        layout.addWidget(self._tried)
        self._drawer = DeviceCard("device_drawer", "archive")
        self._open = self._drawer.add_key("device_open_drawer", "soft")
        self._drawer.keys.addStretch(1)
        self._scanner = DeviceCard("device_scanner", "scan-line")
        self._last_scan = label(16, 600, "text", "last_scan")
        self._last_scan.setWordWrap(True)
        scanner_box = self._scanner.layout()
        assert scanner_box is not None
        scanner_box.addWidget(self._last_scan)

    def _make_right(self) -> None:
        self._papers_title = label(17, 700)
        self._nothing = label(14, 400, "text2", "no_papers")
        self._papers = QVBoxLayout()
        self._papers.setSpacing(8)
        inside = QWidget()
        inside.setLayout(column(self._nothing, self._papers, None, gap=8))
        self._papers_scroll = _scroll(inside, "papers_scroll")
        self._preview_title = label(15, 700)
        self._preview_title.setWordWrap(True)
        self._previews = {
            paper: Button(f"preview_{paper.value}", "tier", 14, 600) for paper in TicketPaper
        }
        for button in self._previews.values():
            button.setCheckable(True)
            button.setFixedHeight(48)
        self._paper = QLabel()
        self._paper.setObjectName("ticket_preview")
        self._paper.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._preview_scroll = _scroll(self._paper, "preview_scroll")

    def _lay_out(self) -> None:
        self._left = QWidget()
        head = row(self._title, None, self._back)
        self._left_box = column(head, self._printer, self._drawer, self._scanner, None)
        self._left.setLayout(self._left_box)
        papers = card("card", "papers_card")
        box = column(self._papers_title, gap=8, margins=(16, 12, 16, 12))
        box.addWidget(self._papers_scroll, 1)
        papers.setLayout(box)
        preview = card("card", "preview_card")
        preview_head = row(self._preview_title, None, *self._previews.values())
        preview_box = column(preview_head, gap=8, margins=(16, 12, 16, 12))
        preview_box.addWidget(self._preview_scroll, 1)
        preview.setLayout(preview_box)
        right = column(gap=12)
        right.addWidget(papers, 2)
        right.addWidget(preview, 3)
        self._content = QHBoxLayout()
        self._content.addWidget(self._left)
        self._content.addLayout(right, 1)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.rail)
        outer.addLayout(self._content, 1)

    def _connect(self, presenter: DevicesPresenter) -> None:
        self._ticket.clicked.connect(partial(presenter.try_out, Trial.TICKET))
        self._receipt.clicked.connect(partial(presenter.try_out, Trial.RECEIPT))
        self._open.clicked.connect(presenter.open_drawer)
        self._auto.clicked.connect(
            lambda: presenter.choose_receipts(automatic=self._auto.isChecked())
        )
        for paper, button in self._previews.items():
            button.clicked.connect(partial(presenter.preview, paper))

    # ------------------------------------------------------------------------------------ state

    def _show(self, state: DevicesState) -> None:
        now = state.now
        if now is None:
            return
        self._show_printer(state, now)
        self._show_drawer(state, now)
        self._show_scanner(state, now)
        self._show_jobs(now.jobs)
        for paper, button in self._previews.items():
            button.setChecked(paper is state.preview)
        self._show_pictures(state.pictures)

    def _show_printer(self, state: DevicesState, now: DevicesNow) -> None:
        printer = now.printer
        self._printer.title.setText(device_words.printer_title(printer))
        self._printer.place.setText(printer.place)
        fault = device_words.worst(printer.faults)
        said = device_words.fault_help(fault), device_words.tickets_words(printer)
        self._printer.say(*device_words.printer_words(printer), "\n".join(filter(None, said)))
        for button in (self._ticket, self._receipt):
            button.setEnabled(state.trying is None)
        self._auto.setChecked(now.receipts)
        self._auto.say(
            _("Receipts: always") if now.receipts else _("Receipts: never"),
            _("Whether a receipt comes out after each sale by itself"),
        )
        words, tone = "", "text2"
        if state.trying is not None:
            words = _("Printing…")
        elif state.failed:
            words, tone = _("Something went wrong in the till; the log says what."), "danger"
        elif state.tried is not None:
            words, tone = device_words.outcome_words(state.tried.outcome, state.tried.faults)
        elif state.is_late:
            words = _("That was settled meanwhile.")
        self._tried.setText(words)
        self._tried.setVisible(bool(words))
        restyle(self._tried, tone=tone)

    def _show_drawer(self, state: DevicesState, now: DevicesNow) -> None:
        words, tone = device_words.drawer_words(now)
        more = ""
        if state.drawer_refused is not None:
            more, tone = shift_refusal(state.drawer_refused), "danger"
        elif state.is_drawer_kicked:
            more = _("It was told to open. If it stayed shut, open it by its key.")
        self._drawer.say(words, tone, more)
        self._open.setVisible(now.drawer is not DrawerKind.NONE)

    def _show_scanner(self, state: DevicesState, now: DevicesNow) -> None:
        lines = [device_words.scanner_words(each) for each in now.scanners]
        self._scanner.place.setText(", ".join(each.place for each in now.scanners))
        if lines:
            words, tone = next((each for each in lines if each[1] == "danger"), lines[0])
        elif now.has_wedge:
            words, tone = _("A scanner that types is recognised by itself."), "text2"
        else:
            words, tone = _("None is set up."), "text2"
        self._scanner.say(words, tone, _("Scan something now to try it."))
        scanned = state.scanned
        text = (
            device_words.scanned_words(scanned.text, is_whole=scanned.is_whole) if scanned else ""
        )
        self._last_scan.setText(_("Last scan: {text}").format(text=text) if text else "")
        self._last_scan.setVisible(bool(text))

    def _show_jobs(self, jobs: tuple[PaperJob, ...], *, force: bool = False) -> None:
        if jobs == self._jobs and not force:
            return
        self._jobs = jobs
        while (item := self._papers.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                retire(old)
        self._nothing.setVisible(not jobs)
        self._nothing.setText(_("Nothing waits, and nothing is in doubt."))
        # Doubts first: somebody stands there and waits for their ticket.
        for job in sorted(jobs, key=lambda each: not each.is_in_doubt)[:_JOBS_SHOWN_MAX]:
            self._papers.addWidget(self._job_row(job))

    def _job_row(self, job: PaperJob) -> QFrame:
        made = card("line")
        title = ElidedLabel(15, 600)
        title.setText(job.title)
        words = label(13, 400, "danger" if job.is_in_doubt else "text2")
        words.setWordWrap(True)
        words.setText(device_words.job_words(job))
        keys = row(None, gap=8)  # below the words: large text leaves no room beside them
        for button in self._job_keys(job):
            button.setFixedHeight(48)
            keys.addWidget(button)
        made.setLayout(column(title, words, keys, gap=2, margins=(12, 8, 8, 8)))
        return made

    def _job_keys(self, job: PaperJob) -> list[Button]:
        if job.is_in_doubt:
            there = Button(f"there_{job.id}", "", 14, 600)
            there.say(_("It is there"), _("{paper}: it is on paper").format(paper=job.title))
            there.clicked.connect(lambda: self._presenter.settle(job.id, on_paper=True))
            again = Button(f"again_{job.id}", "soft", 14, 600)
            again.say(_("Print a copy"), _("{paper}: print a copy").format(paper=job.title))
            again.clicked.connect(lambda: self._presenter.print_again(job.id))
            drop = Button(f"drop_{job.id}", "quiet", 14, 600)
            drop.say(_("Not needed"), _("{paper}: nobody needs it").format(paper=job.title))
            drop.clicked.connect(lambda: self._presenter.settle(job.id, on_paper=False))
            return [there, again, drop]
        if job.is_begun:
            return []
        back = Button(f"withdraw_{job.id}", "quiet", 14, 600)
        back.say(_("Take back"), _("{paper}: take it back").format(paper=job.title))
        back.clicked.connect(lambda: self._presenter.withdraw(job.id))
        return [back]

    def _show_pictures(self, pictures: tuple[bytes, ...]) -> None:
        if pictures is self._pictures and not self._paper.text():
            return
        self._pictures = pictures
        if not pictures:
            self._paper.setText(_("There is no picture of this ticket here."))
            return
        drawn = QPixmap()
        drawn.loadFromData(pictures[0])
        width = min(round(drawn.width() * _PREVIEW_SHARE), self._preview_scroll.width())
        self._paper.setPixmap(
            drawn.scaledToWidth(max(1, width), Qt.TransformationMode.SmoothTransformation)
        )


def _scroll(inside: QWidget, name: str) -> QScrollArea:
    made = QScrollArea()
    made.setObjectName(name)
    made.setWidgetResizable(True)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setWidget(inside)
    return made
