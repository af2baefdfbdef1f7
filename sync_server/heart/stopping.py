"""A performance is cancelled: the server's holds end, and windows are asked for what they hold.

Nothing is freed that a window may have sold: an allotment is asked back, as by a recall. What a
window sells before it hears of it is booked as any sale, and goes back like the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_server.heart.stock import end_hold
from sync_server.heart.work import Work


@dataclass(frozen=True, slots=True)
class Stopped:
    """The allotments that were asked back, and how many holds ended."""

    recalled: tuple[str, ...]
    hold_count: int


@dataclass(frozen=True, slots=True)
class StopSelling:
    """End what would lead to further sales of a performance. Again, it changes nothing."""

    stream: str
    performance: int

    def want(self, work: Work) -> None:
        """Nothing: which ones, the database says."""

    def apply(self, work: Work) -> Stopped:
        """The holds end now; the nodes' next polls bring the recalls."""
        rows = work.sql.rows(
            "SELECT id FROM allot WHERE event_id = ? AND perf_id = ? "
            "AND state IN ('open', 'held') ORDER BY id",
            work.stream,
            self.performance,
        )
        ids = [row[0] for row in rows]
        work.allots.want(ids)
        work.allots.fetch()
        recalled, hold_count = [], 0
        for allot_id in ids:
            allot = work.allots.get(allot_id)
            assert allot is not None, allot_id
            if allot.state == "held":
                end_hold(work, allot)
                hold_count += 1
            elif not allot.recall:
                allot.recall = 1
                work.allots.put(allot.id, allot)
                recalled.append(allot.id)
        return Stopped(tuple(recalled), hold_count)
