"""Contact: when the centre last heard of a node, and what the node said of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Contact:
    """One sign of life. None leaves what was known before."""

    now_ms: int
    unsynced_count: int | None = None
    program_version: str | None = None
    clock_offset_ms: int | None = None  # the node's clock minus ours


@dataclass(frozen=True, slots=True)
class Greeting:
    """Which hello of which run of a node's program this is; no session: an older program."""

    session: str
    turn: int


def take_greeting(tx: Transaction, node_id: str, greeting: Greeting) -> bool:
    """Remember the newest hello; False for one that a later hello of the same run came before.

    A hello that was held up on its way tells of a journal shorter than what the node has pushed
    since: without this it would look like a node that was rolled back. It is remembered in the
    transaction that compares the journals, so whichever server it comes to knows, and knows it
    after a restart.
    """
    newest = " AND NOT (hello_session = :session AND hello_turn >= :turn)"
    taken = tx.run(
        "UPDATE node SET hello_session = :session, hello_turn = :turn "  # noqa: S608 - our own words
        f"WHERE id = :id{newest if greeting.session else ''}",
        session=greeting.session,
        turn=greeting.turn,
        id=node_id,
    )
    return bool(taken)


def note_contacts(tx: Transaction, heard: Mapping[str, Contact]) -> None:
    """Remember when many nodes were heard of, and what waits at them.

    One statement on SQLite, where each costs a turn of the interpreter's lock; on PostgreSQL row
    by row in one order, so that two servers never wait for each other crosswise.
    """
    sql = Sql.of(tx.connection)
    if not sql.is_sqlite:
        for node_id, contact in sorted(heard.items()):
            note_contact(tx, node_id, contact)
        return
    rows = [[node_id, c.now_ms, c.unsynced_count] for node_id, c in heard.items()]
    sql.run(
        "UPDATE node SET last_seen_ms = k.now, unsynced_count = coalesce(k.left, unsynced_count) "
        "FROM (SELECT value->>0 AS id, value->>1 AS now, value->>2 AS left FROM json_each(?)) k "
        "WHERE node.id = k.id",
        json.dumps(rows),
    )


def note_contact(tx: Transaction, node_id: str, contact: Contact) -> None:
    """Remember it. Not part of the feed: other nodes are not told."""
    tx.run(
        "UPDATE node SET last_seen_ms = :now, "
        "unsynced_count = coalesce(:unsynced, unsynced_count), "
        "program_version = coalesce(:version, program_version), "
        "clock_offset_ms = coalesce(:offset, clock_offset_ms) WHERE id = :id",
        now=contact.now_ms,
        unsynced=contact.unsynced_count,
        version=contact.program_version,
        offset=contact.clock_offset_ms,
        id=node_id,
    )
