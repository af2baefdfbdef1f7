"""Hostile codes, chips and serial bytes: `python -m tests.bench.hostile [--cases 100000]`.

Malformed and forged input of every kind goes through the real decoders, parsers and the doorman of
a gate that is cut off, on real files, with one performance's doors open. `crashes` and `admissions`
must be zero; each is told with its kind and seed, by which `--only KIND --seed N` makes it again.
`seen` is how many texts came through to the doorman, `reasons` what he answered.

A further kind is one entry in `kinds`: it takes chance alone and gives what a lane would see.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from gate_agent.admit import LetIn
from hardware.reader import Seen
from tests.bench import _hostile_bytes, _hostile_codes
from tests.bench._hostile_codes import Attempt
from tests.fakes.hall import SetEnv
from tests.integration.gate_agent.lane_stage import DOORS, Stage

TOLD_MAX = 20
"""Failures told in full."""
TEXTS_A_PICTURE = 10
"""Attempts of other kinds for each with a picture."""


def kinds() -> dict[str, Attempt]:
    """Every kind of hostile input by name; each gives the texts that a lane would see."""

    def values(attempt: Callable[[Random], list[Seen]]) -> Attempt:
        return lambda chance: [seen.value for seen in attempt(chance)]

    from_bytes = {kind: values(attempt) for kind, attempt in _hostile_bytes.KINDS.items()}
    return {**_hostile_codes.KINDS, **from_bytes}


@dataclass
class Outcome:
    """What came of the attempts."""

    cases: int = 0
    seen: int = 0
    crashes: int = 0
    admissions: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Keep what went wrong, up to a limit."""
        if len(self.told) < TOLD_MAX:
            self.told.append(sentence)

    def add(self, other: Outcome) -> None:
        """Count another outcome in."""
        self.cases += other.cases
        self.seen += other.seen
        self.crashes += other.crashes
        self.admissions += other.admissions
        self.reasons += other.reasons
        for sentence in other.told:
            self.tell(sentence)


@contextmanager
def gate() -> Iterator[Stage]:
    """A gate that knows the till and its allotment, and is cut off. Its files are thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), SetEnv(DOORS))
        stage.lend()
        try:
            yield stage
        finally:
            stage.close()


def attack(stage: Stage, kind: str, attempt: Attempt, seeds: range) -> Outcome:
    """Make the attempts of one kind, and hold up to the gate what comes of each."""
    outcome = Outcome()
    for seed in seeds:
        outcome.cases += 1
        try:
            texts = attempt(Random(f"{kind} {seed}"))
            answers = [stage.scan(text) for text in texts]
        except Exception as error:  # noqa: BLE001 - a crash is what is looked for
            outcome.crashes += 1
            outcome.tell(f"{kind} {seed}: {error!r}")
            continue
        stage.arbiter.asked.clear()
        outcome.seen += len(texts)
        for answer in answers:
            if isinstance(answer, LetIn):
                outcome.admissions += 1
                outcome.tell(f"{kind} {seed}: let in")
            else:
                outcome.reasons[answer.reason.value] += 1
    return outcome


def cases_by_kind(chosen: Sequence[str], cases: int) -> dict[str, int]:
    """How many of `cases` fall to each kind: evenly, but fewer to pictures, which take long."""
    weights = {kind: 1 if kind in _hostile_codes.PICTURES else TEXTS_A_PICTURE for kind in chosen}
    total = sum(weights.values())
    return {kind: -(-cases * weight // total) for kind, weight in weights.items()}


def main(argv: Sequence[str] = ()) -> None:
    """Attack and print."""
    every = kinds()
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hostile")
    parser.add_argument("--cases", type=int, default=100_000, help="attempts over all kinds")
    parser.add_argument("--seed", type=int, default=0, help="the first seed of each kind")
    parser.add_argument("--only", choices=sorted(every), metavar="KIND")
    options = parser.parse_args(argv)
    chosen = {options.only: every[options.only]} if options.only else every
    counts = cases_by_kind(list(chosen), options.cases)
    total = Outcome()
    with gate() as stage:
        for kind, attempt in chosen.items():
            seeds = range(options.seed, options.seed + counts[kind])
            found = attack(stage, kind, attempt, seeds)
            total.add(found)
            print(f"   {kind:<18}{found.cases:>7}{found.seen:>7} seen  {dict(found.reasons)}")
        # Else all of them might have been refused for another reason than their own.
        assert isinstance(stage.scan(_hostile_codes.genuine(Random(1))), LetIn)
    for sentence in total.told:
        print(f"   {sentence}")
    print(
        json.dumps(
            {
                "cases": total.cases,
                "seen": total.seen,
                "crashes": total.crashes,
                "admissions": total.admissions,
                "reasons": dict(total.reasons.most_common()),
            }
        )
    )


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
