"""The hash chain of a node's journal: how an operation is bound to everything before it.

The hash is taken over the body's stored text, never over a re-encoded object, so that the server
checks the very bytes that the node recorded.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from ticketing.ids import U16_MAX, OpId, is_op_id

ROOT_HASH = "0" * 64
BODY_CHARS_MAX = 65_536
_EXACT_MAX = 2**53 - 1  # what every JSON reader takes as a whole number
_KIND = re.compile(r"[a-z][a-z_]{0,31}")
_HASH = re.compile(r"[0-9a-f]{64}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # no database takes these as text


class OpKind(StrEnum):
    """What an operation records. Stored and sent, never renamed."""

    SALE = "sale"
    RELEASE = "release"  # units given back to the server
    PRINT = "print"  # tickets came out of the printer
    ENTRY = "entry"  # a gate let a ticket in
    PASSAGE = "passage"  # what became of an entry: somebody passed, or nobody did
    EXIT = "exit"  # somebody went out with a ticket
    BLOCK = "block"  # a gate blocked a ticket, or lifted that
    GATE_OPENED = "gate_opened"  # house journal: everybody passes a lane from now on
    GATE_SHUT = "gate_shut"  # house journal: that is over
    WALKED = "walked"  # house journal: people passed a lane without a grant
    SETTLE = "settle"  # the node is done with an allotment for good
    REFUND = "refund"  # tickets revoked, money paid out: a void or a refund
    EXCHANGE = "exchange"  # tickets revoked, others sold for their worth; also a lost one replaced
    HAND_OVER = "hand_over"  # another node may print an order first, or: it is printed already
    CREDENTIAL_BOUND = "credential_bound"  # a chip stands for a ticket from now on
    CREDENTIAL_UNBOUND = "credential_unbound"  # and no longer
    INTEREST = "interest"  # somebody wants places while none may be sold
    SIGN_IN = "sign_in"  # house journal
    SIGN_OUT = "sign_out"  # house journal
    SHIFT_OPENED = "shift_opened"  # house journal: a float was counted
    CASH_MOVED = "cash_moved"  # house journal: paid in, paid out, dropped into the safe
    DRAWER_OPENED = "drawer_opened"  # house journal: without a sale
    SHIFT_CLOSED = "shift_closed"  # house journal: the Z report


class Verdict(StrEnum):
    """The server's answer to an operation."""

    OK = "ok"
    OK_LATE = "ok_late"  # honoured although its allotment was gone: the unit was free again
    OK_MOVED = "ok_moved"  # honoured on another unit, same ticket
    DEFERRED = "deferred"  # recorded, decided when what a failover lost is known again
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


def is_hash(text: object) -> bool:
    """A SHA-256 as 64 lower-case hex digits."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def _is_storable(body: str) -> bool:
    """Whether every database takes it as text; nearly all bodies are plain ASCII."""
    if body.isascii():
        return "\0" not in body
    return _UNSTORABLE.search(body) is None


def op_from_wire(raw: object) -> Op | None:
    """The operation, or None when the array is not one (a framing error: nothing is stored)."""
    if not isinstance(raw, list) or len(raw) != 7:
        return None
    seq, op_id, kind, version, wall_ms, body, digest = raw
    if (
        type(seq) is int
        and 1 <= seq <= _EXACT_MAX
        and type(version) is int
        and 1 <= version <= U16_MAX
        and type(wall_ms) is int
        and 0 <= wall_ms <= _EXACT_MAX
        and is_op_id(op_id)
        and isinstance(kind, str)
        and _KIND.fullmatch(kind) is not None
        and isinstance(body, str)
        and len(body) <= BODY_CHARS_MAX
        and _is_storable(body)
        and is_hash(digest)
    ):
        return Op(seq, op_id, kind, version, wall_ms, body, digest)
    return None


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
