"""The calls over real sockets: tokens, clocks, limits, and every kind of nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.client import ServerClient, new_http, request
from edge.errors import ServerRefused, ServerUnreachable
from edge.identity import NodeKey
from tests.fakes.edge_node import EVENT, NODE, TurnedEnv, an_identity
from tests.fakes.server import (
    Answer,
    Endless,
    FakeServer,
    Hang,
    Raw,
    Reset,
    Say,
    Trickle,
    problem,
)

HELLO: dict[str, Any] = {"journals": []}


@pytest.fixture
def client(server: FakeServer, key: NodeKey, env: TurnedEnv) -> Iterator[ServerClient]:
    found = ServerClient(server.url, an_identity(), key, env, version="7", timeout_s=2)
    with closing(found):
        yield found


def bearers(server: FakeServer, name: str) -> list[str]:
    return [call.headers["Authorization"] for call in server.called(name)]


# --- tokens


def test_a_token_is_fetched_once_and_shown_at_every_call(
    server: FakeServer, client: ServerClient
) -> None:
    client.warm_up()
    client.hello(HELLO)
    client.hello(HELLO)
    assert len(server.called("token")) == 1
    assert bearers(server, "hello") == ["Bearer token-1"] * 2
    assert server.called("hello")[0].headers["User-Agent"] == "boxgate/7"


def test_the_assertion_is_signed_by_the_nodes_key_for_this_server_for_a_minute(
    server: FakeServer, client: ServerClient, key: NodeKey, env: TurnedEnv
) -> None:
    client.warm_up()
    form = server.called("token")[0].body
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    claims = jwt.decode(
        form["client_assertion"],
        Ed25519PublicKey.from_public_bytes(key.public),
        algorithms=["EdDSA"],
        audience=an_identity().issuer,
    )
    assert claims["iss"] == claims["sub"] == NODE
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - env.wall_ms() // 1000) <= 5


def test_no_assertion_is_used_twice(
    server: FakeServer, client: ServerClient, env: TurnedEnv
) -> None:
    client.warm_up()
    env.monotonic_added_s += 10_000
    client.warm_up()
    first, second = (call.body["client_assertion"] for call in server.called("token"))
    assert first != second


def test_a_token_is_renewed_a_minute_before_it_ends(
    server: FakeServer, client: ServerClient, env: TurnedEnv
) -> None:
    client.hello(HELLO)
    env.monotonic_added_s += server.token_s - 70
    client.hello(HELLO)
    assert len(server.called("token")) == 1
    env.monotonic_added_s += 11
    client.hello(HELLO)
    assert bearers(server, "hello")[-1] == "Bearer token-2"


def test_a_token_that_lasts_shorter_than_the_margin_is_used_once(
    server: FakeServer, client: ServerClient
) -> None:
    server.token_s = 30
    client.hello(HELLO)
    client.hello(HELLO)
    assert bearers(server, "hello") == ["Bearer token-1", "Bearer token-2"]


def test_a_token_that_is_not_taken_is_dropped(server: FakeServer, client: ServerClient) -> None:
    server.script("hello", problem(401, "token_expired"))
    with pytest.raises(ServerRefused, match="token_expired"):
        client.hello(HELLO)
    client.hello(HELLO)
    assert bearers(server, "hello") == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("status", [400, 403, 404, 409, 426])
def test_any_other_no_keeps_the_token(
    server: FakeServer, client: ServerClient, status: int
) -> None:
    server.script("hello", problem(status, "no_such_thing"))
    with pytest.raises(ServerRefused) as caught:
        client.hello(HELLO)
    assert (caught.value.status, caught.value.code) == (status, "no_such_thing")
    assert str(caught.value) == "no_such_thing: as the test says"
    client.hello(HELLO)
    assert len(server.called("token")) == 1


@pytest.mark.parametrize(
    "reply",
    [
        {"access_token": 5, "expires_in": 600},
        {"access_token": "", "expires_in": 600},
        {"access_token": "two words", "expires_in": 600},
        {"access_token": "two\r\nlines", "expires_in": 600},
        {"access_token": "票", "expires_in": 600},
        {"access_token": "x" * 9_000, "expires_in": 600},
        {"access_token": "x", "expires_in": True},
        {"access_token": "x", "expires_in": "600"},
        {"access_token": "x", "expires_in": 6.5},
        {"access_token": "x"},
        {},
    ],
    ids=lambda reply: str(reply)[:40],
)
def test_a_token_that_makes_no_sense_is_not_kept(
    server: FakeServer, client: ServerClient, reply: object
) -> None:
    server.script("token", Say(reply))
    with pytest.raises(ServerUnreachable, match="token makes no sense"):
        client.hello(HELLO)
    client.hello(HELLO)
    assert bearers(server, "hello") == ["Bearer token-2"]


@pytest.mark.parametrize(("lasts_s", "tokens"), [(10**400, 1), (-5, 2)], ids=["for ever", "gone"])
def test_a_token_with_an_absurd_term_is_used_within_bounds(
    server: FakeServer, client: ServerClient, lasts_s: int, tokens: int
) -> None:
    server.script("token", *[Say({"access_token": "x", "expires_in": lasts_s})] * 2)
    client.hello(HELLO)
    client.hello(HELLO)
    assert len(server.called("token")) == tokens


# --- clocks


def test_a_clock_that_is_off_is_corrected_by_the_servers_and_tried_again(
    server: FakeServer, client: ServerClient, env: TurnedEnv
) -> None:
    now_ms = env.wall_ms()
    env.wall_added_ms = -86_400_000
    server.script("token", problem(401, "clock_skew", now_ms=now_ms))
    client.hello(HELLO)
    assert len(server.called("token")) == 2
    form = server.called("token")[1].body
    claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
    assert abs(claims["iat"] - now_ms // 1000) <= 5


@pytest.mark.parametrize("told", [None, "now", 1.5, True, 0, -1, 10**30], ids=str)
def test_a_skew_without_a_believable_time_is_a_refusal(
    server: FakeServer, client: ServerClient, told: object
) -> None:
    server.script("token", problem(401, "clock_skew", now_ms=told))
    with pytest.raises(ServerRefused, match="clock_skew"):
        client.hello(HELLO)
    assert client.server_ahead_ms == 0
    assert len(server.called("token")) == 1


def test_a_clock_that_stays_off_is_tried_twice_and_no_more(
    server: FakeServer, client: ServerClient, env: TurnedEnv
) -> None:
    server.script("token", *[problem(401, "clock_skew", now_ms=env.wall_ms())] * 2)
    with pytest.raises(ServerRefused, match="clock_skew"):
        client.hello(HELLO)
    assert len(server.called("token")) == 2


def test_hello_measures_the_servers_clock(
    server: FakeServer, client: ServerClient, env: TurnedEnv
) -> None:
    server.now_ms = env.wall_ms() + 7_200_000
    client.hello(HELLO)
    assert abs(client.server_ahead_ms - 7_200_000) < 10_000


# --- shapes of the calls


def test_a_pull_names_its_cursors_in_order(server: FakeServer, client: ServerClient) -> None:
    client.pull("", {"b": 2, "a": 1}, limit=9, wait_s=0)
    assert server.called("pull")[0].query == {
        "gen": "",
        "after": "a:1,b:2",
        "limit": "9",
        "wait_s": "0",
        "proto": "1",
    }


def test_an_admission_goes_to_its_event(server: FakeServer, client: ServerClient) -> None:
    reply = client.admit(EVENT, {"op": "1"}, budget_s=2)
    assert reply == {"accepted": True, "op": "1"}
    assert server.called("admit")[0].path == f"/v1/e/{EVENT}/admit"


# --- whatever comes back

NONSENSE = [
    pytest.param(Raw(b""), id="nothing"),
    pytest.param(Raw(b"\r\n" * 50), id="empty lines"),
    pytest.param(Raw(b"SSH-2.0-OpenSSH_9.2\r\n"), id="another protocol"),
    pytest.param(Raw(b"\x16\x03\x01\x02\x00" * 9), id="TLS"),
    pytest.param(Raw(b"HTTP/1.1 200 OK\r\n"), id="half a header"),
    pytest.param(Raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), id="a negative length"),
    pytest.param(Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), id="a body too short"),
    pytest.param(
        Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), id="a broken chunk"
    ),
    pytest.param(Raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000), id="an endless header"),
    pytest.param(
        Raw(b"HTTP/1.1 999 Odd\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"),
        id="an unknown status",
    ),
    pytest.param(Raw(b"HTTP/1.1 204 Nothing\r\nConnection: close\r\n\r\n"), id="no content"),
    pytest.param(Say(b""), id="an empty body"),
    pytest.param(Say(b"{"), id="half a JSON"),
    pytest.param(Say(b"\xff\xfe\x00\x00"), id="no text"),
    pytest.param(Say(b"NaN"), id="not a number"),
    pytest.param(Say([]), id="a list"),
    pytest.param(Say(b"[" * 100_000), id="too deep"),
    pytest.param(Say(b"<html>", headers={"Content-Type": "application/json"}), id="a web page"),
    pytest.param(Say(b"x", headers={"Content-Encoding": "gzip"}), id="not gzip"),
    pytest.param(Say(b"x", headers={"Content-Encoding": "deflate"}), id="not deflated"),
    pytest.param(Say({}, 301, {"Location": "/v1/hello"}), id="a redirect"),
    pytest.param(Say({}, 302, {"Location": "http://[oops"}), id="a redirect to nowhere"),
    pytest.param(Say({"code": 5}, 400), id="a refusal without a code"),
    pytest.param(Say(b"no", 404), id="a refusal that is no JSON"),
    pytest.param(Say({"code": "x"}, 500), id="a server's defect"),
    pytest.param(Say({"code": "x"}, 503, {"Retry-After": "x"}), id="a busy server"),
    pytest.param(Reset(), id="a reset"),
]


@pytest.mark.parametrize(
    ("call", "answer"),
    [pytest.param("hello", *each.values, id=f"hello-{each.id}") for each in NONSENSE]
    + [pytest.param("token", *each.values, id=f"token-{each.id}") for each in NONSENSE[::5]],
)
def test_nonsense_is_no_answer_and_the_next_call_works(
    server: FakeServer, client: ServerClient, call: str, answer: Answer
) -> None:
    server.script(call, answer)
    with pytest.raises(ServerUnreachable):
        client.hello(HELLO)
    assert client.hello(HELLO)["proto"] == 1


@pytest.mark.parametrize(
    ("answer", "reply_s_max"),
    [
        pytest.param(Hang(), 60, id="ended by the limit of one read"),
        pytest.param(Trickle(), 0.2, id="ended by the limit of the whole reply"),
        pytest.param(Endless(), 60, id="ended by its size"),
    ],
)
def test_a_call_ends_whatever_the_server_does(
    server: FakeServer, answer: Answer, reply_s_max: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.client._REPLY_BYTES_MAX", 3_000_000)
    server.script("hello", answer)
    with new_http(server.url, "7", timeout_s=0.2) as http, pytest.raises(ServerUnreachable):
        request(http, "POST", "/v1/hello", json=HELLO, reply_s_max=reply_s_max)


def test_an_admission_keeps_to_its_budget_even_for_its_token(
    server: FakeServer, key: NodeKey, env: TurnedEnv
) -> None:
    slow = ServerClient(server.url, an_identity(), key, env, version="7", timeout_s=600)
    server.script("token", Hang())
    server.script("admit", Hang(), Trickle())
    with closing(slow) as client:
        for _ in range(3):
            with pytest.raises(ServerUnreachable):
                client.admit(EVENT, {"op": "1"}, budget_s=0.1)
    assert len(server.called("token")) == 2
    assert len(server.called("admit")) == 2


def test_nobody_listening_is_no_answer(key: NodeKey, env: TurnedEnv) -> None:
    nobody = ServerClient("http://127.0.0.1:9", an_identity(), key, env, version="7")
    with closing(nobody) as client, pytest.raises(ServerUnreachable, match="ConnectError"):
        client.hello(HELLO)


@pytest.mark.parametrize("url", ["http://house:eighty", "http://ho\x00use"])
def test_an_address_that_is_none_is_said_to_be_none(url: str, key: NodeKey, env: TurnedEnv) -> None:
    with pytest.raises(ServerUnreachable, match="not the address of a server"):
        ServerClient(url, an_identity(), key, env, version="7")


def test_proxies_of_the_environment_are_not_used(
    server: FakeServer, key: NodeKey, env: TurnedEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with closing(ServerClient(server.url, an_identity(), key, env, version="7")) as client:
        client.hello(HELLO)


def test_a_refusal_without_detail_is_its_code() -> None:
    assert str(ServerRefused(409, "taken", "", {})) == "taken"
