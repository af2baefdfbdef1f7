"""Enrolment: a one-time code lets a machine in; the server then vouches for the machine's key.

A code is 20 bytes in base32: a secret that only its hash is kept of, and the fingerprint of the
server's key, by which the machine knows that it speaks to the right server. Only the secret is
sent back.

A code may be for a node that there is already: for a machine that was copied, rolled back or
replaced. It keeps the node's id and begins a new incarnation with a new key. The old key stays
known as a revoked one, so that tickets which the server knows are let in; the old journals are
closed, and what was lent stays reserved until it is settled or written off.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.work import Work
from sync_server.services.agencies import hold_agency
from sync_server.services.audit import UNKNOWN, Actor, Deed, note
from sync_server.services.permissions import NodeRole
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from ticketing.ids import NodeId
from ticketing.keys import fingerprint, key_id, node_key_message, public_of, sign

MINUTES_MAX = 7 * 24 * 60
NAME_CHARS_MAX = 40
_SECRET_BYTES = 10
_GROUP_CHARS = 4
_SECRET = re.compile(r"[A-Z2-7]{16}")
_ID_CHARS = 16
_ID = re.compile(r"[0-9a-f]{16}")


class CodeRefusal(StrEnum):
    """Why no code was made."""

    NAME_TAKEN = "node_name_taken"
    NO_VENUE = "no_venue"
    UNKNOWN_NODE = "unknown_node"
    UNKNOWN_AGENCY = "unknown_agency"  # or a retired one, or no window


class EnrolRefusal(StrEnum):
    """Why a machine was not enrolled."""

    WRONG = "enrolment_code_wrong"
    EXPIRED = "enrolment_code_expired"
    USED = "enrolment_code_used"
    OTHER_ROLE = "enrolment_code_other_role"  # the code can still be used by a machine it is for
    OTHER_NODE = "enrolment_code_other_node"  # likewise
    NAME_TAKEN = "node_name_taken"
    KEY_ID_TAKEN = "key_id_taken"
    NOT_BELOW_HUB = "not_below_hub"  # a hub is not, nor an agency's window


@dataclass(frozen=True, slots=True, repr=False)
class EnrolmentCode:
    """`text` is for people, `secret` is the half of it that the machine sends."""

    text: str
    secret: str


@dataclass(frozen=True, slots=True)
class Applicant:
    """A machine that wants to be a node, as it describes itself; `role` '' takes any.

    `node_id`: the node that it was, '' for a new machine.
    """

    public: bytes
    machine_id: str
    program_version: str
    role: str = ""
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A node as it learns of itself. `key_signature` is the server's over its key.

    `incarnation` counts its lives: its journals begin anew with each.
    """

    node_id: NodeId
    role: NodeRole
    name: str
    key_signature: bytes
    incarnation: int = 1


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
    tx: Transaction, secret: str, role: NodeRole, node_name: str, minutes: int, agency: str = ""
) -> CodeRefusal | None:
    """Let one machine enrol as `node_name` within so many minutes; None when that stands.

    `agency`: the id of the one whose window it will be, '' for the house's own.
    """
    if not tx.row("SELECT 1 FROM stream WHERE kind = 'house'"):
        return CodeRefusal.NO_VENUE
    if _is_name_taken(tx, node_name):
        return CodeRefusal.NAME_TAKEN
    if agency and not (role is NodeRole.TILL and hold_agency(tx, agency)):
        return CodeRefusal.UNKNOWN_AGENCY
    _put_code(tx, secret, role, node_name, minutes, "", agency)
    return None


def add_code_for_node(
    tx: Transaction, secret: str, node_name: str, minutes: int
) -> NodeRole | CodeRefusal:
    """Let one machine take a node's place within so many minutes; gives the node's role."""
    node = tx.row("SELECT id, role, agency FROM node WHERE name = :name", name=node_name)
    if node is None:
        return CodeRefusal.UNKNOWN_NODE
    if node.agency and not hold_agency(tx, node.agency):
        return CodeRefusal.UNKNOWN_AGENCY
    _put_code(tx, secret, node.role, node_name, minutes, node.id, node.agency)
    return NodeRole(node.role)


def _put_code(
    tx: Transaction,
    secret: str,
    role: str,
    node_name: str,
    minutes: int,
    node_id: str,
    agency: str,
) -> None:
    tx.run(
        "INSERT INTO enrolment (secret_hash, role, node_name, expires_ms, used_ms, node_id, "
        "agency) VALUES (:hash, :role, :name, :expires, 0, :node, :agency)",
        hash=_hash(secret),
        role=role,
        name=node_name,
        expires=tx.now_ms + minutes * 60_000,
        node=node_id,
        agency=agency,
    )


