"""Salvage: the whole log of a journal that was fenced or closed, whatever it says.

A copied or rolled-back machine has a log that leaves the one we know at some operation. Every
operation is kept, each once: those of the trunk where they are, others on a branch that is named
by the hash of its first operation. A branch may leave another branch, so that every log of every
copy can be read back. What was sold, paid and let in on a branch are facts like any other; what
was given back on one is not believed: another copy may have sold it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.effect import Effect
from sync_server.heart.effects import Kind, apply_op, comes_twice, read_op, want_rows
from sync_server.heart.intake import Batch, BrokenChain, Gap, record
from sync_server.heart.rows import Journal, OpRow
from sync_server.heart.source import Source
from sync_server.heart.work import Work
from ticketing.journal import ROOT_HASH, Op, Verdict, first_break
from ticketing.operations import EntryGranted, Exchange, Refund, Release, Sale, Settle

_NAME_CHARS = 16


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything up to `seq` of this log is stored, now or before."""

    seq: int


@dataclass(frozen=True, slots=True)
class NotFenced:
    """The journal is open: push it."""


@dataclass(slots=True)
class Salvage:
    """A piece of a log, sent from its first operation on. Sending it again changes nothing."""

    source: Source
    batch: Batch
    _broken: int | None = None
    _kinds: list[Kind | str] = field(default_factory=list)

    @property
    def stream(self) -> str:
        """The stream of the log."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Check the chain and read the bodies."""
        source, batch = self.source, self.batch
        ops = list(batch.ops)
        self._broken = first_break(
            ops, batch.prev, batch.first_seq, source.stream, source.node_id, source.incarnation
        )
        if self._broken is not None:
            return
        work.journals.want([(source.node_id, source.incarnation)])
        work.told_clock(source.node_id, source.clock_ahead_ms)
        self._kinds = [read_op(work, source, op) for op in ops]
        for op, kind in zip(ops, self._kinds, strict=True):
            want_rows(work, op, kind)
            if isinstance(kind, Sale | Exchange):
                work.orders.want([kind.order_id])
                work.tickets.want(line.ticket_id for line in kind.lines)

    def apply(self, work: Work) -> Kept | Gap | BrokenChain | NotFenced:
        """Store what is not known yet, where it belongs."""
        source, batch = self.source, self.batch
        if self._broken is not None:
            return BrokenChain(batch.first_seq + self._broken)
        journal = work.journal(source.node_id, source.incarnation)
        if journal.state == "open":
            return NotFenced()
        tree = _Tree(work, journal, batch)
        if batch.first_seq > 1 and tree.branch_at(batch.first_seq - 1, batch.prev) is None:
            return Gap(0, ROOT_HASH)
        if batch.first_seq == 1 and batch.prev != ROOT_HASH:
            return BrokenChain(1)
        receipts = _receipts(work, source, self._kinds)
        stored = []
        prev = batch.prev
        for op, kind in zip(batch.ops, self._kinds, strict=True):
            if tree.branch_at(op.seq, op.hash) is None:
                branch = tree.place(op, prev)
                stored.append((self._record(work, op, kind, branch, receipts), kind))
            prev = op.hash
        if tree.trunk_grew:
            work.put_journal(journal)
        _tell(work, journal, stored)
        return Kept(batch.ops[-1].seq)

    def _record(
        self, work: Work, op: Op, kind: Kind | str, branch: str, receipts: set[str]
    ) -> OpRow:
        source = replace(self.source, branch=branch)
        kind = on_branch(kind, branch)
        if isinstance(kind, Sale | Exchange):
            if comes_twice(work, kind) or kind.receipt_no in receipts:
                kind = "contradiction"
            else:
                receipts.add(kind.receipt_no)
        if branch and isinstance(kind, Release | Settle):
            effect = Effect(Verdict.OK, "on_branch")
        else:
            effect = apply_op(work, source, op, kind)
        return record(work, source, op, effect)


