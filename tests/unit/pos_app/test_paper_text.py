from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pos_app.services.paper_text import LINE_PITCH, Box, Fitted, fit


def measure(text: str) -> float:
    """A font whose Han characters are 1 wide and whose others are half of that."""
    return sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.5 for char in text)


def in_two(text: str, *, width: float, size_max: float = 20, height: float = 30) -> Fitted:
    return fit(text, Box(width, height, size_max, 8, 2), measure)


def test_a_short_text_is_set_at_the_largest_size() -> None:
    assert fit("天鹅湖", Box(200, 30, 20, 8), measure) == Fitted(("天鹅湖",), 20)


def test_a_longer_text_shrinks_to_the_width() -> None:
    assert fit("天鹅湖", Box(45.9, 30, 20, 8), measure) == Fitted(("天鹅湖",), 15.25)


def test_two_lines_shrink_to_the_height() -> None:
    fitted = in_two("池座中 8排10座", width=60)
    assert fitted.lines == ("池座中", "8排10座")
    assert fitted.height <= 30
    assert fitted.size == 13.5


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param(
            "Second Balcony Right, Row 12, Seat 108",
            ("Second Balcony Right,", "Row 12, Seat 108"),
            id="after a comma rather than at the even space",
        ),
        pytest.param(
            "海韵之声：新年音乐会·维也纳经典名曲",
            ("海韵之声：新年音乐会·", "维也纳经典名曲"),
            id="after a mark and not inside a Han word",
        ),
        pytest.param(
            "四幕经典芭蕾舞剧《天鹅湖》",
            ("四幕经典芭蕾舞剧", "《天鹅湖》"),
            id="before a title mark, which begins a line",
        ),
        pytest.param(
            "Rosencrantz and Guildenstern",
            ("Rosencrantz and", "Guildenstern"),
            id="of equal breaks the more even lines",
        ),
    ],
)
def test_a_text_is_broken_where_it_reads_best(text: str, lines: tuple[str, ...]) -> None:
    assert in_two(text, width=170, size_max=14).lines == lines


def test_a_mark_never_begins_a_line_and_a_bracket_never_ends_one() -> None:
    for width in range(20, 120):
        first, *rest = in_two("天鹅湖，《红楼梦》", width=width).lines
        assert not first.endswith("《")
        assert not any(line.startswith(("，", "》")) for line in rest)


def test_a_text_too_long_for_two_lines_ends_in_an_ellipsis() -> None:
    fitted = in_two("俄罗斯国家芭蕾舞团访华三十周年纪念巡演", width=64)
    assert fitted == Fitted(("俄罗斯国家芭蕾舞", "团访华三十周年…"), 8, is_cut=True)


def test_a_latin_text_is_cut_after_whole_words_on_its_first_line() -> None:
    fitted = in_two("Orchestra and Ballet present Tchaikovsky", width=64)
    assert fitted == Fitted(("Orchestra and", "Ballet presen..."), 8, is_cut=True)


def test_a_word_wider_than_the_box_is_broken_and_nothing_is_lost() -> None:
    fitted = in_two("Donaudampfschifffahrt", width=64)
    assert fitted == Fitted(("Donaudampfschiff", "fahrt"), 8)


def test_an_empty_text_has_no_lines() -> None:
    assert fit(" \n ", Box(100, 30, 20, 8, 2), measure) == Fitted((), 20)
    assert Fitted((), 20).height == 0


def test_a_text_without_width_is_set_at_the_largest_size() -> None:
    assert fit("\u0301", Box(100, 30, 20, 8), lambda _: 0.0) == Fitted(("\u0301",), 20)


texts = st.text(st.sampled_from("天鹅湖，。《》：·（） ab1,-…¥"), max_size=60)


@given(text=texts, width=st.floats(24, 300), lines_max=st.sampled_from([1, 2]))
def test_whatever_the_text_it_stays_inside_its_box(text: str, width: float, lines_max: int) -> None:
    fitted = fit(text, Box(width, 25, 20, 8, 2 if lines_max == 2 else 1), measure)
    assert len(fitted.lines) <= lines_max
    assert 8 <= fitted.size <= 20
    assert fitted.height <= 25
    assert fitted.height == pytest.approx(
        fitted.size * (1 + LINE_PITCH * (len(fitted.lines) - 1)) if fitted.lines else 0
    )
    assert all(measure(line) * fitted.size <= width + 1e-6 for line in fitted.lines)


@given(text=texts, width=st.floats(24, 300))
def test_no_character_is_lost_unless_an_ellipsis_says_so(text: str, width: float) -> None:
    fitted = in_two(text, width=width)
    kept = "".join(fitted.lines).replace(" ", "")
    whole = text.replace(" ", "")
    if fitted.is_cut:
        assert whole.startswith(kept.removesuffix("...").removesuffix("…"))
        assert kept.endswith(("…", "..."))
    else:
        assert kept == whole
