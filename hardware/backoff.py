"""How long to wait before a lost device is tried again."""

from __future__ import annotations

# Quick at first, because most losses are a loose plug; then gentle on the log and the bus.
RETRY_DELAYS_S: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0)


class Backoff:
    """Yields growing delays in seconds; the last one repeats for ever."""

    def __init__(self, delays_s: tuple[float, ...] = RETRY_DELAYS_S) -> None:
        if not delays_s:
            raise ValueError("a backoff needs at least one delay")
        self._delays_s = delays_s
        self._failures_count = 0

    def next_delay_s(self) -> float:
        """Count one more failure and say how long to wait after it."""
        index = min(self._failures_count, len(self._delays_s) - 1)
        self._failures_count += 1
        return self._delays_s[index]

    def reset(self) -> None:
        """Forget past failures: the device works."""
        self._failures_count = 0
