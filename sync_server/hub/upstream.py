"""The hub as a node of the centre: reads its feed, passes the gates' journals on, says what it did.

Two threads with a connection each, as at any node: neither waits for the other, and a centre that
is away stops neither the feed nor the arbiter of those below. Whatever is said may be said again.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from edge import replies
from edge.client import ServerClient
from edge.env import Env
from edge.errors import EdgeError, ServerRefused
from edge.link import Backoff, LinkKeeper, LinkState, Part
from program.logs import get_logger
from sync_server.centre import Centre
from sync_server.handlers.node_api import PROTO
from sync_server.hub import stock
from sync_server.hub.centre_time import CentreTime
from sync_server.hub.marks import Marks
from sync_server.hub.relaying import (
    OwnGrants,
    Waiting,
    asked_back,
    backlog,
    event_heads,
    has_waiting,
    next_batch,
    nodes_below,
    note_fenced,
    note_relayed,
    waiting_journals,
)
from sync_server.hub.taking_in import FromCentre, begin_again, disown, positions, take_in
from sync_server.services.catalogue import PlanShelf
from sync_server.store.writer import Transaction

T = TypeVar("T")
ROWS_PER_PULL = 1_000
"""Each page is one transaction of the writer, for which the arbiter waits meanwhile."""
PULL_WAIT_S = 8.0
GREET_PERIOD_S = 30.0
RELAY_PERIOD_S = 0.2
HEARD_PERIOD_S = 2.0
WRITE_TIMEOUT_S = 60.0
STOCK_PERIOD_S = 2.0
ASKS_PER_TURN = 5
PUT_OFF_S = 30.0
"""So long nothing is asked for of a performance of which the centre lends us no more."""
TIME_KEY = "centre_time"
FORWARDERS = 2
FORWARDS_WAITING_MAX = 32
_NOT_OURS = frozenset({"invalid_client", "node_revoked"})
"""Codes of a centre that does not know this machine as its hub: it is replaced, or revoked."""
_log = get_logger(__name__)


class Stopping(Exception):
    """The hub's program ends."""


@dataclass(slots=True)
class _Thread:
    """One of the two: what it does at each turn, and how long it rests after one that went well."""

    part: Part
    turn: Callable[[ServerClient], None]
    rest_s: float
    wake: threading.Event = field(default_factory=threading.Event)
    client: ServerClient | None = None

    def hang_up(self) -> None:
        """Break off the call that it has under way."""
        if self.client is not None:
            self.client.hang_up()


