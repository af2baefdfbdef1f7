"""A code that is held up is answered once, whatever reads it how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SAME_CODE_BLOCKED_S = 1.5
"""A code that was answered is not answered again while it stays in view, and so long after."""


@dataclass(slots=True)
class Debounce:
    """Answers each code once while it is held up. Times are monotonic seconds."""

    _seen_s: dict[str, float] = field(default_factory=dict)

    def see(self, texts: Iterable[str], now_s: float) -> frozenset[str]:
        """Of the codes in view, those that were answered lately; they stay blocked."""
        self._seen_s = {t: at for t, at in self._seen_s.items() if now_s - at < SAME_CODE_BLOCKED_S}
        blocked = frozenset(texts) & self._seen_s.keys()
        self.block(blocked, now_s)
        return blocked

    def block(self, texts: Iterable[str], now_s: float) -> None:
        """These codes were answered, or are still in view."""
        self._seen_s.update(dict.fromkeys(texts, now_s))
