"""Which server writes a stream: a row of the database says so, this keeps what it said.

An owner takes steps of its streams together; every other server passes them on to it. Nothing rests
on the lease but speed: an owner that was taken for dead is stopped by its epoch, which the unit of
work compares under the row's lock. Times are the database's; what is kept here is only a belief.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from program.logs import get_logger
from sync_server.heart.work import NotOwner, Owner, UnknownStream
from sync_server.store.errors import StoreBusy
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction

LEASE_MS = 10_000
RENEW_PERIOD_S = 3.0
RENEW_AGAIN_S = 0.5
"""After a renewal that failed."""
ELSEWHERE_S = 1.0
"""So long another owner is believed without asking the database again."""
NAMED_WITHIN_S = 10.0
CLAIM_TRIES, CLAIM_AGAIN_S = 5, 0.05
"""For a free row that somebody has locked: most often a hello, and gone in a moment."""
CLOSE_WAIT_S = 2.0
_NO_CHANCE = "the server that has this event does not let go of it; try again"
_STOPPING = "the server is stopping; try again in a moment"

T = TypeVar("T")
_log = get_logger(__name__)


class OwnedElsewhere(Exception):
    """Another server owns the stream now, and is reached at `url`."""

    def __init__(self, stream: str, url: str) -> None:
        super().__init__(f"stream {stream} is owned by {url}")
        self.stream, self.url = stream, url


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of an attempt to own a stream.

    epoch: it is ours by this epoch. owner_url: it is this server's. Neither: there is no such
    stream, or (`is_locked`) somebody writes in it at this moment although its lease has run out.
    """

    epoch: int | None = None
    owner_url: str = ""
    is_locked: bool = False


class Write(Protocol):
    """Runs a job on the writer; see Centre.write."""

    def __call__(self, job: Callable[[Transaction], T]) -> Awaitable[T]:
        """The job's result, after the commit."""


class Ownership:
    """The streams that this server owns, as far as it knows. On the event loop only, but `owner_of`.

    `own_url` is how other servers reach this one. A server that learns it late, when its port is
    known, begins with "" and calls `name`; until then whoever asks for a stream waits.
    """

    def __init__(self, write: Write, own_url: str | None = None) -> None:
        self._write = write
        self.own_url = f"unnamed:{secrets.token_hex(8)}" if own_url is None else own_url
        self._is_named = asyncio.Event()
        self._epochs: dict[str, int] = {}
        self._elsewhere: dict[str, tuple[str, float]] = {}
        self._claiming: dict[str, asyncio.Task[Claim]] = {}
        self._is_closed = False
        if self.own_url:
            self._is_named.set()

    def name(self, own_url: str) -> None:
        """Say how others reach this server, before it owns anything."""
        assert not self._epochs, "an owner keeps its name"
        self.own_url = own_url
        self._is_named.set()

    def owner_of(self, stream: str) -> Owner:
        """What a step of this stream runs with. Raises NotOwner. On any thread."""
        epoch = self._epochs.get(stream)
        if epoch is None:
            raise NotOwner(stream, "")
        return Owner(epoch)

    def owns(self, stream: str) -> bool:
        """Whether it is ours as far as we know."""
        return stream in self._epochs

    async def own(self, stream: str) -> None:
        """Make sure that we own a stream, as far as we know.

        Raises OwnedElsewhere, UnknownStream, StoreBusy, and what a database away raises.
        """
        if stream in self._epochs:
            return
        url, until_s = self._elsewhere.get(stream, ("", 0.0))
        if until_s > asyncio.get_running_loop().time():
            raise OwnedElsewhere(stream, url)
        claim = await self._claim_once(stream)
        if claim.owner_url:
            raise OwnedElsewhere(stream, claim.owner_url)
        if claim.is_locked:
            raise StoreBusy(_NO_CHANCE)
        if claim.epoch is None:
            raise UnknownStream(stream)

    def lost(self, stream: str, epoch: int) -> None:
        """The database told us that this epoch of ours is over."""
        if self._epochs.get(stream) == epoch:
            del self._epochs[stream]
            _log.warning("stream_lost", stream=stream, epoch=epoch)

    def doubt(self, stream: str) -> None:
        """The other owner did not answer as one: ask the database at the next request."""
        self._elsewhere.pop(stream, None)

    async def keep(self) -> None:
        """Renew all leases in time, for ever."""
        pause_s = RENEW_PERIOD_S
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self.renew()
                pause_s = RENEW_PERIOD_S
            except Exception as error:  # noqa: BLE001 - the database may be away for a while
                _log.warning("leases_not_renewed", error=type(error).__name__)
                pause_s = RENEW_AGAIN_S

    async def renew(self) -> None:
        """Renew all leases, in one statement; what was taken from us is ours no more."""
        held = dict(self._epochs)
        if not held:
            return
        found = await self._write(lambda tx: renew_leases(tx, self.own_url, held))
        for stream, epoch in held.items():
            if found.get(stream) != epoch:
                self.lost(stream, epoch)

    async def close(self) -> None:
        """Give all leases up, so that another server takes over at once."""
        self._is_closed = True
        if self._claiming:
            await asyncio.wait(list(self._claiming.values()), timeout=CLOSE_WAIT_S)
        held, self._epochs = self._epochs, {}
        if held:
            await self._write(lambda tx: give_up(tx, self.own_url, held))

    async def _claim_once(self, stream: str) -> Claim:
        """One claim at a time, whoever waits for it: each would end the epoch of the one before."""
        if self._is_closed:
            raise StoreBusy(_STOPPING)
        claiming = self._claiming.get(stream)
        if claiming is None:
            claiming = asyncio.create_task(self._claim(stream), name=f"claim {stream}")
            self._claiming[stream] = claiming
            claiming.add_done_callback(lambda task: self._claimed(stream, task))
        return await asyncio.shield(claiming)

    async def _claim(self, stream: str) -> Claim:
        async with asyncio.timeout(NAMED_WITHIN_S):
            await self._is_named.wait()
        claim = Claim()
        for _ in range(CLAIM_TRIES):
            claim = await self._write(lambda tx: claim_stream(tx, stream, self.own_url))
            if not claim.is_locked:
                break
            await asyncio.sleep(CLAIM_AGAIN_S)
        return claim

    def _claimed(self, stream: str, task: asyncio.Task[Claim]) -> None:
        """Before anybody who waits for it runs on."""
        self._claiming.pop(stream, None)
        if task.cancelled() or task.exception() is not None:
            return
        claim = task.result()
        if claim.epoch is not None:
            self._elsewhere.pop(stream, None)
            self._epochs[stream] = claim.epoch
            _log.info("stream_owned", stream=stream, epoch=claim.epoch)
        elif claim.owner_url:
            until_s = asyncio.get_running_loop().time() + ELSEWHERE_S
            self._elsewhere[stream] = (claim.owner_url, until_s)


