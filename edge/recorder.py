"""Recording: the journal's transactions, with a witness outside of its folder.

The witness says how far this machine has come. A folder that was set back, copied, or brought to
another machine has a witness that knows more than it does, or none; then nothing is added to its
journals until the node is enrolled again, and so nothing is sold twice.

The order is: commit, witness, print. A witness written before its commit would, after a crash in
between, lock a till that is in order; and one that is not written by the time of the print would
let a folder be set back behind a ticket that is out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from edge.env import Env
from edge.errors import WitnessUnwritable
from edge.integrity import look_at_tails
from edge.journal import (
    JournalLocked,
    LockReason,
    Unit,
    enrolled_on,
    get_meta,
    has_witness,
    incarnation_of,
    lock_node,
    lock_reason,
    note_witness,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Witnessed:
    """How far a machine has come with a node's journals: by stream, seq and hash of the last."""

    node_id: str
    machine_id: str
    boot_id: str
    incarnation: int
    heads: Mapping[str, tuple[int, str]]


class Witness(Protocol):
    """Where the testimony is kept."""

    def read(self) -> Witnessed | None:
        """The last one; None when there is none that is sound."""

    def write(self, testimony: Witnessed) -> None:
        """Keep it durably in place of the last. Raises WitnessUnwritable."""


class Recorder:
    """Runs transactions on journal.db, one at a time, and keeps the witness behind each.

    Without a witness nobody vouches for the folder: for tools and tests alone.
    """

    def __init__(
        self, connection: sqlite3.Connection, env: Env, witness: Witness | None, machine_id: str
    ) -> None:
        self._connection, self._env = connection, env
        self._witness, self._machine_id = witness, machine_id
        self._borne: Witnessed | None = None
        self.trouble: WitnessUnwritable | None = None
        """Why the last testimony could not be kept. Nothing is recorded as long as it stands."""
        self.condemned: LockReason | None = None
        """Why nothing is recorded any more, also where the file did not take the lock itself."""

    def open(self) -> LockReason | None:
        """Compare the folder with its witness, and its journals' ends with themselves.

        A contradiction locks the node. The lock is stored: a witness that comes back later does not open it again.
        """
        if self._witness is None or lock_reason(self._connection) is not None:
            return lock_reason(self._connection)
        told = self._witness.read()
        reason = contradiction(self._connection, told, self._machine_id)
        if reason is None and look_at_tails(self._connection) is not None:
            reason = LockReason.DAMAGED
        if reason is not None:
            self._in_transaction(lambda unit: lock_node(unit, reason))
            return reason
        self._bear()
        if self.trouble is None and not has_witness(self._connection):
            self._in_transaction(note_witness)
        return None

    def transact(self, work: Callable[[Unit], T]) -> T:
        """Run `work`; its result once it is on stable storage and the witness knows.

        What it raises is raised here and nothing of it is kept. When the witness can't be written
        after the commit, what was recorded stands; but the next that would add to a journal is
        refused with WitnessUnwritable as long as that is so.
        """
        return self._in_transaction(work)

    def _in_transaction(self, work: Callable[[Unit], T]) -> T:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            before = self._op_count()
            result = work(Unit(connection))
            self._refuse_if_condemned(before)
            grown = self._witness is not None and self._has_grown()
            if grown and self.trouble is not None:
                self._bear_again()
            self._env.maybe_crash("before_commit")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if grown:
            self._env.maybe_crash("after_commit_before_witness")
            self._bear()
            self._env.maybe_crash("after_witness_before_print")
        return result

    def _refuse_if_condemned(self, count_before: int) -> None:
        if self.condemned is not None and self._op_count() != count_before:
            raise JournalLocked(self.condemned)

    def _op_count(self) -> int:
        """How much all journals hold; only asked where nothing may be added."""
        if self.condemned is None:
            return 0
        return int(self._connection.execute("SELECT sum(seq) FROM journal").fetchone()[0] or 0)

    def _has_grown(self) -> bool:
        if lock_reason(self._connection) is not None:
            return False  # what contradicts the folder is evidence, and stays as it is
        return self._borne is None or self._testimony().heads != self._borne.heads

    def _bear(self) -> None:
        """Have the witness know what is committed; what goes wrong is kept as `trouble`."""
        assert self._witness is not None
        self._borne = self._testimony()
        try:
            self._witness.write(self._borne)
        except WitnessUnwritable as error:
            self.trouble = error
        else:
            self.trouble = None

    def _bear_again(self) -> None:
        """Try again what failed; raises WitnessUnwritable when it still can't be done."""
        assert self._witness is not None
        assert self._borne is not None
        self._witness.write(self._borne)
        self.trouble = None

    def _testimony(self) -> Witnessed:
        connection = self._connection
        incarnation = incarnation_of(connection)
        rows = connection.execute(
            "SELECT stream, seq, hash FROM journal WHERE inc = ? ORDER BY stream", (incarnation,)
        )
        heads = {row["stream"]: (int(row["seq"]), str(row["hash"])) for row in rows}
        node_id = get_meta(connection, "node_id")
        return Witnessed(node_id, self._machine_id, self._env.boot_id(), incarnation, heads)


def contradiction(
    connection: sqlite3.Connection, told: Witnessed | None, machine_id: str
) -> LockReason | None:
    """What speaks against this folder being the one that this machine went on with."""
    incarnation = incarnation_of(connection)
    if told is not None and told.incarnation > incarnation:
        return LockReason.WITNESS_AHEAD
    if told is None or told.incarnation < incarnation:
        # Before its first one, and right after an enrolment, a folder has none. One that had one
        # and has nothing to sell yet is locked too: both it and its copy would be lent the same.
        if has_witness(connection):
            return LockReason.WITNESS_MISSING
        return LockReason.OTHER_MACHINE if enrolled_on(connection) not in ("", machine_id) else None
    if told.machine_id != machine_id:
        return LockReason.OTHER_MACHINE
    if not all(_has(connection, incarnation, *head) for head in _flat(told)):
        return LockReason.WITNESS_AHEAD
    return None


def _flat(told: Witnessed) -> list[tuple[str, int, str]]:
    return [(stream, seq, digest) for stream, (seq, digest) in told.heads.items()]


def _has(
    connection: sqlite3.Connection, incarnation: int, stream: str, seq: int, digest: str
) -> bool:
    """Whether a journal has the very operation that the witness saw last."""
    row = connection.execute(
        "SELECT hash FROM op WHERE stream = ? AND inc = ? AND seq = ?", (stream, incarnation, seq)
    ).fetchone()
    return row is not None and row["hash"] == digest
