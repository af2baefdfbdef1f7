"""What nodes say over HTTP: safe to repeat, and whatever is wrong with it has a code."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync_server.handlers.node_api import STREAMS_PER_PULL_MAX
from sync_server.handlers.state import CENTRE
from sync_server.heart.arbiter import SEEN_MAX
from sync_server.heart.intake import OPS_PER_PUSH_MAX
from sync_server.services.contact import Greeting, take_greeting
from sync_server.services.permissions import NodeRole
from sync_server.store.writer import Transaction
from tests.integration.sync_server.conftest import Client, Enrol
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest
from ticketing.code import TicketFacts, make_code
from ticketing.ids import AllotmentId, KeyId, OpId, TicketId
from ticketing.journal import ROOT_HASH, Op, chain_op, op_to_wire
from ticketing.keys import key_id, public_of

VENUE = "seaview"
Body = dict[str, Any]


@dataclass
class Log:
    """A node's journal of one stream, as it would send it."""

    node: NodeAtTest
    stream: str
    ops: list[Op] = field(default_factory=list)

    def say(self, kind: str, body: str) -> None:
        prev = self.ops[-1].hash if self.ops else ROOT_HASH
        op_id = OpId(secrets.token_hex(16))
        at_ms = int(time.time() * 1000)
        seq = len(self.ops) + 1
        self.ops.append(
            chain_op(prev, self.stream, self.node.id, 1, seq, op_id, kind, 1, at_ms, body)
        )

    def body(self, first: int = 1, **changes: object) -> Body:
        sent = self.ops[first - 1 :]
        prev = self.ops[first - 2].hash if first > 1 else ROOT_HASH
        whole = {
            "inc": 1,
            "first": first,
            "prev": prev,
            "ops": [op_to_wire(op) for op in sent],
            "unsynced": len(sent),
        }
        return whole | changes

    async def push(self, first: int = 1, **changes: object) -> tuple[int, Body]:
        return await self.node.call(
            "POST", f"/v1/e/{self.stream}/push", self.body(first, **changes)
        )


def signed_in(person: str = "li.na") -> str:
    return f'{{"person":"{person}"}}'


@pytest.fixture
def event(house: HouseOnDisk) -> str:
    assert house.made.second_window is not None
    return house.made.second_window.event_id


@pytest.fixture
def log(till: NodeAtTest) -> Log:
    log = Log(till, VENUE)
    log.say("sign_in", signed_in())
    log.say("sign_out", signed_in())
    return log


def hello(**changes: object) -> Body:
    whole = {
        "proto": [1],
        "program_version": "0.1.0",
        "now_ms": int(time.time() * 1000),
        "unsynced": 0,
        "journals": [],
    }
    return whole | changes


async def node_row(client: Client, node: NodeAtTest) -> Any:
    return await client.app[CENTRE].write(
        lambda tx: tx.row("SELECT * FROM node WHERE id = :id", id=node.id)
    )


async def is_noted(client: Client, node: NodeAtTest, unsynced: int) -> None:
    """What a push says of its node is written down with the next round."""
    async with asyncio.timeout(10):
        while (await node_row(client, node)).unsynced_count != unsynced:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


# --- hello


async def test_hello_compares_heads_and_tells_the_time(
    client: Client, till: NodeAtTest, log: Log
) -> None:
    await log.push()
    head = {"stream": VENUE, "inc": 1, "seq": 2, "hash": log.ops[1].hash}
    unknown = {"stream": "no-such-event", "inc": 1, "seq": 7, "hash": "f" * 64}
    status, reply = await till.call(
        "POST", "/v1/hello", hello(journals=[head, unknown], unsynced=3, program_version="9.9")
    )
    assert status == 200
    assert (reply["proto"], reply["min_proto"], reply["venue"]) == (1, 1, VENUE)
    assert reply["gen"] == client.app[CENTRE].generation.short
    assert abs(reply["now_ms"] - time.time() * 1000) < 60_000
    assert reply["journals"] == [
        {"stream": VENUE, "inc": 1, "acked": 2, "hash": log.ops[1].hash, "forked": False},
        {"stream": "no-such-event", "inc": 1, "acked": 0, "hash": ROOT_HASH, "forked": False},
    ]
    row = await node_row(client, till)
    assert (row.unsynced_count, row.program_version) == (3, "9.9")


