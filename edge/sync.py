"""The sync engine: a pusher and a puller, each a thread, independent of each other.

The pusher says hello, sends what the journals hold beyond what the server confirmed, and asks for
units. The puller keeps the mirror fresh by one long poll. Whatever the network does, they go on:
with full jitter, and without anybody at the node waiting for them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from edge.allotments import Grant, grant_from_wire, install
from edge.client import PROTO, ServerClient
from edge.env import Env
from edge.errors import EdgeError, ReplicaError, ServerRefused, ServerUnreachable
from edge.journal import (
    Answered,
    Head,
    acknowledge,
    backlog,
    get_meta,
    heads,
    lock,
    set_meta,
    unacked,
)
from edge.mirror import Change
from edge.replica import Replica
from program.logs import get_logger
from ticketing.ids import is_stream_id
from ticketing.journal import Op

OPS_PER_PUSH = 500
CHARS_PER_PUSH = 256 * 1024
ROWS_PER_PULL = 5_000
WISHES_MAX = 200
WAIT_S = 8.0
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.25, 8.0
HELLO_PERIOD_S = 60.0
_EVENT_LIST = "event_list"
_log = get_logger(__name__)


class LinkState(StrEnum):
    """How the node stands with its server."""

    CONNECTING = "connecting"  # no contact yet since start, and no failure either
    ONLINE = "online"
    OFFLINE = "offline"
    LOCKED = "locked"  # fenced: this node must be enrolled again


@dataclass(frozen=True, slots=True)
class Link:
    """The link as of the last call. Instants are the node's clock, Unix milliseconds."""

    state: LinkState = LinkState.CONNECTING
    offline_since_ms: int | None = None
    last_contact_ms: int | None = None
    last_error: str = ""
    server_ahead_ms: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """Units to ask the server for. `then` hears the outcome on the pusher's thread."""

    stream: str
    req: str
    performance: int
    then: Callable[[Grant | str], None]
    """Called with the grant, already installed, or with the code of a refusal ('offline')."""
    units: tuple[int, ...] = ()
    count: int = 0
    firm: bool = False


@dataclass(frozen=True, slots=True)
class Listeners:
    """Whom to tell, on the engine's threads. Must be quick and must not raise."""

    link: Callable[[Link], None] = lambda _link: None
    pulled: Callable[[str, frozenset[str]], None] = lambda _stream, _kinds: None
    """A stream changed in the mirror; which kinds of rows did."""
    pushed: Callable[[int], None] = lambda _count: None
    """So many operations were confirmed."""


@dataclass(slots=True)
class _Backoff:
    """Full jitter: a random wait below a limit that doubles."""

    env: Env
    limit_s: float = BACKOFF_FIRST_S

    def next_s(self) -> float:
        """How long to wait this time."""
        chance = int.from_bytes(self.env.random_bytes(2)) / 0x10000
        wait_s = self.limit_s * (0.1 + 0.9 * chance)
        self.limit_s = min(self.limit_s * 2, BACKOFF_MAX_S)
        return wait_s

    def reset(self) -> None:
        """It worked: start small again."""
        self.limit_s = BACKOFF_FIRST_S


