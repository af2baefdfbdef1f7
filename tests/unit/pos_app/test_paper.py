from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray
from PIL import Image
from pypdf import PdfReader

from pos_app.services.paper import (
    FACES_MAX,
    MODULE_MM,
    QR_CHARS_MAX,
    QR_MODULES,
    TicketFace,
    TicketLabels,
    qr_rows,
    render_tickets,
    warm_up,
)
from program.paper_fonts import FontMissing

DPI = 150
MM = DPI / 25.4

CODE = "BXG1" + ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 6)[:162]
ZH = TicketLabels(
    when="演出时间",
    doors="入场",
    place="座位",
    tier="票档",
    ticket_type="票种",
    price="票价",
    ticket_no="票号",
    receipt_no="小票号",
    window="窗口",
    sold_at="售出时间",
    stub="副券",
)
SEAT = TicketFace(
    venue="海韵大剧院",
    event="芭蕾舞剧《天鹅湖》",
    when="11月22日 周日 19:30",
    doors="18:45",
    hall="歌剧厅",
    place="池座中 8排10座",
    tier="A 档",
    ticket_type="成人",
    price="¥580.00",
    code=CODE,
    ticket_no="7K2M-9QXD-4TPA",
    receipt_no="1-000042",
    window="1",
    sold_at="2026-11-22 14:05",
)
ENGLISH = replace(
    SEAT,
    venue="Haiyun Grand Theatre",
    event="Swan Lake",
    when="Sun 22 Nov 2026, 19:30",
    place="Second Balcony Right, Row 12, Seat 108",
    tier="Tier A",
    ticket_type="Adult",
)
LONG_TITLE = "俄罗斯国家芭蕾舞团访华三十周年纪念巡演 柴可夫斯基四幕经典芭蕾舞剧《天鹅湖》全本特别场"
TRAINING = replace(SEAT, watermark="培训 TRAINING - 无效票")


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that cut in on each other thousands of times as often as usual."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual_s)


def pages(pdf: bytes) -> list[str]:
    """Each page's text, NFKC and without white space: some viewers answer ⼤ for 大."""
    return [
        "".join(unicodedata.normalize("NFKC", page.extract_text()).split())
        for page in PdfReader(BytesIO(pdf)).pages
    ]


def raster(pdf: bytes, page: int = 1) -> NDArray[np.uint8]:
    """A page in grey, as a printer of 150 dots per inch would lay it down."""
    command = ["pdftoppm", "-gray", "-r", str(DPI), "-f", str(page), "-l", str(page), "-"]
    printed = subprocess.run(command, input=pdf, capture_output=True, check=True)
    return np.asarray(Image.open(BytesIO(printed.stdout)), dtype=np.uint8)


def only_symbol(picture: NDArray[np.uint8]) -> Any:
    (symbol,) = zxingcpp.read_barcodes(picture)
    return symbol


def test_each_ticket_is_a_page_of_the_stock_s_size() -> None:
    reader = PdfReader(BytesIO(render_tickets([SEAT, ENGLISH, TRAINING], ZH)))
    sizes = [
        tuple(round(float(side) / 72 * 25.4, 1) for side in page.mediabox[2:])
        for page in reader.pages
    ]
    assert sizes == [(150.0, 70.0)] * 3


def test_everything_the_face_says_is_on_the_page() -> None:
    (text,) = pages(render_tickets([SEAT], ZH))
    said = [
        value
        for name, value in ((n, getattr(SEAT, n)) for n in SEAT.__slots__)
        if name not in ("code", "lines", "logo")
    ]
    captions = [getattr(ZH, name) for name in ZH.__slots__]
    missing = [each for each in (*said, *captions) if "".join(each.split()) not in text]
    assert missing == []


def test_the_stub_repeats_what_the_usher_keeps() -> None:
    (text,) = pages(render_tickets([SEAT], ZH))
    for repeated in (SEAT.event, SEAT.place, SEAT.price, SEAT.ticket_no):
        assert text.count("".join(repeated.split())) == 2


def test_a_caption_without_a_value_is_left_out() -> None:
    (text,) = pages(render_tickets([replace(SEAT, doors="", receipt_no="")], ZH))
    assert ZH.doors not in text
    assert ZH.receipt_no not in text


def test_a_title_beyond_two_lines_is_cut_with_an_ellipsis() -> None:
    short, long = pages(render_tickets([SEAT, replace(SEAT, event=LONG_TITLE * 4)], ZH))
    assert "..." not in short
    assert "俄罗斯国家芭蕾舞团" in long
    assert "..." in long  # NFKC of the Chinese ellipsis


@pytest.mark.parametrize("place", [ENGLISH.place, "二层楼座右侧贵宾包厢 12排 108座"])
def test_a_seat_number_is_never_cut(place: str) -> None:
    (text,) = pages(render_tickets([replace(SEAT, place=place)], ZH))
    assert text.count("".join(place.split())) == 2


@pytest.mark.parametrize("face", [SEAT, ENGLISH, TRAINING, replace(SEAT, event=LONG_TITLE)])
def test_the_code_reads_back_from_the_raster(face: TicketFace) -> None:
    symbol = only_symbol(raster(render_tickets([face], ZH)))
    assert symbol.text == CODE
    assert symbol.format == zxingcpp.BarcodeFormat.QRCode
    assert symbol.ec_level == "M"


