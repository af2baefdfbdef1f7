"""A process that has imported our programs, and forks one for each start that a test asks for.

    python -m tests.fakes.nursery SOCKET_NUMBER

What comes of a start is a process like any other: its own pid, files, signals and exit code. Only
the seconds of importing are spent once. What a start from nothing needs is the demo's to show.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

_ROOT = Path(__file__).parents[2]
_REQUEST_BYTES_MAX = 1 << 20
_PROGRAMS = {
    "sync_server": "sync_server.__main__",
    "gate_agent": "gate_agent.__main__",
    "pos_app": "pos_app.__main__",
    "tests.fakes.till_process": "tests.fakes.till_process",
}
_IMPORTED_LATER = ("sync_server.serving", "gate_agent.agent", "hardware.qr.stills")
"""What these programs import when they are asked for it."""


class Born:
    """A started program, with what the tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, ended: int, stdin: IO[str] | None, stdout: IO[str] | None) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._ended = ended
        self._guard = threading.Lock()

    def poll(self) -> int | None:
        """The exit code, or None while it runs; minus the signal that killed it."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises TimeoutExpired."""
        with self._guard:
            if self.returncode is None:
                if not select.select([self._ended], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
                told = os.read(self._ended, 16)
                os.close(self._ended)
                assert told, "the nursery has ended before its programs"
                self.returncode = int(told)
            return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing, once it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """Its process runs as long as this is open. Use from one thread at a time."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, "-m", "tests.fakes.nursery", str(theirs.fileno())]
            self._process = subprocess.Popen(
                words,
                cwd=_ROOT,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
                pass_fds=[theirs.fileno()],
            )
        self._socket = ours

    def start(self, module: str, arguments: Sequence[str], log: IO[bytes], folder: Path) -> Born:
        """A program that is joined to us by its input and output, as `tests.demo.programs.Start`."""
        (reads, ours), (hears, says) = os.pipe(), os.pipe()
        try:
            pid, ended = self._bear(module, arguments, folder, (reads, says, log.fileno()))
        finally:
            os.close(reads)
            os.close(says)
        stdin, stdout = os.fdopen(ours, "w", encoding="utf-8"), os.fdopen(hears, encoding="utf-8")
        return Born(pid, ended, stdin, stdout)

    def run(self, module: str, arguments: Sequence[str], folder: Path) -> tuple[int, str, str]:
        """A command to its end: its exit code and what it said on either way."""
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            Path(os.devnull).open("rb") as nothing,
        ):
            files = (nothing.fileno(), out.fileno(), err.fileno())
            born = Born(*self._bear(module, arguments, folder, files), None, None)
            code = born.wait(60)
            return code, _text(out), _text(err)

    def _bear(
        self, module: str, arguments: Sequence[str], folder: Path, files: tuple[int, int, int]
    ) -> tuple[int, int]:
        """Start it on these three files. Gives its pid, and where its exit code comes."""
        ended, tells = os.pipe()
        env = {**os.environ, "PYTHONPATH": str(_ROOT)}
        asked = {"module": module, "arguments": [*arguments], "folder": str(folder), "env": env}
        try:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], [*files, tells])
        finally:
            os.close(tells)
        answer = self._socket.recv(16)
        assert answer, "the nursery has ended"
        return int(answer), ended

    def close(self) -> None:
        """End its process; what it has started goes on."""
        self._socket.close()
        self._process.wait(60)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


# --- in its process


class _Keeper:
    """Forks, and tells the exit codes."""

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._tells: dict[int, int] = {}
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)

    def run(self) -> None:
        """Until nobody can ask any more."""
        asks = self._asked.fileno()
        while True:
            ready, _, _ = select.select([asks, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if asks in ready:
                request, files, _, _ = socket.recv_fds(self._asked, _REQUEST_BYTES_MAX, 4)
                if not request:
                    return
                self._bear(json.loads(request), files)

    def _bear(self, asked: Mapping[str, object], files: Sequence[int]) -> None:
        pid = os.fork()
        if pid == 0:
            self._forget()
            _become(asked, files)
        *theirs, tells = files
        for number in theirs:
            os.close(number)
        self._tells[pid] = tells
        self._asked.send(str(pid).encode())

    def _forget(self) -> None:
        """In the child: what is the nursery's alone."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._asked.close()
        for number in (self._woken, self._wakes, *self._tells.values()):
            os.close(number)

    def _reap(self) -> None:
        while self._tells:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            tells = self._tells.pop(pid)
            with suppress(BrokenPipeError):  # nobody waits for it
                os.write(tells, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(tells)


def _become(asked: Mapping[str, object], files: Sequence[int]) -> NoReturn:
    """In the child: run the program, as `python -m` would, and end."""
    module, arguments, env = asked["module"], asked["arguments"], asked["env"]
    assert isinstance(module, str)
    assert isinstance(arguments, list)
    assert isinstance(env, dict)
    for number, mine in zip(files[:3], range(3), strict=True):
        os.dup2(number, mine)
    for number in files:
        os.close(number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(str(asked["folder"]))
    sys.argv = [module, *arguments]
    sys.exit(importlib.import_module(_PROGRAMS[module]).main())


def main() -> None:
    """Import everything, then do as one is asked."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    for module in (*_PROGRAMS.values(), *_IMPORTED_LATER):
        importlib.import_module(module)
    gc.freeze()  # the children share what is here
    _Keeper(asked).run()


if __name__ == "__main__":
    main()
