"""Signing in by key, and what a token opens."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync_server import commands
from sync_server.handlers.forms import FIELDS_MAX
from sync_server.handlers.state import CENTRE, LIMITS
from sync_server.services.limits import Limit
from sync_server.services.nodes import revoke_node
from sync_server.services.permissions import NodeRole
from sync_server.store.transact import transact
from tests.integration.sync_server.conftest import Enrol
from tests.integration.sync_server.support import (
    ASSERTION_TYPE,
    FORM_HEADERS,
    HouseOnDisk,
    NodeAtTest,
)

Client = TestClient[Any, Any]
HELLO = {"node": "", "journals": [], "proto": [1]}
PULL = "/v1/pull"


async def refusal(node: NodeAtTest, assertion: str) -> dict[str, Any]:
    async with await node.ask_token(assertion) as response:
        assert response.status in (401, 503)
        found: dict[str, Any] = await response.json()
    assert found["error"] == "invalid_client"
    return found


async def calls_as(node: NodeAtTest, token: str) -> tuple[int, str]:
    """What the server says to a hello that is otherwise none: 400 once the token is taken."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with node.client.post("/v1/hello", json=[], headers=headers) as response:
        return response.status, (await response.json())["code"]


async def test_a_node_gets_a_token_for_its_signature(till: NodeAtTest) -> None:
    async with await till.ask_token(till.assertion()) as response:
        assert response.status == 200
        reply = await response.json()
    assert (reply["token_type"], reply["expires_in"]) == ("Bearer", 600)
    claims = jwt.decode(reply["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["role"], claims["aud"]) == (till.id, "till", "boxgate:seaview")
    assert abs(reply["now_ms"] / 1000 - time.time()) < 60
    status, _ = await calls_as(till, reply["access_token"])
    assert status == 400


async def test_an_assertion_works_once(till: NodeAtTest) -> None:
    assertion = till.assertion()
    async with await till.ask_token(assertion) as response:
        assert response.status == 200
    assert (await refusal(till, assertion))["code"] == "assertion_replayed"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "boxgate:elsewhere"}, id="for another house"),
        pytest.param({"sub": "0" * 16}, id="for another node"),
        pytest.param({"iss": "0" * 16}, id="from a node nobody knows"),
        pytest.param({"iss": 7}, id="from a number"),
        pytest.param({"jti": None}, id="without an id"),
        pytest.param({"jti": "x" * 65}, id="with a long id"),
        pytest.param({"exp": None}, id="without an end"),
        pytest.param({"iat": "now"}, id="issued at a text"),
        pytest.param({"iat": 1.5, "exp": 2.5}, id="issued at a fraction"),
    ],
)
async def test_an_assertion_that_does_not_say_what_it_must_is_refused(
    till: NodeAtTest, changes: dict[str, object]
) -> None:
    assert (await refusal(till, till.assertion(**changes)))["code"] == "invalid_client"


@pytest.mark.parametrize("life_s", [0, -5, 301])
async def test_an_assertion_lives_at_most_five_minutes(till: NodeAtTest, life_s: int) -> None:
    now_s = int(time.time())
    assertion = till.assertion(iat=now_s, exp=now_s + life_s)
    assert (await refusal(till, assertion))["code"] == "invalid_client"


@pytest.mark.parametrize("hours", [-30, -1, 1, 5_000])
async def test_a_node_with_a_wrong_clock_learns_the_time_and_gets_in(
    till: NodeAtTest, hours: int
) -> None:
    wrong_s = int(time.time()) + hours * 3_600
    told = await refusal(till, till.assertion(iat=wrong_s, exp=wrong_s + 120))
    assert told["code"] == "clock_skew"
    corrected_s = told["now_ms"] // 1000
    async with await till.ask_token(
        till.assertion(iat=corrected_s, exp=corrected_s + 120)
    ) as response:
        assert response.status == 200


