"""The quick part of the simulation: a few seeds, and every mutant in its own mix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.hub_world import hub_mix_of
from tests.simulation.mutants import MUTANTS, Mutant, kill, sound
from tests.simulation.running import run_many, run_seed, tell

SEEDS = 30
SEEDS_WITH_HUB = 3


def test_every_promise_holds_whatever_breaks() -> None:
    total = run_many(1, SEEDS)
    assert not total.failed, "\n\n".join(map(tell, total.failed[:2]))


def test_every_promise_holds_with_a_hub_whatever_breaks() -> None:
    total = run_many(1, SEEDS_WITH_HUB, hub=True)
    assert not total.failed, "\n\n".join(tell(failed, hub=True) for failed in total.failed[:2])


def test_a_seed_with_a_hub_gives_the_same_run_again() -> None:
    mix = replace(hub_mix_of(2), runs_s=25.0)
    first, second = (run_seed(2, mix, telling=True) for _ in range(2))
    assert first.story == second.story
    assert first.events == second.events


def test_a_seed_gives_the_same_run_again() -> None:
    first, second = (run_seed(7, telling=True) for _ in range(2))
    assert first.story == second.story
    assert first.events == second.events


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_safeguard_that_is_switched_off_is_missed(mutant: Mutant) -> None:
    _seeds, outcome = kill(mutant)
    assert outcome is not None
    with_it = sound(mutant, outcome.seed)
    assert not with_it.broken, f"the whole program breaks it too: {with_it.broken}"
    assert not with_it.astray
