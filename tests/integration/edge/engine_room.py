"""What the tests of the sync engine share: an engine that runs, and what it told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge.allotments import Grant
from edge.client import ServerClient
from edge.identity import NodeKey
from edge.journal import Backlog, backlog
from edge.link import Link, LinkState
from edge.replica import Replica
from edge.sync import Listeners, SyncEngine, Wish
from tests.fakes.edge_node import EVENT, TurnedEnv, an_identity, wait_until
from tests.fakes.server import FakeServer

REQ = "0" * 31 + "1"


@dataclass
class Told:
    """What listeners heard, in order."""

    links: list[Link] = field(default_factory=list)
    pulled: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    pushed: list[int] = field(default_factory=list)
    outcomes: list[Grant | str] = field(default_factory=list)

    def listeners(self) -> Listeners:
        return Listeners(
            self.links.append, lambda s, kinds: self.pulled.append((s, kinds)), self.pushed.append
        )

    def states(self) -> list[LinkState]:
        return [link.state for link in self.links]


@dataclass
class Room:
    """One engine over a replica, with a server it talks to."""

    server: FakeServer
    replica: Replica
    key: NodeKey
    env: TurnedEnv
    timeout_s: float = 5
    told: Told = field(default_factory=Told)

    def new_client(self) -> ServerClient:
        return ServerClient(
            self.server.url,
            an_identity(),
            self.key,
            self.env,
            version="test",
            timeout_s=self.timeout_s,
        )

    def new_engine(self) -> SyncEngine:
        return SyncEngine(self.replica, self.env, self.new_client, "test", self.told.listeners())

    @contextmanager
    def running(self) -> Iterator[SyncEngine]:
        """An engine at work; at the end the server lets go of its long poll first."""
        engine = self.new_engine()
        engine.start()
        try:
            yield engine
        finally:
            self.server.release()
            engine.stop()

    def backlog(self) -> Backlog:
        with self.replica.reading() as connection:
            return backlog(connection)

    def wait_for_all_synced(self) -> None:
        wait_until(lambda: self.backlog().count == 0)

    def a_wish(self, *units: int, req: str = REQ, count: int = 0) -> Wish:
        return Wish(
            EVENT, req, 1, self.told.outcomes.append, units=units, count=count, firm=bool(units)
        )


def wait_online(engine: SyncEngine) -> None:
    wait_until(lambda: engine.link.state is LinkState.ONLINE)


def wait_greeted(engine: SyncEngine) -> None:
    """Wait for the first hello to be answered; the puller may have been online before."""
    wait_until(lambda: engine._hello_due_s)


def wait_offline(engine: SyncEngine) -> None:
    wait_until(lambda: engine.link.state is LinkState.OFFLINE)
