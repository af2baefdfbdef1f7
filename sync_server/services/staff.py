"""Keeping the people of the house: who they are, what they may do and where, and their keys.

Every change notes itself with before and after, never with a key or its hash. Nobody takes away
or gives themselves rights, and the last who may keep people stays one: otherwise a house could
shut itself out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.audit import Actor, Deed, note
from sync_server.services.passwords import put_password
from sync_server.services.people import Person, add_person, works_by_pin
from sync_server.services.permissions import Permission, PersonRole, person_may
from sync_server.services.scopes import Scope, ScopeKind, scope_of
from sync_server.services.second_factor import end_second_factor
from sync_server.services.sessions import end_login, end_other_logins
from sync_server.store.writer import Transaction
from ticketing.journal import OpKind
from ticketing.operations import decode_signed_in

_KEEPERS = tuple(role for role in PersonRole if person_may(role, Permission.PEOPLE_MANAGE))


class NotKept(StrEnum):
    """Why nothing was changed."""

    UNKNOWN = "unknown"
    LOGIN_TAKEN = "login_taken"
    OWN = "own"  # nobody changes their own role, or switches themselves off
    LAST_KEEPER = "last_keeper"
    NO_PIN = "no_pin"  # not for this role, or not where it holds
    SWITCHED_OFF = "switched_off"


@dataclass(frozen=True, slots=True)
class StaffLine:
    """A person as who keeps people sees them.

    `signed_in_ms`: the last time at the console or a window, 0 for never; `signed_in_at`: the
    window's name, '' for the console.
    """

    person: Person
    has_password: bool
    has_pin: bool
    has_second_factor: bool
    login_count: int
    signed_in_ms: int
    signed_in_at: str

    @property
    def is_active(self) -> bool:
        """Whether they may sign in anywhere."""
        return self.person.state == "active"


def read_staff(connection: Connection, venue_id: str, now_ms: int) -> list[StaffLine]:
    """Everybody, those who are switched off last."""
    rows = connection.execute(
        text(
            "SELECT p.id, p.login, p.name, p.role, p.state, p.scope_kind, p.scope_ids, "
            "p.password_hash <> '' AS has_password, p.pin_hash <> '' AS has_pin, p.signed_in_ms, "
            "(SELECT count(*) FROM second_factor f WHERE f.person_id = p.id AND f.is_on = 1) "
            "AS factors, (SELECT count(*) FROM console_session s WHERE s.person_id = p.id "
            "AND s.expires_ms > :now) AS logins FROM person p ORDER BY p.state, p.name, p.login"
        ),
        {"now": now_ms},
    ).all()
    at_windows = _signed_in_at_windows(connection, venue_id)
    return [_line(row, at_windows.get(row.id, (0, ""))) for row in rows]


def _line(row: Any, at_window: tuple[int, str]) -> StaffLine:
    last_ms, where = max((int(row.signed_in_ms), ""), at_window)
    scope = scope_of(row.scope_kind, row.scope_ids)
    person = Person(row.id, row.login, row.name, PersonRole(row.role), row.state, scope)
    return StaffLine(
        person,
        bool(row.has_password),
        bool(row.has_pin),
        bool(row.factors),
        int(row.logins),
        last_ms,
        where,
    )


def _signed_in_at_windows(connection: Connection, venue_id: str) -> dict[str, tuple[int, str]]:
    """When each person signed in at a window last, by its clock, and its name."""
    rows = connection.execute(
        text(
            "SELECT o.body, coalesce(n.name, o.node_id) AS name, max(o.wall_ms) AS last_ms "
            "FROM op o LEFT JOIN node n ON n.id = o.node_id "
            "WHERE o.event_id = :venue AND o.kind = :kind GROUP BY o.body, o.node_id, n.name"
        ),
        {"venue": venue_id, "kind": OpKind.SIGN_IN.value},
    )
    found: dict[str, tuple[int, str]] = {}
    for row in rows:
        signed = decode_signed_in(row.body)
        if signed is not None:
            here = (int(row.last_ms), str(row.name))
            found[signed.person_id] = max(here, found.get(signed.person_id, here))
    return found


def add_to_staff(
    tx: Transaction,
    venue_id: str,
    person: Person,
    actor: Actor,
    *,
    password_hash: str,
    pin_hash: str,
) -> NotKept | None:
    """A new person; None when they are there now."""
    if tx.row("SELECT 1 FROM person WHERE login = :login", login=person.login) is not None:
        return NotKept.LOGIN_TAKEN
    add_person(tx, venue_id, person, password_hash=password_hash, pin_hash=pin_hash)
    told = {"login": person.login, **_told(person.name, person.role, person.scope)}
    note(tx, Deed.PERSON_ADDED, f"person:{person.id}", actor, after=told)
    return None


def change_person(
    tx: Transaction,
    venue_id: str,
    person_id: str,
    actor: Actor,
    *,
    name: str,
    role: PersonRole,
    scope: Scope,
) -> NotKept | None:
    """Another name, role or scope, from the next call on. A role without a PIN takes it away.

    So does becoming an agent, or another agency's, or none any more: machines of others have what
    the old PIN was checked with.
    """
    known = _find(tx, person_id)
    if known is None:
        return NotKept.UNKNOWN
    is_same, roles = (known.role, known.scope) == (role, scope), (known.role, role)
    if not is_same and (refused := _refusal(tx, known, actor, keeps=_keeps(role, scope))):
        return refused
    if is_same and known.name == name:
        return None
    tx.run(
        "UPDATE person SET name = :name, role = :role, scope_kind = :kind, scope_ids = :ids, "
        "pin_hash = CASE WHEN :pin = 1 THEN pin_hash ELSE '' END, rev = :rev WHERE id = :id",
        id=person_id,
        name=name,
        role=role.value,
        kind=scope.kind.value,
        ids=scope.ids_text,
        pin=int(works_by_pin(role, scope) and (is_same or PersonRole.AGENT not in roles)),
        rev=tx.next_rev(venue_id),
    )
    before, after = _told(known.name, known.role, known.scope), _told(name, role, scope)
    note(tx, Deed.PERSON_CHANGED, f"person:{person_id}", actor, before=before, after=after)
    return None


def switch_off(tx: Transaction, venue_id: str, person_id: str, actor: Actor) -> NotKept | None:
    """They may sign in nowhere; password, PIN, phone code and logins are gone."""
    known = _find(tx, person_id)
    if known is None or known.state != "active":
        return NotKept.UNKNOWN
    if refused := _refusal(tx, known, actor, keeps=False):
        return refused
    ended = end_other_logins(tx, person_id)
    end_second_factor(tx, person_id)
    tx.run(
        "UPDATE person SET state = 'left', password_hash = '', pin_hash = '', rev = :rev "
        "WHERE id = :id",
        id=person_id,
        rev=tx.next_rev(venue_id),
    )
    before, after = {"state": "active"}, {"state": "left", "logins_ended": ended}
    note(tx, Deed.PERSON_LEFT, f"person:{person_id}", actor, before=before, after=after)
    return None


def switch_on(tx: Transaction, venue_id: str, person_id: str, actor: Actor) -> NotKept | None:
    """They are back, with their role and without keys: those are made anew."""
    changed = tx.run(
        "UPDATE person SET state = 'active', rev = :rev WHERE id = :id AND state = 'left'",
        id=person_id,
        rev=tx.next_rev(venue_id),
    )
    if not changed:
        return NotKept.UNKNOWN
    before, after = {"state": "left"}, {"state": "active"}
    note(tx, Deed.PERSON_BACK, f"person:{person_id}", actor, before=before, after=after)
    return None


def renew_password(
    tx: Transaction, person_id: str, password_hash: str, actor: Actor
) -> NotKept | None:
    """A new password, made for somebody else; every login of theirs ends."""
    known = _find(tx, person_id)
    if known is None:
        return NotKept.UNKNOWN
    if known.id == actor.id:
        return NotKept.OWN
    if known.state != "active":
        return NotKept.SWITCHED_OFF
    put_password(tx, person_id, password_hash)
    note(tx, Deed.PASSWORD_CHANGED, f"person:{person_id}", actor)
    return None


def renew_pin(
    tx: Transaction, venue_id: str, person_id: str, pin_hash: str, actor: Actor
) -> NotKept | None:
    """A new PIN; windows and gates take it with their next contact."""
    known = _find(tx, person_id)
    if known is None:
        return NotKept.UNKNOWN
    if known.state != "active":
        return NotKept.SWITCHED_OFF
    if not works_by_pin(known.role, known.scope):
        return NotKept.NO_PIN
    tx.run(
        "UPDATE person SET pin_hash = :pin, rev = :rev WHERE id = :id",
        pin=pin_hash,
        rev=tx.next_rev(venue_id),
        id=person_id,
    )
    note(tx, Deed.PIN_CHANGED, f"person:{person_id}", actor)
    return None


def end_factor(tx: Transaction, person_id: str, actor: Actor) -> NotKept | None:
    """They lost the phone: the password alone is enough until they set up another."""
    if person_id == actor.id:
        return NotKept.OWN
    if not end_second_factor(tx, person_id):
        return NotKept.UNKNOWN
    note(tx, Deed.SECOND_FACTOR_ENDED, f"person:{person_id}", actor)
    return None


def end_logins_of(
    tx: Transaction, person_id: str, actor: Actor, *, login_id: str, kept: str
) -> int:
    """End one login of a person by its id, or with '' all but that of the session hash `kept`."""
    if login_id:
        ended = end_login(tx, person_id, login_id)
    else:
        ended = end_other_logins(tx, person_id, kept)
    if ended:
        note(tx, Deed.LOGINS_ENDED, f"person:{person_id}", actor, after={"count": ended})
    return ended


def _refusal(tx: Transaction, known: Person, actor: Actor, *, keeps: bool) -> NotKept | None:
    """Why the rights of somebody may not be changed; `keeps`: whether they would keep people."""
    if known.id == actor.id:
        return NotKept.OWN
    if _keeps(known.role, known.scope) and not keeps and not _other_keepers(tx, known.id):
        return NotKept.LAST_KEEPER
    return None


def _keeps(role: PersonRole, scope: Scope) -> bool:
    return scope.is_whole and role in _KEEPERS


def _other_keepers(tx: Transaction, person_id: str) -> int:
    rows: Sequence[Any] = tx.rows(
        "SELECT role FROM person WHERE state = 'active' AND id <> :id AND scope_kind = :whole",
        id=person_id,
        whole=ScopeKind.VENUE.value,
    )
    return sum(row.role in _KEEPERS for row in rows)


def _find(tx: Transaction, person_id: str) -> Person | None:
    row = tx.row(
        "SELECT id, login, name, role, state, scope_kind, scope_ids FROM person WHERE id = :id",
        id=person_id,
    )
    if row is None:
        return None
    scope = scope_of(row.scope_kind, row.scope_ids)
    return Person(row.id, row.login, row.name, PersonRole(row.role), row.state, scope)


def _told(name: str, role: PersonRole, scope: Scope) -> dict[str, object]:
    """A person's rights as the audit has them."""
    return {"name": name, "role": role, "scope": scope.kind, "of": sorted(scope.ids)}