@pytest.mark.expected_errors("generation_began")
@pytest.mark.parametrize("call", ["hello", "pull"])
async def test_a_node_that_has_read_beyond_our_history_is_the_witness_of_a_loss(
    client: Client, till: NodeAtTest, event: str, call: str
) -> None:
    before = client.app[CENTRE].generation.short
    _status, sound = await till.call("POST", "/v1/hello", hello(gen=before, cursors={VENUE: 1}))
    assert (sound["gen"], sound["quarantined"]) == (before, [])
    if call == "hello":
        await till.call("POST", "/v1/hello", hello(gen=before, cursors={VENUE: 10**6}))
    else:
        status, reply = await pulled(till, f"{VENUE}:{10**6}", gen=before)
        assert (status, reply["code"]) == (409, "generation_changed")
    _status, told = await till.call("POST", "/v1/hello", hello(gen=before))
    assert told["gen"] != before
    assert event in told["quarantined"]


async def test_hello_tells_a_fork(client: Client, till: NodeAtTest, log: Log) -> None:
    await log.push()
    behind = {"stream": VENUE, "inc": 1, "seq": 1, "hash": log.ops[0].hash}
    # One that names no history yet, or an ended one, may have been on its way since before that.
    _status, reply = await till.call("POST", "/v1/hello", hello(journals=[behind], gen=""))
    (told,) = reply["journals"]
    assert (told["acked"], told["hash"], told["forked"]) == (1, log.ops[0].hash, False)
    present = client.app[CENTRE].generation.short
    _status, reply = await till.call("POST", "/v1/hello", hello(journals=[behind], gen=present))
    (told,) = reply["journals"]
    assert (told["stream"], told["acked"], told["forked"]) == (VENUE, 2, True)
    assert (await log.push())[1]["code"] == "journal_forked"


async def test_a_hello_that_leaves_a_journal_out_tells_a_fork(
    client: Client, till: NodeAtTest, log: Log
) -> None:
    """Two copies that write in different journals would never be told apart otherwise."""
    await log.push()
    present = client.app[CENTRE].generation.short
    _status, reply = await till.call("POST", "/v1/hello", hello(inc=1, all=False, gen=present))
    assert reply["journals"] == []
    _status, reply = await till.call("POST", "/v1/hello", hello(inc=1, all=True, gen=present))
    (told,) = reply["journals"]
    assert (told["stream"], told["inc"], told["forked"]) == (VENUE, 1, True)
    assert (await log.push())[1]["code"] == "journal_forked"


async def test_a_hello_that_was_held_up_on_its_way_is_no_rollback(
    client: Client, till: NodeAtTest, log: Log
) -> None:
    start = {"stream": VENUE, "inc": 1, "seq": 0, "hash": ROOT_HASH}
    present = client.app[CENTRE].generation.short
    early = hello(journals=[start], session="one run", turn=1, gen=present)
    late = hello(journals=[start], session="one run", turn=2, gen=present)
    assert (await till.call("POST", "/v1/hello", late))[0] == 200
    await log.push()
    status, reply = await till.call("POST", "/v1/hello", early)
    assert (status, reply["code"]) == (409, "stale_hello")
    rolled_back = hello(journals=[start], session="another run", turn=1, gen=present)
    _status, reply = await till.call("POST", "/v1/hello", rolled_back)
    assert reply["journals"][0]["forked"], "a run that begins behind us is a rollback"


