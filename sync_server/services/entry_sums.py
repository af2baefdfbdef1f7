"""How many went in, by lane and minute, for reports: counted from the entries themselves.

An entry's row changes when somebody passes or does not, so an event whose entries changed is
counted as a whole; what differs from the stored sums is written.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text


class EntryCell(NamedTuple):
    """Which sum: within one minute (since 1970) by the server's clock, where it was measured."""

    performance: int
    node_id: str
    lane: str
    minute: int


class EntrySum(NamedTuple):
    """How many went in; of them again with leave, without asking anybody, and by hand."""

    entries: int
    again: int
    offline: int
    by_hand: int


NO_ENTRIES = EntrySum(0, 0, 0, 0)
EntrySums = dict[EntryCell, EntrySum]
_COUNTED = (
    "SELECT perf_id, node_id, lane, "
    "CASE WHEN corrected_ms > 0 THEN corrected_ms ELSE at_ms END / 60000, "
    "count(*), sum(again), sum(offline), sum(by_hand) FROM entry WHERE event_id = :e "
    "AND phase IN ('granted','passed') GROUP BY 1, 2, 3, 4"
)
_KEPT = (
    "SELECT perf_id, node_id, lane, minute, entries, again, offline, by_hand FROM entry_sum "
    "WHERE event_id = :e"
)


def count_entry_changes(connection: Connection, event_id: str, since: int) -> EntrySums:
    """The sums that are not what is stored, as they should be; NO_ENTRIES where none is left.

    Nothing is read when no entry changed after revision `since`.
    """
    moved = connection.execute(
        text("SELECT 1 FROM entry WHERE event_id = :e AND rev > :since LIMIT 1"),
        {"e": event_id, "since": since},
    ).first()
    if moved is None and since > 0:
        return {}
    counted, kept = (_sums(connection, sql, event_id) for sql in (_COUNTED, _KEPT))
    changed = {cell: found for cell, found in counted.items() if kept.get(cell) != found}
    gone = (cell for cell, found in kept.items() if cell not in counted and found != NO_ENTRIES)
    return changed | dict.fromkeys(gone, NO_ENTRIES)


def _sums(connection: Connection, sql: str, event_id: str) -> EntrySums:
    rows = connection.execute(text(sql), {"e": event_id})
    return {
        EntryCell(int(r[0]), r[1], r[2], int(r[3])): EntrySum(*(int(n) for n in r[4:]))
        for r in rows
    }
