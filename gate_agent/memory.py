"""What a lane knows only as long as it runs. No wall clock: it may be set while visitors wait."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from edge.env import Env
from ticketing.admission import UNRECORDED_MAX, Entry
from ticketing.code import TicketCode
from ticketing.credential import NO_COUNTER
from ticketing.ids import OpId, TicketId
from ticketing.operations import EntryGranted

OFFER_AGAIN_S = 60
"""A granted entry whose barrier was never commanded is offered again at its lane for so long."""
TURNED_AWAY_MAX = 200
"""Codes that were refused lately, for staff who look into it; beyond it the oldest is forgotten."""
PASSED_MAX = 10_000
"""Entries without a record of our own that are remembered; beyond it the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Unwritten:
    """An entry that the disk did not take, as the record will say it; and as it counts until then."""

    stream: str
    granted: EntryGranted
    entry: Entry
    is_commanded: bool = False


@dataclass(slots=True)
class LaneMemory:
    """When entries were granted, and who went in although this gate could not write it down.

    All lanes of one program share it: what one of them let in, another must know of.
    """

    env: Env
    unrecorded_count: int = field(init=False, default=0)
    _started_s: float = field(init=False)
    _granted_s: dict[OpId, float] = field(init=False, default_factory=dict)
    _passed: dict[OpId, Unwritten] = field(init=False, default_factory=dict)
    _commanded: dict[OpId, None] = field(init=False, default_factory=dict)
    _changed: threading.Condition = field(init=False, default_factory=threading.Condition)
    _deciding: set[TicketId] = field(init=False, default_factory=set)
    _turned_away: dict[TicketId, TicketCode] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._started_s = self.env.monotonic_s()

    @contextmanager
    def deciding(self, ticket_id: TicketId) -> Iterator[None]:
        """One lane at a time decides about a ticket: two that look at once would both see it unused."""
        with self._changed:
            self._changed.wait_for(lambda: ticket_id not in self._deciding)
            self._deciding.add(ticket_id)
        try:
            yield
        finally:
            with self._changed:
                self._deciding.discard(ticket_id)
                self._changed.notify_all()

    def note_granted(self, op_id: OpId) -> None:
        """An entry was recorded just now."""
        now_s = self.env.monotonic_s()
        with self._changed:
            self._granted_s.pop(op_id, None)
            self._granted_s[op_id] = now_s
            while now_s - next(iter(self._granted_s.values())) > OFFER_AGAIN_S:  # oldest first
                del self._granted_s[next(iter(self._granted_s))]

    def is_fresh(self, op_id: OpId) -> bool:
        """Granted at most OFFER_AGAIN_S ago; what an earlier run granted counts from our start.

        Not where the barrier opened, and only the file does not say so.
        """
        if op_id in self._commanded:
            return False
        since_s = self._granted_s.get(op_id, self._started_s)
        return self.env.monotonic_s() - since_s <= OFFER_AGAIN_S

    def note_turned_away(self, code: TicketCode) -> None:
        """A code was refused: staff may look into it."""
        with self._changed:
            self._turned_away.pop(code.facts.ticket_id, None)
            self._turned_away[code.facts.ticket_id] = code
            if len(self._turned_away) > TURNED_AWAY_MAX:
                del self._turned_away[next(iter(self._turned_away))]

    def turned_away(self, ticket_id: TicketId) -> TicketCode | None:
        """The code of a ticket that was refused here lately. On any thread."""
        with self._changed:
            return self._turned_away.get(ticket_id)

    def note_commanded(self, op_id: OpId) -> None:
        """The barrier opened for an entry, and the file did not take that."""
        with self._changed:
            self._commanded[op_id] = None
            if len(self._commanded) > PASSED_MAX:
                del self._commanded[next(iter(self._commanded))]

    def count_unrecorded(self) -> bool:
        """Count one more of whom there is no record anywhere; False when they are too many."""
        with self._changed:
            if self.unrecorded_count >= UNRECORDED_MAX:
                return False
            self.unrecorded_count += 1
            return True

    def note_passed(self, unwritten: Unwritten) -> None:
        """An entry is granted of which this gate has no record of its own."""
        with self._changed:
            self._passed[unwritten.entry.op_id] = unwritten
            if len(self._passed) > PASSED_MAX:
                del self._passed[next(iter(self._passed))]

    def note_went_in(self, op_id: OpId) -> None:
        """The barrier opened for such an entry: a disk that takes it again is to have it."""
        with self._changed:
            if op_id in self._passed:
                self._passed[op_id] = replace(self._passed[op_id], is_commanded=True)

    def note_returned(self, op_id: OpId) -> None:
        """Nobody went in by such an entry after all."""
        with self._changed:
            self._forget(op_id)

    def to_write(self, count: int) -> list[Unwritten]:
        """The oldest entries that wait for a disk that takes them."""
        with self._changed:
            waiting = (each for each in self._passed.values() if each.is_commanded)
            return list(islice(waiting, count))

    def note_written(self, op_ids: Iterable[OpId]) -> None:
        """The disk took them: the record speaks for them from now on."""
        with self._changed:
            for op_id in op_ids:
                self._forget(op_id)

    def _forget(self, op_id: OpId) -> None:
        forgotten = self._passed.pop(op_id, None)
        if forgotten is not None and forgotten.granted.offline:
            self.unrecorded_count -= 1

    def counter_of(self, ref: str) -> int:
        """The highest tap of a chip that was let in and is not written down."""
        with self._changed:
            taps = (each.granted.by_credential for each in self._passed.values())
            return max((tap.counter for tap in taps if tap and tap.ref == ref), default=NO_COUNTER)

    def passed(self, stream: str, ticket_id: TicketId) -> dict[OpId, Entry]:
        """The entries of a ticket that were noted so."""
        with self._changed:
            return {
                op: each.entry
                for op, each in self._passed.items()
                if (each.stream, each.granted.ticket_id) == (stream, ticket_id)
            }
