"""Console sessions: a random token in a cookie, its hash in the database, two limits on its life."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.people import Person
from sync_server.services.permissions import PersonRole
from sync_server.services.scopes import scope_of
from sync_server.store.writer import Transaction

SESSIONS_PER_PERSON_MAX = 20
TOKEN_CHARS = 43
AGENT_CHARS_MAX = 200
_EXTEND_STEP_MS = 60_000


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """A session ends after `idle_ms` without a click, and after `absolute_ms` in any case."""

    idle_ms: int
    absolute_ms: int


@dataclass(frozen=True, slots=True)
class Origin:
    """From where a login was made, for its person to know it again."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """A living session as its person sees it; `id` names it, and opens nothing."""

    id: str
    token_hash: str
    address: str
    agent: str
    created_ms: int
    used_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """A living session and whose it is, with the role the person has now."""

    token_hash: str
    person: Person
    created_ms: int
    expires_ms: int

    def extended(self, now_ms: int, limits: SessionLimits) -> int | None:
        """When it would end if it was used now; None when that is hardly later than noted."""
        expires = min(self.created_ms + limits.absolute_ms, now_ms + limits.idle_ms)
        return expires if expires - self.expires_ms >= _EXTEND_STEP_MS else None


def begin_session(
    tx: Transaction, person_id: str, limits: SessionLimits, origin: Origin = Origin()
) -> str:
    """A new session's token; the oldest of too many end."""
    token = secrets.token_urlsafe(32)
    tx.run("DELETE FROM console_session WHERE expires_ms <= :now", now=tx.now_ms)
    tx.run(
        "DELETE FROM console_session WHERE token_hash IN (SELECT token_hash FROM console_session "
        "WHERE person_id = :person ORDER BY created_ms DESC, token_hash LIMIT 1000 OFFSET :kept)",
        person=person_id,
        kept=SESSIONS_PER_PERSON_MAX - 1,
    )
    tx.run(
        "INSERT INTO console_session (token_hash, person_id, created_ms, expires_ms, id, address, "
        "agent, used_ms) VALUES (:hash, :person, :now, :expires, :id, :address, :agent, :now)",
        hash=token_hash(token),
        person=person_id,
        now=tx.now_ms,
        expires=tx.now_ms + min(limits.idle_ms, limits.absolute_ms),
        id=secrets.token_hex(8),
        address=origin.address,
        agent="".join(filter(str.isprintable, origin.agent))[:AGENT_CHARS_MAX],
    )
    tx.run("UPDATE person SET signed_in_ms = :now WHERE id = :id", now=tx.now_ms, id=person_id)
    return token


def find_session(connection: Connection, token: str, now_ms: int) -> Session | None:
    """The session of a token, as long as it lives and its person has not left."""
    row = connection.execute(
        text(
            "SELECT s.token_hash, s.created_ms, s.expires_ms, p.id, p.login, p.name, p.role, "
            "p.scope_kind, p.scope_ids "
            "FROM console_session s JOIN person p ON p.id = s.person_id "
            "WHERE s.token_hash = :hash AND s.expires_ms > :now AND p.state = 'active'"
        ),
        {"hash": token_hash(token), "now": now_ms},
    ).first()
    if row is None:
        return None
    return Session(row.token_hash, _person(row), row.created_ms, row.expires_ms)


def extend_session(tx: Transaction, hashed: str, expires_ms: int) -> None:
    """Note that the session was used; never shortens it."""
    tx.run(
        "UPDATE console_session SET expires_ms = :expires, used_ms = :now "
        "WHERE token_hash = :hash AND expires_ms < :expires",
        hash=hashed,
        expires=expires_ms,
        now=tx.now_ms,
    )


def end_session(tx: Transaction, hashed: str) -> None:
    """The person signed out."""
    tx.run("DELETE FROM console_session WHERE token_hash = :hash", hash=hashed)


def read_logins(connection: Connection, person_id: str, now_ms: int) -> list[Login]:
    """Where a person is signed in, the newest first."""
    rows = connection.execute(
        text(
            "SELECT id, token_hash, address, agent, created_ms, used_ms FROM console_session "
            "WHERE person_id = :person AND expires_ms > :now ORDER BY created_ms DESC, id"
        ),
        {"person": person_id, "now": now_ms},
    )
    return [Login(*row) for row in rows]


def end_login(tx: Transaction, person_id: str, login_id: str) -> int:
    """End one login of this person and of nobody else; how many that were."""
    return tx.run(
        "DELETE FROM console_session WHERE id = :id AND person_id = :person AND id <> ''",
        id=login_id,
        person=person_id,
    )


def end_other_logins(tx: Transaction, person_id: str, kept: str = "") -> int:
    """End every login of a person but the one of this session's hash; how many."""
    return tx.run(
        "DELETE FROM console_session WHERE person_id = :person AND token_hash <> :kept",
        person=person_id,
        kept=kept,
    )


def find_person(connection: Connection, person_id: str) -> Person | None:
    """An active person by their id."""
    row = connection.execute(
        text(
            "SELECT id, login, name, role, scope_kind, scope_ids FROM person "
            "WHERE id = :id AND state = 'active'"
        ),
        {"id": person_id},
    ).first()
    return None if row is None else _person(row)


def find_person_to_sign_in(connection: Connection, login: str) -> tuple[Person, str] | None:
    """An active person and their password's hash."""
    row = connection.execute(
        text(
            "SELECT id, login, name, role, scope_kind, scope_ids, password_hash FROM person "
            "WHERE login = :login AND state = 'active'"
        ),
        {"login": login},
    ).first()
    if row is None:
        return None
    return _person(row), row.password_hash


def _person(row: Any) -> Person:
    scope = scope_of(row.scope_kind, row.scope_ids)
    return Person(row.id, row.login, row.name, PersonRole(row.role), scope=scope)


def token_hash(token: str) -> str:
    """What is stored of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(cookie_key: bytes, basis: str) -> str:
    """The token that a form must bring back, bound to the visitor's cookie (`basis`)."""
    return hmac.new(cookie_key, b"boxgate form\0" + basis.encode(), hashlib.sha256).hexdigest()


def is_form_token(cookie_key: bytes, basis: str, given: object) -> bool:
    """Whether a form brought the token that belongs to the visitor's cookie."""
    expected = form_token(cookie_key, basis).encode()
    return isinstance(given, str) and hmac.compare_digest(expected, given.encode())
