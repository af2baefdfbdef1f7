"""How fast a lane answers: `python -m tests.bench.gate [--tickets 1000000] [--scans 2000]`.

A real server process over so many valid tickets, and a gate in this process that has read of them
all, with its journal on the disk. Each scan is another ticket.

- `decision_p50_ms`, `decision_p99_ms`: from a code's text to the recorded entry, without arbiter.
- `arbiter_decision_p50_ms`, `..._p99_ms`: the same with the arbiter, on loopback.
- `frame_to_barrier_p99_ms`: from a camera's frame (1280 x 720, packed) to the relay board's
  confirmation, over a pseudo-terminal, without arbiter.
- `empty_cpu_ratio`, `code_cpu_ratio`: see tests.bench.camera.
- `rss_mib`: memory of a `boxgate-gate run` process with `--rss-tickets` tickets and a camera.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import cv2
import numpy as np

from edge.database import open_reader
from gate_agent.admit import LetIn
from gate_agent.agent import Agent, corrected_ms, open_agent, running
from gate_agent.lane_parts import LaneParts
from gate_agent.looking import CameraWatch
from gate_agent.settings import GateSettings, LaneSettings
from hardware.camera import Frame
from hardware.qr import Eye
from hardware.relay.simulator import RelaySimulator
from pos_app.services.paper import qr_rows
from tests.bench._camera import cpu_ratios
from tests.bench._gate_house import READY_TIMEOUT_S, SoldOut, sold_out, wait_until_read
from tests.bench._house import EVENT

FRAMES_COUNT = 200
_PULSE_MS = 100
_MODULE_PIXELS = 6


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gate")
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--scans", type=int, default=2_000)
    parser.add_argument("--rss-tickets", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each camera scene")
    options = parser.parse_args(argv)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="boxgate-bench-") as name:
        folder = Path(name)
        (folder / "house").mkdir()
        with sold_out(folder / "house", options.tickets) as house:
            found.update(_decisions(folder, house, options.scans))
    found.update(cpu_ratios(options.seconds))
    with tempfile.TemporaryDirectory(prefix="boxgate-bench-") as name:
        folder = Path(name)
        (folder / "house").mkdir()
        with sold_out(folder / "house", options.rss_tickets) as house:
            found["rss_mib"] = _rss_mib(folder, house)
    for key, value in found.items():
        print(f"   {key:<26} {value:>10.3f}")
    print(json.dumps({key: round(value, 3) for key, value in found.items()}))


# --- decisions


def _decisions(folder: Path, house: SoldOut, scans: int) -> dict[str, float]:
    stop = threading.Event()
    with RelaySimulator(folder / "relay") as relay:
        lane = LaneSettings(
            camera=f"folder:{_camera_folder(folder)}",
            relay=f"modbus-rtu:{relay.link}",
            pulse_ms=_PULSE_MS,
        )
        gate = house.enrol_gate(folder / "gate", "Gate 1")
        settings = GateSettings(
            house.server.url, gate, witness_dir=folder / "witness", lane=lane, language="en"
        )
        with open_agent(settings, lambda _line: None) as agent, running(agent, stop):
            found = {"read_s": wait_until_read(agent, len(house.ticket_ids))}
            found.update(_measure(agent, house, scans))
    return found


def _measure(agent: Agent, house: SoldOut, scans: int) -> dict[str, float]:
    (lane,) = agent.lanes
    step = max(1, len(house.ticket_ids) // (2 * scans + FRAMES_COUNT + 100))
    codes = (house.code(at) for at in range(0, len(house.ticket_ids), step))
    _alone(lane, alone=False)
    _times_ms(agent, lane, _some(codes, 50), offline=False)  # the connection is warm
    found = _named("arbiter_decision", _times_ms(agent, lane, _some(codes, scans), offline=False))
    _alone(lane, alone=True)
    found = {
        **_named("decision", _times_ms(agent, lane, _some(codes, scans), offline=True)),
        **found,
    }
    frames = [_frame(code) for code in _some(codes, FRAMES_COUNT)]
    found["frame_to_barrier_p50_ms"], found["frame_to_barrier_p99_ms"] = _percentiles(
        _to_barrier_ms(lane, frames)
    )
    return found


def _some(codes: Iterator[str], count: int) -> list[str]:
    """The next `count` codes."""
    return list(itertools.islice(codes, count))


def _alone(lane: LaneParts, *, alone: bool) -> None:
    """Let the lane's arbiter rest, as after a silence, or wake it."""
    lane.arbiter._rest.until_s = float("inf") if alone else 0.0