# --- the statements


def claim_stream(tx: Transaction, stream: str, own_url: str) -> Claim:
    """Take a stream over whose lease has run out, or is in our name from an earlier run.

    On PostgreSQL a row that somebody has locked is left alone: an owner that froze in the middle
    of a transaction must not freeze the writer of everybody who would follow it. SQLite has one
    server, which its folder's lock vouches for: whatever lease is there is a dead one's.
    """
    sql = Sql.of(tx.connection)
    is_free = "TRUE" if sql.is_sqlite else f"(lease_until_ms < {sql.clock_ms} OR owner_url = ?)"
    whose = () if sql.is_sqlite else (own_url,)
    skip = "" if sql.is_sqlite else " FOR UPDATE SKIP LOCKED"
    row = sql.row(
        "UPDATE stream SET epoch = epoch + 1, owner_url = ?, "  # noqa: S608 - our own words
        f"lease_until_ms = {sql.clock_ms} + {LEASE_MS} WHERE event_id IN "
        f"(SELECT event_id FROM stream WHERE event_id = ? AND {is_free}{skip}) RETURNING epoch",
        own_url,
        stream,
        *whose,
    )
    if row is not None:
        return Claim(epoch=int(row[0]))
    found = sql.row(
        f"SELECT owner_url, lease_until_ms >= {sql.clock_ms} "  # noqa: S608 - our own words
        "FROM stream WHERE event_id = ?",
        stream,
    )
    if found is None:
        return Claim()
    owner_url, is_leased = found
    is_other = bool(is_leased) and owner_url != own_url
    return Claim(owner_url=owner_url) if is_other else Claim(is_locked=True)


def renew_leases(tx: Transaction, own_url: str, held: dict[str, int]) -> dict[str, int]:
    """Renew the leases of streams that stand in our name; each with its present epoch."""
    sql = Sql.of(tx.connection)
    condition, bound = sql.among("event_id", sorted(held))
    rows = sql.rows(
        "UPDATE stream SET "  # noqa: S608 - our own words
        f"lease_until_ms = {sql.clock_ms} + {LEASE_MS} WHERE event_id IN (SELECT event_id "
        f"FROM stream WHERE {condition} AND owner_url = ? ORDER BY event_id{sql.locked}) "
        "RETURNING event_id, epoch",
        bound,
        own_url,
    )
    return {str(row[0]): int(row[1]) for row in rows}


def give_up(tx: Transaction, own_url: str, held: dict[str, int]) -> None:
    """End leases that are still ours, by the epochs that we know."""
    sql = Sql.of(tx.connection)
    for stream, epoch in sorted(held.items()):
        sql.run(
            "UPDATE stream SET lease_until_ms = 0 "
            "WHERE event_id = ? AND epoch = ? AND owner_url = ?",
            stream,
            epoch,
            own_url,
        )
