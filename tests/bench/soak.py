"""A gate for a long time among faults: `python -m tests.bench.soak --minutes N [--seed S]`.

A gate's process of five lanes (four imagers on serial lines, one camera, all barriers with passage contacts on one
board), a real server, visitors at full rate. Meanwhile readers are pulled out, the board loses and
garbles replies and is pulled out, the server hangs and is killed, and the gate's disk is full. The
last line is JSON:

- `rss_first_mib`, `rss_last_mib`: memory of the gate's process after the warm-up (two minutes; of a
  run below six minutes the first third) and at the end; `rss_start_mib` as soon as it worked;
  `rss_mib_per_minute`: the slope of the straight line through all that was seen after the warm-up.
  Until then the gate fills what has a limit: fifty entries of each lane that may be taken back, the
  grants of a minute, two hundred refused codes, at most 512 KiB of pages for each connection.
- `missed`: tickets held up for a minute without an answer.
- `unaccounted`: entries that the gate's lines and the server's rows do not agree about, copies that
  went in, and people who were shut out.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from hardware.relay.simulator import RelaySimulator
from sync_server.store.database import open_engine
from tests.bench._house import CAPACITY, make_house
from tests.bench._soak_house import Gate, Server, make_papers, wait_for
from tests.bench._soak_lanes import Holds, PictureFolder, PtyImager, Visitors
from tests.chaos.disks import limited
from tests.demo.programs import free_port

SERIAL_LANES = 4
TICKETS_PER_MINUTE = 2_000
_FAULT_EVERY_S = (2.0, 6.0)
_CALM_SHARE = 0.1
_SAMPLE_S = 5.0
_WARM_UP_S = 120.0
_WARM_UP_SHARE_MAX = 1 / 3


@dataclass
class Faults:
    """What may go wrong, one thing at a time."""

    gate: Gate
    server: Server
    board: RelaySimulator
    lanes: list[Visitors]
    rng: random.Random
    counts: Counter[str]

    def one(self) -> None:
        """Have something go wrong, and mend it."""
        fault = self.rng.choice(
            (
                self.reader_unplugged,
                self.replies_lost,
                self.replies_garbled,
                self.board_unplugged,
                self.server_hangs,
                self.server_killed,
                self.disk_full,
            )
        )
        self.counts[fault.__name__] += 1
        fault()

    def reader_unplugged(self) -> None:
        """A cable is pulled out."""
        self._for_a_while(*self._ends_of(self.rng.choice(self.lanes)))

    def replies_lost(self) -> None:
        """The line to the board loses some replies."""
        self.board.replies_to_drop_count = self.rng.randint(1, 8)

    def replies_garbled(self) -> None:
        """Or damages them, or parts of them get lost."""
        self.board.replies_to_garble_count = self.rng.randint(1, 4)
        self.board.replies_to_cut_count = self.rng.randint(1, 4)

    def board_unplugged(self) -> None:
        """All barriers are away."""
        self._for_a_while(self.board.unplug, self.board.plug_in)

    def server_hangs(self) -> None:
        """It takes calls and does not answer."""
        self._for_a_while(lambda: self.server.freeze(on=True), lambda: self.server.freeze(on=False))

    def server_killed(self) -> None:
        """It is killed, and started again."""
        self._for_a_while(self.server.kill, self.server.start)

    def disk_full(self) -> None:
        """No file of the gate grows."""
        with limited(self.gate.pid, self.gate.data / "journal.db"):
            time.sleep(self.rng.uniform(0.5, 3.0))

    def _for_a_while(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        begin()
        try:
            time.sleep(self.rng.uniform(0.5, 4.0))
        finally:
            end()

    @staticmethod
    def _ends_of(lane: Visitors) -> tuple[Callable[[], None], Callable[[], None]]:
        return lane.holds.unplug, lane.holds.plug_in


def main() -> None:
    """Soak and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=1.0)
    arguments.add_argument("--seed", type=int, default=1)
    # The other measurements of `make bench` take no arguments of ours.
    given, _others = arguments.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="boxgate-soak-") as folder, ExitStack() as opened:
        found = soak(Path(folder), opened, given.minutes, given.seed)
    for line, history in found.pop("wrong"):  # type: ignore[attr-defined]
        print(f"   wrong: {json.dumps(line)}")
        for told in history:
            print(f"      before: {json.dumps(told)}")
    for name, value in sorted(found.pop("counts").items()):  # type: ignore[attr-defined]
        print(f"   {name:<24} {value:>10,}")
    print(json.dumps(found))


