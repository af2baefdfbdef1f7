"""Keys: signatures against RFC 8032's own vectors, short names, and malformed keys."""

from __future__ import annotations

import hashlib

import pytest

from ticketing.keys import (
    KEY_BYTES,
    SIGNATURE_BYTES,
    fingerprint,
    is_signed,
    key_id,
    node_key_message,
    public_of,
    sign,
)

# RFC 8032, section 7.1: TEST 1, TEST 2 and TEST 3 as (secret, public, message, signature).
VECTORS = [
    pytest.param(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        id="TEST 1",
    ),
    pytest.param(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        id="TEST 2",
    ),
    pytest.param(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        id="TEST 3",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_signatures_are_those_of_rfc_8032(
    secret: str, public: str, message: str, signature: str
) -> None:
    private, signed = bytes.fromhex(secret), bytes.fromhex(message)
    assert public_of(private).hex() == public
    assert sign(private, signed).hex() == signature
    assert is_signed(bytes.fromhex(public), bytes.fromhex(signature), signed)


PRIVATE = bytes(range(KEY_BYTES))
PUBLIC = public_of(PRIVATE)
SIGNATURE = sign(PRIVATE, b"twelve seats")
_ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group, RFC 8032 5.1


def test_a_signature_with_its_scalar_shifted_by_the_groups_order_is_refused() -> None:
    scalar = int.from_bytes(SIGNATURE[32:], "little") + _ORDER
    twin = SIGNATURE[:32] + scalar.to_bytes(32, "little")
    assert not is_signed(PUBLIC, twin, b"twelve seats")


@pytest.mark.parametrize(
    ("public", "signature", "message"),
    [
        pytest.param(PUBLIC, SIGNATURE, b"twelve seatz", id="another message"),
        pytest.param(public_of(bytes(32)), SIGNATURE, b"twelve seats", id="another key"),
        pytest.param(PUBLIC[:-1], SIGNATURE, b"twelve seats", id="a key too short"),
        pytest.param(PUBLIC + b"\0", SIGNATURE, b"twelve seats", id="a key too long"),
        pytest.param(b"", SIGNATURE, b"twelve seats", id="no key"),
        pytest.param(b"\xff" * 32, SIGNATURE, b"twelve seats", id="a key that is no point"),
        pytest.param(PUBLIC, SIGNATURE[:-1], b"twelve seats", id="a signature too short"),
        pytest.param(PUBLIC, b"", b"twelve seats", id="no signature"),
        pytest.param(PUBLIC, bytes(SIGNATURE_BYTES), b"twelve seats", id="a signature of zeros"),
    ],
)
def test_nothing_else_counts_as_signed(public: bytes, signature: bytes, message: bytes) -> None:
    assert is_signed(PUBLIC, SIGNATURE, b"twelve seats")
    assert not is_signed(public, signature, message)


def test_names_of_keys_come_from_their_hash() -> None:
    assert key_id(PUBLIC) == hashlib.sha256(PUBLIC).hexdigest()[:8]
    assert fingerprint(PUBLIC) == hashlib.sha256(b"boxgate key\0" + PUBLIC).digest()[:10]


def test_the_server_vouches_for_node_role_and_key_together() -> None:
    message = node_key_message("0123456789abcdef", "till", PUBLIC)
    assert message == b"boxgate node 1\x000123456789abcdef\x00till\x00" + PUBLIC
    others = {
        node_key_message("0123456789abcdee", "till", PUBLIC),
        node_key_message("0123456789abcdef", "gate", PUBLIC),
        node_key_message("0123456789abcdef", "till", public_of(bytes(32))),
    }
    assert len(others | {message}) == 4
