"""A whole lane on real files: its barrier's thread, a barrier of wood, and a clock that is moved."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gate_agent.barrier import BarrierPart
from gate_agent.barrier_state import BarrierRules
from gate_agent.lane import LaneRunner, Shown
from gate_agent.lane_book import LaneBook
from gate_agent.lane_lines import LaneLines
from gate_agent.passages import Passages
from gate_agent.supervision import Part
from hardware.barrier import Sensed
from hardware.errors import DeviceGone
from tests.integration.gate_agent.lane_stage import LANE, Stage
from ticketing.journal import OpKind


def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("this never came true")


@dataclass
class WoodenBarrier:
    """Does what a board would do, and counts how often it was asked what it senses."""

    has_passage_contact: bool = True
    passage: bool | None = False
    fire: bool | None = None
    gone: bool = False
    address: str = "wood:"
    poll_s: float = 0.002
    opened: list[int] = field(default_factory=list)
    shut_count: int = 0
    looks: int = 0
    asked_s: float = 0.0
    answered_s: float = 0.0
    closed: bool = False
    before_opening: Callable[[], None] = lambda: None
    bug: type[Exception] | None = None

    def open_for(self, duration_ms: int) -> None:
        self.before_opening()
        self._check()
        self.opened.append(duration_ms)

    def shut(self) -> None:
        self._check()
        self.shut_count += 1

    def sense(self) -> Sensed:
        self.looks += 1
        self._check()
        return Sensed(self.passage, self.fire, self.asked_s, self.answered_s)

    def close(self) -> None:
        self.closed = True

    def _check(self) -> None:
        if self.bug is not None:
            bug, self.bug = self.bug, None
            raise bug
        if self.gone:
            raise DeviceGone("the board does not answer", self.address)


class LiveLane:
    """One lane whose barrier runs. Readers are the test's."""

    def __init__(
        self, gate: Stage, barrier: WoodenBarrier, lane: str = LANE, *, leads_out: bool = False
    ) -> None:
        self.gate, self.wood = gate, barrier
        self.lines: list[dict[str, object]] = []
        self.now_s = 100.0
        self.stop = threading.Event()
        doorman = gate.doorman if lane == LANE else gate.doorman_at(lane)
        self.book = LaneBook(
            Passages(doorman), leads_out, self.lines.append, gate.env.wall_ms, lambda: None
        )
        rules = BarrierRules(700, barrier.has_passage_contact, leads_out)
        self.barrier = BarrierPart(barrier, rules, self.book, lambda: self.now_s)
        lines = LaneLines(lane, doorman.knowledge, "en", self.lines.append)
        self.runner = LaneRunner(
            doorman, self.barrier, self.book, lines, gate.env.wall_ms, lambda: None, leads_out
        )
        self.part = Part("barrier", self.barrier.run, self.stop, delays_s=(0.01,))
        self._readings = itertools.count()

    def __enter__(self) -> LiveLane:
        self.book.begin()
        self.part.start()
        self.looked()
        return self

    def __exit__(self, *_details: object) -> None:
        self.stop.set()
        assert self.part.join(10)
        self.book.close()

    def show(self, text: str) -> dict[str, object]:
        """Hold up a code anew; what was decided."""
        before = self.decisions()
        self.runner.debounce._seen_s.clear()
        self.runner.hear(Shown(text, f"test {next(self._readings)}"))
        [line] = self.decisions()[len(before) :]
        return line

    def decisions(self) -> list[dict[str, object]]:
        return [line for line in self.lines if "decision" in line]

    def events(self) -> list[object]:
        """What was said beside decisions."""
        return [line["event"] for line in self.lines if "event" in line]

    def looked(self) -> None:
        """The barrier has looked at its contacts since."""
        seen = self.wood.looks
        until(lambda: self.wood.looks >= seen + 2)

    def passes(self) -> None:
        """Somebody walks through."""
        self.pass_s(0.5)
        self.wood.passage = True
        self.looked()
        self.wood.passage = False
        self.looked()

    def pass_s(self, seconds: float) -> None:
        """Time passes, and the barrier notices."""
        self.now_s += seconds
        self.gate.env.pass_s(seconds)
        self.looked()

    def bodies(self, kind: OpKind) -> list[str]:
        """What the journal says of a kind, oldest first."""
        with self.gate.replica.reading() as connection:
            rows = connection.execute("SELECT body FROM op WHERE kind = ? ORDER BY rowid", (kind,))
            return [row["body"] for row in rows]
