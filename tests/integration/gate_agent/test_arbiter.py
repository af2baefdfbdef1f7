"""Asking the arbiter over real sockets: an answer within the budget, whatever the network does."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from edge.client import ServerClient
from edge.errors import ServerUnreachable
from edge.identity import NodeKey
from gate_agent.arbiter import REST_S, Accepted, Arbiter, Denied, Lane, NoAnswer, own_op_ids
from tests.fakes.edge_node import TurnedEnv, an_identity, enrolled_folder, new_op_id, wait_until
from tests.fakes.hall import EVENT_ID
from tests.fakes.server import Answer, FakeServer, Hang, Raw, Reset, Say, Trickle, problem
from tests.fakes.till import NOW
from tests.integration.gate_agent.lane_stage import GATE, LANE
from ticketing.admission import Entry, Reason
from ticketing.ids import OpId


@pytest.fixture
def key(tmp_path: Path) -> NodeKey:
    return enrolled_folder(tmp_path / "gate", "gate", GATE)


@pytest.fixture
def env() -> TurnedEnv:
    return TurnedEnv()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(GATE) as server:
        yield server


@contextmanager
def asking(url: str, key: NodeKey, env: TurnedEnv) -> Iterator[Arbiter]:
    def new_client() -> ServerClient:
        return ServerClient(url, an_identity("gate", GATE), key, env, version="test")

    arbiter = Arbiter(new_client, env)
    try:
        yield arbiter
    finally:
        arbiter.stop()


@pytest.fixture
def arbiter(server: FakeServer, key: NodeKey, env: TurnedEnv) -> Iterator[Arbiter]:
    """One that is warm: it has its token."""
    with asking(server.url, key, env) as arbiter:
        wait_until(lambda: server.called("token"))
        wait_until(lambda: not arbiter._busy.is_set())
        yield arbiter
        server.release()


def ask(arbiter: Arbiter, op_id: str = "", seen: list[OpId] | None = None) -> object:
    return arbiter.ask(
        EVENT_ID, OpId(op_id or new_op_id()), "BXG1CODE", Lane(LANE, frozenset()), seen or []
    )


def ask_surely(arbiter: Arbiter, env: TurnedEnv) -> object:
    """Ask until the arbiter is asked indeed: on a busy machine even loopback takes its time."""
    for _attempt in range(20):
        env.monotonic_added_s += REST_S
        answer = ask(arbiter)
        if not isinstance(answer, NoAnswer):
            return answer
        wait_until(lambda: not arbiter._busy.is_set())
    raise AssertionError("the arbiter never answered")


def test_a_yes_is_the_operation_that_was_asked_about(
    server: FakeServer, arbiter: Arbiter, env: TurnedEnv
) -> None:
    assert isinstance(ask_surely(arbiter, env), Accepted)
    call = server.called("admit")[-1]
    assert call.path == f"/v1/e/{EVENT_ID}/admit"
    assert (call.body["code"], call.body["lane"], call.body["seen"]) == ("BXG1CODE", LANE, [])


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        pytest.param(
            {"accepted": True, "op": "ab" * 16, "unconfirmed": True},
            Accepted(OpId("ab" * 16), unconfirmed=True),
            id="another operation, unconfirmed",
        ),
        pytest.param(
            {"accepted": True, "op": "ab" * 16},
            Accepted(OpId("ab" * 16), unconfirmed=False),
            id="nothing said of the sale",
        ),
        pytest.param(
            {"accepted": False, "reason": "void", "first_entry": None},
            Denied(Reason.VOID, None),
            id="a no",
        ),
        pytest.param(
            {"accepted": False, "reason": "already_used", "first_entry": {"lane": "Lane 9"}},
            Denied(Reason.ALREADY_USED, {"lane": "Lane 9"}),
            id="a no with the first entry",
        ),
        pytest.param(
            {"accepted": False, "reason": "void", "first_entry": [1]},
            Denied(Reason.VOID, None),
            id="a no with nonsense beside it",
        ),
        pytest.param(
            {"accepted": False, "reason": "a reason of later years"},
            Denied(Reason.NOT_RECORDED, None),
            id="a no is a no, whatever its reason",
        ),
    ],
)
def test_answers_are_read(
    server: FakeServer, arbiter: Arbiter, env: TurnedEnv, reply: dict[str, Any], answer: object
) -> None:
    server.script("admit", *[Say(reply)] * 20)
    assert ask_surely(arbiter, env) == answer


GARBAGE: list[Any] = [
    pytest.param(Say({}), id="an empty object"),
    pytest.param(Say([]), id="a list"),
    pytest.param(Say(b"<html>hotel wifi</html>"), id="a captive portal"),
    pytest.param(Say({"accepted": "yes", "op": "ab" * 16}), id="a yes that is no boolean"),
    pytest.param(Say({"accepted": True, "op": "AB"}), id="an operation id that is none"),
    pytest.param(Say({"accepted": True}), id="a yes to nothing"),
    pytest.param(Say({"accepted": False}), id="a no without a reason"),
    pytest.param(Say({"accepted": False, "reason": ["void"]}), id="a list of reasons"),
    pytest.param(Say({"accepted": True, "op": "ab" * 16}, status=500), id="a server's defect"),
    pytest.param(problem(503, "busy"), id="a busy server"),
    pytest.param(problem(401, "token_expired"), id="a token that is not taken"),
    pytest.param(Raw(b"\x00\xff not http\r\n\r\n"), id="no HTTP at all"),
    pytest.param(Reset(), id="a reset"),
    pytest.param(Say(b"[" * 100_000), id="deeply nested"),
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_no_answer_and_the_next_question_is_answered(
    server: FakeServer, arbiter: Arbiter, env: TurnedEnv, garbage: Answer
) -> None:
    server.script("admit", garbage)
    assert isinstance(ask(arbiter), NoAnswer)
    wait_until(lambda: server.called("admit"))
    assert isinstance(ask_surely(arbiter, env), Accepted)


@pytest.mark.parametrize("trouble", [Hang(), Trickle()], ids=["hangs", "trickles"])
def test_a_server_that_does_not_finish_is_not_waited_for(
    server: FakeServer, arbiter: Arbiter, env: TurnedEnv, trouble: Hang | Trickle
) -> None:
    server.script("admit", trouble)
    assert isinstance(ask(arbiter), NoAnswer)
    assert not server.released.is_set(), "it still does not finish"
    assert isinstance(ask_surely(arbiter, env), Accepted), "and nobody waits for that"


def test_a_call_that_never_returns_costs_the_lane_its_budget_once(env: TurnedEnv) -> None:
    let_go, asked = threading.Event(), []

    class Client:
        def warm_up(self) -> None:
            pass

        def admit(self, stream: str, body: dict[str, Any], *, budget_s: float) -> dict[str, Any]:
            del stream, budget_s
            asked.append(body["op"])
            assert let_go.wait(60)
            return {"accepted": True, "op": body["op"]}

        def close(self) -> None:
            pass

    arbiter = Arbiter(lambda: cast("ServerClient", Client()), env)
    for _ in range(50):
        assert isinstance(ask(arbiter), NoAnswer)
        env.monotonic_added_s += REST_S
    assert len(asked) == 1
    assert arbiter._calls.empty(), "nothing queues behind it"
    let_go.set()
    wait_until(lambda: not arbiter._busy.is_set())
    assert isinstance(ask_surely(arbiter, env), Accepted), "the late answer was nobody's"
    arbiter.stop()


def test_after_silence_the_lane_decides_alone_for_a_while(
    server: FakeServer, arbiter: Arbiter, env: TurnedEnv
) -> None:
    server.script("admit", Hang())
    assert isinstance(ask(arbiter), NoAnswer)
    wait_until(lambda: not arbiter._busy.is_set())
    for _ in range(50):
        assert isinstance(ask(arbiter), NoAnswer)
    assert len(server.called("admit")) == 1, "a silent arbiter is left alone"
    assert isinstance(ask_surely(arbiter, env), Accepted)


def test_the_operation_id_of_an_unanswered_question_is_kept_by_the_asker(
    server: FakeServer, arbiter: Arbiter, env: TurnedEnv
) -> None:
    op_id = new_op_id()
    server.script("admit", Reset(after_work=True))
    assert isinstance(ask(arbiter, op_id), NoAnswer)
    wait_until(lambda: server.called("admit"))
    assert server.called("admit")[0].body["op"] == op_id
    del env


@contextmanager
def mute_server() -> Iterator[tuple[str, Callable[[], int]]]:
    """A socket that accepts and never says a word; how many have connected."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connections.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        port = listener.getsockname()[1]
        yield f"http://127.0.0.1:{port}", lambda: len(connections)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
        for connection in connections:
            connection.close()