class _Tree:
    """Where operations of one journal are stored, as far as the batch touches them."""

    def __init__(self, work: Work, journal: Journal, batch: Batch) -> None:
        self.trunk_grew = False
        self._journal = journal
        last = batch.first_seq + len(batch.ops) - 1
        rows = work.sql.rows(
            "SELECT seq, hash, branch FROM op WHERE event_id = ? AND node_id = ? AND inc = ? "
            "AND seq BETWEEN ? AND ?",
            journal.event_id,
            journal.node_id,
            journal.inc,
            batch.first_seq - 1,
            last,
        )
        ours = (journal.node_id, journal.inc)
        found = [(row[0], row[1], row[2]) for row in rows]
        found += [(op.seq, op.hash, op.branch) for op in work.ops if (op.node_id, op.inc) == ours]
        self._branch = {(seq, digest): branch for seq, digest, branch in found}
        self._taken = {(seq, branch) for seq, _digest, branch in found}

    def branch_at(self, seq: int, digest: str) -> str | None:
        """On which branch this very operation is; None when it is not known."""
        return self._branch.get((seq, digest))

    def place(self, op: Op, prev: str) -> str:
        """The branch for an operation that is new. A closed journal's own end grows on."""
        journal = self._journal
        if journal.state == "closed" and (op.seq, prev) == (journal.seq + 1, journal.hash):
            journal.seq, journal.hash = op.seq, op.hash
            self.trunk_grew = True
            branch = ""
        else:
            branch = self._branch.get((op.seq - 1, prev), "")
            if not branch or (op.seq, branch) in self._taken:
                branch = op.hash[:_NAME_CHARS]
        self._branch[op.seq, op.hash] = branch
        self._taken.add((op.seq, branch))
        return branch


def on_branch(kind: Kind | str, branch: str) -> Kind | str:
    """The body as a branch's: its receipts are numbered like the trunk's, and are told apart."""
    if branch and isinstance(kind, Sale | Exchange):
        return replace(kind, receipt_no=f"{kind.receipt_no}~{branch[:8]}")
    return kind


def _receipts(work: Work, source: Source, kinds: Iterable[Kind | str]) -> set[str]:
    """Receipt numbers of this journal that orders have; branches' are few."""
    if not any(isinstance(kind, Sale | Exchange) for kind in kinds):
        return set()
    rows = work.sql.rows(
        "SELECT receipt_no FROM orders WHERE event_id = ? AND node_id = ? AND inc = ?",
        source.stream,
        source.node_id,
        source.incarnation,
    )
    return {row[0] for row in rows}


def _tell(work: Work, journal: Journal, stored: list[tuple[OpRow, Kind | str]]) -> None:
    """What is on branches stands in the fork's case: how much was sold, paid back and let in."""
    on_branches = [(row, kind) for row, kind in stored if row.branch]
    if not on_branches:
        return
    key = f"{journal.node_id}:{journal.inc}"
    known = work.cases.get(f"{CaseKind.FORK}:{key}")
    body = json.loads(known.body) if known is not None else {}
    body |= {"node": journal.node_id, "inc": journal.inc, "acked": journal.seq}
    branches = body.setdefault("branches", {})
    for row, kind in on_branches:
        told = branches.setdefault(
            row.branch,
            {"since": row.seq, "operations": 0, "orders": [], "minor": 0, "entries": []},
        )
        told.setdefault("paid_back", [])  # a case from before may lack it
        told["operations"] += 1
        if isinstance(kind, Sale):
            told["orders"].append(kind.order_id)
            told["minor"] += kind.total_minor
        elif isinstance(kind, Exchange):
            told["orders"].append(kind.order_id)
            told["minor"] += kind.paid_minor
        elif isinstance(kind, Refund):  # perhaps on the trunk too
            told["paid_back"].append(kind.order_id)
            told["minor"] -= kind.back_minor
        elif isinstance(kind, EntryGranted):
            told["entries"].append(row.op_id)
    open_case(work, CaseKind.FORK, key, body)
