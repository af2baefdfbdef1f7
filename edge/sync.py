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
from functools import partial
from typing import Any

import httpx

from edge import buyers, replies
from edge.allotments import Grant
from edge.client import ServerClient
from edge.copies import ALL_KINDS, Copies
from edge.env import Env
from edge.errors import EdgeError, ReplicaError, ServerRefused, ServerUnreachable
from edge.journal import get_meta, is_locked
from edge.link import Backoff, Link, LinkKeeper, LinkState, Part
from edge.mirror import BadChange
from edge.protocol import acquire, declare, hello, pull, push, revoke, salvage
from edge.replica import Replica
from edge.time_left import now_of
from program.logs import get_logger
from ticketing.ids import OpId
from ticketing.terms import Anchor

__all__ = ["Call", "Link", "LinkState", "Listeners", "NoAnswer", "SyncEngine", "Wish"]

WISHES_MAX = 200
OFFLINE = "offline"
"""What whoever asked hears when nobody was reached."""
NO_CENTRE = "no_centre"
"""A hub's refusal of what only the centre can decide, with the line to it down: asked again later."""
WAIT_S = 8.0
HELLO_PERIOD_S = 60.0
_EMPTY_POLL_S = 0.25
"""A poll without news takes at least so long, also when the server does not let us wait."""
_GAPS_PER_ROUND_MAX = 3
_EVENT_LIST = "event_list"
_PUSH, _SALVAGE, _DECLARE, _BUYERS = "push", "salvage", "declare", "buyers"
_ABOUT_THE_HISTORY = frozenset({"generation_changed"})
_PASSES = frozenset({"quarantine", NO_CENTRE})
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
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def want(self) -> acquire.Want:
        """What to ask for."""
        return acquire.Want(
            self.stream,
            self.req,
            self.performance,
            self.units,
            self.count,
            self.firm,
            self.counts,
        )


@dataclass(frozen=True, slots=True)
class RevokeWish:
    """Have the server revoke what `plan_revoke` has kept. `then` hears once, as with a Wish."""

    op_id: OpId
    then: Callable[[revoke.Revoked | str], None]
    """Called with what was revoked, or with the code of a refusal ('offline': asked again)."""


