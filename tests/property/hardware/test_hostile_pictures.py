"""Whatever is held before the camera, and whatever a file holds, nothing raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import segno
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hardware.qr import CascadeDecoder, ZxingDecoder, load_pyzbar
from hardware.qr.imagesize import image_size
from hardware.qr.stills import decode_still
from tests.fakes.examples import examples
from tests.fakes.frames import draw_symbol, render_code

HEADS = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF\0\0\0\0WEBP", b"P5 "]
shapes = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=40)
types = st.sampled_from([np.uint8, np.int8, np.uint16, np.float32, np.bool_])
anything = types.flatmap(lambda kind: arrays.arrays(kind, shapes))


@given(anything)
def test_the_camera_decoder_takes_any_array(frame: np.ndarray[Any, Any]) -> None:
    assert CascadeDecoder().decode(frame).readings == ()


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=examples(40))
@example(b"\xb2\xe2\xca\xd4")  # GBK
@example("測試 ✓".encode())
@example(b"\xff\xfe\x00\x00\xd8\x00")
def test_no_content_of_a_code_makes_a_decoder_raise(content: bytes) -> None:
    code = segno.make(content, mode="byte", error="m", micro=False, boost_error=False)
    pixels = draw_symbol(code, module_pixels=3)
    pyzbar = load_pyzbar()
    assert pyzbar is not None
    for decoder in (ZxingDecoder(), pyzbar, CascadeDecoder()):
        for reading in decoder.decode(pixels).readings:
            assert reading.text
            assert reading.decoder == "zxing-cpp" or reading.text.isascii()


@given(st.integers(0, 2**32 - 1), st.integers(1, 400))
@settings(max_examples=examples(25))
def test_a_code_with_damaged_modules_is_read_right_or_not_at_all(seed: int, count: int) -> None:
    text = "A7" * 40
    pixels = render_code(text, module_pixels=1)
    chance = np.random.default_rng(seed)
    rows, columns = (chance.integers(4, side - 4, count) for side in pixels.shape)
    pixels[rows, columns] ^= 255
    large = np.kron(pixels, np.ones((4, 4), np.uint8))
    assert {reading.text for reading in decode_still(large).readings} <= {text}


@given(st.sampled_from(HEADS), st.binary(max_size=200))
def test_any_header_has_a_size_or_none(head: bytes, rest: bytes) -> None:
    size = image_size(head + rest)
    assert size is None or all(side >= 0 for side in size)
