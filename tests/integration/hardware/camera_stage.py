"""A camera on its threads, and what it announced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hardware.camera import Camera, CameraState, FrameSource

WAIT_S = 20.0


class States:
    """What a camera announced, in order, and a way to wait for it."""

    def __init__(self) -> None:
        self.seen: list[CameraState] = []
        self._changed = threading.Condition()

    def __call__(self, state: CameraState) -> None:
        with self._changed:
            self.seen.append(state)
            self._changed.notify_all()

    def wait_for(self, *states: CameraState) -> None:
        with self._changed:
            arrived = self._changed.wait_for(lambda: self.seen == list(states), WAIT_S)
        assert arrived, self.seen

    def wait_to_begin_with(self, *states: CameraState) -> None:
        """As `wait_for`, where a slow machine may make more of it afterwards."""
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: self.seen[: len(states)] == list(states), WAIT_S
            )
        assert arrived, self.seen


@contextmanager
def running(source: FrameSource, states: States, stale_after_s: float = 0.5) -> Iterator[Camera]:
    camera = Camera(source, on_state=states, stale_after_s=stale_after_s, retry_delays_s=(0.01,))
    camera.start()
    try:
        yield camera
    finally:
        assert camera.stop()
