"""A ticket that people at this gate have blocked, or freed again, as long as only this gate knows.

The journal's operation goes to the server, and comes back with the feed as the ticket's row. Until
then this gate's own word stands, also without a network.
"""

from __future__ import annotations

import sqlite3

from edge.journal import Unit, append, get_meta, set_meta
from ticketing.ids import OpId, TicketId
from ticketing.journal import OpKind, Verdict
from ticketing.operations import TicketBlocked, decode_blocked, encode_blocked

_BLOCK = "block"


def write_block(unit: Unit, stream: str, op_id: OpId, blocked: TicketBlocked, wall_ms: int) -> None:
    """Record it, and keep in mind that it is the newest word about this ticket."""
    body = encode_blocked(blocked)
    append(unit, stream, OpKind.BLOCK, body, op_id=op_id, wall_ms=wall_ms)
    set_meta(unit, _key(stream, blocked.ticket_id), op_id)


def own_block(
    journal: sqlite3.Connection, stream: str, ticket_id: TicketId, read_to: int
) -> TicketBlocked | None:
    """What this gate said last of a ticket, while the feed, read up to `read_to`, does not have it.

    What the server took no notice of, or brought up from an earlier life of this node, is not ours
    any more.
    """
    op_id = get_meta(journal, _key(stream, ticket_id))
    if not op_id:
        return None
    row = journal.execute(
        "SELECT o.body, o.verdict, o.rev, o.seq <= j.acked AS is_sent FROM op o "
        "JOIN journal j ON j.stream = o.stream AND j.inc = o.inc "
        "WHERE o.op_id = ? AND o.seq > j.salvaged",
        (op_id,),
    ).fetchone()
    if row is None:
        return None
    # A server that lost the end of its history gets it again, and has it at another revision.
    is_told = row["verdict"] != Verdict.OK or row["rev"] <= read_to
    return None if row["is_sent"] and is_told else decode_blocked(row["body"])


def _key(stream: str, ticket_id: str) -> str:
    return f"{_BLOCK}:{stream}:{ticket_id}"
