"""A centre, a hub behind a wire, a till at the centre and gates at either: all real, over loopback."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import text

from edge.enrolment import enrol
from edge.env import MachineEnv
from edge.node import program_version
from gate_agent.admit import LetIn, TurnedAway
from gate_agent.agent import Agent, corrected_ms, open_agent, running
from gate_agent.arbiter import Lane, question
from gate_agent.settings import GateSettings, LaneSettings
from sync_server import commands
from sync_server.centre import Centre
from sync_server.heart.arbiters import ArbiterOf, AskBack, GiveToHub, NoChange, read_arbiter
from sync_server.heart.source import run_in
from sync_server.hub.joining import join
from sync_server.hub.serving import make_hub_app
from sync_server.services.catalogue import PlanShelf
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from sync_server.store.transact import transact
from tests.chaos.wires import Wire, Wires
from tests.fakes.databases import fresh_database
from tests.fakes.edge_node import wait_until
from tests.integration.sync_server.support import HouseOnDisk
from tests.integration.whole.centre_thread import (
    PERFORMANCE,
    Counter,
    counter,
    serving,
    serving_app,
)
from ticketing.ids import OpId
from ticketing.operations import decode_sale

LIMIT_S = 60
"""For what comes about in tenths of a second on a machine that has nothing else to do."""
HUB = "Hub 1"
Scanned = LetIn | TurnedAway


@dataclass
class Gate:
    """A gate agent whose tickets are held up by hand."""

    agent: Agent
    node_id: str

    def show(self, code: str) -> Scanned:
        """A scan at its only lane, decided and recorded."""
        doorman = self.agent.lanes[0].runner.doorman
        decided = doorman.scan(code, corrected_ms(self.agent.node))
        self.agent.node.engine.nudge()
        return decided

    def ask(self, code: str) -> dict[str, Any]:
        """What its server's arbiter answers, however long that takes; this gate records nothing."""
        body = question(OpId(secrets.token_hex(16)), code, Lane("Left", frozenset()), [])
        known = self.agent.catalogue.performance(PERFORMANCE)
        assert known is not None
        stream = known[1].event_id
        with closing(self.agent.node.new_client()) as client:
            return client.admit(stream, body, budget_s=20)

    def knows(self, table: str, key: str, column: str = "id") -> bool:
        """Whether its mirror has a row."""
        with self.agent.node.replica.mirror.reading() as mirror:
            found = mirror.execute(f"SELECT 1 FROM {table} WHERE {column} = ?", (key,))  # noqa: S608
            return found.fetchone() is not None

    @property
    def unsynced(self) -> int:
        """How many operations its server has not confirmed."""
        with self.agent.node.replica.reading() as journal:
            row = journal.execute("SELECT sum(seq - acked) FROM journal").fetchone()
            return int(row[0] or 0)