async def test_a_hello_whose_commit_failed_is_not_taken_for_an_older_one(
    client: Client, till: NodeAtTest
) -> None:
    """The writer does a batch again, one by one, when one of it breaks the commit of all."""
    greeting = Greeting("one run", 1)

    def greet_and_fail(tx: Transaction) -> None:
        assert take_greeting(tx, till.id, greeting)
        raise LookupError

    with pytest.raises(LookupError):
        await client.app[CENTRE].write(greet_and_fail)
    assert await client.app[CENTRE].write(lambda tx: take_greeting(tx, till.id, greeting))


async def test_a_cursor_beyond_our_history_is_told_to_fetch_again(till: NodeAtTest) -> None:
    status, reply = await till.call("GET", f"/v1/pull?after={VENUE}:999999")
    assert (status, reply["code"]) == (409, "generation_changed")


@pytest.mark.parametrize(
    "proto",
    [
        pytest.param([], id="none"),
        pytest.param([2], id="a later one"),
        pytest.param(None, id="null"),
        pytest.param(1, id="a number"),
        pytest.param("1", id="a text"),
        pytest.param({"1": 1}, id="an object"),
    ],
)
async def test_another_protocol_is_told_so(till: NodeAtTest, proto: object) -> None:
    status, reply = await till.call("POST", "/v1/hello", hello(proto=proto))
    assert (status, reply["code"], reply["min_proto"]) == (426, "proto_unknown", 1)


HEAD = {"stream": VENUE, "inc": 1, "seq": 1, "hash": "f" * 64}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"journals": None}, id="no journals"),
        pytest.param({"journals": [7]}, id="a journal that is a number"),
        pytest.param({"journals": [HEAD] * 501}, id="too many journals"),
        pytest.param({"journals": [HEAD | {"stream": "No"}]}, id="a stream that is none"),
        pytest.param({"journals": [HEAD | {"hash": "\ud800" * 64}]}, id="half characters"),
        pytest.param({"journals": [HEAD | {"inc": 0}]}, id="incarnation zero"),
        pytest.param({"journals": [HEAD | {"seq": -1}]}, id="a number below zero"),
        pytest.param({"journals": [HEAD | {"seq": 2**53}]}, id="a number too high"),
        pytest.param({"unsynced": -1}, id="a backlog below zero"),
        pytest.param({"unsynced": 2**31}, id="a backlog no column holds"),
        pytest.param({"unsynced": True}, id="a backlog that is a truth value"),
        pytest.param({"now_ms": "noon"}, id="a clock in words"),
        pytest.param({"now_ms": None}, id="no clock"),
        pytest.param({"program_version": "1\0"}, id="a version with a NUL"),
        pytest.param({"program_version": 1}, id="a version that is a number"),
        pytest.param({"gen": 7}, id="a generation that is a number"),
        pytest.param({"gen": "no"}, id="a generation that is none"),
        pytest.param({"cursors": []}, id="cursors in a list"),
        pytest.param({"cursors": {"No": 1}}, id="a cursor of no stream"),
        pytest.param({"cursors": {VENUE: 1.5}}, id="a cursor that is a float"),
    ],
)
async def test_a_hello_that_cannot_be_read_is_malformed(
    till: NodeAtTest, changes: dict[str, object]
) -> None:
    status, reply = await till.call("POST", "/v1/hello", hello(**changes))
    assert (status, reply["code"]) == (400, "malformed")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_object_is_malformed(
    client: Client, till: NodeAtTest, text: bytes
) -> None:
    async with client.post("/v1/hello", data=text, headers=till.bearer) as response:
        assert response.status == 400
        assert (await response.json())["code"] == "malformed"


async def granted_ms(client: Client, event: str, allotment: str) -> int:
    row = await client.app[CENTRE].write(
        lambda tx: tx.row(
            "SELECT granted_ms FROM allot WHERE event_id = :e AND id = :a", e=event, a=allotment
        )
    )
    return int(row.granted_ms)


