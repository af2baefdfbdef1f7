"""Clients of the interface: short tokens, refresh tokens that rotate, and thieves who are noticed."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync_server.auditing import records
from sync_server.handlers.state import AUDIT, CENTRE, TOKENS
from sync_server.services.clients import GRACE_MS, add_client, end_client
from sync_server.services.permissions import PersonRole
from sync_server.services.scopes import WHOLE_VENUE, Scope, ScopeKind
from sync_server.store.audit import AuditStore
from tests.integration.sync_server.support import FORM_HEADERS, HouseOnDisk, NodeAtTest

Client = TestClient[Any, Any]
BOOKS = "/console/books.json"


class Program:
    """A client at test, with its last tokens."""

    def __init__(self, client: Client, client_id: str, refresh_token: str) -> None:
        self.client, self.id, self.refresh_token = client, client_id, refresh_token
        self.token = ""

    async def refresh(self, token: str = "", client_id: str = "") -> tuple[int, dict[str, Any]]:
        form = {
            "grant_type": "refresh_token",
            "client_id": client_id or self.id,
            "refresh_token": token or self.refresh_token,
        }
        async with self.client.post(
            "/v1/token", data=urlencode(form), headers=FORM_HEADERS
        ) as response:
            said = await response.json()
            if response.status == 200:
                self.token, self.refresh_token = said["access_token"], said["refresh_token"]
            return response.status, said

    async def get(self, path: str = BOOKS, token: str = "") -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with self.client.get(path, headers=headers, allow_redirects=False) as response:
            is_json = "json" in response.content_type
            return response.status, (await response.json()).get("code", "") if is_json else ""


async def program_with(
    client: Client, role: PersonRole = PersonRole.AUDITOR, scope: Scope = WHOLE_VENUE
) -> Program:
    made = await client.app[CENTRE].write(lambda tx: add_client(tx, "reports", role, scope))
    assert made is not None
    return Program(client, *made)


@pytest.fixture
async def program(client: Client) -> Program:
    found = await program_with(client)
    assert (await found.refresh())[0] == 200
    return found


async def later(client: Client, ms: int) -> None:
    """As if so much time had gone by since refresh tokens were used."""
    await client.app[CENTRE].write(
        lambda tx: tx.run(
            "UPDATE refresh_token SET used_ms = used_ms - :ms WHERE used_ms > 0", ms=ms
        )
    )


# --- what a token opens


async def test_a_client_reads_what_its_role_may(program: Program) -> None:
    assert await program.get() == (200, "")


async def test_a_client_opens_no_pages_and_no_calls_of_nodes(program: Program) -> None:
    assert (await program.get("/console/"))[0] == 303
    assert await program.get("/v1/pull") == (401, "token_invalid")


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        (PersonRole.CASHIER, WHOLE_VENUE),
        (PersonRole.AUDITOR, Scope(ScopeKind.EVENT, frozenset({"hamlet"}))),
    ],
)
async def test_a_client_of_less_is_refused(client: Client, role: PersonRole, scope: Scope) -> None:
    found = await program_with(client, role, scope)
    await found.refresh()
    assert await found.get() == (403, "forbidden")


# --- tokens that are none


async def test_an_expired_token_opens_nothing(client: Client, program: Program) -> None:
    old = client.app[TOKENS].issue_for_client(program.id, time.time() - 601)
    assert await program.get(token=old) == (401, "token_invalid")


async def test_a_token_of_another_key_opens_nothing(program: Program) -> None:
    claims = jwt.decode(program.token, options={"verify_signature": False})
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"typ": "at+jwt"})
    assert await program.get(token=forged) == (401, "token_invalid")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_no_other_algorithm_counts(client: Client, program: Program, algorithm: str) -> None:
    """HS256 with the public key as its secret is the classic confusion."""
    claims = jwt.decode(program.token, options={"verify_signature": False})
    public = client.app[CENTRE].keys.token_public.hex()
    key = "" if algorithm == "none" else public
    forged = jwt.encode(claims, key, algorithm, headers={"typ": "at+jwt"})
    assert await program.get(token=forged) == (401, "token_invalid")


async def test_tokens_for_nodes_and_for_clients_are_not_each_others(
    program: Program, till: NodeAtTest
) -> None:
    assert await program.get(token=till.token) == (401, "token_invalid")
    till.token = program.token
    assert (await till.call("POST", "/v1/hello", {}))[0] == 401


async def test_a_changed_audience_breaks_the_signature(program: Program) -> None:
    head, _, tail = program.token.partition(".")
    body = json.dumps(jwt.decode(program.token, options={"verify_signature": False})).encode()
    changed = jwt.utils.base64url_encode(body.replace(b"interface", b"other")).decode()
    assert await program.get(token=f"{head}.{changed}.{tail.partition('.')[2]}") == (
        401,
        "token_invalid",
    )


async def test_a_client_that_was_ended_is_out_at_its_next_call(
    client: Client, program: Program
) -> None:
    await client.app[CENTRE].write(lambda tx: end_client(tx, program.id))
    assert await program.get() == (401, "client_ended")
    assert (await program.refresh())[0] == 400


# --- refresh tokens


async def test_a_replayed_refresh_token_ends_the_client_and_is_audited(
    client: Client, program: Program, house: HouseOnDisk
) -> None:
    stolen = program.refresh_token
    assert (await program.refresh())[0] == 200
    await later(client, GRACE_MS + 1_000)
    code, said = await program.refresh(stolen)
    assert (code, said["error"], said["code"]) == (400, "invalid_grant", "refresh_token_reused")
    assert await program.get() == (401, "client_ended")
    assert (await program.refresh())[0] == 400
    await client.app[AUDIT].move()
    store = AuditStore(house.settings.database)
    told = [json.loads(record.noted.body) for record in records(store)]
    store.close()
    assert [each["about"] for each in told if each["deed"] == "client_token_reused"] == [
        f"client:{program.id}"
    ]


async def test_a_reply_that_was_lost_is_asked_for_again(program: Program) -> None:
    before = program.refresh_token
    assert (await program.refresh())[0] == 200
    lost = program.refresh_token
    assert (await program.refresh(before))[0] == 200
    assert program.refresh_token != lost
    assert (await program.refresh())[0] == 200


async def test_of_a_thief_and_the_client_only_one_goes_on_and_then_none(program: Program) -> None:
    shared = program.refresh_token
    assert (await program.refresh(shared))[0] == 200
    of_the_thief = program.refresh_token
    assert (await program.refresh(shared))[0] == 200
    assert (await program.refresh(of_the_thief))[1]["code"] == "refresh_token_reused"
    assert (await program.get())[0] == 401


async def test_a_refresh_token_is_its_clients_alone(client: Client, program: Program) -> None:
    made = await client.app[CENTRE].write(
        lambda tx: add_client(tx, "another", PersonRole.MANAGER, WHOLE_VENUE)
    )
    assert made is not None
    assert (await program.refresh(client_id=made[0]))[1]["code"] == "invalid_grant"


async def test_an_expired_refresh_token_is_refused(client: Client, program: Program) -> None:
    await client.app[CENTRE].write(lambda tx: tx.run("UPDATE refresh_token SET expires_ms = 1"))
    assert (await program.refresh())[1]["code"] == "invalid_grant"


@pytest.mark.parametrize("token", ["x", "x" * 129, "é", "'; --"])
async def test_what_is_no_refresh_token_is_refused(program: Program, token: str) -> None:
    assert (await program.refresh(token))[0] == 400
    assert (await program.refresh())[0] == 200
