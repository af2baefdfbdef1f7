"""Money: integers with a currency, sums that refuse to mix, splits that lose nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.money import CurrencyMismatch, Money, split_exactly, total

TEN = Money(1_000, "CNY")


def test_amounts_add_up() -> None:
    ten, three = Money(1_000, "CNY"), Money(300, "CNY")
    assert ten + three == Money(1_300, "CNY")
    assert three - ten == Money(-700, "CNY")
    assert ten * 3 == Money(3_000, "CNY")
    assert -ten == Money(-1_000, "CNY")
    assert total([ten, three, three], "CNY") == Money(1_600, "CNY")
    assert total([], "CNY") == Money(0, "CNY")


def test_amounts_compare() -> None:
    three, ten, same = Money(300, "CNY"), Money(1_000, "CNY"), Money(1_000, "CNY")
    assert three < ten
    assert not ten < same
    assert ten <= same
    assert not ten <= three
    assert ten > three
    assert ten >= same


@pytest.mark.parametrize(
    "meet",
    [
        pytest.param(lambda a, b: a + b, id="sum"),
        pytest.param(lambda a, b: a - b, id="difference"),
        pytest.param(lambda a, b: a < b, id="less"),
        pytest.param(lambda a, b: a <= b, id="at most"),
        pytest.param(lambda a, b: total([a], b.currency), id="total"),
    ],
)
def test_currencies_never_mix(meet: Any) -> None:
    with pytest.raises(CurrencyMismatch, match=r"CNY and HKD|HKD and CNY"):
        meet(TEN, Money(1, "HKD"))


def test_equal_numbers_of_other_currencies_are_not_equal() -> None:
    assert Money(1, "CNY") != Money(1, "HKD")


@pytest.mark.parametrize("minor", [1.0, True, "1", None])
def test_an_amount_is_an_integer(minor: Any) -> None:
    with pytest.raises(TypeError, match="minor units must be an int"):
        Money(minor, "CNY")


def test_an_amount_times_a_float_is_refused() -> None:
    with pytest.raises(TypeError):
        TEN * 0.5  # type: ignore[operator]


@pytest.mark.parametrize("currency", ["", "CN", "CNYX", "cny", "C1Y", "ÄÖÜ", "CNY\n"])
def test_a_currency_is_three_capitals(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [
        pytest.param(100, [1, 1, 1], (34, 33, 33), id="a tie goes to the earlier part"),
        pytest.param(-100, [1, 1, 1], (-34, -33, -33), id="a refund mirrors the sale"),
        pytest.param(100, [1, 2], (33, 67), id="the largest remainder gets the rest"),
        pytest.param(10, [0, 1, 0], (0, 10, 0), id="a weight of zero gets nothing"),
        pytest.param(5, [0, 0], (3, 2), id="no weights at all: evenly"),
        pytest.param(0, [3, 4], (0, 0), id="nothing to split"),
        pytest.param(7, [5], (7,), id="one part"),
        pytest.param(1, [1] * 5, (1, 0, 0, 0, 0), id="less than one each"),
    ],
)
def test_a_split_is_exact(whole: int, weights: list[int], parts: tuple[int, ...]) -> None:
    assert split_exactly(whole, weights) == parts
    assert Money(whole, "CNY").split(weights) == tuple(Money(part, "CNY") for part in parts)


def test_a_split_over_nothing_is_a_bug() -> None:
    with pytest.raises(ValueError, match="weights are empty"):
        split_exactly(1, [])


def test_a_negative_weight_is_a_bug() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        split_exactly(1, [2, -1])
