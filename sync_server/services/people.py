"""People: who they are, what they sign in with, and that the house feed tells nodes of them."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sync_server.services.permissions import Permission, PersonRole, person_may
from sync_server.services.scopes import WHOLE_VENUE, Access, Scope, ScopeKind
from sync_server.store.writer import Transaction

LOGIN_CHARS_MAX = 64
PASSWORD_CHARS_MAX = 256
PIN_DIGITS = 6

# RFC 9106, section 4, second recommended option: t=3, p=4, 64 MiB.
_PASSWORDS = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
# Tills check PINs offline on small machines: about 50 ms on one core. Six digits are few, so the
# till counts failures; this only makes a stolen copy slower to try.
_PINS = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# No 0/o, 1/l/i: a password is read from a screen or a slip of paper.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_CHARS = 4, 4


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the house. `name` is for screens; logs say the id."""

    id: str
    login: str
    name: str
    role: PersonRole
    state: Literal["active", "left"] = "active"
    scope: Scope = WHOLE_VENUE

    @property
    def access(self) -> Access:
        """What they may do, and where."""
        return Access(self.role, self.scope)


def works_by_pin(role: PersonRole, scope: Scope) -> bool:
    """Whether such a person has a PIN: windows and gates know roles and no scopes.

    An agent's goes to the windows of the own agency, and to no other machine.
    """
    if role is PersonRole.AGENT:
        return fits(role, scope)
    by_pin = (Permission.TILL_SIGN_IN, Permission.GATE_SIGN_IN)
    return scope.is_whole and any(person_may(role, each) for each in by_pin)


def fits(role: PersonRole, scope: Scope) -> bool:
    """Whether the role can hold there: an agent is always one of certain agencies."""
    return role is not PersonRole.AGENT or (scope.kind is ScopeKind.AGENCY and bool(scope.ids))


def random_password() -> str:
    """16 characters of 31, in groups of four: 79 bits."""
    groups = [
        "".join(secrets.choice(_LETTERS) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS)
    ]
    return "-".join(groups)


def random_pin(taken: Collection[str] = ()) -> str:
    """Six digits, none of `taken`, and neither all the same nor a plain run."""
    while True:
        pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
        if pin not in taken and not is_guessable(pin):
            return pin


def is_guessable(pin: str) -> bool:
    """Whether a PIN is one that people try first: 111111, 123456, 987654."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, 9}


def hash_password(password: str) -> str:
    """Argon2id, for a check in the server: tens of milliseconds and 64 MiB."""
    return _PASSWORDS.hash(password)


def hash_pin(pin: str) -> str:
    """The verifier that tills get: argon2id, lighter than a password's."""
    return _PINS.hash(pin)


def is_password(password_hash: str, password: str) -> bool:
    """Whether the password is right. Takes as long where there is no hash to compare with."""
    try:
        _PASSWORDS.verify(password_hash or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return True


def add_person(
    tx: Transaction,
    venue_id: str | None,
    person: Person,
    *,
    password_hash: str = "",
    pin_hash: str = "",
) -> None:
    """Add a person to the house. Without a venue yet, they join its feed when it is imported."""
    tx.run(
        "INSERT INTO person (id, login, name, role, password_hash, pin_hash, state, scope_kind, "
        "scope_ids, rev) VALUES (:id, :login, :name, :role, :password, :pin, :state, :kind, :ids, "
        ":rev)",
        id=person.id,
        login=person.login,
        name=person.name,
        role=person.role,
        password=password_hash,
        pin=pin_hash,
        state=person.state,
        kind=person.scope.kind,
        ids=person.scope.ids_text,
        rev=tx.next_rev(venue_id) if venue_id else 0,
    )


def new_person_id() -> str:
    """8 random bytes in hex."""
    return secrets.token_hex(8)


@cache
def _hash_of_nobody() -> str:
    """A real hash that no password has: checking against it takes the time of a real check."""
    return _PASSWORDS.hash(secrets.token_hex(16))
