"""Work away from the window: worker threads, whose results come home by one queued signal."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from pos_app.services.model import News, NewsKind
from program.logs import get_logger

T = TypeVar("T")
Home = Callable[[], None]

WAITING_MAX: Final = 1_000
"""More work waiting than this means that a worker hangs; a till asks for some ten things a second."""
NEWS_GAP_MS: Final = 100
JOIN_S: Final = 3.0

_log = get_logger(__name__)
_COALESCED: Final = (
    NewsKind.STATUS,
    NewsKind.AVAILABILITY,
    NewsKind.CATALOGUE,
    NewsKind.DEVICES,
)


class Tasks(QObject):
    """One worker thread that runs what it is given, in order."""

    _done = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: queue.Queue[Callable[[], Home] | None] = queue.Queue(WAITING_MAX)
        self._closed = False
        self._done.connect(self._come_home, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Run `work` on the thread, then one of the others here. Nothing happens once closed."""
        if self._closed:
            return

        def job() -> Home:
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - reported to the presenter, and logged
                _log.exception("task_failed")
                failure = error
                return lambda: failed(failure)
            return lambda: then(result)

        try:
            self._waiting.put_nowait(job)
        except queue.Full as error:
            _log.error("tasks_full", waiting_count=WAITING_MAX)
            too_busy = error
            self._done.emit(lambda: failed(too_busy))

    def close(self, deadline_s: float = JOIN_S) -> bool:
        """Take no more work, finish what began, and join. False when the thread hangs."""
        self._closed = True
        until = time.monotonic() + deadline_s
        try:
            self._waiting.put(None, timeout=deadline_s)
        except queue.Full:
            return False
        self._thread.join(max(0.0, until - time.monotonic()))
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            home = None if self._closed else job()
            if home is not None and not self._closed:
                self._done.emit(home)

    def _come_home(self, home: Home) -> None:
        if not self._closed:
            home()


class Bridge(QObject):
    """Brings the services' news to the window's thread; changes are told ten times a second."""

    _arrived = Signal(object)

    def __init__(self, listener: Callable[[News], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listener = listener
        self._closed = False
        self._pending: dict[tuple[NewsKind, int], News] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NEWS_GAP_MS)
        self._timer.timeout.connect(self._tell_pending)
        self._arrived.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def deliver(self, news: News) -> None:
        """Take news on any thread."""
        if not self._closed:
            self._arrived.emit(news)

    def close(self) -> None:
        """Tell nothing more."""
        self._closed = True
        self._timer.stop()

    def _take(self, news: News) -> None:
        if self._closed:
            return
        if news.kind not in _COALESCED:
            self._listener(news)
            return
        self._pending[news.kind, news.performance] = news
        if not self._timer.isActive():
            self._timer.start()

    def _tell_pending(self) -> None:
        pending, self._pending = self._pending, {}
        for news in pending.values():
            self._listener(news)
