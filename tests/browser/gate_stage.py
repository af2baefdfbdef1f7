"""A gate's pages over real files: the sample theatre, one gate with two lanes, no devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from gate_agent.case_desk import CaseDesk
from gate_agent.desks import Desks
from gate_agent.hand_desk import HandDesk
from gate_agent.lane import LaneRunner, Shown
from gate_agent.lane_book import TAILGATE, LaneBook
from gate_agent.lane_desk import LaneDesk
from gate_agent.lane_lines import LaneLines
from gate_agent.passages import Passages
from gate_agent.screen.board import Board
from gate_agent.screen.hand_lanes import HandLanePages
from gate_agent.screen.hand_pages import HandPages
from gate_agent.screen.hand_visit import Staff
from gate_agent.screen.lane_pages import LanePages
from gate_agent.screen.places import Places
from gate_agent.screen.server import Pages, ScreenServer
from tests.fakes.hall import FIRST, ROW, SetEnv, node_row
from tests.fakes.till import NOW
from tests.integration.gate_agent.lane_stage import (
    GATE,
    LANE,
    OTHER_GATE,
    STRANGER_KEY,
    FakeBarrier,
    FakeRelay,
    Stage,
)
from ticketing.keys import public_of

OTHER_LANE = "Lane 2"
KEY = "a key of sixteen or more"
PEOPLE = (
    ("p-boss", "王芳", "supervisor", "2580"),
    ("p-guard", "赵强", "security", "1470"),
    ("p-guard-2", "钱伟", "security", "3690"),
    ("p-till", "李娜", "cashier", "4711"),
)
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class GateStage:
    """A board that a test writes on, and the pages that show it."""

    def __init__(self, folder: Path, *, language: str = "zh_CN", key: str = "") -> None:
        self.stage = Stage(folder, SetEnv())
        self.board = Board([LANE, OTHER_LANE])
        self.key, self.language = key, language
        self.desk = HandDesk([self._runner(LANE), self._runner(OTHER_LANE)])
        for person, name, role, pin in PEOPLE:
            self.stage.feed.person(person, _HASHER.hash(pin), role=role, name=name)
        self.server = self._server(0)
        self.server.start()
        self.url = self.server.wait(20)
        assert self.url, "the pages are not served"
        self.idle()

    def restart(self) -> None:
        """The gate's program is started again, at the same address."""
        self.server.stop()
        self.server = self._server(int(self.url.rpartition(":")[2]))
        self.server.start()
        assert self.server.wait(20) == self.url

    def close(self) -> None:
        self.server.stop()
        self.stage.close()

    def idle(self, **members: Any) -> None:
        """Lane 1's status, as a gate in contact has it."""
        usual: dict[str, Any] = {
            "lane": LANE,
            "gate": "",
            "link": "online",
            "data_age_s": 4,
            "exposed_lanes": 0,
            "entered": 318,
            "total": 1200,
            "performances": [FIRST],
            "state": "ready",
            "devices": [{"part": "reader", "state": "ok"}, {"part": "barrier", "state": "ok"}],
        }
        self.board.status(LANE, usual | members)

    def admit(self, **members: Any) -> None:
        """Somebody is let in at lane 1."""
        self.board.decided(_line("admit", "", "opened") | members)

    def refuse(self, reason: str, step: str = "box_office", **members: Any) -> None:
        """Somebody is not let in at lane 1."""
        self.board.decided(_line("refuse", reason, "shut") | {"next": step} | members)

    def _runner(self, lane: str) -> LaneRunner:
        doorman = replace(self.stage.doorman_at(lane, FIRST), memory=self.stage.doorman.memory)
        wall_ms = self.stage.env.wall_ms
        book = LaneBook(Passages(doorman), False, self.board.decided, wall_ms, _nobody)
        lines = LaneLines(lane, doorman.knowledge, "en", self.board.decided)
        return LaneRunner(doorman, FakeBarrier(FakeRelay()), book, lines, wall_ms, _nobody)

    def slipped(self) -> None:
        """Somebody went through lane 1 behind somebody else."""
        at = NOW.isoformat(timespec="milliseconds")
        self.board.decided({"at": at, "lane": LANE, "event": TAILGATE})

    def double_entry(self, ticket: str, *, is_open: bool = True) -> None:
        """The server has found that a ticket went in here and at the other gate."""
        at_ms = round((NOW - timedelta(minutes=6)).timestamp() * 1000)
        other = {
            **node_row(OTHER_GATE, public_of(STRANGER_KEY), role="gate"),
            "name": "二层 Gate 2",
        }
        self.stage.feed.node(other)
        self.stage.feed.double_entry(ticket, at_ms, (GATE, OTHER_GATE), is_open=is_open)
        self.board.case()

    def scan(self, code: str) -> None:
        """A code is held up at lane 1."""
        self.desk.runners[0].answer(Shown(code, "test"))

    def _server(self, port: int) -> ScreenServer:
        places = Places(self.stage.catalogue)

        def pages() -> list[Pages]:
            cases = CaseDesk(self.stage.replica.mirror, GATE)
            staff = Staff(places, Desks(self.desk, LaneDesk(self.desk.runners), cases))
            hand: list[Pages] = [HandPages(self.board, staff), HandLanePages(self.board, staff)]
            return [LanePages(self.board, places), *hand]

        return ScreenServer(("127.0.0.1", port), self.key, self.language, self.board, pages)


@contextmanager
def gate_stage(folder: Path, **how: Any) -> Iterator[GateStage]:
    """One that is closed at the end."""
    stage = GateStage(folder, **how)
    try:
        yield stage
    finally:
        stage.close()


def entry_at(at: datetime, lane: str) -> dict[str, object]:
    """An entry that stands in the way, as a line tells it."""
    return {"op": "0" * 32, "node": OTHER_GATE, "lane": lane, "at_ms": round(at.timestamp() * 1000)}


def _nobody() -> None:
    """Nobody has to be told that there is something to send."""


def _line(decision: str, reason: str, barrier: str) -> dict[str, object]:
    return {
        "at": NOW.isoformat(timespec="milliseconds"),
        "lane": LANE,
        "decision": decision,
        "reason": reason,
        "barrier": barrier,
        "offline": False,
        "ticket": "00000000000000f0",
        "performance": FIRST,
        "unit": ROW[0],
        "place": "",
    }
