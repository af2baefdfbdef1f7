"""Running seeds: one, or many on all cores; and what a failing one says."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.hub_world import HubMix, HubWorld, hub_mix_of
from tests.simulation.mix import Mix, mix_of
from tests.simulation.patches import patched
from tests.simulation.verdicts import Astray, Violation
from tests.simulation.world import World

STORY_LINES = 60
Mutation = Callable[[World], AbstractContextManager[object]]


@dataclass(slots=True)
class Outcome:
    """What became of one seed. `broken`: the promise that was, and how; empty when all held.

    `astray`: why its script did not come to its point.
    """

    seed: int
    events: int = 0
    broken: str = ""
    astray: str = ""
    trace: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)


def run_seed(
    seed: int,
    mix: Mix | None = None,
    *,
    telling: bool = False,
    mutation: Mutation | None = None,
    script: Callable[[World], object] | None = None,
) -> Outcome:
    """One world from its seed. `script`: what happens in place of the usual life."""
    outcome = Outcome(seed)
    world = _world_of(seed, mix or mix_of(seed), telling=telling)
    gc.disable()  # a collection in the middle would end fibers whenever it liked
    try:
        with patched(world), mutation(world) if mutation else nullcontext():
            (script or World.run)(world)
    except Violation as violation:
        outcome.broken = str(violation)
    except Astray as astray:
        outcome.astray = str(astray)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        cause = error.__cause__ or error
        outcome.broken = f"defect: {type(cause).__name__}: {cause}"
        outcome.trace = "".join(traceback.format_exception(error))
    finally:
        world.close()
        gc.enable()
    outcome.events, outcome.counts, outcome.story = world.works.events, world.counts, world.story
    return outcome


def run_hub_seed(seed: int, *, telling: bool = False) -> Outcome:
    """One world with a hub, from its seed."""
    return run_seed(seed, hub_mix_of(seed), telling=telling)


def _world_of(seed: int, mix: Mix, *, telling: bool) -> World:
    kind = HubWorld if isinstance(mix, HubMix) else World
    return kind(seed, mix, telling=telling)  # type: ignore[arg-type]


@dataclass(slots=True)
class Total:
    """What many seeds came to."""

    seeds: int = 0
    events: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self.seeds += 1
        self.events += outcome.events
        self.counts += outcome.counts
        if outcome.broken:
            self.failed.append(outcome)

    def as_json(self, sometimes: Iterable[str]) -> dict[str, Any]:
        """The last line of a run."""
        return {
            "seeds": self.seeds,
            "events": self.events,
            "violations": len(self.failed),
            "seconds": round(self.seconds, 1),
            "sometimes": {name: self.counts[name] for name in sometimes},
        }


def run_many(first: int, count: int, *, processes: int | None = None, hub: bool = False) -> Total:
    """Seeds `first` and on, on all cores; `hub`: of houses with one."""
    run = run_hub_seed if hub else run_seed
    total, began_s = Total(), time.perf_counter()
    seeds = range(first, first + count)
    workers = processes or os.cpu_count() or 1
    if workers == 1:
        for seed in seeds:
            total.add(run(seed))
    else:
        context = multiprocessing.get_context("fork")
        with context.Pool(workers, maxtasksperchild=2_000) as pool:
            for outcome in pool.imap_unordered(run, seeds, chunksize=4):
                total.add(outcome)
    total.failed.sort(key=lambda outcome: outcome.seed)
    total.seconds = time.perf_counter() - began_s
    return total


def replay_command(seed: int, *, hub: bool = False) -> str:
    """What shows this very run again."""
    flag = "--hub " if hub else ""
    return f".venv/bin/python -m tests.simulation {flag}--seed {seed} --verbose"


def tell(outcome: Outcome, *, hub: bool = False) -> str:
    """A failing seed for a reader: what was broken, what led there, and how to see it again."""
    run = run_hub_seed if hub else run_seed
    again = outcome if outcome.story else run(outcome.seed, telling=True)
    lines = again.story[-STORY_LINES:]
    left_out = len(again.story) - len(lines)
    parts = [f"seed {outcome.seed}: {outcome.broken}"]
    if left_out > 0:
        parts.append(f"  ... {left_out} lines before")
    parts += [f"  {line}" for line in lines]
    if again.trace:
        parts.append(again.trace)
    if again.broken != outcome.broken:
        parts.append(f"NOT THE SAME when run again: {again.broken!r}")
    return "\n".join([*parts, f"replay: {replay_command(outcome.seed, hub=hub)}"])
