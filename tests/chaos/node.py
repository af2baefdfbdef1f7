"""What the till and the gate of the chaos suite have in common: settings, commands, status."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.env import MachineEnv
from edge.journal import backlog
from edge.node import Node, open_node
from edge.sync import LinkState
from program.log_settings import LogFormat, LogLevel, LogSettings

Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One node's process: where its files are, whom it calls, what chance it goes by."""

    role: str
    server_url: str
    data_dir: Path
    witness_dir: Path
    facts: Path
    seed: int
    pace_s: float
    others: tuple[Path, ...] = ()
    """A gate: the facts of the tills, whose tickets are held up to it."""

    def save(self, file: Path) -> None:
        """Write it for `load`."""
        raw = {name: getattr(self, name) for name in self.__dataclass_fields__}
        file.write_text(json.dumps(raw, default=str), encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> NodeSettings:
        """As it was saved."""
        raw = json.loads(file.read_text(encoding="utf-8"))
        for name in ("data_dir", "witness_dir", "facts"):
            raw[name] = Path(raw[name])
        raw["others"] = tuple(Path(each) for each in raw["others"])
        return cls(**raw)


def run_node(work: Callable[[Node, NodeSettings, Control], None]) -> int:
    """Open the node of the settings file in argv, and work until standard input ends."""
    settings = NodeSettings.load(Path(sys.argv[1]))
    LogSettings(LogLevel.WARNING, LogFormat.JSON).apply()
    node = open_node(
        settings.data_dir, settings.server_url, settings.role, MachineEnv(), settings.witness_dir
    )
    control = Control(node)
    worker = threading.Thread(target=_work, args=(work, node, settings, control), daemon=True)
    node.engine.start()
    worker.start()
    _say({"running": node.identity.node_id})
    for line in sys.stdin:
        _say(control.answer(json.loads(line)))
    control.stop.set()
    worker.join(10)
    node.engine.stop()
    node.replica.close()
    return 0


def _work(
    work: Callable[[Node, NodeSettings, Control], None],
    node: Node,
    settings: NodeSettings,
    control: Control,
) -> None:
    try:
        work(node, settings, control)
    except BaseException as error:
        control.failure = f"{type(error).__name__}: {error}"
        raise


class Control:
    """What the orders on standard input change, and what is told on standard output."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.stop, self.resting, self.is_idle = (threading.Event() for _ in range(3))
        self.counts: dict[str, int] = {}
        self.failure = ""

    def count(self, what: str) -> None:
        """One more of these."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def answer(self, request: Reply) -> Reply:
        """Do what was asked."""
        match request:
            case {"do": "rest"}:
                self.resting.set()
                return {"idle": self.is_idle.wait(15) or bool(self.failure)}
            case {"do": "status"}:
                return self._status()
        raise ValueError(f"no such request: {request}")

    def _status(self) -> Reply:
        with self._node.replica.reading() as connection:
            waiting = backlog(connection)
        return {
            "link": self._node.engine.link.state.value,
            "locked": waiting.locked or self._node.engine.link.state is LinkState.LOCKED,
            "unsynced": waiting.count,
            "cursors": self._node.replica.mirror.cursors(),
            "counts": self.counts,
            "failure": self.failure,
        }


def _say(reply: Reply) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()
