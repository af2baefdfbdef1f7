"""A hub's machine: the real application's calls and its real halves of the link, on a disk of its own.

The centre's stand-ins do for its handlers, writer and heart; what it says to the centre runs in
fibers, as a node's sync does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from edge.client import ServerClient
from edge.errors import EdgeError, ServerRefused
from edge.link import Part
from sync_server.handlers.state import HUB_ID
from sync_server.hub import api, asking, joining, upstream
from sync_server.hub.marks import Marks
from sync_server.hub.relaying import Waiting
from sync_server.store.writer import Transaction
from tests.simulation.fibers import SimEvent
from tests.simulation.house import SimConnection, empty_image
from tests.simulation.nodes import SimClient, SimEnv, identity_of
from tests.simulation.server import (
    SimCentre,
    SimFuture,
    SimServer,
    acting,
    drive,
)
from tests.simulation.verdicts import Violation

if TYPE_CHECKING:
    from sync_server.handlers.routes import Route
    from tests.simulation.house import Enrolled
    from tests.simulation.hub_world import HubWorld

HUB = "hub"
_TAKES = ("/push", "/admit")


class SimUpstream(upstream.Upstream):
    """The real one, whose threads are fibers and whose executor is one more."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._process, works = hub, hub.process, hub.world.works
        machine: Any = hub  # as far as its clock and its cable go
        env = SimEnv(machine, hub.process)

        def new_client() -> ServerClient:
            return SimClient(machine, hub.process, env)

        super().__init__(hub.centre, hub.enrolled.node_id, new_client, env, "0.1.0")
        self._stop: Any = SimEvent(works, hub.process)
        for part in self._parts:
            part.wake = SimEvent(works, hub.process)  # type: ignore[assignment]

    def begin(self) -> None:
        """What `start` does."""
        raw: Any = SimConnection(self._hub.disk.connection)
        for stream, head, rev in upstream._where_we_are(raw):
            self._marks.setdefault(stream, Marks()).note(head, rev)
        for part in self._parts:
            self._hub.world.works.spawn(self._process, partial(self._run, part))

    async def forward(self, call: Callable[[ServerClient], Any]) -> Any:
        """Ask the centre for a caller of ours."""
        answer: Any = SimFuture()

        def ask() -> None:
            try:
                answer.set_result(self._with_client(call))
            except EdgeError as error:
                answer.set_exception(error)

        self._hub.world.works.spawn(self._process, ask)
        return await answer

    def _on_loop(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        answer, wakes = SimFuture(), list[Callable[[], None]]()
        answer.callbacks.append(lambda: [wake() for wake in wakes])
        with acting(self._hub):
            drive(make(), answer.set_result, answer.set_exception, self._hub)
        if not answer.done():
            self._hub.world.works.wait(self._process, wakes.append)
        return answer.result()

    def _lost(self, part: Part, error: EdgeError) -> None:
        super()._lost(part, error)
        if isinstance(error, ServerRefused) and error.code in upstream._NOT_OURS:
            self._hub.heard_of_its_end = True
            self._hub.world.happened("hub_disowned")

    def _pass_on(self, client: ServerClient, journal: Waiting) -> None:
        self._hub.passes_on(journal)
        super()._pass_on(client, journal)


class Hub(SimServer):
    """One machine that is the hub, or was. `heard_of_its_end`: the centre told it that it is not."""

    world: HubWorld

    def __init__(self, world: HubWorld, name: str, enrolled: Enrolled) -> None:
        super().__init__(world, _joined(world, enrolled), name)
        self.enrolled = enrolled
        self.wall_off_ms = world.mix.clock_offset_ms(world.rng)
        self.is_gone = self.heard_of_its_end = False
        self.boot_id = f"boot of {name}"
        self.upstream: SimUpstream

    def now_ms(self) -> int:
        """Its clock may show anything: the machine stands in a cupboard."""
        return max(0, super().now_ms() + self.wall_off_ms)

    wall_ms = now_ms

    def monotonic_s(self) -> float:
        """Seconds, as it counts them."""
        return self.world.works.now * self.rate + 100.0

    def start(self) -> None:
        """A new run of the program."""
        super().start()
        self.upstream = SimUpstream(self)
        self.upstream.begin()

    def crash(self) -> None:
        """With the run its fibers end."""
        super().crash()
        self.world.works.kill(self.process)

    def restart(self) -> None:
        """Up again, unless it is, or nobody will ever see it again."""
        if not self.is_gone:
            super().restart()

    def note_heard(self) -> None:
        """What the real one writes down twice a second."""
        if not self.process.dead:
            self.centre.note_heard()

    def routes(self) -> list[Route]:
        """A hub's."""
        return api.hub_routes()

    def application(self, centre: SimCentre) -> dict[Any, Any]:
        """What its handlers share."""
        ours = {HUB_ID: self.enrolled.node_id, asking.UPSTREAM: self.upstream}
        return super().application(centre) | ours

    async def attend(self, request: Any, route: Route) -> Any:
        """By the real middleware. What it takes once it is nobody's hub would be lost there."""
        heard = self.heard_of_its_end
        response = await api.refuse_beyond_us(request, route.handler)
        if heard and request.path.endswith(_TAKES):
            if response.status == 200:
                raise Violation(
                    "I3", f"{self.name} was replaced, knows it, and takes {request.path}"
                )
            self.world.happened("hub_refused_when_replaced")
        return response

    def answers(self, caller: Enrolled, call: Mapping[str, Any], status: int, body: bytes) -> None:
        """An answer is about to go out; perhaps it lends something on."""
        super().answers(caller, call, status, body)
        if status == 200 and call["path"].endswith("/acquire"):
            self.world.happened("lent_on")
            if self.is_cut_off:
                self.world.happened("lent_on_line_down")

    @property
    def is_cut_off(self) -> bool:
        """Whether it can't reach the centre."""
        return bool(self.world.network.cut.get((self.name, self.world.server.name)))

    def committed(self) -> None:
        """Something is on its disk."""
        self.world.oracle.hub_committed(self)

    def passes_on(self, journal: Waiting) -> None:
        """It is about to send the rest of a journal up."""
        row = self.world.server.disk.connection.execute(
            "SELECT seq FROM journal WHERE event_id = ? AND node_id = ? AND inc = ?",
            (journal.stream, journal.node_id, journal.incarnation),
        ).fetchone()
        if row is not None and row[0] > journal.seq:
            self.world.happened("journal_relayed_twice")


def _joined(world: HubWorld, enrolled: Enrolled) -> bytes:
    """The database that `join` leaves."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        raw.deserialize(empty_image())
        raw.execute("BEGIN")
        tx = Transaction(SimConnection(raw), world.server.now_ms())  # type: ignore[arg-type]
        keys: Any = SimpleNamespace(fingerprints=dict)
        with mock.patch.object(joining, "new_generation", world.breakage.mint):
            joining._fill(tx, keys, identity_of(enrolled), "http://centre")
        raw.execute("COMMIT")
        return bytes(raw.serialize())
