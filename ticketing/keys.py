"""Ed25519 keys as 32 raw bytes, and what they sign. No key is made here: chance is an argument."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ticketing.ids import KeyId

KEY_BYTES = 32
SIGNATURE_BYTES = 64


def key_id(public: bytes) -> KeyId:
    """Short name of a public key: the first 4 bytes of its SHA-256, in hex."""
    return KeyId(hashlib.sha256(public).hexdigest()[:8])


def fingerprint(public: bytes) -> bytes:
    """10 bytes that a person can carry inside an enrolment code (2^80 work to forge)."""
    return hashlib.sha256(b"boxgate key\0" + public).digest()[:10]


def public_of(private: bytes) -> bytes:
    """The public key that belongs to a private one."""
    key = Ed25519PrivateKey.from_private_bytes(private)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(private: bytes, message: bytes) -> bytes:
    """The Ed25519 signature, 64 bytes."""
    return _private(private).sign(message)


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is the key's over the message; False for malformed keys too."""
    try:
        _public(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=8)
def _private(raw: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(raw)


@lru_cache(maxsize=4096)
def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def node_key_message(node_id: str, role: str, public: bytes) -> bytes:
    """What the server signs to vouch for a node's key: `boxgate node`, node id, role, key."""
    return b"\0".join([b"boxgate node 1", node_id.encode(), role.encode(), public])
