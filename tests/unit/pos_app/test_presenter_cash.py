"""Quick cash: what a buyer is likely to hand over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.presenters.cash import QUICK_CASH_MAX, notes_of, quick_cash_amounts

YUAN = notes_of("CNY")


@pytest.mark.parametrize(
    ("total", "amounts"),
    [
        pytest.param(1270_00, (1270_00, 1300_00, 1500_00, 2000_00), id="a family in the stalls"),
        pytest.param(580_00, (580_00, 600_00, 1000_00), id="a round amount has fewer"),
        pytest.param(80_00, (80_00, 100_00), id="no thousand for one cheap ticket"),
        pytest.param(45_50, (45_50, 50_00, 100_00), id="coins are rounded away"),
        pytest.param(100_00, (100_00, 500_00), id="exactly one note"),
        pytest.param(0, (0,), id="nothing to pay"),
    ],
)
def test_quick_cash_offers_the_exact_amount_and_round_ones(
    total: int, amounts: tuple[int, ...]
) -> None:
    assert quick_cash_amounts(total, YUAN) == amounts


@given(st.integers(1, 10_000_000), st.sampled_from(["CNY", "EUR", "GBP", "HKD", "JPY", "XXX"]))
def test_quick_cash_is_ascending_distinct_and_always_enough(total: int, currency: str) -> None:
    amounts = quick_cash_amounts(total, notes_of(currency))
    assert amounts[0] == total
    assert list(amounts) == sorted(set(amounts))
    assert 1 <= len(amounts) <= QUICK_CASH_MAX
