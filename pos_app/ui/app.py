"""The till's process from the first window to the last thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from pos_app.presenters import language as words
from pos_app.ui import theme as look
from pos_app.ui.customer_display import CustomerDisplay
from pos_app.ui.icons import pixmap
from pos_app.ui.options import PLAIN, Options
from pos_app.ui.tasks import Bridge, Tasks
from pos_app.ui.window import SMALLEST, TillWindow
from program.logs import get_logger

if TYPE_CHECKING:
    from pos_app.services.till import TillServices

STOP_POLL_MS: Final = 100
SWITCH_INTERVAL_S: Final = 0.001
"""How long a busy worker may keep the window waiting for the interpreter (default 5 ms)."""
_LARGEST: Final = (1920, 1080)

_log = get_logger(__name__)


class Till:
    """A window with its threads, and their end. One per process at a time."""

    def __init__(
        self, services: TillServices, now: Callable[[], datetime], options: Options = PLAIN
    ) -> None:
        self._owner = QObject()
        self._tasks = Tasks("till-tasks", self._owner)
        self._printing = Tasks("till-printing", self._owner)
        with look.dressed_at_once():
            self.window = TillWindow(services, self._tasks.run, self._printing.run, now, options)
        self._bridge = Bridge(self.window.on_news, self._owner)
        services.subscribe(self._bridge.deliver)
        self.display: CustomerDisplay | None = None
        if options.has_display:
            self.display = CustomerDisplay(self.window.sell, self.window.after_sale)
            self.window.top_bar.switch_language.connect(self.display.refresh)
        self.window.start()

    def close(self) -> bool:
        """Join the threads, then take the window down. False when a thread hangs."""
        self._bridge.close()
        joined = [each.close() for each in (self._tasks, self._printing)]
        for each in (self.display, self.window):
            if each is not None:
                each.close()
                each.deleteLater()
        self._owner.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return all(joined)


def utc_now() -> datetime:
    """The machine's clock, aware UTC."""
    return datetime.now(UTC)


def run_till(
    services: TillServices,
    *,
    language: str,
    theme: str,
    fullscreen: bool = False,
    window_size: tuple[int, int] | None = None,
    options: Options = PLAIN,
    stop: threading.Event | None = None,
    started: Callable[[TillWindow], None] | None = None,
) -> int:
    """Sell until the window is closed or `stop` is set; the process's exit code.

    `window_size` None means as large as the screen, at most 1920x1080. `started` is called once the
    window is up, on its thread: a robot drives the widgets from there.
    """
    application = prepare(language, theme, options.text_size)
    till = Till(services, utc_now, options)
    if till.display is not None:
        till.display.place()
    _show(till.window, application, window_size, fullscreen=fullscreen)
    poll = QTimer()
    poll.setInterval(STOP_POLL_MS)
    poll.timeout.connect(lambda: till.window.close() if stop and stop.is_set() else None)
    poll.start()
    if started is not None:
        ready = started
        QTimer.singleShot(0, till.window, lambda: ready(till.window))
    _log.info("till_open", language=language, theme=theme)
    code = application.exec()
    poll.stop()
    if not till.close():
        _log.error("till_thread_hangs")
        return 1
    _log.info("till_closed")
    return code


def prepare(language: str, theme_name: str, text_size: int = 100) -> QApplication:
    """The application object, dressed and speaking. ValueError for what we do not have."""
    words.set_language(language)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(["boxgate-pos"])
    application.setApplicationName("Boxgate")
    look.set_text_size(application, text_size)
    look.apply_theme(application, theme_name)
    look.warn_of_missing_fonts()
    application.setWindowIcon(pixmap("ticket", look.tokens().accent, 64))
    return application


def _show(
    window: TillWindow,
    application: QApplication,
    size: tuple[int, int] | None,
    *,
    fullscreen: bool,
) -> None:
    if fullscreen:
        window.showFullScreen()
        window.activateWindow()
        return
    screen = application.primaryScreen().availableGeometry()
    wanted = size or (min(screen.width(), _LARGEST[0]), min(screen.height(), _LARGEST[1]))
    window.resize(max(wanted[0], SMALLEST[0]), max(wanted[1], SMALLEST[1]))
    window.show()
    window.activateWindow()  # a till often runs without a window manager to do it
