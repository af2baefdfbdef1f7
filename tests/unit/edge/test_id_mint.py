"""Ids in runs: different from each other, next to each other, and like no other run's."""

from __future__ import annotations

import pytest

from edge import id_mint
from edge.id_mint import IdMint
from tests.fakes.edge_node import TurnedEnv
from ticketing.ids import is_order_id, is_ticket_id


def test_ids_of_one_run_differ_and_follow_each_other() -> None:
    mint = IdMint(TurnedEnv())
    made = [mint.next() for _ in range(300)]
    assert len(set(made)) == 300
    assert made == sorted(made)
    assert {each[:10] for each in made} == {made[0][:10]}
    assert all(is_ticket_id(each) and is_order_id(each) for each in made)


def test_every_run_of_the_program_has_its_own() -> None:
    assert IdMint(TurnedEnv()).next()[:10] != IdMint(TurnedEnv()).next()[:10]


def test_a_run_that_is_used_up_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_mint, "_COUNT_MAX", 2)
    mint = IdMint(TurnedEnv())
    made = [mint.next() for _ in range(5)]
    assert len(set(made)) == 5
    assert [each[10:] for each in made] == ["000001", "000002", "000001", "000002", "000001"]
