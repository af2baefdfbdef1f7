"""What the forms about people bring: a name, a role, and where it holds."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sync_server.console.key_words import Fault
from sync_server.services.people import LOGIN_CHARS_MAX, fits
from sync_server.services.permissions import PersonRole
from sync_server.services.scopes import SCOPE_IDS_MAX, Scope, ScopeKind
from ticketing.operations import is_name

EVENT_FIELD, AGENCY_FIELD = "event.", "agency."
"""A box that is ticked: this, and behind it the event's or agency's id."""
_LOGIN = re.compile(r"[\w.@+-]+")


@dataclass(frozen=True, slots=True)
class Rights:
    """A name, a role, and where it holds."""

    name: str
    role: PersonRole
    scope: Scope


def read_login(form: Mapping[str, str]) -> str | Fault:
    """What they will sign in with: one word."""
    login = form.get("login", "").strip()
    fits = len(login) <= LOGIN_CHARS_MAX and _LOGIN.fullmatch(login) is not None
    return login if fits else Fault.LOGIN


def read_rights(form: Mapping[str, str], agencies: Collection[str]) -> Rights | Fault:
    """Name, role and scope, or the first thing that is wrong with them.

    `agencies`: the ids of those that there are.
    """
    name = form.get("name", "").strip()
    if not is_name(name):
        return Fault.PERSON_NAME
    if form.get("role") not in set(PersonRole):
        return Fault.UNKNOWN_CHOICE
    role, scope = PersonRole(form["role"]), _scope(form, agencies)
    if isinstance(scope, Fault):
        return scope
    return Rights(name, role, scope) if fits(role, scope) else Fault.AGENT_SCOPE


def ticked(form: Mapping[str, str], field: str) -> frozenset[str]:
    """What the ticked boxes of a kind name."""
    return frozenset(key.removeprefix(field) for key in form if key.startswith(field))


def _scope(form: Mapping[str, str], agencies: Collection[str]) -> Scope | Fault:
    kind = form.get("scope", "")
    if kind not in set(ScopeKind):
        return Fault.UNKNOWN_CHOICE
    if kind == ScopeKind.VENUE:
        return Scope()
    if kind == ScopeKind.EVENT:
        ids = ticked(form, EVENT_FIELD)
    else:
        ids = ticked(form, AGENCY_FIELD)
        if not ids <= frozenset(agencies):
            return Fault.UNKNOWN_CHOICE
    if not ids or len(ids) > SCOPE_IDS_MAX or not all(is_name(each) for each in ids):
        return Fault.SCOPE
    return Scope(ScopeKind(kind), ids)
