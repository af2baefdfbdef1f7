"""Where a role holds: the whole house, some events, or some agencies. Pure.

A role says what, a scope says where. A person or a client of the interface has one of each, and
`Access` is both together. Whatever is asked about names its target; a target outside of the scope
is refused like a permission that the role does not list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sync_server.services.permissions import Permission, PersonRole, person_may

SCOPE_IDS_MAX = 200


class ScopeKind(StrEnum):
    """What kind of part of the house. Stored, never renamed."""

    VENUE = "venue"
    EVENT = "event"
    AGENCY = "agency"


class Reach(StrEnum):
    """What a route is about, and so how far its caller's scope has to reach."""

    HOUSE = "house"  # all of it: only who has the whole venue
    EVENT = "event"  # the event in its path
    AGENCY = "agency"  # an agency's own rows: the handler shows no others
    OWN = "own"  # the caller's own sign-in, whatever their scope


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the house. Of an event or agency scope only what `ids` names; no ids: nothing."""

    kind: ScopeKind = ScopeKind.VENUE
    ids: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole venue."""
        return self.kind is ScopeKind.VENUE

    def has_event(self, event_id: str) -> bool:
        """Whether the event lies in it."""
        return self.is_whole or (self.kind is ScopeKind.EVENT and event_id in self.ids)

    def has_agency(self, agency_id: str) -> bool:
        """Whether the agency lies in it."""
        return self.is_whole or (self.kind is ScopeKind.AGENCY and agency_id in self.ids)

    @property
    def ids_text(self) -> str:
        """The ids as the database keeps them."""
        return json.dumps(sorted(self.ids))


WHOLE_VENUE = Scope()


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may do, and where."""

    role: PersonRole
    scope: Scope = WHOLE_VENUE

    def may(self, permission: Permission, reach: Reach = Reach.HOUSE, event_id: str = "") -> bool:
        """Whether a route of this permission and reach opens; nothing that is not said opens."""
        if not person_may(self.role, permission):
            return False
        match reach:
            case Reach.HOUSE:
                return self.scope.is_whole
            case Reach.EVENT:
                return bool(event_id) and self.scope.has_event(event_id)
            case Reach.AGENCY:
                return self.scope.kind is not ScopeKind.EVENT
            case Reach.OWN:
                return True


def scope_of(kind: str, ids_text: str) -> Scope:
    """A scope as the database keeps it. Raises ValueError for one that is none."""
    ids = json.loads(ids_text)
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise ValueError("a scope's ids must be texts")
    return Scope(ScopeKind(kind), frozenset(ids))


def narrowed(events: Iterable[str], agencies: Iterable[str]) -> Scope:
    """A scope by what was asked for: nothing is the whole venue. Raises ValueError for both."""
    events, agencies = frozenset(events), frozenset(agencies)
    if events and agencies:
        raise ValueError("a role holds for events or for agencies, not for both")
    if events:
        return Scope(ScopeKind.EVENT, events)
    return Scope(ScopeKind.AGENCY, agencies) if agencies else WHOLE_VENUE
