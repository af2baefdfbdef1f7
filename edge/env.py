"""Time and chance as arguments: production has the machine's, a simulation its own."""

from __future__ import annotations

import os
import time
from typing import Protocol


class Env(Protocol):
    """What a node asks the world for."""

    def wall_ms(self) -> int:
        """The machine's clock, Unix milliseconds. May be wrong and may jump."""

    def monotonic_s(self) -> float:
        """Seconds that only go forward, within one boot."""

    def random_bytes(self, count: int) -> bytes:
        """Unpredictable bytes."""


class MachineEnv:
    """The real clock and the system's randomness."""

    def wall_ms(self) -> int:
        """The system clock."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """The system's monotonic clock."""
        return time.monotonic()

    def random_bytes(self, count: int) -> bytes:
        """From the operating system."""
        return os.urandom(count)
