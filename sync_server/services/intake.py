"""Intake: a node's journal comes in, is checked against its chain, and takes effect exactly once.

Every well-framed operation is stored with its verdict, whatever the verdict: a poison operation
neither blocks the queue nor disappears. Pushing again returns the stored verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from sync_server.services.cases import CaseKind, open_case
from sync_server.services.effects import Effect, Source, apply_op, book_cash
from sync_server.store.writer import Transaction
from ticketing.journal import ROOT_HASH, Op, OpKind, Verdict, first_break
from ticketing.operations import decode_sale

OPS_PER_PUSH_MAX = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """A contiguous piece of a journal. `prev` is the hash before the first operation."""

    first_seq: int
    prev: str
    ops: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Verdict on one operation; its effects are in the feed from `rev` on."""

    seq: int
    verdict: str
    code: str
    rev: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The journal's head at the server after the batch, and a verdict for each operation sent."""

    acked: int
    hash: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """The batch starts beyond what the server has: send from `acked + 1`. Nothing was stored."""

    acked: int
    hash: str


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """The batch does not hang together: a framing error. Nothing was stored."""

    seq: int


@dataclass(frozen=True, slots=True)
class Forked:
    """The journal contradicts what was sent before: fenced, a case is open."""

    acked: int


def take_batch(tx: Transaction, source: Source, batch: Batch) -> Taken | Gap | BrokenChain | Forked:
    """Record a batch and apply what is new of it."""
    journal = _journal(tx, source)
    if journal.state != "open":
        return Forked(journal.seq)
    if batch.first_seq > journal.seq + 1:
        return Gap(journal.seq, journal.hash)
    broken = first_break(
        list(batch.ops),
        batch.prev,
        batch.first_seq,
        source.stream,
        source.node_id,
        source.incarnation,
    )
    if broken is not None:
        return BrokenChain(batch.first_seq + broken)
    if not _continues(tx, source, batch, journal.seq):
        return _fence(tx, source, journal.seq, batch.first_seq)
    known = _stored_answers(tx, source, batch, journal.seq)
    new_ops = [op for op in batch.ops if op.seq > journal.seq]
    answers = [_record(tx, source, op) for op in new_ops]
    head = new_ops[-1] if new_ops else None
    if head is not None:
        _move_head(tx, source, head)
    return Taken(
        head.seq if head else journal.seq,
        head.hash if head else journal.hash,
        (*known, *answers),
    )


def check_head(tx: Transaction, source: Source, seq: int, head_hash: str) -> Taken | Forked:
    """Compare a node's journal head with ours, even when it has nothing new.

    A head behind ours means that the node lost operations it had sent: rolled back or cloned.
    """
    journal = _known_journal(tx, source)
    if journal is None:  # nothing was ever sent, so nothing can contradict it
        return Taken(0, ROOT_HASH, ())
    if journal.state != "open":
        return Forked(journal.seq)
    if seq < journal.seq or (seq == journal.seq and head_hash != journal.hash):
        return _fence(tx, source, journal.seq, seq)
    return Taken(journal.seq, journal.hash, ())


def _journal(tx: Transaction, source: Source) -> Any:
    known = _known_journal(tx, source)
    if known is None:
        tx.run(
            "INSERT INTO journal (event_id, node_id, inc, seq, hash, state) "
            "VALUES (:e, :n, :i, 0, :root, 'open')",
            e=source.stream,
            n=source.node_id,
            i=source.incarnation,
            root=ROOT_HASH,
        )
        known = _known_journal(tx, source)
    assert known is not None
    return known


def _known_journal(tx: Transaction, source: Source) -> Any | None:
    return tx.row(
        "SELECT seq, hash, state FROM journal WHERE event_id = :e AND node_id = :n AND inc = :i",
        e=source.stream,
        n=source.node_id,
        i=source.incarnation,
    )


