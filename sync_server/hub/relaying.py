"""What of the gates' journals and of our own grants the centre has not heard of yet.

Journals go on verbatim: the same operations under the same ids, sequence numbers and hashes, so
that the centre checks each gate's chain itself, and an operation that came to it by any other way
is the same operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from sync_server.heart.arbiters import ARBITER_DOC, read_arbiter
from sync_server.heart.granted import GRANTED_PER_CALL_MAX
from sync_server.store.writer import Transaction
from ticketing.ids import OpId
from ticketing.journal import ROOT_HASH, Op, op_to_wire

OPS_PER_PUSH = 500
CHARS_PER_PUSH = 256 * 1024
JOURNALS_PER_TURN = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A journal of which the centre lacks something. `seq`, `hash`: how far it has been passed on.

    `is_fenced`: the centre takes it by salvage alone.
    """

    stream: str
    node_id: str
    incarnation: int
    head_seq: int
    seq: int
    hash: str
    is_fenced: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """The next operations of a journal, as they came.

    `clock_ahead_ms`: by how much its node's clock is ahead of ours; None: it has never said.
    """

    journal: Waiting
    ops: tuple[Op, ...]
    clock_ahead_ms: int | None = None

    def body(self, wall_ms: int) -> dict[str, Any]:
        """As it is sent, when our clock shows `wall_ms`; `unsynced` counts what waits here."""
        told = {} if self.clock_ahead_ms is None else {"now_ms": wall_ms + self.clock_ahead_ms}
        return told | {
            "inc": self.journal.incarnation,
            "first": self.ops[0].seq,
            "prev": self.journal.hash,
            "ops": [op_to_wire(op) for op in self.ops],
            "unsynced": self.journal.head_seq - self.journal.seq,
        }


def waiting_journals(connection: Connection) -> tuple[Waiting, ...]:
    """Journals with something to pass on, at most JOURNALS_PER_TURN."""
    rows = connection.execute(
        text(
            "SELECT j.event_id, j.node_id, j.inc, j.seq, coalesce(r.seq, 0), "
            "coalesce(r.hash, :root), coalesce(r.state, 'open') FROM journal j "
            "LEFT JOIN relayed r ON r.event_id = j.event_id AND r.node_id = j.node_id "
            "AND r.inc = j.inc WHERE j.seq > coalesce(r.seq, 0) "
            "ORDER BY j.event_id, j.node_id, j.inc LIMIT :n"
        ),
        {"root": ROOT_HASH, "n": JOURNALS_PER_TURN},
    )
    return tuple(
        Waiting(row[0], row[1], row[2], row[3], row[4], row[5], row[6] == "fenced") for row in rows
    )


def has_waiting(connection: Connection, stream: str) -> bool:
    """Whether the centre lacks anything of an event's journals."""
    row = connection.execute(
        text(
            "SELECT 1 FROM journal j LEFT JOIN relayed r ON r.event_id = j.event_id "
            "AND r.node_id = j.node_id AND r.inc = j.inc "
            "WHERE j.event_id = :e AND j.seq > coalesce(r.seq, 0) LIMIT 1"
        ),
        {"e": stream},
    )
    return row.first() is not None


def next_batch(connection: Connection, journal: Waiting) -> Batch:
    """What follows what has been passed on, as much as one call may hold."""
    rows = connection.execute(
        text(
            "SELECT seq, op_id, kind, version, wall_ms, body, hash FROM op WHERE event_id = :e "
            "AND node_id = :n AND inc = :i AND branch = '' AND seq > :s ORDER BY seq LIMIT :limit"
        ),
        {
            "e": journal.stream,
            "n": journal.node_id,
            "i": journal.incarnation,
            "s": journal.seq,
            "limit": OPS_PER_PUSH,
        },
    )
    ops: list[Op] = []
    chars = 0
    for row in rows:
        chars += len(row.body)
        if ops and chars > CHARS_PER_PUSH:
            break
        ops.append(Op(row.seq, OpId(row.op_id), *row[2:]))
    assert ops, "a journal's operations are there up to its head"
    clock = connection.execute(
        text(
            "SELECT clock_offset_ms FROM node WHERE id = :n "
            "AND (hello_session <> '' OR clock_offset_ms <> 0)"
        ),
        {"n": journal.node_id},
    ).first()
    return Batch(journal, tuple(ops), None if clock is None else int(clock[0]))


def note_relayed(tx: Transaction, journal: Waiting, seq: int, *, is_fenced: bool) -> None:
    """The centre has it up to `seq`: as far as ours goes, when it knows of more."""
    row = tx.row(
        "SELECT seq, hash FROM op WHERE event_id = :e AND node_id = :n AND inc = :i "
        "AND branch = '' AND seq <= :s ORDER BY seq DESC LIMIT 1",
        e=journal.stream,
        n=journal.node_id,
        i=journal.incarnation,
        s=seq,
    )
    at, digest = (row.seq, row.hash) if row is not None else (0, ROOT_HASH)
    tx.run(
        "INSERT INTO relayed (event_id, node_id, inc, seq, hash, state) "
        "VALUES (:e, :n, :i, :s, :h, :state) ON CONFLICT (event_id, node_id, inc) DO UPDATE SET "
        "seq = excluded.seq, hash = excluded.hash, state = excluded.state",
        e=journal.stream,
        n=journal.node_id,
        i=journal.incarnation,
        s=at,
        h=digest,
        state="fenced" if is_fenced else "open",
    )


