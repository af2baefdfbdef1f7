"""The sync engine: a pusher and a puller, each a thread, independent of each other.

The pusher says hello, sends what the journals hold beyond what the server confirmed, and asks for
units. The puller keeps the mirror fresh by one long poll. Whatever the network does, they go on:
with full jitter, and without anybody at the node waiting for them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from edge import replies
from edge.allotments import Grant, install
from edge.client import PROTO, ServerClient
from edge.env import Env
from edge.errors import EdgeError, ReplicaError, ServerRefused, ServerUnreachable
from edge.journal import (
    Answered,
    Head,
    acknowledge,
    backlog,
    get_meta,
    head_of,
    heads,
    is_locked,
    lock,
    set_meta,
    unacked,
)
from edge.link import Backoff, Link, LinkKeeper, LinkState, Part
from edge.mirror import BadChange
from edge.replica import Replica
from program.logs import get_logger
from ticketing.ids import is_stream_id
from ticketing.journal import Op

__all__ = ["Link", "LinkState", "Listeners", "SyncEngine", "Wish"]

OPS_PER_PUSH = 500
BYTES_PER_PUSH = 256 * 1024
ROWS_PER_PULL = 5_000
EVENTS_PER_PULL = 100
WISHES_MAX = 200
WAIT_S = 8.0
HELLO_PERIOD_S = 60.0
_EMPTY_POLL_S = 0.25
"""A poll without news takes at least so long, also when the server does not let us wait."""
_GAPS_PER_ROUND_MAX = 3
_EVENT_LIST = "event_list"
_NOT_ABOUT_THE_JOURNAL = frozenset({401, 403, 408, 426, 429})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """Units to ask the server for. `then` hears the outcome, once, on the pusher's thread."""

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
    """Whom to tell, on the engine's threads. Must be quick.

    What one raises is a bug of its own: it is logged, and the sync goes on.
    """

    link: Callable[[Link], None] = lambda _link: None
    pulled: Callable[[str, frozenset[str]], None] = lambda _stream, _kinds: None
    """A stream changed in the mirror; which kinds of rows did."""
    pushed: Callable[[int], None] = lambda _count: None
    """So many operations were confirmed."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one push sends: operations of a journal, and the hash before them."""

    head: Head
    prev: str
    ops: list[Op]
    unsynced: int


