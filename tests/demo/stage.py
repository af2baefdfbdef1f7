"""The stage of the demo: a fresh house with a server, a till, a gate with its barrier."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Self

from tests.demo.programs import (
    DemoFailed,
    Program,
    Start,
    free_port,
    kill_all,
    run_command,
    start_process,
    wait_until,
)

LANE = "Lane 1"
WINDOW = "Window 1"
_READY_TIMEOUT_S = 120.0  # a first start compiles what it imports, and the machine may be busy


@dataclass(slots=True)
class Stage:
    """Folders, processes and passwords of one run. Use as a context manager."""

    folder: Path
    performance: int
    port: int = field(default_factory=free_port)
    printer_port: int = field(default_factory=free_port)
    init: dict[str, Any] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)
    server: Program | None = None
    start: Start = start_process
    _console: urllib.request.OpenerDirector | None = None

    def __post_init__(self) -> None:
        for name in ("logs", "frames", "tickets", "screens"):
            (self.folder / name).mkdir(parents=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        kill_all(self.programs)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def frames(self) -> Path:
        """Where the gate's camera looks."""
        return self.folder / "frames"

    @property
    def openings(self) -> Path:
        """Where the barrier writes each of its openings."""
        return self.folder / "barrier.jsonl"

    def found_house(self) -> None:
        """Make the server's database and keys, with the sample theatre."""
        out = run_command(
            "sync_server",
            "init",
            "--sample",
            "theatre",
            "--json",
            "--data-dir",
            self._data("server"),
        )
        self.init = json.loads(out)

    def start_server(self) -> None:
        """Start the server, or start it again at the same address."""
        self.server = self._start(
            "server",
            "sync_server",
            "serve",
            "--data-dir",
            self._data("server"),
            "--port",
            str(self.port),
        )
        self.server.next_line(_READY_TIMEOUT_S)

    def stop_server(self) -> None:
        """Stop the server by SIGTERM."""
        assert self.server is not None
        code = self.server.stop()
        if code:
            raise DemoFailed(f"the server ended with code {code}")

    def enrol(self, module: str, role: str, name: str) -> None:
        """Enrol a node with a fresh code."""
        out = run_command(
            "sync_server", "enrol-code", "--data-dir", self._data("server"),
            "--role", role, "--name", name, "--json",
        )  # fmt: skip
        code = json.loads(out)["code"]
        run_command(module, "enrol", "--data-dir", self._data(role), "--server", self.url, code)

    def start_barrier(self) -> None:
        """A relay board on a pseudo-terminal, as its own process."""
        relay = self._start(
            "barrier", "hardware.relay.simulator",
            "--link", str(self.folder / "relay"), "--log", str(self.openings),
        )  # fmt: skip
        del relay
        wait_until("the barrier is there", (self.folder / "relay").exists, _READY_TIMEOUT_S)

    def start_printer(self) -> None:
        """A receipt printer in the network, which leaves its paper in a folder."""
        printer = self._start(
            "printer", "hardware.escpos.simulator",
            "--tcp", f"127.0.0.1:{self.printer_port}", "--paper", str(self.folder / "tickets"),
        )  # fmt: skip
        printer.next_line(_READY_TIMEOUT_S)

    def papers(self, word: str) -> list[Path]:
        """Pictures of the sheets that came out of the printer with this word on them, in order."""
        sheets = sorted((self.folder / "tickets").glob("*.txt"))
        found = [sheet for sheet in sheets if word in sheet.read_text("utf-8")]
        return [sheet.with_suffix(".png") for sheet in found]

    def start_gate(self) -> Program:
        """The gate agent with its camera on the frames folder."""
        settings = self.folder / "gate.toml"
        settings.write_text(
            f'server_url = "{self.url}"\ndata_dir = "gate"\nwitness_dir = "witness"\n\n[lane]\nname = "{LANE}"\n'
            'camera = "folder:frames?watch=1&repeat=3"\n'
            f'relay = "modbus-rtu:relay"\nperformances = [{self.performance}]\n'
        )
        return self._start("gate", "gate_agent", "run", "--config", str(settings))

    def start_till(self, language: str, theme: str) -> Program:
        """The till, driven through its widgets."""
        settings = self.folder / "till.toml"
        settings.write_text(
            f'server_url = "{self.url}"\ndata_dir = "till"\nwitness_dir = "witness"\n\n'
            f'[printer]\ndevice = "tcp:127.0.0.1:{self.printer_port}"\n\n[drawer]\nprinter = true\n\n'
            f'[screen]\nlanguage = "{language}"\ntheme = "{theme}"\nwidth = 1920\nheight = 1080\n'
        )
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # no screen: the same, unseen
        return self._start("till", "tests.demo.till_robot", str(settings))

    def pin_of(self, login: str) -> tuple[str, str]:
        """A sample person's id and PIN."""
        person = next(p for p in self.init["people"] if p["login"] == login)
        return person["id"], person["pin"]

    def books(self) -> dict[str, Any]:
        """The manager's books, fetched as a browser would: sign in once, then read."""
        if self._console is None:
            self._console = self._sign_in()
        page = self._console.open(f"{self.url}/console/books.json", timeout=10)
        books: dict[str, Any] = json.loads(page.read())
        return books

    def _sign_in(self) -> urllib.request.OpenerDirector:
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        opener = urllib.request.build_opener(cookies)
        address = f"{self.url}/console/login"
        page = opener.open(address, timeout=10).read().decode()
        token = re.search(r'name="form_token" value="([^"]+)"', page)
        if token is None:
            raise DemoFailed("the sign-in page has no form")
        form = {**self.init["manager"], "form_token": token[1]}
        opener.open(address, urllib.parse.urlencode(form).encode(), timeout=10).read()
        return opener

    def _start(self, name: str, module: str, *arguments: str) -> Program:
        log = self.folder / "logs" / f"{name}.log"
        program = Program(name, module, *arguments, log=log, folder=self.folder, start=self.start)
        self.programs.append(program)
        return program

    def _data(self, name: str) -> str:
        return str(self.folder / name)


def age_s(since: float) -> float:
    """Seconds since a monotonic instant."""
    return time.monotonic() - since
