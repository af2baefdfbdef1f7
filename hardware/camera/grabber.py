"""A camera that is always read, so that whoever asks gets the newest frame and not an old one.

Reading and working in one loop makes frames seconds old: drivers and streams queue what is not
taken. Here one thread does nothing but read, into a box that holds one frame.
"""

from __future__ import annotations

import logging
import threading
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hardware.backoff import RETRY_DELAYS_S, Backoff
from hardware.errors import DeviceError, DeviceGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.camera.frame import Frame, FrameSource

log = logging.getLogger(__name__)

# A camera that gave no frame for this long is taken for lost and opened again.
STALE_AFTER_S: Final = 1.0
# How long to rest when a source has no frame yet, so as not to spin.
_NO_FRAME_PAUSE_S: Final = 0.02


class CameraState(StrEnum):
    """What a camera is doing, for a status line or a lamp."""

    STARTING = "starting"
    LIVE = "live"
    GONE = "gone"
    STOPPED = "stopped"


class Camera:
    """Owns a frame source on a thread of its own and keeps its newest frame.

    `on_state` is called once per change, on one of the camera's threads: it must be brief and must
    not call `stop`. A camera that is gone is opened again with growing delays, for ever.
    """

    def __init__(
        self,
        source: FrameSource,
        *,
        on_state: Callable[[CameraState], None] = lambda _state: None,
        stale_after_s: float = STALE_AFTER_S,
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
    ) -> None:
        self._source = source
        self._on_state = on_state
        self._stale_after_s = stale_after_s
        self._backoff = Backoff(retry_delays_s)
        self._stopping = threading.Event()
        self._arrival = threading.Condition()
        self._newest: Frame | None = None
        self._state = CameraState.STARTING
        self._announcing = threading.Lock()
        self._last_sign_of_life = time.monotonic()
        self._threads: tuple[threading.Thread, ...] = ()

    @property
    def state(self) -> CameraState:
        """What the camera is doing now."""
        return self._state

    @property
    def address(self) -> str:
        """The address of its source."""
        return self._source.address

    def start(self) -> None:
        """Begin to read; a camera is started once."""
        if self._threads:
            raise RuntimeError("a camera is started once")
        name = f"camera {self.address}"
        self._last_sign_of_life = time.monotonic()
        self._threads = (
            threading.Thread(target=self._grab_for_ever, name=name, daemon=True),
            threading.Thread(target=self._watch_for_ever, name=f"{name} watchdog", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 15.0) -> bool:
        """Stop reading and let go of the device; False where a read did not return in time.

        OpenCV waits up to 10 s for a USB camera that went silent; nothing can cut that short.
        """
        self._stopping.set()
        with self._arrival:
            self._arrival.notify_all()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._change_state(CameraState.STOPPED, "stopped")
        return not any(thread.is_alive() for thread in self._threads)

    def next_frame(self, timeout_s: float, after: int = -1) -> Frame | None:
        """The newest frame with a number above `after`; waits for one, None after `timeout_s`.

        Frames that came in between are dropped on purpose. A frame taken before the camera was
        lost is not given out afterwards.
        """

        def is_there() -> bool:
            newest = self._newest
            return self._stopping.is_set() or (newest is not None and newest.number > after)

        with self._arrival:
            self._arrival.wait_for(is_there, timeout_s)
            newest = self._newest
        return newest if newest is not None and newest.number > after else None

    def _grab_for_ever(self) -> None:
        while not self._stopping.is_set():
            try:
                self._source.open()
                self._last_sign_of_life = time.monotonic()
                self._grab_until_gone()
            except DeviceError as error:
                self._lose(error.reason)
            except Exception:  # supervises the source: a bug in it must not end the lane's sight
                log.exception("camera %s failed and is opened again", self.address)
                self._lose("its reader failed")
            finally:
                self._source.close()
            self._stopping.wait(self._backoff.next_delay_s())

    def _grab_until_gone(self) -> None:
        if self._source.quiet_is_normal:
            self._come_alive()
        while not self._stopping.is_set():
            frame = self._source.read()
            if frame is not None:
                self._put(frame)
                self._come_alive()
            elif self._is_stale():
                raise DeviceGone("no frame comes any more", self.address)
            else:
                self._stopping.wait(_NO_FRAME_PAUSE_S)

    def _watch_for_ever(self) -> None:
        """Say that the camera is gone also while a read hangs in the driver."""
        while not self._stopping.wait(self._stale_after_s / 4):
            if self._state is CameraState.LIVE and self._is_stale():
                self._lose("no frame comes any more")

    def _is_stale(self) -> bool:
        age_s = time.monotonic() - self._last_sign_of_life
        return not self._source.quiet_is_normal and age_s > self._stale_after_s

    def _put(self, frame: Frame) -> None:
        self._last_sign_of_life = time.monotonic()
        with self._arrival:
            self._newest = frame
            self._arrival.notify_all()

    def _come_alive(self) -> None:
        self._backoff.reset()
        self._change_state(CameraState.LIVE, "is live")

    def _lose(self, reason: str) -> None:
        with self._arrival:
            self._newest = None
        self._change_state(CameraState.GONE, f"is gone: {reason}")

    def _change_state(self, state: CameraState, sentence: str) -> None:
        """Log and announce a change; a state that lasts is said once."""
        with self._announcing:
            if state is self._state or self._state is CameraState.STOPPED:
                return
            self._state = state
            level = logging.WARNING if state is CameraState.GONE else logging.INFO
            log.log(level, "camera %s %s", self.address, sentence)
            self._on_state(state)