def _continues(tx: Transaction, source: Source, batch: Batch, acked: int) -> bool:
    """Whether the batch agrees with every operation of it that we already have."""
    if batch.first_seq == 1 and batch.prev != ROOT_HASH:
        return False
    overlap = {op.seq: op.hash for op in batch.ops if op.seq <= acked}
    if batch.first_seq > 1:
        overlap[batch.first_seq - 1] = batch.prev
    if not overlap:
        return True
    rows = tx.rows(
        "SELECT seq, hash FROM op WHERE event_id = :e AND node_id = :n AND inc = :i "
        "AND seq BETWEEN :low AND :high",
        e=source.stream,
        n=source.node_id,
        i=source.incarnation,
        low=min(overlap),
        high=max(overlap),
    )
    stored = {row.seq: row.hash for row in rows}
    return all(stored.get(seq) == digest for seq, digest in overlap.items())


def _fence(tx: Transaction, source: Source, acked: int, told_seq: int) -> Forked:
    tx.run(
        "UPDATE journal SET state = 'forked' WHERE event_id = :e AND node_id = :n AND inc = :i",
        e=source.stream,
        n=source.node_id,
        i=source.incarnation,
    )
    body = {"node": source.node_id, "inc": source.incarnation, "acked": acked, "told": told_seq}
    open_case(tx, source.stream, CaseKind.FORK, f"{source.node_id}:{source.incarnation}", body)
    return Forked(acked)


def _stored_answers(
    tx: Transaction, source: Source, batch: Batch, acked: int
) -> tuple[Answer, ...]:
    rows = tx.rows(
        "SELECT seq, verdict, verdict_code, rev FROM op WHERE event_id = :e AND node_id = :n "
        "AND inc = :i AND seq BETWEEN :low AND :high ORDER BY seq",
        e=source.stream,
        n=source.node_id,
        i=source.incarnation,
        low=batch.first_seq,
        high=min(acked, batch.first_seq + len(batch.ops) - 1),
    )
    return tuple(Answer(row.seq, row.verdict, row.verdict_code, row.rev) for row in rows)


def _record(tx: Transaction, source: Source, op: Op) -> Answer:
    effect = _effect_or_poison(tx, source, op)
    tx.run(
        "INSERT INTO op (event_id, node_id, inc, seq, op_id, kind, version, wall_ms, body, hash, "
        "received_ms, verdict, verdict_code, rev) VALUES (:e, :n, :i, :seq, :op_id, :kind, "
        ":version, :wall_ms, :body, :hash, :now, :verdict, :code, :rev)",
        e=source.stream,
        n=source.node_id,
        i=source.incarnation,
        seq=op.seq,
        op_id=op.op_id,
        kind=op.kind,
        version=op.version,
        wall_ms=op.wall_ms,
        body=op.body,
        hash=op.hash,
        now=tx.now_ms,
        verdict=effect.verdict,
        code=effect.code,
        rev=effect.rev,
    )
    return Answer(op.seq, effect.verdict, effect.code, effect.rev)


def _effect_or_poison(tx: Transaction, source: Source, op: Op) -> Effect:
    """The operation's effect; one that the database refuses has none, and a case tells of it."""
    savepoint = tx.connection.begin_nested()
    try:
        effect = apply_op(tx, source, op)
        savepoint.commit()
    except (DataError, IntegrityError):
        savepoint.rollback()
        _book_contradicted_sale(tx, source, op)
        effect = Effect(Verdict.REJECTED, "contradiction", 0)
    if effect.verdict is Verdict.REJECTED:
        body = {"node": source.node_id, "seq": op.seq, "kind": op.kind, "code": effect.code}
        open_case(tx, source.stream, CaseKind.POISON, op.op_id, body)
    return effect


def _book_contradicted_sale(tx: Transaction, source: Source, op: Op) -> None:
    """The money is in the drawer whatever else is wrong with the sale: the ledger has it.

    Orders and ledger then differ by it, which the books show until the case is settled.
    """
    sale = decode_sale(op.body) if op.kind == OpKind.SALE else None
    if sale is None:
        return
    savepoint = tx.connection.begin_nested()
    try:
        book_cash(tx, source.stream, source.node_id, sale, op.op_id)
        savepoint.commit()
    except (DataError, IntegrityError):  # even that contradicts: the case alone tells of it
        savepoint.rollback()


def _move_head(tx: Transaction, source: Source, head: Op) -> None:
    tx.run(
        "UPDATE journal SET seq = :seq, hash = :hash "
        "WHERE event_id = :e AND node_id = :n AND inc = :i",
        seq=head.seq,
        hash=head.hash,
        e=source.stream,
        n=source.node_id,
        i=source.incarnation,
    )
