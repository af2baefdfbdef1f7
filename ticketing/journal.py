"""The hash chain of a node's journal: how an operation is bound to everything before it.

The hash is taken over the body's stored text, never over a re-encoded object, so that the server
checks the very bytes that the node recorded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from ticketing.ids import OpId, is_op_id

ROOT_HASH = "0" * 64
BODY_CHARS_MAX = 65_536
KIND_CHARS_MAX = 32


class OpKind(StrEnum):
    """What an operation records. Stored and sent, never renamed."""

    SALE = "sale"
    RELEASE = "release"  # units given back to the server
    PRINT = "print"  # tickets came out of the printer
    ENTRY = "entry"  # a gate let a ticket in (phase granted, passed or returned)
    SIGN_IN = "sign_in"  # house journal
    SIGN_OUT = "sign_out"  # house journal


class Verdict(StrEnum):
    """The server's answer to an operation."""

    OK = "ok"
    DISPUTED = "disputed"  # recorded, money booked, not honoured as it stands: a case is open
    REJECTED = "rejected"  # recorded, without effect: a case is open


@dataclass(frozen=True, slots=True)
class Op:
    """One entry of a journal. `wall_ms` is the node's clock, Unix milliseconds; `body` is JSON."""

    seq: int
    op_id: OpId
    kind: str
    version: int
    wall_ms: int
    body: str
    hash: str


def op_hash(
    prev_hash: str,
    stream: str,
    node_id: str,
    incarnation: int,
    seq: int,
    op_id: str,
    kind: str,
    version: int,
    wall_ms: int,
    body: str,
) -> str:
    """SHA-256, in hex, over the previous hash and all that the operation says."""
    head = f"{prev_hash}\n{stream}\n{node_id}\n{incarnation}\n{seq}\n{op_id}\n{kind}\n"
    text = f"{head}{version}\n{wall_ms}\n{body}"
    return hashlib.sha256(text.encode()).hexdigest()


def chain_op(
    prev_hash: str,
    stream: str,
    node_id: str,
    incarnation: int,
    seq: int,
    op_id: OpId,
    kind: str,
    version: int,
    wall_ms: int,
    body: str,
) -> Op:
    """The next operation of a chain, with its hash."""
    digest = op_hash(
        prev_hash, stream, node_id, incarnation, seq, op_id, kind, version, wall_ms, body
    )
    return Op(seq, op_id, kind, version, wall_ms, body, digest)


def op_to_wire(op: Op) -> list[object]:
    """An operation as a JSON array: seq, op id, kind, version, wall_ms, body text, hash."""
    return [op.seq, op.op_id, op.kind, op.version, op.wall_ms, op.body, op.hash]


def op_from_wire(raw: object) -> Op | None:
    """The operation, or None when the array is not one (a framing error: nothing is stored)."""
    if not isinstance(raw, list) or len(raw) != 7:
        return None
    seq, op_id, kind, version, wall_ms, body, digest = raw
    numbers_fit = all(
        type(n) is int and low <= n < 2**53 for n, low in ((seq, 1), (version, 1), (wall_ms, 0))
    )
    texts_fit = (
        isinstance(kind, str)
        and 0 < len(kind) <= KIND_CHARS_MAX
        and isinstance(body, str)
        and len(body) <= BODY_CHARS_MAX
        and isinstance(digest, str)
        and len(digest) == 64
    )
    if not (numbers_fit and texts_fit and is_op_id(op_id)):
        return None
    return Op(seq, op_id, kind, version, wall_ms, body, digest)


def first_break(
    ops: list[Op], prev_hash: str, first_seq: int, stream: str, node_id: str, incarnation: int
) -> int | None:
    """Index of the first operation that does not continue the chain; None when all do."""
    for index, op in enumerate(ops):
        expected = op_hash(
            prev_hash,
            stream,
            node_id,
            incarnation,
            first_seq + index,
            op.op_id,
            op.kind,
            op.version,
            op.wall_ms,
            op.body,
        )
        if op.seq != first_seq + index or op.hash != expected:
            return index
        prev_hash = op.hash
    return None
