"""A page of the 80 mm roll: as long as its rows, whole whoever else prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from pypdf import PdfReader
from reportlab.lib.units import mm

from pos_app.services.roll import ROLL_MM, render
from pos_app.services.rows import Look, Row

ROWS = (
    Row("退票", look=Look.TITLE),
    Row("海韵大剧院", look=Look.HEAD),
    Row(look=Look.RULE),
    Row("单号", "0000-000001"),
    Row("应退", "¥1,584.00", Look.STRONG),
)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that cut in on each other thousands of times as often as usual."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual_s)


def test_a_page_says_every_row_and_is_as_long_as_they_need() -> None:
    (page,) = PdfReader(BytesIO(render(ROWS, "Slip"))).pages
    text = "".join(page.extract_text().split())
    for said in ("海韵大剧院", "0000-000001", "1,584.00"):
        assert said in text
    assert float(page.mediabox.width) == pytest.approx(ROLL_MM * mm)
    (longer,) = PdfReader(BytesIO(render(ROWS * 2, "Slip"))).pages
    assert page.mediabox.height < longer.mediabox.height < 2 * page.mediabox.height


@pytest.mark.usefixtures("hasty_threads")
def test_pages_of_many_threads_are_those_of_one() -> None:
    different = [(*ROWS, Row(f"第 {n} 张", chr(0x4E00 + n))) for n in range(24)]
    alone = [render(rows, "Slip") for rows in different]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda rows: render(rows, "Slip"), different)) == alone


def test_on_a4_it_takes_as_many_pages_as_it_needs_and_loses_no_row() -> None:
    rows = [Row(f"row {at}", f"{at}.00") for at in range(130)]
    pages = PdfReader(BytesIO(render(rows, "Report", a4=True))).pages
    sizes = {tuple(round(float(side) / 72 * 25.4) for side in page.mediabox[2:]) for page in pages}
    assert sizes == {(210, 297)}
    assert len(pages) == 3
    said = " ".join(page.extract_text() for page in pages).split()
    assert [each for each in said if each.endswith(".00")] == [f"{at}.00" for at in range(130)]
