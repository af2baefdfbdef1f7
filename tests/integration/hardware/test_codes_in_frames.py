"""Codes as they lie before a gate's camera: made by us, read by the decoders of the product."""

from __future__ import annotations

import random
from pathlib import Path

import cv2
import numpy as np
import pytest
import segno
import zxingcpp
from reportlab.lib.units import mm
from reportlab.pdfgen import canvas

from hardware.qr import CascadeDecoder, Found, load_pyzbar
from hardware.qr.stills import decode_still
from tests.fakes.frames import (
    DEMO_STRENGTH,
    FRAME_HEIGHT,
    FRAME_WIDTH,
    Pixels,
    draw_symbol,
    make_codeless_frame,
    make_empty_frame,
    make_frame,
    rasterise_pdf,
    render_code,
)

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TICKET_TEXT = "BXG1" + "".join(random.Random(2).choices(ALPHABET, k=162))


def _texts(found: Found) -> list[str]:
    return [reading.text for reading in found.readings]


def _ticket(code: Pixels) -> Pixels:
    """A ticket's front: some print and the code at the right."""
    front = np.full((code.shape[0] + 200, code.shape[1] + 700), 255, np.uint8)
    cv2.putText(front, "HAMLET  ROW F  SEAT 12", (40, 250), cv2.FONT_HERSHEY_DUPLEX, 1.6, 0, 3)
    front[100 : 100 + code.shape[0], 660 : 660 + code.shape[1]] = code
    return front


def test_a_tickets_text_fits_version_7_at_medium_correction() -> None:
    assert len(TICKET_TEXT) == 166
    code = segno.make(TICKET_TEXT, error="m", micro=False, boost_error=False)
    assert code.designator == "7-M"


def test_every_frame_at_the_demos_strength_is_read() -> None:
    ticket = _ticket(render_code(TICKET_TEXT))
    decoder = CascadeDecoder()
    missed = [
        seed
        for seed in range(40)
        if _texts(decoder.decode(make_frame(ticket, seed, DEMO_STRENGTH))) != [TICKET_TEXT]
    ]
    assert missed == []


def test_most_frames_of_a_dark_hall_and_a_shaking_hand_are_read() -> None:
    ticket = _ticket(render_code(TICKET_TEXT))
    decoder = CascadeDecoder()
    read_count = sum(
        _texts(decoder.decode(make_frame(ticket, seed, 1.0))) == [TICKET_TEXT] for seed in range(20)
    )
    assert read_count >= 18


