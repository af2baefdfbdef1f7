"""Every route says who may call it, and every role is what its permissions are."""

from __future__ import annotations

import pytest

from sync_server.app import all_routes
from sync_server.handlers.routes import Route
from sync_server.services.permissions import (
    FOR_NODES,
    NODE_PERMISSIONS,
    PERSON_PERMISSIONS,
    NodeRole,
    Permission,
    PersonRole,
    node_may,
    person_may,
)

# What anybody may call: a new one is a decision, so it has to be made here too.
OPEN_TO_ALL = {
    ("GET", "/"),
    ("GET", "/console"),
    ("GET", "/console/login"),
    ("POST", "/console/login"),
    ("POST", "/console/login/code"),
    ("GET", "/console/static/{name}"),
    ("GET", "/v1/about"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/console/login/provider"),
    ("GET", "/console/login/provider/back"),
    ("GET", "/console/login/provider/done"),
    ("POST", "/v1/enrol"),
    ("POST", "/v1/token"),
}


BODIES_MAX = {
    ("POST", "/console/plans/upload"): 20_000_000,
    ("POST", "/console/catalogue/upload"): 20_000_000,
}
"""Of the few routes that take more than a megabyte, from who is signed in and may."""


@pytest.mark.parametrize("route", all_routes(), ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_a_permission_and_limits(route: Route) -> None:
    assert isinstance(route.permission, Permission)
    most = BODIES_MAX.get((route.method, route.path), 1024 * 1024)
    assert 0 < route.body_bytes_max <= most
    assert most <= 1024 * 1024 or route.permission is not Permission.PUBLIC


def test_only_the_known_few_are_open_to_all() -> None:
    open_routes = {
        (route.method, route.path)
        for route in all_routes()
        if route.permission is Permission.PUBLIC
    }
    assert open_routes == OPEN_TO_ALL


def test_the_protocol_is_for_nodes_and_the_console_for_people() -> None:
    for route in all_routes():
        if route.permission is not Permission.PUBLIC:
            assert (route.permission in FOR_NODES) == route.path.startswith("/v1/"), route.path


def test_every_role_is_listed() -> None:
    assert set(NODE_PERMISSIONS) == set(NodeRole)
    assert set(PERSON_PERMISSIONS) == set(PersonRole)


def test_nobody_has_to_be_given_what_is_public() -> None:
    granted = [*NODE_PERMISSIONS.values(), *PERSON_PERMISSIONS.values()]
    assert all(Permission.PUBLIC not in each for each in granted)


def test_no_person_may_do_what_is_a_nodes() -> None:
    assert all(FOR_NODES.isdisjoint(each) for each in PERSON_PERMISSIONS.values())


@pytest.mark.parametrize(
    ("role", "permission", "expected"),
    [
        (NodeRole.TILL, Permission.TILL_ACQUIRE, True),
        (NodeRole.TILL, Permission.GATE_ADMIT, False),
        (NodeRole.GATE, Permission.GATE_ADMIT, True),
        (NodeRole.GATE, Permission.TILL_ACQUIRE, False),
        (NodeRole.TILL, Permission.TILL_REVOKE, True),
        (NodeRole.GATE, Permission.TILL_REVOKE, False),
        (NodeRole.TILL, Permission.TILL_HOLD, True),
        (NodeRole.GATE, Permission.TILL_HOLD, False),
        (NodeRole.GATE, Permission.CONSOLE_VIEW, False),
    ],
)
def test_a_node_may_do_what_its_machine_is_for(
    role: NodeRole, permission: Permission, *, expected: bool
) -> None:
    assert node_may(role, permission) is expected


@pytest.mark.parametrize(
    ("role", "permission", "expected"),
    [
        (PersonRole.MANAGER, Permission.BOOKS_READ, True),
        (PersonRole.AUDITOR, Permission.BOOKS_READ, True),
        (PersonRole.AUDITOR, Permission.NODES_ENROL, False),
        (PersonRole.AUDITOR, Permission.TILL_SIGN_IN, False),
        (PersonRole.CASHIER, Permission.TILL_SIGN_IN, True),
        (PersonRole.CASHIER, Permission.CONSOLE_VIEW, False),
        (PersonRole.SECURITY, Permission.CONSOLE_VIEW, False),
    ],
)
def test_a_person_may_do_what_their_role_is_for(
    role: PersonRole, permission: Permission, *, expected: bool
) -> None:
    assert person_may(role, permission) is expected