async def test_a_wrong_clock_is_told_only_to_who_has_the_key(till: NodeAtTest) -> None:
    stranger = NodeAtTest(till.client, reply=till.reply)
    assert (await refusal(stranger, stranger.assertion(iat=1, exp=100)))["code"] == "invalid_client"


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
async def test_only_eddsa_counts(till: NodeAtTest, algorithm: str) -> None:
    claims = jwt.decode(till.assertion(), options={"verify_signature": False})
    key = "" if algorithm == "none" else till.reply["server_key"]
    forged = jwt.encode(claims, key, algorithm)
    assert (await refusal(till, forged))["code"] == "invalid_client"


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "é.é.é", "." * 5_000])
async def test_garbage_is_no_assertion(till: NodeAtTest, assertion: str) -> None:
    form_of = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    data = {"grant_type": "client_credentials", **form_of}
    async with till.client.post("/v1/token", data=data) as response:
        assert response.status in (400, 401)
        assert (await response.json())["error"] in ("invalid_client", "invalid_request")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", "unsupported_grant_type", id="nothing"),
        pytest.param(b"grant_type=password", "unsupported_grant_type", id="another grant"),
        pytest.param(b"grant_type=client_credentials", "invalid_request", id="no assertion"),
        pytest.param(b"a=b&" * (FIELDS_MAX + 1), "bad_form", id="too many fields"),
        pytest.param(b"\xff=\xff", "bad_form", id="no text"),
    ],
)
async def test_a_request_that_is_none_is_refused(
    client: Client, body: bytes, expected: str
) -> None:
    async with client.post("/v1/token", data=body, headers=FORM_HEADERS) as response:
        assert response.status == 400
        assert (await response.json())["code"] == expected


async def test_without_a_token_nothing_opens(till: NodeAtTest) -> None:
    assert await calls_as(till, "") == (401, "token_missing")


async def test_a_token_of_another_key_opens_nothing(till: NodeAtTest) -> None:
    claims = jwt.decode(till.token, options={"verify_signature": False})
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"typ": "at+jwt"})
    assert await calls_as(till, forged) == (401, "token_invalid")


async def test_an_assertion_is_no_token(till: NodeAtTest) -> None:
    assert await calls_as(till, till.assertion()) == (401, "token_invalid")


async def test_a_token_of_ours_that_is_no_access_token_opens_nothing(
    client: Client, till: NodeAtTest
) -> None:
    claims = jwt.decode(till.token, options={"verify_signature": False})
    key = Ed25519PrivateKey.from_private_bytes(client.app[CENTRE].keys.token)
    assert await calls_as(till, jwt.encode(claims, key, "EdDSA")) == (401, "token_invalid")


async def test_an_expired_token_opens_nothing(client: Client, till: NodeAtTest) -> None:
    claims = jwt.decode(till.token, options={"verify_signature": False})
    key = Ed25519PrivateKey.from_private_bytes(client.app[CENTRE].keys.token)
    old = claims | {"exp": int(time.time()) - 1}
    expired = jwt.encode(old, key, "EdDSA", headers={"typ": "at+jwt"})
    assert await calls_as(till, expired) == (401, "token_invalid")


async def test_a_gate_may_not_lend_places(enrol: Enrol) -> None:
    gate = await enrol(NodeRole.GATE, "Gate 1")
    status, problem = await gate.call("POST", "/v1/e/swan-lake/acquire", {})
    assert (status, problem["code"]) == (403, "forbidden")


async def test_a_revoked_node_is_refused_at_its_next_call_and_gets_no_token(
    client: Client, till: NodeAtTest
) -> None:
    centre = client.app[CENTRE]
    assert (await calls_as(till, till.token))[0] == 400
    assert await centre.write(lambda tx: revoke_node(tx, centre.venue_id, till.id))
    assert await calls_as(till, till.token) == (401, "node_revoked")
    assert (await refusal(till, till.assertion()))["code"] == "node_revoked"