def code_id(secret_hash: str) -> str:
    """What names a code to people: it leads to no secret."""
    return secret_hash[:_ID_CHARS]


def withdraw_code(tx: Transaction, asked: str, actor: Actor) -> bool:
    """End a code that waits, by its `code_id`; False when it was used, or is over already.

    A machine that comes with it is told that it has expired.
    """
    if _ID.fullmatch(asked) is None:
        return False
    row = tx.row(
        "UPDATE enrolment SET expires_ms = :now WHERE used_ms = 0 AND expires_ms > :now "
        "AND substr(secret_hash, 1, :chars) = :asked RETURNING role, node_name, node_id",
        now=tx.now_ms,
        chars=_ID_CHARS,
        asked=asked,
    )
    if row is None:
        return False
    told = {"role": row.role, **({"again": True} if row.node_id else {})}
    note(tx, Deed.ENROL_CODE_WITHDRAWN, f"node:{row.node_name}", actor, before=told)
    return True


def enrol(
    tx: Transaction,
    venue_id: str,
    server_private: bytes,
    secret: str,
    applicant: Applicant,
    actor: Actor = UNKNOWN,
    *,
    hub: str = "",
) -> Enrolled | EnrolRefusal:
    """Make a machine a node. Asked again with the same code and key it gives the same answer.

    `hub`: the hub by which it asks and which it will call from now on; '' for us.
    """
    locked = Sql.of(tx.connection).locked  # against who withdraws it at this moment
    code = tx.row(
        "SELECT role, node_name, expires_ms, used_ms, node_id, agency "  # noqa: S608
        "FROM enrolment "
        f"WHERE secret_hash = :hash{locked}",
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
    if applicant.node_id not in ("", code.node_id):
        return EnrolRefusal.OTHER_NODE
    if hub and (code.role == NodeRole.HUB or code.agency):
        return EnrolRefusal.NOT_BELOW_HUB
    if code.node_id:
        made = begin_anew(tx, venue_id, server_private, code.node_id, applicant)
    else:
        made = add_node(
            tx,
            venue_id,
            server_private,
            NodeRole(code.role),
            code.node_name,
            applicant,
            seen_ms=tx.now_ms,
            agency=code.agency,
        )
    if isinstance(made, Enrolled):
        tx.run(
            "UPDATE enrolment SET used_ms = :now, node_id = :node WHERE secret_hash = :hash",
            now=tx.now_ms,
            node=made.node_id,
            hash=_hash(secret),
        )
        tx.run("UPDATE node SET hub = :hub WHERE id = :id", hub=hub, id=made.node_id)
        told = {"name": made.name, "role": made.role, "inc": made.incarnation}
        told |= {"agency": code.agency} if code.agency else {}
        note(tx, Deed.NODE_ENROLLED, f"node:{made.node_id}", actor, after=told)
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
    agency: str = "",
) -> Enrolled | EnrolRefusal:
    """The node's row, told to all by the house feed. `seen_ms` 0: it was never in touch."""
    key = key_id(applicant.public)
    if _is_name_taken(tx, name):
        return EnrolRefusal.NAME_TAKEN
    if _is_key_taken(tx, server_private, key):
        return EnrolRefusal.KEY_ID_TAKEN
    node_id = NodeId(secrets.token_hex(8))
    signature = sign(server_private, node_key_message(node_id, role, applicant.public))
    tx.run(
        "INSERT INTO node (id, name, role, public_key, key_id, key_signature, state, machine_id, "
        "enrolled_ms, last_seen_ms, program_version, agency, rev) VALUES (:id, :name, :role, "
        ":public, :key_id, :signature, 'active', :machine, :now, :seen, :version, :agency, :rev)",
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
        agency=agency,
        rev=tx.next_rev(venue_id),
    )
    return Enrolled(node_id, role, name, signature)


