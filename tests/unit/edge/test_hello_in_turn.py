"""A node with very many journals greets with those that matter, and with the others in turn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edge.journal import Head
from edge.protocol.hello import JOURNALS_MAX, _in_turn


def journals(count: int, **changes: Any) -> tuple[Head, ...]:
    head = Head("", 1, 5, "f" * 64, 5, locked=False)
    return tuple(replace(head, stream=f"event-{n}", **changes) for n in range(count))


def test_up_to_the_limit_all_are_told() -> None:
    ours = journals(JOURNALS_MAX)
    assert _in_turn(ours, 2, 1) == ours


def test_what_is_written_or_not_confirmed_is_told_every_time() -> None:
    urgent = (
        *journals(5, incarnation=2),
        *journals(5, acked=4),
        *journals(5, locked=True, salvaged=4),
    )
    for turn in range(5):
        told = _in_turn((*journals(1_200), *urgent), 2, turn)
        assert len(told) == JOURNALS_MAX
        assert set(urgent) <= set(told)


def test_the_others_all_have_their_turn() -> None:
    ours = (*journals(1_200), *journals(700, incarnation=2))
    told: set[Head] = set()
    for turn in range(1_300):
        told.update(_in_turn(ours, 2, turn))
    assert told == set(ours)
