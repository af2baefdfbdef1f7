"""Starting Boxgate's programs as processes of their own, and ending them, whatever happens."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

_STOP_TIMEOUT_S = 15.0
_LINES_MAX = 10_000
_ROOT = Path(__file__).parents[2]


class DemoFailed(Exception):
    """Something did not happen as it must; the message says what."""


class Process(Protocol):
    """What is used of a process that has been started: `subprocess.Popen` is one."""

    pid: int

    @property
    def stdin(self) -> IO[str] | None:
        """What it reads."""

    @property
    def stdout(self) -> IO[str] | None:
        """What it says."""

    def poll(self) -> int | None:
        """The exit code once it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal; nothing once it has ended."""

    def kill(self) -> None:
        """End it at once."""


def start_process(module: str, arguments: Sequence[str], log: IO[bytes], folder: Path) -> Process:
    """One of our programs in a process, joined to us by its input and output."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )


Start = Callable[[str, Sequence[str], IO[bytes], Path], Process]


class Program:
    """One running process. Its standard output is read line by line, its log goes to a file."""

    def __init__(
        self,
        name: str,
        module: str,
        *arguments: str,
        log: Path,
        folder: Path,
        start: Start = start_process,
    ) -> None:
        self.name = name
        self._lines: queue.Queue[str | None] = queue.Queue(_LINES_MAX)
        with log.open("ab") as words:
            self.process = start(module, arguments, words, folder)
        self._reader = threading.Thread(target=self._read, name=f"{name} output", daemon=True)
        self._reader.start()

    def next_line(self, timeout_s: float) -> str:
        """The next line of its output. Raises DemoFailed when none comes in time."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise DemoFailed(f"{self.name} said nothing for {timeout_s:.0f} s") from None
        if line is None:
            self._lines.put(None)
            raise DemoFailed(f"{self.name} ended with code {self.process.wait()}")
        return line

    def ask(self, request: dict[str, object], timeout_s: float = 20.0) -> dict[str, Any]:
        """Write a JSON line and read the JSON line that answers it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        reply: dict[str, Any] = json.loads(self.next_line(timeout_s))
        if "error" in reply:
            raise DemoFailed(f"{self.name}: {reply['error']}")
        return reply

    def stop(self) -> int:
        """End it as a supervisor would, by SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DemoFailed(f"{self.name} did not stop within {_STOP_TIMEOUT_S:.0f} s") from None
        self._close()
        return code

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        self._reader.join(5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


def run_command(module: str, *arguments: str) -> str:
    """Run one of our commands to its end; its output. Raises DemoFailed with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise DemoFailed(f"{module} {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def free_port() -> int:
    """A port on loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(what: str, is_so: Callable[[], object], timeout_s: float) -> None:
    """Poll until it is so. Raises DemoFailed naming what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {timeout_s:.0f} s in vain until {what}")
        time.sleep(0.05)


def kill_all(programs: Sequence[Program]) -> None:
    """The last resort: nothing that we started outlives us."""
    for program in programs:
        program.kill()
