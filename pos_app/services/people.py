"""Signing in with a PIN. A PIN opens a till and nothing else; wrong tries survive a restart."""

from __future__ import annotations

from edge import pins
from edge.pins import LOCKED_OUT_S as LOCKED_OUT_S  # noqa: PLC0414 - told on
from edge.pins import PIN_DIGITS_MAX as PIN_DIGITS_MAX  # noqa: PLC0414 - told on
from edge.pins import TRIES_MAX as TRIES_MAX  # noqa: PLC0414 - told on
from edge.replica import Replica
from pos_app.services.model import Person, SignInRefusal, SignInRefused
from ticketing.pricing import Role

_DECIDING = ("manager", "supervisor", "cashier")
_ROLES = (*_DECIDING, "agent")


def people(replica: Replica) -> tuple[Person, ...]:
    """Who may sign in at a till, by name."""
    found = pins.accounts(replica, _ROLES)
    return tuple(Person(account.id, account.name, account.role) for account in found)


def role_of(person: Person | None) -> Role:
    """What somebody may decide about prices; an agent or nobody no more than a cashier."""
    return Role(person.role) if person and person.role in _DECIDING else Role.CASHIER


def check_pin(replica: Replica, person_id: str, pin: str, now_ms: int) -> Person | SignInRefused:
    """Check one try and count it. Takes as long as the verifier wants, right or wrong."""
    checked = pins.check_pin(replica, person_id, pin, now_ms, _ROLES)
    if isinstance(checked, pins.PinRefused):
        reason = SignInRefusal(checked.reason.value)
        return SignInRefused(reason, checked.tries_left, checked.wait_s)
    return Person(checked.id, checked.name, checked.role)