def soak(folder: Path, opened: ExitStack, minutes: float, seed: int) -> dict[str, object]:
    """Run it; what was found."""
    tickets = int(TICKETS_PER_MINUTE * max(1.0, minutes))
    performances = -(-tickets // CAPACITY)
    settings = make_house(folder, "", performances)
    server = Server(settings, folder, free_port())
    server.start()
    opened.callback(server.kill)
    papers = make_papers(settings, server.url, tickets)
    board = opened.enter_context(RelaySimulator(folder / "relay", channels_count=8))
    gate = Gate(folder, settings, server.url, _lanes(folder, performances))
    stop = threading.Event()
    places: list[Holds] = [PtyImager(folder / f"imager{at}") for at in range(SERIAL_LANES)]
    places.append(PictureFolder(folder / "frames"))
    lanes = [
        Visitors(f"Lane {at + 1}", holds, gate, board, at, papers.waiting, stop, seed * 100 + at)
        for at, holds in enumerate(places)
    ]
    gate.start()
    opened.callback(gate.stop)
    counts: Counter[str] = Counter()
    faults = Faults(gate, server, board, lanes, random.Random(seed), counts)
    samples = _through_the_evening(gate, lanes, faults, minutes * 60)
    stop.set()
    for lane in lanes:
        lane.thread.join(30)
        counts.update(lane.counts)
    wait_for("the server to have everything", lambda: _is_in_step(gate))
    code = gate.stop()
    counts["gate_exit_code"] = code
    wrong = _unaccounted(settings.database, gate, counts)
    return {
        "minutes": minutes,
        "entries": counts["entries"],
        **_memory(samples),
        "missed": counts["missed"],
        "unaccounted": wrong + counts["copy_admitted"] + counts["shut_out"] + abs(code),
        "counts": dict(counts),
        "wrong": [(line, _told_of(gate, line)) for lane in lanes for line in lane.wrong],
    }


def _memory(samples: list[tuple[float, float]]) -> dict[str, float]:
    """What (second, MiB) tell of the gate's memory."""
    warm_up_s = min(_WARM_UP_S, samples[-1][0] * _WARM_UP_SHARE_MAX)
    warm = [each for each in samples if each[0] >= warm_up_s]
    slope = 0.0
    if len(warm) > 1:
        slope = statistics.linear_regression(*zip(*warm, strict=True)).slope
    return {
        "rss_start_mib": round(samples[0][1], 1),
        "rss_first_mib": round(warm[0][1], 1),
        "rss_last_mib": round(samples[-1][1], 1),
        "rss_mib_per_minute": round(slope * 60, 2),
    }


def _told_of(gate: Gate, wrong: dict[str, object]) -> list[dict[str, object]]:
    """What the gate had said of the ticket before."""
    told = [line for line in gate.said if line.get("ticket") == wrong["ticket"]]
    return [line for line in told if str(line["at"]) < str(wrong["at"])]


def _lanes(folder: Path, performances: int) -> str:
    """The settings of all lanes."""
    served = list(range(1, performances + 1))
    relay = f"modbus-rtu:{folder / 'relay'}?baud=115200&channels=8&inputs=8"
    tables = []
    for at in range(SERIAL_LANES + 1):
        reader = (
            f'camera = "none:"\nreaders = ["serial-line:{folder / f"imager{at}"}?baud=115200"]\n'
            if at < SERIAL_LANES
            else f'camera = "folder:{folder / "frames"}?watch=1&repeat=3"\n'
        )
        tables.append(
            f'[[lanes]]\nname = "Lane {at + 1}"\n{reader}relay = "{relay}"\n'
            f"relay_number = {at + 1}\npassage_input = {at + 1}\nperformances = {served}\n"
        )
    return "\n".join(tables)


def _through_the_evening(
    gate: Gate, lanes: list[Visitors], faults: Faults, seconds: float
) -> list[tuple[float, float]]:
    """Faults until shortly before the end; every few seconds the time and the gate's memory, MiB."""
    samples: list[tuple[float, float]] = []
    over = threading.Event()
    began_s = time.monotonic()

    def sample() -> None:
        samples.append((time.monotonic() - began_s, gate.rss_mib()))

    def watch() -> None:
        while not over.wait(_SAMPLE_S):
            if not gate.is_alive():
                raise RuntimeError("the gate's process ended; see gate.log")
            sample()

    for lane in lanes:
        lane.thread.start()
    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    while (left_s := seconds - (time.monotonic() - began_s)) > seconds * _CALM_SHARE:
        time.sleep(min(left_s, faults.rng.uniform(*_FAULT_EVERY_S)))
        faults.one()
    time.sleep(max(0.0, seconds - (time.monotonic() - began_s)))
    over.set()
    watching.join()
    sample()
    return samples


def _is_in_step(gate: Gate) -> bool:
    status = gate.status()
    waiting = sum(lane["unwritten"] for lane in status.get("lanes", []))
    online = status.get("link", {}).get("state") == "online"
    return bool(online and status["unsynced"] == 0 and waiting == 0)


def _unaccounted(database: str, gate: Gate, counts: Counter[str]) -> int:
    """Entries that are not the same in the gate's lines and at the server."""
    engine = open_engine(database)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT op_id, phase FROM entry")).fetchall()
    engine.dispose()
    kept = {str(row.op_id): str(row.phase) for row in rows}
    admits = [line for line in gate.said if line.get("decision") == "admit"]
    went = {line["op"] for line in admits if line["barrier"] == "opened"}
    unwritten = {line["op"] for line in admits if line.get("recorded") is False}
    ends = {line["op"]: line["event"] for line in gate.said if line.get("event") in _ENDS}
    told_wrong = [op for op, end in ends.items() if op not in unwritten and kept.get(op) != end]
    counts["entries"] = len(kept)
    counts["lost"] = len(went - kept.keys())
    counts["never_said"] = len(kept.keys() - {line["op"] for line in admits})
    counts["ended_otherwise"] = len(told_wrong)
    counts["tailgates"] = sum(line.get("event") == "tailgate" for line in gate.said)
    return counts["lost"] + counts["never_said"] + counts["ended_otherwise"]


_ENDS = ("passed", "returned")

if __name__ == "__main__":
    main()
