"""`python -m tests.simulation`: seeds on all cores, one seed with its story, or the mutants."""

from __future__ import annotations

import argparse
import json
import os
import sys

from tests.simulation.mutants import run_mutants
from tests.simulation.running import run_hub_seed, run_many, run_seed, tell
from tests.simulation.sometimes import FROM_SEEDS, SOMETIMES, SOMETIMES_WITH_HUB

TOLD_MAX = 3


def main() -> int:
    """Run what the arguments say; 0 when nothing was broken and nothing was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="so many seeds")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="from this one on")
    parser.add_argument("--processes", type=int, default=0, metavar="N", help="0: every core")
    parser.add_argument("--seed", type=int, metavar="N", help="only this seed")
    parser.add_argument("--verbose", action="store_true", help="its whole story")
    parser.add_argument("--hub", action="store_true", help="houses with a hub: seeds of their own")
    parser.add_argument("--mutants", action="store_true", help="every safeguard switched off once")
    parser.add_argument("--search", type=int, default=0, metavar="N", help="mutants by N seeds")
    given = parser.parse_args()
    if given.mutants:
        return run_mutants(given.search)
    if given.seed is not None:
        return _one(given.seed, verbose=given.verbose, hub=given.hub)
    return _many(given.first, given.seeds, given.processes or None, hub=given.hub)


def _one(seed: int, *, verbose: bool, hub: bool) -> int:
    outcome = (run_hub_seed if hub else run_seed)(seed, telling=True)
    if verbose:
        sys.stdout.write("\n".join(outcome.story) + "\n" + outcome.trace)
    sys.stdout.write(f"seed {seed}: {outcome.broken or 'every promise held'}\n")
    return 1 if outcome.broken else 0


def _many(first: int, seeds: int, processes: int | None, *, hub: bool) -> int:
    total = run_many(first, seeds, processes=processes, hub=hub)
    sometimes = SOMETIMES_WITH_HUB if hub else SOMETIMES
    for outcome in total.failed[:TOLD_MAX]:
        sys.stdout.write(tell(outcome, hub=hub) + "\n\n")
    for outcome in total.failed[TOLD_MAX:]:
        sys.stdout.write(f"seed {outcome.seed}: {outcome.broken}\n")
    missed = [name for name in sometimes if not total.counts[name]]
    if missed and seeds >= FROM_SEEDS:
        sys.stdout.write(f"never happened, so nothing was shown about it: {', '.join(missed)}\n")
    sys.stdout.write(json.dumps(total.as_json(sometimes)) + "\n")
    return 1 if total.failed or (missed and seeds >= FROM_SEEDS) else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of texts have one order, whoever runs it
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(  # noqa: S606 - ourselves, with one more variable
            sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        )
    sys.exit(main())