@dataclass(frozen=True, slots=True)
class Call:
    """Anything else to ask of the server on the pusher's thread. `then` hears once, as with a Wish.

    `ask` makes one call and says what came of it. A refusal's code, or 'offline', comes as NoAnswer.
    """

    ask: Callable[[ServerClient], object]
    then: Callable[[object], None]


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a call brought nothing."""

    code: str


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
    greeted: Callable[[], None] = lambda: None
    """The server answered a greeting: every now and then, whatever else happens."""


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
    _wishes: queue.Queue[Wish | RevokeWish | Call] = field(init=False)
    _threads: list[threading.Thread] = field(init=False, default_factory=list)
    _pull_client: ServerClient | None = field(init=False, default=None)
    _hello_due_s: float = field(init=False, default=0.0)
    _follower: pull.Follower = field(init=False)
    _copies: Copies = field(init=False)
    _first_sent: dict[str, Anchor] = field(init=False, default_factory=dict)
    """When each request for units was sent for the first time."""
    _session: str = field(init=False, default="")
    _hello_turn: int = field(init=False, default=0)
    _unsalvaged: frozenset[tuple[str, int]] = field(init=False, default=frozenset())
    _undeclared: frozenset[str] = field(init=False, default=frozenset())
    """What the server did not take since the last hello: not asked about before the next."""
    _untold: frozenset[str] = field(init=False, default=frozenset())
    _looked_at_buyer: int = field(init=False, default=0)
    """How far the look for buyers who were erased has come."""
    _refused: dict[tuple[str, str], str] = field(init=False, default_factory=dict)
    """Why a call about a stream was refused, for as long as it stays so."""
    _replica_error: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._keeper = LinkKeeper(self.env, self._tell_link)
        self._retry = {part: threading.Event() for part in Part}
        self._wishes = queue.Queue(WISHES_MAX)
        self._follower = pull.Follower()
        self._copies = Copies(self.replica, self.env, self._is_stopping)

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
        """End both threads; waits a moment for what the pusher has under way.

        The puller's poll, which waits for news that nobody needs any more, is broken off. After
        that they touch nothing more than the replica, which refuses once it is closed.
        """
        self._stop.set()
        if (client := self._pull_client) is not None:
            client.hang_up()
        for event in (self._work, *self._retry.values()):
            event.set()
        until_s = self.env.monotonic_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - self.env.monotonic_s()))
        self._refuse_wishes()

    def _is_stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def link(self) -> Link:
        """The link as of now."""
        return self._keeper.link

    def nudge(self) -> None:
        """There is something to push."""
        self._work.set()

    def check_copies(self) -> None:
        """Compare the mirror with the server soon: at shift close, before doors open.

        What differs is put right, told as news, and a case at the server.
        """
        self._copies.check_soon()

    def wish(self, wish: Wish | RevokeWish | Call) -> bool:
        """Ask in the background. False when that is hopeless now (offline, or full)."""
        if self.link.state is not LinkState.ONLINE or self._stop.is_set():
            return False
        if not self._put(wish):
            return False
        self._work.set()
        return True

    def _put(self, wish: Wish | RevokeWish | Call) -> bool:
        try:
            self._wishes.put_nowait(wish)
        except queue.Full:
            return False
        return True

    # --- keeping the two going

    def _supervise(self, part: Part, turn: Callable[[ServerClient], None]) -> None:
        """Run one part until the end; a bug in it is logged and the part begins anew."""
        waiting = Backoff(self.env)
        while not self._stop.is_set():
            try:
                with closing(self.new_client()) as client:
                    if part is Part.PULLER:
                        self._pull_client = client  # before the next look at `_stop`
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
            self._follower.forget()
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
        self._salvage_all(client)
        self._declare_all(client)
        self._tell_buyers(client)
        self._ask(client)

    def _hello(self, client: ServerClient) -> None:
        self._session = self._session or self.env.random_bytes(8).hex()
        self._hello_turn += 1
        session = hello.Session(self._session, self._hello_turn, self.program_version)
        position = self.replica.mirror.position()
        with self.replica.reading() as connection:
            request = hello.hello_request(connection, self.env, session, position)
        reply = client.hello(request.body)
        outcome = self.replica.transact(lambda unit: hello.on_hello(unit, request, reply))
        for head in outcome.fenced:
            _log.error("journal_fenced", stream=head.stream, incarnation=head.incarnation)
        self._lock_if_locked()
        self._unsalvaged, self._undeclared, self._untold = frozenset(), frozenset(), frozenset()
        self._ask_again()
        self._reached(Part.PUSHER, client.server_ahead_ms)
        # Only a greeting in the server's own history has our journals' heads checked.
        pause_s = HELLO_PERIOD_S if request.body["gen"] == outcome.generation else 0
        self._hello_due_s = self.env.monotonic_s() + pause_s
        _tell(self.listeners.greeted)

    def _push_all(self, client: ServerClient) -> None:
        """Push every journal to its end; one that the server does not take waits for its turn."""
        with self.replica.reading() as connection:
            waiting = push.waiting_journals(connection)
        for head in waiting:
            self._push_journal(client, head.stream, head.incarnation)

    def _push_journal(self, client: ServerClient, stream: str, incarnation: int) -> None:
        gaps_left = _GAPS_PER_ROUND_MAX
        while not self._stop.is_set():
            with self.replica.reading() as connection:
                request = push.next_push(connection, stream, incarnation, self.env.wall_ms())
            if request is None:
                break
            try:
                self._push(client, request)
            except ServerRefused as refusal:
                self._raise_if_general(refusal)
                if not self._go_on(request, refusal, gaps_left):
                    return
                gaps_left -= 1
        self._taken(_PUSH, stream)

    def _push(self, client: ServerClient, request: push.PushRequest) -> None:
        reply = client.push(request.stream, request.body())
        confirmed = self.replica.transact(lambda unit: push.on_push(unit, request, reply))
        self._reached(Part.PUSHER, client.server_ahead_ms)
        _tell(self.listeners.pushed, confirmed)

    def _go_on(self, request: push.PushRequest, refusal: ServerRefused, gaps_left: int) -> bool:
        """What a refusal means for this journal. True: there is more to push at once."""
        meaning = self.replica.transact(
            lambda unit: push.on_push_refused(unit, request, refusal.code, refusal.body)
        )
        if meaning is push.PushRefused.GAP and gaps_left:
            return True
        if meaning is push.PushRefused.FENCED:
            head = request.head
            _log.error("journal_fenced", stream=head.stream, incarnation=head.incarnation)
            self._lock_if_locked()
        else:
            self._set_aside(_PUSH, request.stream, refusal)
        return False

    def _set_aside(self, call: str, stream: str, refusal: ServerRefused) -> None:
        """The server does not take this journal: keep everything, go on with the others, alarm."""
        if self._refused.get((call, stream)) != refusal.code:
            self._refused[call, stream] = refusal.code
            _log.error("push_refused", stream=stream, code=refusal.code, detail=refusal.detail)
        self._keeper.note(f"the server does not take the journal of {stream} ({refusal})")

    def _taken(self, call: str, stream: str) -> None:
        """The server has it after all: nothing is the matter any more, unless something else is."""
        if self._refused.pop((call, stream), None) is not None and not self._refused:
            self._keeper.note("")

    def _lock_if_locked(self) -> None:
        with self.replica.reading() as connection:
            locked = is_locked(connection)
        if locked:
            self._keeper.lock()

    def _salvage_all(self, client: ServerClient) -> None:
        """Send fenced journals from their first operation on, every branch of them."""
        while not self._stop.is_set():
            with self.replica.reading() as connection:
                request = salvage.next_salvage(connection, self.env.wall_ms(), self._unsalvaged)
            if request is None:
                return
            try:
                reply = client.salvage(request.stream, request.body())
            except ServerRefused as refusal:
                self._raise_if_general(refusal)
                self._unsalvaged |= {(request.stream, request.head.incarnation)}
                self._set_aside(_SALVAGE, request.stream, refusal)
                continue
            kept = self.replica.transact(partial(salvage.on_salvage, request=request, reply=reply))
            self._taken(_SALVAGE, request.stream)
            self._reached(Part.PUSHER, client.server_ahead_ms)
            _tell(self.listeners.pushed, kept)

    def _declare_all(self, client: ServerClient) -> None:
        """In a new history: say what was lent to us in each event that waits for it."""
        while not self._stop.is_set():
            with self.replica.reading() as connection:
                request = declare.next_declare(connection, self._undeclared)
            if request is None:
                return
            try:
                reply = client.declare(request.stream, request.body())
            except ServerRefused as refusal:
                self._raise_if_general(refusal)
                self._undeclared |= {request.stream}
                self._set_aside(_DECLARE, request.stream, refusal)
                continue
            self.replica.transact(partial(declare.on_declare, request=request, reply=reply))
            self._taken(_DECLARE, request.stream)
            self._reached(Part.PUSHER, client.server_ahead_ms)

    def _tell_buyers(self, client: ServerClient) -> None:
        """Say who bought, and drop what the server has erased."""
        mirror = self.replica.mirror
        with self.replica.reading() as connection:
            erased = buyers.told_to_erase(mirror, connection, self._looked_at_buyer)
        self._looked_at_buyer = erased.after
        if erased.keys:
            self.replica.transact(lambda unit: buyers.erase_here(unit, erased.keys))
        while not self._stop.is_set():
            with self.replica.reading() as connection:
                request = buyers.next_buyers(connection)
            if request is None or request.stream in self._untold:
                return
            try:
                reply = client.post(request.path, request.body())
            except ServerRefused as refusal:
                self._raise_if_general(refusal)
                self._untold |= {request.stream}
                if refusal.code != NO_CENTRE:
                    self._set_aside(_BUYERS, request.stream, refusal)
                return
            self.replica.transact(partial(buyers.on_buyers, request=request, reply=reply))
            self._taken(_BUYERS, request.stream)

    @staticmethod
    def _raise_if_general(refusal: ServerRefused) -> None:
        """A refusal that is not about what was sent concerns every call."""
        if refusal.status in _NOT_ABOUT_THE_JOURNAL or refusal.code in _ABOUT_THE_HISTORY:
            raise refusal

    # --- asking for units, and for tickets to be revoked

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
                outcome: Any = self._grant(client, wish)
            except BaseException:  # whatever it was, whoever asked must hear
                _refuse(wish)
                raise
            _tell(wish.then, outcome)

    def _grant(self, client: ServerClient, wish: Wish | RevokeWish | Call) -> object:
        match wish:
            case Wish():
                return self._acquire(client, wish)
            case RevokeWish():
                return self._revoke(client, wish)
        try:
            return wish.ask(client)
        except ServerRefused as refusal:
            if refusal.status != httpx.codes.FORBIDDEN:  # which is about this question alone
                self._raise_if_general(refusal)
            return NoAnswer(_told_code(refusal))

    def _acquire(self, client: ServerClient, wish: Wish) -> Grant | str:
        want = wish.want
        sent = self._first_sent.get(want.req) or self._anchor()
        self._first_sent[want.req] = sent
        while len(self._first_sent) > WISHES_MAX:
            del self._first_sent[next(iter(self._first_sent))]
        try:
            reply = client.acquire(want.stream, acquire.acquire_request(want))
        except ServerRefused as refusal:
            self._raise_if_general(refusal)
            return _told_code(refusal)
        return self.replica.transact(lambda unit: acquire.on_acquire(unit, want, sent, reply))

    def _revoke(self, client: ServerClient, wish: RevokeWish) -> revoke.Revoked | str:
        with self.replica.reading() as connection:
            planned = revoke.find_revocation(connection, wish.op_id)
            assert planned is not None, "ask only for what was planned and committed"
            body = revoke.revoke_request(connection, planned)
        try:
            reply = client.revoke(planned.stream, body)
        except ServerRefused as refusal:
            self._raise_if_general(refusal)
            code = refusal.code
            if code not in _PASSES:  # else the question stands
                self.replica.transact(lambda unit: revoke.on_revoke_refused(unit, planned, code))
            return _told_code(refusal)
        return self.replica.transact(lambda unit: revoke.on_revoke(unit, planned, reply))

    def _ask_again(self) -> None:
        """Questions whose answer was lost, also with an earlier run of the program."""
        with self.replica.reading() as connection:
            pending = revoke.pending_revocations(connection)
        for each in pending:
            if each.state is revoke.RevocationState.ASKED:
                self._put(RevokeWish(each.op_id, _nobody))

    def _anchor(self) -> Anchor:
        with self.replica.reading() as connection:
            return now_of(connection, self.env)

    def _refuse_wishes(self) -> None:
        while True:
            try:
                wish = self._wishes.get_nowait()
            except queue.Empty:
                return
            _refuse(wish)

    # --- pulling

    def _pull_turn(self, client: ServerClient) -> None:
        began_s = self.env.monotonic_s()
        brought = self.pull_round(client, WAIT_S)
        checked = self._copies.check_due(client)
        if checked is not None and checked[1]:
            _tell(self.listeners.pulled, checked[0], ALL_KINDS)
        if not brought and self.env.monotonic_s() - began_s < _EMPTY_POLL_S:
            self._stop.wait(_EMPTY_POLL_S)

    def pull_round(self, client: ServerClient, wait_s: float) -> bool:
        """One poll over all streams this node follows. True when it brought something."""
        mirror = self.replica.mirror
        with self.replica.reading() as connection:
            venue, node_id = get_meta(connection, "venue_id"), get_meta(connection, "node_id")
            sent = now_of(connection, self.env)
        request = self._follower.request(
            venue, mirror.generation(), mirror.cursors(), self._events(venue), wait_s
        )
        try:
            reply = client.pull(
                request.generation, request.after, limit=request.limit, wait_s=request.wait_s
            )
        except ServerRefused as refusal:
            stream = refusal.body.get("stream")
            if refusal.code == "generation_changed":
                self._forget(request.generation)
            elif refusal.code == "refetch" and isinstance(stream, str) and stream in request.after:
                mirror.forget_stream(stream)
            else:
                raise
            return True
        news = pull.read_pull(request, reply, node_id)
        if news.is_new_history:
            self._forget(request.generation)
            return True
        for page in news.pages:
            self._take_in(news, page, sent)
            if self._copies.fetch(client, news, page):
                _tell(self.listeners.pulled, page.stream, ALL_KINDS)
            else:
                self._copies.tidy(client, page)
        self._follower.heard(request)
        self._keeper.behind(replies.number({"behind_ms": 0} | reply, "behind_ms"))
        self._reached(Part.PULLER)
        return any(page.changes for page in news.pages)

    def _forget(self, generation: str) -> None:
        """Another history of the server: drop the mirror, never the journal, and greet again."""
        _log.warning("generation_changed", was=generation)
        self.replica.mirror.forget()
        self._follower.forget()
        self._copies.forget()
        self._greet.set()
        self._work.set()

    def _events(self, venue: str) -> list[str]:
        with self.replica.mirror.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM doc WHERE stream = ? AND kind = ? ORDER BY id",
                (venue, _EVENT_LIST),
            ).fetchall()
        return [row["id"] for row in rows]

    def _take_in(self, news: pull.News, page: pull.Page, sent: Anchor) -> None:
        """Store a page; grants of our own go into the journal first, so that none is lost."""
        if page.grants:
            self.replica.transact(lambda unit: pull.take_grants(unit, news, page, sent))
        if page.read_to != page.after:
            try:
                self.replica.mirror.apply(page.stream, news.generation, page.changes, page.read_to)
            except BadChange as error:
                raise ServerUnreachable(f"the server's news make no sense: {error}") from error
        if page.changes:
            _tell(self.listeners.pulled, page.stream, page.kinds)


def _told_code(refusal: ServerRefused) -> str:
    """Who asks through a hub that is cut off hears what it would hear if it were cut off itself."""
    return OFFLINE if refusal.code == NO_CENTRE else refusal.code


def _nobody(_outcome: object) -> None:
    """Nobody asked in this run of the program; what came of it is in the journal's file."""


def _refuse(wish: Wish | RevokeWish | Call) -> None:
    """Whoever asked hears that nobody was reached."""
    _tell(wish.then, NoAnswer(OFFLINE) if isinstance(wish, Call) else OFFLINE)


def _tell(listener: Callable[..., None], *news: object) -> None:
    """Tell somebody else's code; what goes wrong there ends nothing here."""
    try:
        listener(*news)
    except Exception:  # noqa: BLE001 - theirs, and the log has it
        _log.exception("listener_failed")
