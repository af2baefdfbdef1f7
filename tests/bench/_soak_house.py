"""What a soak stands on: a server that may die, a gate's process, and tickets that nobody has sold on."""

from __future__ import annotations

import json
import queue
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import httpx

from gate_agent.status import read_status
from sync_server import commands
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from tests.bench._house import CAPACITY, UNITS_PER_GRANT_MAX, BenchNode
from ticketing.code import TicketFacts, make_code
from ticketing.ids import TicketId
from ticketing.keys import key_id, public_of

_VALID_MINUTES = 24 * 60
_READY_S = 120.0


def wait_for(what: str, condition: Callable[[], object], limit_s: float = _READY_S) -> None:
    """Until `condition`; raises RuntimeError when it does not come."""
    end_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end_s:
            raise RuntimeError(f"this never came: {what}")
        time.sleep(0.05)


@dataclass
class Server:
    """`boxgate-server serve` at one port, started and killed as often as wanted."""

    settings: Settings
    folder: Path
    port: int
    _process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        config = self.folder / "server.toml"
        config.write_text(f'data_dir = "{self.settings.data_dir}"\n', encoding="utf-8")
        program = Path(sys.executable).with_name("boxgate-server")
        command = [str(program), "serve", "--config", str(config), "--port", str(self.port)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        if not self._process.stdout.readline().startswith("listening on "):
            raise RuntimeError("the server did not start; see server.log")

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def freeze(self, *, on: bool) -> None:
        """Have it hang, or go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)


@dataclass
class Papers:
    """Tickets of one till that the server has not heard of: its allotments vouch for them."""

    till: BenchNode
    count: int
    waiting: deque[tuple[str, str]] = field(default_factory=deque)
    """Ticket and code."""

    def print(self) -> None:
        """Borrow places, and sign a code for each."""
        since = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
        public = key_id(public_of(self.till.private))
        for first in range(0, self.count, UNITS_PER_GRANT_MAX):
            performance, unit = first // CAPACITY + 1, first % CAPACITY + 1
            last = min(unit + UNITS_PER_GRANT_MAX, unit + self.count - first)
            lent = self.till.acquire(performance, range(unit, last))
            for number, version in lent.units:
                ticket = TicketId(secrets.token_hex(8))
                facts = TicketFacts(
                    public,
                    ticket,
                    performance,
                    number,
                    1,
                    version,
                    lent.allotment,
                    since,
                    _VALID_MINUTES,
                )
                self.waiting.append((ticket, make_code(facts, self.till.private)))


def make_papers(settings: Settings, url: str, count: int) -> Papers:
    """Enrol a till and have it print so many."""
    with httpx.Client(base_url=url, timeout=60) as http:
        till = BenchNode(http, NodeRole.TILL).enrol(settings, "Window 1").sign_in()
        papers = Papers(till, count)
        papers.print()
    return papers


class Gate:
    """`boxgate-gate run` as a process. Lines go to whoever stands at their lane."""

    def __init__(self, folder: Path, settings: Settings, url: str, lanes: str) -> None:
        self.folder = folder
        self.data = folder / "gate"
        self._config = folder / "gate.toml"
        self._config.write_text(
            f'server_url = "{url}"\ndata_dir = "gate"\nwitness_dir = "witness"\nlanguage = "en"\n'
            f'[screen]\naddress = ""\n{lanes}',
            encoding="utf-8",
        )
        code = commands.make_enrolment_code(settings, NodeRole.GATE, "Gate 1", 60)
        self._run("enrol", code.text)
        self.lines: dict[str, queue.Queue[dict[str, Any]]] = {}
        self.said: list[dict[str, Any]] = []
        self._process: subprocess.Popen[str]

    def start(self) -> None:
        """Start it, and wait until it has heard of the house."""
        with (self.folder / "gate.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("run"), stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder
            )
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        wait_for("a gate in contact", lambda: self._link() == "online")
        wait_for("a gate that knows what was lent", self._knows_the_house)

    def _link(self) -> object:
        return self.status().get("link", {}).get("state")

    def _knows_the_house(self) -> bool:
        """Whether its copy has the event and the till's allotments."""
        with closing(sqlite3.connect(f"file:{self.data / 'mirror.db'}?mode=ro", uri=True)) as copy:
            events = copy.execute("SELECT count(*) FROM doc WHERE kind = 'event'").fetchone()
            lent = copy.execute("SELECT count(*) FROM allot").fetchone()
        return bool(events[0] and lent[0])

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def status(self) -> dict[str, Any]:
        """What it says of itself."""
        return read_status(self.data)

    def rss_mib(self) -> float:
        """Memory that it holds now."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the gate's process is gone")

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def stop(self) -> int:
        """End it by SIGTERM; its exit code."""
        if self.is_alive():
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _read(self, output: IO[str]) -> None:
        for text in output:
            line: dict[str, Any] = json.loads(text)
            self.said.append(line)
            waiting = self.lines.get(str(line.get("lane", "")))
            if waiting is not None and "decision" in line:
                waiting.put(line)

    def _run(self, *arguments: str) -> None:
        subprocess.run(self._command(*arguments), check=True, cwd=self.folder, capture_output=True)

    def _command(self, *arguments: str) -> list[str]:
        program = Path(sys.executable).with_name("boxgate-gate")
        return [str(program), arguments[0], "--config", str(self._config), *arguments[1:]]
