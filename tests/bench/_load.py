"""The load generator: wrk, which plays prepared files of requests (see load.lua)."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("load.lua")
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Played:
    """What the generator saw. `cpu_s` is its own processor time."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int
    ran_out: int
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Answered requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_us(self) -> float:
        """The generator's own cost of a request: what it could not have exceeded on one core."""
        return self.cpu_s * 1e6 / max(1, self.requests)


class RequestFiles:
    """A folder of prepared requests: one file for each connection."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir()
        self.folder, self.count = folder, count

    def write(self, number: int, requests: Iterable[bytes]) -> None:
        """The requests of one connection, in the order in which they are sent."""
        with (self.folder / f"{number:03d}.requests").open("wb") as file:
            for request in requests:
                file.write(f"{len(request):08d}".encode() + request)


def require_wrk() -> None:
    """Say what is missing before anything long begins."""
    if shutil.which("wrk") is None:
        raise SystemExit("this measurement needs Debian's package wrk: run scripts/setup")


def play(url: str, files: RequestFiles, seconds: int) -> Played:
    """Send what is prepared for so long, one request at a time on each connection."""
    number = str(files.count)
    command = ["wrk", "-t", number, "-c", number, "-d", f"{seconds}s"]
    command += ["--timeout", f"{_TIMEOUT_S}s", "-s", str(_SCRIPT), url, "--", str(files.folder)]
    before = _children_cpu_s()
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=seconds + 120
    )
    if ended.returncode:
        raise RuntimeError(f"wrk failed: {ended.stderr or ended.stdout}")
    found = json.loads(ended.stdout.strip().splitlines()[-1])
    return Played(
        found["requests"],
        found["duration_us"] / 1e6,
        found["p50_us"] / 1e3,
        found["p99_us"] / 1e3,
        sum(found[name] for name in ("status", "connect", "read", "write", "timeout")),
        found["ran_out"],
        _children_cpu_s() - before,
    )


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