async def test_a_greeting_lets_terms_begin_anew_once_half_of_the_soft_term_has_passed(
    client: Client, till: NodeAtTest, enrol: Enrol, event: str
) -> None:
    _status, reply = await till.call("POST", f"/v1/e/{event}/acquire", wish(count=4))
    grant = reply["allotment"]
    long_ago = grant["granted_ms"] - grant["soft_s"] * 500 - 60_000

    async def as_of(at_ms: int) -> None:
        await client.app[CENTRE].write(
            lambda tx: tx.run("UPDATE allot SET granted_ms = :t", t=at_ms)
        )

    async def greet(node: NodeAtTest) -> int:
        assert (await node.call("POST", "/v1/hello", hello()))[0] == 200
        return await granted_ms(client, event, grant["id"])

    assert await greet(till) == grant["granted_ms"]
    await as_of(long_ago)
    assert await greet(await enrol(NodeRole.TILL, "Window 7")) == long_ago, "not its own"
    extended = await greet(till)
    assert extended > long_ago
    _status, page = await pulled(till, f"{event}:0")
    (told,) = [row[2] for row in page["streams"][event]["rows"] if row[0] == "allot"]
    assert (told["id"], told["granted_ms"]) == (grant["id"], extended)
    assert page["now_ms"] >= extended


# --- push


async def test_a_push_is_answered_with_verdicts_every_time(log: Log) -> None:
    first = await log.push()
    assert first == (
        200,
        {"acked": 2, "hash": log.ops[1].hash, "verdicts": [[1, "ok", "", 0], [2, "ok", "", 0]]},
    )
    assert await log.push() == first


async def test_a_push_says_what_is_left(client: Client, till: NodeAtTest, log: Log) -> None:
    await log.push(unsynced=12)
    await is_noted(client, till, 10)
    log.say("sign_in", signed_in())
    log.say("sign_in", signed_in())
    status, reply = await log.push(first=4, unsynced=2)
    assert (status, reply["code"], reply["acked"]) == (409, "journal_gap", 2)
    await is_noted(client, till, 2)  # nothing of it was taken


async def test_a_broken_chain_and_a_fork_are_told(till: NodeAtTest, log: Log) -> None:
    spoiled = log.body()
    spoiled["ops"][1][5] = signed_in("somebody.else")
    status, reply = await till.call("POST", f"/v1/e/{VENUE}/push", spoiled)
    assert (status, reply["code"], reply["seq"]) == (400, "broken_chain", 2)
    await log.push()
    twin = Log(till, VENUE)
    twin.say("sign_in", signed_in("chen"))
    status, reply = await twin.push()
    assert (status, reply["code"], reply["acked"]) == (409, "journal_forked", 2)


async def test_an_unknown_event_is_not_found(till: NodeAtTest) -> None:
    nowhere = Log(till, "no-such-event")
    nowhere.say("sign_in", signed_in())
    status, reply = await nowhere.push()
    assert (status, reply["code"]) == (404, "unknown_stream")
    status, reply = await till.call("POST", "/v1/e/No%20Such/push", nowhere.body())
    assert (status, reply["code"]) == (404, "unknown_stream")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ops": []}, id="no operations"),
        pytest.param({"ops": None}, id="operations are nothing"),
        pytest.param({"ops": [[]]}, id="an operation that is none"),
        pytest.param({"ops": [[1] * 7] * (OPS_PER_PUSH_MAX + 1)}, id="too many operations"),
        pytest.param({"prev": "x"}, id="a hash that is none"),
        pytest.param({"prev": "\ud800" * 64}, id="a hash of half characters"),
        pytest.param({"first": 0}, id="operation zero"),
        pytest.param({"inc": 0}, id="incarnation zero"),
        pytest.param({"unsynced": None}, id="no backlog"),
        pytest.param({"now_ms": "noon"}, id="a clock in words"),
        pytest.param({"now_ms": -1}, id="a clock before all clocks"),
        pytest.param({"now_ms": 2**53}, id="a clock beyond all clocks"),
    ],
)
async def test_a_push_that_cannot_be_read_is_malformed(log: Log, changes: dict[str, Any]) -> None:
    status, reply = await log.push(**changes)
    assert (status, reply["code"]) == (400, "malformed")