def test_a_server_that_accepts_and_never_answers_holds_nobody_up(
    key: NodeKey, env: TurnedEnv
) -> None:
    """The thread is stuck fetching its token; questions neither wait for it nor queue behind it."""
    with mute_server() as (url, connected), asking(url, key, env) as arbiter:
        wait_until(connected)
        for _ in range(20):
            assert isinstance(ask(arbiter), NoAnswer)
            env.monotonic_added_s += REST_S
        assert arbiter._calls.qsize() == 1
        assert connected() == 1


def test_a_question_that_was_given_up_before_it_was_sent_is_never_sent(
    key: NodeKey, env: TurnedEnv
) -> None:
    stuck, asked = threading.Event(), []

    class Client:
        def warm_up(self) -> None:
            assert stuck.wait(20)

        def admit(self, stream: str, body: dict[str, Any], *, budget_s: float) -> dict[str, Any]:
            del stream, budget_s
            asked.append(body["op"])
            return {"accepted": True, "op": body["op"]}

        def close(self) -> None:
            pass

    arbiter = Arbiter(lambda: cast("ServerClient", Client()), env)
    given_up = new_op_id()
    assert isinstance(ask(arbiter, given_up), NoAnswer)
    stuck.set()
    wait_until(arbiter._calls.empty)
    assert isinstance(ask_surely(arbiter, env), Accepted)
    assert given_up not in asked
    arbiter.stop()
    del key


