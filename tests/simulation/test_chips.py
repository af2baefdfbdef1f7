"""A chip beside its paper: one ticket all the same, at gates that hear each other or do not."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.running import run_seed

OF_CHIPS = [each for each in MUTANTS if each.name.endswith("_by_chip")]


@pytest.mark.parametrize("mutant", OF_CHIPS, ids=lambda each: each.name)
def test_a_chip_opens_what_its_ticket_does_and_no_more(mutant: Mutant) -> None:
    outcome = run_seed(mutant.first, mutant.mix, script=mutant.script)
    assert not outcome.broken, outcome.broken
    assert not outcome.astray, outcome.astray


@pytest.mark.parametrize("mutant", OF_CHIPS, ids=lambda each: each.name)
def test_without_the_safeguard_it_would(mutant: Mutant) -> None:
    outcome = run_seed(mutant.first, mutant.mix, mutation=mutant.off, script=mutant.script)
    assert outcome.broken, outcome.astray
    assert not outcome.broken.startswith("defect"), outcome.trace
