"""A person's second factor: a secret shared with the app on their phone, sealed in the database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, text

from sync_server.services.totp import SECRET_BYTES, matching_step
from sync_server.store.writer import Transaction

_NONCE_BYTES = 12
_INFO = b"boxgate second factor"


@dataclass(frozen=True, slots=True, repr=False)
class SecondFactor:
    """`is_on`: its first code was right. `last_step`: of the newest code that was taken."""

    secret: bytes
    is_on: bool
    last_step: int


def find_second_factor(connection: Connection, root: bytes, person_id: str) -> SecondFactor | None:
    """What the person has set up; None without. Raises ValueError when it does not open."""
    row = connection.execute(
        text("SELECT sealed, is_on, last_step FROM second_factor WHERE person_id = :id"),
        {"id": person_id},
    ).first()
    if row is None:
        return None
    return SecondFactor(_opened(root, person_id, row.sealed), bool(row.is_on), row.last_step)


def begin_second_factor(tx: Transaction, root: bytes, person_id: str) -> None:
    """A new secret, which counts from its first right code on. Does nothing where one is on."""
    tx.run("DELETE FROM second_factor WHERE person_id = :id AND is_on = 0", id=person_id)
    tx.run(
        "INSERT INTO second_factor (person_id, sealed, is_on, last_step) "
        "VALUES (:id, :sealed, 0, 0) ON CONFLICT (person_id) DO NOTHING",
        id=person_id,
        sealed=_sealed(root, person_id, secrets.token_bytes(SECRET_BYTES)),
    )


def take_code(tx: Transaction, root: bytes, person_id: str, code: str, *, turn_on: bool) -> bool:
    """Whether the code is right and new; it is used up by it. `turn_on`: the secret counts from now.

    In one transaction, so that of two with the same code one is refused.
    """
    found = find_second_factor(tx.connection, root, person_id)
    if found is None or found.is_on == turn_on:
        return False
    step = matching_step(found.secret, code, tx.now_ms / 1000, after=found.last_step)
    if step is None:
        return False
    taken = tx.run(
        "UPDATE second_factor SET is_on = 1, last_step = :step "
        "WHERE person_id = :id AND last_step < :step",
        step=step,
        id=person_id,
    )
    return bool(taken)


def end_second_factor(tx: Transaction, person_id: str) -> bool:
    """Sign in by password alone again; False when nothing was set up."""
    return bool(tx.run("DELETE FROM second_factor WHERE person_id = :id", id=person_id))


def _key(root: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(SHA256(), 32, None, _INFO).derive(root))


def _sealed(root: bytes, person_id: str, secret: bytes) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return (nonce + _key(root).encrypt(nonce, secret, person_id.encode())).hex()


def _opened(root: bytes, person_id: str, sealed: str) -> bytes:
    raw = bytes.fromhex(sealed)
    try:
        return _key(root).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], person_id.encode())
    except InvalidTag:
        raise ValueError("a second factor was sealed with another key") from None
