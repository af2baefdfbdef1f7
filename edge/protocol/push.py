"""Push: what a journal holds beyond what the server confirmed, batch by batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from edge import replies
from edge.journal import (
    NOT_ACCEPTED,
    Head,
    Unit,
    acknowledge,
    backlog,
    find_head,
    heads,
    incarnation_of,
    lock,
    unacked,
)
from ticketing.journal import Op, Verdict, op_to_wire

OPS_PER_PUSH = 500
BYTES_PER_PUSH = 256 * 1024


@dataclass(frozen=True, slots=True)
class PushRequest:
    """Operations of a journal that follow each other, and the hash before them.

    `now_ms` is our clock, as in a greeting: the server may have forgotten what it knew of it.
    """

    head: Head
    prev: str
    ops: tuple[Op, ...]
    unsynced: int
    now_ms: int

    @property
    def stream(self) -> str:
        """Whose journal it is."""
        return self.head.stream

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "inc": self.head.incarnation,
            "first": self.ops[0].seq,
            "prev": self.prev,
            "ops": [op_to_wire(op) for op in self.ops],
            "unsynced": self.unsynced,
            "now_ms": self.now_ms,
        }


class PushRefused(Enum):
    """What a refusal means for the journal."""

    GAP = "gap"  # the server has less or more than we believed: go on from there
    FENCED = "fenced"  # a fork: the node is locked
    KEPT = "kept"  # the server does not take it: everything is kept, the other journals go on


def waiting_journals(connection: sqlite3.Connection) -> tuple[Head, ...]:
    """The journals with something to push. One that is fenced goes by salvage instead."""
    return tuple(h for h in heads(connection) if h.acked < h.seq and not h.locked)


def next_push(
    connection: sqlite3.Connection, stream: str, incarnation: int, now_ms: int
) -> PushRequest | None:
    """The next batch of a journal; None when the server has it all."""
    head = find_head(connection, stream, incarnation)
    if head is None or head.locked or head.acked >= head.seq:
        return None
    prev, ops = unacked(connection, head, ops_max=OPS_PER_PUSH, bytes_max=BYTES_PER_PUSH)
    return PushRequest(head, prev, tuple(ops), backlog(connection).count, now_ms)


def on_push(unit: Unit, request: PushRequest, reply: Mapping[str, Any]) -> int:
    """Keep the verdicts. Returns how many operations were confirmed.

    Raises ServerUnreachable for an answer that makes no sense; nothing is confirmed then.
    """
    head, first, last = request.head, request.ops[0].seq, request.ops[-1].seq
    # It may have more than was sent now. That is sent again all the same, for its verdicts.
    acked = min(last, replies.number(reply, "acked", low=first, high=head.seq))
    acknowledge(unit, head, acked, replies.verdicts(reply, first=first, last=last))
    return acked - head.acked


def ask_again(unit: Unit, quarantined: Collection[str]) -> bool:
    """Go back to operations that were put off, in events that nobody waits for any more.

    A quarantine is over: they have a verdict by now, which the server gives to whoever pushes them
    again. Called once for each greeting. Journals of earlier incarnations are closed there, and
    hear nothing more. Whether there are any.
    """
    rows = unit.execute(
        "SELECT j.stream, j.inc, min(o.seq) AS first "  # noqa: S608
        f"FROM (SELECT stream, inc, seq FROM {NOT_ACCEPTED} AND verdict = ?) o "
        "JOIN journal j ON o.stream = j.stream AND o.inc = j.inc AND o.seq <= j.acked "
        "WHERE j.locked = 0 AND j.inc = ? GROUP BY j.stream, j.inc",
        (Verdict.DEFERRED, incarnation_of(unit)),
    ).fetchall()
    over = [row for row in rows if row["stream"] not in quarantined]
    unit.executemany(
        "UPDATE journal SET acked = ? WHERE stream = ? AND inc = ?",
        [(row["first"] - 1, row["stream"], row["inc"]) for row in over],
    )
    return bool(over)


def on_push_refused(
    unit: Unit, request: PushRequest, code: str, body: Mapping[str, Any]
) -> PushRefused:
    """What to do about a refusal that is about this journal.

    Raises ServerUnreachable for a gap where there is none.
    """
    head = request.head
    if code == "journal_forked":
        lock(unit, head.stream, head.incarnation)
        return PushRefused.FENCED
    if code != "journal_gap":
        return PushRefused.KEPT
    acked = replies.number(body, "acked", high=head.seq)
    if acked == head.acked:
        raise replies.nonsense("a gap where there is none")
    acknowledge(unit, head, acked, ())
    return PushRefused.GAP