def test_frames_are_the_same_for_the_same_seed_and_differ_between_seeds() -> None:
    ticket = _ticket(render_code(TICKET_TEXT))
    one, again, other = (make_frame(ticket, seed) for seed in (1, 1, 2))
    assert one.shape == (FRAME_HEIGHT, FRAME_WIDTH, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("make", [make_empty_frame, make_codeless_frame])
def test_frames_without_a_code_give_nothing(make: type[Pixels]) -> None:
    decoder = CascadeDecoder()
    assert [_texts(decoder.decode(make(seed))) for seed in range(8)] == [[]] * 8


def test_a_code_printed_in_a_pdf_is_read_from_its_paper(tmp_path: Path) -> None:
    path = tmp_path / "ticket.pdf"
    page = canvas.Canvas(str(path), pagesize=(150 * mm, 60 * mm), invariant=1)
    code = segno.make(TICKET_TEXT, error="m", micro=False, boost_error=False)
    for row, modules in enumerate(code.matrix):
        for column, dark in enumerate(modules):
            if dark:
                x, y = 110 * mm + column * 0.6 * mm, 50 * mm - row * 0.6 * mm
                page.rect(x, y, 0.6 * mm, 0.6 * mm, stroke=0, fill=1)
    page.save()
    frame = make_frame(rasterise_pdf(path), seed=5)
    assert _texts(CascadeDecoder().decode(frame)) == [TICKET_TEXT]


def test_the_corners_are_where_the_code_is() -> None:
    frame = np.full((720, 1280), 255, np.uint8)
    code = render_code("A7" * 20, module_pixels=6)
    frame[100 : 100 + code.shape[0], 300 : 300 + code.shape[1]] = code
    (reading,) = CascadeDecoder().decode(frame).readings
    quiet = 4 * 6
    near, far = 300 + quiet, 300 + code.shape[1] - quiet
    assert [round(x) for x, _ in reading.corners] == pytest.approx([near, far, far, near], abs=3)


def test_light_on_dark_codes_are_read() -> None:
    code = render_code(TICKET_TEXT, dark=235, light=20)
    assert _texts(CascadeDecoder().decode(make_frame(_ticket(code), seed=3))) == [TICKET_TEXT]


def test_two_codes_in_one_frame_are_two_readings() -> None:
    frame = np.full((720, 1280), 255, np.uint8)
    for left, text in ((40, "TICKET ONE"), (700, "TICKET TWO")):
        code = render_code(text, module_pixels=10)
        frame[100 : 100 + code.shape[0], left : left + code.shape[1]] = code
    assert sorted(_texts(CascadeDecoder().decode(frame))) == ["TICKET ONE", "TICKET TWO"]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param("https://example.org/t/4711?x=1&y=2#z", None, id="a web address"),
        pytest.param("WIFI:T:WPA;S:Foyer;P:geheim;;", None, id="a Wi-Fi login"),
        pytest.param("BEGIN:VCARD\nVERSION:3.0\nN:Müller;Änne\nEND:VCARD", "utf-8", id="a card"),
        pytest.param("第一排五座 票券", "utf-8", id="Chinese in UTF-8"),
        pytest.param("入場券 ✓ 🎫", "utf-8", id="UTF-8 with an emoji"),
        pytest.param("1234567890" * 10, None, id="digits"),
    ],
)
def test_other_systems_codes_are_read_as_what_they_are(content: str, encoding: str | None) -> None:
    code = segno.make(content, error="m", micro=False, encoding=encoding)
    texts = _texts(CascadeDecoder().decode(make_frame(draw_symbol(code), seed=4, strength=0.3)))
    assert texts == [content]


@pytest.mark.parametrize("kind", ["MicroQRCode", "RMQRCode", "Aztec", "DataMatrix", "EAN13"])
def test_other_symbologies_are_no_codes(kind: str) -> None:
    made = zxingcpp.create_barcode("400638133393", getattr(zxingcpp.BarcodeFormat, kind))
    symbol = np.array(made.to_image(scale=8, add_quiet_zones=True), np.uint8)
    frame = np.full((720, 1280), 255, np.uint8)
    frame[100 : 100 + symbol.shape[0], 100 : 100 + symbol.shape[1]] = symbol
    assert CascadeDecoder().decode(frame).readings == ()
    assert decode_still(frame).readings == ()


def test_chinese_that_does_not_name_its_character_set_is_read_as_something_and_harms_nobody() -> (
    None
):
    code = segno.make("第一排五座 票券", error="m", micro=False, encoding="gb2312")
    (text,) = _texts(CascadeDecoder().decode(make_frame(draw_symbol(code), seed=4, strength=0.3)))
    assert not text.isascii()


def test_the_largest_code_there_is_is_read_and_bounded() -> None:
    digits = "".join(random.Random(3).choices("0123456789", k=7089))
    code = segno.make(digits, error="l", micro=False)
    assert code.designator == "40-L"
    assert _texts(CascadeDecoder().decode(draw_symbol(code, module_pixels=4))) == [digits]


def test_a_code_covered_in_its_middle_is_suspected_and_not_read() -> None:
    code = render_code(TICKET_TEXT)
    middle = slice(code.shape[0] * 3 // 10, code.shape[0] * 8 // 10)
    code[middle, middle] = 255
    frame = np.full((720, 1280), 255, np.uint8)
    frame[100 : 100 + code.shape[0], 400 : 400 + code.shape[1]] = code
    assert CascadeDecoder().decode(frame) == Found(suspected=True)


def test_part_of_a_sequence_of_codes_makes_pyzbar_fail_and_harms_nobody() -> None:
    part = segno.make_sequence("A PART OF SOMETHING LONGER " * 10, symbol_count=3)[0]
    pixels = draw_symbol(part)
    pyzbar = load_pyzbar()
    assert pyzbar is not None
    assert pyzbar.decode(pixels) == Found()
    assert pyzbar.failures_count == 1
    assert len(CascadeDecoder().decode(pixels).readings) <= 1