def _times_ms(agent: Agent, lane: LaneParts, codes: Sequence[str], *, offline: bool) -> list[float]:
    """Each code's time from its text to the recorded entry."""
    doorman, times_ms = lane.runner.doorman, []
    for code in codes:
        now_ms = corrected_ms(agent.node)
        began_s = time.perf_counter()
        outcome = doorman.scan(code, now_ms)
        times_ms.append((time.perf_counter() - began_s) * 1000)
        assert isinstance(outcome, LetIn), outcome
        assert outcome.recorded
        if outcome.offline and not offline:  # too late an answer: it rests, and that is in the p99
            _alone(lane, alone=False)
    return times_ms


def _to_barrier_ms(lane: LaneParts, frames: Sequence[bytes]) -> list[float]:
    """Each frame's time until the board confirmed that it opens."""
    watch = CameraWatch(_NoCamera(), Eye(), lane.runner)
    times_ms, opened = [], lane.runner.tally.admitted_count
    for number, packed in enumerate(frames):
        began_s = time.perf_counter()
        watch._look(Frame(packed, number, time.monotonic()))
        times_ms.append((time.perf_counter() - began_s) * 1000)
        time.sleep(_PULSE_MS * 1.5 / 1000)  # the barrier is shut again
    missing = opened + len(frames) - lane.runner.tally.admitted_count
    assert missing == 0, f"{missing} frames opened nothing"
    assert lane.runner.tally.last is not None
    assert lane.runner.tally.last["barrier"] == "opened", lane.runner.tally.last
    return times_ms


class _NoCamera:
    def next_frame(self, timeout_s: float, after: int = -1) -> Frame | None:
        raise NotImplementedError("frames are handed in")


def _frame(code: str) -> bytes:
    """A ticket's code before a grey wall, as a camera sends it."""
    modules = np.array([list(row) for row in qr_rows(code)], bool)
    small = np.pad(np.where(modules, 30, 235).astype(np.uint8), 4, constant_values=235)
    symbol = np.kron(small, np.ones((_MODULE_PIXELS, _MODULE_PIXELS), np.uint8))
    picture = np.full((720, 1280), 140, np.uint8)
    height, width = symbol.shape
    picture[100 : 100 + height, 400 : 400 + width] = symbol
    done, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    assert done
    return data.tobytes()


# --- memory


def _rss_mib(folder: Path, house: SoldOut) -> float:
    """Of a gate's process, once it has read of everything and looked a while."""
    gate = house.enrol_gate(folder / "gate", "Gate 1")
    config = folder / "gate.toml"
    config.write_text(
        f'server_url = "{house.server.url}"\ndata_dir = "{gate}"\n'
        f'witness_dir = "{folder / "witness"}"\n'
        f'[[lanes]]\nname = "Lane 1"\ncamera = "folder:{_camera_folder(folder)}"\n',
        encoding="utf-8",
    )
    program = Path(sys.executable).with_name("boxgate-gate")
    with (folder / "gate.log").open("w") as log:
        process = subprocess.Popen(
            [str(program), "run", "--config", str(config)], stdout=log, stderr=log
        )
        try:
            _wait_for(lambda: _known(gate) >= len(house.ticket_ids), process)
            time.sleep(10)
            return _resident_mib(process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def _known(gate: Path) -> int:
    """Tickets that its copy has; looked at by a reader, for the gate is writing there."""
    if not (gate / "mirror.db").exists():
        return 0
    with closing(open_reader(gate / "mirror.db")) as mirror, suppress(sqlite3.OperationalError):
        statement = "SELECT count(*) FROM ticket WHERE stream = ?"
        return int(mirror.execute(statement, (EVENT,)).fetchone()[0])
    return 0  # it has no tables yet


def _wait_for(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + READY_TIMEOUT_S
    while not is_so():
        if process.poll() is not None or time.monotonic() > until_s:
            raise RuntimeError("the gate's process ended, or read nothing")
        time.sleep(0.5)


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


# --- both


def _camera_folder(folder: Path) -> Path:
    """Pictures of an empty wall."""
    made = folder / "wall"
    if not made.exists():
        made.mkdir()
        wall = np.random.default_rng(1).normal(128, 3, (720, 1280, 3)).clip(0, 255)
        assert cv2.imwrite(str(made / "wall.jpg"), wall.astype(np.uint8))
    return made


def _percentiles(times_ms: Sequence[float]) -> tuple[float, float]:
    return float(np.percentile(times_ms, 50)), float(np.percentile(times_ms, 99))


def _named(name: str, times_ms: Sequence[float]) -> dict[str, float]:
    p50_ms, p99_ms = _percentiles(times_ms)
    return {f"{name}_p50_ms": p50_ms, f"{name}_p99_ms": p99_ms}


if __name__ == "__main__":
    main(sys.argv[1:])