class Upstream:
    """Start it when the centre is open, on its event loop; stop it before the centre closes."""

    def __init__(
        self,
        centre: Centre,
        hub_id: str,
        new_client: Callable[[], ServerClient],
        env: Env,
        version: str,
    ) -> None:
        self.hub_id = hub_id
        self.is_disowned = False
        self.told_events = set[str]()
        """Events whose document the feed has brought: no more than the house has."""
        """The centre knows this machine no more: nothing may be taken from gates or told them."""
        self._centre, self._new_client, self._env, self._version = centre, new_client, env, version
        self._link = LinkKeeper(env, lambda _link: None)
        self._began_ms = env.wall_ms()
        centre.behind_ms = self.behind_ms
        self._marks: dict[str, Marks] = {}
        self._grants = OwnGrants(hub_id)
        self._looked: dict[str, int] = {}
        self._settled: dict[str, tuple[str, str]] = {}
        self._session, self._turn = env.random_bytes(8).hex(), 0
        self._greeted_s = float("-inf")
        self._heard_s = float("-inf")
        self._time = CentreTime(env)
        centre.lent_now_ms = self._time.now_ms
        self._reports: frozenset[str] = frozenset()
        """Events in which the centre asks what it has lent us: it has lost a part of its history."""
        self._stocked_s = float("-inf")
        self._put_off: dict[tuple[str, int], float] = {}
        self._asked_for: dict[tuple[str, int], str] = {}
        self._stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._plans = PlanShelf()
        self._forwarders = ThreadPoolExecutor(FORWARDERS, thread_name_prefix="forward")
        self._forwarding = 0
        self._idle: queue.SimpleQueue[ServerClient] = queue.SimpleQueue()
        self._parts = (
            _Thread(Part.PULLER, self._pull_turn, 0.0),
            _Thread(Part.PUSHER, self._relay_turn, RELAY_PERIOD_S),
        )
        self._threads: list[threading.Thread] = []

    @property
    def is_online(self) -> bool:
        """Whether the last calls to the centre were answered."""
        return self._link.link.state is LinkState.ONLINE

    def behind_ms(self) -> int:
        """How long we have not heard of the centre; of before our start we know nothing."""
        if self.is_online:
            return 0
        at_ms = self._link.link.last_contact_ms or self._began_ms
        return max(0, self._env.wall_ms() - at_ms)

    async def start(self) -> None:
        """Begin."""
        self._loop = asyncio.get_running_loop()
        for stream, head, rev in await self._centre.read(_where_we_are):
            self._marks.setdefault(stream, Marks()).note(head, rev)
        self._time.restore(await self._centre.read(_kept_time))
        for part in self._parts:
            thread = threading.Thread(
                target=self._run, args=(part,), name=f"hub {part.part}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    async def stop(self) -> None:
        """End both threads. What is being passed on has a moment; nobody waits for news any more."""
        self._stop.set()
        for part in self._parts:
            part.wake.set()
            if part.part is Part.PULLER:
                part.hang_up()
        for part, thread in zip(self._parts, self._threads, strict=False):  # none, if never begun
            await asyncio.to_thread(thread.join, 0.5)
            part.hang_up()
        self._forwarders.shutdown(wait=False, cancel_futures=True)
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    async def forward(self, call: Callable[[ServerClient], T]) -> T:
        """Ask the centre for a caller of ours. Raises EdgeError, and ServerRefused among them."""
        if self._forwarding >= FORWARDS_WAITING_MAX:
            raise EdgeError("too many calls wait for the centre")
        self._forwarding += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._forwarders, self._with_client, call)
        finally:
            self._forwarding -= 1

    @property
    def generation(self) -> str:
        """The centre's history that we have read of, as of the last contact."""
        return self._generation

    _generation = ""

    # --- on the threads

    def _with_client(self, call: Callable[[ServerClient], T]) -> T:
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = self._new_client()
        try:
            return call(client)
        finally:
            self._idle.put(client)

    def _run(self, part: _Thread) -> None:
        backoff = Backoff(self._env)
        with closing(self._new_client()) as client:
            part.client = client  # before the first look at `_stop`
            while not self._stop.is_set():
                wait_s = part.rest_s
                try:
                    part.turn(client)
                    self._link.reached(part.part, client.server_ahead_ms)
                    backoff.reset()
                except Stopping:
                    return
                except EdgeError as error:
                    if self._stop.is_set():
                        return
                    self._lost(part.part, error)
                    wait_s = backoff.next_s()
                except Exception:  # noqa: BLE001 - a defect must not end it for the evening
                    if self._stop.is_set():
                        return
                    _log.exception("hub_turn_crashed", part=str(part.part))
                    wait_s = backoff.next_s()
                part.wake.wait(wait_s)

    def _lost(self, part: Part, error: EdgeError) -> None:
        self._link.lost(part, str(error))
        if isinstance(error, ServerRefused) and error.code in _NOT_OURS and not self.is_disowned:
            self.is_disowned = True
            self._write(disown)
            self._settled.clear()
            _log.error("hub_disowned", code=error.code)

    def _write(self, job: Callable[[Transaction], T]) -> T:
        return self._on_loop(lambda: self._centre.write(job))

    def _read(self, work: Callable[[Connection], T]) -> T:
        return self._on_loop(lambda: self._centre.read(work))

    def _on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        assert self._loop is not None
        if self._stop.is_set() or self._loop.is_closed():
            raise Stopping
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result(WRITE_TIMEOUT_S)

    # --- the feed

    def _pull_turn(self, client: ServerClient) -> None:
        self._greet(client)
        generation, after = self._read(_positions)
        try:
            reply = client.pull(generation, after, limit=ROWS_PER_PULL, wait_s=PULL_WAIT_S)
        except ServerRefused as refusal:
            if refusal.code == "generation_changed":
                self._greeted_s = float("-inf")
                return
            if refusal.code == "refetch" and refusal.body.get("stream") in after:
                stream = str(refusal.body["stream"])
                self._write(lambda tx: _refetch(tx, stream))
                return
            raise
        told = replies.generation(reply)
        pages = reply.get("streams")
        if not isinstance(pages, dict) or (generation and told != generation):
            raise replies.nonsense("streams")
        self._generation = told
        if self.is_disowned:
            self.is_disowned = False
            _log.warning("hub_known_again")
        for stream, page in sorted(pages.items(), key=lambda item: item[0] != self._house):
            if stream in after and isinstance(page, dict):
                self._take_page(told, stream, after[stream], page)

    @property
    def _house(self) -> str:
        return self._centre.venue_id

    def _take_page(self, told: str, stream: str, after: int, raw: Mapping[str, Any]) -> None:
        changes = replies.changes(raw)
        next_rev, more = replies.number(raw, "next", low=after), raw.get("more") is True
        rows = [_row(change.kind, change.body) for change in changes]
        settled = (told, self._centre.generation.short)
        if next_rev == after and not more and self._settled.get(stream) == settled:
            return  # nothing is new, and what goes with a page's end has been done
        page = FromCentre(stream, rows, told, next_rev, more)
        if any(table == "doc" for table, _columns in rows):
            self._plans = PlanShelf()  # a revision that is rolled back is given out again
        plans = self._plans
        head = self._write(lambda tx: take_in(tx, self._house, plans, page, self.hub_id))
        self._marks.setdefault(stream, Marks()).note(head, next_rev)
        if not more:
            self._settled[stream] = settled

    def _greet(self, client: ServerClient) -> None:
        """Once in a while, and at once when the centre lives in another history."""
        now_s = time.monotonic()
        if now_s - self._greeted_s < GREET_PERIOD_S:
            return
        generation, after = self._read(_positions)
        self._turn += 1
        sent = self._time.moment()
        reply = client.hello(
            {
                "session": self._session,
                "turn": self._turn,
                "proto": [PROTO],
                "program_version": self._version,
                "now_ms": self._env.wall_ms(),
                "unsynced": self._read(backlog),
                "journals": [],
                "gen": generation,
                "cursors": after if generation else {},
            }
        )
        told = replies.generation(reply)
        self._greeted_s = now_s
        self._time.note(sent, replies.number(reply, "now_ms"))
        self._write(lambda tx: _keep_time(tx, self._time.to_text()))
        if generation and told != generation:
            _log.warning("centre_history_changed", told=told)
            self._write(lambda tx: begin_again(tx, told))
            self._marks.clear()
            self._grants.forget()
            self._looked.clear()
            self._put_off, self._asked_for = {}, {}
        self._generation = told
        self._reports = frozenset(replies.streams(reply, "quarantined"))

    # --- the journals

    def _relay_turn(self, client: ServerClient) -> None:
        stopped = self._read(lambda c: asked_back(c, self.hub_id))  # before what still waits
        waiting = self._read(waiting_journals)
        failed: EdgeError | None = None
        for journal in waiting:
            try:
                self._pass_on(client, journal)
            except ServerRefused as refusal:  # the others go on, unless it is about us
                if refusal.status == HTTPStatus.UNAUTHORIZED:
                    raise
                failed = refusal
                _log.error("journal_not_passed_on", node_id=journal.node_id, code=refusal.code)
        told = self._tell_all_granted(client)
        if failed is not None:
            raise failed
        for stream, epoch in stopped.items():
            if stream not in told and all(journal.stream != stream for journal in waiting):
                client.post(f"/v1/e/{stream}/stopped", {"epoch": epoch})
        self._tell_heard(client)
        try:
            self._keep_stock(client)
        except ServerRefused as refusal:  # the journals go on all the same, unless it is about us
            if refusal.status == HTTPStatus.UNAUTHORIZED:
                raise
            _log.error("stock_not_kept", code=refusal.code)

    def _pass_on(self, client: ServerClient, journal: Waiting) -> None:
        batch = self._read(lambda c: next_batch(c, journal))
        call = "salvage" if journal.is_fenced else "push"
        path = f"/v1/e/{journal.stream}/{call}"
        try:
            reply = client.post(path, batch.body(self._env.wall_ms()), below=journal.node_id)
        except ServerRefused as refusal:
            if refusal.code == "journal_gap":
                acked = replies.number(refusal.body, "acked")
                self._write(lambda tx: note_relayed(tx, journal, acked, is_fenced=False))
            elif refusal.code == "journal_forked":
                self._write(lambda tx: note_fenced(tx, journal))
            else:
                raise
            return
        name = "stored" if journal.is_fenced else "acked"
        acked = replies.number(reply, name, low=0)
        self._write(lambda tx: note_relayed(tx, journal, acked, is_fenced=journal.is_fenced))

    def _tell_all_granted(self, client: ServerClient) -> set[str]:
        """The events of which there was something to tell; one that stands still is not looked at."""
        heads = self._read(event_heads)
        moved = [stream for stream, head in heads.items() if self._looked.get(stream) != head]
        told = {stream for stream in moved if self._tell_granted(client, stream)}
        self._looked |= {stream: heads[stream] for stream in moved if stream not in told}
        return told

    def _tell_granted(self, client: ServerClient, stream: str) -> bool:
        """Whether there was something to tell."""
        entries, rev = self._read(lambda c: self._grants.next(c, stream))
        if entries:
            client.post(f"/v1/e/{stream}/granted", {"entries": entries})
            self._grants.told(stream, rev)
        return bool(entries)

    def _tell_heard(self, client: ServerClient) -> None:
        if time.monotonic() - self._heard_s >= HEARD_PERIOD_S and self._generation:
            self._send_heard(client, self._nodes_below())

    def _nodes_below(self) -> dict[str, dict[str, Any]]:
        ours, now_ms = self._centre.generation.short, self._env.wall_ms()
        return self._read(lambda c: nodes_below(c, self.hub_id, ours, now_ms))

    def _send_heard(self, client: ServerClient, nodes: Mapping[str, dict[str, Any]]) -> None:
        now_s = time.monotonic()
        for node in nodes.values():
            cursors = {
                s: self._marks[s].read_to(r) for s, r in node["cursors"].items() if s in self._marks
            }
            node["cursors"] = cursors
        if nodes:
            body = {"gen": self._generation, "nodes": list(nodes.values())[:500]}
            client.post("/v1/below/heard", body)
        self._heard_s = now_s

    # --- what tills below are lent

    def _keep_stock(self, client: ServerClient) -> None:
        """Have something ready for tills below; give back what the centre asks for."""
        now_s = time.monotonic()
        if now_s - self._stocked_s < STOCK_PERIOD_S or not self._generation:
            return
        self._stocked_s = now_s
        for stream in sorted(self._reports):
            self._report(client, stream)
        ours = self._centre.generation.short
        for stream in self._read(lambda c: stock.recalled_streams(c, self.hub_id, ours)):
            self._take(stock.StopLending(stream, self.hub_id, ours))
        for stream, ids in self._read(lambda c: stock.going_back(c, self.hub_id)).items():
            body = {"gen": self._generation, "allotments": ids[: stock.UNLENT_PER_CALL]}
            client.post(f"/v1/e/{stream}/unlent", body)
        now_ms = self._env.wall_ms()
        for lack in self._read(lambda c: stock.lacks(c, self.hub_id, ours, now_ms)):
            self._ask_for(client, lack, ours)

    def _take(self, step: Any) -> Any:
        return self._on_loop(lambda: self._centre.take(step))

    def _report(self, client: ServerClient, stream: str) -> None:
        """Tell all that we were ever lent of an event, once it has every journal from here."""
        if self._read(lambda c: has_waiting(c, stream)):
            return
        pages = self._read(lambda c: stock.declarations(c, self.hub_id, stream)) or [[]]
        incarnation = self._read(lambda c: _incarnation(c, self.hub_id))
        if incarnation is None:
            return  # the house's feed has not told of us yet
        for number, page in enumerate(pages, 1):
            body = {"gen": self._generation, "inc": incarnation, "allotments": page}
            client.declare(stream, body | {"done": number == len(pages)})
        self._reports -= {stream}

    def _ask_for(self, client: ServerClient, lack: stock.Lack, ours: str) -> None:
        """Ask for a few allotments; for more when the feed has brought them."""
        key, now_s = (lack.stream, lack.performance), time.monotonic()
        last = self._asked_for.get(key, "")
        if self._put_off.get(key, 0.0) > now_s:
            return
        if last and not self._read(lambda c: _has_allotment(c, lack.stream, last)):
            return
        self._put_off[key] = now_s + PUT_OFF_S  # whatever comes of it, but that it is lent
        for _ in range(min(lack.requests, ASKS_PER_TURN)):
            req = stock.req_of(ours, self._env.random_bytes(12).hex())
            wish = {"req": req, "performance": lack.performance, "count": stock.PIECE_UNITS}
            try:
                reply = client.acquire(lack.stream, wish)
            except ServerRefused as refusal:
                if refusal.status != HTTPStatus.CONFLICT:
                    raise
                return
            self._asked_for[key] = str(replies.grant(reply.get("allotment")).id)
        del self._put_off[key]


