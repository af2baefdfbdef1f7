"""Which revision of the centre's feed a revision of our own stands for."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field

MARKS_MAX = 4_096


@dataclass(slots=True)
class Marks:
    """Pairs of revisions of one stream: ours, and up to where it shows all that the centre told.

    A gate that has read ours that far has the centre's too. The oldest pairs are forgotten: of a
    gate that is further behind nothing is said, which holds back a resale and harms nobody.
    """

    _ours: deque[int] = field(default_factory=lambda: deque(maxlen=MARKS_MAX))
    _theirs: deque[int] = field(default_factory=lambda: deque(maxlen=MARKS_MAX))

    def note(self, ours: int, theirs: int) -> None:
        """Our feed up to `ours` shows the centre's up to `theirs`."""
        if self._ours and self._ours[-1] == ours:
            self._theirs[-1] = max(theirs, self._theirs[-1])
            return
        self._ours.append(ours)
        self._theirs.append(theirs)

    def read_to(self, ours: int) -> int:
        """The centre's revision that a reader of ours has reached; 0 when nothing is known."""
        at = bisect_right(self._ours, ours)
        return self._theirs[at - 1] if at else 0
