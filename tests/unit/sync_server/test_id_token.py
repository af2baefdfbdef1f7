"""An ID token is believed only if all is right with it; each line here is one thing that is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    generate_private_key as generate_rsa_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from sync_server.services.id_token import (
    TOKEN_CHARS_MAX,
    Expected,
    TokenFault,
    WhoIsWho,
    check_id_token,
)

ISSUER, CLIENT, NONCE, SECRET = "https://login.example", "boxgate", "n" * 43, "s3cret" * 6
EXPECTED = Expected(ISSUER, CLIENT, NONCE)
KEY, OTHER = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
JWK = {**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "use": "sig"}


def claims(**changes: object) -> dict[str, object]:
    """Good ones but for the changes; a timedelta is from now on, None leaves a claim out."""
    now = int(time.time())
    told = {"iss": ISSUER, "aud": CLIENT, "sub": "42", "nonce": NONCE}
    found = {**told, "iat": now, "exp": now + 300, **changes}
    return {
        name: now + int(value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in found.items()
        if value is not None
    }


def signed(key: Any = KEY, alg: str = "ES256", kid: str | None = "k1", **changes: object) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**changes), key, algorithm=alg, headers=headers)


def by_hand(alg: str, key: bytes | None, digest: Callable[..., Any] = hashlib.sha256) -> str:
    """What a library refuses to make: HMAC with a public key, or no signature at all."""
    parts = [{"alg": alg, "kid": "k1", "typ": "JWT"}, claims()]
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    signature = hmac.digest(key, text.encode(), digest) if key is not None else b""
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def check(token: str, *keys: Mapping[str, Any]) -> object:
    return check_id_token(token, keys or (JWK,), EXPECTED)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"aud": [CLIENT]}, id="one of a list"),
        pytest.param({"aud": [CLIENT, "x"], "azp": CLIENT}, id="for many, asked by us"),
        pytest.param({"exp": timedelta(seconds=-30)}, id="a clock half a minute off"),
    ],
)
def test_a_token_that_is_right_gives_its_claims(changes: dict[str, Any]) -> None:
    found = check(signed(**changes))
    assert isinstance(found, dict)
    assert found["sub"] == "42"


def test_keys_of_every_kind_are_taken() -> None:
    rsa, okp = generate_rsa_key(65_537, 2_048), Ed25519PrivateKey.generate()
    of_rsa = {**RSAAlgorithm.to_jwk(rsa.public_key(), as_dict=True), "kid": "r"}
    of_okp = {**OKPAlgorithm.to_jwk(okp.public_key(), as_dict=True), "kid": "o"}
    keys = (JWK, of_rsa, of_okp)
    for token in (signed(rsa, "RS256", "r"), signed(rsa, "PS512", "r"), signed(okp, "EdDSA", "o")):
        assert isinstance(check(token, *keys), dict)
    assert isinstance(check(signed(rsa, "RS256", None), *keys), dict), "only one key fits"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
        pytest.param({"iss": ISSUER + "/"}, id="nearly our issuer"),
        pytest.param({"aud": "another"}, id="for another client"),
        pytest.param({"aud": ["another"]}, id="for other clients"),
        pytest.param({"aud": [CLIENT, "another"]}, id="for many, and nobody asked"),
        pytest.param({"azp": "another"}, id="asked by another"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"iat": timedelta(minutes=15)}, id="of the future"),
        pytest.param({"nbf": timedelta(minutes=15)}, id="not yet good"),
        *(pytest.param({each: None}, id=f"no {each}") for each in ("exp", "iat", "sub", "nonce")),
        *(pytest.param({each: None}, id=f"no {each}") for each in ("iss", "aud")),
        pytest.param({"exp": "soon"}, id="no time at all"),
    ],
)
def test_wrong_claims_are_not_believed(changes: dict[str, Any]) -> None:
    assert check(signed(**changes)) is TokenFault.CLAIMS


@pytest.mark.parametrize("nonce", ["m" * 43, "", 7, ["n" * 43]])
def test_the_answer_to_another_question_is_not_believed(nonce: object) -> None:
    assert check(signed(nonce=nonce)) in (TokenFault.NONCE, TokenFault.CLAIMS)


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        pytest.param(by_hand("none", None), TokenFault.ALGORITHM, id="not signed"),
        pytest.param(by_hand("None", None), TokenFault.ALGORITHM, id="not signed, by another name"),
        pytest.param(by_hand("HS256", PEM), TokenFault.ALGORITHM, id="HMAC with the public key"),
        pytest.param(
            by_hand("HS256", SECRET.encode()), TokenFault.ALGORITHM, id="HMAC with our secret"
        ),
        pytest.param(signed(OTHER), TokenFault.SIGNATURE, id="another's key"),
        pytest.param(by_hand("ES256", PEM), TokenFault.SIGNATURE, id="nonsense for a signature"),
        pytest.param(by_hand("RS256", PEM), TokenFault.UNKNOWN_KEY, id="a key of another kind"),
        pytest.param(signed(kid="k2"), TokenFault.UNKNOWN_KEY, id="a key that there is not"),
        pytest.param("a.b.c", TokenFault.MALFORMED, id="no token"),
        pytest.param("", TokenFault.MALFORMED, id="nothing"),
        pytest.param("x" * (TOKEN_CHARS_MAX + 1), TokenFault.MALFORMED, id="endless"),
    ],
)
def test_what_is_not_signed_by_the_provider_is_not_believed(token: str, fault: TokenFault) -> None:
    assert check(token) is fault


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param({**JWK, "use": "enc"}, id="for secrets"),
        pytest.param({**JWK, "alg": "ES384"}, id="for another algorithm"),
        pytest.param({"kty": "oct", "k": "AAAA", "kid": "k1"}, id="a secret among the keys"),
        pytest.param({"kty": "EC", "crv": "P-256", "x": "?", "y": "?", "kid": "k1"}, id="broken"),
        pytest.param({"kty": "EC", "kid": "k1"}, id="empty"),
    ],
)
def test_a_key_that_is_for_something_else_checks_nothing(jwk: dict[str, Any]) -> None:
    assert check(signed(), jwk) is TokenFault.UNKNOWN_KEY


def test_two_keys_of_one_name_are_none_and_a_short_one_is_none() -> None:
    assert check(signed(), JWK, JWK) is TokenFault.UNKNOWN_KEY
    weak = generate_rsa_key(65_537, 1_024)  # noqa: S505 - that is what is refused
    jwk = {**RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True), "kid": "k1"}
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = signed(weak, "RS256")
    assert check(token, jwk) is TokenFault.UNKNOWN_KEY


@pytest.mark.parametrize(
    ("said", "login"),
    [
        pytest.param({"email": "Li.Na@Arena.example", "email_verified": True}, "li.na", id="ours"),
        pytest.param({"email": "li.na@arena.example"}, "", id="not verified"),
        pytest.param({"email": "li.na@arena.example", "email_verified": "true"}, "", id="a word"),
        pytest.param({"email": "li.na@evil.example", "email_verified": True}, "", id="elsewhere"),
        pytest.param(
            {"email": "li.na@arena.example@evil.example", "email_verified": True}, "", id="two ats"
        ),
        pytest.param({"email": ["li.na@arena.example"], "email_verified": True}, "", id="a list"),
        pytest.param({"preferred_username": "li.na"}, "", id="another claim"),
    ],
)
def test_an_address_names_somebody_only_if_it_is_verified_and_ours(
    said: dict[str, object], login: str
) -> None:
    assert WhoIsWho("email", "arena.example").login_of(said) == login


@pytest.mark.parametrize(
    ("said", "lets"),
    [
        ({"groups": ["manager", "x"]}, True),
        ({"groups": "manager"}, True),
        ({"groups": "managers"}, False),
        ({"groups": ["admin"]}, False),
        ({"groups": {"manager": True}}, False),
        ({}, False),
    ],
)
def test_a_role_has_to_be_named_where_a_claim_is_set_for_it(
    said: dict[str, object], *, lets: bool
) -> None:
    assert WhoIsWho("sub", role_claim="groups").lets(said, "manager") is lets
    assert WhoIsWho("sub").lets(said, "manager")
