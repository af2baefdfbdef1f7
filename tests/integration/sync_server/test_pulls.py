"""The long poll over HTTP: what all who wait for the same share, and what ends it otherwise."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.handlers import pulls
from sync_server.handlers.pulls import ANSWERS
from sync_server.handlers.state import CENTRE, NodeIdentity
from sync_server.services import feed
from sync_server.services.permissions import NodeRole
from tests.integration.sync_server.conftest import Enrol
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest
from ticketing.ids import OpId
from ticketing.journal import ROOT_HASH, chain_op, op_to_wire

Client = TestClient[Any, Any]
Body = dict[str, Any]
pytestmark = pytest.mark.usefixtures("nothing_by_itself")
VENUE = "seaview"
STANDING = 1_201
"""The first standing place of the sample house."""


@pytest.fixture
def event(house: HouseOnDisk) -> str:
    assert house.made.second_window is not None
    return house.made.second_window.event_id


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, int]]:
    """The cursors of every reading of the database that a poll caused."""
    found: list[Mapping[str, int]] = []
    real = feed.pull_all

    def noted(*arguments: Any) -> Any:
        found.append(arguments[4])
        return real(*arguments)

    monkeypatch.setattr(pulls, "pull_all", noted)
    return found


async def pulled(node: NodeAtTest, after: str, **query: object) -> tuple[int, Body]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return await node.call("GET", f"/v1/pull?after={after}{more}")


async def lend(till: NodeAtTest, event: str, place: int) -> Body:
    body = {"req": secrets.token_hex(16), "performance": 1, "units": [STANDING + place]}
    status, reply = await till.call("POST", f"/v1/e/{event}/acquire", body)
    assert status == 200
    return reply


async def head_of(node: NodeAtTest, stream: str) -> int:
    return int((await pulled(node, f"{stream}:0"))[1]["streams"][stream]["head"])


async def waiting(client: Client, count: int) -> None:
    async with asyncio.timeout(10):
        while len(client.app[CENTRE].news._waiters) < count:  # noqa: ASYNC110 - the product has no event for it
            await asyncio.sleep(0.01)


async def test_an_old_protocol_is_told_nothing_but_what_it_pushes_is_taken(
    till: NodeAtTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "PROTO_MIN", 2)
    for query in ({}, {"proto": "1"}, {"proto": "x"}, {"proto": "-2"}):
        status, reply = await pulled(till, f"{VENUE}:0", **query)
        assert (status, reply["code"], reply["min_proto"]) == (426, "proto_unknown", 2)
    op = chain_op(
        ROOT_HASH,
        VENUE,
        till.id,
        1,
        1,
        OpId(secrets.token_hex(16)),
        "sign_in",
        1,
        int(time.time() * 1000),
        '{"person":"li.na"}',
    )
    body = {"inc": 1, "first": 1, "prev": ROOT_HASH, "ops": [op_to_wire(op)], "unsynced": 1}
    status, reply = await till.call("POST", f"/v1/e/{VENUE}/push", body)
    assert (status, reply["acked"]) == (200, 1)
    assert (await pulled(till, f"{VENUE}:0", proto=2))[0] == 200


async def test_a_cursor_whose_following_rows_are_purged_begins_again(
    client: Client, till: NodeAtTest, event: str
) -> None:
    head = await head_of(till, event)
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE stream SET min_rev = :r WHERE event_id = :e", r=head, e=event)
    )
    status, reply = await pulled(till, f"{VENUE}:0,{event}:{head - 1}")
    assert (status, reply["code"], reply["stream"]) == (410, "refetch", event)
    assert (await pulled(till, f"{event}:0"))[0] == 200
    assert (await pulled(till, f"{event}:{head}"))[0] == 200


async def test_a_cursor_moves_on_at_once_past_what_is_nothing_to_the_node(
    client: Client, enrol: Enrol, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = await enrol(NodeRole.GATE, "Gate 1")
    head = await head_of(gate, event)
    await client.app[CENTRE].write(lambda tx: tx.next_rev(event))

    async def waits(*_: object) -> None:
        raise AssertionError("it waits for news")

    monkeypatch.setattr(client.app[CENTRE].news, "wait", waits)
    status, reply = await pulled(gate, f"{event}:{head}", wait_s=30)
    told = {"rows": [], "next": head + 1, "head": head + 1, "more": False}
    assert (status, reply["streams"][event]) == (200, told)


async def test_gates_that_wait_for_the_same_are_read_for_once(
    client: Client, till: NodeAtTest, enrol: Enrol, event: str, reads: list[Mapping[str, int]]
) -> None:
    gates = [await enrol(NodeRole.GATE, f"Gate {n}") for n in range(3)]
    head = await head_of(gates[0], event)
    reads.clear()
    polls = [asyncio.create_task(pulled(gate, f"{event}:{head}", wait_s=30)) for gate in gates]
    await waiting(client, 3)
    assert len(reads) == 1, "before they waited"
    await lend(till, event, 0)
    async with asyncio.timeout(20):
        pages = await asyncio.gather(*polls)
    assert len(reads) == 2
    told = [page["streams"] for _status, page in pages]
    assert {row[0] for row in told[0][event]["rows"]} == {"allot"}
    assert told[0] == told[1] == told[2]


async def test_tills_share_no_answer_since_each_sees_its_own_allotments(
    till: NodeAtTest, enrol: Enrol, event: str
) -> None:
    other = await enrol(NodeRole.TILL, "Window 8")
    head = await head_of(till, event)
    grant = (await lend(till, event, 0))["allotment"]
    pages = await asyncio.gather(*(pulled(node, f"{event}:{head}") for node in (till, other)))
    rows = [page["streams"][event]["rows"] for _status, page in pages]
    assert [[row[2]["id"] for row in told if row[0] == "allot"] for told in rows] == [
        [grant["id"]],
        [],
    ]


async def test_one_who_hangs_up_takes_nobodys_answer_along(
    client: Client, enrol: Enrol, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = [await enrol(NodeRole.GATE, f"Gate {n}") for n in range(2)]
    centre, answers = client.app[CENTRE], client.app[ANSWERS]
    may_read = asyncio.Event()
    asked = 0
    real = centre.read

    async def slow(work: Any) -> Any:
        nonlocal asked
        asked += 1
        await may_read.wait()
        return await real(work)

    identities = [NodeIdentity(gate.id, NodeRole.GATE, "") for gate in gates]
    monkeypatch.setattr(centre, "read", slow)
    first, second = (
        asyncio.create_task(answers.news(identity, {event: 0}, 10)) for identity in identities
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    may_read.set()
    assert (await second).news.leads_on({event: 0})
    assert asked == 1


async def test_a_reading_that_failed_is_tried_again_by_the_next(
    client: Client, gate: NodeAtTest, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = client.app[ANSWERS]
    identity = NodeIdentity(gate.id, NodeRole.GATE, "")
    with monkeypatch.context() as patch:
        patch.setattr(pulls, "pull_all", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await answers.news(identity, {event: 0}, 10)
    told = await answers.news(identity, {event: 0}, 10)
    assert told.news.leads_on({event: 0})


async def test_kept_answers_are_bounded_and_go_with_the_next_change(
    client: Client, gate: NodeAtTest, till: NodeAtTest, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "KEPT_MAX", 3)
    answers = client.app[ANSWERS]
    for limit in range(1, 9):
        await pulled(gate, f"{event}:0", limit=limit)
        assert len(answers._kept) <= 3
    head = await head_of(gate, event)
    await lend(till, event, 0)
    _status, page = await pulled(gate, f"{event}:{head}")
    assert page["streams"][event]["head"] > head


async def gate_cursors(client: Client) -> list[tuple[Any, ...]]:
    rows = await client.app[CENTRE].read(
        lambda c: c.exec_driver_sql(
            "SELECT event_id, node_id, generation, rev FROM gate_cursor ORDER BY event_id"
        ).fetchall()
    )
    return [tuple(row) for row in rows]


async def test_how_far_a_gate_has_read_is_written_down_by_its_next_poll(
    client: Client, gate: NodeAtTest, till: NodeAtTest, event: str
) -> None:
    centre = client.app[CENTRE]
    generation, head = centre.generation.short, await head_of(gate, event)
    await pulled(till, f"{event}:{head}", gen=generation)
    await pulled(gate, f"{event}:{head},no-such-event:0", gen=generation)
    await centre._note_heard()
    assert await gate_cursors(client) == [(event, gate.id, generation, head)]
    await pulled(gate, f"{event}:0")
    await centre._note_heard()
    assert await gate_cursors(client) == [(event, gate.id, generation, 0)], "it begins again"
    await pulled(gate, f"{event}:{head}")
    await centre._note_heard()
    assert await gate_cursors(client) == [(event, gate.id, generation, 0)], "of which history?"


async def test_what_a_gate_read_of_a_history_does_not_count_in_the_next(
    client: Client, gate: NodeAtTest, event: str
) -> None:
    centre = client.app[CENTRE]
    head = await head_of(gate, event)
    centre.gate_read(gate.id, centre.generation.short, {event: head})
    centre.adopt(centre.generation)
    await centre._note_heard()
    assert (event, gate.id, centre.generation.short, head) not in await gate_cursors(client)