@dataclass(slots=True)
class SyncEngine:
    """Keeps one node in step with its server. `new_client` is called once on each thread."""

    replica: Replica
    env: Env
    new_client: Callable[[], ServerClient]
    program_version: str
    listeners: Listeners = field(default_factory=Listeners)
    _link: Link = field(default_factory=Link)
    _link_guard: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _work: threading.Event = field(default_factory=threading.Event)
    _wishes: queue.Queue[Wish] = field(default_factory=lambda: queue.Queue(WISHES_MAX))
    _threads: list[threading.Thread] = field(default_factory=list)
    _hello_due_s: float = 0.0

    def start(self) -> None:
        """Begin; returns at once."""
        for name, body in (("pusher", self._push_loop), ("puller", self._pull_loop)):
            thread = threading.Thread(target=body, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 3.0) -> None:
        """Ask both threads to end and wait a moment; a call under way is left to its time limit."""
        self._stop.set()
        self._work.set()
        for thread in self._threads:
            thread.join(timeout_s)

    @property
    def link(self) -> Link:
        """The link as of now."""
        return self._link

    def nudge(self) -> None:
        """There is something to push."""
        self._work.set()

    def wish(self, wish: Wish) -> bool:
        """Ask for units in the background. False when that is hopeless now (offline, or full)."""
        if self._link.state is not LinkState.ONLINE:
            return False
        try:
            self._wishes.put_nowait(wish)
        except queue.Full:
            return False
        self._work.set()
        return True

    # --- pushing

    def _push_loop(self) -> None:
        client, waiting = self.new_client(), _Backoff(self.env)
        pause_s = 0.0
        while not self._stop.is_set():
            self._work.wait(pause_s)
            if self._stop.is_set():
                break
            self._work.clear()
            try:
                self._push_round(client)
                waiting.reset()
                pause_s = max(0.0, min(HELLO_PERIOD_S, self._hello_due_s - self.env.monotonic_s()))
            except EdgeError as error:
                self._lost(error)
                self._refuse_wishes()
                pause_s = waiting.next_s()
                self._stop.wait(pause_s)
                self._work.set()
        client.close()

    def _push_round(self, client: ServerClient) -> None:
        if self.env.monotonic_s() >= self._hello_due_s:
            self._hello(client)
        if self._link.state is LinkState.LOCKED:
            return
        while self._push_some(client):
            if self._stop.is_set():
                return
        self._ask(client)

    def _hello(self, client: ServerClient) -> None:
        with self.replica.reading() as connection:
            ours, waiting = heads(connection), backlog(connection)
        reply = client.hello(
            {
                "proto": [PROTO],
                "program_version": self.program_version,
                "now_ms": self.env.wall_ms(),
                "unsynced": waiting.count,
                "journals": [
                    {"stream": h.stream, "inc": h.incarnation, "seq": h.seq, "hash": h.hash}
                    for h in ours
                ],
            }
        )
        self._compare(ours, reply)
        self._hello_due_s = self.env.monotonic_s() + HELLO_PERIOD_S
        self._reached(client.server_ahead_ms)

    def _compare(self, ours: tuple[Head, ...], reply: Mapping[str, Any]) -> None:
        """Take the server's word on how far it has each journal; lock one that it fenced."""
        by_key = {(h.stream, h.incarnation): h for h in ours}
        generation = _text(reply, "gen")
        for told in _list(reply, "journals"):
            head = by_key.get((str(told.get("stream")), told.get("inc") or 0))
            acked = told.get("acked")
            if head is None or type(acked) is not int:
                continue
            if told.get("forked") is True:
                self._fence(head)
            elif acked != head.acked:
                self._acknowledge(head, acked, ())
        self.replica.transact(lambda unit: set_meta(unit, "generation", generation))

    def _push_some(self, client: ServerClient) -> bool:
        """Push one batch of one journal. False when nothing is left."""
        with self.replica.reading() as connection:
            waiting = backlog(connection)
            pending = [h for h in heads(connection) if h.acked < h.seq and not h.locked]
            if not pending:
                return False
            head = pending[0]
            prev, ops = unacked(connection, head, ops_max=OPS_PER_PUSH, chars_max=CHARS_PER_PUSH)
        self._push(client, head, prev, ops, waiting.count)
        return True

    def _push(
        self, client: ServerClient, head: Head, prev: str, ops: list[Op], unsynced: int
    ) -> None:
        try:
            reply = client.push(head.stream, head.incarnation, prev, ops, unsynced=unsynced)
        except ServerRefused as refusal:
            if refusal.code == "journal_forked":
                self._fence(head)
            elif refusal.code == "journal_gap" and type(refusal.body.get("acked")) is int:
                self._acknowledge(head, int(str(refusal.body["acked"])), ())
            else:
                raise
            return
        acked = reply.get("acked")
        if type(acked) is not int or not ops[0].seq <= acked <= ops[-1].seq:
            raise ServerUnreachable("the server's answer to a push makes no sense")
        answers = [_answered(raw) for raw in _list_of_lists(reply, "verdicts")]
        self._acknowledge(head, acked, answers)
        self._reached(client.server_ahead_ms)
        self.listeners.pushed(acked - head.acked)

    def _acknowledge(
        self, head: Head, acked: int, answers: tuple[Answered, ...] | list[Answered]
    ) -> None:
        self.replica.transact(lambda unit: acknowledge(unit, head, acked, answers))

    def _fence(self, head: Head) -> None:
        _log.error("journal_fenced", stream=head.stream, incarnation=head.incarnation)
        self.replica.transact(lambda unit: lock(unit, head.stream))
        self._set_link(state=LinkState.LOCKED)

    # --- asking for units

    def _ask(self, client: ServerClient) -> None:
        while True:
            try:
                wish = self._wishes.get_nowait()
            except queue.Empty:
                return
            try:
                outcome = self._acquire(client, wish)
            except ServerUnreachable:
                wish.then("offline")
                raise
            wish.then(outcome)

    def _acquire(self, client: ServerClient, wish: Wish) -> Grant | str:
        body = {
            "req": wish.req,
            "performance": wish.performance,
            "units": list(wish.units),
            "count": wish.count,
            "firm": wish.firm,
        }
        try:
            reply = client.acquire(wish.stream, body)
        except ServerRefused as refusal:
            return refusal.code
        raw = reply.get("allotment")
        grant = grant_from_wire(raw) if isinstance(raw, dict) else None
        if grant is None:
            raise ServerUnreachable("the server's answer to a wish makes no sense")
        self.replica.transact(lambda unit: install(unit, wish.stream, grant))
        return grant

    def _refuse_wishes(self) -> None:
        while True:
            try:
                self._wishes.get_nowait().then("offline")
            except queue.Empty:
                return

    # --- pulling

    def _pull_loop(self) -> None:
        client, waiting = self.new_client(), _Backoff(self.env)
        while not self._stop.is_set():
            try:
                self.pull_round(client, WAIT_S)
                waiting.reset()
            except EdgeError as error:
                self._lost(error)
                self._stop.wait(waiting.next_s())
        client.close()

    def pull_round(self, client: ServerClient, wait_s: float) -> None:
        """One poll over all streams this node follows."""
        with self.replica.reading() as connection:
            venue, generation = get_meta(connection, "venue_id"), get_meta(connection, "generation")
        known = self.replica.mirror.cursors()
        after = {stream: known.get(stream, 0) for stream in self._streams(venue)}
        if any(rev == 0 for rev in after.values()):
            wait_s = 0
        try:
            reply = client.pull(generation, after, limit=ROWS_PER_PULL, wait_s=wait_s)
        except ServerRefused as refusal:
            if refusal.code != "generation_changed":
                raise
            _log.warning("generation_changed", gen=str(refusal.body.get("gen")))
            self.replica.mirror.forget()
            new = str(refusal.body.get("gen", ""))
            self.replica.transact(lambda unit: set_meta(unit, "generation", new))
            self._hello_due_s = 0.0
            self._work.set()
            return
        streams = reply.get("streams")
        if not isinstance(streams, dict):
            raise ServerUnreachable("the server's news makes no sense")
        for stream, page in streams.items():
            if stream in after and isinstance(page, dict):
                self._take_in(stream, _text(reply, "gen"), after[stream], page)
        self._reached(client.server_ahead_ms)

    def _streams(self, venue: str) -> list[str]:
        with self.replica.mirror.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM doc WHERE stream = ? AND kind = ? ORDER BY id",
                (venue, _EVENT_LIST),
            ).fetchall()
        return [venue, *(row["id"] for row in rows if is_stream_id(row["id"]))]

    def _take_in(self, stream: str, generation: str, after: int, page: Mapping[str, Any]) -> None:
        """Store a page; grants of our own go into the journal first, so that none is lost."""
        changes = [_change(raw) for raw in _list_of_lists(page, "rows")]
        read_to = page.get("next")
        if type(read_to) is not int or read_to < after:
            raise ServerUnreachable("the server's news makes no sense")
        with self.replica.reading() as connection:
            node_id = get_meta(connection, "node_id")
        grants = [
            grant
            for change in changes
            if change.kind == "allot" and change.body.get("node") == node_id
            if (grant := grant_from_wire(change.body)) is not None
        ]
        if grants:
            self.replica.transact(lambda unit: [install(unit, stream, g) for g in grants])
        if changes or read_to != after:
            try:
                self.replica.mirror.apply(stream, generation, changes, read_to)
            except (KeyError, TypeError, ValueError) as error:
                raise ServerUnreachable("the server's news makes no sense") from error
        if changes:
            self.listeners.pulled(stream, frozenset(change.kind for change in changes))

    # --- the link

    def _reached(self, server_ahead_ms: int) -> None:
        with self._link_guard:
            if self._link.state is LinkState.LOCKED:
                return
            was = self._link
            self._link = Link(
                LinkState.ONLINE,
                last_contact_ms=self.env.wall_ms(),
                server_ahead_ms=server_ahead_ms or was.server_ahead_ms,
            )
            now = self._link
        if was.state is not LinkState.ONLINE:
            _log.info("online")
            self._hello_due_s = 0.0 if was.state is LinkState.OFFLINE else self._hello_due_s
            self._work.set()
            self.listeners.link(now)

    def _lost(self, error: EdgeError) -> None:
        if self._stop.is_set():
            return
        if isinstance(error, ReplicaError):
            _log.error("replica_failed", error=str(error))
        self._set_link(state=LinkState.OFFLINE, error=str(error))

    def _set_link(self, *, state: LinkState, error: str = "") -> None:
        with self._link_guard:
            was = self._link
            if was.state is LinkState.LOCKED:
                return
            since = was.offline_since_ms or self.env.wall_ms()
            self._link = replace(was, state=state, offline_since_ms=since, last_error=error)
            now = self._link
        if now.state is not was.state:
            _log.warning("link_changed", state=str(state), error=error)
            self.listeners.link(now)


def _answered(raw: list[Any]) -> Answered:
    match raw:
        case [int(seq), str(verdict), str(code), int(rev)]:
            return Answered(seq, verdict, code, rev)
    raise ServerUnreachable("the server's verdict makes no sense")


def _change(raw: list[Any]) -> Change:
    match raw:
        case [str(kind), int(rev), dict(body)]:
            return Change(kind, rev, body)
    raise ServerUnreachable("the server's news makes no sense")


def _list(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ServerUnreachable(f"the server's answer makes no sense ({key})")
    return value


def _list_of_lists(body: Mapping[str, Any], key: str) -> list[list[Any]]:
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, list) for item in value):
        raise ServerUnreachable(f"the server's answer makes no sense ({key})")
    return value


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise ServerUnreachable(f"the server's answer makes no sense ({key})")
    return value
