"""Tokens: a node proves its key (RFC 7523) and gets a short-lived access token (RFC 9068).

Both are JWTs with EdDSA and nothing else. Assertions are remembered until they expire, so that
each works once; a restarted server has forgotten those of the last few minutes.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync_server.services.nodes import Node
from ticketing.ids import is_node_id

if TYPE_CHECKING:
    from jwt.types import Options

TOKEN_LIFE_S = 600
ASSERTION_LIFE_MAX_S = 300
SKEW_MAX_S = 60
ASSERTION_CHARS_MAX = 4_096
REMEMBERED_MAX = 100_000
CHECKED_MAX = 4_096
_ALGORITHM = "EdDSA"
_TYPE = "at+jwt"
_JTI_CHARS_MAX = 64

# Times are judged by us: a wrong clock gets an answer of its own.
_UNTIMED: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
_ASSERTION_OPTIONS: Options = {**_UNTIMED, "require": ["iss", "sub", "aud", "jti", "iat", "exp"]}
_TOKEN_OPTIONS: Options = {**_UNTIMED, "require": ["iss", "sub", "aud", "exp", "inc"]}
_CLIENT_OPTIONS: Options = {**_UNTIMED, "require": ["iss", "sub", "aud", "exp", "jti"]}


class TokenRefusal(StrEnum):
    """Why no token was given. Sent, never renamed."""

    INVALID = "invalid_client"  # not signed by a key we know, or not saying what it must
    REVOKED = "node_revoked"
    CLOCK_SKEW = "clock_skew"  # the node's clock is off: it corrects it by ours and tries again
    REPLAYED = "assertion_replayed"
    TOO_MANY = "too_many_assertions"


@dataclass(frozen=True, slots=True, repr=False)
class AccessToken:
    """What a node shows at its calls, and for how long."""

    text: str
    node: Node
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Bearer:
    """To whom a token was given: a node, in one of its lives. A copied machine keeps the old one."""

    node_id: str
    incarnation: int


class Tokens:
    """Gives and checks access tokens. Used on the event loop only; `now_s` is Unix time."""

    def __init__(self, private: bytes, issuer: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(private)
        self._public = self._private.public_key()
        self._issuer = issuer
        self._interface = (
            f"{issuer}/interface"  # clients' tokens are for it, and open no node's call
        )
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._checked: OrderedDict[str, tuple[Bearer, float]] = OrderedDict()

    def exchange(
        self, assertion: str, find: Callable[[str], Node | None], now_s: float
    ) -> AccessToken | TokenRefusal:
        """A token for an assertion: EdDSA, iss = sub = node id, aud = issuer, jti, iat, exp."""
        node = _claimed_node(assertion, find)
        if node is None:
            return TokenRefusal.INVALID
        claims = self._signed_claims(assertion, node)
        if claims is None:
            return TokenRefusal.INVALID
        if not node.is_active:
            return TokenRefusal.REVOKED
        fault = _fault_of_times(claims, now_s) or self._remember(node, claims, now_s)
        return fault or self._issue(node, now_s)

    def bearer_of(self, token: str, now_s: float) -> Bearer | None:
        """Whom a token was given to; None when it is not ours or has expired."""
        known = self._checked.get(token)
        if known is None:
            known = self._check(token)
            if known is None:
                return None
            self._checked[token] = known
            if len(self._checked) > CHECKED_MAX:
                self._checked.popitem(last=False)
        bearer, expires_s = known
        return bearer if now_s < expires_s else None

    def issue_for_client(self, client_id: str, now_s: float) -> str:
        """A client's access token, good for TOKEN_LIFE_S."""
        claims = {
            "iss": self._issuer,
            "aud": self._interface,
            "sub": client_id,
            "iat": int(now_s),
            "exp": int(now_s) + TOKEN_LIFE_S,
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM, headers={"typ": _TYPE})

    def client_of(self, token: str, now_s: float) -> str | None:
        """The client that a token was given to; None when it is not ours or has expired."""
        said = self._decoded(token, self._interface, _CLIENT_OPTIONS)
        return None if said is None or now_s >= float(said["exp"]) else str(said["sub"])

    def _signed_claims(self, assertion: str, node: Node) -> dict[str, Any] | None:
        key = Ed25519PublicKey.from_public_bytes(node.public)
        try:
            claims = jwt.decode(
                assertion,
                key,
                algorithms=[_ALGORITHM],
                audience=self._issuer,
                issuer=node.id,
                subject=node.id,
                options=_ASSERTION_OPTIONS,
            )
        except jwt.InvalidTokenError:
            return None
        times_fit = all(type(claims[name]) is int for name in ("iat", "exp"))
        jti_fits = isinstance(claims["jti"], str) and 0 < len(claims["jti"]) <= _JTI_CHARS_MAX
        return claims if times_fit and jti_fits else None

    def _remember(self, node: Node, claims: dict[str, Any], now_s: float) -> TokenRefusal | None:
        while self._seen and next(iter(self._seen.values())) <= now_s:
            self._seen.popitem(last=False)
        key = (node.id, claims["jti"])
        if key in self._seen:
            return TokenRefusal.REPLAYED
        if len(self._seen) >= REMEMBERED_MAX:
            return TokenRefusal.TOO_MANY  # never forget one that still works
        # One term for all keeps the order; it covers the longest that an assertion may work.
        self._seen[key] = now_s + ASSERTION_LIFE_MAX_S + SKEW_MAX_S
        return None

    def _issue(self, node: Node, now_s: float) -> AccessToken:
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": node.id,
            "role": node.role.value,
            "inc": node.incarnation,
            "iat": int(now_s),
            "exp": int(now_s) + TOKEN_LIFE_S,
            "jti": secrets.token_hex(8),
        }
        text = jwt.encode(claims, self._private, algorithm=_ALGORITHM, headers={"typ": _TYPE})
        return AccessToken(text, node, TOKEN_LIFE_S)

    def _check(self, token: str) -> tuple[Bearer, float] | None:
        said = self._decoded(token, self._issuer, _TOKEN_OPTIONS)
        return (
            None
            if said is None
            else (Bearer(str(said["sub"]), int(said["inc"])), float(said["exp"]))
        )

    def _decoded(self, token: str, audience: str, options: Options) -> dict[str, Any] | None:
        if len(token) > ASSERTION_CHARS_MAX:
            return None
        try:
            found = jwt.decode_complete(
                token,
                self._public,
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=self._issuer,
                options=options,
            )
        except jwt.InvalidTokenError:
            return None
        if found["header"].get("typ") != _TYPE:
            return None
        said: dict[str, Any] = found["payload"]
        return said


def _claimed_node(assertion: str, find: Callable[[str], Node | None]) -> Node | None:
    """Whose assertion this says it is; nothing of it is believed yet."""
    if len(assertion) > ASSERTION_CHARS_MAX:
        return None
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    issuer = claims.get("iss")
    return find(issuer) if is_node_id(issuer) and isinstance(issuer, str) else None


def _fault_of_times(claims: dict[str, Any], now_s: float) -> TokenRefusal | None:
    issued, expires = claims["iat"], claims["exp"]
    if not 0 < expires - issued <= ASSERTION_LIFE_MAX_S:
        return TokenRefusal.INVALID
    if abs(now_s - issued) > SKEW_MAX_S or expires <= now_s:
        return TokenRefusal.CLOCK_SKEW
    return None
