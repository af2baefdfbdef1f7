"""What lanes say, kept for whoever shows it: their latest decisions, their newest status, a bell."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

UNTAKEN_MAX = 64
"""Decisions that nobody has fetched yet; beyond it the oldest is left out. A screen that is so far
behind shows the newest one, and nobody can read sixty."""
RECENT_MAX = 50
"""Decisions that are remembered for the list that staff see."""

Line = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision's line, and when it was said (monotonic seconds)."""

    lane: str
    line: Line
    at_s: float


class Board:
    """Lanes write on any thread, and never wait. One listener reads."""

    def __init__(self, lanes: Sequence[str]) -> None:
        """`lanes` are the names of all lanes, in the order in which pages list them."""
        self.lanes = tuple(lanes)
        self._guard = threading.Lock()
        self._untaken: deque[Decided] = deque(maxlen=UNTAKEN_MAX)
        self._changed: set[str] = set()
        self._recent: deque[Decided] = deque(maxlen=RECENT_MAX)
        self._statuses: dict[str, Line] = {}
        self.cases_count = 0
        """How often news of a case has come; a listener sees by it that there are some."""
        self._ring: Callable[[], None] = _nobody
        self._is_rung = False

    def decided(self, line: Line) -> None:
        """A lane has decided: `line` is what it says, with its name as `lane`."""
        lane = str(line.get("lane", ""))
        if lane not in self.lanes:
            return
        decided = Decided(lane, line, time.monotonic())
        with self._guard:
            self._untaken.append(decided)
            self._recent.append(decided)
        self._wake()

    def case(self) -> None:
        """A case that this gate is part of was opened or settled."""
        with self._guard:
            self.cases_count += 1
        self._wake()

    def status(self, lane: str, status: Line) -> None:
        """How a lane stands now. Only a status that says something new wakes the listener."""
        with self._guard:
            if lane not in self.lanes or self._statuses.get(lane) == status:
                return
            self._statuses[lane] = status
            self._changed.add(lane)
        self._wake()

    def listen(self, ring: Callable[[], None]) -> None:
        """From now on `ring` is called, on the writer's thread, when there is something to take.

        Once until it is taken. What `ring` raises is a bug.
        """
        with self._guard:
            self._ring, self._is_rung = ring, False
        if self._untaken or self._changed:
            self._wake()

    def unlisten(self) -> None:
        """Nobody listens any more."""
        with self._guard:
            self._ring = _nobody

    def take(self) -> tuple[list[Decided], list[str]]:
        """The decisions since it was last asked, oldest first, and the lanes of a new status."""
        with self._guard:
            self._is_rung = False
            decided, changed = list(self._untaken), sorted(self._changed)
            self._untaken.clear()
            self._changed.clear()
        return decided, changed

    def status_of(self, lane: str) -> Line:
        """The newest status; empty before the first one."""
        with self._guard:
            return self._statuses.get(lane, {})

    def recent(self) -> list[Decided]:
        """The latest decisions of all lanes, newest first."""
        with self._guard:
            return list(reversed(self._recent))

    def latest(self, lane: str) -> Decided | None:
        """The lane's latest decision."""
        return next((one for one in self.recent() if one.lane == lane), None)

    def _wake(self) -> None:
        with self._guard:
            if self._is_rung:
                return
            self._is_rung, ring = True, self._ring
        ring()


def _nobody() -> None:
    """Before there is a listener, and after it has gone."""
