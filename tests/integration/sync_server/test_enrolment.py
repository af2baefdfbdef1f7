"""Enrolment over HTTP: a one-time code for a key, and every way it is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server import commands
from sync_server.handlers.state import CENTRE
from sync_server.services.permissions import NodeRole
from sync_server.store.writer import Transaction
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest
from ticketing.keys import fingerprint, is_signed, node_key_message, public_of

Client = TestClient[Any, Any]


def code_for(house: HouseOnDisk, name: str = "Window 1", role: NodeRole = NodeRole.TILL) -> str:
    return commands.make_enrolment_code(house.settings, role, name, 60).text


async def problem_code(node: NodeAtTest, code: str, **changes: object) -> str:
    async with await node.apply(code, **changes) as response:
        assert response.content_type == "application/problem+json"
        problem = await response.json()
    assert problem["status"] == response.status
    return str(problem["code"])


async def change(client: Client, sql: str, **values: object) -> None:
    await client.app[CENTRE].write(lambda tx: tx.run(sql, **values))


async def test_a_machine_becomes_a_node_that_the_server_vouches_for(
    client: Client, house: HouseOnDisk
) -> None:
    code = code_for(house)
    node = NodeAtTest(client)
    async with await node.apply(code) as response:
        assert response.status == 200
        reply = await response.json()
    centre = client.app[CENTRE]
    assert (reply["role"], reply["name"]) == ("till", "Window 1")
    assert (reply["venue_id"], reply["issuer"]) == ("seaview", "boxgate:seaview")
    assert reply["generation"] == centre.generation.short
    server_key = bytes.fromhex(reply["server_key"])
    message = node_key_message(reply["node_id"], "till", public_of(node.private))
    assert is_signed(server_key, bytes.fromhex(reply["key_signature"]), message)


def test_a_code_carries_the_fingerprint_of_the_servers_key(house: HouseOnDisk) -> None:
    opened = commands.open_house(house.settings)
    opened.engine.dispose()
    compact = code_for(house).replace("-", "")
    assert len(compact) == 32
    assert base64.b32decode(compact[16:]) == fingerprint(opened.keys.node_public)


async def test_only_a_hash_of_the_secret_is_kept(client: Client, house: HouseOnDisk) -> None:
    secret = code_for(house).replace("-", "")[:16]
    rows = await client.app[CENTRE].write(lambda tx: tx.rows("SELECT * FROM enrolment"))
    assert len(rows) == 1
    assert secret not in str(rows)


async def test_a_lost_reply_can_be_asked_for_again(client: Client, house: HouseOnDisk) -> None:
    code, node = code_for(house), NodeAtTest(client)
    replies = []
    for _ in range(2):
        async with await node.apply(code) as response:
            replies.append(await response.json())
    assert replies[0] == replies[1]


async def test_the_house_feed_tells_of_the_new_node(client: Client) -> None:
    def read(tx: Transaction) -> tuple[int, int]:
        head = tx.row("SELECT head FROM stream WHERE event_id = 'seaview'")
        newest = tx.row("SELECT max(rev) FROM node")
        assert head is not None
        assert newest is not None
        return int(head[0]), int(newest[0])

    before, _ = await client.app[CENTRE].write(read)
    await NodeAtTest(client).enrol(NodeRole.GATE, "Gate 1")
    after, newest = await client.app[CENTRE].write(read)
    assert after == newest == before + 1


async def test_a_code_works_for_one_machine_only(client: Client, house: HouseOnDisk) -> None:
    code = code_for(house)
    async with await NodeAtTest(client).apply(code) as response:
        assert response.status == 200
    assert await problem_code(NodeAtTest(client), code) == "enrolment_code_used"


async def test_an_unknown_code_is_refused(client: Client) -> None:
    assert await problem_code(NodeAtTest(client), "A" * 32) == "enrolment_code_wrong"


async def test_an_expired_code_is_refused(client: Client, house: HouseOnDisk) -> None:
    code = code_for(house)
    await change(client, "UPDATE enrolment SET expires_ms = 1")
    assert await problem_code(NodeAtTest(client), code) == "enrolment_code_expired"


async def test_a_code_for_a_till_makes_no_gate_and_stays_good(
    client: Client, house: HouseOnDisk
) -> None:
    code, node = code_for(house), NodeAtTest(client)
    assert await problem_code(node, code, role="gate") == "enrolment_code_other_role"
    async with await node.apply(code, role="till") as response:
        assert response.status == 200


async def test_a_key_whose_short_name_is_taken_is_refused_and_the_code_stays_good(
    client: Client, house: HouseOnDisk
) -> None:
    first = await NodeAtTest(client).enrol(NodeRole.TILL, "Window 1")
    code = code_for(house, "Window 3")
    assert await problem_code(NodeAtTest(client, first.private), code) == "key_id_taken"
    async with await NodeAtTest(client).apply(code) as response:
        assert response.status == 200


async def test_two_codes_for_one_name_make_one_node(client: Client, house: HouseOnDisk) -> None:
    codes = [code_for(house), code_for(house)]
    async with await NodeAtTest(client).apply(codes[0]) as response:
        assert response.status == 200
    assert await problem_code(NodeAtTest(client), codes[1]) == "node_name_taken"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"proto": [2]}, "proto_unknown", id="another protocol"),
        pytest.param({"proto": 1}, "proto_unknown", id="no list of protocols"),
        pytest.param({"public_key": "00"}, "bad_field", id="a short key"),
        pytest.param({"public_key": "zz" * 32}, "bad_field", id="a key that is not hex"),
        pytest.param({"public_key": 7}, "bad_field", id="a number for a key"),
        pytest.param({"machine_id": "x" * 129}, "bad_field", id="a long machine id"),
        pytest.param({"machine_id": "a\nb"}, "bad_field", id="a line break"),
        pytest.param({"program_version": None}, "bad_field", id="no version"),
        pytest.param({"code_secret": "short"}, "enrolment_code_wrong", id="a short secret"),
        pytest.param({"code_secret": ["x"]}, "enrolment_code_wrong", id="a list for a secret"),
    ],
)
async def test_a_malformed_application_is_refused_by_name(
    client: Client, house: HouseOnDisk, changes: dict[str, object], expected: str
) -> None:
    assert await problem_code(NodeAtTest(client), code_for(house), **changes) == expected


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff\xfe", b'"text"'])
async def test_what_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    async with client.post("/v1/enrol", data=body) as response:
        assert response.status == 400
        assert json.loads(await response.read())["code"] == "bad_json"


async def test_guessing_codes_is_slowed_down(client: Client) -> None:
    node = NodeAtTest(client)
    for _ in range(20):
        assert await problem_code(node, "B" * 32) == "enrolment_code_wrong"
    async with await node.apply("B" * 32) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
