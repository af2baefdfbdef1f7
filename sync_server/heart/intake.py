"""Intake: a node's journal comes in, is checked against its chain, and takes effect exactly once.

Every well-framed operation is stored with its verdict, whatever the verdict: a poison operation
neither blocks the queue nor disappears. Pushing again returns the stored verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.effect import Effect
from sync_server.heart.effects import Kind, apply_op, read_op, want_rows
from sync_server.heart.rows import Journal, OpRow
from sync_server.heart.source import Context, Source, Step, run_steps
from sync_server.heart.work import Work
from sync_server.store import schema
from sync_server.store.sql import REFUSALS, Sql, columns_of
from ticketing.journal import ROOT_HASH, Op, Verdict, first_break

OPS_PER_PUSH_MAX = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """A contiguous piece of a journal. `prev` is the hash before the first operation."""

    first_seq: int
    prev: str
    ops: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """The journal's head at the server after the batch, and each operation sent with its verdict.

    Whole once the work is flushed: then `rev` says from where on the feed shows its effects.
    """

    acked: int
    hash: str
    ops: tuple[OpRow, ...]


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


Outcome = Taken | Gap | BrokenChain | Forked


@dataclass(slots=True)
class Push:
    """A batch of operations of one journal. `refused`: sequence numbers the database refused."""

    source: Source
    batch: Batch
    refused: frozenset[int] = frozenset()
    _broken: int | None = None
    _kinds: list[Kind | str] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """The stream it changes."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Check the chain and read the bodies."""
        source, batch = self.source, self.batch
        self._broken = first_break(
            list(batch.ops),
            batch.prev,
            batch.first_seq,
            source.stream,
            source.node_id,
            source.incarnation,
        )
        if self._broken is not None:
            return
        work.journals.want([(source.node_id, source.incarnation)])
        work.told_clock(source.node_id, source.clock_ahead_ms)
        self._kinds = [read_op(work, source, op) for op in batch.ops]
        for op, kind in zip(batch.ops, self._kinds, strict=True):
            want_rows(work, op, kind)

    def apply(self, work: Work) -> Outcome:
        """Record the batch and apply what is new of it."""
        source, batch = self.source, self.batch
        if self._broken is not None:
            return BrokenChain(batch.first_seq + self._broken)
        journal = work.journal(source.node_id, source.incarnation)
        if journal.state != "open":
            return Forked(journal.seq)
        if batch.first_seq > journal.seq + 1:
            return Gap(journal.seq, journal.hash)
        known = _stored_ops(work, journal, batch)
        if not _continues(journal, batch, known):
            return _fence(work, journal, batch.first_seq)
        skip = journal.seq + 1 - batch.first_seq
        rows = [
            self._record(work, op, kind)
            for op, kind in zip(batch.ops[skip:], self._kinds[skip:], strict=True)
        ]
        if rows:
            journal.seq, journal.hash = rows[-1].seq, rows[-1].hash
            work.put_journal(journal)
        return Taken(journal.seq, journal.hash, (*known.values(), *rows))

    def _record(self, work: Work, op: Op, kind: Kind | str) -> OpRow:
        told = "contradiction" if op.seq in self.refused else kind
        return record(work, self.source, op, apply_op(work, self.source, op, told))


@dataclass(frozen=True, slots=True)
class HeadCheck:
    """A node tells where its journal ends, even when it has nothing new.

    A head behind ours means that the node lost operations it had sent: rolled back or cloned.
    Unless it names another history, or none: then the greeting may have been on its way since
    before that one ended, and a later one may have been forgotten with it. `fences` False: nothing
    is held against the node before it greets in the present history.

    `is_locked`: the node was told that this journal is fenced. A history that does not know so has
    lost the fork, and what was found: it begins anew with the node's word.
    """

    source: Source
    seq: int
    hash: str
    fences: bool = True
    is_locked: bool = False

    @property
    def stream(self) -> str:
        """The stream it looks at."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the journal."""
        work.journals.want([(self.source.node_id, self.source.incarnation)])

    def apply(self, work: Work) -> Taken | Forked:
        """Compare; fence the journal when the two contradict each other."""
        journal = work.journal(self.source.node_id, self.source.incarnation)
        if journal.state != "open":
            return Forked(journal.seq)
        if self.is_locked:
            return _fence(work, journal, self.seq)
        if self.seq < journal.seq or (self.seq == journal.seq and self.hash != journal.hash):
            if self.fences:
                return _fence(work, journal, self.seq)
            return Taken(self.seq, self.hash, ())
        return Taken(journal.seq, journal.hash, ())


