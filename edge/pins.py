"""PINs: checked here, offline, by verifiers that the house feed brought. Wrong tries survive a restart.

A PIN opens the program it is typed into and nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from edge.journal import Unit
from edge.replica import Replica

TRIES_MAX = 5
LOCKED_OUT_S = 300
PIN_DIGITS_MAX = 12


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody of the house who has a PIN. `verifier` is its hash: never shown, never logged."""

    id: str
    name: str
    role: str
    verifier: str


class PinRefusal(StrEnum):
    """Why a PIN opened nothing."""

    WRONG_PIN = "wrong_pin"
    LOCKED_OUT = "locked_out"  # too many wrong PINs; `wait_s` says for how long
    NOT_ALLOWED = "not_allowed"  # nobody of these roles, or not any more


@dataclass(frozen=True, slots=True)
class PinRefused:
    """Nothing was opened."""

    reason: PinRefusal
    tries_left: int = 0
    wait_s: int = 0


def accounts(replica: Replica, roles: Collection[str]) -> list[Account]:
    """Who of these roles has a PIN and is still with the house, by name."""
    with replica.mirror.reading() as connection:
        rows = connection.execute(
            "SELECT id, name, role, pin FROM person WHERE state = 'active' AND pin <> '' "
            "ORDER BY name, id"
        ).fetchall()
    found = (Account(row["id"], row["name"], row["role"], row["pin"]) for row in rows)
    return [account for account in found if account.role in roles]


def check_pin(
    replica: Replica, person_id: str, pin: str, now_ms: int, roles: Collection[str]
) -> Account | PinRefused:
    """Check one try and count it. Takes as long as the verifier wants, right or wrong."""
    account = next((a for a in accounts(replica, roles) if a.id == person_id), None)
    if account is None:
        return PinRefused(PinRefusal.NOT_ALLOWED)
    wait_s = replica.transact(lambda unit: _begin_try(unit, person_id, now_ms))
    if wait_s:
        return PinRefused(PinRefusal.LOCKED_OUT, wait_s=wait_s)
    if _is_right(account.verifier, pin):
        replica.transact(lambda unit: _forget_tries(unit, person_id))
        return account
    left = TRIES_MAX - _tries(replica, person_id)
    if left <= 0:
        return PinRefused(PinRefusal.LOCKED_OUT, wait_s=LOCKED_OUT_S)
    return PinRefused(PinRefusal.WRONG_PIN, tries_left=left)


def _is_right(verifier: str, pin: str) -> bool:
    if not (pin.isascii() and pin.isdigit() and len(pin) <= PIN_DIGITS_MAX):
        return False
    try:
        return PasswordHasher().verify(verifier, pin)
    except (Argon2Error, InvalidHashError):
        return False


def _begin_try(unit: Unit, person_id: str, now_ms: int) -> int:
    """Count a try before it is judged, so that pulling the plug gives no free one.

    Seconds to wait when there were too many. A clock that was set back since neither ends that
    wait nor makes it longer than it is: it begins again.
    """
    row = _row(unit, person_id)
    if row is not None and row["tries"] >= TRIES_MAX:
        passed_s = (now_ms - row["last_ms"]) // 1000
        if passed_s < 0:
            unit.execute(
                "UPDATE pin_failure SET last_ms = ? WHERE person_id = ?", (now_ms, person_id)
            )
            return LOCKED_OUT_S
        if passed_s < LOCKED_OUT_S:
            return int(LOCKED_OUT_S - passed_s)
        _forget_tries(unit, person_id)
    unit.execute(
        "INSERT INTO pin_failure (person_id, tries, last_ms) VALUES (?, 1, ?) "
        "ON CONFLICT (person_id) DO UPDATE SET tries = tries + 1, last_ms = excluded.last_ms",
        (person_id, now_ms),
    )
    return 0


def _forget_tries(unit: Unit, person_id: str) -> None:
    unit.execute("DELETE FROM pin_failure WHERE person_id = ?", (person_id,))


def _tries(replica: Replica, person_id: str) -> int:
    with replica.reading() as connection:
        row = _row(connection, person_id)
    return int(row["tries"]) if row else 0


def _row(connection: sqlite3.Connection, person_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(
        "SELECT tries, last_ms FROM pin_failure WHERE person_id = ?", (person_id,)
    ).fetchone()
    return row