def test_each_page_carries_its_own_code() -> None:
    other = replace(SEAT, code=CODE[::-1])
    pdf = render_tickets([SEAT, other], ZH)
    assert [only_symbol(raster(pdf, page)).text for page in (1, 2)] == [CODE, CODE[::-1]]


@pytest.mark.parametrize("face", [SEAT, replace(TRAINING, event=LONG_TITLE)])
def test_modules_are_half_a_millimetre_at_least_and_the_quiet_zone_is_empty(
    face: TicketFace,
) -> None:
    picture = raster(render_tickets([face], ZH))
    corners = only_symbol(picture).position
    left, top = corners.top_left.x, corners.top_left.y
    right, bottom = corners.bottom_right.x, corners.bottom_right.y
    module = (right - left) / QR_MODULES
    assert module / MM == pytest.approx(MODULE_MM, rel=0.02)
    assert module / MM >= 0.5
    quiet, edge = round(4 * module), 1  # one pixel of the symbol's own edge
    zone = picture[
        top - quiet + edge : bottom + quiet - edge, left - quiet + edge : right + quiet
    ].copy()
    zone[quiet - 2 * edge : -quiet + 2 * edge, quiet - 2 * edge : -quiet + 2 * edge] = 255
    assert zone.min() == 255


def test_a_symbol_is_version_7_for_short_and_long_codes() -> None:
    for code in ("BXG1", CODE, "Z" * QR_CHARS_MAX):
        rows = qr_rows(code)
        assert len(rows) == QR_MODULES
        assert {len(row) for row in rows} == {QR_MODULES}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="empty"),
        pytest.param("A" * (QR_CHARS_MAX + 1), id="one character too long"),
        pytest.param("bxg1abc", id="lower case"),
        pytest.param("BXG1票", id="not ASCII"),
        pytest.param("BXG1ABC\n", id="line feed at the end"),
    ],
)
def test_a_code_that_does_not_fit_the_symbol_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="1 to 178 characters"):
        render_tickets([replace(SEAT, code=code)], ZH)


@pytest.mark.parametrize("count", [0, FACES_MAX + 1])
def test_a_document_has_bounds(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} tickets"):
        render_tickets([SEAT] * count, ZH)


def test_every_font_is_an_embedded_truetype_subset() -> None:
    reader = PdfReader(BytesIO(render_tickets([SEAT, ENGLISH, TRAINING], ZH)))
    for page in reader.pages:
        resources: Any = page["/Resources"]
        fonts = [font.get_object() for font in resources["/Font"].values()]
        assert fonts
        for font in fonts:
            assert "+WenQuanYiMicroHei" in font["/BaseFont"]
            assert font["/Subtype"] == "/TrueType"
            assert len(font["/FontDescriptor"]["/FontFile2"].get_data()) > 1000


def test_a_reprint_gives_the_same_bytes_in_another_process() -> None:
    """Another hash seed and clock, and other tickets printed before: the file does not change."""
    program = (
        "import hashlib, sys; sys.path[:0] = sys.argv[1:]\n"
        "from tests.unit.pos_app.test_paper import *\n"
        "render_tickets([ENGLISH], ZH)\n"
        "print(hashlib.sha256(render_tickets([SEAT, TRAINING], ZH)).hexdigest())"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai"}
    other = subprocess.run(
        [sys.executable, "-c", program, str(root)],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    here = hashlib.sha256(render_tickets([SEAT, TRAINING], ZH)).hexdigest()
    assert other.stdout.strip() == here


@pytest.mark.usefixtures("hasty_threads")
def test_threads_may_print_at_once() -> None:
    faces = [replace(SEAT, event=f"第{number}幕：{LONG_TITLE[number:]}") for number in range(8)]
    alone = [render_tickets([face], ZH) for face in faces]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda face: render_tickets([face], ZH), faces))
    assert together == alone


def test_training_is_written_across_the_ticket_in_colour() -> None:
    usual, training = pages(render_tickets([SEAT, TRAINING], ZH))
    assert "TRAINING" not in usual
    assert training.count("TRAINING-无效票") > 5


def test_a_character_no_font_has_does_not_stop_the_ticket() -> None:
    (text,) = pages(render_tickets([replace(SEAT, event="𠮷野家👻之夜")], ZH))
    assert "〓野家〓之夜" in text


def test_a_configured_font_that_is_gone_stops_the_print(tmp_path: Path) -> None:
    with pytest.raises(FontMissing):
        render_tickets([SEAT], ZH, font=tmp_path / "gone.ttf")


def test_warming_up_tells_of_a_missing_font_before_the_first_sale(tmp_path: Path) -> None:
    warm_up()
    with pytest.raises(FontMissing):
        warm_up(tmp_path / "gone.ttf")


def test_four_tickets_share_a_page_of_a4_and_each_is_read() -> None:
    codes = [f"{SEAT.code[:-1]}{at}" for at in range(5)]
    pdf = render_tickets([replace(SEAT, code=code) for code in codes], ZH, a4=True)
    sizes = [
        tuple(round(float(side) / 72 * 25.4) for side in page.mediabox[2:])
        for page in PdfReader(BytesIO(pdf)).pages
    ]
    assert sizes == [(210, 297)] * 2
    for page, expected in ((1, codes[:4]), (2, codes[4:])):
        symbols = zxingcpp.read_barcodes(raster(pdf, page))
        by_height = sorted(symbols, key=lambda each: each.position.top_left.y)
        assert [each.text for each in by_height] == expected
