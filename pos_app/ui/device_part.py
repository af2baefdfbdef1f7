"""The window's devices: their page, the paper chip, and codes that scanners read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from pos_app.presenters.devices import DevicesPresenter
from pos_app.services.model import News, NewsKind
from pos_app.ui.devices_view import DevicesView
from pos_app.ui.scanner_filter import ScannerFilter

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from pos_app.presenters.runner import Run
    from pos_app.services.till import TillServices
    from pos_app.ui.rail import Rail
    from pos_app.ui.top_bar import TopBar
    from pos_app.ui.unprinted_strip import UnprintedStrip


class DevicePart(QObject):
    """Puts presenter, page, chip and scanners together. `shown` says whether the page is."""

    wanted = Signal()  # somebody asks for the page
    code = Signal(str)  # a whole code, scanned while another page is shown
    code_cut = Signal()
    touched = Signal()  # somebody scanned something, with whatever scanner

    def __init__(
        self,
        window: QWidget,
        services: TillServices,
        run: Run,
        run_printing: Run,
        top_bar: TopBar,
    ) -> None:
        super().__init__(window)
        self.presenter = DevicesPresenter(services, run, run_printing)
        self.view = DevicesView(self.presenter)
        self._top_bar = top_bar
        self.scanners = ScannerFilter(window, services.devices.wedge)
        if services.devices.wedge is not None:
            self.scanners.install()
        window.destroyed.connect(self.scanners.remove)
        self.scanners.scanned.connect(self._scanned)
        self.scanners.cut_short.connect(self._cut_short)
        top_bar.devices.connect(self.wanted)
        self.presenter.watch(lambda state: top_bar.show_devices(state.now))

    def connect_rails(self, *rails: Rail) -> None:
        """Rails whose button opens the page."""
        for each in rails:
            each.devices.connect(self.wanted)

    def connect_strip(self, strip: UnprintedStrip) -> None:
        """What is said on the strip of unprinted tickets."""
        strip.settled.connect(lambda job_id: self.presenter.settle(job_id, on_paper=True))
        strip.wanted_again.connect(self.presenter.print_again)

    def on_news(self, news: News) -> None:
        """Take a piece of news."""
        self.presenter.on_news(news)
        if news.kind is NewsKind.SCANNED:
            self.touched.emit()
            self._scanned(news.reason)

    def show_chip(self) -> None:
        """Show the chip again, after sizes or the language changed."""
        self._top_bar.show_devices(self.presenter.state.now)

    def _scanned(self, text: str) -> None:
        if self.view.isVisible():
            self.presenter.scanned(text, is_whole=True)
        else:
            self.code.emit(text)

    def _cut_short(self) -> None:
        if self.view.isVisible():
            self.presenter.scanned("", is_whole=False)
        else:
            self.code_cut.emit()
