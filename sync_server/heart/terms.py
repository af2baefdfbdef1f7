"""A node that is in contact keeps what it was lent: its greeting lets the terms begin anew.

Safe for the write-off, which counts from the centre's `granted_ms`: a node counts from a moment
before that. It hears of the later `granted_ms` from a row of the feed only, and takes the age that
the row had when the answer was given off the moment when it had SENT the poll. If it never hears,
it counts from the earlier one and stops sooner. In both cases it has stopped before the centre
permits anything. So only the node's contact extends, never the passing of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_server.heart.source import Source
from sync_server.heart.work import Work
from sync_server.store.sql import Sql

EXTENDED_MAX = 100
"""So many allotments of an event at once; the next greeting extends more."""
_IS_DUE = (
    "node_id = ? AND inc = ? AND state = 'open' AND recall = 0 AND hard_s > 0 "
    "AND granted_ms + soft_s * 500 <= ?"
)


def due_streams(sql: Sql, node_id: str, incarnation: int, now_ms: int) -> Sequence[str]:
    """The events with allotments of a node half of whose soft term has passed."""
    rows = sql.rows(
        f"SELECT DISTINCT event_id FROM allot WHERE {_IS_DUE}",  # noqa: S608 - our own words
        node_id,
        incarnation,
        now_ms,
    )
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class ExtendTerms:
    """Let the terms of a node's open allotments begin anew once half of the soft term has passed.

    Not of recalled ones, which are to come back; not in quarantine, nor for a node that is fenced:
    who knows who sells from those.
    """

    source: Source

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the journal."""
        work.journals.want([(self.source.node_id, self.source.incarnation)])

    def apply(self, work: Work) -> int:
        """How many were extended."""
        source = self.source
        is_open = work.journal(source.node_id, source.incarnation).state == "open"
        if work.is_house or not is_open or work.quarantine or work.awaits(source.node_id):
            return 0
        rows = work.sql.rows(
            f"SELECT id FROM allot WHERE event_id = ? AND {_IS_DUE} "  # noqa: S608 - our own words
            "ORDER BY granted_ms, id LIMIT ?",
            work.stream,
            source.node_id,
            source.incarnation,
            work.now_ms,
            EXTENDED_MAX,
        )
        work.allots.want(row[0] for row in rows)
        for row in rows:
            allot = work.allots.get(row[0])
            assert allot is not None, "read a moment ago, in this very transaction"
            allot.granted_ms = work.now_ms
            work.allots.put(allot.id, allot)
        return len(rows)
