"""What an OpenID provider says of somebody who signs in: its ID token, checked. No I/O.

OpenID Connect Core 1.0, 3.1.3.7. Only signatures by a key pair are taken: with HS256 whoever knows
the provider's public key, or our own secret, could sign.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

TOKEN_CHARS_MAX = 16_384
KEYS_MAX = 20
LEEWAY_S = 60
_RSA_BITS_MIN = 2_048
_KEY_TYPES = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "ES512": "EC",
    "EdDSA": "OKP",
}
"""Which key a signature takes; what is not here is not taken."""


class TokenFault(StrEnum):
    """Why a token is not believed. For the log: visitors are told nothing of it."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    CLAIMS = "claims"  # of another issuer, for somebody else, too old, or not saying what it must
    NONCE = "nonce"  # not the answer to what this browser asked


@dataclass(frozen=True, slots=True)
class Expected:
    """Whose token it has to be, for whom, and in answer to what."""

    issuer: str
    client_id: str
    nonce: str


def check_id_token(
    token: str, keys: Sequence[Mapping[str, Any]], expected: Expected
) -> Mapping[str, Any] | TokenFault:
    """The claims of a token; `keys` are the provider's, as its JWKS has them."""
    if len(token) > TOKEN_CHARS_MAX:
        return TokenFault.MALFORMED
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        return TokenFault.MALFORMED
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _KEY_TYPES:
        return TokenFault.ALGORITHM
    key = _key_for(keys, algorithm, header.get("kid"))
    if key is None:
        return TokenFault.UNKNOWN_KEY
    return _checked(token, key, algorithm, expected)


def _checked(
    token: str, key: Any, algorithm: str, expected: Expected
) -> Mapping[str, Any] | TokenFault:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=expected.client_id,
            issuer=expected.issuer,
            leeway=LEEWAY_S,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        return TokenFault.SIGNATURE
    except (jwt.InvalidTokenError, jwt.InvalidKeyError, ValueError):
        return TokenFault.CLAIMS
    audience, party = claims["aud"], claims.get("azp")
    is_for_many = isinstance(audience, list) and len(audience) > 1
    if (is_for_many or party is not None) and party != expected.client_id:
        return TokenFault.CLAIMS
    nonce = claims["nonce"]
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        return TokenFault.NONCE
    return claims


def _key_for(keys: Sequence[Mapping[str, Any]], algorithm: str, kid: object) -> Any:
    """The one key that may have signed it; None when there is none, or it isn't sure which."""
    fitting = [
        each
        for each in keys[:KEYS_MAX]
        if each.get("kty") == _KEY_TYPES[algorithm]
        and each.get("use", "sig") == "sig"
        and each.get("alg", algorithm) == algorithm
        and (kid is None or each.get("kid") == kid)
    ]
    if len(fitting) != 1:
        return None
    try:
        key = jwt.PyJWK(dict(fitting[0]), algorithm).key
    except (jwt.PyJWTError, ValueError):
        return None
    is_weak = isinstance(key, RSAPublicKey) and key.key_size < _RSA_BITS_MIN
    return None if is_weak or not hasattr(key, "public_bytes") else key


@dataclass(frozen=True, slots=True)
class WhoIsWho:
    """By what a person of the house is known from a provider's claims.

    `login_claim` says the login. For `email` that is the part before `email_domain`, of an address
    that the provider has verified. `role_claim`, if set, has to name the person's role among its
    values: a provider takes rights away in this way, and never gives any.
    """

    login_claim: str
    email_domain: str = ""
    role_claim: str = ""

    def login_of(self, claims: Mapping[str, Any]) -> str:
        """The login; '' when the claims say none that may be believed."""
        said = claims.get(self.login_claim)
        if not isinstance(said, str):
            return ""
        if self.login_claim != "email":
            return said
        name, _, domain = said.rpartition("@")
        is_ours = domain.casefold() == self.email_domain.casefold() != ""
        return name.casefold() if is_ours and claims.get("email_verified") is True else ""

    def lets(self, claims: Mapping[str, Any], role: str) -> bool:
        """Whether the claims leave somebody of the house their role."""
        if not self.role_claim:
            return True
        said = claims.get(self.role_claim)
        return role in said if isinstance(said, list) else said == role
