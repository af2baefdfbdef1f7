"""A gate without camera and barrier, as a process to be killed: it lets printed tickets in.

    python -m tests.chaos.gate SETTINGS.json

A visitor who went in is a line in its facts, written after the entry was recorded and before the
doorman hears that the barrier moved.
"""

from __future__ import annotations

import random
import sys
import time
from collections import deque
from dataclasses import dataclass

from edge.catalogue import Known, MirrorCatalogue
from edge.errors import ReplicaError
from edge.node import Node
from gate_agent.admit import Doorman, LetIn
from gate_agent.arbiter import Arbiter, Lane
from gate_agent.facts import GateKnowledge
from gate_agent.memory import LaneMemory
from tests.chaos.facts import FactBook, FactReader, read_facts
from tests.chaos.node import Control, NodeSettings, run_node

LANE = "Lane 1"
QUEUE_MAX = 2_000
_AGAIN = 0.05


@dataclass(frozen=True, slots=True)
class _Paper:
    ticket: str
    code: str


class ChaosGate:
    """Scans what the tills have printed, most of it once."""

    def __init__(self, node: Node, settings: NodeSettings, control: Control) -> None:
        self._node, self._control, self._pace_s = node, control, settings.pace_s
        self._rng = random.Random(settings.seed)
        seen = {fact["ticket"] for fact in read_facts(settings.facts)}
        self._facts = FactBook(settings.facts)
        self._tills = [FactReader(path) for path in settings.others]
        self._queue: deque[_Paper] = deque(maxlen=QUEUE_MAX)
        self._done: list[_Paper] = []
        self._seen = seen
        self._arbiter = Arbiter(node.new_client, node.env)
        self._catalogue = MirrorCatalogue(node.replica.mirror)
        key = bytes.fromhex(node.identity.server_key)
        performances = frozenset(
            performance.number
            for known in self._wait_for_events()
            for performance in known.event.performances
        )
        self._doorman = Doorman(
            Lane(LANE, performances),
            node.identity.node_id,
            GateKnowledge(node.replica, self._catalogue, key),
            node.replica,
            self._arbiter,
            node.env,
            LaneMemory(node.env),
        )

    def work(self) -> None:
        """Until the process is told to stop."""
        while not self._control.stop.is_set():
            if self._control.resting.is_set():
                self._control.is_idle.set()
                time.sleep(0.05)
                continue
            try:
                self._turn()
            except (ReplicaError, OSError):
                self._control.count("failed")
            time.sleep(self._pace_s)
        self._arbiter.stop()

    def _wait_for_events(self) -> tuple[Known, ...]:
        while not self._control.stop.is_set():
            events = self._catalogue.events()
            if len(events) >= 2:
                return events
            time.sleep(0.05)
        return ()

    def _turn(self) -> None:
        for reader in self._tills:
            for fact in reader.news():
                if fact["do"] == "printed" and fact["for_gate"]:
                    self._queue.extend(_Paper(t[0], t[4]) for t in fact["tickets"])
        if self._done and self._rng.random() < _AGAIN:
            self._scan(self._rng.choice(self._done))  # the paper was copied, or passed back
        elif self._queue:
            paper = self._queue.popleft()
            if paper.ticket in self._seen:  # by an earlier run of this gate
                self._done.append(paper)
            else:
                self._scan(paper)

    def _scan(self, paper: _Paper) -> None:
        now_ms = self._node.env.wall_ms() + self._node.engine.link.server_ahead_ms
        answer = self._doorman.scan(paper.code, now_ms)
        self._done.append(paper)
        if isinstance(answer, LetIn):
            self._facts.note({"do": "entered", "ticket": paper.ticket, "op": answer.op_id})
            self._doorman.commanded(answer)
            self._control.count("offline" if answer.offline else "asked")
            self._node.engine.nudge()
        else:
            self._control.count(str(answer.reason))


def _work(node: Node, settings: NodeSettings, control: Control) -> None:
    ChaosGate(node, settings, control).work()


if __name__ == "__main__":
    sys.exit(run_node(_work))
