"""The console's page of windows and gates: a code for a new one, and shutting out one that is gone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from sync_server.commands import make_enrolment_code
from sync_server.handlers.state import CENTRE
from sync_server.services.permissions import NodeRole, PersonRole
from tests.integration.sync_server.conftest import Enrol
from tests.integration.sync_server.console_forms import (
    deeds,
    page_of,
    post,
    signed_in_as,
)
from tests.integration.sync_server.console_forms import (
    quick_passwords as quick_passwords,  # noqa: PLC0414 - a fixture
)
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest

Client = TestClient[Any, Any]
NODES = "/console/nodes"
ONE = f"{NODES}/one"
pytestmark = pytest.mark.usefixtures("quick_passwords")
CODE = re.compile(r'id="code">([A-Z2-7-]{39})<')


async def enrol_by_page(
    manager: PersonAtTest, password: str, **fields: str
) -> tuple[int, str, str]:
    """Ask for a code; the status, the page, and the code or ''."""
    asked = {"name": "Window 7", "role": "till", "minutes": "60", "own_password": password}
    status, page = await post(manager, f"{NODES}/enrol", {**asked, **fields})
    found = CODE.search(page)
    return status, page, found[1] if found else ""


async def gone(
    manager: PersonAtTest, node: NodeAtTest, how: str, password: str, reason: str = "a break-in"
) -> tuple[int, str]:
    fields = {"id": node.id, "how": how, "reason": reason, "own_password": password}
    return await post(manager, f"{ONE}/gone", fields)


def codes_made(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM enrolment")).scalar_one())


def pin_hashes(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT login, pin_hash FROM person WHERE pin_hash <> ''"))
    return {str(row[0]): str(row[1]) for row in rows}


# --- letting a machine in


async def test_a_code_of_the_page_lets_one_machine_in_once(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    status, page, code = await enrol_by_page(manager, house.password)
    assert status == 200
    assert '<svg viewBox="0 0 37 37" class="qr">' in page
    assert f"boxgate-pos enrol --server http://127.0.0.1:{client.port} {code}" in page
    assert "Window 7" in await page_of(client, NODES), "the list has the code that waits"
    async with await NodeAtTest(client).apply(code) as response:
        assert (response.status, (await response.json())["name"]) == (200, "Window 7")
    async with await NodeAtTest(client).apply(code) as response:
        assert response.status != 200
    (told,) = [
        e for e in await deeds(client, house, "enrol_code_made") if e["about"][5:] == "Window 7"
    ]
    assert told["actor"]["kind"] == "person"
    assert told["after"] == {"role": "till", "minutes": 60}
    assert code.replace("-", "")[:16] not in json.dumps(told)


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param({"own_password": "guess"}, 400, "own password is not right", id="guess"),
        pytest.param({"own_password": ""}, 400, "own password is not right", id="no password"),
        pytest.param({"name": "Window 2"}, 409, "of this name already", id="name taken"),
        pytest.param({"name": "W" * 41}, 400, "1 to 40 characters", id="name too long"),
        pytest.param({"name": " "}, 400, "1 to 40 characters", id="no name"),
        pytest.param({"role": "admin"}, 400, "what the form offers", id="no such role"),
        pytest.param({"minutes": "99999"}, 400, "what the form offers", id="for ever"),
    ],
)
async def test_without_what_it_takes_there_is_no_code(
    client: Client,
    house: HouseOnDisk,
    manager: PersonAtTest,
    changes: dict[str, str],
    status: int,
    said: str,
) -> None:
    before = await client.app[CENTRE].read(codes_made)
    given, page, code = await enrol_by_page(manager, house.password, **changes)
    assert (given, code, said in page) == (status, "", True)
    assert "data-live" not in page, "its address answers no look of the page's script"
    assert await client.app[CENTRE].read(codes_made) == before


async def test_what_was_typed_is_shown_as_text(manager: PersonAtTest) -> None:
    token = await manager.form_token("/console/me")
    fields = {"name": '"><script>x</script>', "role": "till", "minutes": "60", "form_token": token}
    async with await manager.post(f"{NODES}/enrol", fields) as response:
        assert "<script>x" not in await response.text()


async def test_another_machine_takes_the_place_of_a_broken_one(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, till: NodeAtTest
) -> None:
    fields = {"id": till.id, "minutes": "15"}
    status, _ = await post(manager, f"{ONE}/again", {**fields, "own_password": "guess"})
    assert status == 400
    status, page = await post(manager, f"{ONE}/again", {**fields, "own_password": house.password})
    found = CODE.search(page)
    assert status == 200
    assert found is not None
    heir = NodeAtTest(client)
    async with await heir.apply(found[1]) as response:
        assert (await response.json())["node_id"] == till.id
    assert (await till.call("GET", "/v1/pull?after=seaview:0"))[0] == 401
    told = (await deeds(client, house, "enrol_code_made"))[-1]
    assert told["after"] == {"role": "till", "minutes": 15, "again": True}


# --- a code that was shown and not used


WITHDRAW = re.compile(r'action="/console/nodes/withdraw">.*?name="code" value="([0-9a-f]{16})"')


async def waiting(client: Client) -> list[str]:
    """What names the codes that wait, as the list's forms have it."""
    return WITHDRAW.findall(await page_of(client, NODES))


