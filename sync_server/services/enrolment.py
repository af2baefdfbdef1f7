"""Enrolment: a one-time code lets a machine in; the server then vouches for the machine's key.

A code is 20 bytes in base32: a secret that only its hash is kept of, and the fingerprint of the
server's key, by which the machine knows that it speaks to the right server. Only the secret is
sent back.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sync_server.services.permissions import NodeRole
from sync_server.store.writer import Transaction
from ticketing.ids import NodeId
from ticketing.keys import fingerprint, key_id, node_key_message, public_of, sign

MINUTES_MAX = 7 * 24 * 60
NAME_CHARS_MAX = 40
_SECRET_BYTES = 10
_GROUP_CHARS = 4
_SECRET = re.compile(r"[A-Z2-7]{16}")
_KEEP_EXPIRED_MS = 30 * 24 * 3_600_000


class CodeRefusal(StrEnum):
    """Why no code was made."""

    NAME_TAKEN = "node_name_taken"
    NO_VENUE = "no_venue"


class EnrolRefusal(StrEnum):
    """Why a machine was not enrolled."""

    WRONG = "enrolment_code_wrong"
    EXPIRED = "enrolment_code_expired"
    USED = "enrolment_code_used"
    OTHER_ROLE = "enrolment_code_other_role"  # the code can still be used by a machine it is for
    NAME_TAKEN = "node_name_taken"
    KEY_ID_TAKEN = "key_id_taken"


@dataclass(frozen=True, slots=True, repr=False)
class EnrolmentCode:
    """`text` is for people, `secret` is the half of it that the machine sends."""

    text: str
    secret: str


@dataclass(frozen=True, slots=True)
class Applicant:
    """A machine that wants to be a node, as it describes itself; `role` '' takes any."""

    public: bytes
    machine_id: str
    program_version: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A node as it learns of itself. `key_signature` is the server's over its key."""

    node_id: NodeId
    role: NodeRole
    name: str
    key_signature: bytes


def new_code(server_public: bytes) -> EnrolmentCode:
    """A fresh random code for this server's key."""
    secret = _base32(secrets.token_bytes(_SECRET_BYTES))
    chars = secret + _base32(fingerprint(server_public))
    groups = [chars[at : at + _GROUP_CHARS] for at in range(0, len(chars), _GROUP_CHARS)]
    return EnrolmentCode("-".join(groups), secret)


def is_secret(text: object) -> bool:
    """Whether a text has the form of a code's secret half."""
    return isinstance(text, str) and _SECRET.fullmatch(text) is not None


def add_code(
    tx: Transaction, secret: str, role: NodeRole, node_name: str, minutes: int
) -> CodeRefusal | None:
    """Let one machine enrol as `node_name` within so many minutes; None when that stands."""
    if not tx.row("SELECT 1 FROM stream WHERE kind = 'house'"):
        return CodeRefusal.NO_VENUE
    if _is_name_taken(tx, node_name):
        return CodeRefusal.NAME_TAKEN
    tx.run(
        "DELETE FROM enrolment WHERE used_ms = 0 AND expires_ms < :old",
        old=tx.now_ms - _KEEP_EXPIRED_MS,
    )
    tx.run(
        "INSERT INTO enrolment (secret_hash, role, node_name, expires_ms, used_ms, node_id) "
        "VALUES (:hash, :role, :name, :expires, 0, '')",
        hash=_hash(secret),
        role=role,
        name=node_name,
        expires=tx.now_ms + minutes * 60_000,
    )
    return None


def enrol(
    tx: Transaction, venue_id: str, server_private: bytes, secret: str, applicant: Applicant
) -> Enrolled | EnrolRefusal:
    """Make a machine a node. Asked again with the same code and key it gives the same answer."""
    code = tx.row(
        "SELECT role, node_name, expires_ms, used_ms, node_id FROM enrolment "
        "WHERE secret_hash = :hash",
        hash=_hash(secret),
    )
    if code is None:
        return EnrolRefusal.WRONG
    if code.used_ms:
        return _same_again(tx, code.node_id, applicant) or EnrolRefusal.USED
    if code.expires_ms <= tx.now_ms:
        return EnrolRefusal.EXPIRED
    if applicant.role not in ("", code.role):
        return EnrolRefusal.OTHER_ROLE
    made = add_node(
        tx,
        venue_id,
        server_private,
        NodeRole(code.role),
        code.node_name,
        applicant,
        seen_ms=tx.now_ms,
    )
    if isinstance(made, Enrolled):
        tx.run(
            "UPDATE enrolment SET used_ms = :now, node_id = :node WHERE secret_hash = :hash",
            now=tx.now_ms,
            node=made.node_id,
            hash=_hash(secret),
        )
    return made


def add_node(
    tx: Transaction,
    venue_id: str,
    server_private: bytes,
    role: NodeRole,
    name: str,
    applicant: Applicant,
    *,
    seen_ms: int = 0,
) -> Enrolled | EnrolRefusal:
    """The node's row, told to all by the house feed. `seen_ms` 0: it was never in touch."""
    key = key_id(applicant.public)
    if _is_name_taken(tx, name):
        return EnrolRefusal.NAME_TAKEN
    if key == key_id(public_of(server_private)) or tx.row(
        "SELECT 1 FROM node WHERE key_id = :key", key=key
    ):
        return EnrolRefusal.KEY_ID_TAKEN
    node_id = NodeId(secrets.token_hex(8))
    signature = sign(server_private, node_key_message(node_id, role, applicant.public))
    tx.run(
        "INSERT INTO node (id, name, role, public_key, key_id, key_signature, state, machine_id, "
        "enrolled_ms, last_seen_ms, program_version, rev) VALUES (:id, :name, :role, :public, "
        ":key_id, :signature, 'active', :machine, :now, :seen, :version, :rev)",
        id=node_id,
        name=name,
        role=role,
        public=applicant.public.hex(),
        key_id=key,
        signature=signature.hex(),
        machine=applicant.machine_id,
        now=tx.now_ms,
        seen=seen_ms,
        version=applicant.program_version,
        rev=tx.next_rev(venue_id),
    )
    return Enrolled(node_id, role, name, signature)


def _same_again(tx: Transaction, node_id: str, applicant: Applicant) -> Enrolled | None:
    """The reply may have been lost: whoever has the key that enrolled gets it again."""
    row = tx.row(
        "SELECT id, role, name, key_signature FROM node WHERE id = :id AND public_key = :public",
        id=node_id,
        public=applicant.public.hex(),
    )
    if row is None:
        return None
    return Enrolled(NodeId(row.id), NodeRole(row.role), row.name, bytes.fromhex(row.key_signature))


def _is_name_taken(tx: Transaction, name: str) -> bool:
    return tx.row("SELECT 1 FROM node WHERE name = :name", name=name) is not None


def _hash(secret: str) -> str:
    # 80 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")