@dataclass
class HubHouse:
    """The whole of it. `wan` is the hub's cable to the centre."""

    house: HouseOnDisk
    centre_url: str
    folder: Path
    till: Counter
    wires: Wires
    stack: ExitStack
    hubs: list[Settings] = field(default_factory=list)

    @property
    def event_id(self) -> str:
        """The event of the first performance."""
        return self.till.window.house(PERFORMANCE).event.id

    def port(self) -> int:
        """Of the centre."""
        return port_of(self.centre_url)

    def join(self, name: str, code: str) -> Settings:
        """A machine that becomes a hub, on the kind of database that the tests are on."""
        (self.folder / name).mkdir()
        url = self.stack.enter_context(fresh_database(self.folder / name))
        settings = Settings(data_dir=self.folder / name, database_url=url)
        join(settings, self.centre_url, code)
        return settings

    def new_hub(self) -> Settings:
        """The first hub of the house."""
        code = commands.make_enrolment_code(self.house.settings, NodeRole.HUB, HUB, 60)
        return self.join("hub", code.text)

    def replacement(self) -> Settings:
        """A machine that takes its place."""
        code, role = commands.make_code_for_node(self.house.settings, HUB, 60)
        assert role is NodeRole.HUB
        return self.join("hub again", code.text)

    @contextmanager
    def running_hub(self, settings: Settings, wan: Wire, at: str = "") -> Iterator[str]:
        """Its address while it runs, with the centre behind a wire; `at` an address of before."""
        behind = replace(settings, centre_url=f"http://127.0.0.1:{wan.port}")
        with serving_app(lambda: make_hub_app(open_hub(behind), behind), port_of(at)) as url:
            yield url

    def lay(self) -> Wire:
        """A cable to the centre."""
        return self.wires.lay(self.port())

    def gate(self, url: str, name: str) -> Gate:
        """A gate that joins at this address and runs until the end."""
        folder = self.folder / name
        code = commands.make_enrolment_code(self.house.settings, NodeRole.GATE, name, 60)
        enrol(folder, url, code.text, "gate", MachineEnv(), version=program_version())
        return self.run_gate(url, name)

    def run_gate(self, url: str, name: str) -> Gate:
        """A gate that has joined before."""
        lane = LaneSettings("Left", camera="none:", readers=("serial-line:/dev/boxgate-none",))
        witness = self.folder / f"{name} witness"
        settings = GateSettings(url, self.folder / name, witness, "en", lane)
        agent = self.stack.enter_context(open_agent(settings, lambda _line: None))
        self.stack.enter_context(running(agent, threading.Event()))
        gate = Gate(agent, agent.node.identity.node_id)
        wait_until(partial(gate.knows, "doc", self.event_id), LIMIT_S)
        return gate

    def sell(self) -> tuple[str, str]:
        """The id and the code of a ticket that has just been sold, and that the centre knows of."""
        sold = self.till.sell()
        with self.till.node.replica.reading() as connection:
            row = connection.execute(
                "SELECT body FROM orders WHERE id = ?", (sold.order_id,)
            ).fetchone()
        sale = decode_sale(row["body"])
        assert sale is not None
        return sale.lines[0].ticket_id, sale.lines[0].code

    def give_to_hub(self) -> ArbiterOf | NoChange:
        """The hub is to answer the gates of the event."""
        (hub_id,) = self.rows(self.house.settings, "SELECT id FROM node WHERE role = 'hub'")[0]
        return self._changed(GiveToHub(self.event_id, hub_id))

    def ask_back(self, given_up: str = "") -> ArbiterOf | NoChange:
        """The centre is to answer them again."""
        return self._changed(AskBack(self.event_id, given_up))

    def arbiter(self) -> ArbiterOf:
        """Who answers, as the centre has it."""
        found = self.rows(self.house.settings, "SELECT body FROM doc WHERE kind = 'arbiter'")
        return read_arbiter(found[0].body if found else None)

    def says(self, url: str) -> str:
        """What a server says to somebody who wants to know whose it is: a code, or nothing."""
        return str(httpx.get(f"{url}/v1/about", trust_env=False).json().get("code", ""))

    def _changed(self, step: GiveToHub | AskBack) -> ArbiterOf | NoChange:
        engine = open_engine(self.house.settings.database)
        try:
            return transact(engine, lambda tx: run_in(tx, step, PlanShelf()))
        finally:
            engine.dispose()

    def rows(self, settings: Settings, sql: str, **bound: Any) -> list[Any]:
        """What a server's database says."""
        engine = open_engine(settings.database)
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(sql), bound))
        finally:
            engine.dispose()

    def is_whole(self, hub: Settings) -> bool:
        """Whether the hub answers by now."""
        found = self.rows(
            hub, "SELECT whole_epoch FROM upstream WHERE event_id = :e", e=self.event_id
        )
        return bool(found and found[0][0] > 0)

    def entries(self, settings: Settings, ticket_id: str) -> list[Mapping[str, Any]]:
        """What a server knows of a ticket's entries."""
        found = self.rows(
            settings,
            "SELECT op_id, node_id, journalled, offline FROM entry WHERE ticket_id = :t "
            "ORDER BY op_id",
            t=ticket_id,
        )
        return [row._mapping for row in found]

    def cases(self, settings: Settings, kind: str) -> list[Any]:
        """Bodies of a server's cases of a kind."""
        return self.rows(settings, "SELECT body FROM case_file WHERE kind = :k", k=kind)


def port_of(url: str) -> int:
    """Of an address; 0, which takes a free one, of none."""
    return urlsplit(url).port or 0


def open_hub(settings: Settings) -> Centre:
    """What `serve --role hub` opens."""
    opened = commands.open_house(settings)
    assert opened.house is not None
    return Centre(opened.engine, opened.house, opened.keys, sweeps=False)


@contextmanager
def hub_house(house: HouseOnDisk, folder: Path) -> Iterator[HubHouse]:
    """A centre with a till, and nothing below a hub yet."""
    with ExitStack() as stack:
        url = stack.enter_context(serving(house))
        till = stack.enter_context(counter(house, url, folder / "till", "Counter 1"))
        wires = stack.enter_context(Wires())
        inner = stack.enter_context(ExitStack())
        yield HubHouse(house, url, folder, till, wires, inner)
