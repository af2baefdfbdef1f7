"""Tries that are counted: so many at once, then one after a while, for each who tries."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

WHO_MAX = 1_000
"""Who is remembered; beyond it whoever was not heard of for longest is forgotten."""


class Tries:
    """At most `burst` tries at once, then one every `period_s`. Used on the loop alone."""

    def __init__(
        self, burst: int, period_s: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._period_s, self._now_s = burst, period_s, now_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> bool:
        """Count one try. False when it is one too many, and then it costs nothing more."""
        left, now_s = self._refilled(who)
        if left < 1:
            return False
        self._left[who] = (left - 1, now_s)
        self._left.move_to_end(who)
        if len(self._left) > WHO_MAX:
            self._left.popitem(last=False)
        return True

    def wait_s(self, who: str) -> int:
        """Whole seconds until a try is allowed; 0 when it is now."""
        left, _now_s = self._refilled(who)
        return 0 if left >= 1 else math.ceil((1 - left) * self._period_s)

    def forget(self, who: str) -> None:
        """A try was right: they start afresh."""
        self._left.pop(who, None)

    def _refilled(self, who: str) -> tuple[float, float]:
        now_s = self._now_s()
        left, at_s = self._left.get(who, (float(self._burst), now_s))
        return min(self._burst, left + (now_s - at_s) / self._period_s), now_s
