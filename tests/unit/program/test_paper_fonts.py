from __future__ import annotations

from pathlib import Path

import pytest
import reportlab

from program import paper_fonts
from program.paper_fonts import TEXT_CHARS_MAX, FontMissing, load_font

# ReportLab brings this one: good outlines, no Chinese.
LATIN_ONLY = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"


def test_without_settings_the_font_is_micro_hei() -> None:
    assert load_font().path in paper_fonts.MICRO_HEI


def test_a_configured_font_is_taken_first(tmp_path: Path) -> None:
    own = tmp_path / "house.ttc"
    own.write_bytes(load_font().path.read_bytes())
    assert load_font(own).path == own


def test_a_font_is_loaded_once() -> None:
    assert load_font() is load_font()


def test_without_any_font_the_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paper_fonts, "MICRO_HEI", (Path("/nowhere/wqy-microhei.ttc"),))
    with pytest.raises(FontMissing, match=r"No font .* apt install fonts-wqy-microhei"):
        load_font()


def test_a_configured_font_that_is_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(FontMissing, match=r"gone\.ttf cannot be used: .*fonts-wqy-microhei"):
        load_font(tmp_path / "gone.ttf")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not a font at all" * 100, id="text"),
        pytest.param(b"OTTO" + bytes(2000), id="CFF outlines"),
        pytest.param(b"ttcf\x00\x01\x00\x00", id="collection cut short"),
        pytest.param(LATIN_ONLY.read_bytes()[:5000], id="font cut short"),
    ],
)
def test_a_file_that_is_no_truetype_font_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.ttf"
    file.write_bytes(content)
    with pytest.raises(FontMissing, match=r"broken\.ttf cannot be used"):
        load_font(file)


def test_a_font_without_chinese_is_refused_before_it_prints_boxes() -> None:
    with pytest.raises(FontMissing, match=r"Vera\.ttf has no glyphs for 座票元"):
        load_font(LATIN_ONLY)


def test_a_character_the_font_lacks_becomes_a_geta_mark() -> None:
    assert load_font().printable("𠮷野家 👻") == "〓野家 〓"


def test_controls_and_line_breaks_do_not_reach_the_paper() -> None:
    assert load_font().printable(" 天鹅\u200b湖\n\tSwan\x00 Lake\x1b ") == "天鹅湖 Swan Lake"


def test_letters_are_composed_before_the_font_is_asked() -> None:
    assert load_font().printable("Cafe\u0301") == "Caf\u00e9"


def test_a_text_beyond_all_measure_is_cut_before_it_is_set() -> None:
    assert len(load_font().printable("长" * 1_000_000)) == TEXT_CHARS_MAX