def begin_anew(
    tx: Transaction, venue_id: str, server_private: bytes, node_id: str, applicant: Applicant
) -> Enrolled | EnrolRefusal:
    """A node's next incarnation: a new key, closed journals, and a case for what it was lent."""
    key = key_id(applicant.public)
    if _is_key_taken(tx, server_private, key):
        return EnrolRefusal.KEY_ID_TAKEN
    streams = _lock_streams(tx, node_id)
    node = tx.row(
        "SELECT name, role, public_key, key_id, inc, agency FROM node WHERE id = :id", id=node_id
    )
    assert node is not None, "a node is never deleted"
    role = NodeRole(node.role)
    signature = sign(server_private, node_key_message(node_id, role, applicant.public))
    tx.run(
        "UPDATE node SET public_key = :public, key_id = :key_id, key_signature = :signature, "
        "state = 'active', machine_id = :machine, inc = inc + 1, enrolled_ms = :now, "
        "last_seen_ms = :now, unsynced_count = 0, program_version = :version, rev = :rev "
        "WHERE id = :id",
        id=node_id,
        public=applicant.public.hex(),
        key_id=key,
        signature=signature.hex(),
        machine=applicant.machine_id,
        now=tx.now_ms,
        version=applicant.program_version,
        rev=tx.next_rev(venue_id),
    )
    _keep_old_key(tx, venue_id, server_private, node, role)
    tx.run("UPDATE journal SET state = 'closed' WHERE node_id = :id AND state = 'open'", id=node_id)
    for stream in streams:
        _tell_of_old_life(tx, stream, node_id, node.inc)
    return Enrolled(NodeId(node_id), role, node.name, signature, node.inc + 1)


def _lock_streams(tx: Transaction, node_id: str) -> list[str]:
    """The streams it has journals or allotments in, locked in one order: no batch is under way."""
    locked = Sql.of(tx.connection).locked
    rows = tx.rows(
        "SELECT event_id FROM stream WHERE event_id IN "  # noqa: S608 - our own words
        "(SELECT event_id FROM journal WHERE node_id = :id "
        f"UNION SELECT event_id FROM allot WHERE node_id = :id) ORDER BY event_id{locked}",
        id=node_id,
    )
    return [row.event_id for row in rows]


def _keep_old_key(
    tx: Transaction, venue_id: str, server_private: bytes, node: Any, role: NodeRole
) -> None:
    """Gates go on to know the key that tickets of the old life are signed with."""
    public = bytes.fromhex(node.public_key)
    old_id = NodeId(secrets.token_hex(8))
    signature = sign(server_private, node_key_message(old_id, role, public))
    tx.run(
        "INSERT INTO node (id, name, role, public_key, key_id, key_signature, state, machine_id, "
        "inc, enrolled_ms, last_seen_ms, agency, rev) VALUES (:id, :name, :role, :public, "
        ":key_id, :signature, 'revoked', '', :inc, :now, 0, :agency, :rev)",
        id=old_id,
        name=f"{node.name} ({node.key_id})",
        role=role,
        public=node.public_key,
        key_id=node.key_id,
        signature=signature.hex(),
        inc=node.inc,
        now=tx.now_ms,
        agency=node.agency,
        rev=tx.next_rev(venue_id),
    )


def _tell_of_old_life(tx: Transaction, stream: str, node_id: str, incarnation: int) -> None:
    """What is still lent to the old life is a case of the event's."""
    rows = tx.rows(
        "SELECT a.id, count(c.unit) AS units FROM allot a LEFT JOIN claim c "
        "ON c.event_id = a.event_id AND c.ref = a.id AND c.kind = 'allot' "
        "WHERE a.event_id = :e AND a.node_id = :n AND a.state = 'open' GROUP BY a.id ORDER BY a.id",
        e=stream,
        n=node_id,
    )
    if not rows:
        return
    work = Work.begin(Sql.of(tx.connection), stream, tx.now_ms, lambda _sql, _stream: None)
    body = {
        "node": node_id,
        "inc": incarnation,
        "allotments": [[row.id, int(row.units)] for row in rows],
    }
    open_case(work, CaseKind.REENROLLED, f"{node_id}:{incarnation}", body)
    work.flush()
    tx.touched.add(stream)


def _same_again(tx: Transaction, node_id: str, applicant: Applicant) -> Enrolled | None:
    """The reply may have been lost: whoever has the key that enrolled gets it again."""
    row = tx.row(
        "SELECT id, role, name, key_signature, inc FROM node "
        "WHERE id = :id AND public_key = :public",
        id=node_id,
        public=applicant.public.hex(),
    )
    if row is None:
        return None
    signature = bytes.fromhex(row.key_signature)
    return Enrolled(NodeId(row.id), NodeRole(row.role), row.name, signature, row.inc)


def _is_key_taken(tx: Transaction, server_private: bytes, key: str) -> bool:
    known = tx.row("SELECT 1 FROM node WHERE key_id = :key", key=key)
    return known is not None or key == key_id(public_of(server_private))


def _is_name_taken(tx: Transaction, name: str) -> bool:
    return tx.row("SELECT 1 FROM node WHERE name = :name", name=name) is not None


def _hash(secret: str) -> str:
    # 80 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")