@pytest.mark.expected_errors("arbiter_call_crashed", "arbiter_warm_up_crashed")
def test_a_bug_in_a_call_leaves_the_arbiter_alive(env: TurnedEnv) -> None:
    class Client:
        def __init__(self) -> None:
            self.calls = 0

        def warm_up(self) -> None:
            raise TypeError("a bug")

        def admit(self, stream: str, body: dict[str, Any], *, budget_s: float) -> dict[str, Any]:
            del stream, budget_s
            self.calls += 1
            if self.calls == 1:
                raise ZeroDivisionError
            return {"accepted": True, "op": body["op"]}

        def close(self) -> None:
            pass

    arbiter = Arbiter(lambda: cast("ServerClient", Client()), env)
    assert isinstance(ask(arbiter), NoAnswer)
    wait_until(lambda: not arbiter._busy.is_set())
    assert isinstance(ask_surely(arbiter, env), Accepted)
    arbiter.stop()


@pytest.mark.expected_errors("arbiter_without_address")
def test_an_address_that_is_none_leaves_the_lane_to_itself(env: TurnedEnv) -> None:
    def new_client() -> ServerClient:
        raise ServerUnreachable("'http://[' is not the address of a server")

    arbiter = Arbiter(new_client, env)
    assert isinstance(ask(arbiter), NoAnswer)
    env.monotonic_added_s += REST_S
    assert isinstance(ask(arbiter), NoAnswer)
    arbiter.stop()


def test_stopping_does_not_wait_for_a_stuck_call(key: NodeKey, env: TurnedEnv) -> None:
    with mute_server() as (url, connected):
        with asking(url, key, env) as arbiter:
            wait_until(connected)
            ask(arbiter)
        assert arbiter._thread.is_alive(), "it was not waited for"
    arbiter._thread.join(20)
    assert not arbiter._thread.is_alive(), "the call is over, and nothing comes after it"


def test_at_most_sixty_four_entries_are_named_the_newest_last() -> None:
    def entry(number: int) -> Entry:
        at = NOW.replace(microsecond=number)
        return Entry(OpId(f"{number:032x}"), "", LANE, at)

    named = own_op_ids([entry(number) for number in range(100, 0, -1)])
    assert named == [f"{number:032x}" for number in range(37, 101)]
    assert own_op_ids(()) == []
    assert json.dumps(named)
