"""Which passwords are taken, and changing one."""

from __future__ import annotations

from enum import StrEnum

from sync_server.services.people import PASSWORD_CHARS_MAX
from sync_server.store.writer import Transaction

PASSWORD_CHARS_MIN = 12
_DISTINCT_MIN = 5


class PasswordFault(StrEnum):
    """Why a new password is not taken."""

    LENGTH = "password_length"
    GUESSABLE = "password_guessable"  # the login, or few characters again and again
    SAME = "password_same"


def fault_of_password(new: str, *, login: str, old: str = "") -> PasswordFault | None:
    """None when it may be somebody's password. Any character counts; there are no other rules."""
    if not PASSWORD_CHARS_MIN <= len(new) <= PASSWORD_CHARS_MAX:
        return PasswordFault.LENGTH
    if new == old:
        return PasswordFault.SAME
    lowered = new.casefold()
    if len(set(lowered)) < _DISTINCT_MIN or login.casefold() in lowered:
        return PasswordFault.GUESSABLE
    return None


def put_password(tx: Transaction, person_id: str, password_hash: str, *, kept: str = "") -> None:
    """A new password ends every login of the person but the one of the session hash `kept`."""
    tx.run(
        "UPDATE person SET password_hash = :hash WHERE id = :id", hash=password_hash, id=person_id
    )
    tx.run(
        "DELETE FROM console_session WHERE person_id = :id AND token_hash <> :kept",
        id=person_id,
        kept=kept,
    )