def record(work: Work, source: Source, op: Op, effect: Effect) -> OpRow:
    """Store an operation with the verdict that it earned; one without effect becomes a case."""
    row = OpRow(
        source.stream,
        source.node_id,
        source.incarnation,
        op.seq,
        source.branch,
        op.op_id,
        op.kind,
        op.version,
        op.wall_ms,
        op.body,
        op.hash,
        work.now_ms,
        effect.verdict,
        effect.code,
        int(effect.shows),
    )
    work.ops.append(row)
    if effect.verdict is Verdict.REJECTED:
        open_poison(work, row)
    return row


def open_poison(work: Work, row: OpRow) -> None:
    """Tell the manager of an operation without effect."""
    body = {"node": row.node_id, "seq": row.seq, "kind": row.kind, "code": row.verdict_code}
    open_case(work, CaseKind.POISON, row.op_id, body)


def _stored_ops(work: Work, journal: Journal, batch: Batch) -> dict[int, OpRow]:
    """The batch's operations that we have already, by sequence number."""
    if batch.first_seq > journal.seq:
        return {}
    rows = work.sql.rows(
        f"SELECT {columns_of(schema.op)} FROM op "  # noqa: S608 - our own names
        "WHERE event_id = ? AND node_id = ? AND inc = ? AND branch = '' "
        "AND seq BETWEEN ? AND ? ORDER BY seq",
        journal.event_id,
        journal.node_id,
        journal.inc,
        batch.first_seq,
        min(journal.seq, batch.first_seq + len(batch.ops) - 1),
    )
    known = {op.seq: op for op in (OpRow(*row) for row in rows)}
    for op in work.ops:  # of this very batch of requests, not written yet
        ours = (op.node_id, op.inc, op.branch) == (journal.node_id, journal.inc, "")
        if ours and batch.first_seq <= op.seq < batch.first_seq + len(batch.ops):
            known[op.seq] = op
    return known


def _continues(journal: Journal, batch: Batch, known: dict[int, OpRow]) -> bool:
    """Whether the batch agrees with every operation of it that we already have."""
    if batch.first_seq == 1 and batch.prev != ROOT_HASH:
        return False
    if batch.first_seq == journal.seq + 1:
        return batch.prev == journal.hash
    overlap = [op for op in batch.ops if op.seq <= journal.seq]
    return all(op.seq in known and known[op.seq].hash == op.hash for op in overlap)


def _fence(work: Work, journal: Journal, told_seq: int) -> Forked:
    journal.state = "forked"
    work.put_journal(journal)
    body = {
        "node": journal.node_id,
        "inc": journal.inc,
        "acked": journal.seq,
        "told": told_seq,
    }
    open_case(work, CaseKind.FORK, f"{journal.node_id}:{journal.inc}", body)
    return Forked(journal.seq)


def run_alone(sql: Sql, steps: Sequence[Step[Any]], context: Context) -> tuple[list[Any], bool]:
    """A step by itself, after a batch with it has failed.

    A push that the database refuses is taken operation by operation: the one that it can't take
    is stored without effect, under the code `contradiction`, and those behind it are not held up.
    """
    (step,) = steps
    if not isinstance(step, Push):
        return run_steps(sql, steps, context)
    kind = type(step)
    with suppress(*REFUSALS), sql.savepoint():
        return run_steps(sql, [step], context)
    has_news = False
    prev = step.batch.prev
    for op in step.batch.ops:
        one = kind(step.source, Batch(op.seq, prev, (op,)))
        prev = op.hash
        try:
            with sql.savepoint():
                _answers, news = run_steps(sql, [one], context)
        except REFUSALS:
            one.refused = frozenset({op.seq})
            _answers, news = run_steps(sql, [one], context)
        has_news = has_news or news
    answers, news = run_steps(sql, [step], context)  # what is stored, or why nothing is
    return answers, has_news or news
