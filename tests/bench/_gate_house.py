"""A house with many sold tickets whose doors are open now, and a gate that has read of them all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from edge.enrolment import enrol
from edge.env import MachineEnv
from gate_agent.agent import Agent
from sync_server import commands
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from tests.bench._house import CAPACITY, EVENT, BenchNode, Process, boxgate_server, make_house
from tests.bench.snapshot import GENERATION_IN_IDS, UNITS_PER_ALLOTMENT, sell_out
from ticketing.code import TicketFacts, make_code
from ticketing.ids import AllotmentId, TicketId
from ticketing.keys import key_id, public_of

READY_TIMEOUT_S = 900.0
_VALID_MINUTES = 600


@dataclass(frozen=True)
class SoldOut:
    """The server's house, the till that sold it out, and the tickets in the order of their places."""

    settings: Settings
    server: Process
    till: BenchNode
    ticket_ids: Sequence[str]
    since: datetime

    def code(self, at: int) -> str:
        """The code on the ticket at this index."""
        facts = TicketFacts(
            key_id(public_of(self.till.private)),
            TicketId(self.ticket_ids[at]),
            at // CAPACITY + 1,
            at % CAPACITY + 1,
            1,
            0,
            AllotmentId(GENERATION_IN_IDS, at // UNITS_PER_ALLOTMENT + 1),
            self.since,
            _VALID_MINUTES,
        )
        return make_code(facts, self.till.private)

    def enrol_gate(self, folder: Path, name: str) -> Path:
        """A new gate's folder."""
        code = commands.make_enrolment_code(self.settings, NodeRole.GATE, name, 60)
        folder.mkdir()
        enrol(folder, self.server.url, code.text, "gate", MachineEnv(), version="0.1.0")
        return folder


@contextmanager
def sold_out(folder: Path, count: int) -> Iterator[SoldOut]:
    """A real server process over so many valid tickets of performances that begin within the hour."""
    since = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
    performances = -(-count // CAPACITY)
    starts = [since + timedelta(minutes=70)] * performances
    settings = make_house(folder, "", performances, starts)
    with (
        boxgate_server(settings) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http,
    ):
        till = BenchNode(http, NodeRole.TILL).enrol(settings, "Window 1")
    ids = sell_out(settings, count, till.id)
    with boxgate_server(settings) as server:
        yield SoldOut(settings, server, till, ids, since)


def wait_until_read(agent: Agent, count: int) -> float:
    """Until the gate has read of so many tickets and is in contact; the seconds that took."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < READY_TIMEOUT_S:
        with agent.node.replica.mirror.reading() as mirror:
            (known,) = mirror.execute(
                "SELECT count(*) FROM ticket WHERE stream = ?", (EVENT,)
            ).fetchone()
        if known >= count:
            return time.monotonic() - began_s
        time.sleep(0.2)
    raise RuntimeError(f"the gate has not read of {count} tickets in {READY_TIMEOUT_S:.0f} s")
