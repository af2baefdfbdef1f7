"""Clients of the interface: programs of others, with a role, a scope and rotating tokens.

A client begins with a refresh token that is shown once. Each use gives a new one and ends the old
(RFC 9700, 4.14.2): whoever uses an ended one has a copy, and then the client is ended as a whole.
One thing is forgiven: the same token again within GRACE_MS, while its successor is unused. The
reply was lost then; the successor ends, so that a thief and the client cannot both go on.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.services.permissions import PersonRole
from sync_server.services.scopes import WHOLE_VENUE, Access, Scope, scope_of
from sync_server.services.sessions import token_hash
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction

FIRST_LIFE_MS = 24 * 3_600_000
LIFE_MS = 30 * 24 * 3_600_000
GRACE_MS = 30_000
NAME_CHARS_MAX = 64
TOKEN_CHARS_MAX = 128


class RefreshRefusal(StrEnum):
    """Why no tokens were given. Sent, never renamed."""

    INVALID = "invalid_grant"
    REUSED = "refresh_token_reused"  # the client was ended


@dataclass(frozen=True, slots=True)
class Client:
    """A program that may call; what it may, its role and scope say."""

    id: str
    name: str
    role: PersonRole
    scope: Scope = WHOLE_VENUE
    state: str = "active"

    @property
    def access(self) -> Access:
        """What it may do, and where."""
        return Access(self.role, self.scope)


def add_client(
    tx: Transaction, name: str, role: PersonRole, scope: Scope
) -> tuple[str, str] | None:
    """A new client: its id and first refresh token. None when there is an active one of the name."""
    if tx.row("SELECT 1 FROM api_client WHERE name = :n AND state = 'active'", n=name) is not None:
        return None
    client_id, token = secrets.token_hex(8), secrets.token_urlsafe(32)
    tx.run(
        "INSERT INTO api_client (id, name, role, scope_kind, scope_ids, state, created_ms) "
        "VALUES (:id, :name, :role, :kind, :ids, 'active', :now)",
        id=client_id,
        name=name,
        role=role,
        kind=scope.kind,
        ids=scope.ids_text,
        now=tx.now_ms,
    )
    _put(tx, client_id, token, tx.now_ms + FIRST_LIFE_MS)
    return client_id, token


def refresh(tx: Transaction, client_id: str, token: str, actor: Actor) -> str | RefreshRefusal:
    """The next refresh token in exchange for this one."""
    locked = Sql.of(tx.connection).locked
    client = tx.row(f"SELECT state FROM api_client WHERE id = :id{locked}", id=client_id)  # noqa: S608
    row = tx.row(
        "SELECT token_hash, state, used_ms, expires_ms, next_hash FROM refresh_token "
        "WHERE token_hash = :hash AND client_id = :client",
        hash=token_hash(token),
        client=client_id,
    )
    if client is None or row is None or client.state != "active" or row.expires_ms <= tx.now_ms:
        return RefreshRefusal.INVALID
    if row.state != "live" and not _is_lost_reply(tx, row):
        end_client(tx, client_id)
        note(tx, Deed.CLIENT_TOKEN_REUSED, f"client:{client_id}", actor)
        return RefreshRefusal.REUSED
    coming = secrets.token_urlsafe(32)
    tx.run(
        "UPDATE refresh_token SET state = 'used', next_hash = :next, "
        "used_ms = CASE WHEN used_ms = 0 THEN :now ELSE used_ms END WHERE token_hash = :hash",
        next=token_hash(coming),
        now=tx.now_ms,
        hash=row.token_hash,
    )
    tx.run("DELETE FROM refresh_token WHERE expires_ms <= :now", now=tx.now_ms)
    _put(tx, client_id, coming, tx.now_ms + LIFE_MS)
    return coming


def end_client(tx: Transaction, client_id: str) -> bool:
    """It may call no more, from now on; False when it is not active."""
    ended = tx.run(
        "UPDATE api_client SET state = 'ended' WHERE id = :id AND state = 'active'", id=client_id
    )
    tx.run("DELETE FROM refresh_token WHERE client_id = :id", id=client_id)
    return bool(ended)


def find_client(connection: Connection, client_id: str) -> Client | None:
    """A client that may call; None when it was ended."""
    row = connection.execute(
        text(f"{_SELECT} WHERE id = :id AND state = 'active'"), {"id": client_id}
    ).first()
    return None if row is None else _client(row)


def read_clients(connection: Connection) -> list[Client]:
    """All, by name; the ended ones too."""
    return [
        _client(row) for row in connection.execute(text(f"{_SELECT} ORDER BY name, created_ms"))
    ]


_SELECT = "SELECT id, name, role, scope_kind, scope_ids, state FROM api_client"


def _client(row: Any) -> Client:
    scope = scope_of(row.scope_kind, row.scope_ids)
    return Client(row.id, row.name, PersonRole(row.role), scope, row.state)


def _is_lost_reply(tx: Transaction, row: Any) -> bool:
    """Whether a used token may be used again: just now, and its successor never was. Ends that."""
    if row.state != "used" or tx.now_ms - row.used_ms > GRACE_MS:
        return False
    ended = tx.run(
        "UPDATE refresh_token SET state = 'dropped' WHERE token_hash = :hash AND state = 'live'",
        hash=row.next_hash,
    )
    return bool(ended)


def _put(tx: Transaction, client_id: str, token: str, expires_ms: int) -> None:
    tx.run(
        "INSERT INTO refresh_token (token_hash, client_id, state, expires_ms, used_ms, next_hash) "
        "VALUES (:hash, :client, 'live', :expires, 0, '')",
        hash=token_hash(token),
        client=client_id,
        expires=expires_ms,
    )
