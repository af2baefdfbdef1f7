"""A source on a thread of its own: opened, read, and opened again whenever it is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hardware.backoff import RETRY_DELAYS_S, Backoff
from hardware.errors import DeviceError
from hardware.reader.shape import ReaderHealth, ReaderState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardware.reader.seen import Seen
    from hardware.reader.shape import SeenSource

log = logging.getLogger(__name__)

WAITING_COUNT_MAX: Final = 20
"""Things seen that nobody fetched: what is older than this many is no longer meant."""
# How long a read may last, and so how soon a reader stops.
_READ_S: Final = 0.1


class SupervisedReader:
    """A `Reader` made of a `SeenSource`.

    `arrived` and `on_state` are called on the reader's thread (`on_state` also on the one that
    stops it), after something was put into the queue and once per change of state: they must be
    brief and not call `stop`. So one lane can wait for several readers at once.
    """

    def __init__(
        self,
        source: SeenSource,
        *,
        arrived: Callable[[], None] = lambda: None,
        on_state: Callable[[ReaderState], None] = lambda _state: None,
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
    ) -> None:
        self._source = source
        self._arrived = arrived
        self._on_state = on_state
        self._backoff = Backoff(retry_delays_s)
        self._calm_s = max(retry_delays_s)
        self._waiting: deque[Seen] = deque(maxlen=WAITING_COUNT_MAX)
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._health = ReaderHealth(since_s=time.monotonic())
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """The address of its source."""
        return self._source.address

    @property
    def health(self) -> ReaderHealth:
        """How it is now."""
        with self._changed:
            return replace(self._health, bad_frames_count=self._source.bad_frames_count)

    def start(self) -> None:
        """Begin to read; a reader is started once."""
        if self._thread is not None:
            raise RuntimeError("a reader is started once")
        self._thread = threading.Thread(
            target=self._read_for_ever, name=f"reader {self.address}", daemon=True
        )
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Stop and let go of the device; False where a read did not return in time."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self._change_state(ReaderState.STOPPED)
        return self._thread is None or not self._thread.is_alive()

    def next_seen(self, timeout_s: float) -> Seen | None:
        """The oldest thing seen that nobody has fetched; None after `timeout_s` or once stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping.is_set(), timeout_s)
            if self._stopping.is_set() or not self._waiting:
                return None
            return self._waiting.popleft()

    def _read_for_ever(self) -> None:
        while not self._stopping.is_set():
            with self._surviving("reader %s failed and is opened again"):
                self._read_once_opened()
            if not self._stopping.is_set():
                self._stopping.wait(self._backoff.next_delay_s())

    def _read_once_opened(self) -> None:
        try:
            self._source.open()
            self._change_state(ReaderState.LIVE)
            self._read_until_gone()
        except DeviceError as error:
            self._lose(error.reason)
        except Exception:
            self._lose("its driver failed")
            raise
        finally:
            self._source.close()

    @contextmanager
    def _surviving(self, sentence: str) -> Iterator[None]:
        """Log a bug, in a driver or in whom we call, and go on: it must not end a lane's reading."""
        try:
            yield
        except Exception:
            log.exception(sentence, self.address)

    def _read_until_gone(self) -> None:
        # Only a device that worked for a while is calm again: one that opens and fails at once
        # would otherwise be opened every second for ever.
        calm_at = time.monotonic() + self._calm_s
        while not self._stopping.is_set():
            for seen in self._source.read(_READ_S):
                self._put(seen)
            if time.monotonic() >= calm_at:
                self._backoff.reset()
                calm_at = float("inf")

    def _put(self, seen: Seen) -> None:
        with self._changed:
            is_full = len(self._waiting) == WAITING_COUNT_MAX
            self._waiting.append(seen)
            self._health = replace(
                self._health,
                seen_count=self._health.seen_count + 1,
                dropped_count=self._health.dropped_count + is_full,
            )
            self._changed.notify()
        with self._surviving("whoever waits for reader %s failed"):
            self._arrived()

    def _lose(self, reason: str) -> None:
        with self._changed:
            self._health = replace(self._health, losses_count=self._health.losses_count + 1)
        self._change_state(ReaderState.GONE, reason)

    def _change_state(self, state: ReaderState, fault: str = "") -> None:
        """Log and announce a change; a state that lasts is said once, its newest fault kept."""
        with self._changed:
            before = self._health.state
            if before is ReaderState.STOPPED:
                return
            self._health = replace(self._health, state=state, fault=fault)
            if before is state:
                return
            self._health = replace(self._health, since_s=time.monotonic())
        if state is ReaderState.GONE:
            log.warning("reader %s is gone: %s", self.address, fault)
        else:
            log.info("reader %s is %s", self.address, state.value)
        with self._surviving("whoever watches reader %s failed"):
            self._on_state(state)