async def test_a_node_is_revoked_once(client: Client, till: NodeAtTest) -> None:
    centre = client.app[CENTRE]
    answers = [
        await centre.write(lambda tx: revoke_node(tx, centre.venue_id, till.id)) for _ in range(2)
    ]
    assert answers == [True, False]


async def test_what_another_process_revokes_is_noticed(client: Client, till: NodeAtTest) -> None:
    centre = client.app[CENTRE]
    ticket = centre.news.ticket()
    # As a command beside the server would: past the server's own writer.
    transact(centre.engine, lambda tx: revoke_node(tx, centre.venue_id, till.id))
    await centre.news.wait([centre.venue_id], ticket, 30)
    assert await calls_as(till, till.token) == (401, "node_revoked")


async def test_failed_sign_ins_are_slowed_down_and_right_ones_are_not(
    client: Client, till: NodeAtTest
) -> None:
    object.__setattr__(client.app[LIMITS], "token_address", Limit(3, 60))
    for _ in range(5):
        await till.sign_in()
    for _ in range(3):
        await refusal(till, till.assertion(aud="x"))
    async with await till.ask_token(till.assertion()) as response:
        assert response.status == 429
        assert 0 < int(response.headers["Retry-After"]) <= 60


async def test_a_body_beyond_the_routes_size_is_refused(client: Client) -> None:
    async with client.post("/v1/token", data=b"x" * 9_000) as response:
        assert response.status == 413
        assert (await response.json())["code"] == "too_large"


async def test_a_body_of_unknown_length_is_measured_too(client: Client) -> None:
    async def pieces() -> Any:
        for _ in range(10):
            yield b"x" * 1_000

    async with client.post("/v1/token", data=pieces()) as response:
        assert response.status == 413


async def test_unknown_addresses_and_methods_answer_in_problem_details(client: Client) -> None:
    async with client.get("/v1/" + secrets.token_hex(4)) as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")
        problem = json.loads(await response.read())
        assert (problem["status"], problem["title"], problem["code"]) == (
            404,
            "Not Found",
            "not_found",
        )
    async with client.get("/v1/token") as response:
        assert response.status == 405
        assert (await response.json())["allow"] == "POST"


async def test_every_answer_has_a_request_id_and_takes_a_sound_one(client: Client) -> None:
    async with client.get("/v1/x", headers={"X-Request-Id": "abc-12345678"}) as response:
        assert response.headers["X-Request-Id"] == "abc-12345678"
    async with client.get("/v1/x", headers={"X-Request-Id": "a b\tc"}) as response:
        assert response.headers["X-Request-Id"] != "a b\tc"


async def test_the_token_of_an_earlier_life_opens_nothing_from_the_enrolment_on(
    till: NodeAtTest, house: HouseOnDisk
) -> None:
    """A copy of the machine still has it, and must not act as the one that was enrolled again."""
    assert (await calls_as(till, till.token))[0] == 400
    again = NodeAtTest(till.client)
    code, _role = commands.make_code_for_node(house.settings, "Window 1", 60)
    async with await again.apply(code.text) as response:
        assert response.status == 200, await response.text()
        again.reply = await response.json()
    assert (again.id, again.reply["inc"]) == (till.id, 2)
    assert await calls_as(till, till.token) == (401, "token_invalid")
    assert (await refusal(till, till.assertion()))["code"] == "invalid_client"
    await again.sign_in()
    assert (await calls_as(again, again.token))[0] == 400


async def test_a_token_of_a_life_that_another_server_began_is_looked_up(
    client: Client, till: NodeAtTest
) -> None:
    """The news of it may come after the node itself."""
    centre = client.app[CENTRE] if client.app else None
    assert centre is not None
    node = centre.nodes.get(till.id)
    assert node is not None
    await till.sign_in()
    before = {till.id: replace(node, incarnation=0)}
    centre.nodes.replace(before, centre.nodes.version)
    assert (await calls_as(till, till.token))[0] == 400
