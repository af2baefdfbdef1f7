"""The size of a picture from its header, before anything is unpacked."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from hardware.qr.imagesize import image_size

WIDTH, HEIGHT = 77, 123


def _encoded(suffix: str, *options: int) -> bytes:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[::2] = 200
    done, data = cv2.imencode(suffix, pixels, options)
    assert done
    return data.tobytes()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_encoded(".png"), id="PNG"),
        pytest.param(_encoded(".jpg"), id="JPEG"),
        pytest.param(_encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1), id="progressive JPEG"),
        pytest.param(_encoded(".bmp"), id="BMP"),
        pytest.param(_encoded(".gif"), id="GIF"),
        pytest.param(_encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 80), id="lossy WebP"),
        pytest.param(_encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101), id="lossless WebP"),
        pytest.param(_encoded(".ppm"), id="PPM"),
        pytest.param(b"P5\n# a comment\n77 \n# and one more\n123\n255\n", id="PGM with comments"),
        pytest.param(b"BM" + bytes(12) + struct.pack("<IHH", 12, WIDTH, HEIGHT), id="BMP of OS/2"),
        pytest.param(
            b"BM" + bytes(12) + struct.pack("<Iii", 40, WIDTH, -HEIGHT), id="BMP from the top"
        ),
        pytest.param(
            b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + bytes((WIDTH - 1, 0, 0, HEIGHT - 1, 0, 0)),
            id="extended WebP",
        ),
        pytest.param(
            b"\xff\xd8\xff\xff\xff\x01\xff\xc4\x00\x04ab\xff\xc2\x00\x11\x08"
            + struct.pack(">HH", HEIGHT, WIDTH),
            id="JPEG with fill bytes, a bare marker and tables first",
        ),
    ],
)
def test_the_size_is_in_the_header(data: bytes) -> None:
    assert image_size(data) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"%PDF-1.7\n", id="a PDF"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0", id="PNG cut"),
        pytest.param(b"GIF89a\x01", id="GIF cut"),
        pytest.param(b"BM\0\0", id="BMP cut"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8X" + bytes(11), id="WebP cut"),
        pytest.param(b"RIFF\0\0\0\0WEBPALPH" + bytes(30), id="WebP of an unknown kind"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10", id="JPEG cut"),
        pytest.param(
            b"\xff\xd8\xff\xe0\x00\x02\x00\x00", id="JPEG with no marker where one is due"
        ),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x00" + b"\xff\xe0\x00\x00" * 9, id="JPEG in a circle"),
        pytest.param(b"P6 ten 20 255\n", id="PNM in words"),
        pytest.param(b"P6" + b" " * 100_000, id="PNM of spaces"),
    ],
)
def test_no_size_where_the_header_has_none(data: bytes) -> None:
    assert image_size(data) is None
