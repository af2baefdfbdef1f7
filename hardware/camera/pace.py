"""Keeping a file's frames at the pace of a camera."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Pace:
    """Waits until the next frame is due. Frames missed while busy are not made up for."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._due = float("-inf")

    def wait(self, fps: float) -> float:
        """Sleep until a frame is due at `fps` (1 or more); the monotonic time then."""
        now = self._clock()
        if now < self._due:
            self._sleep(self._due - now)
            now = self._clock()
        self._due = now + 1 / fps
        return now
