"""What the centre does to its stock by itself: holds and blocks end, returned units are freed, spent
allotments close.

And what it needs for that: how far each gate has read each event's feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import Connection, text

from program.logs import get_logger
from sync_server.heart.reclaim import CloseSpent
from sync_server.heart.returns import SweepReturned
from sync_server.heart.stock import ExpireHolds
from sync_server.ownership import OwnedElsewhere
from sync_server.services.blocking import unblock_due
from sync_server.store.errors import StoreError, StreamRefused
from sync_server.store.writer import Transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sync_server.heart.source import Step

SWEEP_PERIOD_S = 1.0
"""How often to call `sweep`."""
STREAMS_PER_SWEEP_MAX = 100
CLOSE_EVERY = 30
"""Spent allotments are looked for in every so-many-th sweep only: nobody waits for that."""
SEEN_PERIOD_MS = 60_000
CURSORS_MAX = 20_000

T = TypeVar("T")
_log = get_logger(__name__)


class Sweepable(Protocol):
    """What of the centre a sweep needs."""

    def take(self, step: Step[T]) -> Awaitable[T]:
        """Run a step of one stream, as its owner only."""

    def read(self, work: Callable[[Connection], T]) -> Awaitable[T]:
        """Run a query in one snapshot."""

    def write(self, job: Callable[[Transaction], T]) -> Awaitable[T]:
        """Run a job on the writer."""


@dataclass(slots=True)
class Sweeper:
    """Goes through the events again and again, a bounded piece at a time."""

    turn: int = 0
    _returned: dict[str, int] = field(default_factory=dict)
    _spent: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def sweep(self, centre: Sweepable, now_ms: int) -> None:
        """One round. A stream that another server owns, or that fails, is left for the next."""
        self.turn += 1
        waiting = await centre.read(lambda connection: _waiting(connection, now_ms))
        if self.turn % CLOSE_EVERY == 0:
            waiting |= await centre.read(_lending)
        for stream in sorted(waiting)[:STREAMS_PER_SWEEP_MAX]:
            try:
                await self._sweep_one(centre, stream, waiting[stream])
            except (StreamRefused, StoreError, OwnedElsewhere) as error:
                _log.info("sweep_left_out", stream=stream, error=type(error).__name__)

    async def _sweep_one(self, centre: Sweepable, stream: str, what: str) -> None:
        if "held" in what:
            await centre.take(ExpireHolds(stream))
        if "due" in what:
            await centre.write(lambda tx: unblock_due(tx, stream))
        if "returned" in what:
            after = self._returned.get(stream, 0)
            swept = await centre.take(SweepReturned(stream, after))
            self._returned[stream] = swept.next_rev
        if "open" in what:
            closed = await centre.take(CloseSpent(stream, self._spent.get(stream, ("", ""))))
            self._spent[stream] = closed.next


def _waiting(connection: Connection, now_ms: int) -> dict[str, str]:
    """Which events have holds that are over or returned units: both are told by a small index."""
    held = connection.execute(
        text(
            "SELECT DISTINCT event_id, firm FROM allot WHERE state = 'held' AND expires_ms <= :now"
        ),
        {"now": now_ms},
    )
    returned = connection.execute(
        text("SELECT DISTINCT event_id FROM claim WHERE kind = 'returned'")
    )
    found: dict[str, str] = {}
    for stream, is_of_a_basket in held:
        what = "held" if is_of_a_basket else "due"
        found[str(stream)] = f"{found.get(str(stream), '')} {what}"
    for row in returned:
        found[str(row[0])] = f"{found.get(str(row[0]), '')} returned"
    return found


def _lending(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT DISTINCT event_id FROM allot WHERE state = 'open'"))
    return {str(row[0]): "held returned open" for row in rows}


Cursors = Mapping[tuple[str, str], tuple[int, int]]
"""Stream and gate -> revision, and when the gate was heard."""


class GateCursors:
    """How far gates have read, as their polls say, until it is written down. For the loop's thread.

    A busy gate polls all the time: only another revision, or the first word for a minute, is news.
    """

    def __init__(self) -> None:
        self._generation = ""
        self._told: dict[tuple[str, str], tuple[int, int]] = {}
        self._taken: dict[tuple[str, str], tuple[int, int]] = {}

    def note(self, node_id: str, after: Mapping[str, int], now_ms: int) -> None:
        """A gate asks for what follows these revisions: up to there its disk has everything."""
        for stream, rev in after.items():
            key = (stream, node_id)
            known_rev, known_ms = self._taken.get(key, (-1, 0))
            is_news = rev != known_rev or now_ms - known_ms >= SEEN_PERIOD_MS
            if is_news and (len(self._told) < CURSORS_MAX or key in self._told):
                self._told[key] = (rev, now_ms)

    def take(self, generation: str) -> Cursors:
        """What is to be written down now. Another generation begins with nothing known."""
        if generation != self._generation:
            self._generation, self._taken = generation, {}
        told, self._told = self._told, {}
        self._taken.update(told)
        return told


def note_gate_cursors(tx: Transaction, generation: str, cursors: Cursors) -> None:
    """Write them down, in the order in which every server locks them."""
    for (stream, node_id), (rev, seen_ms) in sorted(cursors.items()):
        note_gate_cursor(tx, stream, node_id, generation, rev, seen_ms)


def note_gate_cursor(
    tx: Transaction, stream: str, node_id: str, generation: str, rev: int, seen_ms: int
) -> None:
    """Remember how far a gate has read an event; also when it has to begin again."""
    values: dict[str, Any] = {"e": stream, "n": node_id, "g": generation, "r": rev, "s": seen_ms}
    tx.run(
        "INSERT INTO gate_cursor (event_id, node_id, generation, rev, seen_ms) "
        "VALUES (:e, :n, :g, :r, :s) ON CONFLICT (event_id, node_id) DO UPDATE SET "
        "generation = excluded.generation, rev = excluded.rev, seen_ms = excluded.seen_ms",
        **values,
    )