# --- pull


async def pulled(node: NodeAtTest, after: str, **query: object) -> tuple[int, Body]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return await node.call("GET", f"/v1/pull?after={after}{more}")


async def test_pages_lead_to_the_head(till: NodeAtTest, event: str) -> None:
    _status, whole = await pulled(till, f"{VENUE}:0,{event}:0,no-such-event:5")
    assert set(whole["streams"]) == {VENUE, event}
    rows = whole["streams"][VENUE]["rows"]
    assert len(rows) > 3
    assert not whole["streams"][VENUE]["more"]
    got: list[object] = []
    cursor, more = 0, True
    while more:
        _status, page = await pulled(till, f"{VENUE}:{cursor}", limit=2, gen=whole["gen"])
        told = page["streams"][VENUE]
        got, cursor, more = got + told["rows"], told["next"], told["more"]
    assert got == rows
    assert cursor == whole["streams"][VENUE]["head"]


async def test_a_poll_waits_for_news_and_is_woken_by_them(
    client: Client, till: NodeAtTest, event: str
) -> None:
    _status, now = await pulled(till, f"{event}:0")
    head = now["streams"][event]["head"]
    polls = [asyncio.create_task(pulled(till, f"{event}:{head}", wait_s=30)) for _ in range(3)]
    while len(client.app[CENTRE].news._waiters) < 3:  # noqa: ASYNC110 - the product has no event for it
        await asyncio.sleep(0.01)
    _status, reply = await till.call("POST", f"/v1/e/{event}/acquire", wish(count=4))
    async with asyncio.timeout(20):  # or they only ended because their time was up
        pages = await asyncio.gather(*polls)
    for _status, page in pages:
        kinds = {row[0] for row in page["streams"][event]["rows"]}
        assert kinds == {"allot", "claim"}
        told = [row[2]["id"] for row in page["streams"][event]["rows"] if row[0] == "allot"]
        assert told == [reply["allotment"]["id"]]


async def test_a_poll_without_news_ends_with_none(till: NodeAtTest, event: str) -> None:
    _status, now = await pulled(till, f"{event}:0")
    head = now["streams"][event]["head"]
    _status, page = await pulled(till, f"{event}:{head}", wait_s=1)
    assert page["streams"][event] == {"rows": [], "next": head, "head": head, "more": False}


@pytest.mark.expected_errors("generation_began")
async def test_another_generation_must_fetch_again(client: Client, till: NodeAtTest) -> None:
    before = client.app[CENTRE].generation.short
    status, reply = await pulled(till, f"{VENUE}:0", gen="00000000")
    assert (status, reply["code"]) == (409, "generation_changed")
    assert reply["gen"] == client.app[CENTRE].generation.short
    assert reply["gen"] != before, "there was a history that this database has no trace of"
    status, again = await pulled(till, f"{VENUE}:0", gen=before)
    assert (status, again["gen"]) == (409, reply["gen"]), "one that we know of proves nothing"


