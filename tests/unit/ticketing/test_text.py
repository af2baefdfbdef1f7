from __future__ import annotations

import pytest

from ticketing.text import Text

BOTH = Text.from_names({"zh": "池座", "en": "Stalls"})


@pytest.mark.parametrize(
    ("language", "name"),
    [
        pytest.param("zh", "池座", id="a bare code"),
        pytest.param("zh_CN", "池座", id="a locale"),
        pytest.param("zh-Hans-CN", "池座", id="a language tag"),
        pytest.param("EN", "Stalls", id="capitals"),
        pytest.param("fr", "Stalls", id="a language it does not have"),
        pytest.param("", "Stalls", id="no language"),
    ],
)
def test_a_text_answers_in_the_language_asked_or_in_english(language: str, name: str) -> None:
    assert BOTH.in_language(language) == name


def test_a_text_without_english_falls_back_to_a_name_it_has() -> None:
    assert Text.from_names({"zh": "池座"}).in_language("fr") == "池座"


def test_texts_with_the_same_names_are_equal_whatever_their_order() -> None:
    other = Text.from_names({"en": "Stalls", "zh": "池座"})
    assert other == BOTH
    assert hash(other) == hash(BOTH)
    assert Text.from_names(BOTH.to_json()) == BOTH


def test_a_text_without_any_name_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one language"):
        Text(())
