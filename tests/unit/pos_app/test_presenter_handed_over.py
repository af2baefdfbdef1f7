"""What was handed over: digits or notes, and each step of it taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.presenters.handed_over import (
    KEYS_MAX,
    LETTERS,
    NOTHING,
    TAPPED_MAX,
    HandedOver,
    notes_on_keys,
    on_key,
)


def tapped(*minors: int) -> HandedOver:
    given = NOTHING
    for minor in minors:
        given = given.with_note(minor)
    return given


def typed(text: str) -> HandedOver:
    given = NOTHING
    for digit in text:
        given = given.with_digits(digit)
    return given


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        pytest.param("130", "CNY", 130_00, id="whole units"),
        pytest.param("1.5", "CNY", 1_50, id="a point"),
        pytest.param(".5", "CNY", 50, id="nothing before the point"),
        pytest.param("1.239", "CNY", 1_23, id="more places than there are"),
        pytest.param("1.2.3", "CNY", 1_23, id="one point only"),
        pytest.param("007", "CNY", 7_00, id="zeros in front"),
        pytest.param("5000", "JPY", 5000, id="a currency without minor units"),
        pytest.param("", "CNY", None, id="nothing"),
        pytest.param(".", "CNY", None, id="a point alone"),
        pytest.param("12345678901", "JPY", 123_456_789, id="no more digits than allowed"),
    ],
)
def test_digits_are_an_amount(text: str, currency: str, minor: int | None) -> None:
    assert typed(text).amount_minor(currency) == minor


def test_notes_add_up_and_are_counted() -> None:
    given = tapped(100_00, 20_00, 20_00)
    assert given.amount_minor("CNY") == 140_00
    assert [given.pieces(minor) for minor in (100_00, 50_00, 20_00)] == [1, 0, 2]


def test_the_last_step_is_taken_back() -> None:
    assert tapped(100_00, 20_00).without_last() == tapped(100_00)
    assert typed("130").without_last() == typed("13")
    assert NOTHING.without_last() == NOTHING


def test_digits_replace_notes_and_notes_replace_digits() -> None:
    assert tapped(100_00, 20_00).with_digits("7") == typed("7")
    assert typed("150").with_note(100_00) == tapped(100_00)


def test_taps_have_an_end() -> None:
    assert tapped(*[1_00] * (TAPPED_MAX + 5)) == tapped(*[1_00] * TAPPED_MAX)


@given(st.lists(st.sampled_from(["7", "00", ".", 100_00, 10, "back"]), max_size=20))
def test_it_never_holds_both_and_is_empty_only_when_nothing_is_given(steps: list[object]) -> None:
    given = NOTHING
    for step in steps:
        if isinstance(step, int):
            given = given.with_note(step)
        else:
            given = given.without_last() if step == "back" else given.with_digits(str(step))
        assert not (given.typed and given.tapped_minor)
        assert given.is_given or given.amount_minor("CNY") is None


@pytest.mark.parametrize("currency", ["CNY", "EUR", "GBP", "HKD", "JPY", "USD", "XXX"])
def test_every_currency_has_keys_with_a_letter_each(currency: str) -> None:
    notes = notes_on_keys(currency)
    assert list(notes) == sorted(set(notes), reverse=True)
    assert 8 <= len(notes) <= KEYS_MAX == len(LETTERS)


@pytest.mark.parametrize(
    ("minor", "currency", "says"),
    [(100_00, "CNY", "100"), (50, "CNY", "0.50"), (1_000_00, "HKD", "1,000"), (10, "JPY", "10")],
)
def test_a_key_says_what_it_is_worth(minor: int, currency: str, says: str) -> None:
    assert on_key(minor, currency) == says