def _kept_time(connection: Connection) -> str:
    kept = connection.execute(text("SELECT v FROM meta WHERE k = :k"), {"k": TIME_KEY}).scalar()
    return str(kept) if kept is not None else "[]"


def _keep_time(tx: Transaction, kept: str) -> None:
    tx.run(
        "INSERT INTO meta (k, v) VALUES (:k, :v) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
        k=TIME_KEY,
        v=kept,
    )


def _incarnation(connection: Connection, hub_id: str) -> int | None:
    row = connection.execute(text("SELECT inc FROM node WHERE id = :id"), {"id": hub_id}).first()
    return None if row is None else int(row[0])


def _has_allotment(connection: Connection, stream: str, allot_id: str) -> bool:
    query = text("SELECT 1 FROM allot WHERE event_id = :e AND id = :id")
    return connection.execute(query, {"e": stream, "id": allot_id}).first() is not None


def _positions(connection: Connection) -> tuple[str, dict[str, int]]:
    return positions(connection.execute(text("SELECT event_id, generation, rev FROM upstream")))


def _where_we_are(connection: Connection) -> list[tuple[str, int, int]]:
    rows = connection.execute(
        text(
            "SELECT u.event_id, s.head, u.rev FROM upstream u "
            "JOIN stream s ON s.event_id = u.event_id"
        )
    )
    return [(row[0], int(row[1]), int(row[2])) for row in rows]


def _refetch(tx: Transaction, stream: str) -> None:
    tx.run("UPDATE upstream SET rev = 0, whole_epoch = 0 WHERE event_id = :e", e=stream)


def _row(kind: str, body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    table, columns = body.get("table"), body.get("columns")
    if kind != "row" or not isinstance(table, str) or not isinstance(columns, dict):
        raise replies.nonsense("rows")
    return table, columns