async def test_a_withdrawn_code_lets_nobody_in_and_leaves_the_others(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    _, _, code = await enrol_by_page(manager, house.password, minutes="15")
    _, _, other = await enrol_by_page(manager, house.password, name="Window 8")
    first, second = await waiting(client)
    assert (await post(manager, f"{NODES}/withdraw", {"code": first}))[0] == 303
    assert await waiting(client) == [second]
    assert "Window 7" not in await page_of(client, NODES)
    async with await NodeAtTest(client).apply(code) as response:
        assert (await response.json())["code"] == "enrolment_code_expired"
    async with await NodeAtTest(client).apply(other) as response:
        assert response.status == 200
    (told,) = await deeds(client, house, "enrol_code_withdrawn")
    assert (told["actor"]["kind"], told["about"]) == ("person", "node:Window 7")
    assert told["before"] == {"role": "till"}


async def test_a_code_that_waits_no_more_is_not_withdrawn(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    _, _, code = await enrol_by_page(manager, house.password)
    (asked,) = await waiting(client)
    node = NodeAtTest(client)
    async with await node.apply(code) as response:
        assert response.status == 200
    for over in (asked, "0" * 16, "", "%", "' OR 1=1 --"):
        status, page = await post(manager, f"{NODES}/withdraw", {"code": over})
        assert (status, "waits no more" in page) == (409, True)
    async with await node.apply(code) as response:
        assert response.status == 200, "the machine that has it may ask again, if it heard nothing"
    assert await deeds(client, house, "enrol_code_withdrawn") == []


async def test_a_withdrawn_code_for_a_machine_leaves_the_machine_its_place(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, till: NodeAtTest
) -> None:
    fields = {"id": till.id, "minutes": "15", "own_password": house.password}
    await post(manager, f"{ONE}/again", fields)
    (asked,) = await waiting(client)
    assert (await post(manager, f"{NODES}/withdraw", {"code": asked}))[0] == 303
    assert (await till.call("GET", "/v1/pull?after=seaview:0"))[0] == 200
    (told,) = await deeds(client, house, "enrol_code_withdrawn")
    assert told["before"] == {"role": "till", "again": True}


# --- lost and stolen


async def test_a_stolen_till_is_shut_out_and_its_people_get_new_pins_shown_once(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, till: NodeAtTest
) -> None:
    before = await client.app[CENTRE].read(pin_hashes)
    status, page = await gone(manager, till, "stolen", house.password)
    shown = dict(
        re.findall(
            r'<td data-label="Login">([^<]+)</td><td class="[^"]+" data-label="[^"]+">([0-9]{6})<',
            page,
        )
    )
    assert (status, set(shown)) == (200, set(before))
    after = await client.app[CENTRE].read(pin_hashes)
    assert all(PasswordHasher().verify(after[login], pin) for login, pin in shown.items())
    assert not set(before.values()) & set(after.values())
    assert (await till.call("GET", "/v1/pull?after=seaview:0"))[0] == 401
    (told,) = await deeds(client, house, "node_revoked")
    assert (told["about"], told["reason"]) == (f"node:{till.id}", "a break-in")
    assert told["before"] == {"state": "active"}
    assert told["after"]["how"] == "stolen"
    assert not any(pin in json.dumps(told) for pin in shown.values())
    status, page = await gone(manager, till, "lost", house.password)
    assert (status, "shut out already" in page) == (409, True)


async def test_a_lost_gate_leaves_everybody_their_pin(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, gate: NodeAtTest
) -> None:
    before = await client.app[CENTRE].read(pin_hashes)
    for how, reason, password in (
        ("lost", "fell into the sea", "guess"),
        ("lost", " ", house.password),
        ("eaten", "by a dog", house.password),
    ):
        status, _ = await gone(manager, gate, how, password, reason)
        assert status == 400
    assert (await gate.call("GET", "/v1/pull?after=seaview:0"))[0] == 200
    status, page = await gone(manager, gate, "lost", house.password)
    assert (status, "New PIN" in page) == (200, False)
    assert await client.app[CENTRE].read(pin_hashes) == before
    assert (await gate.call("GET", "/v1/pull?after=seaview:0"))[0] == 401


# --- how they are


async def test_the_page_says_which_gates_do_not_know_a_till_and_which_version_is_too_old(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, enrol: Enrol
) -> None:
    gate = await enrol(NodeRole.GATE, "Gate 1")
    await enrol(NodeRole.TILL, "Window 1")
    assert "not known yet at Gate 1" in await page_of(client, NODES)
    _, said = await gate.call("GET", "/v1/pull?after=seaview:0")
    read_to = said["streams"]["seaview"]["next"]
    await gate.call("GET", f"/v1/pull?gen={said['gen']}&after=seaview:{read_to}")
    await client.app[CENTRE]._note_heard()
    page = await page_of(client, NODES)
    assert "not known yet" not in page
    assert "too old" not in page
    fields = {"version": "0.2", "own_password": house.password}
    assert (await post(manager, f"{NODES}/min-version", {**fields, "version": "new"}))[0] == 400
    assert (await post(manager, f"{NODES}/min-version", {**fields, "own_password": "x"}))[0] == 400
    assert (await post(manager, f"{NODES}/min-version", fields))[0] == 303
    page = await page_of(client, NODES)
    assert "too old" in page
    assert "served from version 0.2 on" in page
    assert (await gate.call("GET", "/v1/pull?after=seaview:0"))[0] == 426
    (told,) = await deeds(client, house, "min_version_set")
    assert (told["before"], told["after"]) == ({"version": ""}, {"version": "0.2"})
    assert (await post(manager, f"{NODES}/min-version", {**fields, "version": ""}))[0] == 303
    assert "Every version is served." in await page_of(client, NODES)


async def test_an_auditor_sees_the_machines_and_changes_nothing(
    client: Client, house: HouseOnDisk, till: NodeAtTest
) -> None:
    make_enrolment_code(house.settings, NodeRole.GATE, "Gate 9", 60)
    auditor = await signed_in_as(client, PersonRole.AUDITOR)
    one = f"{ONE}?id={till.id}"
    for path in (NODES, one):
        page = await page_of(client, path)
        assert "Window 1" in page
        assert "own_password" not in page
    assert "Gate 9" in await page_of(client, NODES)
    assert await waiting(client) == []
    keys = ("enrol", "withdraw", "min-version", "one/again", "one/gone")
    for path in (f"{NODES}/{each}" for each in keys):
        assert (await post(auditor, path, {"id": till.id, "how": "lost", "reason": "x"}))[0] == 403
    assert (await till.call("GET", "/v1/pull?after=seaview:0"))[0] == 200


async def test_a_machine_that_there_is_not_has_no_page(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    async with client.get(f"{ONE}?id=' OR 1=1 --") as response:
        assert response.status == 404
    fields = {"id": "f" * 16, "minutes": "15", "own_password": house.password}
    assert (await post(manager, f"{ONE}/again", fields))[0] == 404