@pytest.mark.parametrize(
    ("after", "query"),
    [
        pytest.param("", {}, id="no streams"),
        pytest.param(VENUE, {}, id="no cursor"),
        pytest.param(f"{VENUE}:-1", {}, id="a cursor below zero"),
        pytest.param(f"{VENUE}:%D9%A3", {}, id="a cursor in other digits"),
        pytest.param(f"{VENUE}:{10**15}", {}, id="a cursor too long"),
        pytest.param("A:1", {}, id="a stream that is none"),
        pytest.param(
            ",".join(f"e{n}:0" for n in range(STREAMS_PER_PULL_MAX + 1)), {}, id="too many streams"
        ),
        pytest.param(f"{VENUE}:0", {"gen": "0000000x"}, id="a generation that is none"),
        pytest.param(f"{VENUE}:0", {"limit": "many"}, id="a limit in words"),
        pytest.param(f"{VENUE}:0", {"limit": "inf"}, id="a limit without end"),
        pytest.param(f"{VENUE}:0", {"wait_s": "nan"}, id="a wait that is no number"),
    ],
)
async def test_a_pull_that_cannot_be_read_is_malformed(
    till: NodeAtTest, after: str, query: dict[str, object]
) -> None:
    status, reply = await pulled(till, after, **query)
    assert (status, reply["code"]) == (400, "malformed")


async def test_a_gate_is_told_the_pins_of_those_alone_who_may_use_its_pages(
    gate: NodeAtTest, till: NodeAtTest
) -> None:
    people = []
    for node in (gate, till):
        _status, page = await pulled(node, f"{VENUE}:0")
        rows = page["streams"][VENUE]["rows"]
        people.append({body["id"]: body for kind, _rev, body in rows if kind == "person"})
    at_gate, at_till = people
    assert at_gate.keys() == at_till.keys()
    cashiers = {each for each, body in at_till.items() if body["role"] == "cashier"}
    assert set() < cashiers < at_till.keys(), "it takes both kinds"
    for each, body in at_gate.items():
        told = {"name": "", "pin": ""} if each in cashiers else {}
        assert body == at_till[each] | told


# --- acquire


def wish(**changes: object) -> Body:
    return {"req": secrets.token_hex(16), "performance": 1} | changes


async def test_units_are_lent_once_for_one_request(
    client: Client, till: NodeAtTest, event: str
) -> None:
    asked = wish(count=4, firm=True)
    status, reply = await till.call("POST", f"/v1/e/{event}/acquire", asked)
    assert status == 200
    grant = reply["allotment"]
    assert (grant["p"], grant["firm"], grant["state"]) == (1, True, "open")
    assert grant["units"]
    assert all(version == 0 for _unit, version in grant["units"])
    assert (reply["gen"], grant["inc"]) == (client.app[CENTRE].generation.short, 1)
    assert 0 < grant["granted_ms"] <= reply["now_ms"] <= time.time() * 1000
    status, again = await till.call("POST", f"/v1/e/{event}/acquire", asked)
    assert (status, again["allotment"]) == (200, grant)


async def test_a_refusal_has_its_reason(till: NodeAtTest, house: HouseOnDisk, event: str) -> None:
    assert house.made.second_window is not None
    taken = house.made.second_window.units[0]
    status, reply = await till.call("POST", f"/v1/e/{event}/acquire", wish(units=[taken]))
    assert (status, reply["code"]) == (409, "lent_elsewhere")
    status, reply = await till.call("POST", "/v1/e/no-such-event/acquire", wish(count=1))
    assert (status, reply["code"]) == (404, "unknown_stream")
    status, reply = await till.call("POST", f"/v1/e/{event}/acquire", wish(performance=99, count=1))
    assert (status, reply["code"]) == (409, "unknown_performance")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing asked for"),
        pytest.param({"count": 0}, id="none asked for"),
        pytest.param({"units": []}, id="no units"),
        pytest.param({"units": [1, 1]}, id="a unit twice"),
        pytest.param({"units": [0]}, id="unit zero"),
        pytest.param({"units": None}, id="units are nothing"),
        pytest.param({"count": -1}, id="less than none"),
        pytest.param({"count": 4.0}, id="a float"),
        pytest.param({"req": "x", "count": 1}, id="a request id that is none"),
        pytest.param({"performance": "1", "count": 1}, id="a performance in a text"),
    ],
)
async def test_a_wish_that_cannot_be_read_is_malformed(
    till: NodeAtTest, event: str, changes: dict[str, object]
) -> None:
    status, reply = await till.call("POST", f"/v1/e/{event}/acquire", wish(**changes))
    assert (status, reply["code"]) == (400, "malformed")


