"""Salvage: the whole of a fenced journal, from its first operation, so that no branch is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edge import replies
from edge.journal import Head, Unit, heads, note_salvaged, unacked
from edge.protocol.push import BYTES_PER_PUSH, OPS_PER_PUSH
from ticketing.journal import Op, op_to_wire


@dataclass(frozen=True, slots=True)
class SalvageRequest:
    """Operations of a fenced journal that follow each other, and the hash before them.

    `now_ms` is our clock, as with a push.
    """

    head: Head
    prev: str
    ops: tuple[Op, ...]
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
            "now_ms": self.now_ms,
        }


def next_salvage(
    connection: sqlite3.Connection,
    now_ms: int,
    passed_over: frozenset[tuple[str, int]] = frozenset(),
) -> SalvageRequest | None:
    """The next part of a fenced journal; None when the server has them all.

    `passed_over`: journals (stream, incarnation) that the server does not take just now.
    """
    for head in heads(connection):
        is_due = head.locked and head.salvaged < head.seq
        if not is_due or (head.stream, head.incarnation) in passed_over:
            continue
        # Not from `acked` on: what the server has up to there may be another branch.
        start = replace(head, acked=head.salvaged)
        prev, ops = unacked(connection, start, ops_max=OPS_PER_PUSH, bytes_max=BYTES_PER_PUSH)
        return SalvageRequest(head, prev, tuple(ops), now_ms)
    return None


def on_salvage(unit: Unit, request: SalvageRequest, reply: Mapping[str, Any]) -> int:
    """Note how far the server has kept it. Returns how many operations are new there.

    Raises ServerUnreachable for an answer that makes no sense.
    """
    first, last = request.ops[0].seq, request.ops[-1].seq
    stored = replies.number(reply, "stored", low=first, high=last)
    note_salvaged(unit, request.head, stored)
    return stored - request.head.salvaged
