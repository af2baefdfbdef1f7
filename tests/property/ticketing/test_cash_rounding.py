"""Rounding of cash: near, fair, and never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.cash_rounding import UNIT_MAX, is_rounding, round_cash

AMOUNTS = st.integers(-(10**9), 10**9)
UNITS = st.integers(1, UNIT_MAX)


@given(exact=AMOUNTS, unit=UNITS)
def test_never_more_than_half_of_the_smallest_coin(exact: int, unit: int) -> None:
    rounded = round_cash(exact, unit)
    assert rounded.cash_minor % unit == 0, "coins make it"
    assert 2 * abs(rounded.rounding_minor) <= unit
    assert rounded.exact_minor + rounded.rounding_minor == rounded.cash_minor
    assert is_rounding(rounded.rounding_minor, exact)


@given(exact=AMOUNTS, unit=UNITS)
def test_paying_back_rounds_as_paying_does(exact: int, unit: int) -> None:
    assert round_cash(-exact, unit).cash_minor == -round_cash(exact, unit).cash_minor


@given(exact=AMOUNTS)
def test_where_every_minor_unit_is_a_coin_nothing_is_rounded(exact: int) -> None:
    assert round_cash(exact, 1).rounding_minor == 0


@pytest.mark.parametrize(
    ("exact", "unit", "cash"),
    [
        pytest.param(1_004, 10, 1_000, id="four fen are left out"),
        pytest.param(1_006, 10, 1_010, id="six fen are a jiao"),
        pytest.param(1_005, 10, 1_000, id="the very middle is the smaller one"),
        pytest.param(1_003, 5, 1_005, id="five rappen"),
        pytest.param(4, 10, 0, id="nothing that coins make"),
    ],
)
def test_the_nearest_amount_that_coins_make(exact: int, unit: int, cash: int) -> None:
    assert round_cash(exact, unit).cash_minor == cash


def test_nothing_is_not_rounded_and_no_coin_is_worth_nothing() -> None:
    assert not is_rounding(1, 0)
    assert not is_rounding(UNIT_MAX, 10**6)
    with pytest.raises(ValueError, match="no coin"):
        round_cash(1, 0)
