"""Two gate agents that cannot hear each other let one ticket in; the server tells both of it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from edge.enrolment import enrol
from edge.env import MachineEnv
from edge.node import program_version
from gate_agent.agent import run_agent
from gate_agent.settings import GateSettings, LaneSettings
from sync_server import commands
from sync_server.services.permissions import NodeRole
from tests.chaos.wires import Mode, Wire, Wires
from tests.fakes.edge_node import wait_until
from tests.fakes.frames import render_code, write_frame
from tests.integration.sync_server.conftest import SampleHouse, house, sample
from tests.integration.sync_server.support import HouseOnDisk
from tests.integration.whole.centre_thread import PERFORMANCE, Counter, counter, serving
from ticketing.operations import decode_sale

__all__ = ["SampleHouse", "house", "sample"]
LIMIT_S = 60
"""For what comes about in tenths of a second on a machine that has nothing else to do."""


@dataclass
class Agent:
    """A gate agent in a thread, with a folder for its camera."""

    name: str
    folder: Path
    wire: Wire
    said: list[dict[str, Any]] = field(default_factory=list)

    def knows(self, ticket_id: str) -> bool:
        """Whether the feed has told it of a ticket."""
        path = self.folder / "gate" / "mirror.db"
        if not path.exists():
            return False
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as mirror:
            found = mirror.execute("SELECT 1 FROM ticket WHERE id = ?", (ticket_id,))
            return found.fetchone() is not None

    def show(self, code: str) -> None:
        """Hold a code up to its camera."""
        write_frame(self.folder / "frames" / "code.png", render_code(code, module_pixels=4))

    def decisions(self) -> list[dict[str, Any]]:
        """What it decided."""
        return [line for line in self.said if "decision" in line]

    def cases(self) -> list[dict[str, Any]]:
        """The double entries that it told its people of."""
        return [line for line in self.said if "case" in line]


@contextmanager
def agent(house: HouseOnDisk, url: str, folder: Path, name: str, wire: Wire) -> Iterator[Agent]:
    """A gate that is enrolled, and runs behind a wire."""
    (folder / "frames").mkdir(parents=True)
    code = commands.make_enrolment_code(house.settings, NodeRole.GATE, name, 60)
    enrol(folder / "gate", url, code.text, "gate", MachineEnv(), version=program_version())
    settings = GateSettings(
        f"http://127.0.0.1:{wire.port}",
        folder / "gate",
        folder / "witness",
        "en",
        LaneSettings(f"{name} left", camera=f"folder:{folder / 'frames'}?watch=1&repeat=2"),
    )
    made, stop = Agent(name, folder, wire), threading.Event()
    thread = threading.Thread(target=run_agent, args=(settings, stop, made.said.append))
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(LIMIT_S)


@dataclass
class Doors:
    """A till, and two gates that can be cut off."""

    till: Counter
    gates: tuple[Agent, Agent]


@pytest.fixture
def doors(house: HouseOnDisk, tmp_path: Path) -> Iterator[Doors]:
    with ExitStack() as stack:
        url = stack.enter_context(serving(house))
        port = urlsplit(url).port
        assert port is not None
        till = stack.enter_context(counter(house, url, tmp_path / "till", "Counter 1"))
        wires = stack.enter_context(Wires())
        one, other = (
            stack.enter_context(agent(house, url, tmp_path / name, name, wires.lay(port)))
            for name in ("Gate A", "Gate B")
        )
        yield Doors(till, (one, other))


def sold_code(till: Counter) -> tuple[str, str]:
    """The id and the code of a ticket that has just been sold."""
    sold = till.sell()
    with till.node.replica.reading() as connection:
        row = connection.execute(
            "SELECT body FROM orders WHERE id = ?", (sold.order_id,)
        ).fetchone()
    sale = decode_sale(row["body"])
    assert sale is not None
    return sale.lines[0].ticket_id, sale.lines[0].code


def test_both_gates_tell_their_people_once_they_are_in_contact(doors: Doors) -> None:
    ticket_id, code = sold_code(doors.till)
    for gate in doors.gates:
        wait_until(partial(gate.knows, ticket_id), LIMIT_S)
        gate.wire.set(Mode.REFUSE)
    for gate in doors.gates:
        gate.show(code)
        wait_until(gate.decisions, LIMIT_S)
    assert [gate.decisions()[0]["decision"] for gate in doors.gates] == ["admit", "admit"]
    assert [gate.cases() for gate in doors.gates] == [[], []]
    for gate in doors.gates:
        gate.wire.mend(cut=True)
    for gate in doors.gates:
        wait_until(gate.cases, LIMIT_S)
        told = gate.cases()[0]
        assert (told["state"], told["ticket"], told["performance"]) == (
            "open",
            ticket_id,
            PERFORMANCE,
        )
        assert told["place"]
        assert told["causes"][-1] == "both_offline"
        assert len(told["sentences"]) == len(told["causes"])
        assert [(e["gate"], e["lane"], e["here"]) for e in told["entries"]] == [
            (each.name, f"{each.name} left", each is gate) for each in doors.gates
        ]
