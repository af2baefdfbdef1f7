"""A call that waits for its answer is broken off by another thread, over sockets of either kind."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from edge.client import ServerClient
from edge.errors import ServerUnreachable
from edge.hanging_up import Lines
from edge.identity import NodeKey
from tests.fakes.edge_node import EVENT, TurnedEnv, an_identity, wait_until
from tests.fakes.server import FakeServer, Hang

ANSWER_S = 600
"""So long a call would wait by itself: longer than a test may take."""


@contextmanager
def calling(call: Callable[[], object]) -> Iterator[list[BaseException]]:
    """The call on a thread of its own, which has ended when this does; and what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield raised
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("is_warm", [False, True], ids=["first connection", "kept connection"])
def test_the_call_under_way_fails_at_once_and_no_later_one_is_made(
    server: FakeServer, key: NodeKey, env: TurnedEnv, *, is_warm: bool
) -> None:
    call = "push" if is_warm else "token"
    server.script(call, Hang())
    identity = an_identity()
    with closing(
        ServerClient(server.url, identity, key, env, version="7", timeout_s=ANSWER_S)
    ) as client:
        if is_warm:
            client.warm_up()
        with calling(lambda: client.push(EVENT, {})) as raised:
            wait_until(lambda: server.called(call))
            client.hang_up()
        assert [type(error) for error in raised] == [ServerUnreachable]
        client.hang_up()
        with pytest.raises(ServerUnreachable, match="ends"):
            client.hello({})
    assert len(server.called(call)) == 1


def test_a_client_that_hung_up_before_its_first_call_makes_none(
    server: FakeServer, key: NodeKey, env: TurnedEnv
) -> None:
    with closing(ServerClient(server.url, an_identity(), key, env, version="7")) as client:
        client.hang_up()
        with pytest.raises(ServerUnreachable, match="ends"):
            client.hello({})
    assert server.calls == []


def test_a_connection_that_comes_about_while_all_is_hung_up_is_shut(server: FakeServer) -> None:
    """What `connect` had under way brings a socket that nobody can have shut before."""
    lines = Lines()

    def late(request: httpx.Request) -> None:
        lines.follow(request)
        lines.hang_up()

    with (
        httpx.Client(base_url=server.url, event_hooks={"request": [late]}, trust_env=False) as http,
        pytest.raises(httpx.TransportError),
    ):
        http.post("/v1/hello", json={"journals": []})


def _certificate(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody signed."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "both.pem"
    file.write_bytes(private + made.public_bytes(pem))
    return file


def test_a_call_over_tls_is_broken_off_like_any_other(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    asked = threading.Event()
    lines = Lines()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def listen() -> None:
            plain, _address = listener.accept()
            with context.wrap_socket(plain, server_side=True) as ours:
                assert ours.recv(65_536)
                asked.set()
                assert ours.recv(1) == b"", "the client has hung up"

        hooks = {"request": [lines.follow]}
        with (
            calling(listen) as unheard,
            httpx.Client(
                verify=False,  # noqa: S501 - who the other side is does not matter here
                event_hooks=hooks,
                trust_env=False,
                timeout=ANSWER_S,
            ) as http,
            calling(lambda: http.get(f"https://127.0.0.1:{port}/")) as raised,
        ):
            assert asked.wait(60)
            lines.hang_up()
    assert [type(error) for error in raised] in ([httpx.ReadError], [httpx.RemoteProtocolError])
    assert unheard == []
