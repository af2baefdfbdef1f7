"""Contact: when the centre last heard of a node, and what the node said of itself."""

from __future__ import annotations

from dataclasses import dataclass

from sync_server.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Contact:
    """One sign of life. None leaves what was known before."""

    now_ms: int
    unsynced_count: int | None = None
    program_version: str | None = None
    clock_offset_ms: int | None = None  # the node's clock minus ours


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
