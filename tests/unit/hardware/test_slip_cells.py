"""Lines and columns on the grid of a receipt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.escpos.cells import (
    Run,
    cell_widths,
    clean,
    columns,
    device_width,
    measure,
    unicode_width,
    wrap,
)
from hardware.escpos.document import Align, Cell


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        pytest.param("", 10, [""], id="an empty line stays one"),
        pytest.param("one two three", 8, ["one two", "three"], id="between words"),
        pytest.param("extraordinary", 5, ["extra", "ordin", "ary"], id="a word too long"),
        pytest.param("一二三四五", 4, ["一二", "三四", "五"], id="between Han characters"),
        pytest.param("一二三，四", 6, ["一二", "三，四"], id="a comma begins no line"),
        pytest.param("一二（三）", 6, ["一二", "（三）"], id="a bracket ends none"),
        pytest.param(
            "票价￥380.00", 6, ["票价", "￥380.", "00"], id="a currency sign stays with it"
        ),
        pytest.param("  a   ", 10, ["a"], id="blanks around it go"),
    ],
)
def test_a_paragraph_breaks_where_a_reader_expects(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width, unicode_width) == lines


@given(st.text(max_size=80), st.integers(2, 48))
def test_no_line_is_too_wide_and_no_character_is_lost(text: str, width: int) -> None:
    text = clean(text)
    lines = wrap(text, width, device_width)
    assert all(measure(line, device_width) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("char", "device", "painted"),
    [("a", 1, 1), ("票", 2, 2), ("￥", 2, 2), ("·", 2, 1), ("é", 1, 1), ("—", 2, 1)],
)
def test_a_double_byte_font_sets_signs_two_cells_wide(char: str, device: int, painted: int) -> None:
    assert device_width(char) == device
    assert unicode_width(char) == painted


def test_a_long_cell_goes_on_below_in_its_own_column() -> None:
    cells = (Cell("一二三四", 4), Cell("x", 3, Align.RIGHT), Cell("y"))
    first, second = columns(cells, 12, unicode_width)
    assert first.runs == (Run(0, "一二"), Run(7, "x"), Run(9, "y"))
    assert second.runs == (Run(0, "三四"),)


@pytest.mark.parametrize(
    ("asked", "width", "given_widths"),
    [
        ([None, 10], 48, [37, 10]),
        ([None, None], 48, [23, 24]),
        ([8, 8], 48, [8, 8]),
        ([40, 40], 32, [15, 16]),
        ([None, 40], 20, [1, 18]),
    ],
)
def test_open_cells_share_what_is_left_and_wide_ones_give_way(
    asked: list[int | None], width: int, given_widths: list[int]
) -> None:
    assert cell_widths(asked, width) == given_widths


def test_marks_and_controls_are_cleaned_away() -> None:
    assert clean("a\tb\nc\x1b\u200b\ufeffd") == "a b c d"
    assert clean("e\u0301") == "é"
