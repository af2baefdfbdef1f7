"""What nodes of protocol 1 sent once, byte for byte: every later server goes on taking it.

The bodies in `tests/data/wire/v1` were made by the clients and encoders of the first release that
sold a ticket. Never change them: nodes of that age may still hold such operations.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sync_server.handlers.state import CENTRE
from sync_server.services.permissions import NodeRole
from tests.integration.sync_server.conftest import Client, Enrol
from tests.integration.sync_server.support import NodeAtTest

FOLDER = Path(__file__).parents[2] / "data" / "wire" / "v1"
NODE_IDS = {NodeRole.TILL: "00000000000000aa", NodeRole.GATE: "00000000000000bb"}
Nodes = dict[str, NodeAtTest]


@pytest.fixture
async def nodes(client: Client, enrol: Enrol) -> Nodes:
    """A till and a gate with the ids that the recorded journals were chained with."""
    found: Nodes = {}
    for role, node_id in NODE_IDS.items():
        node = await enrol(role, f"Old {role}")
        await client.app[CENTRE].write(
            lambda tx, new=node_id, old=node.id: tx.run(
                "UPDATE node SET id = :new WHERE id = :old", new=new, old=old
            )
        )
        client.app[CENTRE].nodes.outdate()
        node.reply = {**node.reply, "node_id": node_id}
        found[role] = await node.sign_in()
    return found


async def lend_as_recorded(client: Client, till: NodeAtTest) -> None:
    """The units that the recorded sale and release are about, under the recorded number."""
    body = {"req": "f" * 32, "performance": 1, "units": [1201, 1202, 1203]}
    status, reply = await till.call("POST", "/v1/e/swan-lake/acquire", body)
    assert status == 200
    for statement in (
        "UPDATE allot SET id = :new WHERE id = :old",
        "UPDATE claim SET ref = :new WHERE ref = :old",
    ):
        await client.app[CENTRE].write(
            lambda tx, sql=statement: tx.run(sql, new="0a1b2c3d-7", old=reply["allotment"]["id"])
        )


async def replay(nodes: Nodes, name: str) -> tuple[int, dict[str, Any]]:
    call = json.loads((FOLDER / f"{name}.json").read_text())
    query = f"?{urlencode(call['query'])}" if "query" in call else ""
    return await nodes[call["node"]].call(call["method"], call["path"] + query, call.get("body"))


async def test_the_first_nodes_are_still_served(client: Client, nodes: Nodes) -> None:
    await lend_as_recorded(client, nodes["till"])
    status, reply = await replay(nodes, "push-house")
    assert (status, reply["acked"]) == (200, 2)
    status, reply = await replay(nodes, "push-event")
    assert (status, reply["acked"]) == (200, 3)
    assert {verdict for _seq, verdict, *_ in reply["verdicts"]} == {"ok"}, reply
    status, reply = await replay(nodes, "push-gate")
    assert (status, reply["acked"]) == (200, 1)
    assert {verdict for _seq, verdict, *_ in reply["verdicts"]} == {"ok"}, reply
    status, reply = await replay(nodes, "hello")
    assert status == 200
    assert [(told["acked"], told["forked"]) for told in reply["journals"]] == [
        (2, False),
        (3, False),
    ]
    status, reply = await replay(nodes, "pull")
    assert status == 200
    assert all(page["rows"] for page in reply["streams"].values())
    status, reply = await replay(nodes, "acquire")
    assert status == 200
    assert {"id", "p", "firm", "state", "units"} <= set(reply["allotment"])
    status, reply = await replay(nodes, "admit")
    assert status == 200
    assert isinstance(reply["accepted"], bool)


def test_nothing_that_was_recorded_is_left_out() -> None:
    names = {path.stem for path in FOLDER.glob("*.json")}
    assert names == {
        *("push-house", "push-event", "push-gate"),
        *("hello", "pull", "acquire", "admit"),
    }
