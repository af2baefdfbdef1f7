"""The shift page's codes: each has a whole sentence in each language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pos_app.presenters import language, shift_words
from pos_app.presenters.denominations import denominations_of
from pos_app.presenters.shift_state import Page, Paper, ShiftState
from pos_app.services.model import SignInRefusal, SignInRefused
from pos_app.services.shift_model import (
    APPROVAL_REASONS,
    DRAWER_REASONS,
    MOVE_REASONS,
    Reason,
    ShiftRefusal,
    ShiftRefused,
)
from tests.unit.pos_app.test_presenter_sentences import assert_spoken


@pytest.fixture(params=language.LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    code: str = request.param
    language.set_language(code)
    yield code
    language.set_language("en")


@pytest.mark.parametrize("reason", ShiftRefusal)
@pytest.mark.parametrize("count", [1, 3])
def test_every_refusal_has_a_sentence(reason: ShiftRefusal, count: int, spoken: str) -> None:
    sentence = shift_words.shift_refusal(ShiftRefused(reason, count))
    assert_spoken(sentence, spoken)


def test_a_refused_pin_says_how_many_tries_are_left(spoken: str) -> None:
    wrong = SignInRefused(SignInRefusal.WRONG_PIN, tries_left=3)
    refused = ShiftRefused(ShiftRefusal.PIN_REFUSED, sign_in=wrong)
    sentence = shift_words.shift_refusal(refused)
    assert "3" in sentence
    assert_spoken(sentence, spoken)


@pytest.mark.parametrize("page", Page)
def test_every_page_has_a_title_and_a_button(page: Page, spoken: str) -> None:
    for said in (shift_words.page_title(page), shift_words.submit_words(page)):
        assert_spoken(said, spoken)
    hint = shift_words.page_hint(page)
    assert not hint or (hint.endswith(("。", "."))), "a hint is a sentence"


@pytest.mark.parametrize("page", Page)
def test_what_was_done_is_said(page: Page, spoken: str) -> None:
    assert_spoken(shift_words.shift_message(ShiftState(done=page)), spoken)
    assert_spoken(shift_words.shift_message(ShiftState(failed=True)), spoken)
    assert shift_words.shift_message(ShiftState()) == ""


@pytest.mark.parametrize("paper", [one for one in Paper if one is not Paper.NONE])
def test_what_became_of_the_paper_is_said(paper: Paper, spoken: str) -> None:
    assert_spoken(shift_words.paper_words(paper), spoken)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason, spoken: str) -> None:
    assert_spoken(shift_words.reason_words(reason), spoken)


def test_every_reason_can_be_given_somewhere() -> None:
    offered = {
        *DRAWER_REASONS,
        *APPROVAL_REASONS,
        *(r for each in MOVE_REASONS.values() for r in each),
    }
    assert offered == set(Reason)


@pytest.mark.parametrize("currency", ["CNY", "EUR", "GBP", "HKD", "JPY", "USD", "XXX"])
def test_notes_and_coins_are_the_largest_first(currency: str) -> None:
    found = denominations_of(currency)
    assert list(found) == sorted(set(found), reverse=True)
    assert min(found) > 0
