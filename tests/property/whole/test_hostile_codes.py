"""Malformed and forged codes: always an answer, never an admission. `tests.bench.hostile` has more."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from gate_agent.admit import LetIn
from tests.bench._hostile_codes import PICTURES, TEXTS, genuine
from tests.bench.hostile import attack, gate, kinds
from tests.integration.gate_agent.lane_stage import Stage
from ticketing.code import CodeFault, TicketCode, parse_code


@pytest.fixture(scope="module")
def cut_off() -> Iterator[Stage]:
    with gate() as stage:
        yield stage


@pytest.mark.parametrize("kind", kinds())
def test_no_hostile_input_gets_in_or_crashes_a_gate(cut_off: Stage, kind: str) -> None:
    cases = 12 if kind in PICTURES else 60
    outcome = attack(cut_off, kind, kinds()[kind], range(cases))
    assert outcome.told == []
    assert (outcome.crashes, outcome.admissions) == (0, 0)
    assert outcome.seen >= cases // 12, "nothing came through, so nothing was tried"
    assert outcome.seen == outcome.reasons.total()


def test_the_gate_that_is_attacked_lets_a_sold_ticket_in(cut_off: Stage) -> None:
    assert isinstance(cut_off.scan(genuine(Random(1))), LetIn)


def test_an_attack_that_succeeds_is_told_with_its_kind_and_seed(cut_off: Stage) -> None:
    def crash(_chance: Random) -> list[str]:
        raise ZeroDivisionError

    let_in = attack(cut_off, "sold", lambda chance: [genuine(chance)], range(3, 4))
    crashed = attack(cut_off, "broken", crash, range(5, 6))
    assert (let_in.admissions, let_in.told) == (1, ["sold 3: let in"])
    assert (crashed.crashes, crashed.told) == (1, ["broken 5: ZeroDivisionError()"])


@pytest.mark.parametrize("kind", TEXTS)
def test_every_hostile_text_is_a_fault_or_a_code_with_a_signature_to_check(kind: str) -> None:
    for seed in range(100):
        [text] = TEXTS[kind](Random(seed))
        assert isinstance(parse_code(text), CodeFault | TicketCode)


def test_the_same_seed_is_the_same_attempt() -> None:
    for kind, attempt in kinds().items():
        assert attempt(Random(7)) == attempt(Random(7)), kind