@dataclass(slots=True)
class SyncEngine:
    """Keeps one node in step with its server. `new_client` is called once on each thread."""

    replica: Replica
    env: Env
    new_client: Callable[[], ServerClient]
    program_version: str
    listeners: Listeners = field(default_factory=Listeners)
    _keeper: LinkKeeper = field(init=False)
    _stop: threading.Event = field(init=False, default_factory=threading.Event)
    _work: threading.Event = field(init=False, default_factory=threading.Event)
    _greet: threading.Event = field(init=False, default_factory=threading.Event)
    _retry: Mapping[Part, threading.Event] = field(init=False)
    _wishes: queue.Queue[Wish] = field(init=False)
    _threads: list[threading.Thread] = field(init=False, default_factory=list)
    _hello_due_s: float = field(init=False, default=0.0)
    _followed: frozenset[str] = field(init=False, default=frozenset())
    _turn: int = field(init=False, default=0)
    _session: str = field(init=False, default="")
    _hello_turn: int = field(init=False, default=0)
    _refused: dict[str, str] = field(init=False, default_factory=dict)
    _replica_error: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._keeper = LinkKeeper(self.env, self._tell_link)
        self._retry = {part: threading.Event() for part in Part}
        self._wishes = queue.Queue(WISHES_MAX)

    def start(self) -> None:
        """Begin; returns at once. Once only."""
        assert not self._threads, "started already"
        with self.replica.reading() as connection:
            locked = is_locked(connection)
        if locked:
            self._keeper.lock()
        for part, turn in ((Part.PUSHER, self._push_turn), (Part.PULLER, self._pull_turn)):
            thread = threading.Thread(
                target=self._supervise, args=(part, turn), name=part, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Ask both threads to end and wait a moment; a call under way is left to its time limit.

        After that they touch nothing more than the replica, which refuses once it is closed.
        """
        self._stop.set()
        for event in (self._work, *self._retry.values()):
            event.set()
        until_s = self.env.monotonic_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - self.env.monotonic_s()))
        self._refuse_wishes()

    @property
    def link(self) -> Link:
        """The link as of now."""
        return self._keeper.link

    def nudge(self) -> None:
        """There is something to push."""
        self._work.set()

    def wish(self, wish: Wish) -> bool:
        """Ask for units in the background. False when that is hopeless now (offline, or full)."""
        if self.link.state is not LinkState.ONLINE or self._stop.is_set():
            return False
        try:
            self._wishes.put_nowait(wish)
        except queue.Full:
            return False
        self._work.set()
        return True

    # --- keeping the two going

    def _supervise(self, part: Part, turn: Callable[[ServerClient], None]) -> None:
        """Run one part until the end; a bug in it is logged and the part begins anew."""
        waiting = Backoff(self.env)
        while not self._stop.is_set():
            try:
                with closing(self.new_client()) as client:
                    self._take_turns(part, client, turn, waiting)
            except EdgeError as error:  # no client can be made for this address
                self._lost(part, error, waiting)
            except Exception:  # noqa: BLE001 - a bug must not end the sync of a whole evening
                _log.exception("sync_part_crashed", part=str(part))
                defect = ServerUnreachable("a defect in the program; its log has the traceback")
                self._lost(part, defect, waiting)

    def _take_turns(
        self,
        part: Part,
        client: ServerClient,
        turn: Callable[[ServerClient], None],
        waiting: Backoff,
    ) -> None:
        while not self._stop.is_set():
            try:
                turn(client)
                waiting.reset()
            except EdgeError as error:
                self._lost(part, error, waiting)

    def _lost(self, part: Part, error: EdgeError, waiting: Backoff) -> None:
        """A turn failed: say so, and wait before the next."""
        if self._stop.is_set():
            return
        if isinstance(error, ReplicaError) and str(error) != self._replica_error:
            self._replica_error = str(error)
            _log.error("replica_failed", error=str(error))
        self._keeper.lost(part, str(error))
        if part is Part.PUSHER:
            self._refuse_wishes()
            self._greet.set()
            self._work.set()
        else:
            self._followed = frozenset()  # the next poll does not wait: is the server back?
        self._retry[part].clear()
        if not self._stop.is_set():
            self._retry[part].wait(waiting.next_s())

    def _reached(self, part: Part, server_ahead_ms: int | None = None) -> None:
        """A call was answered; a first success has the other part try again at once too."""
        if self._keeper.reached(part, server_ahead_ms):
            self._replica_error = ""
            self._work.set()  # the other part may not have noticed that anything was amiss
            for other in Part:
                if other is not part:
                    self._retry[other].set()

    def _tell_link(self, link: Link) -> None:
        _tell(self.listeners.link, link)

    # --- pushing

    def _push_turn(self, client: ServerClient) -> None:
        due_in_s = self._hello_due_s - self.env.monotonic_s()
        self._work.wait(max(0.0, min(HELLO_PERIOD_S, due_in_s)))
        self._work.clear()
        if self._stop.is_set():
            return
        if self._greet.is_set() or self.env.monotonic_s() >= self._hello_due_s:
            self._greet.clear()  # before the call: who asks for another meanwhile gets it
            self._hello(client)
        self._push_all(client)
        self._ask(client)

    def _hello(self, client: ServerClient) -> None:
        with self.replica.reading() as connection:
            ours, waiting = heads(connection), backlog(connection)
        self._session = self._session or self.env.random_bytes(8).hex()
        self._hello_turn += 1
        reply = client.hello(
            {
                "session": self._session,
                "turn": self._hello_turn,
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
        self._reached(Part.PUSHER, client.server_ahead_ms)

    def _compare(self, ours: tuple[Head, ...], reply: Mapping[str, Any]) -> None:
        """Take the server's word on how far it has each journal; lock one that it fenced."""
        generation = replies.generation(reply)
        told_of = {
            (told.get("stream"), told.get("inc")): told
            for told in replies.objects(reply, "journals")
            if isinstance(told.get("stream"), str) and type(told.get("inc")) is int
        }
        for head in ours:
            told = told_of.get((head.stream, head.incarnation))
            if told is None:
                continue
            if told.get("forked") is True:
                self._fence(head)
                continue
            acked = replies.number(told, "acked", high=head.seq)
            if acked != head.acked:
                self._acknowledge(head, acked, ())
        self.replica.transact(lambda unit: set_meta(unit, "generation", generation))

    def _push_all(self, client: ServerClient) -> None:
        """Push every journal to its end; one that the server does not take waits for its turn."""
        with self.replica.reading() as connection:
            ours = heads(connection)
        for head in ours:
            if head.acked < head.seq and not head.locked:
                self._push_journal(client, head.stream)

    def _push_journal(self, client: ServerClient, stream: str) -> None:
        gaps_left = _GAPS_PER_ROUND_MAX
        while not self._stop.is_set() and (batch := self._next_batch(stream)) is not None:
            try:
                self._push(client, batch)
            except ServerRefused as refusal:
                if refusal.code == "journal_gap" and gaps_left:
                    gaps_left -= 1
                    self._mend_gap(batch.head, refusal)
                    continue
                if refusal.code == "journal_forked":
                    self._fence(batch.head)
                elif refusal.status in _NOT_ABOUT_THE_JOURNAL:
                    raise
                else:
                    self._set_aside(stream, refusal)
                return
        if self._refused.pop(stream, None) is not None and not self._refused:
            self._keeper.note("")

    def _next_batch(self, stream: str) -> _Batch | None:
        with self.replica.reading() as connection:
            head = head_of(connection, stream)
            if head.acked >= head.seq:
                return None
            prev, ops = unacked(connection, head, ops_max=OPS_PER_PUSH, bytes_max=BYTES_PER_PUSH)
            return _Batch(head, prev, ops, backlog(connection).count)

    def _push(self, client: ServerClient, batch: _Batch) -> None:
        head, first, last = batch.head, batch.ops[0].seq, batch.ops[-1].seq
        reply = client.push(
            head.stream, head.incarnation, batch.prev, batch.ops, unsynced=batch.unsynced
        )
        # More than was sent now: of an earlier push whose answer was lost.
        acked = replies.number(reply, "acked", low=first, high=head.seq)
        self._acknowledge(head, acked, replies.verdicts(reply, first=first, last=last))
        self._reached(Part.PUSHER, client.server_ahead_ms)
        _tell(self.listeners.pushed, acked - head.acked)

    def _mend_gap(self, head: Head, refusal: ServerRefused) -> None:
        """The server has less (or more) than we believed: go on from what it has."""
        acked = replies.number(refusal.body, "acked", high=head.seq)
        if acked == head.acked:
            raise replies.nonsense("a gap where there is none")
        self._acknowledge(head, acked, ())

    def _set_aside(self, stream: str, refusal: ServerRefused) -> None:
        """The server does not take this journal: keep everything, go on with the others, alarm."""
        if self._refused.get(stream) != refusal.code:
            self._refused[stream] = refusal.code
            _log.error("push_refused", stream=stream, code=refusal.code, detail=refusal.detail)
        self._keeper.note(f"the server does not take the journal of {stream} ({refusal})")

    def _acknowledge(
        self, head: Head, acked: int, answers: tuple[Answered, ...] | list[Answered]
    ) -> None:
        self.replica.transact(lambda unit: acknowledge(unit, head, acked, answers))

    def _fence(self, head: Head) -> None:
        if not head.locked:
            _log.error("journal_fenced", stream=head.stream, incarnation=head.incarnation)
            self.replica.transact(lambda unit: lock(unit, head.stream))
        self._keeper.lock()

    # --- asking for units

    def _ask(self, client: ServerClient) -> None:
        while not self._stop.is_set():
            if self.link.state is LinkState.LOCKED:
                self._refuse_wishes()
                return
            try:
                wish = self._wishes.get_nowait()
            except queue.Empty:
                return
            try:
                outcome = self._acquire(client, wish)
            except BaseException:  # whatever it was, whoever asked must hear
                _tell(wish.then, "offline")
                raise
            _tell(wish.then, outcome)

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
            if refusal.status in _NOT_ABOUT_THE_JOURNAL:
                raise
            return refusal.code
        grant = replies.grant(reply.get("allotment"))
        self.replica.transact(lambda unit: install(unit, wish.stream, grant))
        return grant

    def _refuse_wishes(self) -> None:
        while True:
            try:
                wish = self._wishes.get_nowait()
            except queue.Empty:
                return
            _tell(wish.then, "offline")

    # --- pulling

    def _pull_turn(self, client: ServerClient) -> None:
        began_s = self.env.monotonic_s()
        brought = self.pull_round(client, WAIT_S)
        if not brought and self.env.monotonic_s() - began_s < _EMPTY_POLL_S:
            self._stop.wait(_EMPTY_POLL_S)

    def pull_round(self, client: ServerClient, wait_s: float) -> bool:
        """One poll over all streams this node follows. True when it brought something."""
        with self.replica.reading() as connection:
            venue = get_meta(connection, "venue_id")
        mirror = self.replica.mirror
        generation, known = mirror.generation(), mirror.cursors()
        asked, turns = self._streams_in_turn(venue)
        wait_s /= turns
        after = {stream: known.get(stream, 0) for stream in asked}
        if not self._followed.issuperset(after):
            wait_s = 0  # a stream asked for the first time: have all there is at once
        try:
            reply = client.pull(generation, after, limit=ROWS_PER_PULL, wait_s=wait_s)
        except ServerRefused as refusal:
            if refusal.code != "generation_changed":
                raise
            self._forget(generation)
            return True
        told = replies.generation(reply)
        if generation not in ("", told):
            self._forget(generation)
            return True
        streams = reply.get("streams")
        if not isinstance(streams, dict):
            raise replies.nonsense("streams")
        taken = [
            self._take_in(stream, told, rev, streams[stream])
            for stream, rev in after.items()
            if stream in streams
        ]
        self._followed |= frozenset(after)
        self._reached(Part.PULLER)
        return any(taken)

    def _forget(self, generation: str) -> None:
        """Another history of the server: drop the mirror, never the journal, and greet again."""
        _log.warning("generation_changed", was=generation)
        self.replica.mirror.forget()
        self._followed = frozenset()
        self._greet.set()
        self._work.set()

    def _streams_in_turn(self, venue: str) -> tuple[list[str], int]:
        """The streams of the next poll, and in how many polls all of them have had their turn.

        The house is in every poll; a house with many events has them polled in turn, so that no
        request grows without limit.
        """
        events = self._events(venue)
        turns = max(1, -(-len(events) // EVENTS_PER_PULL))
        first = self._turn % turns * EVENTS_PER_PULL
        self._turn += 1
        return [venue, *events[first : first + EVENTS_PER_PULL]], turns

    def _events(self, venue: str) -> list[str]:
        with self.replica.mirror.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM doc WHERE stream = ? AND kind = ? ORDER BY id",
                (venue, _EVENT_LIST),
            ).fetchall()
        return [row["id"] for row in rows if is_stream_id(row["id"])]

    def _take_in(self, stream: str, generation: str, after: int, page: object) -> bool:
        """Store a page; grants of our own go into the journal first, so that none is lost."""
        if not isinstance(page, dict):
            raise replies.nonsense("streams")
        changes = replies.changes(page)
        read_to = replies.number(page, "next", low=after + 1 if changes else after)
        with self.replica.reading() as connection:
            node_id = get_meta(connection, "node_id")
        grants = [
            replies.grant(change.body)
            for change in changes
            if change.kind == "allot" and change.body.get("node") == node_id
        ]
        if grants:
            self.replica.transact(lambda unit: [install(unit, stream, g) for g in grants])
        if read_to != after:
            try:
                self.replica.mirror.apply(stream, generation, changes, read_to)
            except BadChange as error:
                raise ServerUnreachable(f"the server's news make no sense: {error}") from error
        if changes:
            _tell(self.listeners.pulled, stream, frozenset(change.kind for change in changes))
        return bool(changes)


def _tell(listener: Callable[..., None], *news: object) -> None:
    """Tell somebody else's code; what goes wrong there ends nothing here."""
    try:
        listener(*news)
    except Exception:  # noqa: BLE001 - theirs, and the log has it
        _log.exception("listener_failed")
