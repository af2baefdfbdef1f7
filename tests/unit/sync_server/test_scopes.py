"""A role holds where its scope says, and nowhere else."""

from __future__ import annotations

import pytest

from sync_server.services.permissions import Permission, PersonRole
from sync_server.services.scopes import (
    WHOLE_VENUE,
    Access,
    Reach,
    Scope,
    ScopeKind,
    narrowed,
    scope_of,
)

EVENT = Scope(ScopeKind.EVENT, frozenset({"hamlet", "faust"}))
AGENCY = Scope(ScopeKind.AGENCY, frozenset({"north"}))
NOTHING = Scope(ScopeKind.EVENT)


@pytest.mark.parametrize(
    ("scope", "reach", "event", "expected"),
    [
        pytest.param(WHOLE_VENUE, Reach.HOUSE, "", True, id="the venue, the house"),
        pytest.param(WHOLE_VENUE, Reach.EVENT, "hamlet", True, id="the venue, an event"),
        pytest.param(WHOLE_VENUE, Reach.EVENT, "", False, id="an event that nobody names"),
        pytest.param(EVENT, Reach.HOUSE, "", False, id="an event's, the house"),
        pytest.param(EVENT, Reach.HOUSE, "hamlet", False, id="an event's, the house by an event"),
        pytest.param(EVENT, Reach.EVENT, "hamlet", True, id="an event's, that event"),
        pytest.param(EVENT, Reach.EVENT, "medea", False, id="an event's, another event"),
        pytest.param(EVENT, Reach.EVENT, "hamle", False, id="an event's, half of its name"),
        pytest.param(EVENT, Reach.AGENCY, "", False, id="an event's, an agency"),
        pytest.param(NOTHING, Reach.EVENT, "hamlet", False, id="no event's, an event"),
        pytest.param(AGENCY, Reach.HOUSE, "", False, id="an agency's, the house"),
        pytest.param(AGENCY, Reach.EVENT, "north", False, id="an agency's, an event of its name"),
        pytest.param(AGENCY, Reach.AGENCY, "", True, id="an agency's, its own rows"),
        pytest.param(NOTHING, Reach.OWN, "", True, id="no event's, the own account"),
    ],
)
def test_a_route_opens_as_far_as_the_scope_reaches(
    scope: Scope, reach: Reach, event: str, *, expected: bool
) -> None:
    access = Access(PersonRole.MANAGER, scope)
    assert access.may(Permission.BOOKS_READ, reach, event) is expected


@pytest.mark.parametrize("reach", list(Reach))
def test_the_widest_scope_gives_no_permission_that_the_role_does_not_list(reach: Reach) -> None:
    assert not Access(PersonRole.CASHIER).may(Permission.BOOKS_READ, reach, "hamlet")


def test_an_agency_is_reached_by_its_own_name_only() -> None:
    assert AGENCY.has_agency("north")
    assert not AGENCY.has_agency("south")
    assert not EVENT.has_agency("hamlet")


@pytest.mark.parametrize("scope", [WHOLE_VENUE, EVENT, AGENCY, NOTHING])
def test_a_scope_is_read_as_it_was_kept(scope: Scope) -> None:
    assert scope_of(scope.kind, scope.ids_text) == scope


@pytest.mark.parametrize(
    ("kind", "ids"), [("planet", "[]"), ("event", "{}"), ("event", "[7]"), ("event", "x")]
)
def test_a_scope_that_cannot_be_read_opens_nothing(kind: str, ids: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        scope_of(kind, ids)


def test_no_names_are_the_whole_venue_and_two_kinds_are_refused() -> None:
    assert narrowed([], []) == WHOLE_VENUE
    assert narrowed(["hamlet", "faust"], []) == EVENT
    assert narrowed([], ["north"]) == AGENCY
    with pytest.raises(ValueError, match="not for both"):
        narrowed(["hamlet"], ["north"])