def note_fenced(tx: Transaction, journal: Waiting) -> None:
    """The centre fenced it: so do we, that its gate hears of it, and all goes on by salvage."""
    tx.run(
        "UPDATE journal SET state = 'forked' WHERE event_id = :e AND node_id = :n AND inc = :i "
        "AND state = 'open'",
        e=journal.stream,
        n=journal.node_id,
        i=journal.incarnation,
    )
    note_relayed(tx, journal, 0, is_fenced=True)


def backlog(connection: Connection) -> int:
    """How many operations of the nodes below us the centre lacks."""
    return sum(backlog_by_node(connection).values())


def backlog_by_node(connection: Connection) -> dict[str, int]:
    """The same by node."""
    rows = connection.execute(
        text(
            "SELECT j.node_id, sum(j.seq - coalesce(r.seq, 0)) FROM journal j LEFT JOIN relayed r "
            "ON r.event_id = j.event_id AND r.node_id = j.node_id AND r.inc = j.inc "
            "WHERE j.seq > coalesce(r.seq, 0) GROUP BY j.node_id"
        )
    )
    return {row[0]: int(row[1]) for row in rows}


@dataclass(slots=True)
class OwnGrants:
    """Which of the entries that our arbiter granted have been told. In memory: told twice is once."""

    hub_id: str
    _told: dict[str, int] = field(default_factory=dict)

    def forget(self) -> None:
        """Tell them all again."""
        self._told.clear()

    def next(self, connection: Connection, stream: str) -> tuple[list[dict[str, Any]], int]:
        """Entries that no journal has told of yet, and the revision that they go up to."""
        rows = connection.execute(
            text(
                "SELECT e.op_id, e.node_id, e.ticket_id, e.perf_id, e.unit, e.lane, e.at_ms, "
                "e.ticket_type, e.rev FROM entry e JOIN node n ON n.id = e.node_id "
                "WHERE e.event_id = :e AND e.rev > :told AND e.journalled = 0 AND e.offline = 0 "
                "AND e.phase <> 'left' AND n.hub = :hub ORDER BY e.rev LIMIT :n"
            ),
            {
                "e": stream,
                "told": self._told.get(stream, 0),
                "hub": self.hub_id,
                "n": GRANTED_PER_CALL_MAX,
            },
        ).fetchall()
        names = ("op", "node", "ticket", "p", "u", "lane", "at_ms", "type")
        entries = [dict(zip(names, row[:8], strict=True)) for row in rows]
        return entries, rows[-1].rev if rows else 0

    def told(self, stream: str, rev: int) -> None:
        """The centre has those up to here."""
        self._told[stream] = max(rev, self._told.get(stream, 0))


def asked_back(connection: Connection, hub_id: str) -> Mapping[str, int]:
    """Events whose gates we are to answer no more, each with its epoch: we have stopped already."""
    rows = connection.execute(
        text("SELECT event_id, body FROM doc WHERE kind = :k AND id = event_id"), {"k": ARBITER_DOC}
    )
    found = {row.event_id: read_arbiter(row.body) for row in rows}
    return {s: a.epoch for s, a in found.items() if a.hub == hub_id and a.asked_back}


def event_heads(connection: Connection) -> dict[str, int]:
    """Every event that we follow, and how far its feed goes."""
    rows = connection.execute(text("SELECT event_id, head FROM stream WHERE kind = 'event'"))
    return {row.event_id: int(row.head) for row in rows}


def nodes_below(
    connection: Connection, hub_id: str, generation: str, now_ms: int
) -> dict[str, dict[str, Any]]:
    """What every node below us said of itself when we last heard of it, and how far it has read."""
    waiting = backlog_by_node(connection)
    rows = connection.execute(
        text(
            "SELECT id, last_seen_ms, unsynced_count, program_version, clock_offset_ms FROM node "
            "WHERE hub = :hub AND state = 'active' AND last_seen_ms > 0"
        ),
        {"hub": hub_id},
    )
    found: dict[str, dict[str, Any]] = {
        row.id: {
            "id": row.id,
            "ago_ms": max(0, now_ms - row.last_seen_ms),
            "unsynced": row.unsynced_count + waiting.get(row.id, 0),
            "version": row.program_version,
            "clock_off_ms": row.clock_offset_ms,
            "cursors": {},
        }
        for row in rows
    }
    cursors = connection.execute(
        text("SELECT event_id, node_id, rev FROM gate_cursor WHERE generation = :g"),
        {"g": generation},
    )
    for row in cursors:
        if row.node_id in found:
            found[row.node_id]["cursors"][row.event_id] = row.rev
    return found
