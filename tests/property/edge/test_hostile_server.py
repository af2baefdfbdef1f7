"""Whatever a server sends, a node has an answer of its own for it and nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.client import ServerClient, request
from edge.errors import ServerRefused, ServerUnreachable
from edge.journal import backlog
from edge.replica import Replica
from edge.snapshot import PieceReply
from edge.sync import SyncEngine, Wish
from tests.fakes.edge_node import (
    EVENT,
    NODE,
    VENUE,
    TurnedEnv,
    enrolled_folder,
    write,
)
from tests.fakes.examples import examples

GEN = "0a1b2c3d"

# One replica serves all examples: what they leave behind is theirs to survive too.
one_replica = settings(
    max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture]
)

texts = st.one_of(
    st.sampled_from(["", GEN, EVENT, VENUE, NODE, f"{GEN}-1", "open", "ok", "\ud800", "\x00"]),
    st.text(st.characters(codec=None), max_size=8),
)
numbers = st.one_of(
    st.sampled_from([0, 1, 2, 3, -1, 2**31, 2**53, 2**63, 2**64, 10**40]),
    st.floats(),
    st.integers(-5, 9),
)
leaves = st.none() | st.booleans() | numbers | texts
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def nearly(shape: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object of the right shape with some members wrong or missing."""
    members = st.fixed_dictionaries(
        {}, optional={key: st.just(value) | anything for key, value in shape.items()}
    )
    return members.map(lambda changed: {**shape, **changed}) | members


claims = nearly({"p": 1, "u": 5, "kind": "sold", "ref": "x", "node": NODE, "v": 0})
grants = nearly(
    {"id": f"{GEN}-1", "node": NODE, "p": 1, "firm": True, "state": "open", "units": [[5, 0]]}
)
docs = nearly({"kind": "event_list", "id": EVENT, "body": {}})
rows = st.one_of(
    st.tuples(st.sampled_from(["claim", "allot", "doc", "node"]), numbers, claims | grants | docs)
).map(list)
pages = nearly({"rows": [], "next": 1}) | st.builds(
    lambda found, read_to: {"rows": found, "next": read_to}, st.lists(rows, max_size=3), numbers
)
news = st.builds(
    lambda gen, house, event: {"gen": gen, "streams": {VENUE: house, EVENT: event}},
    st.just(GEN) | anything,
    pages | anything,
    pages | anything,
)
greetings = nearly({"gen": GEN, "now_ms": 1_800_000_000_000}).flatmap(
    lambda body: st.lists(
        nearly({"stream": EVENT, "inc": 1, "acked": 1, "forked": False}) | anything, max_size=3
    ).map(lambda journals: {**body, "journals": journals})
)
verdicts = nearly({"acked": 1, "verdicts": [[1, "ok", "", 0]]}) | st.builds(
    lambda acked, found: {"acked": acked, "verdicts": found},
    numbers,
    st.lists(st.lists(leaves, min_size=4, max_size=4), max_size=3),
)


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[Replica]:
    enrolled_folder(tmp_path)
    with closing(Replica(tmp_path)) as replica:
        write(replica, count=3)
        yield replica


class Parrot:
    """A client whose every call gives the same reply."""

    server_ahead_ms = 0
    role = "till"

    def __init__(self, reply: dict[str, Any]) -> None:
        # Through the text, as it would come: numbers and half characters as JSON has them.
        self._reply: dict[str, Any] = json.loads(json.dumps(reply))

    def hello(self, *_: object, **__: object) -> dict[str, Any]:
        return self._reply

    push = pull = acquire = get = post = hello

    def piece(self, *_: object) -> PieceReply:
        """A piece of a snapshot file that is none."""
        return PieceReply(200, {}, json.dumps(self._reply).encode())


def parrot(reply: dict[str, Any]) -> ServerClient:
    return Parrot(reply)  # type: ignore[return-value]


def engine_of(replica: Replica) -> SyncEngine:
    return SyncEngine(replica, TurnedEnv(), lambda: parrot({}), "test")


@one_replica
@given(body=st.binary(max_size=300), status=st.integers(100, 999))
def test_any_bytes_are_a_reply_a_refusal_or_no_answer(body: bytes, status: int) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    with (
        httpx.Client(transport=transport, base_url="http://house.test") as http,
        suppress(ServerUnreachable, ServerRefused),
    ):
        assert isinstance(request(http, "GET", "/"), dict)


@one_replica
@given(body=anything, status=st.sampled_from([200, 201, 400, 401, 404, 409, 500, 503]))
def test_any_json_is_a_reply_a_refusal_or_no_answer(body: object, status: int) -> None:
    content = json.dumps(body).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    with httpx.Client(transport=transport, base_url="http://house.test") as http:
        try:
            reply = request(http, "GET", "/")
        except ServerRefused as refusal:
            assert 400 <= status < 500
            assert isinstance(refusal.code, str)  # noqa: PT017 - what it holds is the point
        except ServerUnreachable:
            assert not (status < 300 and isinstance(body, dict))
        else:
            assert status < 300
            assert isinstance(reply, dict)


@one_replica
@given(reply=greetings)
def test_any_greeting_keeps_the_journal_within_itself(
    replica: Replica, reply: dict[str, Any]
) -> None:
    with suppress(ServerUnreachable):
        engine_of(replica)._hello(parrot(reply))
    with replica.reading() as connection:
        row = connection.execute("SELECT * FROM journal").fetchone()
        assert 0 <= row["acked"] <= row["seq"] == 3
        connection.execute("SELECT count(*) FROM op")
    replica.transact(lambda unit: unit.execute("UPDATE journal SET locked = 0"))


@one_replica
@given(reply=verdicts)
def test_any_answer_to_a_push_keeps_the_journal_within_itself(
    replica: Replica, reply: dict[str, Any]
) -> None:
    replica.transact(lambda unit: unit.execute("UPDATE journal SET acked = 0"))
    engine = engine_of(replica)
    with suppress(ServerUnreachable):
        engine._push_all(parrot(reply))
    with replica.reading() as connection:
        assert 0 <= backlog(connection).count <= 3


@one_replica
@given(reply=news)
def test_any_news_are_taken_whole_or_not_at_all(replica: Replica, reply: dict[str, Any]) -> None:
    engine, before = engine_of(replica), replica.mirror.cursors()
    try:
        engine.pull_round(parrot(reply), 0)
    except ServerUnreachable:
        pass
    else:
        for stream, page in reply["streams"].items():
            if stream in before:
                assert replica.mirror.cursors().get(stream) == page["next"]
    with replica.reading() as connection:
        states = {row["state"] for row in connection.execute("SELECT state FROM allot")}
        odd = connection.execute(
            "SELECT count(*) FROM allot_unit WHERE typeof(unit) <> 'integer'"
        ).fetchone()[0]
    assert states <= {"open", "closed", "written_off"}
    assert odd == 0
    replica.mirror.forget()


@one_replica
@given(reply=nearly({"allotment": {}}) | grants.map(lambda grant: {"allotment": grant}))
def test_any_answer_to_a_wish_is_told_once(replica: Replica, reply: dict[str, Any]) -> None:
    told: list[object] = []
    engine = engine_of(replica)
    engine._wishes.put(Wish(EVENT, "0" * 32, 1, told.append, units=(5,)))
    with suppress(ServerUnreachable):
        engine._ask(parrot(reply))
    assert len(told) == 1
