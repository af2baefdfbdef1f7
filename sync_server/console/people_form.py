"""What the forms about people bring: a name, a role, and where it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sync_server.console.key_words import Fault
from sync_server.services.people import LOGIN_CHARS_MAX
from sync_server.services.permissions import PersonRole
from sync_server.services.scopes import SCOPE_IDS_MAX, Scope, ScopeKind
from ticketing.operations import is_name

EVENT_FIELD = "event."
"""A box that is ticked: this, and behind it the event's id."""
_APART = re.compile(r"[\s,，、;；]+")
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


def read_rights(form: Mapping[str, str]) -> Rights | Fault:
    """Name, role and scope, or the first thing that is wrong with them."""
    name = form.get("name", "").strip()
    if not is_name(name):
        return Fault.PERSON_NAME
    if form.get("role") not in set(PersonRole):
        return Fault.UNKNOWN_CHOICE
    scope = _scope(form)
    return scope if isinstance(scope, Fault) else Rights(name, PersonRole(form["role"]), scope)


def _scope(form: Mapping[str, str]) -> Scope | Fault:
    kind = form.get("scope", "")
    if kind not in set(ScopeKind):
        return Fault.UNKNOWN_CHOICE
    if kind == ScopeKind.VENUE:
        return Scope()
    if kind == ScopeKind.EVENT:
        ids = {key.removeprefix(EVENT_FIELD) for key in form if key.startswith(EVENT_FIELD)}
    else:
        ids = {each for each in _APART.split(form.get("agencies", "")) if each}
    if not ids or len(ids) > SCOPE_IDS_MAX or not all(is_name(each) for each in ids):
        return Fault.SCOPE
    return Scope(ScopeKind(kind), frozenset(ids))
