"""What the running server shares: database, writer, readers, keys, nodes, and news of changes.

The event loop never touches the database: changes go through `write`, queries through `read`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, text

from program.logs import get_logger
from sync_server.heart.intake import run_alone
from sync_server.heart.source import Context, Step, run_steps
from sync_server.heart.work import NotOwner
from sync_server.news import News
from sync_server.ownership import Ownership
from sync_server.services.catalogue import PlanShelf
from sync_server.services.contact import Contact, note_contacts
from sync_server.services.house import Generation, House, read_house
from sync_server.services.keys import ServerKeys
from sync_server.services.nodes import Node, NodeBook, read_nodes
from sync_server.services.sweeping import SWEEP_PERIOD_S, GateCursors, Sweeper, note_gate_cursors
from sync_server.services.witness import check_place
from sync_server.store.bell import Bell
from sync_server.store.database import READERS_MAX, read_only
from sync_server.store.errors import StoreBusy, StoreError
from sync_server.store.sql import Sql
from sync_server.store.writer import UNAVAILABLE, Runner, Transaction, Writer
from ticketing.credential import ChipKeys, chip_keys

READS_WAITING_MAX = 512
WATCH_PERIOD_S = 1.0
SEEN_PERIOD_S = 5
HEARD_PERIOD_S = 0.5
OWNER_TRIES = 3
"""So often a step asks for its stream anew when the stream has just been taken from us."""

T = TypeVar("T")
_log = get_logger(__name__)


class Centre:
    """Everything that handlers share. Use `open` and `close` on the event loop."""

    def __init__(
        self,
        engine: Engine,
        house: House,
        keys: ServerKeys,
        own_url: str | None = None,
        *,
        sweeps: bool = True,
    ) -> None:
        """`sweeps` False: what ends or is freed by itself is decided elsewhere, as for a hub."""
        self.engine = engine
        self.keys = keys
        self.generation: Generation = house.generation
        self.venue_id = house.venue_id
        self.issuer = f"boxgate:{house.venue_id}"
        self.behind_ms: Callable[[], int] = lambda: 0
        """How long a hub has not heard of the centre; nothing anywhere else."""
        self.lent_now_ms: Callable[[], int | None] = lambda: None
        """At a hub: the time by the clock of the centre, which grants what tills are lent; rather
        too late than too early, 0 when nobody knows. None: it is our own clock.
        """
        self.news = News()
        self.nodes = NodeBook()
        self.writer = Writer(
            engine,
            self._on_commit,
            Runner(self._together, self._alone, self._arrive),
            self._tell_loop,
        )
        self.ownership = Ownership(self.write, own_url)
        is_shared = engine.dialect.name != "sqlite"  # by several servers
        self._sweeps = sweeps
        self._bell = Bell(engine.url, self._on_bell) if is_shared else None
        self._look = asyncio.Event()
        self._plans = PlanShelf()
        self._read_engine = read_only(engine)
        self._readers = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="reader")
        self._reading = 0
        self._seen_ms: dict[str, int] = {}
        self._heard: dict[str, Contact] = {}
        self._gate_cursors = GateCursors()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @cached_property
    def chip_keys(self) -> ChipKeys:
        """The house's keys for chips."""
        return chip_keys(self.keys.personal_data)

    async def open(self) -> None:
        """Start the writer and the watch for changes that other processes make."""
        self._loop = asyncio.get_running_loop()
        self.writer.start()
        if self._bell is not None:
            self._bell.start()
        heads = await self.read(_read_heads)
        await self.refresh_nodes()
        self._tasks = [
            asyncio.create_task(self._watch_heads(heads), name="watch heads"),
            asyncio.create_task(self._keep_noting(), name="note contacts"),
            asyncio.create_task(self.ownership.keep(), name="renew leases"),
        ]
        if self._sweeps:
            self._tasks.append(asyncio.create_task(self._keep_sweeping(), name="sweep stock"))

    async def close(self) -> None:
        """Finish what is queued, then let go of the database."""
        self.news.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(StoreError, *UNAVAILABLE):
            await self._note_heard()
        with suppress(StoreError, *UNAVAILABLE):  # without it the leases run out by themselves
            await self.ownership.close()
        await asyncio.to_thread(self.writer.stop)
        if self._bell is not None:
            await asyncio.to_thread(self._bell.stop)
        await asyncio.to_thread(self._readers.shutdown)
        self.engine.dispose()

    async def write(self, job: Callable[[Transaction], T]) -> T:
        """Run a job on the writer; its result comes after the commit. Raises StoreBusy.

        A caller that goes away takes a job with it whose turn has not come; one that has begun
        goes on.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.writer.submit_for(job, future)
        return await future

    async def take(self, step: Step[T]) -> T:
        """Run a step of one stream on the writer, together with what else waits for it.

        Raises OwnedElsewhere when another server writes this stream, UnknownStream, StoreBusy.
        """
        self.writer.stand_back()
        for _ in range(OWNER_TRIES):
            if not self.ownership.owns(step.stream):
                await self.ownership.own(step.stream)
            future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            self.writer.submit_for(step, future)
            try:
                return await future
            except NotOwner:  # nothing was read or written, and by now we know who is not
                continue
        raise StoreBusy("this event is moving between servers; try again")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a query on a reader's thread, in one snapshot. Raises StoreBusy."""
        if self._reading >= READS_WAITING_MAX:
            raise StoreBusy("the server is busy; try again")
        self._reading += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, self._read, work)
        finally:
            self._reading -= 1

    def adopt(self, generation: Generation) -> None:
        """Another history has begun: whoever waits for news hears of it."""
        self.generation = generation
        self._gate_cursors = GateCursors()  # what was noted until now is of the other history
        self.nodes.outdate()  # some may have been enrolled or revoked in what was lost
        self.news.publish(frozenset({self.venue_id}))

    async def refresh_nodes(self) -> None:
        """Read the nodes again unless nothing of the house has changed since the last time."""
        if self.nodes.is_current:
            return
        version = self.nodes.version
        self.nodes.replace(await self.read(read_nodes), version)

    async def look_for_node(self, node_id: str) -> Node | None:
        """A node that we did not know of, asked for in the database itself."""
        self.nodes.outdate()
        await self.refresh_nodes()
        return self.nodes.get(node_id)

    async def seen(self, node_id: str) -> None:
        """A node polled: written down every SEEN_PERIOD_S at most, not with every poll."""
        now_ms = self.now_ms()
        if now_ms - self._seen_ms.get(node_id, 0) < SEEN_PERIOD_S * 1000:
            return
        self._seen_ms[node_id] = now_ms
        self.heard(node_id, Contact(now_ms))

    def told_time(self) -> dict[str, int]:
        """What answers with rows say of the time: ours, and that of who granted what is lent."""
        lent_now_ms = self.lent_now_ms()
        ours = {"now_ms": self.now_ms()}
        return ours if lent_now_ms is None else ours | {"lent_now_ms": lent_now_ms}

    def heard(self, node_id: str, contact: Contact) -> None:
        """A node called: written down with the next round, HEARD_PERIOD_S later at most."""
        before = self._heard.get(node_id)
        if before is not None and contact.unsynced_count is None:
            contact = Contact(contact.now_ms, before.unsynced_count)
        self._heard[node_id] = contact

    def gate_read(self, node_id: str, generation: str, cursors: Mapping[str, int]) -> None:
        """A gate polled from these revisions on: written down with the next round, if new."""
        if generation in ("", self.generation.short):
            self._gate_cursors.note(node_id, cursors, self.now_ms())

    async def _note_heard(self) -> None:
        """Every node heard of since the last round, in one change."""
        heard, self._heard = self._heard, {}
        generation = self.generation.short
        cursors = self._gate_cursors.take(generation)

        def note(tx: Transaction) -> None:
            note_contacts(tx, heard)
            note_gate_cursors(tx, generation, cursors)

        if heard or cursors:
            await self.write(note)

    async def _keep_noting(self) -> None:
        while True:
            await asyncio.sleep(HEARD_PERIOD_S)
            try:
                await self._note_heard()
            except Exception as error:  # noqa: BLE001 - the next round tells of the same nodes
                _log.warning("contacts_not_noted", error=type(error).__name__)

    async def _keep_sweeping(self) -> None:
        """Holds end, returned units are freed, spent allotments close: nobody has to ask for it."""
        sweeper = Sweeper()
        while True:
            await asyncio.sleep(SWEEP_PERIOD_S)
            try:
                await sweeper.sweep(self, self.now_ms())
            except Exception as error:  # noqa: BLE001 - the next round finds the same to do
                _log.warning("sweep_failed", error=type(error).__name__)

    @staticmethod
    def now_ms() -> int:
        """The server's clock, Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._read_engine.connect() as connection:
            return work(connection)

    def _together(
        self, sql: Sql, steps: Sequence[Step[Any]], now_ms: int
    ) -> tuple[list[Any], bool]:
        return self._run_as_owner(run_steps, sql, steps, now_ms, self._plans)

    def _alone(self, sql: Sql, steps: Sequence[Step[Any]], now_ms: int) -> tuple[list[Any], bool]:
        return self._run_as_owner(run_alone, sql, steps, now_ms, PlanShelf())

    def _run_as_owner(
        self,
        run: Callable[[Sql, Sequence[Step[Any]], Context], tuple[list[Any], bool]],
        sql: Sql,
        steps: Sequence[Step[Any]],
        now_ms: int,
        plans: PlanShelf,
    ) -> tuple[list[Any], bool]:
        """On the writer's thread, steps of one stream: by the epoch that we believe to be ours."""
        stream = steps[0].stream
        owner = self.ownership.owner_of(stream)
        try:
            return run(sql, steps, Context(now_ms, plans, owner))
        except NotOwner:
            self._tell_loop(self.ownership.lost, stream, owner.epoch)
            raise

    def _arrive(self, tx: Transaction) -> Callable[[], None] | None:
        """On the writer's thread, by a new connection: PostgreSQL may have failed over."""
        check_place(tx)
        self._plans = PlanShelf()  # by revisions, which another history gives out again
        present = read_house(tx.connection)
        if present is None or present.generation == self.generation:
            return None
        return lambda: self._tell_loop(self.adopt, present.generation)

    def _tell_loop(self, call: Callable[..., None], *arguments: object) -> None:
        """On any thread: calls come on the loop in the order in which they were told."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop was closed in between: nobody waits any more
            _log.debug("told_after_close")

    def _on_commit(self, streams: frozenset[str]) -> None:
        """On the writer's thread, before anybody is told that the commit happened."""
        if self.venue_id in streams:
            self.nodes.outdate()
        self._tell_loop(self.news.publish, streams)
        if self._bell is not None and streams:
            self._bell.ring(streams)

    def _on_bell(self, streams: frozenset[str]) -> None:
        """On the bell's thread: another server has committed."""
        if not streams or self.venue_id in streams:
            self.nodes.outdate()
        if streams:
            self._tell_loop(self.news.publish, streams)
        else:
            self._tell_loop(self._look.set)

    async def _watch_heads(self, known: dict[str, int]) -> None:
        """Notice changes of other processes (`enrol-code`, `import`, a second server)."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_PERIOD_S):
                    await self._look.wait()
            self._look.clear()
            generation = self.generation
            try:
                found, present = await self.read(_read_history)
            except Exception as error:  # noqa: BLE001 - the database may be away for a while
                _log.warning("watch_failed", error=type(error).__name__)
                continue
            if present != generation and self.generation is generation:
                self.adopt(present)
            changed = {stream for stream, head in found.items() if known.get(stream) != head}
            if self.venue_id in changed:
                self.nodes.outdate()
            if changed:
                self.news.publish(changed)
            known = found


def _read_history(connection: Connection) -> tuple[dict[str, int], Generation]:
    """The heads of all streams, and the generation that they are of."""
    house = read_house(connection)
    assert house is not None, "a server has a house"
    return _read_heads(connection), house.generation


def _read_heads(connection: Connection) -> dict[str, int]:
    rows = [
        (str(row[0]), int(row[1]))
        for row in connection.execute(text("SELECT event_id, head FROM stream"))
    ]
    return dict(rows)
