"""However many people come, a gate holds no more in memory than before the last of them came."""

from __future__ import annotations

import gc
import sqlite3
import threading
from dataclasses import dataclass
from types import FunctionType, ModuleType

import pytest

from gate_agent import double_entries, memory
from gate_agent.barrier_state import CameBack, Went
from gate_agent.counts import Counts
from gate_agent.double_entries import DoubleEntryWatch
from gate_agent.lane import LaneRunner, Shown
from gate_agent.lane_book import LaneBook
from gate_agent.lane_lines import LaneLines
from gate_agent.passages import Passages
from gate_agent.screen.board import RECENT_MAX, Board
from tests.integration.gate_agent.lane_stage import (
    GATE,
    LANE,
    OTHER_GATE,
    FakeBarrier,
    FakeRelay,
    Stage,
    yes,
)

VISITORS = 60
"""More than the entries that can be taken back, and the decisions on the staff's list."""
assert VISITORS > RECENT_MAX
_VISIT_S = 4.0
_NOT_OURS = (type, ModuleType, FunctionType, sqlite3.Connection, threading.Thread)


@dataclass
class Clock:
    """Stands for the lane's `time`."""

    now_s: float = 0.0

    def monotonic(self) -> float:
        return self.now_s

    perf_counter = monotonic


class Evening:
    """A lane with all that a gate's process hangs on it, and people one after the other."""

    def __init__(self, gate: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate, self.clock = gate, Clock()
        monkeypatch.setattr("gate_agent.lane.time", self.clock)
        monkeypatch.setattr(memory, "TURNED_AWAY_MAX", VISITORS // 2)
        gate.lend()
        gate.arbiter.says = yes
        doorman, self.board, self.relay = gate.doorman, Board([LANE]), FakeRelay()
        book = LaneBook(Passages(doorman), False, self._say, gate.env.wall_ms, _nothing)
        lines = LaneLines(LANE, doorman.knowledge, "en", self._say)
        barrier = FakeBarrier(self.relay)
        self.runner = LaneRunner(doorman, barrier, book, lines, gate.env.wall_ms, _nothing)
        self.counts = Counts(gate.replica, gate.catalogue, gate.env.wall_ms, "en")

    def _say(self, line: dict[str, object]) -> None:
        if "decision" in line:
            self.board.decided(line)

    def come(self, count: int) -> None:
        """So many go in, each tenth turns back, and a copy of every ticket comes after it."""
        for number in range(count):
            code = self.gate.code()
            self._show(code)
            [op_id] = self.runner.book._granted
            turns_back = number % 10 == 0
            self.runner.book.ended(CameBack(op_id) if turns_back else Went(op_id))
            if not turns_back:
                self._show(code)
            self.board.take()
        self.counts.numbers = self.counts.count()
        self.gate.arbiter.asked.clear()  # the test's own
        self.relay.pulses.clear()

    def _show(self, code: str) -> None:
        self.clock.now_s += _VISIT_S
        self.gate.env.pass_s(_VISIT_S)
        self.runner.hear(Shown(code, "line"))

    def held(self) -> int:
        """How many objects hang on the lane, the screens and the counts."""
        gc.collect()
        found: dict[int, object] = {}
        waiting: list[object] = [self.runner, self.board, self.counts]
        while waiting:
            one = waiting.pop()
            if id(one) not in found and not isinstance(one, _NOT_OURS):
                found[id(one)] = one
                waiting += gc.get_referents(one)
        return len(found)


def _nothing() -> None:
    """Nobody has to be told."""


def test_a_lane_holds_no_more_after_twice_as_many_visitors(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = Evening(gate, monkeypatch)
    evening.come(VISITORS)
    before = evening.held()
    evening.come(VISITORS)
    assert evening.runner.tally.admitted_count == 2 * VISITORS
    assert evening.held() - before < VISITORS // 2, "something is kept of each visitor"


def test_of_double_entries_no_more_are_remembered_than_are_listed(
    gate: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(double_entries, "CASES_MAX", 3)
    said: list[dict[str, object]] = []
    watch = DoubleEntryWatch(gate.replica.mirror, GATE, lambda *_place: "", "en", said.append)
    for number in range(8):
        gate.feed.double_entry(f"{number:016x}", gate.env.wall_ms(), (GATE, OTHER_GATE))
        watch.on_pulled(frozenset({"case"}))
    assert len(said) == 8, "each is told once"
    assert watch.open_count(gate.env.wall_ms()) == 3
