"""`decode_image_file`: every file has a result, and a bad one a sentence."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from hardware.qr import decode_image_file
from hardware.qr.stills import decode_still
from tests.fakes.frames import Pixels, make_frame, render_code, write_frame

TEXT = "BXG1" + "A7" * 40


def _png_claiming(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk


def _encoded(suffix: str, pixels: Pixels) -> bytes:
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return data.tobytes()


def test_a_record_has_its_fields_in_the_documented_order(tmp_path: Path) -> None:
    path = tmp_path / "门票 1.png"
    write_frame(path, make_frame(render_code(TEXT), seed=1))
    result = decode_image_file(path)
    record = result.to_record()
    assert list(record) == ["image", "text", "decoder", "milliseconds", "codes", "error"]
    assert record["image"] == str(path)
    assert (record["text"], record["decoder"], record["error"]) == (TEXT, "zxing-cpp", None)
    assert result.milliseconds > 0
    (code,) = record["codes"]
    assert list(code) == ["text", "decoder", "corners"]
    assert [len(corner) for corner in code["corners"]] == [2, 2, 2, 2]
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".gif", ".pgm"])
def test_every_known_format_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ticket{suffix}"
    code = render_code(TEXT)
    # OpenCV writes GIF only in colour.
    path.write_bytes(_encoded(suffix, np.dstack([code] * 3) if suffix == ".gif" else code))
    assert decode_image_file(path).text == TEXT


def test_a_picture_without_a_code_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    path.write_bytes(_encoded(".png", np.full((90, 120), 128, np.uint8)))
    result = decode_image_file(str(path))
    assert (result.text, result.decoder, result.codes, result.error) == (None, None, (), None)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"%PDF-1.7 not a picture", "not a picture in a known format", id="a PDF"),
        pytest.param(_png_claiming(9, 9), "is damaged", id="only a header"),
        pytest.param(_png_claiming(0, 0), "is damaged", id="no pixels"),
        pytest.param(_png_claiming(60_000, 60_000), "too large: 60000 x 60000", id="a bomb"),
        pytest.param(_png_claiming(8001, 8000), "64 megapixels are the limit", id="just above"),
    ],
)
def test_a_file_that_is_no_good_picture_says_why(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    result = decode_image_file(path)
    assert result.text is None
    assert result.error is not None
    assert part in result.error


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9])
def test_a_truncated_picture_never_raises(tmp_path: Path, suffix: str, kept: float) -> None:
    data = _encoded(suffix, make_frame(render_code(TEXT), seed=2))
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * kept)])
    result = decode_image_file(path)
    assert result.error is not None or result.text in {None, TEXT}


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.png"
    os.mkfifo(fifo)
    errors = [
        decode_image_file(path).error for path in (tmp_path / "none.png", tmp_path, fifo, "a\0b")
    ]
    assert errors == [
        "there is no such file",
        "this is a folder, not a picture",
        "this is not a regular file",
        "this is not a file name",
    ]


def test_a_name_that_is_too_long_says_so() -> None:
    error = decode_image_file("x" * 5000).error
    assert error is not None
    assert error.startswith("the file cannot be read:")


def test_a_file_larger_than_any_picture_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.bmp"
    with path.open("wb") as file:
        file.truncate(300_000_000)  # a hole, no disk is used
    error = decode_image_file(path).error
    assert error is not None
    assert "the file is too large" in error


def test_a_large_photograph_is_read(tmp_path: Path) -> None:
    photo = np.full((3000, 4000), 200, np.uint8)
    code = render_code(TEXT, module_pixels=20)
    photo[500 : 500 + code.shape[0], 900 : 900 + code.shape[1]] = code
    path = tmp_path / "photo.jpg"
    path.write_bytes(_encoded(".jpg", photo))
    assert decode_image_file(path).text == TEXT


def test_one_code_read_twice_is_given_once() -> None:
    """A readable code beside an unreadable one: the fallbacks see the first one again."""
    picture = np.full((500, 1000), 255, np.uint8)
    good, bad = render_code(TEXT, module_pixels=6), render_code(TEXT, module_pixels=6)
    middle = slice(good.shape[0] * 3 // 10, good.shape[0] * 8 // 10)
    bad[middle, middle] = 255
    for left, code in ((20, good), (500, bad)):
        picture[50 : 50 + code.shape[0], left : left + code.shape[1]] = code
    found = decode_still(picture)
    assert [reading.text for reading in found.readings] == [TEXT]
