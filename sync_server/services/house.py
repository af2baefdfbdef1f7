"""What `meta` and `generation` say of this house: which one it is, and which history it lives in."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, text

from sync_server.services.keys import META_PREFIX
from sync_server.store.writer import Transaction

VENUE_KEY = "venue_id"
HUB_KEY = "hub_id"
"""In `meta` of a hub alone: its node id at the centre."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One history of this server. `short`, 8 hex digits, stands in allotment ids and in codes."""

    id: str
    short: str


@dataclass(frozen=True, slots=True)
class House:
    """The venue that this database belongs to, and its present generation."""

    venue_id: str
    generation: Generation


def read_house(connection: Connection) -> House | None:
    """The house, or None as long as no catalogue has named its venue."""
    venue_id = read_meta(connection).get(VENUE_KEY)
    row = connection.execute(
        text("SELECT id, short FROM generation ORDER BY started_ms DESC, id DESC LIMIT 1")
    ).first()
    if venue_id is None or row is None:
        return None
    return House(venue_id, Generation(str(row[0]), str(row[1])))


def read_meta(connection: Connection) -> dict[str, str]:
    """All that the database says of itself."""
    return {str(k): str(v) for k, v in connection.execute(text("SELECT k, v FROM meta"))}


def key_fingerprints(meta: dict[str, str]) -> dict[str, str]:
    """The fingerprints that the database names, by key name."""
    return {k.removeprefix(META_PREFIX): v for k, v in meta.items() if k.startswith(META_PREFIX)}


def new_generation() -> Generation:
    """A generation that no restored backup can name too: its ids are time and chance."""
    return Generation(str(uuid7(time.time_ns() // 1_000_000)), secrets.token_hex(4))


def uuid7(unix_ms: int) -> uuid.UUID:
    """RFC 9562, section 5.7: 48 bits of time, then chance."""
    chance = secrets.randbits(74)
    high, low = chance >> 62, chance & (1 << 62) - 1
    return uuid.UUID(
        int=(unix_ms & (1 << 48) - 1) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low
    )


def put_meta(tx: Transaction, key: str, value: str) -> None:
    """Note a value that was not there before; a second one for the same key is a bug."""
    tx.run("INSERT INTO meta (k, v) VALUES (:k, :v)", k=key, v=value)
