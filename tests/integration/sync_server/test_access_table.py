"""Every route as every role: what docs/access.md says is what the server does.

The handlers are taken out, so that what answers is the guard alone, and nothing else is changed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sync_server import access_table
from sync_server.access_table import ANYBODY, COLUMNS, NODES, YES
from sync_server.app import all_routes
from sync_server.handlers.routes import Route
from sync_server.handlers.state import CENTRE
from sync_server.services.people import Person, add_person
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.services.scopes import WHOLE_VENUE, Scope, ScopeKind
from sync_server.services.sessions import SessionLimits, begin_session, form_token
from tests.integration.sync_server.support import FORM_HEADERS, HouseOnDisk, NodeAtTest, app_of

FILE = Path(__file__).parents[3] / "docs/access.md"
LIMITS = SessionLimits(3_600_000, 3_600_000)
REACHED = 204
REFUSED = (401, 403)
ROW = re.compile(r"\| `(?P<route>[A-Z]+ \S+)`(?: \(page\))? \|(?P<cells>.*)\|")
PROVIDER = ("/provider", "/provider/back", "/provider/done")
Client = TestClient[Any, Any]


def told_by_the_file() -> dict[str, frozenset[str]]:
    """To whom each route opens, as docs/access.md says."""
    found = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if (row := ROW.fullmatch(line)) is not None:
            marks = [cell.strip() for cell in row["cells"].split("|")][-len(COLUMNS) :]
            found[row["route"]] = frozenset(
                column for column, mark in zip(COLUMNS, marks, strict=True) if mark == YES
            )
    return found


def test_the_table_is_the_codes() -> None:
    """When this is red: look at what the change opens, then make the file anew as its head says."""
    assert FILE.read_text(encoding="utf-8") == "\n".join(access_table.lines()) + "\n"


def test_the_table_has_every_route() -> None:
    assert set(told_by_the_file()) == {f"{each.method} {each.path}" for each in all_routes()}


def hollow(route: Route) -> Route:
    """The same route before a handler that says only that it was reached."""

    async def reached(_request: web.Request) -> web.Response:
        return web.Response(status=REACHED)

    return dataclasses.replace(route, handler=reached)


@pytest.fixture
async def hollowed(
    house: HouseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Client, list[Route]]]:
    routes = [hollow(route) for route in all_routes()]
    kept = {f"{route.method} {route.path}" for route in routes if route.path == "/v1/token"}
    real = [route for route in all_routes() if f"{route.method} {route.path}" in kept]
    enrolling = [route for route in all_routes() if route.path == "/v1/enrol"]
    put_in = [r for r in routes if r.path not in ("/v1/token", "/v1/enrol")]
    monkeypatch.setattr("sync_server.app.all_routes", lambda: [*put_in, *real, *enrolling])
    async with TestClient(TestServer(app_of(house))) as client:
        yield client, put_in


def person(role: PersonRole, scope: Scope = WHOLE_VENUE) -> Person:
    return Person(f"{role:.<16}"[:16], f"{role}.test", role, role, scope=scope)


async def headers_of(client: Client, column: str) -> dict[str, str]:
    if column == ANYBODY:
        return {}
    if column in NODES:
        node = await NodeAtTest(client).enrol(NodeRole(column), "of the table")
        return (await node.sign_in()).bearer
    return await signed_in(client, person(PersonRole(column)))


async def signed_in(client: Client, who: Person) -> dict[str, str]:
    def begin(tx: Any) -> str:
        add_person(tx, client.app[CENTRE].venue_id, who)
        return begin_session(tx, who.id, LIMITS)

    token = await client.app[CENTRE].write(begin)
    return {"Cookie": f"boxgate_session={token}"}


async def call(client: Client, route: Route, headers: dict[str, str]) -> int:
    """The status of a call with a form that is in order; 401 for being sent to the sign-in."""
    key, body = client.app[CENTRE].keys.cookie, None
    if route.page and route.method == "POST":
        token = headers.get("Cookie", "").partition("=")[2]
        if not token or route.path.startswith(
            "/console/login"
        ):  # bound to the visit, not to a session
            token = "0" * 43
            headers = {**headers, "Cookie": f"boxgate_visit={token}"}
            if not route.path.startswith("/console/login"):
                return await _status(client, route, headers, None)
        body, headers = f"form_token={form_token(key, token)}", {**headers, **FORM_HEADERS}
    return await _status(client, route, headers, body)


async def _status(client: Client, route: Route, headers: dict[str, str], body: str | None) -> int:
    path = re.sub(r"\{(\w+)[^}]*\}", "hamlet", route.path)
    async with client.request(
        route.method, path, headers=headers, data=body, allow_redirects=False
    ) as answer:
        return 401 if answer.status == 303 else answer.status


@pytest.mark.parametrize("column", COLUMNS)
async def test_every_route_opens_to_whom_the_table_says(
    hollowed: tuple[Client, list[Route]], column: str
) -> None:
    client, routes = hollowed
    headers, told = await headers_of(client, column), told_by_the_file()
    wrong = []
    for route in routes:
        name = f"{route.method} {route.path}"
        status = await call(client, route, headers)
        opens = column in told[name]
        if (status != REACHED) if opens else (status not in REFUSED):
            wrong.append(f"{name}: {status}, and the table says {'yes' if opens else 'no'}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", [ScopeKind.EVENT, ScopeKind.AGENCY])
async def test_a_role_for_a_part_of_the_house_opens_nothing_of_the_whole(
    hollowed: tuple[Client, list[Route]], kind: ScopeKind
) -> None:
    client, routes = hollowed
    narrow = await signed_in(client, person(PersonRole.MANAGER, Scope(kind, frozenset({"faust"}))))
    opened = {
        route.path
        for route in routes
        if route.path.startswith("/console/") and await call(client, route, narrow) == REACHED
    }
    signing_in = {f"/console/login{each}" for each in ("", "/code", *PROVIDER)}
    public = signing_in | {"/console/static/{name}"}
    own = {route.path for route in routes if route.reach == "own"}
    assert opened == public | own
