"""Splits add up, stay fair and keep their sign, whatever the amounts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticketing.money import Money, split_exactly, total

AMOUNTS = st.integers(-(10**13), 10**13)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=30)


@given(whole=AMOUNTS, weights=WEIGHTS)
def test_the_parts_add_up_to_the_whole(whole: int, weights: list[int]) -> None:
    parts = split_exactly(whole, weights)
    assert len(parts) == len(weights)
    assert sum(parts) == whole
    money = Money(whole, "CNY")
    assert total(money.split(weights), "CNY") == money


@given(whole=AMOUNTS, weights=WEIGHTS)
def test_no_part_is_a_whole_unit_off_its_share(whole: int, weights: list[int]) -> None:
    shares = weights if any(weights) else [1] * len(weights)
    for part, weight in zip(split_exactly(whole, weights), shares, strict=True):
        assert abs(part * sum(shares) - whole * weight) < sum(shares)
        assert weight or not part


@given(whole=AMOUNTS, weights=WEIGHTS)
def test_giving_back_mirrors_taking(whole: int, weights: list[int]) -> None:
    assert split_exactly(-whole, weights) == tuple(-part for part in split_exactly(whole, weights))


@given(a=AMOUNTS, b=AMOUNTS)
def test_adding_and_taking_away_is_nothing(a: int, b: int) -> None:
    first, second = Money(a, "CNY"), Money(b, "CNY")
    assert first + second - second == first
    assert first + second == second + first
    assert (first < second) == (a < b)
    assert (first <= second) == (a <= b)
