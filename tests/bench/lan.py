"""How fast gates hear of each other: `python -m tests.bench.lan [--seconds 10] [--changes 200]`.

- `admits_per_s`, `admit_p50_ms`, `admit_p99_ms`: one HTTP request = one scan that the arbiter
  decides and records (token, signature, rules, entry, feed), on 64 connections of 64 gates, against
  one server process. The requests are prepared; the entries are counted after the run.
- `server_spread_p50_ms`, `..._p99_ms`: from the moment a gate has an entry recorded at the server to
  the moment another gate's mirror has it.
- `hub_spread_p50_ms`, `hub_spread_p99_ms`: the same for two gates below a hub, a process and a database
  of its own, which is the arbiter; the line to the centre is up. `spread_p99_ms` is the worse of both.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
from sqlalchemy import text

from gate_agent.admit import LetIn
from gate_agent.agent import Agent, corrected_ms, open_agent, running
from gate_agent.settings import GateSettings, LaneSettings
from sync_server import commands
from sync_server.heart.arbiters import GiveToHub
from sync_server.heart.source import run_in
from sync_server.hub.joining import join
from sync_server.services.catalogue import PlanShelf
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from sync_server.store.transact import transact
from tests.bench._gate_house import SoldOut, sold_out, wait_until_read
from tests.bench._house import EVENT, BenchNode, boxgate_server
from tests.bench._load import Played, RequestFiles, play, require_wrk

GATES = 64
SPREAD_TIMEOUT_S = 10.0
HUB_TIMEOUT_S = 60.0
_LOOK_AGAIN_S = 0.0005


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lan")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--admits", type=int, default=60_000, help="how many are prepared")
    parser.add_argument("--changes", type=int, default=200)
    options = parser.parse_args(argv)
    require_wrk()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="boxgate-bench-") as name:
        folder = Path(name)
        (folder / "house").mkdir()
        with sold_out(folder / "house", options.admits + 2 * options.changes) as house:
            at_server = _spread(folder, house, options.admits, options.changes)
            found.update(_admits(folder, house, options.admits, options.seconds))
            at_hub = _hub_spread(folder, house, options.admits + options.changes, options.changes)
    found |= _named("hub", at_hub) | _named("server", at_server)
    found["spread_p99_ms"] = max(found["hub_spread_p99_ms"], found["server_spread_p99_ms"])
    for key, value in found.items():
        print(f"   {key:<24} {round(value, 2)}")
    print(json.dumps({key: round(value, 2) for key, value in found.items()}))


# --- one gate to another


def _spread(
    folder: Path,
    house: SoldOut,
    first: int,
    changes: int,
    names: Sequence[str] = ("Gate 1", "Gate 2"),
    settle: Callable[[], None] = lambda: None,
) -> Sequence[float]:
    """What each change took, ms. `settle`: called when both gates have read everything."""
    stop = threading.Event()
    with ExitStack() as opened:
        here, there = (
            opened.enter_context(open_agent(_settings(folder, house, name), lambda _line: None))
            for name in names
        )
        for agent in (here, there):
            opened.enter_context(running(agent, stop))
        for agent in (here, there):
            wait_until_read(agent, len(house.ticket_ids))
        settle()
        return [_change_ms(here, there, house.code(first + n)) for n in range(changes)]


def _named(whose: str, times_ms: Sequence[float]) -> dict[str, float]:
    return {
        f"{whose}_spread_p{percent}_ms": float(np.percentile(times_ms, percent))
        for percent in (50, 99)
    }


def _hub_spread(folder: Path, house: SoldOut, first: int, changes: int) -> Sequence[float]:
    """Between two gates below a hub that answers them."""
    code = commands.make_enrolment_code(house.settings, NodeRole.HUB, "Hub 1", 60)
    hub = Settings(data_dir=folder / "hub" / "data")
    hub.data_dir.parent.mkdir()
    joined = join(hub, house.server.url, code.text)

    def give() -> None:
        engine = open_engine(house.settings.database)
        transact(engine, lambda tx: run_in(tx, GiveToHub(EVENT, joined.node_id), PlanShelf()))
        engine.dispose()
        _wait_until_it_answers(hub)

    with boxgate_server(hub, "hub") as server:
        below = replace(house, server=server)
        return _spread(folder, below, first, changes, ("Gate 3", "Gate 4"), give)


def _wait_until_it_answers(hub: Settings) -> None:
    engine = open_engine(hub.database)
    statement = text("SELECT whole_epoch FROM upstream WHERE event_id = :e")
    until_s = time.monotonic() + HUB_TIMEOUT_S
    while time.monotonic() < until_s:
        with engine.connect() as connection:
            if connection.execute(statement, {"e": EVENT}).scalar():
                engine.dispose()
                return
        time.sleep(0.1)
    raise RuntimeError("the hub never became the arbiter")


def _settings(folder: Path, house: SoldOut, name: str) -> GateSettings:
    gate = house.enrol_gate(folder / name, name)
    lane = LaneSettings(camera="none:", readers=("serial-line:/dev/boxgate-none",))
    return GateSettings(house.server.url, gate, witness_dir=folder / f"{name} w", lane=lane)


def _change_ms(here: Agent, there: Agent, code: str) -> float:
    outcome = here.lanes[0].runner.doorman.scan(code, corrected_ms(here.node))
    began_s = time.perf_counter()
    here.node.engine.nudge()
    assert isinstance(outcome, LetIn), outcome
    while not _knows(there, outcome.op_id):
        if time.perf_counter() - began_s > SPREAD_TIMEOUT_S:
            raise RuntimeError("the other gate never heard of it")
        time.sleep(_LOOK_AGAIN_S)
    return (time.perf_counter() - began_s) * 1000


def _knows(agent: Agent, op_id: str) -> bool:
    with agent.node.replica.mirror.reading() as mirror:
        return bool(
            mirror.execute(
                "SELECT 1 FROM entry WHERE stream = ? AND op_id = ?", (EVENT, op_id)
            ).fetchone()
        )


# --- the arbiter


def _admits(folder: Path, house: SoldOut, count: int, seconds: int) -> dict[str, float]:
    files, per_gate = RequestFiles(folder / "requests", GATES), count // GATES
    with httpx.Client(base_url=house.server.url, timeout=60, trust_env=False) as http:
        for number in range(GATES):
            gate = BenchNode(http, NodeRole.GATE).enrol(house.settings, f"Lane {number}").sign_in()
            codes = (house.code(at) for at in range(number * per_gate, (number + 1) * per_gate))
            files.write(number, (_request(gate, code, f"Lane {number}") for code in codes))
    before, used_s = _entries(house), house.server.cpu_s()
    played = play(house.server.url, files, seconds)
    used_s = house.server.cpu_s() - used_s
    recorded = _entries(house) - before
    _check(played, recorded)
    each_us = used_s * 1e6 / max(1, played.requests)
    print(f"   {recorded} entries recorded; server {each_us:.0f} us of processor time for each")
    return {
        "admits_per_s": played.per_s,
        "admit_p50_ms": played.p50_ms,
        "admit_p99_ms": played.p99_ms,
        "errors": float(played.errors + played.ran_out),
    }


def _request(gate: BenchNode, code: str, lane: str) -> bytes:
    body = {"op": secrets.token_hex(16), "code": code, "lane": lane, "seen": []}
    content = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST /v1/e/{EVENT}/admit HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\n"
        "User-Agent: boxgate-gate/0.1.0\r\n"
        f"Authorization: Bearer {gate.token}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _entries(house: SoldOut) -> int:
    engine = open_engine(house.settings.database)
    with engine.connect() as connection:
        statement = text("SELECT count(*) FROM entry WHERE event_id = :e")
        count = connection.execute(statement, {"e": EVENT}).scalar_one()
    engine.dispose()
    return int(count)


def _check(played: Played, recorded: int) -> None:
    acknowledged = played.requests - played.errors
    if not acknowledged <= recorded <= acknowledged + GATES:
        raise RuntimeError(f"{acknowledged} scans were answered, and {recorded} are recorded")


if __name__ == "__main__":
    main(sys.argv[1:])
