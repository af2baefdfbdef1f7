"""Tokens as values: what the memory of assertions holds, and for how long."""

from __future__ import annotations

import secrets

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync_server.services import tokens as tokens_module
from sync_server.services.nodes import Node
from sync_server.services.permissions import NodeRole
from sync_server.services.tokens import AccessToken, Bearer, TokenRefusal, Tokens
from ticketing.keys import public_of

ISSUER = "boxgate:test"
NOW_S = 1_800_000_000.0
KEY = bytes(range(32))
NODE = Node("0123456789abcdef", "Window 1", NodeRole.TILL, public_of(KEY), "active")


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(bytes(32), ISSUER)


def assertion(now_s: float = NOW_S, jti: str = "", life_s: int = 120) -> str:
    claims = {
        "iss": NODE.id,
        "sub": NODE.id,
        "aud": ISSUER,
        "jti": jti or secrets.token_hex(8),
        "iat": int(now_s),
        "exp": int(now_s) + life_s,
    }
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(KEY), "EdDSA")


def find(node_id: str) -> Node | None:
    return NODE if node_id == NODE.id else None


def exchange(tokens: Tokens, text: str, now_s: float = NOW_S) -> AccessToken | TokenRefusal:
    return tokens.exchange(text, find, now_s)


def test_a_token_opens_until_it_expires(tokens: Tokens) -> None:
    given = exchange(tokens, assertion())
    assert isinstance(given, AccessToken)
    assert tokens.bearer_of(given.text, NOW_S) == Bearer(NODE.id, 1)
    assert tokens.bearer_of(given.text, NOW_S + given.expires_in_s - 1) is not None
    assert tokens.bearer_of(given.text, NOW_S + given.expires_in_s) is None


def test_a_token_is_checked_once_and_looked_up_then(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = exchange(tokens, assertion())
    assert isinstance(given, AccessToken)
    assert tokens.bearer_of(given.text, NOW_S) == Bearer(NODE.id, 1)
    monkeypatch.setattr(jwt, "decode_complete", None)
    assert tokens.bearer_of(given.text, NOW_S) == Bearer(NODE.id, 1)


def test_checked_tokens_are_bounded(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "CHECKED_MAX", 2)
    for _ in range(4):
        given = exchange(tokens, assertion())
        assert isinstance(given, AccessToken)
        tokens.bearer_of(given.text, NOW_S)
    assert len(tokens._checked) == 2


def test_another_houses_token_opens_nothing(tokens: Tokens) -> None:
    given = exchange(Tokens(bytes(32), ISSUER), assertion())
    assert isinstance(given, AccessToken)
    assert Tokens(bytes(32), "boxgate:other").bearer_of(given.text, NOW_S) is None
    assert Tokens(b"\1" * 32, ISSUER).bearer_of(given.text, NOW_S) is None
    assert tokens.bearer_of("x" * 5_000, NOW_S) is None


def test_a_token_that_names_no_life_of_the_node_opens_nothing(tokens: Tokens) -> None:
    given = exchange(tokens, assertion())
    assert isinstance(given, AccessToken)
    claims = jwt.decode(given.text, options={"verify_signature": False})
    assert claims.pop("inc") == 1
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    older = jwt.encode(claims, private, "EdDSA", headers={"typ": "at+jwt"})
    assert tokens.bearer_of(older, NOW_S) is None


def test_an_assertion_is_remembered_for_as_long_as_it_works(tokens: Tokens) -> None:
    text = assertion(NOW_S, life_s=300)
    assert isinstance(exchange(tokens, text), AccessToken)
    for later_s in (0, 59, 60):
        assert exchange(tokens, text, NOW_S + later_s) is TokenRefusal.REPLAYED
    assert exchange(tokens, text, NOW_S + 61) is TokenRefusal.CLOCK_SKEW


def test_what_no_longer_works_is_forgotten(tokens: Tokens) -> None:
    exchange(tokens, assertion())
    exchange(tokens, assertion(NOW_S + 1_000), NOW_S + 1_000)
    assert len(tokens._seen) == 1


def test_a_full_memory_refuses_rather_than_forgets(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "REMEMBERED_MAX", 1)
    first = assertion()
    assert isinstance(exchange(tokens, first), AccessToken)
    assert exchange(tokens, assertion()) is TokenRefusal.TOO_MANY
    assert exchange(tokens, first) is TokenRefusal.REPLAYED


@pytest.mark.parametrize(
    ("off_s", "expected"),
    [
        pytest.param(-60, AccessToken, id="a minute slow"),
        pytest.param(60, AccessToken, id="a minute fast"),
        pytest.param(-61, TokenRefusal, id="more than a minute slow"),
        pytest.param(61, TokenRefusal, id="more than a minute fast"),
    ],
)
def test_a_minute_of_skew_is_forgiven(tokens: Tokens, off_s: int, expected: type) -> None:
    assert isinstance(exchange(tokens, assertion(NOW_S + off_s)), expected)


def test_an_assertion_that_ended_is_a_matter_of_clocks(tokens: Tokens) -> None:
    text = assertion(NOW_S - 30, life_s=30)
    assert exchange(tokens, text) is TokenRefusal.CLOCK_SKEW
