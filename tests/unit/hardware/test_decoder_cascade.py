"""Which decoder looks at which frame, and when."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import zxingcpp

from hardware.qr import (
    CascadeDecoder,
    Decoder,
    Found,
    PyzbarDecoder,
    Reading,
    ZxingDecoder,
    as_grey,
    cascade,
    load_pyzbar,
)
from hardware.qr.decoder import Grey
from hardware.qr.prepared import PreparedDecoder, scaled_by

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
READ = Found((Reading("TEXT", "scripted", SQUARE),))
SUSPECTED = Found(suspected=True)
FRAME = np.zeros((20, 30), np.uint8)


class ScriptedDecoder:
    """Answers always the same and counts how often it was asked."""

    name = "scripted"

    def __init__(self, answer: Found) -> None:
        self.answer = answer
        self.calls_count = 0

    def decode(self, grey: Grey) -> Found:
        del grey
        self.calls_count += 1
        return self.answer


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _cascade(first: Found, *fallbacks: Decoder, clock: Clock | None = None) -> CascadeDecoder:
    return CascadeDecoder(ScriptedDecoder(first), fallbacks, clock=clock or Clock())


def test_a_frame_that_the_first_decoder_reads_reaches_no_other() -> None:
    fallback = ScriptedDecoder(READ)
    assert _cascade(READ, fallback).decode(FRAME) == READ
    assert fallback.calls_count == 0


def test_an_empty_frame_reaches_no_fallback() -> None:
    fallback = ScriptedDecoder(READ)
    assert _cascade(Found(), fallback).decode(FRAME) == Found()
    assert fallback.calls_count == 0


def test_a_suspected_code_goes_through_the_fallbacks_until_one_reads_it() -> None:
    blind, seeing, idle = ScriptedDecoder(Found()), ScriptedDecoder(READ), ScriptedDecoder(READ)
    assert _cascade(SUSPECTED, blind, seeing, idle).decode(FRAME) == READ
    assert [each.calls_count for each in (blind, seeing, idle)] == [1, 1, 0]


def test_a_code_that_nobody_reads_stays_suspected() -> None:
    assert _cascade(SUSPECTED, ScriptedDecoder(Found())).decode(FRAME) == SUSPECTED


def test_the_fallbacks_run_five_times_a_second_at_most() -> None:
    clock, fallback = Clock(), ScriptedDecoder(Found())
    decoder = _cascade(SUSPECTED, fallback, clock=clock)
    for frame in range(32):
        clock.now = 100.0 + frame / 32
        decoder.decode(FRAME)
    assert fallback.calls_count == 5


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(None, id="none"),
        pytest.param("a frame", id="a text"),
        pytest.param(np.zeros((0, 0), np.uint8), id="empty"),
        pytest.param(np.zeros((0, 40, 3), np.uint8), id="no rows"),
        pytest.param(np.zeros((9, 9), np.float32), id="floats"),
        pytest.param(np.zeros((9, 9), np.bool_), id="booleans"),
        pytest.param(np.zeros((9, 9), object), id="objects"),
        pytest.param(np.zeros(9, np.uint8), id="one dimension"),
        pytest.param(np.zeros((9, 9, 2), np.uint8), id="two channels"),
        pytest.param(np.zeros((9, 9, 9, 3), np.uint8), id="four dimensions"),
        pytest.param(np.zeros((1, 1), np.uint8), id="one pixel"),
        pytest.param(np.zeros((1, 5000), np.uint8), id="one row"),
        pytest.param(np.zeros((5000, 1, 3), np.uint8), id="one column in colour"),
        pytest.param(np.zeros((40, 40, 3), np.uint8)[::-1, ::2], id="a view with strides"),
    ],
)
def test_no_frame_makes_it_raise(frame: object) -> None:
    assert CascadeDecoder().decode(frame).readings == ()


def test_colour_is_turned_into_grey() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[:, :, 2] = 255
    grey = as_grey(red)
    assert grey is not None
    assert grey.tolist() == [[76, 76], [76, 76]]
    assert as_grey(np.full((2, 2, 4), 255, np.uint8)) is not None
    assert as_grey(np.full((2, 2, 1), 7, np.uint8)) is not None


def test_a_failure_in_zxing_is_counted_and_means_nothing_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")

    monkeypatch.setattr(zxingcpp, "read_barcodes", explode)
    decoder = ZxingDecoder()
    assert decoder.decode(FRAME) == Found()
    assert decoder.failures_count == 1


def _pyzbar_giving(*symbols: SimpleNamespace) -> PyzbarDecoder:
    library = SimpleNamespace(
        ZBarSymbol=SimpleNamespace(QRCODE=64), decode=lambda *_, **__: list(symbols)
    )
    return PyzbarDecoder(library)  # type: ignore[arg-type]  # the module's two names are enough


def _symbol(data: bytes, corners_count: int) -> SimpleNamespace:
    ring = [SimpleNamespace(x=x, y=y) for x, y in ((1, 1), (9, 2), (8, 9), (2, 8), (1, 5))]
    rect = SimpleNamespace(left=1, top=1, width=8, height=8)
    return SimpleNamespace(data=data, polygon=ring[:corners_count], rect=rect)


def test_pyzbars_text_counts_only_when_it_is_ascii() -> None:
    decoder = _pyzbar_giving(_symbol("測試".encode(), 4), _symbol(b"", 4), _symbol(b"ABC", 4))
    assert [reading.text for reading in decoder.decode(FRAME).readings] == ["ABC"]


def test_an_outline_without_four_corners_becomes_the_box_around_it() -> None:
    four, five = _pyzbar_giving(_symbol(b"A", 4), _symbol(b"B", 5)).decode(FRAME).readings
    assert four.corners == ((1.0, 1.0), (9.0, 2.0), (8.0, 9.0), (2.0, 8.0))
    assert five.corners == ((1.0, 1.0), (9.0, 1.0), (9.0, 9.0), (1.0, 9.0))


def test_without_zbar_the_cascade_works_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pyzbar", None)
    monkeypatch.setitem(sys.modules, "pyzbar.pyzbar", None)
    assert load_pyzbar() is None
    assert {each.name for each in cascade.camera_fallbacks()} == {"zxing-cpp"}
    assert "no second opinion" in caplog.text


def test_corners_are_those_of_the_picture_before_it_was_enlarged() -> None:
    enlarged = PreparedDecoder(ScriptedDecoder(READ), scaled_by(2.0), 2.0)
    (reading,) = enlarged.decode(FRAME).readings
    assert reading.corners == ((0.0, 0.0), (5.0, 0.0), (5.0, 5.0), (0.0, 5.0))
    assert reading.centre == (2.5, 2.5)
    assert enlarged.name == "scripted"


def test_a_picture_that_cannot_be_reworked_is_nothing_found() -> None:
    def refuse(_: Grey) -> Grey:
        raise cv2.error("too small")

    assert PreparedDecoder(ScriptedDecoder(READ), refuse).decode(FRAME) == Found()


def test_a_frame_that_opencv_cannot_convert_is_nothing_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> Grey:
        raise cv2.error("no")

    monkeypatch.setattr(cascade, "as_grey", refuse)
    assert _cascade(READ).decode(FRAME) == Found()
