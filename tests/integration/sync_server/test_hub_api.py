"""What the centre takes from a hub: the word of nodes that joined by it, and of no others."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from sync_server import commands
from sync_server.handlers.middlewares import FOR_NODE
from sync_server.handlers.state import CENTRE
from sync_server.services.agencies import NotChanged, add_agency
from sync_server.services.audit import UNKNOWN
from sync_server.services.enrolment import add_code, new_code
from sync_server.services.permissions import NodeRole
from tests.integration.sync_server.conftest import Client, Enrol
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest
from ticketing.journal import ROOT_HASH

EVENT = "swan-lake"


@pytest.fixture
async def hub(enrol: Enrol) -> NodeAtTest:
    return await enrol(NodeRole.HUB, "Hub 1")


async def join(
    client: Client, house: HouseOnDisk, hub: NodeAtTest, role: NodeRole, name: str
) -> tuple[int, dict[str, Any]]:
    """A machine that shows its code to the hub."""
    code = commands.make_enrolment_code(house.settings, role, name, 60)
    return await hub.call("POST", "/v1/below/enrol", NodeAtTest(client).application(code.text))


async def call_for(hub: NodeAtTest, node_id: str, path: str, body: object) -> tuple[int, Any]:
    headers = hub.bearer | {FOR_NODE: node_id}
    async with hub.client.post(path, headers=headers, json=body) as response:
        return response.status, (await response.json()).get("code")


def greeting() -> dict[str, object]:
    return {"proto": [1], "now_ms": 1, "unsynced": 0, "journals": [], "gen": ""}


def granted(node_id: str) -> dict[str, object]:
    entry = {"op": secrets.token_hex(16), "node": node_id, "ticket": secrets.token_hex(8)}
    return {"entries": [entry | {"p": 1, "u": 1, "lane": "Left", "at_ms": 5, "type": 1}]}


def heard(client: Client, node_id: str, **changes: object) -> dict[str, object]:
    node = {"id": node_id, "ago_ms": 10, "unsynced": 3, "version": "0.1.0", "clock_off_ms": 7}
    gen = client.app[CENTRE].generation.short
    return {"gen": gen, "nodes": [node | {"cursors": {EVENT: 1}} | changes]}


async def test_a_hub_speaks_for_the_gates_that_joined_by_it(
    client: Client, house: HouseOnDisk, hub: NodeAtTest
) -> None:
    status, made = await join(client, house, hub, NodeRole.GATE, "Gate 1")
    assert (status, made["role"]) == (200, "gate")
    node_id = made["node_id"]
    assert await call_for(hub, node_id, "/v1/hello", greeting()) == (200, None)
    assert (await hub.call("POST", f"/v1/e/{EVENT}/granted", granted(node_id)))[1] == {"taken": 1}
    assert (await hub.call("POST", "/v1/below/heard", heard(client, node_id)))[1] == {"noted": 1}
    listed = client.app[CENTRE].nodes.get(node_id)
    assert listed is not None
    assert listed.hub == hub.id


async def test_and_for_nobody_else(
    client: Client, house: HouseOnDisk, hub: NodeAtTest, gate: NodeAtTest, enrol: Enrol
) -> None:
    refused = (403, "not_below_you")
    other = await enrol(NodeRole.HUB, "Hub 2")
    _status, made = await join(client, house, other, NodeRole.GATE, "Gate 2")
    for node_id in (gate.id, made["node_id"], hub.id, "0" * 16):
        assert await call_for(hub, node_id, "/v1/hello", greeting()) == refused
        for path, body in (
            (f"/v1/e/{EVENT}/granted", granted(node_id)),
            ("/v1/below/heard", heard(client, node_id)),
        ):
            status, told = await hub.call("POST", path, body)
            assert (status, told["code"]) == refused
    assert await call_for(gate, gate.id, "/v1/hello", greeting()) == refused, "no hub at all"


async def test_a_hub_has_a_gates_rights_in_its_name_and_no_more(
    client: Client, house: HouseOnDisk, hub: NodeAtTest
) -> None:
    _status, made = await join(client, house, hub, NodeRole.GATE, "Gate 1")
    for path in (f"/v1/e/{EVENT}/acquire", f"/v1/e/{EVENT}/revoke", "/v1/below/enrol"):
        assert await call_for(hub, made["node_id"], path, {}) == (403, "forbidden")
    for path in (f"/v1/e/{EVENT}/push", f"/v1/e/{EVENT}/admit"):
        status, told = await hub.call("POST", path, {})
        assert (status, told["code"]) == (403, "forbidden")


async def test_no_hub_joins_by_a_hub(client: Client, house: HouseOnDisk, hub: NodeAtTest) -> None:
    status, told = await join(client, house, hub, NodeRole.HUB, "Hub 2")
    assert (status, told["code"]) == (409, "not_below_hub")


async def test_no_agencys_window_joins_by_a_hub(client: Client, hub: NodeAtTest) -> None:
    """A hub has every order of the house, and lends without asking how much an agency may have."""
    centre = client.app[CENTRE]
    agency_id = await centre.write(lambda tx: add_agency(tx, "North Travel", UNKNOWN))
    assert not isinstance(agency_id, NotChanged)
    code = new_code(centre.keys.node_public)
    await centre.write(
        lambda tx: add_code(tx, code.secret, NodeRole.TILL, "North desk", 60, agency_id)
    )
    window = NodeAtTest(client)
    applied = window.application(code.text)
    status, told = await hub.call("POST", "/v1/below/enrol", applied)
    assert (status, told["code"]) == (409, "not_below_hub")
    async with await window.apply(code.text) as response:
        assert response.status == 200, "the code is not spent: at the centre it is good"


async def test_a_hub_is_lent_something_and_gives_it_back(hub: NodeAtTest) -> None:
    wish = {"req": "ab" * 16, "performance": 1, "count": 8}
    status, lent = await hub.call("POST", f"/v1/e/{EVENT}/acquire", wish)
    assert (status, lent["allotment"]["inc"]) == (200, 1)
    told = {"gen": lent["gen"], "allotments": [lent["allotment"]["id"]]}
    path = f"/v1/e/{EVENT}/unlent"
    for taken in (1, 0):
        assert await hub.call("POST", path, told) == (200, {"taken": taken})
    for wrong in ({"gen": "x"}, {"allotments": ["x"]}, {"allotments": 3}):
        assert (await hub.call("POST", path, told | wrong))[0] == 400


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ago_ms": -1}, id="age below nothing"),
        pytest.param({"unsynced": "3"}, id="count as text"),
        pytest.param({"version": "a\nb"}, id="version on two lines"),
        pytest.param({"clock_off_ms": 2**60}, id="clock out of all bounds"),
        pytest.param({"cursors": {EVENT: -1}}, id="cursor below nothing"),
        pytest.param({"cursors": [1]}, id="cursors as a list"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: Client, house: HouseOnDisk, hub: NodeAtTest, changes: dict[str, object]
) -> None:
    _status, made = await join(client, house, hub, NodeRole.GATE, "Gate 1")
    body = heard(client, made["node_id"], **changes)
    status, told = await hub.call("POST", "/v1/below/heard", body)
    assert (status, told["code"]) == (400, "malformed")
    wrong = granted(made["node_id"])
    wrong["entries"][0]["p"] = -1  # type: ignore[index]
    status, told = await hub.call("POST", f"/v1/e/{EVENT}/granted", wrong)
    assert (status, told["code"]) == (400, "malformed")


async def test_a_journal_is_passed_on_by_its_own_chain(
    client: Client, house: HouseOnDisk, hub: NodeAtTest
) -> None:
    _status, made = await join(client, house, hub, NodeRole.GATE, "Gate 1")
    op = [1, secrets.token_hex(16), "entry", 1, 5, "{}", "f" * 64]
    body = {"inc": 1, "first": 1, "prev": ROOT_HASH, "ops": [op], "unsynced": 1}
    answer = await call_for(hub, made["node_id"], f"/v1/e/{EVENT}/push", body)
    assert answer == (400, "broken_chain")
