"""The house's keys for chips over HTTP: to enrolled nodes alone, each as much as it is to have."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from sync_server.handlers.chips_api import KEYS_OF
from sync_server.handlers.state import SETTINGS
from sync_server.services.permissions import NodeRole
from tests.integration.sync_server.conftest import Client, Enrol
from tests.integration.sync_server.support import NodeAtTest
from ticketing.credential import ChipKeys, chip_keys_of
from ticketing.keys import is_signed, sign
from ticketing.personal import answer_message, ask_message, exchange_public, unwrap_keys


async def keys_of(node: NodeAtTest) -> ChipKeys:
    private = secrets.token_bytes(32)
    public, name = exchange_public(private), KEYS_OF + node.id
    signature = sign(node.private, ask_message(name, public))
    asked = {"public": public.hex(), "signature": signature.hex()}
    status, told = await node.call("POST", "/v1/chip-keys", asked)
    assert status == 200, told
    wrapped, proof = bytes.fromhex(told["keys"]), bytes.fromhex(told["signature"])
    server_key = bytes.fromhex(node.reply["server_key"])
    assert is_signed(server_key, proof, answer_message(name, public, wrapped))
    keys = unwrap_keys(wrapped, private)
    assert keys is not None
    found = chip_keys_of(keys[0])
    assert found is not None
    return found


async def test_every_node_names_a_chip_alike_and_none_can_make_one(enrol: Enrol) -> None:
    till = await keys_of(await enrol(NodeRole.TILL, "Window 1"))
    gate = await keys_of(await enrol(NodeRole.GATE, "Gate 1"))
    assert till == gate
    assert till.file_master is None


async def test_gates_check_taps_where_the_house_says_so_and_tills_never_do(
    client: Client, enrol: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = client.app
    assert app is not None
    trusting = replace(app[SETTINGS], sun_at_gates=True)
    monkeypatch.setitem(app._state, SETTINGS, trusting)
    assert (await keys_of(await enrol(NodeRole.GATE, "Gate 1"))).sun is not None
    assert (await keys_of(await enrol(NodeRole.TILL, "Window 1"))).sun is None


async def test_a_token_alone_gets_no_keys(enrol: Enrol) -> None:
    gate = await enrol(NodeRole.GATE, "Gate 1")
    public = exchange_public(secrets.token_bytes(32))
    wrong = sign(gate.private, ask_message(gate.id, public))  # as for the keys of buyers
    asked = {"public": public.hex(), "signature": wrong.hex()}
    status, told = await gate.call("POST", "/v1/chip-keys", asked)
    assert (status, told["code"]) == (403, "not_signed")
    status, told = await gate.call("POST", "/v1/chip-keys", {"public": "x"})
    assert (status, told["code"]) == (400, "malformed")
