"""A gate's pages over real files: the sample theatre, one gate with two lanes, no devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from gate_agent.screen.board import Board
from gate_agent.screen.lane_pages import LanePages
from gate_agent.screen.places import Places
from gate_agent.screen.server import Pages, ScreenServer
from tests.fakes.hall import FIRST, ROW, SetEnv
from tests.fakes.till import NOW
from tests.integration.gate_agent.lane_stage import LANE, OTHER_GATE, Stage

OTHER_LANE = "Lane 2"
KEY = "a key of sixteen or more"


class GateStage:
    """A board that a test writes on, and the pages that show it."""

    def __init__(self, folder: Path, *, language: str = "zh_CN", key: str = "") -> None:
        self.stage = Stage(folder, SetEnv())
        self.board = Board([LANE, OTHER_LANE])
        self.key, self.language = key, language
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
            "devices": [{"part": "reader", "state": "ok"}, {"part": "barrier", "state": "ok"}],
        }
        self.board.status(LANE, usual | members)

    def admit(self, **members: Any) -> None:
        """Somebody is let in at lane 1."""
        self.board.decided(_line("admit", "", "opened") | members)

    def refuse(self, reason: str, step: str = "box_office", **members: Any) -> None:
        """Somebody is not let in at lane 1."""
        self.board.decided(_line("refuse", reason, "shut") | {"next": step} | members)

    def _server(self, port: int) -> ScreenServer:
        places = Places(self.stage.catalogue)

        def pages() -> list[Pages]:
            return [LanePages(self.board, places)]

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
