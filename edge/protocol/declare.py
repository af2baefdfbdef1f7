"""Declare: in a new history of the server, which allotments this node ever received, and which
revocations it asked for and has not told the end of.

The new history may have lost grants of the old one. Until every node has told of its own, an
event is in quarantine there, and nothing of it is lent to anybody.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from edge import replies
from edge.journal import Unit, get_meta, incarnation_of
from edge.protocol.revoke import RevocationState
from ticketing.admission import AllotmentState

ALLOTMENTS_PER_CALL = 200
REVOCATIONS_PER_CALL = 200  # the newest; more than a few are never on their way
BYTES_PER_CALL = 512 * 1024


@dataclass(frozen=True, slots=True)
class DeclareRequest:
    """Allotments of one event, in the order in which they came. `up_to` is the last one's row.

    `revocations` go with the last call: the server may have granted them, and forgotten it.
    """

    stream: str
    generation: str
    incarnation: int
    allotments: tuple[dict[str, Any], ...]
    done: bool
    up_to: int
    revocations: tuple[dict[str, Any], ...] = ()

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "gen": self.generation,
            "inc": self.incarnation,
            "allotments": list(self.allotments),
            "done": self.done,
        } | ({"revocations": list(self.revocations)} if self.revocations else {})


def note_quarantine(unit: Unit, generation: str, streams: Collection[str]) -> None:
    """Remember which events wait for our word in this history. Telling it again changes nothing."""
    for stream in streams:
        unit.execute(
            "INSERT INTO declaration (stream, gen, sent, done) VALUES (?, ?, 0, 0) "
            "ON CONFLICT (stream) DO UPDATE SET gen = excluded.gen, sent = 0, done = 0 "
            "WHERE declaration.gen <> excluded.gen",
            (stream, generation),
        )


def next_declare(
    connection: sqlite3.Connection, passed_over: frozenset[str] = frozenset()
) -> DeclareRequest | None:
    """The next call; None when nothing is left to tell, or journals must be pushed first.

    An event's journals go before its allotments: what was sold and given back out of them is to be
    known when they are put in again. `passed_over`: events that the server does not hear just now.
    """
    generation = get_meta(connection, "generation")
    rows = connection.execute(
        "SELECT d.stream, d.sent FROM declaration d WHERE d.gen = ? AND d.done = 0 AND NOT EXISTS "
        "(SELECT 1 FROM journal j WHERE j.stream = d.stream AND j.seq > "
        "CASE WHEN j.locked THEN j.salvaged ELSE j.acked END) ORDER BY d.stream",
        (generation,),
    ).fetchall()
    for row in rows:
        if row["stream"] not in passed_over:
            return _call(connection, row["stream"], generation, row["sent"])
    return None


def on_declare(unit: Unit, request: DeclareRequest, reply: Mapping[str, Any]) -> None:
    """The call was heard. Raises ServerUnreachable for an answer that makes no sense."""
    if not isinstance(reply.get("quarantined"), bool):
        raise replies.nonsense("quarantined")
    unit.execute(
        "UPDATE declaration SET sent = ?, done = ? WHERE stream = ? AND gen = ?",
        (request.up_to, int(request.done), request.stream, request.generation),
    )


def _call(
    connection: sqlite3.Connection, stream: str, generation: str, sent: int
) -> DeclareRequest:
    rows = connection.execute(
        "SELECT rowid, * FROM allot WHERE stream = ? AND rowid > ? ORDER BY rowid LIMIT ?",
        (stream, sent, ALLOTMENTS_PER_CALL + 1),
    ).fetchall()
    told: list[dict[str, Any]] = []
    size, up_to = 0, sent
    ours = incarnation_of(connection)
    incarnation = rows[0]["inc"] if rows else ours
    for row in rows[:ALLOTMENTS_PER_CALL]:
        size += len(row["units"]) + len(row["counts"])
        if told and (size > BYTES_PER_CALL or row["inc"] != incarnation):
            break
        told.append(_told(row, is_ours=row["inc"] == ours))
        up_to = row["rowid"]
    done = len(told) == len(rows)
    asked = _asked(connection, stream) if done else ()
    return DeclareRequest(stream, generation, incarnation, tuple(told), done, up_to, asked)


def _asked(connection: sqlite3.Connection, stream: str) -> tuple[dict[str, Any], ...]:
    """Revocations that no operation of ours tells of, oldest first; refused ones never were."""
    rows = connection.execute(
        "SELECT * FROM revocation WHERE stream = ? AND state IN (?, ?, ?) "
        "ORDER BY rowid DESC LIMIT ?",
        (
            stream,
            RevocationState.ASKED,
            RevocationState.GRANTED,
            RevocationState.DROPPED,
            REVOCATIONS_PER_CALL,
        ),
    ).fetchall()
    return tuple(
        {
            "op": row["op_id"],
            "action": row["action"],
            "order": row["order_id"],
            "tickets": json.loads(row["tickets"]),
        }
        for row in reversed(rows)
    )


def _told(row: sqlite3.Row, *, is_ours: bool) -> dict[str, Any]:
    """An allotment as it came. `over`: it is closed here, and nothing more is sold from it.

    Of those of an earlier incarnation nobody knows: a copy of this machine may have them open.
    """
    over = {"over": True} if is_ours and row["state"] != AllotmentState.OPEN else {}
    return over | {
        "id": row["id"],
        "p": row["performance"],
        "firm": bool(row["firm"]),
        "units": json.loads(row["units"]),
        "counts": json.loads(row["counts"]),
        "req": row["req"],
        "granted_ms": row["granted_ms"],
        "soft_s": row["soft_s"],
        "hard_s": row["hard_s"],
    }