# --- admit


def ticket(till: NodeAtTest, **changes: Any) -> str:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    facts: dict[str, Any] = {
        "key_id": key_id(public_of(till.private)),
        "ticket_id": TicketId(secrets.token_hex(8)),
        "performance": 1,
        "unit": 1,
        "ticket_type": 1,
        "version": 0,
        "allotment": AllotmentId("00000000", 1),
        "valid_from": now - timedelta(hours=1),
        "valid_minutes": 120,
    }
    return make_code(TicketFacts(**(facts | changes)), till.private)


def scan(code: str, **changes: object) -> Body:
    return {"op": secrets.token_hex(16), "code": code, "lane": "1 号门", "seen": []} | changes


async def test_a_ticket_goes_in_once(till: NodeAtTest, gate: NodeAtTest, event: str) -> None:
    _status, reply = await till.call("POST", f"/v1/e/{event}/acquire", wish(count=4))
    grant = reply["allotment"]
    code = ticket(till, unit=grant["units"][0][0], allotment=AllotmentId.parse(grant["id"]))
    asked = scan(code)
    status, answer = await gate.call("POST", f"/v1/e/{event}/admit", asked)
    assert (status, answer) == (200, {"accepted": True, "op": asked["op"], "unconfirmed": True})
    assert await gate.call("POST", f"/v1/e/{event}/admit", asked) == (200, answer)
    status, again = await gate.call("POST", f"/v1/e/{event}/admit", scan(code, seen=[asked["op"]]))
    assert (again["accepted"], again["reason"]) == (False, "already_used")
    first = again["first_entry"]
    assert (first["op"], first["node"], first["lane"]) == (asked["op"], gate.id, "1 号门")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(lambda _t: "https://example.org", "not_a_ticket", id="another's code"),
        pytest.param(ticket, "not_in_allotment", id="no such allotment"),
        pytest.param(
            lambda t: ticket(t, key_id=KeyId("00000000")), "unknown_issuer", id="no such till"
        ),
    ],
)
async def test_a_denial_has_its_reason(
    till: NodeAtTest,
    gate: NodeAtTest,
    event: str,
    code: Callable[[NodeAtTest], str],
    reason: str,
) -> None:
    status, answer = await gate.call("POST", f"/v1/e/{event}/admit", scan(code(till)))
    assert (status, answer) == (
        200,
        {"accepted": False, "reason": reason, "first_entry": None},
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"op": "x"}, id="an operation id that is none"),
        pytest.param({"code": None}, id="no code"),
        pytest.param({"code": "B" * 665}, id="a code far too long"),
        pytest.param({"lane": ""}, id="no lane"),
        pytest.param({"lane": "a\0"}, id="a lane with a NUL"),
        pytest.param({"lane": "\ud83d"}, id="a lane with half a character"),
        pytest.param({"lane": "l" * 65}, id="a lane too long"),
        pytest.param({"seen": None}, id="seen nothing"),
        pytest.param({"seen": ["0" * 32] * (SEEN_MAX + 1)}, id="seen too much"),
    ],
)
async def test_a_scan_that_cannot_be_read_is_malformed(
    gate: NodeAtTest, event: str, changes: dict[str, object]
) -> None:
    status, reply = await gate.call("POST", f"/v1/e/{event}/admit", scan("BXG1") | changes)
    assert (status, reply["code"]) == (400, "malformed")


async def test_tills_sell_and_gates_admit(till: NodeAtTest, gate: NodeAtTest, event: str) -> None:
    status, _reply = await gate.call("POST", f"/v1/e/{event}/acquire", wish(count=1))
    assert status == 403
    status, _reply = await till.call("POST", f"/v1/e/{event}/admit", scan("BXG1"))
    assert status == 403
