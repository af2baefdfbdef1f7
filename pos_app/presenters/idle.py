"""When nobody is at the window any more: after a while without a key, a tap or a scan, it locks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

WARN_S: Final = 20
"""So long before it locks the till says so; anything that is done then keeps it open."""


@dataclass(slots=True)
class IdleWatch:
    """Counts from what was last done. Times are a clock's seconds that never goes back.

    `lock_after_s` 0: the till is never locked by itself.
    """

    lock_after_s: int
    since_s: float = 0.0

    def touched(self, now_s: float) -> None:
        """Something was done: it begins anew."""
        self.since_s = now_s

    def left_s(self, now_s: float) -> int | None:
        """Seconds until it locks, rounded up, once they are to be shown; 0 when it is time."""
        if self.lock_after_s == 0:
            return None
        left = math.ceil(self.since_s + self.lock_after_s - now_s)
        return max(0, left) if left <= WARN_S else None
