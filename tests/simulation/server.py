"""The server: its real handlers, writer and heart, with the world in the place of HTTP and threads.

Handlers are coroutines; here they are driven by hand. What they wait for is either a commit,
which a turn of the writer brings, or news. A crash ends a run of the server at a named point;
what was committed stays.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Collection, Coroutine, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sync_server.centre import Centre
from sync_server.handlers import (
    buyers_api,
    hub_api,
    middlewares,
    node_api,
    orders_api,
    recovery_api,
    stock_api,
)
from sync_server.handlers.feed_api import DESK, Desk
from sync_server.handlers.pulls import ANSWERS, Answers
from sync_server.handlers.routes import Route, routes_of
from sync_server.handlers.state import CENTRE, HUB_ID, NODE, REQUEST_ID, NodeIdentity
from sync_server.heart.work import NotOwner, Owner, UnknownStream
from sync_server.news import News
from sync_server.ownership import claim_stream
from sync_server.services.catalogue import PlanShelf
from sync_server.services.house import Generation
from sync_server.services.nodes import NodeBook
from sync_server.services.permissions import node_may
from sync_server.services.snapshot import Shelf
from sync_server.services.sweeping import GateCursors
from sync_server.store.errors import StoreError
from sync_server.store.writer import Runner, Transaction, Writer
from tests.simulation.disks import Disk
from tests.simulation.fibers import Crash, Process
from tests.simulation.house import BEGAN_MS, SERVER_PRIVATE, VENUE, Enrolled, SimConnection
from tests.simulation.network import SERVER
from tests.simulation.verdicts import Defect

if TYPE_CHECKING:
    from tests.simulation.world import World


class SimFuture:
    """What a handler waits for."""

    def __init__(self) -> None:
        self._done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self.callbacks: list[Callable[[], object]] = []

    def __await__(self) -> Generator[SimFuture, None, Any]:
        if not self._done:
            yield self
        return self.result()

    def done(self) -> bool:
        return self._done

    def cancelled(self) -> bool:
        return False

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result

    def exception(self) -> BaseException | None:
        return self._error

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        if self._done:
            callback(self)
        else:
            self.callbacks.append(lambda: callback(self))

    def set_result(self, result: Any) -> None:
        self._settle(result, None)

    def set_exception(self, error: BaseException) -> None:
        self._settle(None, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        self._done, self._result, self._error = True, result, error
        callbacks, self.callbacks = self.callbacks, []
        for callback in callbacks:
            callback()


class SimNews(News):
    """Long polls wait in the world's time."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def wait(self, streams: Collection[str], ticket: int, timeout_s: float) -> None:
        """As the real one waits."""
        if any(self._last_change.get(stream, 0) > ticket for stream in streams):
            return
        waiter: Any = SimFuture()
        self._waiters[waiter] = frozenset(streams)

        def time_is_up() -> None:
            self._waiters.pop(waiter, None)
            if not waiter.done():
                waiter.set_result(None)

        self._world.works.after(timeout_s, time_is_up)
        await waiter


