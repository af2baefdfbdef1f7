"""Many runs, one after the other: python -m tests.chaos --kills 200.

Each run has a seed of its own and at most twenty kills; three in five are on SQLite, the rest on
PostgreSQL with two servers. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.storm import ChaosFound, run_storm

RUN_KILLS_MAX = 20


def main() -> int:
    """0 when the books of every run are right."""
    options = _options()
    began_s = time.monotonic()
    total: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    takeover_s, runs, failed = 0.0, 0, 0
    for database, seed, kills in _runs(options):
        runs += 1
        print(f"run {runs}: {database}, {kills} kills, seed {seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix="boxgate-chaos-") as folder:
            try:
                done = run_storm(Path(folder) / "house", seed, kills, database, _say)
            except ChaosFound as found:
                print(f"THE BOOKS ARE WRONG\n{found}", flush=True)
                failed += 1
                continue
        print(f"   {done.seconds} s, {done.counts}", flush=True)
        total.update(done.counts)
        faults.update(done.faults)
        total["kills"] += done.kills
        takeover_s = max(takeover_s, done.takeover_s_max)
    seconds = round(time.monotonic() - began_s, 1)
    summary = {
        "runs": runs,
        "failed": failed,
        "kills": total.pop("kills", 0),
        "takeover_s_max": takeover_s,
        "seconds": seconds,
        "counts": dict(total),
        "faults": dict(faults),
    }
    print(json.dumps(summary))
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="in all runs together")
    parser.add_argument("--seed", type=int, default=None, help="of the first run")
    parser.add_argument("--database", choices=["both", "sqlite", "postgres"], default="both")
    return parser.parse_args()


def _runs(options: argparse.Namespace) -> list[tuple[str, int, int]]:
    """Database, seed and kills of each run."""
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    on_sqlite = {"both": options.kills * 3 // 5, "sqlite": options.kills, "postgres": 0}
    counts = {"sqlite": on_sqlite[options.database]}
    counts["postgres"] = options.kills - counts["sqlite"]
    sizes = [
        (database, min(RUN_KILLS_MAX, count - at))
        for database, count in counts.items()
        for at in range(0, count, RUN_KILLS_MAX)
    ]
    return [(database, seed + at, kills) for at, (database, kills) in enumerate(sizes)]


def _say(what: str) -> None:
    print(f"   {time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
