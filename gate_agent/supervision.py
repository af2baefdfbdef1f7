"""Parts of the gate's process: each on its thread, begun again after a crash; the others go on.

A part that hangs crashes nothing and cannot be begun again by itself: `Part.lives` tells, and the
service manager starts the whole program anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from hardware.backoff import Backoff
from program.logs import get_logger

RESTART_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
CALM_S = 60.0
"""A part that ran for so long begins with the shortest delay again."""
SILENT_S = 30.0
"""A part that has not looked for so long whether it is to stop hangs. A disk may stall for seconds."""
_log = get_logger(__name__)


class PartState(StrEnum):
    """What a part is doing. Told in the status, never renamed."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class _Pulse(threading.Event):
    """The `stop` that a part is given: whoever looks at it is seen to live."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop
        self.at_s = time.monotonic()

    def is_set(self) -> bool:
        self.at_s = time.monotonic()
        return self._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.at_s = time.monotonic() + (timeout or 0.0)
        return self._stop.wait(timeout)


@dataclass(slots=True)
class Part:
    """One part. `work` runs until `stop` is set; it crashed when it raises, or returns sooner.

    It looks at the `stop` that it is given in every turn, at least once in SILENT_S.
    """

    name: str
    work: Callable[[threading.Event], None]
    stop: threading.Event
    delays_s: tuple[float, ...] = RESTART_DELAYS_S
    state: PartState = field(init=False, default=PartState.STARTING)
    crashes_count: int = field(init=False, default=0)
    _thread: threading.Thread = field(init=False)
    _pulse: _Pulse = field(init=False)

    def __post_init__(self) -> None:
        self._pulse = _Pulse(self.stop)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def lives(self, now_s: float) -> bool:
        """Whether it does its work at `now_s` (monotonic), or waits to be begun again."""
        return self._thread.is_alive() and now_s - self._pulse.at_s <= SILENT_S

    def join(self, timeout_s: float) -> bool:
        """Wait for its end after `stop`; False when it did not come in time."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        backoff = Backoff(self.delays_s)
        while not self.stop.is_set():
            began_s = time.monotonic()
            self.state = PartState.RUNNING
            try:
                self.work(self._pulse)
            except Exception:  # noqa: BLE001 - a bug in one part must not end the others
                _log.exception("part_crashed", part=self.name)
            if self.stop.is_set():
                break
            self.crashes_count += 1
            self.state = PartState.RESTARTING
            if time.monotonic() - began_s >= CALM_S:
                backoff.reset()
            self._pulse.wait(backoff.next_delay_s())
        self.state = PartState.STOPPED