class Request:
    """What handlers look at in aiohttp's request."""

    def __init__(
        self, centre: SimCentre, call: Mapping[str, Any], match: Mapping[str, str]
    ) -> None:
        self.app = centre.server.application(centre)
        self.match_info = match
        self.method, self.path = call["method"], call["path"]
        self.query: Mapping[str, str] = call.get("params") or {}
        self.headers: dict[str, str] = {}
        self.can_read_body = "json" in call
        self._body = json.dumps(call.get("json")).encode()
        self._kept: dict[Any, Any] = {REQUEST_ID: "sim"}

    def __getitem__(self, key: Any) -> Any:
        return self._kept[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._kept[key] = value

    def get(self, key: Any, default: Any = None) -> Any:
        return self._kept.get(key, default)

    async def read(self) -> bytes:
        return self._body


class SimLoop:
    """What the centre asks of its event loop."""

    def create_future(self) -> SimFuture:
        return SimFuture()

    def call_soon_threadsafe(self, call: Callable[..., None], *arguments: object) -> None:
        call(*arguments)


class SimAsyncio:
    """`asyncio` for the server's modules: tasks that are driven by hand, in the world's time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_running_loop(self) -> SimLoop:
        return SimLoop()

    def create_task(self, coroutine: Coroutine[Any, None, Any], **_options: object) -> SimFuture:
        task = SimFuture()
        drive(coroutine, task.set_result, task.set_exception)
        return task

    def shield(self, future: SimFuture) -> SimFuture:
        return future

    def sleep(self, seconds: float) -> SimFuture:
        future = SimFuture()
        self._world.works.after(seconds, lambda: future.set_result(None))
        return future


class SimOwnership:
    """Which streams are ours: claimed by the real statement when the program starts."""

    def __init__(self, server: SimServer, url: str) -> None:
        self._server, self.own_url = server, url
        self._epochs: dict[str, int] = {}
        raw = server.disk.connection
        raw.execute("BEGIN IMMEDIATE")
        tx = Transaction(SimConnection(raw), server.now_ms())  # type: ignore[arg-type]
        for (stream,) in raw.execute("SELECT event_id FROM stream ORDER BY event_id").fetchall():
            claim = claim_stream(tx, stream, url)
            assert claim.epoch is not None
            self._epochs[stream] = claim.epoch
        raw.execute("COMMIT")

    def owns(self, stream: str) -> bool:
        return stream in self._epochs

    async def own(self, stream: str) -> None:
        centre = self._server.centre
        claim = await centre.write(lambda tx: claim_stream(tx, stream, self.own_url))
        if claim.epoch is None:
            raise UnknownStream(stream)
        self._epochs[stream] = claim.epoch

    def owner_of(self, stream: str) -> Owner:
        epoch = self._epochs.get(stream)
        if epoch is None:
            raise NotOwner(stream, "")
        return Owner(epoch)

    def lost(self, stream: str, epoch: int) -> None:
        if self._epochs.get(stream) == epoch:
            del self._epochs[stream]
            self._server.world.happened("owner_fenced")


class SimWriter(Writer):
    """The real writer, whose turns come by the world's clock."""

    def __init__(self, centre: SimCentre, *parts: Any) -> None:
        super().__init__(*parts)
        self._centre = centre
        self._is_due = False
        self._deciding: Any = threading.RLock()  # one thread is never in its own way

    def submit_for(self, task: Any, future: Any) -> None:
        super().submit_for(task, future)
        if not self._is_due:
            self._is_due = True
            server = self._centre.server
            self._centre.world.works.after(server.service_s(), self._turn)

    def _turn(self) -> None:
        self._is_due = False
        centre = self._centre
        if centre.process.dead:
            return
        items = [item for item in self._next_batch() if item is not None and item.begin()]
        try:
            if items:
                with acting(centre.server):
                    self._do(items)
        except Crash:
            centre.server.crash()


class SimCentre(Centre):
    """The real centre's decisions, without its threads and its loop."""

    answers: Answers

    def __init__(self, server: SimServer, process: Process, generation: Generation) -> None:
        self.server, self.process = server, process
        self.world = world = server.world
        self.engine: Any = _Engine(self)
        self.superseded: list[str] = []
        """Streams that this transaction wrote as an owner who had been followed: I15."""
        self.keys: Any = SimpleNamespace(node=SERVER_PRIVATE, personal_data=bytes(32))
        self.generation = generation
        self.venue_id = VENUE
        self.issuer = f"boxgate:{VENUE}"
        self.behind_ms = lambda: 0
        self.lent_now_ms = lambda: None
        self.news = SimNews(world)
        self.nodes = NodeBook()
        self.writer = SimWriter(
            self,
            self.engine,
            self._on_commit,
            Runner(self._together, self._alone),
            self._answer,
        )
        self.ownership: Any = SimOwnership(server, f"http://server-{server.starts}")
        self._plans = PlanShelf()
        self._seen_ms: dict[str, int] = {}
        self._heard: dict[str, Any] = {}
        self._gate_cursors = GateCursors()
        self.answers = Answers(self)
        self.desk: Desk = Desk(Shelf(Path("/no-folder"), self.generation.short))
        self._loop: Any = SimLoop()
        self._bell = None

    def _run_as_owner(self, run: Any, sql: Any, steps: Any, now_ms: int, plans: Any) -> Any:
        stream = steps[0].stream
        believed = self.ownership.owner_of(stream).epoch
        done = super()._run_as_owner(run, sql, steps, now_ms, plans)
        (epoch,) = sql.row("SELECT epoch FROM stream WHERE event_id = ?", stream)
        if epoch != believed:
            self.superseded.append(f"{stream} by epoch {believed}, and {epoch} has begun")
        return done

    def _on_commit(self, streams: frozenset[str]) -> None:
        """Every server on this database hears of it, as by the bell."""
        for centre in self.server.centres:
            if VENUE in streams:
                centre.nodes.outdate()
            centre.news.publish(streams)

    async def read(self, work: Callable[..., Any]) -> Any:
        """A query, as of now: nothing is half done between two turns."""
        return work(SimConnection(self.server.disk.connection))

    def note_heard(self) -> None:
        """What the real one writes down twice a second."""
        drive(self._note_heard(), lambda _none: None, lambda _error: None, self.server)

    def _answer(self, settle: Callable[[], None]) -> None:
        """What was decided goes out, unless the server dies just before."""
        self.server.maybe_crash("before_reply")
        settle()


class _Engine:
    """`with engine.begin() as connection`, on the server's disk."""

    dialect = SimConnection.dialect

    def __init__(self, centre: SimCentre) -> None:
        self._centre = centre

    @contextmanager
    def begin(self) -> Iterator[SimConnection]:
        server = self._centre.server
        raw = server.disk.connection
        raw.execute("BEGIN IMMEDIATE")
        self._centre.superseded.clear()
        try:
            yield SimConnection(raw)
            server.maybe_crash("before_commit")
            server.world.oracle.server_commits(self._centre.superseded)
            raw.execute("COMMIT")
        except BaseException:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise
        server.disk.committed()
        server.committed()
        server.maybe_crash("after_commit")


class SimServer:
    """The server's machine: its disk, its clock, and the run of the program that is going on."""

    def __init__(self, world: World, image: bytes, name: str = SERVER) -> None:
        self.world, self.name = world, name
        self.disk = Disk(image, keep=world.mix.server_images, rows=False)
        self.disk.committed()
        self.rate = world.mix.clock_rate(world.rng)
        self.process = Process(name, dead=True)
        self.starts = 0
        self.centre: SimCentre
        self.older: list[SimCentre] = []
        """Runs that others have followed, and that have not noticed."""
        self._routes = _patterns(self.routes())

    def now_ms(self) -> int:
        """The server's clock: never set, but not quite right."""
        return self.showed_ms(self.world.works.now)

    def showed_ms(self, at: float) -> int:
        """What it showed at a true time."""
        return BEGAN_MS + int(at * 1000 * self.rate)

    def service_s(self) -> float:
        """How long until the writer is free: whatever comes meanwhile is in the same commit."""
        return self.world.rng.expovariate(1 / self.world.mix.service_s)

    def start(self) -> None:
        """A new run of the program."""
        self.process = Process(self.name)
        self.starts += 1
        self.centre = SimCentre(self, self.process, read_generation(self.disk.connection))
        self.world.say(self.name, lambda: f"starts, history {self.centre.generation.short}")

    @property
    def centres(self) -> list[SimCentre]:
        """Every server that is running on this database."""
        self.older = [centre for centre in self.older if not centre.process.dead]
        return self.older if self.process.dead else [*self.older, self.centre]

    def take_over(self) -> None:
        """Another server begins on the same database; the one before it lives on."""
        if not self.process.dead:
            self.older.append(self.centre)
            self.start()

    def end_older(self) -> None:
        """Those that were followed end at last."""
        for centre in self.older:
            centre.process.dead = True

    def maybe_crash(self, point: str) -> None:
        """Perhaps the power goes just here."""
        if self.world.crashes(self.name, point):
            raise Crash

    def crash(self) -> None:
        """The run ends, and every other on this machine; what was committed stays."""
        self.end_older()
        if self.process.dead:
            return
        self.process.dead = True
        self.disk.reopen()
        self.world.say(self.name, lambda: "crashes")
        self.world.works.after(self.world.mix.restart_s(self.world.rng), self.restart)

    def restart(self) -> None:
        """Up again, unless it is already."""
        if self.process.dead:
            self.start()

    def handle(self, caller: Enrolled, raw: bytes, reply: Callable[[bytes], None]) -> None:
        """A request has arrived; `reply` is called once, with the answer, if there ever is one."""
        centres = self.centres
        if not centres:
            return
        centre = centres[0] if len(centres) == 1 else self.balance(caller, centres)
        process, call = centre.process, json.loads(raw)

        def answered(answer: tuple[int, bytes]) -> None:
            status, body = answer
            if not process.dead:
                self.answers(caller, call, status, body)
                reply(json.dumps([status, body.decode()]).encode())

        drive(self._call(centre, caller, call), answered, None, self)

    def answers(self, caller: Enrolled, call: Mapping[str, Any], status: int, body: bytes) -> None:
        """An answer is about to go out."""
        if status == 200 and call["path"].endswith("/acquire"):
            lent = json.loads(body)["allotment"]["id"]
            self.world.oracle.lent(caller.node_id, call["json"]["req"], lent)
        if status == 200 and caller.role == "hub":
            if call["path"].endswith("/unlent") and json.loads(body)["taken"]:
                self.world.happened("stock_given_back")
            elif call["path"].endswith("/declare"):
                self.world.happened("hub_reported")

    def balance(self, _caller: Enrolled, centres: list[SimCentre]) -> SimCentre:
        """Which of several servers a request reaches."""
        return self.world.rng.choice(centres)

    async def _call(
        self, centre: SimCentre, caller: Enrolled, call: Mapping[str, Any]
    ) -> tuple[int, bytes]:
        for pattern, route in self._routes:
            match = pattern.fullmatch(call["path"])
            if route.method == call["method"] and match is not None:
                break
        else:
            raise Defect(f"a program calls what this house lacks: {call['path']}")
        request: Any = Request(centre, call, match.groupdict())
        try:
            if not centre.nodes.is_current:
                await centre.refresh_nodes()
            node = centre.nodes.get(caller.node_id)
            if node is None or not node.is_active or node.public != caller.public:
                return 401, b'{"code": "node_revoked"}'
            if "below" in call:
                node = middlewares._below(centre, node, call["below"])
            request[NODE] = NodeIdentity(node.id, node.role, node.name, node.incarnation)
            if not node_may(node.role, route.permission):
                return 403, b'{"code": "forbidden"}'
            response: Any = await self.attend(request, route)
        except Exception as error:
            problem = middlewares._problem_of(request, error)
            if problem.status == 500:
                raise
            response = problem.response()
        return response.status, response.body

    async def attend(self, request: Any, route: Route) -> Any:
        """What stands between a sound request and its handler: nothing."""
        return await route.handler(request)

    def application(self, centre: SimCentre) -> dict[Any, Any]:
        """What handlers share."""
        return {CENTRE: centre, ANSWERS: centre.answers, DESK: centre.desk, HUB_ID: ""}

    def routes(self) -> list[Route]:
        """Every call that is answered."""
        parts = (node_api, recovery_api, stock_api, orders_api, buyers_api, hub_api)
        return [route for module in parts for route in routes_of(module)]

    def committed(self) -> None:
        """Something is on this server's disk."""
        self.world.oracle.server_committed(self.disk.connection)

    def admin(self, step: Any, told: Callable[[Any], object] = lambda _answer: None) -> None:
        """A step of the server's own people or of its own; nothing when it is down."""
        if self.process.dead:
            return
        process, centre = self.process, self.centre

        async def take() -> tuple[int, bytes]:
            try:
                answer = await centre.take(step)
            except StoreError:
                return 503, b""
            if not process.dead:
                told(answer)
            return 200, b""

        drive(take(), lambda _answer: None, None, self)


@contextmanager
def acting(server: SimServer | None) -> Iterator[None]:
    """It is this server's program that runs: whoever asks the time is told by its clock."""
    before, _ACTING[:] = list(_ACTING), [server] if server is not None else []
    try:
        yield
    finally:
        _ACTING[:] = before


def who_acts(world: World) -> SimServer:
    """The server whose program runs just now."""
    return _ACTING[0] if _ACTING else world.server


_ACTING: list[SimServer] = []


def drive(
    coroutine: Coroutine[Any, None, Any],
    done: Callable[[Any], object],
    failed: Callable[[Exception], object] | None = None,
    server: SimServer | None = None,
) -> None:
    """Run a coroutine as far as it goes, and on whenever what it waits for has come."""
    acts = server if server is not None or not _ACTING else _ACTING[0]

    def step() -> None:
        try:
            with acting(acts):
                future = coroutine.send(None)
        except StopIteration as stop:
            done(stop.value)
        except Exception as error:
            if failed is None:
                raise
            failed(error)
        else:
            future.callbacks.append(step)

    step()


def _patterns(routes: list[Route]) -> list[tuple[re.Pattern[str], Route]]:
    return [
        (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)), route) for route in routes
    ]


def read_generation(raw: sqlite3.Connection) -> Generation:
    """The history that this database lives in."""
    row = raw.execute(
        "SELECT id, short FROM generation ORDER BY started_ms DESC, id DESC LIMIT 1"
    ).fetchone()
    return Generation(row[0], row[1])
