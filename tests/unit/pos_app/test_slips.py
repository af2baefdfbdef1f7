"""Tickets and reports as slips: all that the PDF says, in lines that fit the paper."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from hardware.escpos import PROFILES, load_painter, render
from hardware.escpos.document import Raster
from hardware.escpos.interpreter import PrintedQr, PrinterModel
from hardware.escpos.page import to_text
from pos_app.services.paper import TicketFace, TicketLabels, render_tickets
from pos_app.services.rows import Look, Row
from pos_app.services.slips import rows_slip, ticket_slips
from pos_app.services.templates import templated
from tests.fakes.till import sample_catalogue
from tests.unit.ticketing.test_paper_template import LOGO, TEMPLATE, a_png
from ticketing.event import Event
from ticketing.paper_template import TicketPaper

FACES = {
    "zh_CN": TicketFace(
        venue="海韵大剧院",
        event="芭蕾舞剧《天鹅湖》",
        when="2026年11月28日 周六 19:30",
        doors="18:30",
        hall="歌剧厅",
        place="池座中 8排10座",
        tier="VIP",
        ticket_type="成人",
        price="¥880.00",
        code="BXG1" + "A7K2M9QZ" * 14,
        ticket_no="5DD4A35B",
        receipt_no="A1B2-000417",
        window="1 号窗口",
        sold_at="2026年11月22日 14:05",
    ),
    "en": TicketFace(
        venue="Seaview Grand Theatre",
        event="Swan Lake — National Ballet",
        when="Sat, 28 Nov 2026 19:30",
        doors="18:30",
        hall="Opera House",
        place="Stalls Centre row 8 seat 10",
        tier="VIP",
        ticket_type="Adult",
        price="¥880.00",
        code="BXG1" + "A7K2M9QZ" * 14,
        ticket_no="5DD4A35B",
        receipt_no="A1B2-000417",
        window="Window 1",
        sold_at="Sun, 22 Nov 2026 14:05",
    ),
}
LABELS = {
    "zh_CN": TicketLabels(
        "日期时间", "入场", "座位", "票档", "票种", "票价", "票号", "收据号", "窗口", "售出", "副券"
    ),
    "en": TicketLabels(
        "Date and time",
        "Doors",
        "Seat",
        "Price tier",
        "Ticket type",
        "Price",
        "Ticket no.",
        "Receipt no.",
        "Window",
        "Sold at",
        "Stub",
    ),
}


def printed(document: object, profile: str) -> PrinterModel:
    """What a printer of this kind made of it."""
    kind = PROFILES[profile]
    model = PrinterModel(width_dots=kind.width_dots)
    model.receive(render(document, kind, load_painter()))  # type: ignore[arg-type]
    model.work()
    return model


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("profile", ["chinese-80", "chinese-58", "raster-58"])
def test_a_ticket_is_cut_off_and_has_its_code(language: str, profile: str) -> None:
    columns = PROFILES[profile].columns
    document = ticket_slips([FACES[language]] * 2, LABELS[language], columns=columns)
    model = printed(document, profile)
    assert model.unknown_commands == []
    assert model.cut_count == (2 if profile == "chinese-80" else 0)
    if profile != "raster-58":
        codes = [each for each in model.sheets[0].items if isinstance(each, PrintedQr)]
        assert codes[0].payload == FACES[language].code


def test_a_ticket_says_all_that_it_must() -> None:
    face = FACES["zh_CN"]
    model = printed(ticket_slips([face], LABELS["zh_CN"], columns=48, copy="副本 1"), "chinese-80")
    words = to_text(model.sheets[0]).replace("￥", "¥")
    for said in (
        *(face.venue, face.event, face.when, face.hall, face.place, face.tier, face.ticket_type),
        *(face.price, face.ticket_no, face.receipt_no, face.window, face.sold_at, "副本 1"),
    ):
        assert said in words, said


def test_a_figure_stands_at_the_right_edge_and_never_over_its_words() -> None:
    rows = [
        Row("X", look=Look.TITLE),
        Row("儿童 × 12 池座", "¥12,345.00"),
        Row("A very long name of something that is sold here, longer than a line", "¥1.00"),
        Row("", "alone"),
        Row(look=Look.RULE),
        Row("合计", "¥12,346.00", Look.STRONG),
    ]
    sheet = printed(rows_slip(rows, columns=32), "chinese-58").sheets[0]
    lines = sheet.texts
    assert any(line.startswith("儿童") and line.endswith("￥12,345.00") for line in lines)
    assert any(line.endswith("￥1.00") for line in lines)
    assert all(len(line.encode("gb18030")) <= 32 for line in lines)


def test_a_headline_leaves_no_single_word_on_its_second_line() -> None:
    model = printed(ticket_slips([FACES["en"]], LABELS["en"], columns=48), "chinese-80")
    texts = model.sheets[0].texts
    at = next(at for at, text in enumerate(texts) if text.startswith("Stalls"))
    assert texts[at : at + 2] == ["Stalls Centre", "row 8 seat 10"]


def test_a_template_adds_its_logo_and_lines_and_leaves_out_what_it_says() -> None:
    face = templated(FACES["zh_CN"], an_event(), TicketPaper.SLIP_80, "zh_CN")
    model = printed(ticket_slips([face], LABELS["zh_CN"], columns=48), "chinese-80")
    pictures = [each for each in model.sheets[0].items if isinstance(each, Raster)]
    assert sum(each.height_dots for each in pictures) == 48
    words = to_text(model.sheets[0])
    assert "迟到请等候" in words
    assert "880" not in words
    assert "入场" not in words
    other = templated(FACES["zh_CN"], an_event(), TicketPaper.SLIP_58, "zh_CN")
    assert other == FACES["zh_CN"], "each paper has its own"


def test_a_logo_wider_than_the_paper_is_made_smaller_and_a_broken_one_left_out() -> None:
    wide = replace(FACES["en"], logo=a_png(576, 96))
    model = printed(ticket_slips([wide], LABELS["en"], columns=32), "chinese-58")
    rasters = [each for each in model.sheets[0].items if isinstance(each, Raster)]
    assert {each.width_dots for each in rasters} == {384}
    broken = replace(FACES["en"], logo=LOGO[:40])
    model = printed(ticket_slips([broken], LABELS["en"], columns=48), "chinese-80")
    assert not [each for each in model.sheets[0].items if isinstance(each, Raster)]


def test_a_sheet_takes_the_template_too_and_stays_the_same_without_one() -> None:
    plain = render_tickets([FACES["zh_CN"]], LABELS["zh_CN"])
    face = replace(FACES["zh_CN"], lines=("迟到请等候",), logo=LOGO)
    pdf = render_tickets([face], LABELS["zh_CN"])
    assert pdf == render_tickets([face], LABELS["zh_CN"])
    text = PdfReader(BytesIO(pdf)).pages[0].extract_text()
    assert "迟到请等候" in unicodedata.normalize("NFKC", text)
    broken = replace(FACES["zh_CN"], logo=LOGO[:40])
    assert render_tickets([broken], LABELS["zh_CN"]) == plain


def an_event() -> Event:
    return replace(sample_catalogue().events[0], papers=(TEMPLATE,))
